"""Statements that are well formed and probably not meant so: they ask for nothing, or for more than meant.

Nothing is refused for it. Audits put the sentences into their notes; what enforces constraints warns.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras_fair.constraints import statement_names
from keras_fair.errors import quoted, some_of
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import (
    STATISTICS,
    Arithmetic,
    Number,
    Range,
    Relation,
    Statement,
)
from keras_fair.language.tree import walk
from keras_fair.rows.ranges import interval

__all__ = ["doubts_about", "unfailing"]

_MOST_NAMED = 3  # statements that a sentence names
_PERCENT = 10  # from this ratio on it was probably meant in percent


def doubts_about(statements: Sequence[Statement], domain: Ends) -> tuple[str, ...]:
    """What to say about statements, a sentence each; none where nothing is odd.

    Args:
        statements: checked statements.
        domain: between which values predictions lie.

    Example:
        >>> import keras_fair as kf
        >>> (doubt,) = doubts_about(kf.parse("E[y | a=1] == E[y | a=2] + 0.02").statements, (0, 1))
        >>> print(doubt)
        'E[y | a=1] == E[y | a=2] + 0.02' asks for a gap of exactly that size. For a tolerance write +- 0.02.
    """
    doubts = []
    names = unfailing(statements, domain)
    if names:
        shown = some_of(list(map(quoted, names)), _MOST_NAMED)
        doubts.append(
            f"{shown} {'holds' if len(names) == 1 else 'hold'} whatever the predictions between "
            f"{domain[0]:.6g} and {domain[1]:.6g} are. Bounds are in the units of the gap: for a gap of 5% "
            "write 0.05."
        )
    for name, statement in zip(statement_names(statements), statements, strict=True):
        ratio = _ratio(statement.relation)
        if ratio is not None and ratio >= _PERCENT:
            doubts.append(
                f"{quoted(name)} asks for a ratio of at least {ratio:.6g}. For {ratio:.6g}% write "
                f"{ratio / 100:.6g}, or {ratio:.6g}%."
            )
        offset = _offset(statement.relation)
        if offset is not None:
            doubts.append(
                f"{quoted(name)} asks for a gap of exactly that size. For a tolerance write +- {offset:.6g}."
            )
    return tuple(doubts)


def unfailing(statements: Sequence[Statement], domain: Ends) -> tuple[str, ...]:
    """The names of the statements that hold whatever the predictions are; arguments as in `doubts_about`.

    Example:
        >>> import keras_fair as kf
        >>> unfailing(kf.parse("percent: E[y | sex=F] <= 5; share: E[y | sex=F] <= 0.05").statements, (0, 1))
        ('percent',)
    """
    return tuple(
        name
        for name, statement in zip(statement_names(statements), statements, strict=True)
        if _always_holds(statement.relation, domain)
    )


def _always_holds(relation: Relation | Range, domain: Ends) -> bool:
    if isinstance(relation, Range):
        low, high = interval(relation.operand, domain)
        return low >= interval(relation.lower, domain)[1] and high <= interval(relation.upper, domain)[0]
    if relation.left == relation.right:
        return True
    left, right = interval(relation.left, domain), interval(relation.right, domain)
    above, below = left[1] - right[0], right[1] - left[0]  # how far each side can exceed the other
    if relation.operator == "==":
        return max(above, below) <= (relation.tolerance or 0.0)
    return (above if relation.operator == "<=" else below) <= 0


def _offset(relation: Relation | Range) -> float | None:
    """The number that stands beside one side of an equality without a tolerance, as a tolerance would."""
    if isinstance(relation, Range) or relation.operator != "==" or relation.tolerance:
        return None
    right = relation.right
    if not isinstance(right, Arithmetic) or right.operator not in "+-" or not isinstance(right.right, Number):
        return None
    sides = (relation.left, right)
    compared = all(any(isinstance(part, STATISTICS) for part in walk(side)) for side in sides)
    return right.right.value if compared else None


def _ratio(relation: Relation | Range) -> float | None:
    """The number r of `a >= r * b`, also written `a / b >= r` or turned round."""
    if isinstance(relation, Range) or relation.operator == "==":
        return None
    large, small = relation.left, relation.right
    if relation.operator == "<=":
        large, small = small, large
    if isinstance(small, Number) and isinstance(large, Arithmetic) and large.operator == "/":
        return small.value
    if isinstance(small, Arithmetic) and small.operator == "*":
        return next((side.value for side in (small.left, small.right) if isinstance(side, Number)), None)
    return None
