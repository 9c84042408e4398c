"""The streams of one `StreamingFairness`, the lock they share, the file they live in, and what was saved.

A stream is made when it is first needed, from what was saved under its name. What was saved and is not
needed is written again, so that nothing in a file is lost. Calls of several threads take turns on the lock.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_fair.constraints import ConstraintSet, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.layers.streamed import StreamedLayer
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.report import StreamReport
from keras_fair.streaming.running_stream import RunningStream
from keras_fair.streaming.state import StreamState
from keras_fair.streaming.state_document import StateDocument
from keras_fair.streaming.state_file import StateFile
from keras_fair.streaming.stream_settings import domain_of, saved_domain
from keras_fair.streaming.watch import Watch

__all__ = ["ALONE", "Keeper"]

ALONE = "stream"  # the name of a stream that is of no layer


class Keeper:
    """The streams and their file.

    Attributes:
        lock: held while anything changes; whoever reads several things holds it too.
        streams: by name.
        saved: states by name that no stream has taken up yet.

    Args:
        constraints: of a stream without a model, or None.
        rule: how streams are held; layers bring their own domain and divergence.
        vocabulary: of a stream without a model, or None to learn it.
        window: how many arrivals wait for their label at most.
        file: where the state lives, or None.
        save_every: batches between two savings.
        watch: it is shown the violations after each batch.

    Raises:
        StateError: the file can't be used, or is of other constraints.
    """

    def __init__(
        self,
        constraints: ConstraintSet | None,
        rule: StreamRule,
        vocabulary: Vocabulary | None,
        window: int,
        file: StateFile | None,
        save_every: int,
        watch: Watch,
    ) -> None:
        self.constraints, self.rule, self.vocabulary = constraints, rule, vocabulary
        self._window, self._file, self._save_every, self.watch = window, file, save_every, watch
        self.lock = threading.RLock()
        self.streams: dict[str, RunningStream] = {}
        self.saved: dict[str, StreamState] = {}
        self._batches = 0
        if file is not None and file.exists:
            self.saved = file.read().states
            if constraints is not None:
                self._check_saved(constraints)

    @property
    def settings(self) -> dict[str, Any]:
        """What decides how a stream goes on, beside its state."""
        rule = self.rule
        divergences = {stream.rule.divergence for stream in self.streams.values()}
        return {
            "divergence": divergences.pop() if len(divergences) == 1 else rule.divergence,
            "step": rule.step,
            "margin": rule.margin,
            "guard": rule.guard,
            "half_life": None if rule.half_life == float("inf") else rule.half_life,
            "save_every": self._save_every,
            "window": self._window,
            "learns": self.vocabulary is None or self.vocabulary.is_empty,
        }

    def project(self, y: Any, attributes: Any, label: Any, sample_weight: Any, ids: Any) -> np.ndarray:
        """Arrivals without a model; see `StreamingFairness.project`."""
        with self.lock:
            shape = np.shape(y)
            stream = self.alone(shape[1] if len(shape) == 2 else 1)
            fair = stream.project(y, attributes, label, sample_weight, ids)
            self._after_batch()
            return fair

    @contextmanager
    def batch(self, parts: Mapping[str, StreamedLayer]) -> Iterator[None]:
        """Run a batch of a model: states go in, and what the steps read out is taken over. If it fails,
        nothing has changed.

        Args:
            parts: the layers' parts in their streams, by name.
        """
        with self.lock:
            for name, part in parts.items():
                if name in self.streams:
                    part.set(self.streams[name].vector)
            yield
            readouts = {name: part.get() for name, part in parts.items()}
            for name, (_, values) in readouts.items():
                self.streams[name].check(values)
            for name, (_, values) in readouts.items():
                self.streams[name].take(values)
            self._after_batch()

    def observe(self, ids: Sequence[Any], labels: Any) -> int:
        """Labels that come later; see `StreamingFairness.observe`."""
        with self.lock:
            count = self.alone().observe(ids, labels)
            self._after_batch()
            return count

    def reports(self) -> dict[str, StreamReport]:
        """By stream, the one of a saved state that was not used yet included."""
        with self.lock:
            if not self.streams and len(self.saved) == 1:
                self.alone()
            return {name: stream.report() for name, stream in self.streams.items()}

    def histories(self) -> dict[str, dict[str, Any]]:
        """By stream, see `History.to_dict`."""
        with self.lock:
            return {name: stream.course() for name, stream in self.streams.items()}

    def alone(self, outputs: int | None = None) -> RunningStream:
        """The stream that is of no layer, or else the only one there is.

        Args:
            outputs: how many outputs predictions have, where it must be made.

        Raises:
            ValueError: there is none and nothing says what it should hold, or there are several.
        """
        if len(self.streams) == 1:
            (name,) = self.streams
            if not (name == ALONE and self.streams[name].other_outputs(outputs)):
                return self.streams[name]
            del self.streams[name]  # nothing has arrived; it was made for a number of outputs that was wrong
        elif self.streams:
            raise ValueError(
                f"expected a stream of one layer, received one of the layers {sorted(self.streams)}: which "
                "is meant can't be told"
            )
        state = self._claimed(ALONE)
        constraints, rule = self.constraints, self.rule
        if constraints is None:
            if state is None:
                raise ValueError(
                    "expected constraints, a state that has them, or a model that was streamed; received none"
                )
            constraints = parse(state.constraints)
            rule = rule._replace(domain=check_domain(domain_of(state.domain)))
        outputs = outputs or (1 if state is None else state.outputs)
        return self._made(ALONE, state, constraints, rule, outputs, vocabulary=self.vocabulary)

    def of_layer(
        self, name: str, constraints: ConstraintSet, rule: StreamRule, plan: RowPlan
    ) -> RunningStream:
        """The stream of a layer; one that served without a model goes on as that of the layer.

        Raises:
            StateError: what was saved is of other constraints.
        """
        stream = self.streams.get(name)
        if stream is not None:
            stream.check_plan(constraints, plan)
            return stream
        alone = self.streams.get(ALONE)
        state = self._claimed(name) if alone is None else alone.state
        if alone is not None and alone.untouched:
            state = None
        return self._made(name, state, constraints, rule, plan.outputs.count, plan=plan)

    def after_run(self) -> None:
        """A run of a model has ended: save what is not saved yet."""
        with self.lock:
            if self._file is not None and self._batches:
                self.save()

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Write all states.

        Raises:
            ValueError: there is no path.
            StateError: they can't be written.
        """
        with self.lock:
            file = self._file if path is None else StateFile(path)
            if file is None:
                raise ValueError("expected a path to save to: give one, or state=... to the constructor")
            if self._file is not None and file.path == self._file.path:
                file = self._file
            elif file.exists:
                file.read()  # a file that is no state is not written over
            file.write(StateDocument(self.states() or self._unused(), self.settings))
            if file is self._file:
                self._batches = 0

    def states(self) -> dict[str, StreamState]:
        """All states by name, those that were saved and not needed yet included."""
        return {**self.saved, **{name: stream.state for name, stream in self.streams.items()}}

    def _after_batch(self) -> None:
        """A batch has been counted: save if it is time, then warn and call hooks."""
        self._batches += 1
        if self._file is not None and self._batches >= self._save_every:
            self.save()
        for stream in self.streams.values():
            stream.warn()
        for name, stream in self.streams.items():
            self.watch.look(name, stream.violations(), stream.arrivals)

    def _check_saved(self, constraints: ConstraintSet) -> None:
        """Check that what was saved is of these constraints."""
        for name, state in self.saved.items():
            if state.constraints != str(constraints):
                assert self._file is not None
                raise self._file.refused(
                    f"that of {name!r} is of other constraints: expected {str(constraints)!r}, found "
                    f"{state.constraints!r}"
                )
        if len(self.saved) == 1 and any(state.arrivals for state in self.saved.values()):
            self.alone()

    def _unused(self) -> dict[str, StreamState]:
        """A state for constraints that nothing has arrived for."""
        if self.constraints is None:
            return {}
        vocabulary = (self.vocabulary or Vocabulary()).get_config()
        return {ALONE: StreamState(str(self.constraints), saved_domain(self.rule.domain), 1, vocabulary)}

    def _claimed(self, name: str) -> StreamState | None:
        """What was saved under a name. A state that is alone in a file is meant by any name."""
        if name in self.saved:
            return self.saved[name]
        only_one = len(self.saved) == 1 and not self.streams
        return next(iter(self.saved.values())) if only_one else None

    def _made(
        self,
        name: str,
        state: StreamState | None,
        constraints: ConstraintSet,
        rule: StreamRule,
        outputs: int,
        *,
        vocabulary: Vocabulary | None = None,
        plan: RowPlan | None = None,
    ) -> RunningStream:
        """A new stream, put under its name, in the place of the one that is of no layer. It takes up `state`,
        which is among the saved ones no more."""
        goes_on = state
        if state is not None and not state.arrivals and state.constraints == str(constraints):
            goes_on = None  # nothing has arrived, so it may be of any domain and number of outputs
        try:
            made = RunningStream(constraints, rule, outputs, vocabulary, self._window, goes_on, plan)
        except ValueError as fault:
            if goes_on is None or self._file is None:
                raise
            raise self._file.refused(str(fault)) from fault
        self.streams.pop(ALONE, None)
        self.streams[name] = made
        self.saved = {key: other for key, other in self.saved.items() if other is not state}
        return made
