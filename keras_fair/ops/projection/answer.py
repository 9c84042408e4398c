"""The answer to a projection: which solver finds its duals, and the predictions that follow from them.

Rows that share no prediction are solved each by itself (`keras_fair.ops.projection.rows_apart`); all others,
and what that leaves unmet, together (`keras_fair.ops.projection.rows_together`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.dual import response_at
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.projection.rows_apart import RowsApart, solve_apart
from keras_fair.ops.projection.rows_together import Solution, solve_together
from keras_fair.ops.projection.settings import settings_for

__all__ = ["Projected", "project_problem"]


class Projected(NamedTuple):
    """The answer.

    Attributes:
        y: (N,) the projected predictions.
        rows, lam, outcome, iterations, residual: see `keras_fair.ops.projection.rows_together.Solution`.
    """

    y: Any
    rows: Any
    lam: Any
    outcome: Any
    iterations: Any
    residual: Any


def project_problem(structure: Structure, problem: Problem, start: Any = None) -> Projected:
    """Solve one projection.

    Args:
        structure: the problem's static facts.
        problem: the projection.
        start: (m,) duals to begin from, or None.
    """
    settings = settings_for(problem.r.dtype)
    problem = problem._replace(moments=problem.moments.with_members())
    if structure.diagonal and problem.border is None:
        # One matrix leaves the loop and one the branches: each tensor that does costs a copy.
        matrix = solve_apart(problem, structure, start, settings)
        solution = _read(
            ops.cond(
                RowsApart.read(matrix).met(settings.row_tolerance),
                lambda: _matrix(_all_met(RowsApart.read(matrix))),
                lambda: _matrix(solve_together(RowsApart.read(matrix).placed(problem), structure, start)),
            )
        )
        placed = RowsApart.read(matrix).placed(problem)
    else:
        solution = solve_together(problem, structure, start)
        placed = problem
    y = response_at(placed, structure, solution.lam).y
    if not structure.simplex:
        # Where every row holds already the predictions come back bit for bit.
        resting = ops.minimum(ops.maximum(placed.r, placed.low), placed.high)
        y = ops.where(ops.all(ops.equal(solution.lam, 0.0)), resting, y)
    return Projected(y, *solution)


def _all_met(apart: RowsApart) -> Solution:
    """The solution where each row was met by itself."""
    searches = apart.searches
    error = searches.off / apart.numbers.scale
    return Solution(searches.rows, searches.lam, int(Outcome.SOLVED), searches.passes, error)


def _matrix(solution: Solution) -> Any:
    """(5, m): a line for each part of the solution, repeated for every row."""
    nothing = ops.zeros_like(solution.lam)
    return ops.stack([nothing + ops.cast(line, nothing.dtype) for line in solution])


def _read(matrix: Any) -> Solution:
    """The solution from its lines."""
    rows, lam, outcome, iterations, residual = (matrix[line] for line in range(5))
    outcome, iterations = ops.cast(outcome[0], "int32"), ops.cast(iterations[0], "int32")
    return Solution(rows, lam, outcome, iterations, ops.max(residual))
