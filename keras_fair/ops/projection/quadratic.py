r"""The quadratic model of the dual, solved to machine precision by an interior-point method.

The unknowns are the duals `z` of m rows and the p auxiliary scalars `t` (a spread's unknown minimum):

    minimise over z, maximise over t:   z^T Q z / 2 - (beta + V t)^T z + sum_j upper_j z_j^+ - lower_j z_j^-

with `Q` positive definite (m, m). At the solution the rows `e = beta + V t - Q z` lie in [lower, upper], `z_j
> 0` only where `e_j` is at its upper bound, `z_j < 0` only at the lower one, and `V^T z = 0`. The cost is
that of a few m-by-m eliminations: predictions do not enter.

Without auxiliary scalars and with a diagonal `Q` (two groups; any number of groups each bounded by itself)
the solution is a formula. Otherwise: Mehrotra's predictor-corrector (SIAM J. Optim. 2(4), 1992) on `z = p -
q`, rows with equal bounds kept without a barrier, followed by one exact solve on the rows found active.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_fair.ops.precision import rounding
from keras_fair.ops.projection.interior_point import ScaledModel

__all__ = ["ModelSolution", "solve_model"]

_INTERIOR_STEPS = 40
_POLISHING_STEPS = 10


class ModelSolution(NamedTuple):
    """Duals `z` (m,) and auxiliary scalars `t` (p,)."""

    z: Any
    t: Any


def solve_model(curvature: Any, border: Any, beta: Any, lower: Any, upper: Any, t: Any) -> ModelSolution:
    """Solve the model.

    Args:
        curvature: `Q`, (m, m), or its diagonal (m,) where it has nothing else.
        border: `V`, (m, p), or None without auxiliary scalars.
        beta: (m,) row values at `z = 0`, `t = 0`.
        lower, upper: (m,), may be infinite; rows with both infinite get `z = 0`.
        t: (p,) a first guess.
    """
    if border is None and len(curvature.shape) == 1:
        return ModelSolution((beta - ops.minimum(ops.maximum(beta, lower), upper)) / curvature, t)
    return _interior_point(curvature, border, beta, lower, upper, t)


def _interior_point(curvature: Any, border: Any, beta: Any, lower: Any, upper: Any, t: Any) -> ModelSolution:
    problem, size, root, width = _scaled(curvature, border, beta, lower, upper, t)
    enough = 0.05 * rounding(beta.dtype)

    def unfinished(step: Any, error: Any, *_: Any) -> Any:
        return ops.logical_and(step < _INTERIOR_STEPS, error > enough)

    def advance(step: Any, error: Any, least: Any, *points: Any) -> tuple:
        point, best = points[: len(points) // 2], points[len(points) // 2 :]
        further, found = problem.interior_step(*point)
        better = found < least
        best = tuple(ops.where(better, new, old) for old, new in zip(best, further, strict=True))
        # Once rounding has taken over, steps make the point worse, at the end without bound.
        rounded = ops.logical_and(least < 1e-6, ops.logical_not(better))
        broken = ops.logical_or(rounded, ops.logical_not(ops.isfinite(found)))
        error = ops.where(broken, ops.zeros_like(error), found)
        return (step + 1, error, ops.where(better, found, least), *further, *best)

    zero, one = ops.zeros_like(beta), ops.ones_like(beta)
    s = ops.zeros_like(t)
    slack_high = ops.where(problem.has_high > 0, ops.maximum(problem.high - problem.start, 1.0), one)
    slack_low = ops.where(problem.has_low > 0, ops.maximum(problem.start - problem.low, 1.0), one)
    first = (zero, problem.has_high, problem.has_low, slack_high, slack_low, s)
    count = ops.convert_to_tensor(0, dtype="int32")
    error = ops.sum(one)
    last = ops.while_loop(unfinished, advance, (count, error, np.inf * error, *first, *first))
    z, s = _polished(problem, *problem.finish(*last[-len(first) :]))
    z = z * size / root
    return ModelSolution(z, t if width is None else t + s * size / width)


def _polished(problem: ScaledModel, z: Any, s: Any) -> tuple[Any, Any]:
    """Where the interior point ended short of the solution: Newton's method on the active rows."""
    enough = rounding(z.dtype) ** (2.0 / 3.0)

    def unfinished(step: Any, error: Any, *_: Any) -> Any:
        return ops.logical_and(step < _POLISHING_STEPS, error > enough)

    def advance(step: Any, _: Any, least: Any, z: Any, s: Any, best_z: Any, best_s: Any) -> tuple:
        z, s = problem.newton_step(z, s)
        found = problem.error(z, s)
        better = found < least
        kept = ops.where(better, z, best_z), ops.where(better, s, best_s)
        return step + 1, found, ops.where(better, found, least), z, s, *kept

    error = problem.error(z, s)
    count = ops.convert_to_tensor(0, dtype="int32")
    *_, z, s = ops.while_loop(unfinished, advance, (count, error, error, z, s, z, s))
    return z, s


def _scaled(
    curvature: Any, border: Any, beta: Any, lower: Any, upper: Any, t: Any
) -> tuple[ScaledModel, Any, Any, Any]:
    """The model with a unit diagonal of `Q`, unit columns of `V`, and rows measured by how far they must
    move."""
    diagonal = len(curvature.shape) == 1
    root = ops.sqrt(curvature if diagonal else ops.diagonal(curvature))
    quadratic = curvature / (root * root) if diagonal else curvature / (root[:, None] * root[None, :])
    below, above = ops.isfinite(lower), ops.isfinite(upper)
    start = (beta if border is None else beta + ops.matmul(border, t)) / root
    low = ops.where(below, lower, ops.zeros_like(lower)) / root
    high = ops.where(above, upper, ops.zeros_like(upper)) / root
    outside = ops.where(above, ops.maximum(start - high, 0.0), 0.0) + ops.where(
        below, ops.maximum(low - start, 0.0), 0.0
    )
    size = ops.max(outside)
    size = ops.where(size > 0, size, ops.ones_like(size))
    start, low, high = start / size, low / size, high / size
    slack = 8.0 * rounding(beta.dtype) * (1.0 + ops.abs(high))
    fixed = ops.logical_and(ops.logical_and(below, above), high - low <= slack)
    inequality = ops.cast(ops.logical_not(fixed), beta.dtype)
    columns, width = None, None
    if border is not None:
        columns = border / root[:, None] * ops.cast(ops.logical_or(below, above), beta.dtype)[:, None]
        width = ops.sqrt(ops.sum(columns * columns, axis=0))
        width = ops.where(width > 0, width, ops.ones_like(width))
        columns = columns / width[None, :]
    problem = ScaledModel(
        quadratic,
        columns,
        start,
        low,
        high,
        has_low=ops.cast(below, beta.dtype) * inequality,
        has_high=ops.cast(above, beta.dtype) * inequality,
        fixed=ops.cast(fixed, beta.dtype),
    )
    return problem, size, root, width
