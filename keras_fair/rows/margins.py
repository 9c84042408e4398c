"""A margin: rows are held inside their bounds by it, so that an audit of other people finds them there.

    l <= gap <= u   is held as   l + m <= gap <= u - m

It is in units of the gap, and moves the bounds that the text states: of a spread, a maximum or an absolute
value that of the whole. Of a ratio the gap is what `keras_fair.rows.relations` makes of it:
`e1 / e2 >= r` is held as `e1 - r e2 >= m`. Gaps, violations and bounds that are reported stay those of the
text. A margin that leaves nothing between two bounds is refused, before any data where the text tells. Where
the data decide how far two bounds lie apart, `kf.project` refuses it, and a layer holds the middle of such a
batch and reports it as relaxed: inside a graph nothing can be refused, and the middle is as far inside as one
can be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_fair.errors import near_names
from keras_fair.inputs.arrays import floats, namespace
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import Statement
from keras_fair.rows.linear import LinearRows, RelationRows, relations_of_rows
from keras_fair.rows.rooms import Room, rooms_of

__all__ = [
    "Margin",
    "check_margin",
    "held_rows",
    "margins_of_rows",
    "statement_margins",
    "with_margin",
    "with_tolerances",
]

Margin = float | Mapping[str, float]

_ROUNDING = 1e-9  # relative; a margin of exactly half the width is allowed, however the width was rounded


def check_margin(margin: Any, statements: Sequence[Statement], domain: Ends) -> float | dict[str, float]:
    """A margin as a number, or as a dict of numbers, as a configuration stores it.

    Args:
        margin: a number >= 0 for all statements, or a dict from names of statements to numbers; those that
            are not in it have none. The name of a statement without one is its text, as in logs.
        statements: of the constraints.
        domain: between which values predictions lie.

    Raises:
        ValueError: it is neither, names an unknown statement, or leaves nothing between two bounds.
    """
    statement_margins(margin, rooms_of(statements, domain))
    if isinstance(margin, Mapping):
        return {name: float(value) for name, value in margin.items()}
    return float(margin)


def statement_margins(margin: Any, rooms: Sequence[Room]) -> list[float]:
    """The margin of each statement; see `check_margin`."""
    if isinstance(margin, Mapping):
        known = [room.name for room in rooms]
        for name in margin:
            if name not in known:
                raise ValueError(
                    f"expected margin to name statements, received {name!r}{near_names(name, known)}"
                )
        margins = [_number(margin.get(room.name, 0.0), room.name) for room in rooms]
    else:
        margins = [_number(margin, None)] * len(rooms)
    for value, room in zip(margins, rooms, strict=True):
        if value > room.largest * (1 + _ROUNDING):
            raise ValueError(_no_room(value, room))
    return margins


def margins_of_rows(
    margins: Sequence[float], relations: Sequence[RelationRows], moves: np.ndarray
) -> np.ndarray | None:
    """How far the lower and the upper bound of each row are moved, `(2, m)`; None where none is.

    Args:
        margins: of the statements.
        relations: of the rows.
        moves: `(2, m)` 0 or 1, which bounds a margin moves.
    """
    if not any(margins) or not relations:
        return None
    of_relation = np.array([margins[relation.statement] for relation in relations])
    return moves * of_relation[relations_of_rows(relations, moves.shape[1])]


def with_margin(rows: LinearRows, margin: Any) -> LinearRows:
    """The rows, held inside their bounds by a margin.

    Args:
        rows: made from constraints, over given samples.
        margin: see `check_margin`.

    Raises:
        ValueError: the margin does not fit, also by what these samples leave between two bounds.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> from keras_fair.rows.margins import held_rows, with_margin
        >>> rows = kf.parse("E[y | sex=F] == E[y | sex=M] +- 0.1").rows({"sex": ["F", "M"]})
        >>> np.asarray(held_rows(with_margin(rows, 0.04)).upper).round(2).tolist()
        [0.06]
    """
    if not isinstance(margin, Mapping) and _number(margin, None) == 0:
        return rows
    if rows.moves is None or rows.rooms is None:
        raise ValueError(
            f"expected rows made from constraints with margin={margin!r}, received rows without statements"
        )
    margins = statement_margins(margin, rows.rooms)
    lower, upper, there = (np.asarray(part) for part in (rows.gap_lower, rows.gap_upper, rows.estimable))
    for place, relation in enumerate(rows.relations):
        width = float(upper[place] - lower[place])
        value = margins[relation.statement]
        room = Room(relation.name, math.inf, width)
        if value and there[place] and value > room.largest + 1e-6 * abs(width):
            raise ValueError(_no_room(value, room))
    return replace(rows, margins=margins_of_rows(margins, rows.relations, rows.moves))


def held_rows(rows: LinearRows) -> LinearRows:
    """The rows as they are enforced: their bounds moved inwards by their margins.

    Bounds that are closer than that are moved in proportion until they meet.
    """
    if rows.margins is None:
        return rows
    xp = namespace(rows.lower, rows.upper)
    total = rows.margins.sum(axis=0)
    width = rows.upper - rows.lower
    part = width / floats(xp, np.where(total > 0, total, 1.0))
    part = xp.minimum(xp.maximum(part, xp.zeros_like(width)), xp.ones_like(width))
    lower = rows.lower + floats(xp, rows.margins[0]) * part
    upper = rows.upper - floats(xp, rows.margins[1]) * part
    crossed_by_rounding = xp.logical_and(xp.greater_equal(width, 0), xp.greater(lower, upper))
    return replace(rows, lower=lower, upper=xp.where(crossed_by_rounding, lower, upper), margins=None)


def with_tolerances(rows: LinearRows, tolerances: Sequence[float]) -> LinearRows:
    """The rows, with the bounds that the text states moved outwards: the opposite of a margin, for those who
    ask for many tolerances of the same samples.

    Args:
        rows: made from constraints, over given samples, without a margin.
        tolerances: one a statement, >= 0; infinite where a statement is not to be held.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> from keras_fair.rows.margins import with_tolerances
        >>> rows = kf.parse("spread(E[y | sex=*]) <= 0").rows({"sex": ["F", "M"]})
        >>> np.asarray(with_tolerances(rows, [0.1]).gap_upper).tolist()
        [0.1]
    """
    if rows.moves is None or rows.gap is None or rows.margins is not None:
        raise ValueError("expected rows made from constraints, without a margin")
    owner = relations_of_rows(rows.relations, len(rows))
    of_relation = np.array([float(tolerances[relation.statement]) for relation in rows.relations])
    lower, upper = (np.where(moved > 0, of_relation[owner], 0.0) for moved in rows.moves)
    gap = replace(rows.gap, lower=rows.gap.lower - of_relation, upper=rows.gap.upper + of_relation)
    return replace(rows, lower=rows.lower - lower, upper=rows.upper + upper, gap=gap)


def _number(value: Any, name: str | None) -> float:
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) < math.inf:
        where = "" if name is None else f" for statement {name!r}"
        if hasattr(value, "margins"):
            where += "; what margin_for returns holds it: margin=needed.margins"
        raise ValueError(
            f"expected margin >= 0 and finite, a number or a dict from names of statements to numbers, "
            f"received margin={value!r}{where}"
        )
    return float(value)


def _no_room(value: float, room: Room) -> str:
    if room.width == 0:
        return (
            f"statement {room.name!r} is an equality without a tolerance: its bounds lie 0 apart and leave "
            f"no room for margin={value:g}. Give it a tolerance (+- 0.02), or margin as a dict without it"
        )
    if room.width < math.inf and room.width / 2 <= room.least:
        return (
            f"expected a margin of at most half of what lies between two bounds: the bounds of statement "
            f"{room.name!r} lie {room.width:g} apart, received margin={value:g}"
        )
    return (
        f"expected a margin that predictions in the domain can keep: the gap of statement {room.name!r} can "
        f"lie at most {room.largest:g} inside its bound, received margin={value:g}"
    )
