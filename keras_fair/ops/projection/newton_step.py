r"""Newton's step: the exact minimiser of a quadratic model of `g` plus all the rest of the dual.

With rows `e` and curvature `K` at `lam`, the model of the smooth part is

    g(z) ~ -(e + K lam)^T z + z^T K z / 2

and the rest (the kinks of `sigma`, soft rows, an anchor, the auxiliary scalars) is kept as it is: a proximal
Newton method (Lee, Sun and Saunders, SIAM J. Optim. 24(3), 2014). The kinks and the scalars cost no passes
over the predictions; `keras_fair.ops.projection.quadratic_model` solves the model.

The model carries a proximal term that vanishes with the error, so that dependent rows stay solvable.
"""

from __future__ import annotations

from typing import Any

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.dual import Anchor, Dual, DualPoint
from keras_fair.ops.projection.linear_algebra import plus_diagonal, product
from keras_fair.ops.projection.problem import Unknowns
from keras_fair.ops.projection.quadratic_model import solve_model

__all__ = ["newton_step"]


def newton_step(dual: Dual, point: DualPoint, anchor: Anchor, residual: Any, t: Any) -> Unknowns:
    """The minimiser of the model around a point.

    Args:
        dual: the function to minimise.
        point: where it is looked at.
        anchor: a proximal term that the model keeps.
        residual: () the error at the point.
        t: (p,) a first guess of the auxiliary scalars.
    """
    problem, settings, movable = dual.problem, dual.settings, dual.scales.movable
    proximal = dual.gentlest(point) * ops.minimum(residual, 1.0) / settings.proximal_reach
    proximal = proximal + settings.proximal_floor * point.steepness
    added = ops.where(movable, proximal, ops.ones_like(point.lam))
    soft = problem.softness + anchor.softness
    drawn = point.rows + anchor.softness * anchor.centre
    if dual.structure.diagonal:
        smooth = ops.where(movable, point.curvature, ops.zeros_like(point.curvature))
    else:
        member = ops.cast(movable, point.lam.dtype)
        smooth = point.curvature * member[:, None] * member[None, :]
    smooth = plus_diagonal(smooth, added)
    curvature, beta = plus_diagonal(smooth, soft), drawn + product(smooth, point.lam)
    guess = Unknowns(point.lam, t)
    return solve_model(curvature, problem.border, beta, problem.lower, problem.upper, guess, settings)
