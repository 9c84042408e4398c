"""The dual around one point: how far things can move, the error, the slope, and the step that the model
proposes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_fair.ops.precision import proximal_floor, rounding, row_tolerance
from keras_fair.ops.projection.dual_problem import ROUNDINGS, DualProblem, cancelled, reach_of
from keras_fair.ops.projection.quadratic import ModelSolution, solve_model

__all__ = ["Anchor", "Field", "Local"]

# A step that only the proximal term limits moves predictions by this many widths of the domain.
_PROXIMAL_REACH = 1e6
# Where the parts of coefficients take each other away, a row counts as held to its rounding if that is at
# most so many times what it otherwise would be.
_COARSEST = 10.0


class Field(NamedTuple):
    """How far things can move.

    Attributes:
        reach: (m,) of each row; what errors are measured by.
        width: of the domain.
        movable: (m,) which rows take part: those that predictions or auxiliary scalars can move, and soft
            ones.
        fixed: (m,) which of them no prediction moves.
        stuck: () whether a row that takes no part lies outside its bounds.
    """

    reach: Any
    width: Any
    movable: Any
    fixed: Any
    stuck: Any

    @classmethod
    def around(cls, problem: DualProblem) -> Field:
        span = problem.high - problem.low
        width = ops.cond(ops.isfinite(span), lambda: span, lambda: _spread(problem.r))
        reach, parts = reach_of(problem)
        still = cancelled(reach, parts)
        # Rows are known to some times the rounding of what they are sums of: a stream's large constant too.
        known = ROUNDINGS * rounding(reach.dtype) / row_tolerance(reach.dtype)
        reach = ops.maximum(reach, ops.minimum(known * parts, _COARSEST * reach)) * width
        bounded = ops.logical_or(ops.isfinite(problem.lower), ops.isfinite(problem.upper))
        free = ops.logical_or(ops.logical_not(still), problem.softness > 0)
        if problem.border is not None:
            free = ops.logical_or(free, ops.any(ops.not_equal(problem.border, 0.0), axis=1))
        movable = ops.logical_and(bounded, free)
        outside = ops.maximum(problem.offset - problem.upper, problem.lower - problem.offset)
        outside = outside > row_tolerance(reach.dtype) * parts * width
        stuck = ops.any(ops.logical_and(ops.logical_and(bounded, ops.logical_not(movable)), outside))
        finest = ops.abs(problem.offset) * known
        largest = ops.max(reach)
        reach = ops.where(still, ops.where(largest > 0, largest, ops.ones_like(largest)), reach)
        reach = ops.where(movable, ops.maximum(reach, finest), ops.ones_like(reach))
        return cls(reach, width, movable, ops.logical_and(movable, still), stuck)

    def filled(self, steepest: Any, plain: Any) -> Any:
        """Curvatures of rows, none of them zero: with the largest for the rows that no prediction moves, and
        with that of Euclidean predictions where all of a row's stand at their bounds and may come off."""
        steepest = ops.where(steepest > 0, steepest, ops.where(self.movable, plain, steepest))
        largest = ops.max(steepest)
        largest = ops.where(largest > 0, largest, ops.ones_like(largest))
        return ops.where(ops.logical_or(self.fixed, ops.equal(steepest, 0.0)), largest, steepest)

    def without_immovable(self, problem: DualProblem) -> DualProblem:
        """Free the rows that take no part (a covariance with a constant): they can only be reported."""
        infinite = ops.full_like(problem.lower, np.inf)
        return problem._replace(
            lower=ops.where(self.movable, problem.lower, -infinite),
            upper=ops.where(self.movable, problem.upper, infinite),
        )


def _spread(r: Any) -> Any:
    return ops.maximum(ops.max(r) - ops.min(r), 1.0)


class Anchor(NamedTuple):
    """The proximal term `softness |lam - centre|^2 / 2` of the method of multipliers."""

    softness: Any
    centre: Any

    def force(self, lam: Any) -> Any:
        return self.softness * (lam - self.centre)


class Local(NamedTuple):
    """The dual around one point."""

    lam: Any
    rows: Any
    curvature: Any
    steepest: Any
    field: Field

    def gentlest(self) -> Any:
        """The smallest curvature of a row when nothing was at its bound."""
        smallest = ops.min(ops.where(self.field.movable, self.steepest, ops.full_like(self.steepest, np.inf)))
        return ops.where(ops.isfinite(smallest), smallest, ops.ones_like(smallest))

    def residual(self, problem: DualProblem, force: Any, t: Any) -> Any:
        """The largest natural residual of a row, relative to its reach: zero exactly at the solution."""
        e = self.rows - force
        e = e if problem.border is None else e + ops.matmul(problem.border, t)
        aimed = e + self.lam * (self.steepest + problem.softness)
        off = ops.abs(e - ops.minimum(ops.maximum(aimed, problem.lower), problem.upper))
        off = ops.where(off < np.inf, off, np.inf)  # not a number is no solution, and a maximum may drop it
        return ops.max(ops.where(self.field.movable, off / self.field.reach, 0.0))

    def slope(self, problem: DualProblem, force: Any, direction: Any) -> Any:
        """The derivative of F along a direction, from behind where `lam` stands on a kink."""
        positive = ops.logical_or(self.lam > 0, ops.logical_and(ops.equal(self.lam, 0.0), direction < 0))
        bound = ops.where(positive, problem.upper, problem.lower)
        bound = ops.where(ops.isfinite(bound), bound, ops.zeros_like(bound))
        return ops.sum(direction * (bound + force - self.rows))

    def step(self, problem: DualProblem, anchor: Anchor, residual: Any, t: Any) -> ModelSolution:
        """The minimiser of the model."""
        proximal = self.gentlest() * ops.minimum(residual, 1.0) / _PROXIMAL_REACH
        proximal = proximal + proximal_floor(self.lam.dtype) * self.steepest
        added = ops.where(self.field.movable, proximal, ops.ones_like(self.lam))
        soft = problem.softness + anchor.softness
        drawn = self.rows + anchor.softness * anchor.centre
        if len(self.curvature.shape) == 1:
            smooth = ops.where(self.field.movable, self.curvature, ops.zeros_like(self.curvature)) + added
            return solve_model(
                smooth + soft, problem.border, drawn + smooth * self.lam, problem.lower, problem.upper, t
            )
        member = ops.cast(self.field.movable, self.lam.dtype)
        identity = ops.eye(int(self.lam.shape[0]), dtype=self.lam.dtype)
        smooth = self.curvature * member[:, None] * member[None, :] + identity * added[:, None]
        beta = drawn + ops.matmul(smooth, self.lam)
        return solve_model(
            smooth + identity * soft[:, None], problem.border, beta, problem.lower, problem.upper, t
        )
