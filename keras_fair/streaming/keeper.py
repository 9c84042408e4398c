"""The streams of one `StreamingFairness`, the lock they share, where they are saved, and what was saved.

Calls of several threads take turns on the lock. What is not saved yet is saved when a stream is let go, and
when the interpreter ends (`keras_fair.streaming.closing`).
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_fair.layers.streamed import StreamedLayer
from keras_fair.streaming.closing import close, close_at_exit, close_others
from keras_fair.streaming.report import StreamReport
from keras_fair.streaming.saving import InStore, Saving
from keras_fair.streaming.state_document import StateDocument
from keras_fair.streaming.state_file import StateFile
from keras_fair.streaming.stream_set import StreamSet
from keras_fair.streaming.watch import Watch

__all__ = ["Keeper"]


class Keeper:
    """The streams, their lock, and where they are saved.

    Attributes:
        lock: held while anything changes; whoever reads several things holds it too.
        kept: the streams, and what was saved that none has taken up.
        saving: where the state lives and when it is saved, or None.
        watch: it is shown the violations after each batch.
        resumed: how many arrivals were saved when this began.

    Args:
        kept, saving, watch: see above.

    Raises:
        StateError: what is saved can't be used, or is of other constraints.
    """

    def __init__(self, kept: StreamSet, saving: Saving | None, watch: Watch) -> None:
        self.kept, self.saving, self.watch = kept, saving, watch
        self.lock = threading.RLock()
        if saving is not None:
            close_others(self)
            kept.refused, kept.shared = saving.refused, isinstance(saving, InStore)
            kept.go_on(saving.begin())
        self.resumed = sum(state.arrivals for state in kept.states().values())
        if self.resumed and saving is not None and not saving.asked:
            said = f"keras_fair: the stream goes on from {self.resumed:,} arrivals in {saving}"
            print(said, file=sys.stderr)
        close_at_exit(self)

    def project(self, y: Any, attributes: Any, label: Any, sample_weight: Any, ids: Any) -> np.ndarray:
        """Arrivals without a model; see `StreamingFairness.project`."""
        with self.lock:
            self._before_batch(at_once=ids is not None)
            shape = np.shape(y)
            stream = self.kept.alone(shape[1] if len(shape) == 2 else 1)
            fair = stream.project(y, attributes, label, sample_weight, ids)
            self._after_batch(at_once=ids is not None)
            return fair

    @contextmanager
    def batch(self, parts: Mapping[str, StreamedLayer]) -> Iterator[None]:
        """Run a batch of a model: states go in, and what the steps read out is taken over. If it fails,
        nothing has changed.

        Args:
            parts: the layers' parts in their streams, by name.
        """
        with self.lock:
            self._before_batch()
            for name, part in parts.items():
                if name in self.kept.streams:
                    part.set(self.kept.streams[name].vector)
            yield
            readouts = {name: part.get() for name, part in parts.items()}
            for name, (_, values) in readouts.items():
                self.kept.streams[name].check(values)
            for name, (_, values) in readouts.items():
                self.kept.streams[name].take(values)
            self._after_batch()

    def observe(self, ids: Sequence[Any], labels: Any) -> int:
        """Labels that come later; see `StreamingFairness.observe`."""
        with self.lock:
            self._before_batch(at_once=True)
            stream = self.kept.alone()
            if isinstance(self.saving, InStore):
                (name,) = self.kept.streams
                count = self.saving.observe(
                    self.kept, name, lambda state: stream.labelled(state, ids, labels)
                )
            else:
                count = stream.observe(ids, labels)
            self._after_batch()
            return count

    def reports(self) -> dict[str, StreamReport]:
        """By stream, the one of a saved state that was not used yet included."""
        with self.lock:
            self._before_batch(at_once=True)
            if not self.kept.streams and len(self.kept.saved) == 1:
                self.kept.alone()
            self._tell()
            return {name: stream.report() for name, stream in self.kept.streams.items()}

    def histories(self) -> dict[str, dict[str, Any]]:
        """By stream, see `History.to_dict`."""
        with self.lock:
            return {name: stream.course() for name, stream in self.kept.streams.items()}

    def save_rest(self) -> None:
        """Save what is not saved yet, where there is a place for it.

        Raises:
            StateError: it could not be saved.
        """
        with self.lock:
            if self.saving is not None and self.saving.unsaved(self.kept):
                self.save()

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Write all states.

        Raises:
            ValueError: there is no path.
            StateError: they can't be written.
        """
        with self.lock:
            file = None if path is None else StateFile(path)
            if file is None and self.saving is None:
                raise ValueError("expected a path to save to: give one, or state=... to the constructor")
            if self.saving is not None and (file is None or self.saving.path == file.path):
                self.saving.save(self.kept)
                self._tell()
            elif file is not None:
                if file.exists:
                    file.read()  # a file that is no state is not written over
                file.write(StateDocument(self.kept.whole(), self.kept.settings))

    def _before_batch(self, at_once: bool = False) -> None:
        if self.saving is not None:
            self.saving.before(self.kept, at_once=at_once)

    def _after_batch(self, at_once: bool = False) -> None:
        """A batch has been counted: save if it is time, then warn and call hooks."""
        if self.saving is not None:
            self.saving.after(self.kept, at_once=at_once)
        self._tell()
        if self.watch.hook is not None:
            for name, stream in self.kept.streams.items():
                self.watch.look(name, stream.violations(), stream.arrivals)

    def _tell(self) -> None:
        """Warn of what happened to what is saved, and in streams. All is safe by now, also if a warning is an
        error."""
        while self.saving is not None and self.saving.news:
            warnings.warn(self.saving.news.pop(0), stacklevel=5)
        for stream in self.kept.streams.values():
            stream.warn()

    def __del__(self) -> None:
        close(self)
