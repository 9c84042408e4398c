r"""The last resort: a primal-dual interior-point method over predictions and rows together.

The dual has few unknowns, but where it is steep in one direction and flat in another (predictions that are
all but 0 or 1, weights over many decades, rows at the edge of what the domain allows) its duals are not exact
enough to say where the predictions are. So here the predictions are unknowns too. With the duals `p` and `q`
of the ends of the domain, all divergences have one set of conditions,

    k w (y - r) - p + q + A^T lam = 0        k = 1 for the Euclidean ones, 0 for cross-entropies
    p (y - low) = P + mu,   q (high - y) = Q + mu

with `P = Q = 0` for a Euclidean divergence, and `P = w r`, `Q = w (1 - r)` for a cross-entropy, whose slope
`-w r / y` is a barrier by itself. The rows have such conditions too. Each step solves them linearised and
aims at a smaller `mu` (Mehrotra, SIAM J. Optim. 2(4), 1992, with the weighted targets of Jansen, Roos,
Terlaky and Vial, Math. Programming 62, 1993). Eliminating `y` sample by sample leaves the bordered system of
`keras_fair.ops.projection.interior_point`: a step costs what one on the dual does.

Where the rows cannot be met, the least violation is found first, the same way and without a divergence; then
the closest predictions that violate the rows no more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.control_flow import choose, iterate
from keras_fair.ops.projection.dual import Dual, curvature_of_rows
from keras_fair.ops.projection.interior_point import InteriorPoint, Newton, ScaledModel
from keras_fair.ops.projection.linear_algebra import (
    diagonal_of,
    over_both_sides,
    plus_diagonal,
    positive_or_one,
    unit_columns,
)

__all__ = ["Aim", "Central", "central_answer", "errors_of", "first_point"]


# Elimination loses digits where weights lie decades apart.
_REFINEMENTS = 4
# A step is shortened to one of these parts of itself, where a product would fall below this part of its aim:
# from there the next steps would be short.
_PARTS = (1.0, 0.9, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
_CENTRAL = 0.05
# How strongly predictions are held where they are, where only the violation counts; relative to its pull.
_HELD = 1e-6


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
        low_gap, high_gap: (N,) how far from its ends, kept apart as a gap may be less than the rounding of `y`;
            1 where an end is infinite.
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
        own = (x + length * dx for x, dx in zip(self[:-1], direction[:-1], strict=True))
        return Central(*own, self.rows.moved(direction.rows, length))


class _Search(NamedTuple):
    steps: Any
    mu: Any
    point: Central
    error: Any
    best: Central
    least_error: Any


def central_answer(dual: Dual, aim: Aim, mu: Any, *, steps: int, enough: float) -> tuple[Central, Any, Any]:
    """The best point that the method comes to, its error and the steps it took.

    Args:
        dual: of the projection, for its problem and its scales.
        aim: what is looked for.
        mu: () what products are to begin with, relative to those that move a prediction across the domain.
        steps: at most so many.
        enough: it ends at an error below this.
    """

    def unfinished(search: _Search) -> Any:
        return ops.logical_and(search.steps < steps, search.error > enough)

    def advance(search: _Search) -> _Search:
        point, mu = _step(dual, aim, search.point, search.mu)
        error = ops.maximum(*errors_of(dual, aim, point))
        broken = ops.logical_not(ops.isfinite(error))
        better = error < search.least_error
        return _Search(
            steps=search.steps + 1,
            mu=mu,
            point=point,
            error=ops.where(broken, ops.zeros_like(error), error),
            best=choose(better, point, search.best),
            least_error=ops.where(better, error, search.least_error),
        )

    mu, point = first_point(dual, aim, mu)
    far = np.inf * ops.ones_like(mu)
    none = ops.convert_to_tensor(0, dtype="int32")
    last = iterate(unfinished, advance, _Search(none, mu, point, far, point, far))
    return last.best, last.least_error, last.steps


def _ends(dual: Dual, y: Any) -> tuple[Any, Any]:
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
    has_floor, has_ceiling = _ends(dual, y)
    one = ops.ones_like(y)
    if dual.structure.simplex:
        low, high = y, one
    else:
        low = ops.where(has_floor > 0, y - problem.low, one)
        high = ops.where(has_ceiling > 0, problem.high - y, one)
    mu = mu * width * width
    e = problem.moments.rows(y) + problem.offset
    has_high, has_low, fixed = _bounded(aim)
    one, nothing = ops.ones_like(e), ops.zeros_like(e)
    far = ops.maximum(dual.scales.reach, 1e-300)
    high_gap = ops.where(has_high > 0, ops.maximum(aim.upper - e, far), one)
    low_gap = ops.where(has_low > 0, ops.maximum(e - aim.lower, far), one)
    s = ops.zeros((0 if problem.border is None else int(problem.border.shape[1]),), dtype=y.dtype)
    rows = InteriorPoint(nothing, has_high * mu / high_gap, has_low * mu / low_gap, high_gap, low_gap, s)
    p, q = has_floor * (aim.at_low + mu) / low, has_ceiling * (aim.at_high + mu) / high
    return mu, Central(y, low, high, p, q, rows)


def _bounded(aim: Aim) -> tuple[Any, Any, Any]:
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


def _rows(dual: Dual, aim: Aim, point: Central) -> Any:
    problem = dual.problem
    e = problem.moments.rows(point.y) + problem.offset - aim.softness * point.lam
    return problem.lifted(e, point.rows.s)


def _step(dual: Dual, aim: Aim, point: Central, mu: Any) -> tuple[Central, Any]:
    """One predictor-corrector step, and the next `mu`."""
    newton = _Equations.at(dual, aim, point)
    ahead = newton.direction(0.0 * mu, None, mu)
    length = ops.minimum(_longest(point, ahead), 1.0)
    aimed = ops.maximum((1.0 - length) ** 3, 1e-4) * mu
    direction = newton.direction(aimed, ahead, length * length)
    length = ops.minimum(0.9995 * _longest(point, direction), 1.0)
    length = length * _central_part(dual, aim, point, direction, length, mu, aimed)
    return point.moved(direction, length), mu + length * (aimed - mu)


def _central_part(
    dual: Dual, aim: Aim, point: Central, direction: Central, length: Any, mu: Any, aimed: Any
) -> Any:
    """() the largest part of a step at whose end no product is much below what it aims at."""
    parts = ops.convert_to_tensor(np.array(_PARTS), dtype=mu.dtype)
    of, to = point.rows, direction.rows
    has_floor, has_ceiling = _ends(dual, point.y)
    has_high, has_low, _ = _bounded(aim)
    central = []
    for x, dx, z, dz, there, least in (
        (point.p, direction.p, point.low_gap, direction.low_gap, has_floor, aim.at_low),
        (point.q, direction.q, point.high_gap, direction.high_gap, has_ceiling, aim.at_high),
        (of.p, to.p, of.high_gap, to.high_gap, has_high, 0.0 * has_high),
        (of.q, to.q, of.low_gap, to.low_gap, has_low, 0.0 * has_low),
    ):
        lengths = (length * parts)[:, None]
        product = (x + lengths * dx) * (z + lengths * dz)
        near = product >= _CENTRAL * (least + mu + lengths * (aimed - mu))
        central.append(ops.all(ops.logical_or(near, ops.equal(there, 0.0)), axis=1))
    good = ops.logical_and(ops.logical_and(central[0], central[1]), ops.logical_and(central[2], central[3]))
    return ops.maximum(ops.max(ops.where(good, parts, 0.0 * parts)), _PARTS[-1])


def _longest(point: Central, direction: Central) -> Any:
    """() the length at which the first dual or gap along a direction becomes zero."""
    longest = [point.rows.longest_step(direction.rows)]
    for x, dx in zip(point[1:-1], direction[1:-1], strict=True):
        falling = dx < 0
        ratio = -x / ops.where(falling, dx, -ops.ones_like(dx))
        longest.append(ops.min(ops.where(falling, ratio, ops.full_like(x, 1e10))))
    return ops.min(ops.stack(longest))


class _Equations(NamedTuple):
    """The linear equations of a step, eliminated once for the predictor and the corrector."""

    dual: Dual
    aim: Aim
    point: Central
    has_floor: Any
    has_ceiling: Any
    give: Any
    slope: Any
    root: Any
    width: Any
    newton: Newton

    @classmethod
    def at(cls, dual: Dual, aim: Aim, point: Central) -> _Equations:
        problem = dual.problem
        # Where nothing holds a prediction it would give without end: it is held where it is, which moves no
        # solution.
        held = _HELD * aim.unit * ops.max(ops.abs(point.lam))
        give = 1.0 / (aim.tension + held + point.p / point.low_gap + point.q / point.high_gap)
        slope = aim.tension * (point.y - problem.r) - point.p + point.q + problem.moments.adjoint(point.lam)
        curvature = give if problem.weights is None else give * problem.weights
        curvature = plus_diagonal(curvature_of_rows(problem, dual.structure, curvature), aim.softness)
        root = ops.sqrt(positive_or_one(diagonal_of(curvature)))
        columns, width = None, ops.ones_like(point.rows.s)
        has_high, has_low, fixed = _bounded(aim)
        if problem.border is not None:
            member = ops.maximum(ops.maximum(has_high, has_low), fixed)
            columns, width = unit_columns(problem.border / root[:, None] * member[:, None])
        finite_low, finite_high = (
            ops.where(ops.isfinite(bound), bound, ops.zeros_like(bound)) / root
            for bound in (aim.lower, aim.upper)
        )
        nothing = ops.zeros_like(root)
        model = ScaledModel(
            over_both_sides(curvature, root),
            columns,
            nothing,
            finite_low,
            finite_high,
            has_low,
            has_high,
            fixed,
        )
        of = point.rows
        scaled = InteriorPoint(
            of.free * root,
            of.p * root,
            of.q * root,
            *_over(root, has_high, of.high_gap),
            *_over(root, has_low, of.low_gap),
            of.s,
        )
        newton = Newton.at(model, scaled, _rows(dual, aim, point) / root)
        return cls(dual, aim, point, *_ends(dual, point.y), give, slope, root, width, newton)

    def direction(self, mu: Any, ahead: Central | None, part: Any) -> Central:
        """The direction to where the products are what they aim at and `mu`; `ahead`: the predictor's."""
        point, model, root = self.point, self.newton.model, self.root
        has_floor, has_ceiling = self.has_floor, self.has_ceiling
        p_aim = has_floor * (self.aim.at_low + mu - point.p * point.low_gap)
        q_aim = has_ceiling * (self.aim.at_high + mu - point.q * point.high_gap)
        of = point.rows
        up_aim, down_aim = mu - of.p * of.high_gap, mu - of.q * of.low_gap
        if ahead is not None:
            p_aim = p_aim - has_floor * part * ahead.p * ahead.y
            q_aim = q_aim + has_ceiling * part * ahead.q * ahead.y
            up_aim = up_aim - part * ahead.rows.p * ahead.rows.high_gap
            down_aim = down_aim - part * ahead.rows.q * ahead.rows.low_gap
        drawn = -self.slope + p_aim / point.low_gap - q_aim / point.high_gap
        moments = self.dual.problem.moments
        shift = moments.rows(self._given(drawn)) / root
        rows = self.newton.shifted(shift).direction(
            model.has_high * up_aim / of.high_gap * root, model.has_low * down_aim / of.low_gap * root
        )
        rows = InteriorPoint(
            rows.free / root,
            rows.p / root,
            rows.q / root,
            rows.high_gap * root,
            rows.low_gap * root,
            rows.s / self.width,
        )
        dy = self._given(drawn - moments.adjoint(rows.free + rows.p - rows.q))
        dp = (p_aim - point.p * dy * has_floor) / point.low_gap
        dq = (q_aim + point.q * dy * has_ceiling) / point.high_gap
        return Central(dy, dy * has_floor, -dy * has_ceiling, dp, dq, rows)

    def _given(self, force: Any) -> Any:
        """(N,) how predictions give to a force."""
        if not self.dual.structure.simplex:
            return self.give * force
        outputs = self.dual.structure.outputs
        give, force = ops.reshape(self.give, (-1, outputs)), ops.reshape(force, (-1, outputs))
        mean = ops.sum(give * force, axis=1, keepdims=True) / ops.sum(give, axis=1, keepdims=True)
        return ops.reshape(give * (force - mean), (-1,))


def _over(root: Any, there: Any, gap: Any) -> tuple[Any]:
    return (ops.where(there > 0, gap / root, ops.ones_like(gap)),)


def errors_of(dual: Dual, aim: Aim, point: Central) -> tuple[Any, Any]:
    """() of the rows, and of the products."""
    width, of = dual.scales.width, point.rows
    has_floor, has_ceiling = _ends(dual, point.y)
    largest = ops.max(ops.abs(point.lam))
    size = width * (width * (aim.weights + aim.unit * largest) + point.p + point.q)
    off = has_floor * ops.abs(point.p * point.low_gap - aim.at_low)
    off = ops.maximum(off, has_ceiling * ops.abs(point.q * point.high_gap - aim.at_high)) / positive_or_one(
        size
    )
    has_high, has_low, _ = _bounded(aim)
    e = _rows(dual, aim, point)
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
