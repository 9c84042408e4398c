r"""The projection as one differentiable function, its derivative written by hand below it.

    y = argmin over y in the domain of  sum_i w_i D(y_i, r_i)   subject to   lower <= A y + V t + c <= upper

**Derivation.** At the solution `y = Y(r, b)` with `b = A^T lam / w`, and on the active rows S

    A_S y + V_S t + c_S - lam_S / rho = bound_S,      V_S^T lam_S = 0.

Write `P = dY/dr` and `G = -dY/db` (`keras_fair.ops.projection.divergences`; `G` is symmetric). A change of
any input gives

    dy = P dr - G d(A^T lam / w),    K dlam - V dt = A (P dr - G d(A^T / w) lam) + dA y + dc - dbound,    V^T
    dlam = 0

with `K = A G A^T / w + 1 / rho`, all on S. For a gradient `u` of y solve

    [K, V; V^T, 0] [x; .] = [A G u / w; 0]

and with `v = u - A^T x` and `g = G v / w` the gradients are

    dr: P^T v      dc: -x      dbound: x      dA: -x y^T - lam g^T      dw: g b

that is one system in as many unknowns as there are rows, and two products. `A` is kept as the parts of
`keras_fair.ops.projection.moments`, and `dA` is carried over to them. For the Euclidean divergence on an
interval `P = G = D`, the unclipped entries, and the Jacobian is the projection `D - D A^T (A D A^T)^+ A D` on
them.

The derivative is exact where the set of clipped entries and active rows is stable. At a kink it is one of the
one-sided ones: an inequality row that is just met without a price counts as inactive, an entry that just
touches its bound as free. It is finite everywhere. Second derivatives are refused: they would need the
derivative of this derivative.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from keras import ops

from keras_fair.ops.compilation import compiled
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.precision import rounding, row_tolerance
from keras_fair.ops.projection.bordered_system import bordered_system
from keras_fair.ops.projection.divergences import Response
from keras_fair.ops.projection.dual_apart import Apart, solve_apart
from keras_fair.ops.projection.dual_newton import solve_dual
from keras_fair.ops.projection.dual_problem import (
    DualProblem,
    Structure,
    answer,
    cancelled,
    curvature_of_rows,
    reach_of,
)
from keras_fair.ops.projection.moments import CellPart, DensePart, Moments

__all__ = ["Projected", "projector"]


class Projected(NamedTuple):
    """What the projector gives.

    Attributes:
        y: (N,) the projected predictions.
        rows: (m,) `A y + c`.
        lam, outcome, iterations, residual: see `keras_fair.ops.projection.dual_newton.DualSolution`.
    """

    y: Any
    rows: Any
    lam: Any
    outcome: Any
    iterations: Any
    residual: Any


@lru_cache(maxsize=256)
def projector(structure: Structure) -> Any:
    """The differentiable projection for problems of one structure.

    Args:
        structure: its static facts.

    Returns:
        A function of a `DualProblem` and of duals to start from (or None) that gives a `Projected`. Gradients
        reach the problem's floats through `y`.
    """
    forward = compiled(_forward, structure)
    backward = compiled(_backward, structure)

    def project(problem: DualProblem, start: Any = None) -> Projected:
        leaves, rebuild = _split(problem)

        @ops.custom_gradient
        def projection(*leaves: Any) -> Any:
            solved = _first_order_only(lambda *leaves: tuple(forward(rebuild(leaves), start)))(*leaves)

            def gradient(*upstream: Any, **_: Any) -> Any:
                # TensorFlow hands over one gradient for each result, JAX one tuple of them.
                of_y = upstream[0][0] if isinstance(upstream[0], (tuple, list)) else upstream[0]
                carried = _first_order_only(lambda u, lam, *leaves: tuple(backward(rebuild(leaves), lam, u)))
                return carried(of_y, solved[2], *leaves)

            return solved, gradient

        return Projected(*projection(*leaves))

    return project


def _forward(structure: Structure, problem: DualProblem, start: Any) -> Projected:
    problem = problem._replace(moments=problem.moments.with_members())
    if structure.diagonal and problem.border is None:
        # One matrix leaves the loop and one the branches: each tensor that does costs a copy.
        matrix = solve_apart(problem, structure, start)
        solved = _Solved.read(
            ops.cond(
                Apart.read(matrix).met(row_tolerance(problem.r.dtype)),
                lambda: _Solved.apart(Apart.read(matrix)).matrix(),
                lambda: _Solved.together(Apart.read(matrix).placed(problem), structure, start).matrix(),
            )
        )
        problem = Apart.read(matrix).placed(problem)
    else:
        solved = _Solved.together(problem, structure, start)
    y = answer(problem, structure, solved.lam).y
    if not structure.simplex:
        # Where every row holds already the predictions come back bit for bit.
        resting = ops.minimum(ops.maximum(problem.r, problem.low), problem.high)
        y = ops.where(ops.all(ops.equal(solved.lam, 0.0)), resting, y)
    return Projected(y, *solved)


class _Solved(NamedTuple):
    """What a solver found; see `Projected`. As a matrix each is a line, repeated for every row."""

    rows: Any
    lam: Any
    outcome: Any
    iterations: Any
    residual: Any

    @classmethod
    def apart(cls, apart: Apart) -> _Solved:
        return cls(apart.rows, apart.lam, int(Outcome.SOLVED), apart.passes, apart.off / apart.scale)

    @classmethod
    def together(cls, problem: DualProblem, structure: Structure, start: Any) -> _Solved:
        found = solve_dual(problem, structure, start)
        rows = problem.moments.rows(answer(problem, structure, found.lam).y) + problem.offset
        return cls(rows, found.lam, found.outcome, found.iterations, found.residual)

    def matrix(self) -> Any:
        nothing = ops.zeros_like(self.lam)
        return ops.stack([nothing + ops.cast(line, nothing.dtype) for line in self])

    @classmethod
    def read(cls, matrix: Any) -> _Solved:
        rows, lam, outcome, iterations, residual = (matrix[line] for line in range(5))
        outcome, iterations = ops.cast(outcome[0], "int32"), ops.cast(iterations[0], "int32")
        return cls(rows, lam, outcome, iterations, ops.max(residual))


def _backward(structure: Structure, problem: DualProblem, lam: Any, u: Any) -> tuple[Any, ...]:
    """The gradients of all leaves of the problem, in the order of `_split`."""
    problem = problem._replace(moments=problem.moments.with_members())
    moments, weights = problem.moments, problem.weights
    price = moments.adjoint(lam)
    price = price if weights is None else price / weights
    here = answer(problem, structure, lam)
    response = _Jacobian(here, structure.outputs if structure.simplex else 0)

    def weighted(x: Any) -> Any:
        return x if weights is None else x / weights

    fixed = ops.equal(problem.lower, problem.upper)
    active = ops.logical_or(fixed, ops.logical_not(ops.equal(lam, 0.0)))
    x = _active_solve(problem, structure, here, active, moments.rows(weighted(response.times_curvature(u))))
    v = u - moments.adjoint(x)
    g = weighted(response.times_curvature(v))
    at_upper = ops.logical_and(active, ops.logical_or(fixed, lam > 0))
    gradients = [response.times_gain_transposed(v)]
    if weights is not None:
        gradients.append(g * price)
    for part in moments.cell_parts:
        gradients.append(-x[:, None] * part.sums(here.y)[None, :] - lam[:, None] * part.sums(g)[None, :])
        if part.scale is not None:
            of_x, of_lam = (part._replace(scale=None).seen(ops.matmul(z, part.cells)) for z in (x, lam))
            gradients.append(-of_x * here.y - of_lam * g)
    for dense in moments.dense_parts:
        sums_y, sums_g = ops.matmul(dense.dense, here.y), ops.matmul(dense.dense, g)
        gradients.append(-x[:, None] * sums_y[None, :] - lam[:, None] * sums_g[None, :])
        by_x, by_lam = ops.matmul(x, dense.mix), ops.matmul(lam, dense.mix)
        gradients.append(-by_x[:, None] * here.y[None, :] - by_lam[:, None] * g[None, :])
    nothing = ops.zeros_like(x)
    gradients += [
        -x,
        ops.where(ops.logical_and(active, ops.logical_not(at_upper)), x, nothing),
        ops.where(at_upper, x, nothing),
    ]
    return tuple(gradients)


def _active_solve(problem: DualProblem, structure: Structure, here: Response, active: Any, right: Any) -> Any:
    """`x` of `[K, V; V^T, 0] [x; .] = [right; 0]` on the active rows, zero on the others."""
    curvature = curvature_of_rows(problem, structure, here.curvature)
    diagonal = len(curvature.shape) == 1
    entries = (curvature if diagonal else ops.diagonal(curvature)) + problem.softness
    free = ops.logical_or(ops.logical_not(cancelled(*reach_of(problem))), problem.softness > 0)
    usable = ops.logical_and(ops.logical_and(active, free), entries > 0)
    members = ops.cast(usable, right.dtype)
    root = ops.sqrt(ops.where(usable, entries, ops.ones_like(entries)))
    if diagonal:
        scaled = (curvature + problem.softness) / (root * root)
    else:
        identity = ops.eye(int(right.shape[0]), dtype=right.dtype)
        scaled = (curvature + identity * problem.softness[:, None]) / (root[:, None] * root[None, :])
    border, balance = None, None
    if problem.border is not None:
        border = problem.border / root[:, None]
        width = ops.sqrt(ops.sum(border * border, axis=0))
        border = border / ops.where(width > 0, width, ops.ones_like(width))[None, :]
        balance = ops.zeros_like(border[0])
    # Dependent rows share their price in many ways, all with the same effect: a floor picks one.
    floor = rounding(right.dtype) ** 0.5
    system = bordered_system(scaled, border, members, floor=floor, refinements=4)
    x, _ = system.solve(members * right / root, balance)
    return members * x / root


class _Jacobian(NamedTuple):
    """`G` and `P^T` of a response, for flattened predictions; `outputs` is 0 on an interval."""

    here: Response
    outputs: int

    def times_curvature(self, v: Any) -> Any:
        return self.here.curvature * self._centred(v)

    def times_gain_transposed(self, v: Any) -> Any:
        return self.here.gain * self._centred(v)

    def _centred(self, v: Any) -> Any:
        """On the simplex: `v` less its mean under the curvature, sample by sample."""
        if not self.outputs:
            return v
        v = ops.reshape(v, (-1, self.outputs))
        g = ops.reshape(self.here.curvature, (-1, self.outputs))
        total = ops.sum(g, axis=1, keepdims=True)
        mean = ops.sum(g * v, axis=1, keepdims=True) / ops.where(total > 0, total, ops.ones_like(total))
        return ops.reshape(v - mean, (-1,))


def _split(problem: DualProblem) -> tuple[list[Any], Any]:
    """The floats of a problem that have a gradient, and the function that puts others in their place."""
    leaves = [problem.r]
    leaves += [] if problem.weights is None else [problem.weights]
    for part in problem.moments.cell_parts:
        leaves += [part.cells] + ([] if part.scale is None else [part.scale])
    for dense in problem.moments.dense_parts:
        leaves += [dense.mix, dense.dense]
    leaves += [problem.offset, problem.lower, problem.upper]

    def rebuild(new: tuple[Any, ...]) -> DualProblem:
        rest = iter(new)
        r = next(rest)
        weights = None if problem.weights is None else next(rest)
        cell_parts = tuple(
            CellPart(next(rest), part.codes, None if part.scale is None else next(rest))
            for part in problem.moments.cell_parts
        )
        dense_parts = tuple(DensePart(next(rest), next(rest)) for _ in problem.moments.dense_parts)
        offset, lower, upper = rest
        return problem._replace(
            r=r,
            weights=weights,
            moments=Moments(cell_parts, dense_parts),
            offset=offset,
            lower=lower,
            upper=upper,
        )

    return leaves, rebuild


def _first_order_only(function: Any) -> Any:
    """`function`, with a derivative that refuses."""

    @ops.custom_gradient
    def guarded(*tensors: Any) -> Any:
        def refuse(*_: Any, **__: Any) -> Any:
            raise ValueError(
                "second derivatives of a fair projection are not defined: expected first-order gradients, "
                "received a gradient of a gradient."
            )

        return function(*(ops.stop_gradient(tensor) for tensor in tensors)), refuse

    return guarded
