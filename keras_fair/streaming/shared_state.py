"""A state that several processes hold together, in a store.

Each process works on what it has seen, and now and then brings what it added: it loads what the store holds,
puts its increment on top (`keras_fair.streaming.increments`) and swaps the result in, if nobody else did
meanwhile; else it begins again. So the store always holds the state of one stream, to which the increments
came one after the other.

**Nothing is counted twice.** Each process writes its mark with each increment: who it is, and its how manieth
increment this is. If an answer gets lost, it finds its mark in what it loads next, or not. Marks of the last
thousand swaps are kept. A process that hears nothing for longer refuses to guess.
"""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras_fair.streaming.increments import increased
from keras_fair.streaming.marks import REMEMBERED, Marks
from keras_fair.streaming.state import StreamState
from keras_fair.streaming.state_document import StateDocument, StateError
from keras_fair.streaming.stores import Store

__all__ = ["SharedState", "States"]

States = dict[str, StreamState]

_SECONDS = 30.0  # after which a swap that others forestall each time is given up
_PAUSE = 0.002  # seconds, the mean before the second try; then twice that, and so on
_LONGEST_PAUSE = 0.1


@dataclass(frozen=True)
class _Attempt:
    """A swap whose outcome is not known yet: the marks that it would leave, and what was to be counted by it
    (None: labels)."""

    marks: Marks
    mine: States | None


