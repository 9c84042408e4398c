"""Steps of an interior-point method on the scaled quadratic model, and the exact solve that ends them.

Mehrotra's predictor-corrector (SIAM J. Optim. 2(4), 1992) on `z = p - q`; rows with equal bounds are kept
without a barrier. Scaling and the loop are `keras_fair.ops.projection.quadratic`'s.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from keras_fair.ops.precision import rounding
from keras_fair.ops.projection.bordered_system import bordered_system

__all__ = ["ScaledModel"]


class ScaledModel(NamedTuple):
    """The scaled model, and the steps on it. `free`, `p`, `q` are the duals of fixed, upper and lower
    bounds."""

    quadratic: Any
    columns: Any
    start: Any
    low: Any
    high: Any
    has_low: Any
    has_high: Any
    fixed: Any

    def rows(self, z: Any, s: Any) -> Any:
        pulled = self.quadratic * z if len(self.quadratic.shape) == 1 else ops.matmul(self.quadratic, z)
        return self.start + self.lifted(s) - pulled

    def lifted(self, s: Any) -> Any:
        return 0.0 if self.columns is None or s is None else ops.matmul(self.columns, s)

    def balance(self, z: Any) -> Any:
        return None if self.columns is None else ops.matmul(ops.transpose(self.columns), z)

    def interior_step(
        self, free: Any, p: Any, q: Any, high_gap: Any, low_gap: Any, s: Any
    ) -> tuple[tuple, Any]:
        """One predictor-corrector step. Returns the new point and its largest error."""
        pairs = ops.maximum(ops.sum(self.has_high) + ops.sum(self.has_low), 1.0)
        mu = ops.sum(self.has_high * p * high_gap + self.has_low * q * low_gap) / pairs
        z = self.fixed * free + p - q
        e = self.rows(z, s)
        high_short = (self.high - e - high_gap) * self.has_high
        low_short = (e - self.low - low_gap) * self.has_low
        p_rate, q_rate = p / high_gap, q / low_gap
        rate = p_rate + q_rate
        members = ops.where(self.fixed > 0, ops.ones_like(rate), ops.sqrt(rate / (1.0 + rate)))
        system = bordered_system(self.quadratic, self.columns, members)

        def newton(p_aim: Any, q_aim: Any) -> tuple:
            g = p_aim - q_aim - p_rate * high_short + q_rate * low_short
            usable = rate > 1e-30
            safe = ops.where(usable, rate * (1.0 + rate), ops.ones_like(rate))
            pull = ops.where(usable, g / ops.sqrt(safe), ops.zeros_like(g))
            pull = ops.where(self.fixed > 0, e - 0.5 * (self.low + self.high), pull)
            x, ds = system.solve(pull, self.balance(z))
            dz = members * x
            de = self.rows(dz, ds) - self.start
            d_high = (high_short - de) * self.has_high
            d_low = (low_short + de) * self.has_low
            dp, dq = p_aim - p_rate * d_high, q_aim - q_rate * d_low
            # A vanishing gap makes its rate huge, and the product loses all digits: there `dz = dp - dq`
            # says it.
            bounded = ops.maximum(self.has_high, self.has_low)
            led_by_high = p_rate > q_rate
            steady_dp = ops.where(led_by_high, bounded * dz + dq, dp)
            steady_dq = ops.where(led_by_high, dq, dp - bounded * dz)
            return dz, steady_dp, steady_dq, d_high, d_low, ds

        _, dp, dq, d_high, d_low, _ = newton(-p, -q)
        reach = _largest_step((p, dp), (q, dq), (high_gap, d_high), (low_gap, d_low))
        length = ops.minimum(reach, 1.0)
        ahead = ops.sum(
            self.has_high * (p + length * dp) * (high_gap + length * d_high)
            + self.has_low * (q + length * dq) * (low_gap + length * d_low)
        )
        aim = ops.minimum((ahead / (pairs * ops.maximum(mu, 1e-37))) ** 3, 1.0) * mu
        p_aim = self.has_high * ((aim - dp * d_high) / high_gap - p)
        q_aim = self.has_low * ((aim - dq * d_low) / low_gap - q)
        dz, dp, dq, d_high, d_low, ds = newton(p_aim, q_aim)
        reach = _largest_step((p, dp), (q, dq), (high_gap, d_high), (low_gap, d_low))
        length = ops.minimum(0.9995 * reach, 1.0)
        free, s = free + length * dz * self.fixed, s if ds is None else s + length * ds
        p, q = p + length * dp, q + length * dq
        high_gap, low_gap = high_gap + length * d_high, low_gap + length * d_low
        e = self.rows(self.fixed * free + p - q, s)
        mu = ops.sum(self.has_high * p * high_gap + self.has_low * q * low_gap) / pairs
        short = (
            ops.abs(self.high - e - high_gap) * self.has_high + ops.abs(e - self.low - low_gap) * self.has_low
        )
        short = short + ops.abs(e - 0.5 * (self.low + self.high)) * self.fixed
        return (free, p, q, high_gap, low_gap, s), ops.maximum(mu, 1e-3 * ops.max(short))

    def finish(self, free: Any, p: Any, q: Any, high_gap: Any, low_gap: Any, s: Any) -> tuple[Any, Any]:
        """Exact duals: zero on rows found inactive, and solved for on the active ones."""
        at_high = ops.cast(p > high_gap, p.dtype) * self.has_high
        at_low = ops.cast(q > low_gap, p.dtype) * self.has_low * (1.0 - at_high)
        rough = self.fixed * free + p - q
        z, exact_s = self._solved(rough, s, at_high, at_low)
        # Zeros are worth more than the last digits: derivatives tell active rows by them.
        enough = rounding(z.dtype) ** 0.8
        exact = self.error(z, exact_s) <= ops.maximum(self.error(rough, s), enough)
        return ops.where(exact, z, rough), ops.where(exact, exact_s, s)

    def newton_step(self, z: Any, s: Any) -> tuple[Any, Any]:
        """The exact duals for the rows that are active by the natural residual."""
        moved = self.rows(z, s) + z
        at_high = ops.cast(moved > self.high, z.dtype) * self.has_high
        at_low = ops.cast(moved < self.low, z.dtype) * self.has_low
        return self._solved(z, s, at_high, at_low)

    def _solved(self, rough: Any, s: Any, at_high: Any, at_low: Any) -> tuple[Any, Any]:
        active = self.fixed + at_high + at_low
        bound = at_high * self.high + at_low * self.low + self.fixed * 0.5 * (self.low + self.high)
        z = active * rough
        right = active * (self.rows(z, s) - bound)
        dz, ds = bordered_system(self.quadratic, self.columns, active).solve(right, self.balance(z))
        return z + active * dz, s if ds is None else s + ds

    def error(self, z: Any, s: Any) -> Any:
        """The natural residual: zero exactly at the solution."""
        e = self.rows(z, s)
        moved = e + z
        bounded = self.has_low + self.has_high + self.fixed
        at = ops.where(self.has_low + self.fixed > 0, ops.maximum(moved, self.low), moved)
        at = ops.where(self.has_high + self.fixed > 0, ops.minimum(at, self.high), at)
        worst = ops.max(ops.where(bounded > 0, ops.abs(e - at), ops.abs(z)))
        return worst if self.columns is None else ops.maximum(worst, ops.max(ops.abs(self.balance(z))))


def _largest_step(*pairs: tuple[Any, Any]) -> Any:
    longest = []
    for x, dx in pairs:
        falling = dx < 0
        ratio = -x / ops.where(falling, dx, -ops.ones_like(dx))
        longest.append(ops.min(ops.where(falling, ratio, ops.full_like(x, 1e10))))
    return ops.min(ops.stack(longest))
