r"""Steps of an interior-point method on the scaled quadratic model, and the exact solve that ends them.

Mehrotra's predictor-corrector (SIAM J. Optim. 2(4), 1992) on `z = p - q`, with `p` the duals of upper bounds
and `q` those of lower ones; rows with equal bounds are kept without a barrier. With the gaps `h = high - e`
and `l = e - low` to the bounds, a step aims at `p h = q l = mu` for a falling `mu`. Its linear equations

    dz = dp - dq,    de = V ds - Q dz,    dp = p_aim - (p / h) dh,    dh = (high - e - h) - de    (q, l alike)

are reduced to the bordered system in `dz` and `ds` with `D^2 = rate / (1 + rate)`, `rate = p / h + q / l`.
Scaling and the loop are `keras_fair.ops.projection.quadratic_model`'s.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.bordered_system import BorderedSystem, bordered_system
from keras_fair.ops.projection.linear_algebra import product
from keras_fair.ops.working_precision import rounding

__all__ = ["InteriorPoint", "Newton", "ScaledModel"]


class InteriorPoint(NamedTuple):
    """A point of the method, or a direction from one.

    Attributes:
        free: (m,) duals of rows with equal bounds.
        p, q: (m,) duals of upper and lower bounds, > 0 where there is one.
        high_gap, low_gap: (m,) how far rows are from these bounds, > 0.
        s: (p,) auxiliary scalars.
    """

    free: Any
    p: Any
    q: Any
    high_gap: Any
    low_gap: Any
    s: Any

    def moved(self, direction: InteriorPoint, length: Any) -> InteriorPoint:
        """The point a step away."""
        return InteriorPoint(*(x + length * dx for x, dx in zip(self, direction, strict=True)))

    def longest_step(self, direction: InteriorPoint) -> Any:
        """() the length at which the first dual or gap along a direction becomes zero."""
        longest = []
        for x, dx in zip(self[1:5], direction[1:5], strict=True):
            falling = dx < 0
            ratio = -x / ops.where(falling, dx, -ops.ones_like(dx))
            longest.append(ops.min(ops.where(falling, ratio, ops.full_like(x, 1e10))))
        return ops.min(ops.stack(longest))


class ScaledModel(NamedTuple):
    """The scaled model, and the steps on it.

    Attributes:
        quadratic: `Q` with a unit diagonal, (m, m), or its diagonal (m,).
        columns: `V`, (m, p) with unit columns, or None.
        start: (m,) rows where all duals and scalars are zero.
        low, high: (m,) bounds, zero where there is none.
        has_low, has_high: (m,) 1 where there is a bound, and not two equal ones.
        fixed: (m,) 1 where both bounds are equal.
        refinements: steps of iterative refinement of each solve.
    """

    quadratic: Any
    columns: Any
    start: Any
    low: Any
    high: Any
    has_low: Any
    has_high: Any
    fixed: Any
    refinements: int = 1

    def rows(self, z: Any, s: Any) -> Any:
        """(m,) rows `e` at duals and scalars."""
        lifted = 0.0 if self.columns is None else ops.matmul(self.columns, s)
        return self.start + lifted - product(self.quadratic, z)

    def balance(self, z: Any) -> Any:
        """(p,) `V^T z`, zero at the solution; None without a border."""
        return None if self.columns is None else ops.matmul(ops.transpose(self.columns), z)

    def first_point(self, s: Any) -> InteriorPoint:
        """A point inside all bounds to begin from, with scalars `s`."""
        one = ops.ones_like(self.start)
        high_gap = ops.where(self.has_high > 0, ops.maximum(self.high - self.start, 1.0), one)
        low_gap = ops.where(self.has_low > 0, ops.maximum(self.start - self.low, 1.0), one)
        return InteriorPoint(ops.zeros_like(self.start), self.has_high, self.has_low, high_gap, low_gap, s)

    def interior_step(self, point: InteriorPoint) -> tuple[InteriorPoint, Any]:
        """One predictor-corrector step. Returns the new point and its largest error."""
        pairs = ops.maximum(ops.sum(self.has_high) + ops.sum(self.has_low), 1.0)
        mu = self._complementarity(point) / pairs
        newton = Newton.at(self, point)

        ahead = newton.direction(-point.p, -point.q)
        predicted = point.moved(ahead, ops.minimum(point.longest_step(ahead), 1.0))
        part = self._complementarity(predicted) / (pairs * ops.maximum(mu, 1e-37))
        aim = ops.minimum(part**3, 1.0) * mu

        p_aim = self.has_high * ((aim - ahead.p * ahead.high_gap) / point.high_gap - point.p)
        q_aim = self.has_low * ((aim - ahead.q * ahead.low_gap) / point.low_gap - point.q)
        direction = newton.direction(p_aim, q_aim)
        point = point.moved(direction, ops.minimum(0.9995 * point.longest_step(direction), 1.0))
        mu = self._complementarity(point) / pairs
        return point, ops.maximum(mu, 1e-3 * ops.max(self._shortfall(point)))

    def finish(self, point: InteriorPoint) -> tuple[Any, Any]:
        """Exact duals and scalars: zero on rows that turned out inactive, and solved for on the others."""
        at_high = ops.cast(point.p > point.high_gap, point.p.dtype) * self.has_high
        at_low = ops.cast(point.q > point.low_gap, point.p.dtype) * self.has_low * (1.0 - at_high)
        rough = self.duals(point)
        exact, exact_s = self._solved(rough, point.s, at_high, at_low)
        # Zeros are worth more than the last digits: derivatives tell active rows by them.
        enough = rounding(rough.dtype) ** 0.8
        better = self.error(exact, exact_s) <= ops.maximum(self.error(rough, point.s), enough)
        return ops.where(better, exact, rough), ops.where(better, exact_s, point.s)

    def newton_step(self, z: Any, s: Any) -> tuple[Any, Any]:
        """The exact duals and scalars for the rows that are active by the natural residual."""
        moved = self.rows(z, s) + z
        at_high = ops.cast(moved > self.high, z.dtype) * self.has_high
        at_low = ops.cast(moved < self.low, z.dtype) * self.has_low
        return self._solved(z, s, at_high, at_low)

    def error(self, z: Any, s: Any) -> Any:
        """() the natural residual: zero exactly at the solution."""
        e = self.rows(z, s)
        moved = e + z
        bounded = self.has_low + self.has_high + self.fixed
        at = ops.where(self.has_low + self.fixed > 0, ops.maximum(moved, self.low), moved)
        at = ops.where(self.has_high + self.fixed > 0, ops.minimum(at, self.high), at)
        worst = ops.max(ops.where(bounded > 0, ops.abs(e - at), ops.abs(z)))
        return worst if self.columns is None else ops.maximum(worst, ops.max(ops.abs(self.balance(z))))

    def _solved(self, rough: Any, s: Any, at_high: Any, at_low: Any) -> tuple[Any, Any]:
        """Duals and scalars that hold the rows of these bounds on them, and no others."""
        active = self.fixed + at_high + at_low
        bound = at_high * self.high + at_low * self.low + self.fixed * 0.5 * (self.low + self.high)
        z = active * rough
        right = active * (self.rows(z, s) - bound)
        system = bordered_system(self.quadratic, self.columns, active, refinements=self.refinements)
        dz, ds = system.solve(right, self.balance(z))
        return z + active * dz, s if ds is None else s + ds

    def duals(self, point: InteriorPoint) -> Any:
        """(m,) `z`."""
        return self.fixed * point.free + point.p - point.q

    def _complementarity(self, point: InteriorPoint) -> Any:
        """() the sum of duals times gaps."""
        return ops.sum(self.has_high * point.p * point.high_gap + self.has_low * point.q * point.low_gap)

    def _shortfall(self, point: InteriorPoint) -> Any:
        """(m,) how far the gaps are from those that the duals lead to."""
        e = self.rows(self.duals(point), point.s)
        high = ops.abs(self.high - e - point.high_gap) * self.has_high
        low = ops.abs(e - self.low - point.low_gap) * self.has_low
        return high + low + ops.abs(e - 0.5 * (self.low + self.high)) * self.fixed


class Newton(NamedTuple):
    """The linear equations of a step at a point, eliminated once for the predictor and the corrector.

    Attributes:
        model: the scaled model.
        z, e: (m,) duals and rows at the point.
        s: (p,) its scalars.
        high_short, low_short: (m,) how far its gaps are from those that the duals lead to.
        p_rate, q_rate: (m,) duals over gaps.
        members: (m,) the diagonal `D`.
        system: the bordered system with it.
    """

    model: ScaledModel
    z: Any
    e: Any
    s: Any
    high_short: Any
    low_short: Any
    p_rate: Any
    q_rate: Any
    members: Any
    system: BorderedSystem

    @classmethod
    def at(cls, model: ScaledModel, point: InteriorPoint, e: Any = None) -> Newton:
        """The equations at a point; `e`: its rows, where the model does not say them."""
        z = model.duals(point)
        e = model.rows(z, point.s) if e is None else e
        p_rate, q_rate = point.p / point.high_gap, point.q / point.low_gap
        rate = p_rate + q_rate
        members = ops.where(model.fixed > 0, ops.ones_like(rate), ops.sqrt(rate / (1.0 + rate)))
        return cls(
            model,
            z,
            e,
            point.s,
            (model.high - e - point.high_gap) * model.has_high,
            (e - model.low - point.low_gap) * model.has_low,
            p_rate,
            q_rate,
            members,
            bordered_system(model.quadratic, model.columns, members, refinements=model.refinements),
        )

    def shifted(self, by: Any) -> Newton:
        """The equations with rows that are (m,) `by` higher."""
        high_short = self.high_short - by * self.model.has_high
        return self._replace(
            e=self.e + by, high_short=high_short, low_short=self.low_short + by * self.model.has_low
        )

    def direction(self, p_aim: Any, q_aim: Any) -> InteriorPoint:
        """The direction to where the equations hold.

        Args:
            p_aim, q_aim: (m,) how `p` and `q` would change if the gaps stayed.
        """
        model, rate = self.model, self.p_rate + self.q_rate
        g = p_aim - q_aim - self.p_rate * self.high_short + self.q_rate * self.low_short
        usable = rate > 1e-30
        safe = ops.where(usable, rate * (1.0 + rate), ops.ones_like(rate))
        pull = ops.where(usable, g / ops.sqrt(safe), ops.zeros_like(g))
        pull = ops.where(model.fixed > 0, self.e - 0.5 * (model.low + model.high), pull)
        x, ds = self.system.solve(pull, model.balance(self.z))
        ds = ops.zeros_like(self.s) if ds is None else ds
        dz = self.members * x
        de = model.rows(dz, ds) - model.start
        d_high = (self.high_short - de) * model.has_high
        d_low = (self.low_short + de) * model.has_low
        dp, dq = p_aim - self.p_rate * d_high, q_aim - self.q_rate * d_low
        # A vanishing gap makes its rate huge, and the product loses all digits: there `dz = dp - dq` says it.
        bounded = ops.maximum(model.has_high, model.has_low)
        led_by_high = self.p_rate > self.q_rate
        steady_dp = ops.where(led_by_high, bounded * dz + dq, dp)
        steady_dq = ops.where(led_by_high, dq, dp - bounded * dz)
        return InteriorPoint(dz * model.fixed, steady_dp, steady_dq, d_high, d_low, ds)
