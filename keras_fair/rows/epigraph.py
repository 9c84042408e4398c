"""From relations to rows: each maximum becomes one row for each of its arguments.

    W.T + c + sum_j max_i e_ji <= u

The maximum with the most arguments is written out: one row for each. Every other one gets an auxiliary
scalar `t`, with `-t` at least as large as each of its arguments. Rows that bound the same expression from
below and from above are joined, so

    abs(e) <= c       -c <= e <= c                              one row, no auxiliary scalar
    max(e, ...) <= c  e <= c for each                           no auxiliary scalar
    spread(e, ...) <= c    0 <= e - t <= c for each             one auxiliary scalar
    min(e, ...) >= r max(e, ...)   r e <= t, e >= t for each    one auxiliary scalar

and never one row for each pair. Only a bound that is the relation's own is moved by a margin: in
`0 <= e - t <= c` that is `c`. Source: the epigraph form, Boyd and Vandenberghe, Convex Optimization (2004),
4.1.3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from keras_fair.rows.convex import Affine, Convex, Maximum
from keras_fair.rows.scalars import Scalar

__all__ = ["Bound", "Row", "rows_of"]


@dataclass(frozen=True)
class Bound:
    """What one relation asks for: `lower <= sign * expression <= upper`, where `expression` is convex.

    There is one bound unless the expression is affine; `sign` is -1 with a lower bound alone, else 1.
    """

    expression: Convex
    sign: int
    lower: Scalar | None
    upper: Scalar | None


@dataclass(frozen=True)
class Row:
    """`lower <= affine <= upper`.

    Args:
        group: which argument of a maximum it is of.
        moves: whether the lower and the upper bound are the relation's own, so that a margin moves them.
    """

    affine: Affine
    lower: Scalar | None
    upper: Scalar | None
    group: str
    moves: tuple[bool, bool] = (False, False)


class _Emission:
    """Rows of one relation as they are made; those over the same expression are joined."""

    def __init__(self, first_aux: int) -> None:
        self.rows: list[Row] = []
        self.next_aux = first_aux
        self._place: dict[tuple[object, ...], int] = {}

    def bounded(
        self, expression: Convex, upper: Scalar, sign: int, group: str = "", moves: bool = True
    ) -> None:
        """Emit rows for `expression <= upper`, written with the opposite sign where `sign` is -1."""
        if not expression.parts:
            self._row(expression.affine, upper, sign, group, moves)
            return
        widest = max(
            range(len(expression.parts)), key=lambda place: len(expression.parts[place].alternatives)
        )
        others = [part for place, part in enumerate(expression.parts) if place != widest]
        first, self.next_aux = self.next_aux, self.next_aux + len(others)
        affine = expression.affine.plus(Affine(aux={first + place: -1.0 for place in range(len(others))}))
        self._each(expression.parts[widest], affine, upper, sign, group, moves)
        for place, part in enumerate(others):  # their maximum is at most -t
            self._each(part, Affine(aux={first + place: 1.0}), Scalar(), sign, "", False)

    def _each(self, part: Maximum, affine: Affine, upper: Scalar, sign: int, group: str, moves: bool) -> None:
        """Emit rows for `affine + alternative <= upper`, for each alternative of a maximum."""
        for alternative in part.alternatives:
            expression = Convex(affine).plus(alternative.expression)
            self.bounded(expression, upper, sign, alternative.group or group, moves)

    def _row(self, affine: Affine, upper: Scalar, sign: int, group: str, moves: bool) -> None:
        same, opposite = _key(affine), _key(affine.negative())
        if same in self._place:
            place = self._place[same]
            row = self.rows[place]
            if not _may_cross(row.lower, upper) and _may_join(row.upper, upper):
                tight = upper if row.upper is None or upper.number < row.upper.number else row.upper
                self.rows[place] = replace(row, upper=tight, moves=(row.moves[0], moves))
                return
        elif opposite in self._place:
            place = self._place[opposite]
            row, lower = self.rows[place], upper.times(-1.0)
            if not _may_cross(lower, row.upper) and _may_join(row.lower, lower):
                tight = lower if row.lower is None or lower.number > row.lower.number else row.lower
                self.rows[place] = replace(row, lower=tight, moves=(moves, row.moves[1]))
                return
        row = Row(affine, None, upper, group, (False, moves))
        if sign < 0:
            row = Row(affine.negative(), upper.times(-1.0), None, group, (moves, False))
        self._place[_key(row.affine)] = len(self.rows)
        self.rows.append(row)


def rows_of(bound: Bound, first_aux: int) -> tuple[list[Row], int]:
    """The rows of one relation, and the number of auxiliary scalars in use after it.

    Args:
        bound: what the relation asks for.
        first_aux: the number of auxiliary scalars in use before it.
    """
    emission = _Emission(first_aux)
    expression = bound.expression
    if bound.upper is not None:
        emission.bounded(expression, bound.upper, 1)
        if bound.lower is not None:  # affine, and the sign is 1
            emission.bounded(Convex(expression.affine.negative()), bound.lower.times(-1.0), 1)
    elif bound.lower is not None:
        emission.bounded(expression, bound.lower.times(-1.0), -1)
    return emission.rows, emission.next_aux


def _may_join(bound: Scalar | None, other: Scalar) -> bool:
    """Whether it is known before any data which of two bounds of one side is the tighter."""
    return bound is None or (bound.is_number and other.is_number)


def _may_cross(lower: Scalar | None, upper: Scalar | None) -> bool:
    """Whether data may put the upper bound below the lower one. Such bounds are two rows, which can be held
    as closely as possible where they contradict each other."""
    if lower is None or upper is None:
        return False
    width = upper.plus(lower.times(-1.0))
    return not width.is_number or width.number < 0


def _key(affine: Affine) -> tuple[object, ...]:
    return (tuple(sorted(affine.weights.items())), tuple(sorted(affine.aux.items())), affine.constant)
