"""When the states of a stream are saved, and where: in a file of its own, or in a store that others share.

`Keeper` asks before and after each batch; here is decided what is due. A file is written whole after so many
batches. In a store, a block of arrivals begins with what the store holds by then, and ends with bringing it
what came: after so many arrivals, or when the block has become old.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from keras_fair.streaming.shared_state import SharedState, States
from keras_fair.streaming.state import StreamState
from keras_fair.streaming.state_document import StateDocument, StateError
from keras_fair.streaming.state_file import StateFile
from keras_fair.streaming.stream_set import StreamSet

__all__ = ["InFile", "InStore", "Saving"]

_FRESH = 1.0  # seconds after which arrivals do not wait any longer for the end of their block


class Saving(Protocol):
    """Where states are saved.

    Attributes:
        asked: whether the caller asked to go on from what is there, and knows of it.
        news: what people should know of what happened there; who says it takes it away.
    """

    asked: bool

    @property
    def news(self) -> list[str]:
        """See above."""

    @property
    def path(self) -> Path | None:
        """The file; None for a store."""

    def begin(self) -> States:
        """What is there already.

        Raises:
            StateError: it can't be used.
        """

    def before(self, kept: StreamSet, *, at_once: bool = False) -> None:
        """A batch comes. `at_once`: it may concern arrivals of other processes."""

    def after(self, kept: StreamSet, *, at_once: bool = False) -> None:
        """A batch was counted. `at_once`: other processes must know of it.

        Raises:
            StateError: it was time to save, and could not be.
        """

    def save(self, kept: StreamSet) -> None:
        """Save now.

        Raises:
            StateError: it could not be.
        """

    def unsaved(self, kept: StreamSet) -> bool:
        """Whether something came that is not saved."""

    def refused(self, reason: str) -> StateError:
        """The error that says why what is there can't be used."""


class InFile:
    """States in a file that no other process uses.

    Args:
        file: where.
        save_every: batches between two savings.
        asked: see `Saving`.
    """

    def __init__(self, file: StateFile, save_every: int, asked: bool = False) -> None:
        self._file, self._every, self.asked = file, save_every, asked
        self._batches, self._process = 0, os.getpid()
        self.news: list[str] = []

    def __str__(self) -> str:
        return str(self._file.path)

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def begin(self) -> States:
        """What the file holds."""
        return self._file.read().states if self._file.exists else {}

    def before(self, kept: StreamSet, *, at_once: bool = False) -> None:
        """Nothing is due."""

    def after(self, kept: StreamSet, *, at_once: bool = False) -> None:
        """Save, if it is time."""
        if self._process != os.getpid():  # what came before a fork is the parent's to save
            self._batches, self._process = 0, os.getpid()
        self._batches += 1
        if self._batches >= self._every:
            self.save(kept)

    def save(self, kept: StreamSet) -> None:
        """Write the file."""
        if self._file.write(StateDocument(kept.whole(), kept.settings)):
            self.news.append(
                f"the state in {self} was deleted while a stream was using it; it was written anew, with all "
                "arrivals"
            )
        self._batches = 0

    def unsaved(self, kept: StreamSet) -> bool:
        """Whether batches came that are not saved."""
        return self._batches > 0 and self._process == os.getpid()

    def refused(self, reason: str) -> StateError:
        """The error that says why the file can't be used."""
        return self._file.refused(reason)


class InStore:
    """States in a store that other processes share.

    Args:
        shared: this process's part in it.
        sync_every: arrivals in a block.
        asked: see `Saving`.
    """

    def __init__(self, shared: SharedState, sync_every: int, asked: bool = False) -> None:
        self._shared, self._every, self.asked = shared, sync_every, asked
        self._began: float | None = None  # when the block did, by a clock that is never set back

    def __str__(self) -> str:
        return str(self._shared)

    @property
    def path(self) -> Path | None:
        """None: it is no file."""
        return None

    def begin(self) -> States:
        """What the store holds."""
        return self._shared.refreshed({})

    def before(self, kept: StreamSet, *, at_once: bool = False) -> None:
        """Begin a block with what the store holds; end one that has become old."""
        self._check_process(kept)
        now = monotonic()
        if self._began is not None and now - self._began < _FRESH and not at_once:
            return
        if self._open(kept):
            self._bring(kept)
        mine = kept.running()
        self._adopt(kept, mine, self._shared.refreshed(mine))
        self._began = now

    def after(self, kept: StreamSet, *, at_once: bool = False) -> None:
        """End the block, if it is long enough."""
        open_arrivals = self._open(kept)
        if open_arrivals and (at_once or open_arrivals >= self._every):
            self._bring(kept)

    def observe(
        self, kept: StreamSet, name: str, labelled: Callable[[StreamState], tuple[StreamState, int]]
    ) -> int:
        """Put labels into a state in the store, once, whichever process the arrivals came to.

        Args:
            kept: its states are up to date by now.
            name: of the stream.
            labelled: the state with the labels, and how many waited for one.
        """
        count = 0

        def change(states: States) -> States:
            nonlocal count
            if name in states:
                states[name], count = labelled(states[name])
            return states

        self._shared.changed(change, self._settings(kept))
        mine = kept.running()
        self._adopt(kept, mine, self._shared.refreshed(mine))
        return count

    def save(self, kept: StreamSet) -> None:
        """Bring all that is not in the store, and look at what else is there."""
        self._check_process(kept)
        self._bring(kept, look=True)

    def unsaved(self, kept: StreamSet) -> bool:
        """Whether arrivals are not in the store."""
        self._check_process(kept)
        return self._open(kept) > 0

    def shares_with(self, other: Saving | None) -> bool:
        """Whether both have a part in one state, so that each has, or will have, the other's arrivals."""
        return isinstance(other, InStore) and self._shared.is_same(other._shared)

    def refused(self, reason: str) -> StateError:
        """The error that says why the store can't be used."""
        return self._shared.refused(reason)

    def _bring(self, kept: StreamSet, look: bool = False) -> None:
        mine = kept.running()
        self._adopt(kept, mine, self._shared.brought(mine, self._settings(kept), look=look))
        self._began = None

    def _adopt(self, kept: StreamSet, mine: States, states: States) -> None:
        """Go on from what is not what the process has already."""
        kept.adopt({name: state for name, state in states.items() if state is not mine.get(name)})

    def _settings(self, kept: StreamSet) -> dict[str, Any]:
        return {**kept.settings, "sync_every": self._every}

    def _open(self, kept: StreamSet) -> int:
        """How many arrivals are not in the store."""
        counted = self._shared.counted
        return sum(
            arrivals - (counted[name].arrivals if name in counted else 0)
            for name, arrivals in kept.arrivals().items()
        )

    def _check_process(self, kept: StreamSet) -> None:
        if self._shared.is_forked:
            self._shared.begin_process(kept.running())
            self._began = None

    @property
    def news(self) -> list[str]:
        """What people should know of what happened to the store."""
        return self._shared.news
