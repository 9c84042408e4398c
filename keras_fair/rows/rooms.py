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
from keras_fair.errors import quoted
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import Range, Relation, Statement
from keras_fair.rows.ranges import interval

__all__ = ["Room", "rooms_of", "unfailing", "unfailing_note"]


_MOST_NAMED = 3  # statements that a sentence names


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


def unfailing(statements: Sequence[Statement], domain: Ends) -> tuple[str, ...]:
    """The names of the statements that hold whatever the predictions are.

    Args:
        statements: checked statements.
        domain: between which values predictions lie.

    Example:
        >>> import keras_fair as kf
        >>> unfailing(kf.parse("percent: E[y | sex=F] <= 5; share: E[y | sex=F] <= 0.05"), (0, 1))
        ('percent',)
    """
    names = statement_names(statements)
    return tuple(
        name
        for name, statement in zip(names, statements, strict=True)
        if _always_holds(statement.relation, domain)
    )


def unfailing_note(names: Sequence[str], domain: Ends) -> str:
    """The sentence about statements that no predictions in the domain can violate; `""` without names.

    Example:
        >>> unfailing_note(["parity"], (0, 1)).partition(".")[0]
        "'parity' holds whatever the predictions between 0 and 1 are"
    """
    if not names:
        return ""
    shown = ", ".join(map(quoted, names[:_MOST_NAMED]))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (
        f"{shown}{more} {'holds' if len(names) == 1 else 'hold'} whatever the predictions between "
        f"{domain[0]:.6g} and {domain[1]:.6g} are. Bounds are in the units of the "
        "gap: for a gap of 5% write 0.05."
    )


def _always_holds(relation: Relation | Range, domain: Ends) -> bool:
    if isinstance(relation, Range):
        low, high = interval(relation.operand, domain)
        return low >= interval(relation.lower, domain)[1] and high <= interval(relation.upper, domain)[0]
    left, right = interval(relation.left, domain), interval(relation.right, domain)
    above, below = left[1] - right[0], right[1] - left[0]  # how far each side can exceed the other
    if relation.operator == "==":
        return max(above, below) <= (relation.tolerance or 0.0)
    return (above if relation.operator == "<=" else below) <= 0


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
