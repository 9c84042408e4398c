r"""The quadratic model of the dual, solved to machine precision by an interior-point method.

The unknowns are the duals `z` of m rows and the p auxiliary scalars `t` (a spread's unknown minimum):

    minimise over z, maximise over t:   z^T Q z / 2 - (beta + V t)^T z + sum_j upper_j z_j^+ - lower_j z_j^-

with `Q` positive definite (m, m). At the solution the rows `e = beta + V t - Q z` lie in [lower, upper], `z_j
> 0` only where `e_j` is at its upper bound, `z_j < 0` only at the lower one, and `V^T z = 0`. The cost is
that of a few m-by-m eliminations: predictions do not enter.

Without auxiliary scalars and with a diagonal `Q` (two groups; any number of groups each bounded by itself)
the solution is a formula. Otherwise the model is scaled, `keras_fair.ops.projection.interior_point` takes
steps on it, one exact solve on the active rows ends them, and Newton's method on these mends what is left.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.control_flow import choose, iterate
from keras_fair.ops.projection.interior_point import InteriorPoint, ScaledModel
from keras_fair.ops.projection.linear_algebra import (
    diagonal_of,
    over_both_sides,
    positive_or_one,
    unit_columns,
)
from keras_fair.ops.projection.problem import Unknowns
from keras_fair.ops.projection.settings import Settings
from keras_fair.ops.working_precision import rounding

__all__ = ["solve_model"]


def solve_model(
    curvature: Any, border: Any, beta: Any, lower: Any, upper: Any, guess: Unknowns, settings: Settings
) -> Unknowns:
    """Solve the model.

    Args:
        curvature: `Q`, (m, m), or its diagonal (m,) where it has nothing else.
        border: `V`, (m, p), or None without auxiliary scalars.
        beta: (m,) row values at `z = 0`, `t = 0`.
        lower, upper: (m,), may be infinite; rows with both infinite get `z = 0`.
        guess: duals and scalars to begin from.
        settings: how many steps at most.
    """
    if border is None and len(curvature.shape) == 1:
        return Unknowns((beta - ops.minimum(ops.maximum(beta, lower), upper)) / curvature, guess.t)
    model, size, root, width = _scaled(curvature, border, beta, lower, upper, guess.t)
    nothing = ops.zeros_like(guess.t)
    # Mostly the rows that bind are those that the guess says, and one solve on them is the solution.
    quick = model.newton_step(guess.lam * root / size, nothing)
    z, s = ops.cond(
        model.error(*quick) <= rounding(beta.dtype) ** 0.8,
        lambda: quick,
        lambda: _polished(model, *model.finish(_interior(model, nothing, settings)), settings),
    )
    return Unknowns(z * size / root, guess.t if width is None else guess.t + s * size / width)


class _Search(NamedTuple):
    """An iteration that keeps its best point: `point` is the last one, of error `error`."""

    steps: Any
    error: Any
    point: Any
    least_error: Any
    best: Any

    @classmethod
    def begun(cls, point: Any, error: Any, least_error: Any) -> _Search:
        return cls(ops.convert_to_tensor(0, dtype="int32"), error, point, least_error, point)

    def moved(self, point: Any, error: Any) -> _Search:
        better = error < self.least_error
        least_error = ops.where(better, error, self.least_error)
        return _Search(self.steps + 1, error, point, least_error, choose(better, point, self.best))


def _interior(model: ScaledModel, s: Any, settings: Settings) -> InteriorPoint:
    """The best point that steps of the interior-point method come to."""
    enough = 0.05 * rounding(s.dtype)

    def unfinished(search: _Search) -> Any:
        return ops.logical_and(search.steps < settings.interior_steps, search.error > enough)

    def advance(search: _Search) -> _Search:
        point, error = model.interior_step(search.point)
        # Once rounding has taken over, steps make the point worse, at the end without bound.
        rounded = ops.logical_and(search.least_error < 1e-6, ops.logical_not(error < search.least_error))
        broken = ops.logical_or(rounded, ops.logical_not(ops.isfinite(error)))
        return search.moved(point, error)._replace(error=ops.where(broken, ops.zeros_like(error), error))

    error = ops.sum(ops.ones_like(model.start))
    return iterate(unfinished, advance, _Search.begun(model.first_point(s), error, np.inf * error)).best


def _polished(model: ScaledModel, z: Any, s: Any, settings: Settings) -> tuple[Any, Any]:
    """Where the interior point ended short of the solution: Newton's method on the active rows."""
    enough = rounding(z.dtype) ** (2.0 / 3.0)

    def unfinished(search: _Search) -> Any:
        return ops.logical_and(search.steps < settings.polishing_steps, search.error > enough)

    def advance(search: _Search) -> _Search:
        z, s = model.newton_step(*search.point)
        return search.moved((z, s), model.error(z, s))

    error = model.error(z, s)
    return iterate(unfinished, advance, _Search.begun((z, s), error, error)).best


def _scaled(
    curvature: Any, border: Any, beta: Any, lower: Any, upper: Any, t: Any
) -> tuple[ScaledModel, Any, Any, Any]:
    """The model with a unit diagonal of `Q`, unit columns of `V`, and rows measured by how far they must
    move. It counts its scalars from `t`.

    Returns:
        The model; () how far the rows must move; (m,) the root of the diagonal of `Q`; (p,) the lengths of
        the columns of `V`, or None.
    """
    root = ops.sqrt(diagonal_of(curvature))
    below, above = ops.isfinite(lower), ops.isfinite(upper)
    start = (beta if border is None else beta + ops.matmul(border, t)) / root
    low = ops.where(below, lower, ops.zeros_like(lower)) / root
    high = ops.where(above, upper, ops.zeros_like(upper)) / root
    outside = ops.where(above, ops.maximum(start - high, 0.0), 0.0) + ops.where(
        below, ops.maximum(low - start, 0.0), 0.0
    )
    size = positive_or_one(ops.max(outside))
    start, low, high = start / size, low / size, high / size
    slack = 8.0 * rounding(beta.dtype) * (1.0 + ops.abs(high))
    fixed = ops.logical_and(ops.logical_and(below, above), high - low <= slack)
    inequality = ops.cast(ops.logical_not(fixed), beta.dtype)
    columns, width = None, None
    if border is not None:
        bounded = ops.cast(ops.logical_or(below, above), beta.dtype)
        columns, width = unit_columns(border / root[:, None] * bounded[:, None])
    model = ScaledModel(
        over_both_sides(curvature, root),
        columns,
        start,
        low,
        high,
        has_low=ops.cast(below, beta.dtype) * inequality,
        has_high=ops.cast(above, beta.dtype) * inequality,
        fixed=ops.cast(fixed, beta.dtype),
    )
    return model, size, root, width
