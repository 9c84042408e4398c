r"""The derivative of the projection, by hand.

At the solution `y = Y(r, b)` with `b = A^T lam / w`, and on the active rows S

    A_S y + V_S t + c_S - lam_S / rho = bound_S,      V_S^T lam_S = 0.

Write `P = dY/dr` and `G = -dY/db` (`keras_fair.ops.projection.divergences`; `G` is symmetric). A change of
any input gives, all on S and with `K = A G A^T / w + 1 / rho`,

    dy = P dr - G d(A^T lam / w)
    K dlam - V dt = A (P dr - G d(A^T / w) lam) + dA y + dc - dbound
    V^T dlam = 0

For a gradient `u` of y solve

    [K, V; V^T, 0] [x; .] = [A G u / w; 0]

and with `v = u - A^T x` and `g = G v / w` the gradients are

    dr: P^T v      dc: -x      dbound: x      dA: -x y^T - lam g^T      dw: g b

that is one system in as many unknowns as there are rows, and two products. `A` is kept as the parts of
`keras_fair.ops.projection.moments`, and `dA` is carried over to them. For the Euclidean divergence on an
interval `P = G = D`, the unclipped entries, and the Jacobian is the projection `D - D A^T (A D A^T)^+ A D` on
them.

The derivative is exact where the set of clipped entries and active rows is stable. At a kink it is one of the
one-sided ones: an inequality row that is just met without a price counts as inactive, an entry that just
touches its bound as free. It is finite everywhere.
"""

from __future__ import annotations

from typing import Any

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.bordered_system import bordered_system
from keras_fair.ops.projection.divergences import Response
from keras_fair.ops.projection.dual import curvature_of_rows, response_at
from keras_fair.ops.projection.linear_algebra import (
    diagonal_of,
    over_both_sides,
    plus_diagonal,
    positive_or_one,
    unit_columns,
)
from keras_fair.ops.projection.moments import CellPart, DensePart, Moments
from keras_fair.ops.projection.problem import Problem, Structure, reach_of
from keras_fair.ops.working_precision import rounding

__all__ = ["differentiable_floats", "gradients", "with_floats"]


def differentiable_floats(problem: Problem) -> list[Any]:
    """The floats of a problem that have a gradient, in one order for all of this file."""
    floats = [problem.r]
    floats += [] if problem.weights is None else [problem.weights]
    for part in problem.moments.cell_parts:
        floats += [part.cells] + ([] if part.scale is None else [part.scale])
    for dense in problem.moments.dense_parts:
        floats += [dense.mix, dense.dense]
    return [*floats, problem.offset, problem.lower, problem.upper]


def with_floats(problem: Problem, floats: tuple[Any, ...]) -> Problem:
    """The problem with others in their place."""
    rest = iter(floats)
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


def gradients(structure: Structure, problem: Problem, lam: Any, u: Any) -> tuple[Any, ...]:
    """The gradients of the problem's floats, in the order of `differentiable_floats`.

    Args:
        structure: the problem's static facts.
        problem: the projection.
        lam: (m,) its duals.
        u: (N,) a gradient of `y`.
    """
    problem = problem._replace(moments=problem.moments.with_members())
    moments = problem.moments
    response = response_at(problem, structure, lam)
    fixed = ops.equal(problem.lower, problem.upper)
    active = ops.logical_or(fixed, ops.logical_not(ops.equal(lam, 0.0)))
    moved = problem.over_weights(response.curvature * _centred(structure, response, u))
    x = _active_solve(problem, structure, response, active, moments.rows(moved))
    v = _centred(structure, response, u - moments.adjoint(x))
    g = problem.over_weights(response.curvature * v)
    at_upper = ops.logical_and(active, ops.logical_or(fixed, lam > 0))
    of_floats = [response.gain * v]
    if problem.weights is not None:
        of_floats.append(g * problem.over_weights(moments.adjoint(lam)))
    for part in moments.cell_parts:
        of_floats.append(-x[:, None] * part.sums(response.y)[None, :] - lam[:, None] * part.sums(g)[None, :])
        if part.scale is not None:
            of_x, of_lam = (part._replace(scale=None).seen(ops.matmul(z, part.cells)) for z in (x, lam))
            of_floats.append(-of_x * response.y - of_lam * g)
    for dense in moments.dense_parts:
        sums_y, sums_g = ops.matmul(dense.dense, response.y), ops.matmul(dense.dense, g)
        of_floats.append(-x[:, None] * sums_y[None, :] - lam[:, None] * sums_g[None, :])
        by_x, by_lam = ops.matmul(x, dense.mix), ops.matmul(lam, dense.mix)
        of_floats.append(-by_x[:, None] * response.y[None, :] - by_lam[:, None] * g[None, :])
    nothing = ops.zeros_like(x)
    of_floats += [
        -x,
        ops.where(ops.logical_and(active, ops.logical_not(at_upper)), x, nothing),
        ops.where(at_upper, x, nothing),
    ]
    return tuple(of_floats)


def _active_solve(problem: Problem, structure: Structure, response: Response, active: Any, right: Any) -> Any:
    """`x` of `[K, V; V^T, 0] [x; .] = [right; 0]` on the active rows, zero on the others."""
    curvature = plus_diagonal(curvature_of_rows(problem, structure, response.curvature), problem.softness)
    entries = diagonal_of(curvature)
    free = ops.logical_or(ops.logical_not(reach_of(problem).cancelled), problem.softness > 0)
    usable = ops.logical_and(ops.logical_and(active, free), entries > 0)
    members = ops.cast(usable, right.dtype)
    root = ops.sqrt(ops.where(usable, entries, ops.ones_like(entries)))
    border, balance = None, None
    if problem.border is not None:
        border, _ = unit_columns(problem.border / root[:, None])
        balance = ops.zeros_like(border[0])
    # Dependent rows share their price in many ways, all with the same effect: a floor picks one.
    floor = rounding(right.dtype) ** 0.5
    scaled = over_both_sides(curvature, root)
    system = bordered_system(scaled, border, members, floor=floor, refinements=4)
    x, _ = system.solve(members * right / root, balance)
    return members * x / root


def _centred(structure: Structure, response: Response, v: Any) -> Any:
    """What `G v` is the curvature times of, and `P^T v` the gain: on the simplex `v` less its mean under the
    curvature, sample by sample; on an interval `v` itself."""
    if not structure.simplex:
        return v
    v = ops.reshape(v, (-1, structure.outputs))
    g = ops.reshape(response.curvature, (-1, structure.outputs))
    mean = ops.sum(g * v, axis=1, keepdims=True) / positive_or_one(ops.sum(g, axis=1, keepdims=True))
    return ops.reshape(v - mean, (-1,))
