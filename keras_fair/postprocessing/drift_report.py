"""What a drift monitor says: alarms, and where each inequality stands."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from keras_fair.errors import quoted

__all__ = ["DriftAlarm", "DriftReport", "DriftRow"]


@dataclass(frozen=True)
class DriftAlarm:
    """A promise that doesn't hold any more, as far as can be told.

    Attributes:
        relation: the name of the relation.
        row: its inequality, as a formula.
        people: after how many people, of the monitor that raised it.
        observations: after how many observations of the inequality.
        evidence: what it had come to; threshold: from which on there is an alarm.
    """

    relation: str
    row: str
    people: int
    observations: int
    evidence: float
    threshold: float

    def __str__(self) -> str:
        return (
            f"{self.row} does not hold: told after {self.people:,} people and {self.observations:,} "
            f"observations (evidence {_short(self.evidence)}, alarm from {self.threshold:,.0f})"
        )


@dataclass(frozen=True)
class DriftRow:
    """One inequality.

    Attributes:
        relation: the name of the relation.
        row: the inequality, as a formula.
        bound: its right side, a number.
        mean: of its left side over all observations so far; NaN without any. It takes in what was before a
            drift.
        observations: how many there are: pairs of groups, or people where one group is looked at.
        people: how many people these are of.
        needs_label: whether people count once their label is known.
        evidence: now; largest: so far; threshold: from which on there is an alarm.
        alarm: the first, or None.
    """

    relation: str
    row: str
    bound: float
    mean: float
    observations: int
    people: int
    needs_label: bool
    evidence: float
    largest: float
    threshold: float
    alarm: DriftAlarm | None

    def __str__(self) -> str:
        mean = "nothing observed" if math.isnan(self.mean) else f"{self.mean:.4g} so far"
        mark = "ALARM" if self.alarm else "quiet"
        counts = f"{self.observations:,} observations of {self.people:,} people"
        now = f"evidence {_short(self.evidence)}, alarm from {self.threshold:,.0f}"
        return f"{mark}  {self.row}: {mean}, {counts}; {now}"


@dataclass(frozen=True)
class DriftReport:
    """Where a drift monitor stands.

    Attributes:
        rows: the inequalities that are watched.
        people: how many were observed.
        awaited: how many of these had no label, where one is needed.
        alpha: the level of the monitor; kind: what it bounds.
        monitors: how many were merged into this one, itself included.
        unknown: how many people were of a group that the rule doesn't know.
        outside: by attribute, how many people have a value outside the vocabulary; missing: how many have
            none.
        unwatched: by relation, why it isn't watched.
        notes: what else has to be known.
    """

    rows: tuple[DriftRow, ...]
    people: int
    awaited: int
    alpha: float
    kind: str
    monitors: int
    unknown: int
    outside: dict[str, int]
    missing: dict[str, int]
    unwatched: dict[str, str]
    notes: tuple[str, ...]

    @property
    def alarms(self) -> tuple[DriftAlarm, ...]:
        """The alarms, one at most for each inequality."""
        return tuple(row.alarm for row in self.rows if row.alarm is not None)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; NaN is None."""
        values = asdict(self)
        for row in values["rows"]:
            row["mean"] = None if math.isnan(row["mean"]) else row["mean"]
        return {**values, "alarms": [asdict(alarm) for alarm in self.alarms]}

    def __str__(self) -> str:
        return "\n".join([self._heading(), *(f"  {row}" for row in self.rows), *self._sentences()])

    def _heading(self) -> str:
        count = len(self.rows)
        rows = f"{count} {'inequality' if count == 1 else 'inequalities'}"
        each = "" if count == 1 else f", {self.alpha / count:.3g} for each"
        level = f"false alarms at most {self.alpha:.3g}{each}"
        if self.kind == "average run length":
            level = f"a false alarm once in {1 / self.alpha:,.0f} observations at most, on average"
        return f"Drift of {rows} over {self.people:,} people; {level}."

    def _sentences(self) -> list[str]:
        said = list(self.notes)
        if self.awaited:
            said.append(f"{_people(self.awaited)} without a label so far: not counted where it is needed.")
        if self.unknown:
            of = "of a group that the rule doesn't know"
            said.append(f"{_people(self.unknown)} {of}: their scores were left as they are.")
        for name, count in self.outside.items():
            of = f"with a value of {name} outside the vocabulary"
            said.append(f"{_people(count)} {of}: in no group of {name}.")
        for name, count in self.missing.items():
            said.append(f"{_people(count)} without a value of {name}.")
        if self.monitors > 1:
            said.append(
                f"Merged from {self.monitors} monitors. The level is that of each of them, and of the whole; "
                "the alarm of a part stays."
            )
        said += [f"Not watched: {quoted(name)}, for {reason}." for name, reason in self.unwatched.items()]
        return said


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _short(evidence: float) -> str:
    return f"{evidence:.3g}" if evidence < 1e6 else f"{evidence:.0e}"
