"""The answer to a projection: which solver finds its duals, and the predictions that follow from them.

Rows that share no prediction are solved each by itself (`keras_fair.ops.projection.rows_apart`); all others,
and what that leaves unmet, together (`keras_fair.ops.projection.rows_together`).
"""

from __future__ import annotations

from typing import Any

from keras_fair.ops.dispatch import ops
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.dual import response_at
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.projection.rows_apart import RowsApart, solve_apart
from keras_fair.ops.projection.rows_together import solve_together
from keras_fair.ops.projection.settings import settings_for
from keras_fair.ops.projection.solution import Solution

__all__ = ["project_problem"]


def project_problem(structure: Structure, problem: Problem, start: Any = None) -> Solution:
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
        placed = RowsApart.read(matrix).placed(problem)
        solution = ops.cond(
            RowsApart.read(matrix).met(settings.row_tolerance),
            lambda: _parts(_all_met(RowsApart.read(matrix), placed, structure), structure),
            lambda: _parts(solve_together(placed, structure, start), structure),
        )
        solution = _read(solution, placed, structure)
    else:
        solution = solve_together(problem, structure, start)
        placed = problem
    if structure.simplex:
        return solution
    # Where every row holds already the predictions come back bit for bit.
    resting = ops.minimum(ops.maximum(placed.r, placed.low), placed.high)
    return solution._replace(y=ops.where(ops.all(ops.equal(solution.lam, 0.0)), resting, solution.y))


def _all_met(apart: RowsApart, problem: Problem, structure: Structure) -> Solution:
    """The solution where each row was met by itself."""
    searches = apart.searches
    y = response_at(problem, structure, searches.lam).y
    error = searches.off / apart.numbers.scale
    return Solution(y, searches.rows, searches.lam, int(Outcome.SOLVED), searches.passes, error)


def _parts(solution: Solution, structure: Structure) -> tuple[Any, ...]:
    """(5, m) a line for each part of the solution but the predictions, repeated for every row; and these,
    where the duals do not say them."""
    nothing = ops.zeros_like(solution.lam)
    matrix = ops.stack([nothing + ops.cast(line, nothing.dtype) for line in solution[1:]])
    return (matrix, solution.y) if structure.last_resort else (matrix,)


def _read(parts: tuple[Any, ...], problem: Problem, structure: Structure) -> Solution:
    """The solution from these."""
    matrix, *y = parts
    rows, lam, outcome, iterations, residual = (matrix[line] for line in range(5))
    outcome, iterations = ops.cast(outcome[0], "int32"), ops.cast(iterations[0], "int32")
    moved = y[0] if y else response_at(problem, structure, lam).y
    return Solution(moved, rows, lam, outcome, iterations, ops.max(residual))
