"""Points of the primal-dual method: predictions, rows and their duals, what they aim at and how far they are.

The method is `keras_fair.ops.projection.primal_dual`'s, which has the equations.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.dual import Dual
from keras_fair.ops.projection.interior_point import InteriorPoint
from keras_fair.ops.projection.linear_algebra import positive_or_one

__all__ = ["Aim", "Central", "bounded", "ends_of", "errors_of", "first_point", "rows_at"]


class Aim(NamedTuple):
    """What is looked for.

    Attributes:
        tension: (N,) `k w`.
        at_low, at_high: (N,) `P` and `Q`.
        softness: (m,) of the rows.
        lower, upper: (m,) their bounds.
        weights: (N,) what products of predictions are small beside.
        unit: () zero; or the unit of the violation, where that is what is made least. Then products are small
            beside the duals, which are its size.
    """

    tension: Any
    at_low: Any
    at_high: Any
    softness: Any
    lower: Any
    upper: Any
    weights: Any
    unit: Any


class Central(NamedTuple):
    """A point of the method, or a direction from one.

    Attributes:
        y: (N,) predictions, inside the domain.
        low_gap, high_gap: (N,) how far from its ends, kept apart as a gap may be less than the rounding of
            `y`; 1 where an end is infinite.
        p, q: (N,) duals of its low and its high end, zero where it is infinite.
        rows: duals and gaps of the rows, and auxiliary scalars.
    """

    y: Any
    low_gap: Any
    high_gap: Any
    p: Any
    q: Any
    rows: InteriorPoint

    @property
    def lam(self) -> Any:
        """(m,) duals of the rows."""
        return self.rows.free + self.rows.p - self.rows.q

    def moved(self, direction: Central, length: Any) -> Central:
        """The point a step away."""
        own = [x + length * dx for x, dx in zip(self[:-1], direction[:-1], strict=True)]
        return Central._make([*own, self.rows.moved(direction.rows, length)])


def ends_of(dual: Dual, y: Any) -> tuple[Any, Any]:
    """(N,) 1 where the domain has a low end, and a high one, else 0."""
    one = ops.ones_like(y)
    if dual.structure.simplex:
        return one, 0.0 * one
    return tuple(ops.cast(ops.isfinite(end), y.dtype) * one for end in (dual.problem.low, dual.problem.high))


def first_point(dual: Dual, aim: Aim, mu: Any) -> tuple[Any, Central]:
    """A first `mu`, and a point inside all bounds whose products are what they aim at."""
    problem, width = dual.problem, dual.scales.width
    if dual.structure.simplex:
        y = 0.9 * problem.r + 0.1 / dual.structure.outputs
    else:
        y = ops.minimum(ops.maximum(problem.r, problem.low + 0.1 * width), problem.high - 0.1 * width)
    has_floor, has_ceiling = ends_of(dual, y)
    one = ops.ones_like(y)
    if dual.structure.simplex:
        low, high = y, one
    else:
        low = ops.where(has_floor > 0, y - problem.low, one)
        high = ops.where(has_ceiling > 0, problem.high - y, one)
    mu = mu * width * width
    e = problem.moments.rows(y) + problem.offset
    has_high, has_low, fixed = bounded(aim)
    one, nothing = ops.ones_like(e), ops.zeros_like(e)
    far = ops.maximum(dual.scales.reach, 1e-300)
    high_gap = ops.where(has_high > 0, ops.maximum(aim.upper - e, far), one)
    low_gap = ops.where(has_low > 0, ops.maximum(e - aim.lower, far), one)
    s = ops.zeros((0 if problem.border is None else int(problem.border.shape[1]),), dtype=y.dtype)
    rows = InteriorPoint(nothing, has_high * mu / high_gap, has_low * mu / low_gap, high_gap, low_gap, s)
    p, q = has_floor * (aim.at_low + mu) / low, has_ceiling * (aim.at_high + mu) / high
    return mu, Central(y, low, high, p, q, rows)


def bounded(aim: Aim) -> tuple[Any, Any, Any]:
    """(m,) 0 or 1: whether rows have an upper bound, a lower one, or two that are the same."""
    dtype = aim.lower.dtype
    below, above = ops.isfinite(aim.lower), ops.isfinite(aim.upper)
    fixed = ops.logical_and(ops.logical_and(below, above), aim.upper <= aim.lower)
    loose = ops.logical_not(fixed)
    return (
        ops.cast(ops.logical_and(above, loose), dtype),
        ops.cast(ops.logical_and(below, loose), dtype),
        ops.cast(fixed, dtype),
    )


def rows_at(dual: Dual, aim: Aim, point: Central) -> Any:
    """(m,) the rows at a point, less what soft ones give."""
    problem = dual.problem
    e = problem.moments.rows(point.y) + problem.offset - aim.softness * point.lam
    return problem.lifted(e, point.rows.s)


def errors_of(dual: Dual, aim: Aim, point: Central) -> tuple[Any, Any]:
    """() how far the rows are outside their bounds, and the products from what they aim at, both relative to
    what can move."""
    width, of = dual.scales.width, point.rows
    has_floor, has_ceiling = ends_of(dual, point.y)
    largest = ops.max(ops.abs(point.lam))
    size = width * (width * (aim.weights + aim.unit * largest) + point.p + point.q)
    off = has_floor * ops.abs(point.p * point.low_gap - aim.at_low)
    off = ops.maximum(off, has_ceiling * ops.abs(point.q * point.high_gap - aim.at_high))
    off = off / positive_or_one(size)
    has_high, has_low, _ = bounded(aim)
    e = rows_at(dual, aim, point)
    outside = ops.maximum(ops.maximum(e - aim.upper, aim.lower - e), 0.0)
    held = has_high * of.p * of.high_gap + has_low * of.q * of.low_gap
    looked_for = aim.unit > 0
    pulled = ops.where(looked_for, largest, dual.scales.reach / positive_or_one(dual.euclidean))
    held = held / positive_or_one(pulled + of.p + of.q)
    products = ops.maximum(ops.max(off), dual.scales.largest(held))
    # A violation that is none needs no digits.
    least = dual.scales.largest(aim.softness * ops.abs(point.lam))
    products = ops.where(looked_for, ops.minimum(products, least), products)
    return dual.scales.largest(outside), products
