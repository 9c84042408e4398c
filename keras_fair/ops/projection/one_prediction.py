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
from operator import mul
from typing import NamedTuple

import numpy as np

from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.projection.settings import DOUBLE
from keras_fair.ops.projection.solution import Solution

__all__ = ["MOST_ROWS", "Least", "Row", "least_point", "project_one"]

MOST_ROWS = 48  # with more, arrays are quicker
_MOST_STEPS = 12

Outside = list[int]  # -1, 0 or 1 for each row
Scalars = tuple[float, ...]  # the auxiliary ones
Prediction = tuple[float, float, float, float]  # its weight, itself, and the ends of the domain


class Row(NamedTuple):
    """A row in plain numbers; `rho` is its stiffness, `v` its coefficients of the auxiliary scalars.

    Functions here take it apart, which is quicker than its names, so any tuple of these numbers will do.
    """

    a: float
    v: tuple[float, ...]
    c: float
    lower: float
    upper: float
    rho: float


class Least(NamedTuple):
    """The answer: the prediction, the duals of the rows, Newton's steps, and how far it is from exact."""

    y: float
    duals: list[float]
    steps: int
    error: float


def project_one(structure: Structure, problem: Problem) -> Solution | None:
    """The answer for one prediction in NumPy, or None where this is no case for it.

    Args:
        structure: the problem's static facts.
        problem: the projection.
    """
    if problem.r.size != 1 or structure.simplex or structure.divergence != "euclidean":
        return None
    if len(problem.offset) > MOST_ROWS or not (problem.softness > 0).all():
        return None
    rows = _rows_of(problem)
    w = 1.0 if problem.weights is None else float(problem.weights[0])
    prediction = (w, float(problem.r[0]), float(problem.low), float(problem.high))
    least = least_point(rows, 0 if problem.border is None else problem.border.shape[1], prediction)
    if least is None:
        return None
    lam, moved = np.array(least.duals), np.array([row.a * least.y + row.c for row in rows])
    return Solution(np.array([least.y]), moved, lam, int(Outcome.SOLVED), least.steps, least.error)


def least_point(rows: Sequence[Row], scalars: int, prediction: Prediction) -> Least | None:
    """The least point, or None where Newton's method has not found it exactly.

    Args:
        rows: the rows.
        scalars: how many auxiliary scalars there are.
        prediction: its weight, itself, and the ends of the domain.
    """
    _, r, low, high = prediction
    y, t = min(max(r, low), high), (0.0,) * scalars
    least = _least_of_two if scalars <= 1 else _least
    outside: Outside | None = None
    for step in range(1, _MOST_STEPS + 1):
        values = _values(rows, y, t)
        now = [
            1 if value > upper else -1 if value < lower else 0
            for value, (_, _, _, lower, upper, _) in zip(values, rows, strict=True)
        ]
        if now == outside:
            return _answer(rows, values, y, len(t), prediction, step)
        outside = now
        y, t = least(rows, outside, t, prediction)
    return None


def _values(rows: Sequence[Row], y: float, t: Scalars) -> list[float]:
    """The rows' values."""
    if not t:
        return [a * y + c for a, _, c, _, _, _ in rows]
    if len(t) == 1:
        (only,) = t
        return [a * y + c + v[0] * only for a, v, c, _, _, _ in rows]
    return [a * y + c + sum(map(mul, v, t)) for a, v, c, _, _, _ in rows]


def _rows_of(problem: Problem) -> list[Row]:
    with_one = problem.moments.rows(np.ones(1))
    border = np.zeros((len(with_one), 0)) if problem.border is None else problem.border
    columns = (with_one, border, problem.offset, problem.lower, problem.upper, 1.0 / problem.softness)
    a, v, *rest = (np.asarray(column).tolist() for column in columns)
    return list(map(Row, a, map(tuple, v), *rest))


def _least_of_two(
    rows: Sequence[Row], outside: Outside, t: Scalars, prediction: Prediction
) -> tuple[float, Scalars]:
    """`_least` for one auxiliary scalar or none, its two equations written out:

        C_tt t + C_ty y = f_t,    C_ty t + C_yy y = f_y
    """
    w, r, low, high = prediction
    c_tt = c_ty = f_t = 0.0
    c_yy, f_y = w, w * r
    for side, (a, v, c, lower, upper, rho) in zip(outside, rows, strict=True):
        if not side:
            continue
        where = (upper if side > 0 else lower) - c
        pull = rho * a
        c_yy += pull * a
        f_y += pull * where
        if t:
            (of_t,) = v
            c_ty += pull * of_t
            pull = rho * of_t
            c_tt += pull * of_t
            f_t += pull * where
    if c_tt == 0.0:  # no row sees the scalar, so it stays where it is
        return min(max(f_y / c_yy, low), high), t
    part = c_ty / c_tt
    y = min(max((f_y - part * f_t) / (c_yy - part * c_ty), low), high)
    return y, ((f_t - c_ty * y) / c_tt,)


def _least(
    rows: Sequence[Row], outside: Outside, t: Scalars, prediction: Prediction
) -> tuple[float, Scalars]:
    """The least point of the quadratic function that counts the rows that are outside now."""
    w, r, low, high = prediction
    size = 1 + len(t)
    # In the unknowns (t, y), so that the prediction, which always has a curvature, is eliminated last.
    matrix = [[0.0] * (size + 1) for _ in range(size)]
    matrix[-1][-2], matrix[-1][-1] = w, w * r
    for side, (a, v, c, lower, upper, rho) in zip(outside, rows, strict=True):
        if not side:
            continue
        of, where = (*v, a), (upper if side > 0 else lower) - c
        for i, first in enumerate(of):
            pulled = rho * first
            if pulled:
                line = matrix[i]
                for k, second in enumerate(of):
                    line[k] += pulled * second
                line[-1] += pulled * where
    y, moved = _solved(matrix, t)
    if not low <= y <= high:
        y = min(max(y, low), high)
        matrix[-1] = [0.0] * (size - 1) + [1.0, y]
        _, moved = _solved(matrix, t)
    return y, moved


def _solved(matrix: list[list[float]], t: Scalars) -> tuple[float, Scalars]:
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
    return found[-1], tuple(found[:-1])


def _answer(
    rows: Sequence[Row], values: list[float], y: float, scalars: int, prediction: Prediction, steps: int
) -> Least | None:
    """The answer at the end, or None where it does not solve the conditions of a least point exactly."""
    w, r, low, high = prediction
    duals, price = [], 0.0
    for value, (a, _, _, lower, upper, rho) in zip(values, rows, strict=True):
        dual = rho * (value - upper) if value > upper else rho * (value - lower) if value < lower else 0.0
        duals.append(dual)
        price += a * dual
    exact = min(max(r - price / w, low), high)
    error = abs(exact - y) / max(1.0, abs(y))
    for k in range(scalars):
        pulls = [row[1][k] * dual for row, dual in zip(rows, duals, strict=True)]
        error = max(error, abs(sum(pulls)) / max(1.0, sum(map(abs, pulls))))
    return Least(exact, duals, steps, error) if error <= DOUBLE.row_tolerance else None
