"""How far inside its bounds a statement can be held: the largest margin that leaves something.

    E[y | a] == E[y | b] +- 0.02      0.02, half of what lies between the bounds
    spread(E[y | race=*]) <= 0.05     0.05: no spread is below 0
    E[y] <= 0.3                       0.3 where predictions lie in [0, 1]
    E[y | a] == E[y | b]              0

It is read off the text and the domain. What depends on the data counts as unknown, so that it never is too
small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras_fair.constraints import statement_names
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import Range, Statement
from keras_fair.rows.ranges import interval

__all__ = ["Room", "rooms_of"]


@dataclass(frozen=True)
class Room:
    """The room of one statement.

    Args:
        name: of the statement, as in logs.
        least: what its gap and its bounds leave on one side, in units of the gap; infinite where unknown.
        width: what lies between its bounds; infinite where it has one, or where the data decide.
    """

    name: str
    least: float
    width: float

    @property
    def largest(self) -> float:
        """The largest margin."""
        return max(min(self.least, self.width / 2), 0.0)


def rooms_of(statements: Sequence[Statement], domain: Ends) -> tuple[Room, ...]:
    """The room of each statement.

    Args:
        statements: checked statements.
        domain: between which values predictions lie.
    """
    names = statement_names(statements)
    return tuple(_room(name, statement, domain) for name, statement in zip(names, statements, strict=True))


def _room(name: str, statement: Statement, domain: Ends) -> Room:
    relation = statement.relation
    if isinstance(relation, Range):
        low, high = interval(relation.operand, domain)
        lower, upper = interval(relation.lower, domain), interval(relation.upper, domain)
        return Room(name, min(high - lower[0], upper[1] - low), upper[1] - lower[0])
    left, right = interval(relation.left, domain), interval(relation.right, domain)
    if relation.operator == "==":
        return Room(name, math.inf, 2 * (relation.tolerance or 0.0))
    least = right[1] - left[0] if relation.operator == "<=" else left[1] - right[0]
    return Room(name, least, math.inf)
