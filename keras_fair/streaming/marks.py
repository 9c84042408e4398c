"""Marks by which processes that share a state see whose increments are in it.

    origin    a word that is drawn when a state begins
    swaps     how many increments came since
    writers   by process, the number of its last increment, and which swap that was

A process whose answer got lost looks for its mark. Marks of the last thousand swaps are kept; who hears
nothing for longer can't tell any more.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

__all__ = ["REMEMBERED", "Marks"]

REMEMBERED = 1000  # swaps


@dataclass(frozen=True)
class Marks:
    """The marks in a state, see above."""

    origin: str
    swaps: int
    writers: dict[str, tuple[int, int]]

    @classmethod
    def new(cls) -> Marks:
        """Those of a state that begins."""
        return cls(secrets.token_hex(8), 0, {})

    @classmethod
    def of(cls, saved: Any) -> Marks:
        """The marks that `to_dict` gave.

        Raises:
            ValueError: it gave no such thing.
        """
        try:
            writers = {name: (turn, swap) for name, (turn, swap) in saved["writers"].items()}
            marks = cls(saved["origin"], saved["swaps"], writers)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise ValueError(f"expected 'shared' to hold marks, found {saved!a:.60}") from fault
        numbers = [marks.swaps, *(number for pair in writers.values() for number in pair)]
        if not isinstance(marks.origin, str) or not all(type(n) is int and n >= 0 for n in numbers):
            raise ValueError(f"expected 'shared' to hold marks, found {saved!a:.60}")
        return marks

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        writers = {name: list(mark) for name, mark in self.writers.items()}
        return {"origin": self.origin, "swaps": self.swaps, "writers": writers}

    def after(self, writer: str, turn: int) -> Marks:
        """The marks after one more increment."""
        swaps = self.swaps + 1
        kept = {name: mark for name, mark in self.writers.items() if mark[1] > swaps - REMEMBERED}
        return Marks(self.origin, swaps, {**kept, writer: (turn, swaps)})

    def are_before(self, later: Marks, writer: str) -> bool:
        """Whether the swap that left these marks is among those of others, by the mark of its writer."""
        mine = later.writers.get(writer)
        return self.origin == later.origin and mine is not None and mine[0] == self.writers[writer][0]

    def went_back(self, later: Marks, writer: str) -> bool:
        """Whether what was there before is not in a later state, as far as a writer can tell."""
        turn, swap = self.writers.get(writer, (0, 0))
        lost = turn > later.writers.get(writer, (0, 0))[0] and later.swaps - swap < REMEMBERED
        return self.origin == later.origin and (later.swaps < self.swaps or lost)

    def may_be_forgotten(self, later: Marks) -> bool:
        """Whether so many swaps came since that the mark would not be there any more."""
        return self.origin == later.origin and later.swaps - self.swaps >= REMEMBERED
