r"""One prediction and soft rows: what a stream asks for, person by person.

    minimise over y in the domain and t   w (y - r)^2 / 2 + sum_j rho_j x_j^2 / 2
    with x_j how far  a_j y + V_j t + c_j  is outside [lower_j, upper_j]

There is one unknown besides the auxiliary scalars, so what costs time is not the mathematics but the number
of array operations. Here there are none: the sums over rows are of plain numbers.

The function is convex, and quadratic as long as the same rows are outside on the same sides. Newton's method
goes to the least point of these, and has the answer where the rows that are outside stay the same. Where it
does not come to an end, or the answer is not exact, the solver of all problems is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.projection.settings import DOUBLE
from keras_fair.ops.projection.solution import Solution

__all__ = ["project_one"]

_MOST_ROWS = 48  # with more, arrays are quicker
_MOST_STEPS = 12

Outside = tuple[int, ...]  # -1, 0 or 1 for each row


class _Row(NamedTuple):
    """A row in plain numbers; `rho` is its stiffness, `v` its coefficients of the auxiliary scalars."""

    a: float
    v: Sequence[float]
    c: float
    lower: float
    upper: float
    rho: float

    def at(self, y: float, t: Sequence[float]) -> float:
        """Its value."""
        return self.a * y + self.c + sum(v * s for v, s in zip(self.v, t, strict=True))

    def side(self, value: float) -> int:
        """1 above its bounds, -1 below, else 0."""
        return (value > self.upper) - (value < self.lower)


def project_one(structure: Structure, problem: Problem) -> Solution | None:
    """The answer for one prediction in NumPy, or None where this is no case for it.

    Args:
        structure: the problem's static facts.
        problem: the projection.
    """
    if problem.r.size != 1 or structure.simplex or structure.divergence != "euclidean":
        return None
    if len(problem.offset) > _MOST_ROWS or not (problem.softness > 0).all():
        return None
    rows = _rows_of(problem)
    w = 1.0 if problem.weights is None else float(problem.weights[0])
    r, low, high = float(problem.r[0]), float(problem.low), float(problem.high)
    y, t = min(max(r, low), high), [0.0] * (0 if problem.border is None else problem.border.shape[1])
    outside: Outside | None = None
    for step in range(1, _MOST_STEPS + 1):
        now = tuple(row.side(row.at(y, t)) for row in rows)
        if now == outside:
            return _answer(rows, y, t, (w, r, low, high), step)
        outside = now
        y, t = _least(rows, outside, t, (w, r, low, high))
    return None


def _rows_of(problem: Problem) -> list[_Row]:
    with_one = problem.moments.rows(np.ones(1))
    border = np.zeros((len(with_one), 0)) if problem.border is None else problem.border
    columns = (with_one, border, problem.offset, problem.lower, problem.upper, 1.0 / problem.softness)
    return list(map(_Row, *(np.asarray(column).tolist() for column in columns)))


def _least(
    rows: Sequence[_Row], outside: Outside, t: Sequence[float], prediction: tuple[float, ...]
) -> tuple[float, list[float]]:
    """The least point of the quadratic function that counts the rows that are outside now."""
    w, r, low, high = prediction
    bound = [
        (row, row.upper if side > 0 else row.lower) for row, side in zip(rows, outside, strict=True) if side
    ]
    size = 1 + len(t)
    # In the unknowns (t, y), so that the prediction, which always has a curvature, is eliminated last.
    matrix = [[0.0] * (size + 1) for _ in range(size)]
    matrix[-1][-2], matrix[-1][-1] = w, w * r
    for row, where in bound:
        of = (*row.v, row.a)
        for i, first in enumerate(of):
            pulled = row.rho * first
            if pulled:
                line = matrix[i]
                for k, second in enumerate(of):
                    line[k] += pulled * second
                line[-1] += pulled * (where - row.c)
    y, moved = _solved(matrix, t)
    if not low <= y <= high:
        y = min(max(y, low), high)
        matrix[-1] = [0.0] * (size - 1) + [1.0, y]
        _, moved = _solved(matrix, t)
    return y, moved


def _solved(matrix: list[list[float]], t: Sequence[float]) -> tuple[float, list[float]]:
    """`(y, t)` of a symmetric system in `(t, y)`; a scalar that no row sees stays where it is."""
    lines = [list(line) for line in matrix]
    size = len(lines)
    for k in range(size - 1):
        pivot = lines[k][k]
        if pivot <= 1e-13 * matrix[k][k] or pivot == 0.0:
            lines[k] = [0.0] * size + [t[k]]
            lines[k][k] = pivot = 1.0
        for below in lines[k + 1 :]:
            factor = below[k] / pivot
            if factor:
                for column in range(k, size + 1):
                    below[column] -= factor * lines[k][column]
    found = [0.0] * size
    for k in reversed(range(size)):
        known = sum(lines[k][column] * found[column] for column in range(k + 1, size))
        found[k] = (lines[k][-1] - known) / lines[k][k]
    return found[-1], found[:-1]


def _answer(
    rows: Sequence[_Row], y: float, t: Sequence[float], prediction: tuple[float, ...], steps: int
) -> Solution | None:
    """The answer at the end, or None where it does not solve the conditions of a least point exactly."""
    w, r, low, high = prediction
    values = [row.at(y, t) for row in rows]
    duals = [
        row.rho * (value - min(max(value, row.lower), row.upper))
        for row, value in zip(rows, values, strict=True)
    ]
    price = sum(row.a * dual for row, dual in zip(rows, duals, strict=True)) / w
    exact = min(max(r - price, low), high)
    error = abs(exact - y) / max(1.0, abs(y))
    for k in range(len(t)):
        pulls = [row.v[k] * dual for row, dual in zip(rows, duals, strict=True)]
        error = max(error, abs(sum(pulls)) / max(1.0, sum(map(abs, pulls))))
    if not error <= DOUBLE.row_tolerance:
        return None
    lam, moved = np.array(duals), np.array([row.a * exact + row.c for row in rows])
    return Solution(np.array([exact]), moved, lam, int(Outcome.SOLVED), steps, error)
