"""What errors are measured by, and which rows take part.

A row is met where its error is small beside its reach: how far it moves when every prediction crosses the
domain. Rows that nothing can move (a covariance with a constant) take no part: they can only be reported.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.projection.problem import Problem, reach_of
from keras_fair.ops.projection.settings import Settings
from keras_fair.ops.working_precision import rounding

__all__ = ["Scales"]


class Scales(NamedTuple):
    """How far things can move.

    Attributes:
        reach: (m,) of each row; what its errors are measured by.
        width: () of the domain.
        movable: (m,) bool, the rows that take part: those with a bound that predictions or auxiliary scalars
            can move, and soft ones.
        unmoved: (m,) bool, those of them that no prediction moves.
        stuck: () bool, whether a row that takes no part lies outside its bounds.
    """

    reach: Any
    width: Any
    movable: Any
    unmoved: Any
    stuck: Any

    @classmethod
    def of(cls, problem: Problem, settings: Settings) -> Scales:
        """The scales of a problem."""
        span = problem.high - problem.low
        width = ops.cond(ops.isfinite(span), lambda: span, lambda: _range(problem.r))
        sums = reach_of(problem)
        still = sums.cancelled
        bounded = ops.logical_or(ops.isfinite(problem.lower), ops.isfinite(problem.upper))
        free = ops.logical_or(ops.logical_not(still), problem.softness > 0)
        if problem.border is not None:
            free = ops.logical_or(free, ops.any(ops.not_equal(problem.border, 0.0), axis=1))
        movable = ops.logical_and(bounded, free)
        outside = ops.maximum(problem.offset - problem.upper, problem.lower - problem.offset)
        outside = outside > settings.row_tolerance * sums.gross * width
        stuck = ops.any(ops.logical_and(ops.logical_and(bounded, ops.logical_not(movable)), outside))
        # Rows are exact to some times the rounding of what they are sums of: a stream's large constant too.
        exact = settings.coefficient_roundings * rounding(problem.r.dtype) / settings.row_tolerance
        reach = ops.maximum(sums.net, ops.minimum(exact * sums.gross, settings.coarsest * sums.net)) * width
        finest = ops.abs(problem.offset) * exact
        reach = ops.where(still, positive_or_one(ops.max(reach)), reach)
        reach = ops.where(movable, ops.maximum(reach, finest), ops.ones_like(reach))
        return cls(reach, width, movable, ops.logical_and(movable, still), stuck)

    def largest(self, errors: Any) -> Any:
        """() the largest of (m,) errors of rows, relative to their reach."""
        return ops.max(ops.where(self.movable, errors / self.reach, 0.0))

    @property
    def largest_reach(self) -> Any:
        """() of a row that takes part."""
        return ops.max(ops.where(self.movable, self.reach, ops.zeros_like(self.reach)))

    def freed(self, problem: Problem) -> Problem:
        """The problem without bounds on the rows that take no part."""
        infinite = ops.full_like(problem.lower, np.inf)
        return problem._replace(
            lower=ops.where(self.movable, problem.lower, -infinite),
            upper=ops.where(self.movable, problem.upper, infinite),
        )

    def positive(self, curvature: Any, euclidean: Any) -> Any:
        """Curvatures of rows, (m,), none of them zero.

        Where all predictions of a row stand at their bounds and may come off, it gets the curvature that it
        has under Euclidean predictions off their bounds, `euclidean`; a row that no prediction moves gets the
        largest of all.
        """
        curvature = ops.where(curvature > 0, curvature, ops.where(self.movable, euclidean, curvature))
        largest = positive_or_one(ops.max(curvature))
        return ops.where(ops.logical_or(self.unmoved, ops.equal(curvature, 0.0)), largest, curvature)


def _range(r: Any) -> Any:
    return ops.maximum(ops.max(r) - ops.min(r), 1.0)
