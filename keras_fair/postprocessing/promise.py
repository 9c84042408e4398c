"""What a rule promises for people not seen yet, and why there is no promise where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras_fair.errors import some_of

__all__ = ["Promise", "Unpromised"]

ASSUMPTION = (
    "the people in service are drawn like the calibration people, independently of each other: where scores, "
    "groups or their relation to the label change, the promise ends (kf.DriftMonitor watches for it)"
)


class Unpromised(ValueError):
    """These people are too few, or too unlike what is asked, for a promise."""


@dataclass(frozen=True)
class Promise:
    """Of one rule: with probability `confidence` over the calibration people, all relations hold in the
    population that they were drawn from.

    Attributes:
        confidence: in (0, 1).
        relations: what holds, as the text says it.
        people: how many people were tested.
        learnt_from: how many others the rule was learnt from; 0 where all were tested.
        method: `"monotone path"` or `"split and test"`.
        tests: by which tests.
        refused: relations that are not promised, since nobody is in one of their groups.
        assumption: under which it holds.
    """

    confidence: float
    relations: tuple[str, ...]
    people: int
    learnt_from: int
    method: str
    tests: tuple[str, ...]
    refused: tuple[str, ...] = ()
    assumption: str = ASSUMPTION

    def __str__(self) -> str:
        learnt = f", the rule learnt from {self.learnt_from:,} others" if self.learnt_from else ""
        refused = ""
        if self.refused:
            refused = f"Not promised, for nobody is in a group: {some_of(self.refused, 5, '; ')}. "
        return (
            f"With probability {self.confidence:.4g} over the calibration people, for new people: "
            f"{some_of(self.relations, 5, '; ')}. Tested on {self.people:,} people{learnt}, by "
            f"{' and '.join(self.tests)} ({self.method}). {refused}Assumed: {self.assumption}."
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        lists = {name: list(getattr(self, name)) for name in ("relations", "tests", "refused")}
        return {**vars(self), **lists}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Promise:
        """The promise that `to_dict` described."""
        lists = {name: tuple(values[name]) for name in ("relations", "tests", "refused")}
        return cls(**{**values, **lists})
