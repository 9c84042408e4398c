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

from keras import ops

from keras_fair.ops.linear_algebra import quasi_definite_inverse
from keras_fair.ops.precision import rounding

__all__ = ["BorderedSystem", "ModelSolution", "bordered_system", "solve_model"]

_INTERIOR_STEPS = 40


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


class BorderedSystem(NamedTuple):
    """`[D Q D + (I - D^2), -D V; -(D V)^T, 0]`, eliminated once and solved for several right-hand sides.

    `Q` has a unit diagonal and `D` is a diagonal of factors in [0, 1]: a factor of zero takes a row out.
    """

    matrix: Any
    inverse: Any
    seen: Any
    solved: Any
    schur_inverse: Any
    refinements: int

    def solve(self, right: Any, lower_right: Any) -> tuple[Any, Any]:
        """`x` (m,) and `s` (p,), or None without a border, for right-hand sides of these shapes."""
        first = self.inverse_times(right)
        if self.seen is None:
            return first, None
        s = -ops.matmul(self.schur_inverse, lower_right + ops.matmul(ops.transpose(self.seen), first))
        return first + ops.matmul(self.solved, s), s

    def inverse_times(self, v: Any) -> Any:
        if len(self.inverse.shape) == 1:
            return v * (self.inverse if len(v.shape) == 1 else self.inverse[:, None])
        # The inverse is that of a matrix with a small floor, and loses digits on dependent rows: both are
        # refined away.
        x = ops.matmul(self.inverse, v)
        for _ in range(self.refinements):
            x = x + ops.matmul(self.inverse, v - ops.matmul(self.matrix, x))
        return x


def bordered_system(
    quadratic: Any, border: Any, members: Any, *, floor: float | None = None, refinements: int = 1
) -> BorderedSystem:
    """Eliminate the bordered system.

    Args:
        quadratic: `Q`, (m, m) with unit diagonal, or its diagonal (m,).
        border: `V`, (m, p), or None.
        members: the diagonal `D`, (m,).
        floor: added to the diagonal before elimination, so that dependent rows do not stop it; default:
            rounding.
        refinements: steps of iterative refinement, which take the floor out again.
    """
    floor = 30.0 * rounding(members.dtype) if floor is None else floor
    rest = 1.0 - members * members
    if len(quadratic.shape) == 1:
        matrix = members * members * quadratic + rest
        system = BorderedSystem(
            matrix, 1.0 / (matrix + 30.0 * rounding(members.dtype)), None, None, None, refinements
        )
    else:
        identity = ops.eye(int(members.shape[0]), dtype=members.dtype)
        matrix = quadratic * members[:, None] * members[None, :] + identity * rest[:, None]
        inverse = quasi_definite_inverse(matrix + floor * identity)
        system = BorderedSystem(matrix, inverse, None, None, None, refinements)
    if border is None:
        return system
    seen = border * members[:, None]
    solved = system.inverse_times(seen)
    schur = ops.matmul(ops.transpose(seen), solved)
    # A scalar that no active row sees keeps its value.
    size = ops.sqrt(ops.diagonal(schur))
    size = ops.where(size > floor, size, ops.ones_like(size))
    identity = ops.eye(int(border.shape[1]), dtype=members.dtype)
    inverse = quasi_definite_inverse(schur / (size[:, None] * size[None, :]) + floor * identity)
    return system._replace(seen=seen, solved=solved, schur_inverse=inverse / (size[:, None] * size[None, :]))


def _interior_point(curvature: Any, border: Any, beta: Any, lower: Any, upper: Any, t: Any) -> ModelSolution:
    problem, size, root, width = _scaled(curvature, border, beta, lower, upper, t)
    enough = 0.05 * rounding(beta.dtype)

    def unfinished(step: Any, error: Any, *_: Any) -> Any:
        return ops.logical_and(step < _INTERIOR_STEPS, error > enough)

    def advance(step: Any, error: Any, *point: Any) -> tuple:
        further, smaller = problem.interior_step(*point)
        # Once rounding has taken over, a step makes the point worse: keep the one before it.
        rounded = ops.logical_and(error < 1e-6, ops.logical_not(smaller < error))
        point = tuple(ops.where(rounded, old, new) for old, new in zip(point, further, strict=True))
        return (step + 1, ops.where(rounded, ops.zeros_like(error), smaller), *point)

    zero, one = ops.zeros_like(beta), ops.ones_like(beta)
    s = ops.zeros_like(t)
    slack_high = ops.where(problem.has_high > 0, ops.maximum(problem.high - problem.start, 1.0), one)
    slack_low = ops.where(problem.has_low > 0, ops.maximum(problem.start - problem.low, 1.0), one)
    first = (zero, problem.has_high, problem.has_low, slack_high, slack_low, s)
    count = ops.convert_to_tensor(0, dtype="int32")
    _, _, *point = ops.while_loop(unfinished, advance, (count, ops.sum(one), *first))
    z, s = problem.finish(*point)
    z = z * size / root
    return ModelSolution(z, t if width is None else t + s * size / width)


def _scaled(
    curvature: Any, border: Any, beta: Any, lower: Any, upper: Any, t: Any
) -> tuple[_Scaled, Any, Any, Any]:
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
    problem = _Scaled(
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


class _Scaled(NamedTuple):
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
            return dz, (p_aim - p_rate * d_high), (q_aim - q_rate * d_low), d_high, d_low, ds

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
        active = self.fixed + at_high + at_low
        bound = at_high * self.high + at_low * self.low + self.fixed * 0.5 * (self.low + self.high)
        rough = self.fixed * free + p - q
        z = active * rough
        right = active * (self.rows(z, s) - bound)
        dz, ds = bordered_system(self.quadratic, self.columns, active).solve(right, self.balance(z))
        z, exact_s = z + active * dz, s if ds is None else s + ds
        exact = self.error(z, exact_s) <= self.error(rough, s)
        return ops.where(exact, z, rough), ops.where(exact, exact_s, s)

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
