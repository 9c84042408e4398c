r"""Rows that share no prediction: each has its own price, found by itself.

Where no prediction is in two rows, row `j` falls as its own price `lam_j` rises and sees no other price. So
every row is one equation in one unknown, and all are solved side by side, one pass over the predictions for
one step of each: Newton's step, or half of the bracket where that leaves it.

Two groups are one such row, met in two or three steps. On a small batch the time is that of the number of
operations, not of the predictions. So what the loop works on, where the searches are and what the problem
says, is one small matrix, a column a row: one operation makes the next from the last.

What is not met after a few steps (rows that can't be met, everything at a bound) is left to
`keras_fair.ops.projection.rows_together`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.control_flow import iterate
from keras_fair.ops.projection.dual import curvature_of_rows, response_at
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.projection.problem import Problem, Structure, reach_of
from keras_fair.ops.projection.scales import Scales
from keras_fair.ops.projection.settings import Settings

__all__ = ["RowsApart", "solve_apart"]

# Up to so many lines a matrix is written in one operation.
_FEW_LINES = 24
# What the numbers of rows hold under the names that it has in a problem.
_OF_PROBLEM = ("lower", "upper", "softness", "offset", "reach")


class Searches(NamedTuple):
    """Where the search for each row's dual is.

    Attributes:
        lam: (m,) duals; where all rows are met, those they were met with.
        rows: (m,) `A y + c` at the duals before.
        off: (m,) how far each row was from where it should be, in units of the row.
        steepest: (m,) the largest curvature so far.
        least, most: (m,) bracket of the dual.
        passes: (m,) passes over the predictions, all alike.
    """

    lam: Any
    rows: Any
    off: Any
    steepest: Any
    least: Any
    most: Any
    passes: Any


class RowNumbers(NamedTuple):
    """What the problem says of each row.

    Attributes:
        lower, upper, softness, offset: (m,) of the problem.
        reach: (m,) `sum_i |A_ji|`.
        scale: (m,) what errors are measured by.
        movable: (m,) 1 for rows that take part.
        stuck: (m,) all 1 where a row that does not is outside its bounds.
        cells: (C + 1, m) of the problem's one part, transposed, where cells are few; else (0, m).
    """

    lower: Any
    upper: Any
    softness: Any
    offset: Any
    reach: Any
    scale: Any
    movable: Any
    stuck: Any
    cells: Any


class RowsApart(NamedTuple):
    """Both; as a matrix, each of their fields is a line, `cells` several."""

    searches: Searches
    numbers: RowNumbers

    @classmethod
    def read(cls, matrix: Any) -> RowsApart:
        """The lines of a matrix."""
        width, whole = len(Searches._fields), len(Searches._fields) + len(RowNumbers._fields) - 1
        lines = [matrix[line] for line in range(whole)]
        return cls(Searches(*lines[:width]), RowNumbers._make([*lines[width:], matrix[whole:]]))

    def matrix(self) -> Any:
        """The matrix."""
        return ops.concatenate([ops.stack([*self.searches, *self.numbers[:-1]]), self.numbers.cells])

    def written(self) -> Any:
        """The matrix, in one operation even where its lines are computed from each other."""
        cells = self.numbers.cells
        lines = [*self.searches, *self.numbers[:-1], *(cells[cell] for cell in range(int(cells.shape[0])))]
        if len(lines) > _FEW_LINES:
            return self.matrix()
        places = ops.expand_dims(ops.arange(len(lines), dtype="int32"), 1)
        matrix = ops.broadcast_to(lines[0], (len(lines), *lines[0].shape))
        for place, line in enumerate(lines):
            matrix = ops.where(ops.equal(places, place), line, matrix)
        return matrix

    def placed(self, problem: Problem) -> Problem:
        """The problem with its numbers taken from here."""
        numbers, moments = self.numbers, problem.moments
        if int(numbers.cells.shape[0]):
            (part,) = moments.cell_parts
            moments = moments._replace(cell_parts=(part._replace(cells=ops.transpose(numbers.cells)),))
        return problem._replace(moments=moments, **{name: getattr(numbers, name) for name in _OF_PROBLEM})

    def met(self, tolerance: float) -> Any:
        """() bool, whether the duals are a solution. Not a number is none."""
        near = self.searches.off <= tolerance * self.numbers.scale
        return ops.all(ops.logical_and(near, ops.equal(self.numbers.stuck, 0.0)))


def solve_apart(problem: Problem, structure: Structure, start: Any, settings: Settings) -> Any:
    """Solve every row by itself, as far as a few passes go. Returns the matrix of a `RowsApart`.

    Args:
        problem: a projection without auxiliary scalars, its rows apart (`structure.diagonal`).
        structure: its static facts.
        start: (m,) duals to begin from; None for zeros.
        settings: of the solver.
    """

    def unfinished(matrix: Any) -> Any:
        apart = RowsApart.read(matrix)
        off = ops.any(apart.searches.off > settings.row_tolerance * apart.numbers.scale)
        return ops.logical_and(off, apart.searches.passes[0] < settings.passes_apart)

    def advance(matrix: Any) -> Any:
        apart = RowsApart.read(matrix)
        searches = _advanced(apart.placed(problem), structure, apart, settings)
        return apart._replace(searches=searches).matrix()

    return iterate(unfinished, advance, _first(problem, start, settings).written())


def _first(problem: Problem, start: Any, settings: Settings) -> RowsApart:
    (part,) = problem.moments.cell_parts
    problem = problem._replace(reach=reach_of(problem).net)
    scales = Scales.of(problem, settings)
    nothing = ops.zeros_like(problem.offset)
    infinite = ops.full_like(nothing, np.inf)
    steepest = nothing
    if start is not None:
        # Duals that push every prediction to a bound show no curvature, and would pass for an answer.
        size = ops.cast(ops.maximum(ops.size(problem.r), 1), nothing.dtype)
        steepest = positive_or_one(problem.reach * problem.reach / size)
    searches = Searches(
        lam=nothing if start is None else start,
        rows=nothing,
        off=infinite,
        steepest=steepest,
        least=-infinite,
        most=infinite,
        passes=nothing,
    )
    numbers = RowNumbers(
        **{name: getattr(problem, name) for name in _OF_PROBLEM},
        scale=scales.reach,
        movable=ops.cast(scales.movable, nothing.dtype),
        stuck=nothing + ops.cast(scales.stuck, nothing.dtype),
        cells=ops.transpose(part.cells if part.few else part.cells[:, :0]),
    )
    return RowsApart(searches, numbers)


def _advanced(problem: Problem, structure: Structure, apart: RowsApart, settings: Settings) -> Searches:
    """One pass over the predictions, and the next duals."""
    searches, numbers = apart
    lam, softness, movable = searches.lam, numbers.softness, numbers.movable > 0
    lower = ops.where(movable, numbers.lower, ops.full_like(lam, -np.inf))
    upper = ops.where(movable, numbers.upper, ops.full_like(lam, np.inf))
    response = response_at(problem, structure, lam)
    rows = problem.moments.rows(response.y) + numbers.offset
    curvature = curvature_of_rows(problem, structure, response.curvature)
    steepest = ops.maximum(searches.steepest, curvature)
    aimed = rows - softness * lam
    wanted = ops.minimum(ops.maximum(aimed + lam * (steepest + softness), lower), upper)
    off = ops.abs(aimed - wanted)

    size = ops.cast(ops.maximum(ops.size(problem.r), 1), lam.dtype)
    slope = curvature + softness + settings.proximal_floor * steepest
    # Where nothing moves yet (predictions that are exactly 0 or 1), as if all could; a row that takes no part
    # may have no reach either.
    slope = ops.where(slope > 0, slope, positive_or_one(numbers.reach * numbers.reach / size))
    beta = aimed + slope * lam
    pull = beta - ops.minimum(ops.maximum(beta, lower), upper)  # Newton's step leads to pull / slope
    least = ops.where(pull > slope * lam, lam, searches.least)
    most = ops.where(pull < slope * lam, lam, searches.most)
    inside = ops.logical_and(pull >= slope * least, pull <= slope * most)
    # Prices of predictions next to 0 and 1 lie decades apart, so the middle is that of their digits.
    middle = ops.sinh(0.5 * (ops.arcsinh(least) + ops.arcsinh(most)))
    further = ops.where(ops.logical_or(inside, ops.logical_not(ops.isfinite(middle))), pull / slope, middle)
    return searches._replace(
        lam=ops.where(off <= settings.row_tolerance * numbers.scale, lam, further),
        rows=rows,
        off=off,
        steepest=steepest,
        least=least,
        most=most,
        passes=searches.passes + 1.0,
    )