class SharedState:
    """One process's part in a state that a store holds.

    Args:
        store: see `keras_fair.streaming.stores`.
        half_life: in arrivals, or infinity.
        window: how many arrivals may wait for their label.

    Attributes:
        counted: by stream, what of this process's state is in the store.
        news: what people should know of what happened to the store.
    """

    def __init__(self, store: Store, half_life: float, window: int) -> None:
        self._store, self._half_life, self._window = store, half_life, window
        self._text: str | None = None  # what the store held when it was last seen
        self._seen: str | None = None  # what it held when this process's state was put on top of it
        self._states: States = {}  # what that said
        self._marks: Marks | None = None
        self._attempt: _Attempt | None = None
        self._process, self._writer, self._turn = os.getpid(), secrets.token_hex(8), 0
        self.counted: States = {}
        self.news: list[str] = []

    def __str__(self) -> str:
        return self.named(self._store)

    @staticmethod
    def named(store: Store) -> str:
        """What a store is called in messages."""
        own = type(store).__str__ is not object.__str__
        return str(store) if own else f"the store of type {type(store).__name__}"

    def is_same(self, other: SharedState) -> bool:
        """Whether the other has a part in the same state."""
        own = type(self._store).__str__ is not object.__str__
        return self._store is other._store or (own and str(self._store) == str(other._store))

    @property
    def is_forked(self) -> bool:
        """Whether this process is a fork of the one that worked with it before."""
        return self._process != os.getpid()

    def begin_process(self, mine: States) -> None:
        """A forked process has a copy of what its parent is about to bring: that is the parent's."""
        self._process, self._writer, self._turn = os.getpid(), secrets.token_hex(8), 0
        self._attempt, self.counted = None, dict(mine)

    def refreshed(self, mine: States) -> States:
        """What this process sees, `mine` by stream, on top of what the store holds by now.

        Raises:
            StateError: the store can't be used.
        """
        self._look()
        if self._text == self._seen:
            return mine
        merged = self._merged(mine)
        self.counted, self._seen = dict(self._states), self._text
        return merged

    def brought(self, mine: States, settings: dict[str, Any], *, look: bool = False) -> States:
        """What this process sees on top of what the store holds, now that the store holds the same.

        Args:
            mine: what this process has seen, by stream.
            settings: to be kept with the states.
            look: whether to look first at what the store holds; else that is tried which it held last.

        Raises:
            StateError: the store can't be used, or it can't be told whether an earlier increment was counted.
        """
        if look:
            self._look()
        return self._swapped(lambda: self._merged(mine), settings, mine)

    def changed(self, change: Callable[[States], States], settings: dict[str, Any]) -> None:
        """Change what the store holds, whatever this process has still to bring. The change may be asked for
        more than once, and must do nothing where it was made already.

        Raises:
            StateError: the store can't be used.
        """
        self._look()
        self._swapped(lambda: change(dict(self._states)), settings, None)

    def refused(self, reason: str) -> StateError:
        """The error that says why the store can't be used."""
        return StateError(f"can't use the state in {self}: {reason}. The store was left as it is")

    def _swapped(self, change: Callable[[], States], settings: dict[str, Any], mine: States | None) -> States:
        """Swap what `change` gives into the store, and again where others were first."""
        begun, pause = time.monotonic(), _PAUSE
        if self._attempt is not None:
            self._look()
        while True:
            states = change()
            if states == self._states and self._text is not None:
                if mine is not None:
                    self.counted, self._seen = dict(states), self._text
                return states
            self._turn += 1
            marks = (self._marks or Marks.new()).after(self._writer, self._turn)
            text = StateDocument(states, settings, marks.to_dict()).text()
            self._attempt = _Attempt(marks, mine)
            done = self._store.compare_and_swap(self._text, text)
            if not isinstance(done, (bool, int)):
                raise StateError(
                    f"expected compare_and_swap of {self} to give True or False, received {done!r}"
                )
            if done:
                self._text, self._states, self._marks, self._attempt = text, states, marks, None
                if mine is not None:
                    self.counted, self._seen = dict(states), text
                return states
            if time.monotonic() - begun > _SECONDS:
                raise StateError(
                    f"can't write the state to {self}: for {_SECONDS:g} s others changed it each time before "
                    "this process could; nothing is lost, the next call tries again"
                )
            time.sleep(random.uniform(0.0, 2.0 * pause))
            pause = min(2.0 * pause, _LONGEST_PAUSE)
            if self._look() and mine is None:
                return self._states

    def _look(self) -> bool:
        """Look at what the store holds.

        Returns:
            Whether it shows that a swap was made of which the answer was lost.
        """
        text = self._store.load()
        if text is not None and not isinstance(text, str):
            raise StateError(f"expected load of {self} to give text or None, received {type(text).__name__}")
        attempt, known = self._attempt, self._marks
        if text == self._text:
            self._attempt = None  # no two texts are the same, so nothing was swapped
            return False
        if text is None:
            # All that this process has seen goes back into it, by the swap that comes next.
            self.news.append(
                f"the state in {self} was deleted; it is written anew, with all arrivals that this process "
                "knows of"
            )
            self._text = self._attempt = None
            return False
        try:
            document = StateDocument.read(text)
            marks = Marks.of(document.shared)
        except ValueError as fault:
            raise self.refused(str(fault)) from fault
        found = attempt is not None and attempt.marks.are_before(marks, self._writer)
        if attempt is not None and not found and attempt.marks.may_be_forgotten(marks):
            raise StateError(
                f"can't tell whether an increment of this process was counted in {self}: its answer was "
                f"lost, and {REMEMBERED} others came since. Nothing more of this process is counted; save it "
                "elsewhere, or begin again from the store"
            )
        if known is not None and marks.origin != known.origin:
            self.news.append(f"the state in {self} was begun anew; what was in it before is there no more")
        elif known is not None and known.went_back(marks, self._writer):
            self.news.append(
                f"the state in {self} went back to an earlier one; what was brought since is there no more"
            )
        if attempt is not None and found and attempt.mine is not None:
            self.counted = attempt.mine
        self._text, self._states, self._marks, self._attempt = text, document.states, marks, None
        return found

    def _merged(self, mine: States) -> States:
        """What this process adds, on top of what the store holds."""
        merged = dict(self._states)
        for name, state in mine.items():
            try:
                merged[name], twice = increased(
                    state,
                    self.counted.get(name),
                    self._states.get(name),
                    half_life=self._half_life,
                    window=self._window,
                )
            except ValueError as fault:
                raise self.refused(str(fault)) from fault
            for one in twice:
                said = (
                    f"an arrival of the id {one!r} waits for its label in another process; the one here "
                    "keeps the probability that stood in"
                )
                if said not in self.news:  # a swap may be tried more than once
                    self.news.append(said)
        return merged
