r"""The dual of the projection: few unknowns, many predictions.

    minimise over lam   F(lam) = g(lam) + sigma(lam) + sum_j lam_j^2 / (2 rho_j)    subject to  V^T lam = 0

`g` is the smooth part, `grad g = -(A y(lam) + c)`, where each `y_i` answers its price `(A^T lam)_i / w_i` in
closed form (`keras_fair.ops.projection.divergences`). `sigma(lam) = upper . max(lam, 0) - lower . max(-lam,
0)` has a kink at zero. The auxiliary scalars `t` are the multipliers of `V^T lam = 0`.

A point of the dual is looked at in one pass over the predictions, which gives rows and their curvature;
errors and slopes follow from these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.divergences import Response, respond
from keras_fair.ops.projection.linear_algebra import diagonal_of, positive_or_one
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.projection.scales import Scales
from keras_fair.ops.projection.settings import Settings, settings_for

__all__ = ["Anchor", "Dual", "DualPoint", "curvature_of_rows", "response_at"]


def response_at(problem: Problem, structure: Structure, lam: Any) -> Response:
    """The predictions' response to duals `lam`, all flattened to (N,)."""
    price = problem.over_weights(problem.moments.adjoint(lam))
    if not structure.simplex:
        return respond(structure.divergence, False, problem.r, price, problem.low, problem.high)
    shape = (-1, structure.outputs)
    response = respond(
        structure.divergence, True, ops.reshape(problem.r, shape), ops.reshape(price, shape), 0.0, 1.0
    )
    return Response(*(ops.reshape(part, (-1,)) for part in response))


def curvature_of_rows(problem: Problem, structure: Structure, curvature: Any) -> Any:
    """`A (-dy/db) A^T / w`: (m, m), or its diagonal where the structure says it has nothing else.

    Args:
        problem: the projection.
        structure: its static facts.
        curvature: (N,) of a `Response`.
    """
    weighted = problem.over_weights(curvature)
    if structure.diagonal:
        return problem.moments.gram_diagonal(weighted)
    gram = problem.moments.gram(weighted)
    if not structure.simplex:
        return gram
    # On the simplex a common shift of a sample's outputs changes nothing: take that direction out.
    total = ops.sum(ops.reshape(weighted, (-1, structure.outputs)), axis=1)
    seen = problem.moments.per_sample(weighted, structure.outputs)
    return gram - ops.matmul(ops.transpose(seen), seen / positive_or_one(total)[:, None])


class Anchor(NamedTuple):
    """The proximal term `softness |lam - centre|^2 / 2` of the method of multipliers."""

    softness: Any
    centre: Any

    def force(self, lam: Any) -> Any:
        """Its gradient."""
        return self.softness * (lam - self.centre)


class DualPoint(NamedTuple):
    """What one pass over the predictions tells about the dual at a point.

    Attributes:
        lam: (m,) the point.
        y: (N,) the predictions there.
        rows: (m,) `A y + c`.
        curvature: (m, m) of `g`, or its diagonal (m,).
        steepest: (m,) the largest diagonal of it so far.
        steepness: (m,) the same with no zeros.
    """

    lam: Any
    y: Any
    rows: Any
    curvature: Any
    steepest: Any
    steepness: Any


class Dual(NamedTuple):
    """The function to minimise, and what its errors are measured by.

    Attributes:
        problem: the projection, rows that take no part freed.
        structure: its static facts.
        scales: of the problem.
        euclidean: (m,) curvature of the rows under Euclidean predictions off their bounds.
        settings: of the solver.
    """

    problem: Problem
    structure: Structure
    scales: Scales
    euclidean: Any
    settings: Settings

    @classmethod
    def of(cls, problem: Problem, structure: Structure) -> Dual:
        """The dual of a projection, with the settings for its precision."""
        settings = settings_for(problem.r.dtype)
        scales = Scales.of(problem, settings)
        problem = scales.freed(problem)
        euclidean = diagonal_of(curvature_of_rows(problem, structure, ops.ones_like(problem.r)))
        return cls(problem, structure, scales, euclidean, settings)

    def at(self, lam: Any, steepest: Any) -> DualPoint:
        """One pass over the predictions.

        Args:
            lam: (m,) where.
            steepest: (m,) the largest curvatures so far.
        """
        response = response_at(self.problem, self.structure, lam)
        rows = self.problem.moments.rows(response.y) + self.problem.offset
        curvature = curvature_of_rows(self.problem, self.structure, response.curvature)
        steepest = ops.maximum(steepest, diagonal_of(curvature))
        steepness = self.scales.positive(steepest, self.euclidean)
        return DualPoint(lam, response.y, rows, curvature, steepest, steepness)

    def residual(self, point: DualPoint, force: Any, t: Any) -> Any:
        """() the largest natural residual of a row, relative to its reach: zero exactly at the solution.

        Args:
            point: where.
            force: (m,) the gradient of the quadratic terms, those of soft rows and of an anchor.
            t: (p,) auxiliary scalars.
        """
        e = self.problem.lifted(point.rows - force, t)
        aimed = e + point.lam * (point.steepness + self.problem.softness)
        off = ops.abs(e - ops.minimum(ops.maximum(aimed, self.problem.lower), self.problem.upper))
        off = ops.where(off < np.inf, off, np.inf)  # not a number is no solution, and a maximum may drop it
        return self.scales.largest(off)

    def violation(self, rows: Any, lam: Any, t: Any) -> Any:
        """() the largest violation of a row, relative to its reach; soft ones give what their duals say.

        Args:
            rows: (m,) `A y + c`.
            lam: (m,) duals.
            t: (p,) auxiliary scalars.
        """
        e = self.problem.lifted(rows - self.problem.softness * lam, t)
        outside = ops.maximum(ops.maximum(e - self.problem.upper, self.problem.lower - e), 0.0)
        return self.scales.largest(ops.where(outside < np.inf, outside, np.inf))

    def slope(self, point: DualPoint, force: Any, direction: Any) -> Any:
        """() the derivative of F along a direction, from behind where `lam` stands on a kink."""
        behind = ops.logical_and(ops.equal(point.lam, 0.0), direction < 0)
        at_upper = ops.logical_or(point.lam > 0, behind)
        bound = ops.where(at_upper, self.problem.upper, self.problem.lower)
        bound = ops.where(ops.isfinite(bound), bound, ops.zeros_like(bound))
        return ops.sum(direction * (bound + force - point.rows))

    def gentlest(self, point: DualPoint) -> Any:
        """() the smallest curvature of a row when nothing was at its bound."""
        infinite = ops.full_like(point.steepness, np.inf)
        smallest = ops.min(ops.where(self.scales.movable, point.steepness, infinite))
        return ops.where(ops.isfinite(smallest), smallest, ops.ones_like(smallest))

    def pull(self, point: DualPoint) -> Any:
        """() how far the duals pull the predictions, in widths of the domain."""
        each = ops.where(self.scales.movable, ops.abs(point.lam) * point.steepest, 0.0)
        return ops.max(each) / self.scales.width
