"""The answer to a projection: which solver finds its duals, and the predictions that follow from them.

Rows that share no prediction are solved each by itself (`keras_fair.ops.projection.rows_apart`); all others,
and what that leaves unmet, together (`keras_fair.ops.projection.rows_together`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.dual import response_at
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.projection.rows_apart import RowsApart, solve_apart
from keras_fair.ops.projection.rows_together import solve_together
from keras_fair.ops.projection.settings import Settings, settings_for

__all__ = ["Projected", "project_problem"]


class Projected(NamedTuple):
    """The answer.

    Attributes:
        y: (N,) the projected predictions.
        rows: (m,) `A y + c`.
        lam, outcome, iterations, residual: see `keras_fair.ops.projection.rows_together.Solution`.
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
        duals = _Duals.read(
            ops.cond(
                RowsApart.read(matrix).met(settings.row_tolerance),
                lambda: _Duals.apart(RowsApart.read(matrix)).matrix(),
                lambda: _Duals.together(
                    RowsApart.read(matrix).placed(problem), structure, start, settings
                ).matrix(),
            )
        )
        placed = RowsApart.read(matrix).placed(problem)
    else:
        duals = _Duals.together(problem, structure, start, settings)
        placed = problem
    y = response_at(placed, structure, duals.lam).y
    if not structure.simplex:
        # Where every row holds already the predictions come back bit for bit.
        resting = ops.minimum(ops.maximum(placed.r, placed.low), placed.high)
        y = ops.where(ops.all(ops.equal(duals.lam, 0.0)), resting, y)
    return Projected(y, *duals)


class _Duals(NamedTuple):
    """All of `Projected` but the predictions. As a matrix each is a line, repeated for every row."""

    rows: Any
    lam: Any
    outcome: Any
    iterations: Any
    residual: Any

    @classmethod
    def apart(cls, apart: RowsApart) -> _Duals:
        """As rows that were all met by themselves have them."""
        searches = apart.searches
        error = searches.off / apart.numbers.scale
        return cls(searches.rows, searches.lam, int(Outcome.SOLVED), searches.passes, error)

    @classmethod
    def together(cls, problem: Problem, structure: Structure, start: Any, settings: Settings) -> _Duals:
        """As the solver of all rows together finds them."""
        solution = solve_together(problem, structure, start, settings)
        rows = problem.moments.rows(response_at(problem, structure, solution.lam).y) + problem.offset
        return cls(rows, *solution)

    @classmethod
    def read(cls, matrix: Any) -> _Duals:
        """The lines of a matrix."""
        rows, lam, outcome, iterations, residual = (matrix[line] for line in range(5))
        outcome, iterations = ops.cast(outcome[0], "int32"), ops.cast(iterations[0], "int32")
        return cls(rows, lam, outcome, iterations, ops.max(residual))

    def matrix(self) -> Any:
        """(5, m)."""
        nothing = ops.zeros_like(self.lam)
        return ops.stack([nothing + ops.cast(line, nothing.dtype) for line in self])
