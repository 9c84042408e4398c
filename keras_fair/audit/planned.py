"""What `keras_fair.margin_for` found."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["AuditMargins", "StatementMargin"]


@dataclass(frozen=True)
class StatementMargin:
    """The margin of one statement.

    Args:
        name: of the statement, else its text.
        margin: in units of the gap; NaN where none is enough for an audit of so few people.
        people: how many people it is for; where there is no margin, how many it takes, or None where no
            number does.
        note: why there is no margin.
    """

    name: str
    margin: float
    people: int | None
    note: str = ""


@dataclass(frozen=True)
class AuditMargins:
    """The margins that a later audit takes; see `keras_fair.margin_for`.

    Args:
        statements: one for each statement.
        people: how many people the audit will be of.
        probability: with which it finds a statement satisfied.
        confidence: of its intervals.
    """

    statements: tuple[StatementMargin, ...]
    people: int
    probability: float
    confidence: float

    @property
    def margins(self) -> dict[str, float]:
        """The margins by the names of statements, as `margin` takes them.

        Raises:
            ValueError: some statement has none.
        """
        lacking = [each for each in self.statements if math.isnan(each.margin)]
        if lacking:
            raise ValueError("; ".join(map(self._line, lacking)))
        return {each.name: each.margin for each in self.statements}

    def __str__(self) -> str:
        return "\n".join(map(self._line, self.statements))

    def _line(self, found: StatementMargin) -> str:
        if not math.isnan(found.margin):
            return f"{found.name}: margin {found.margin:.3g} for {self.people} people"
        takes = "" if found.people is None else f"; it takes about {found.people}"
        return f"{found.name}: no margin for {self.people} people{takes} ({found.note})"
