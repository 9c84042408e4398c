r"""A proof that rows cannot be met, and that predictions violate them least.

For any weights `w` on the rows that the bounds allow (`w_j >= 0` where only `upper` is finite, `w_j <= 0`
where only `lower` is) and the auxiliary scalars do not see (`V^T w = 0`), each `y'` in the domain and each
`t` violate the rows by a vector `v` with

    |v| >= w . v / |w| >= least / |w|
    least = min over y' in the domain of (A^T w) . y' + w . c - sigma(w)

since `w_j v_j` is at least `w_j` times how far row j is beyond its bound. The minimum is taken entry by
entry (on the simplex: sample by sample, at its cheapest output). So `least > 0` proves that the rows cannot
be met, and weights equal to the violation of `y` itself prove that no `y'` does better than `least / |w|`;
at the least violation the two agree, and their difference is the duality gap of `min |v|` (the Frank-Wolfe
gap: Jaggi, ICML 2013, section 2).

It takes one adjoint pass over the predictions, and is taken only where the rows were not met.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.dual import Dual
from keras_fair.ops.projection.linear_algebra import (
    positive_or_one,
    quasi_definite_inverse,
    unit_columns,
)
from keras_fair.ops.working_precision import rounding

__all__ = ["violation_above_least"]


def violation_above_least(dual: Dual, y: Any, rows: Any, t: Any, weights: Any = None) -> Any:
    """How far the violation of `y` is at most above the least, relative to itself.

    The violation is the root of the sum of squares over rows, in the rows' own units. Rows with a finite
    stiffness, which can always be met at a price, and rows that no prediction moves do not count.

    Args:
        dual: of the projection.
        y: (N,) predictions in the domain.
        rows: (m,) `A y + c`.
        t: (p,) auxiliary scalars.
        weights: (m,) on the rows; default: the violation itself. Where this is so small that the rounding of
            the rows is a part of it, the duals of the least violation prove more.

    Returns:
        A scalar in [0, inf]: below 1 proves that the rows cannot be met; 0 is the least violation itself.
    """
    problem, zero = dual.problem, ops.zeros_like(rows)
    hard = ops.equal(problem.softness, 0.0)
    has_upper = ops.logical_and(hard, ops.isfinite(problem.upper))
    has_lower = ops.logical_and(hard, ops.isfinite(problem.lower))
    upper, lower = ops.where(has_upper, problem.upper, zero), ops.where(has_lower, problem.lower, zero)
    e = problem.lifted(rows, t)
    outside = ops.where(has_upper, ops.maximum(e - upper, 0.0), zero)
    outside = outside - ops.where(has_lower, ops.maximum(lower - e, 0.0), zero)
    violation = ops.sqrt(ops.sum(outside * outside))
    unit = outside / positive_or_one(violation)
    if weights is not None:
        unit = ops.where(hard, weights / positive_or_one(ops.max(ops.abs(weights))), zero)
    unseen = unit if problem.border is None else _without(problem.border, unit)
    # Rounding must not turn a weight to a side without a bound.
    weights = ops.where(has_upper, ops.maximum(unseen, 0.0), zero)
    weights = weights + ops.where(has_lower, ops.minimum(unseen, 0.0), zero)
    bound = ops.where(weights > 0, upper, lower)
    least = ops.sum(weights * (problem.offset - bound))
    least = least + _cheapest(dual, y, problem.moments.adjoint(weights))
    if problem.border is not None:
        seen = ops.matmul(ops.transpose(problem.border), weights)
        least = least - dual.settings.farthest * ops.max(dual.scales.reach) * ops.sum(ops.abs(seen))
    least = least / ops.maximum(ops.sqrt(ops.sum(weights * weights)), rounding(rows.dtype))
    proves = ops.logical_and(violation > 0, ops.isfinite(least))
    # Rows are exact to what counts as met, and so is the least violation.
    slack = dual.settings.row_tolerance * dual.scales.largest_reach
    slack = ops.where(least > 0.5 * violation, slack, 0.0 * slack)
    gap = 1.0 - (least + slack) / ops.where(proves, violation, ops.ones_like(violation))
    return ops.where(proves, ops.maximum(gap, 0.0), ops.full_like(gap, np.inf))


def _cheapest(dual: Dual, y: Any, price: Any) -> Any:
    """() the least of `price . y'` over the domain; an unbounded one is covered a long way around `y`."""
    problem, structure = dual.problem, dual.structure
    if structure.simplex:
        price = ops.reshape(price, (-1, structure.outputs))
        if structure.divergence == "categorical_crossentropy":
            # A category whose probability is zero keeps it.
            open_to = ops.reshape(problem.r, (-1, structure.outputs)) > 0
            price = ops.where(open_to, price, ops.full_like(price, np.inf))
        return ops.sum(ops.min(price, axis=1))
    far = dual.settings.farthest * dual.scales.width
    low = ops.where(ops.isfinite(problem.low), problem.low, ops.minimum(y, problem.high) - far)
    high = ops.where(ops.isfinite(problem.high), problem.high, ops.maximum(y, problem.low) + far)
    return ops.sum(ops.minimum(price * low, price * high))


def _without(border: Any, weights: Any) -> Any:
    """The weights, less what the auxiliary scalars see of them; rows of no weight keep none."""
    weighted = ops.cast(ops.not_equal(weights, 0.0), weights.dtype)
    columns, _ = unit_columns(border * weighted[:, None])
    square = ops.matmul(ops.transpose(columns), columns)
    inverse = quasi_definite_inverse(square, 30.0 * rounding(weights.dtype))
    for _ in range(2):
        seen = ops.matmul(ops.transpose(columns), weights)
        weights = weights - ops.matmul(columns, ops.matmul(inverse, seen))
    return weights
