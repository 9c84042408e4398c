r"""Where the dual alone finds no answer: predictions and rows together, in at most three searches.

The first looks for the closest predictions that meet the rows. Where it does not find them, the second looks
for the least violation, without a divergence:

    minimise over y in the domain and t   |v|^2 / 2   with   v how far  A y + V t + c  is outside its bounds

and the third for the closest predictions that violate the rows by no more, each row by itself. All three are
`keras_fair.ops.projection.primal_dual`'s, and one loop. What they come to is an answer only where its errors,
or the certificate, say so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.central_point import Aim, Central, errors_of, first_point
from keras_fair.ops.projection.certificate import violation_above_least
from keras_fair.ops.projection.control_flow import choose, iterate
from keras_fair.ops.projection.dual import Dual
from keras_fair.ops.projection.linear_algebra import positive_or_one
from keras_fair.ops.projection.primal_dual import central_answer
from keras_fair.ops.projection.solution import Solution

__all__ = ["last_resort"]


class _Searches(NamedTuple):
    """Where the searches are.

    Attributes:
        begun: () int32, how many have been taken.
        lower, upper: (m,) the bounds of the next one.
        point: the end of the last one.
        rows_off, products_off: () its errors.
        proof: (m,) the duals of the least violation.
        iterations: () int32, steps of all.
    """

    begun: Any
    lower: Any
    upper: Any
    point: Central
    rows_off: Any
    products_off: Any
    proof: Any
    iterations: Any


def last_resort(dual: Dual) -> Solution:
    """What the searches come to.

    Args:
        dual: of the projection; only its problem and its scales are asked.
    """
    settings = dual.settings
    scaled, size = _scaled(dual)
    last = _searched(scaled)
    lam = _settled_duals(scaled, last.point) * size
    y, t = _at_ends(dual, last.point), last.point.rows.s
    # The duals alone say it better, where they are exact enough: with entries at the very end of the domain.
    said = dual.at(lam, ops.zeros_like(lam))
    exact = dual.residual(said, dual.problem.softness * lam, t) <= settings.row_tolerance
    y = ops.where(exact, said.y, y)
    rows = dual.problem.moments.rows(y) + dual.problem.offset
    violation = dual.violation(rows, lam, t)
    closest = ops.logical_or(exact, last.products_off <= settings.central)
    met, stuck = violation <= settings.row_tolerance, dual.scales.stuck
    above_least = ops.minimum(
        violation_above_least(dual, y, rows, t), violation_above_least(dual, y, rows, t, last.proof)
    )
    proven = above_least <= settings.proven
    solved = ops.logical_and(met, closest)
    outcome = ops.where(met, int(Outcome.NOT_CLOSEST), int(Outcome.ITERATION_LIMIT))
    outcome = ops.where(solved, int(Outcome.SOLVED), outcome)
    outcome = ops.where(ops.logical_or(proven, ops.logical_and(met, stuck)), int(Outcome.RELAXED), outcome)
    residual = ops.where(met, ops.where(exact, violation, last.products_off), violation)
    return Solution(
        y,
        rows,
        lam,
        ops.cast(outcome, "int32"),
        last.iterations,
        ops.where(proven, above_least, ops.where(stuck, 0.0 * residual, residual)),
    )


def _scaled(dual: Dual) -> tuple[Dual, Any]:
    """The dual of the same problem with 1 as the largest weight, and what its duals are less by."""
    problem = dual.problem
    if problem.weights is None:
        return dual, 1.0
    size = ops.max(problem.weights)
    problem = problem._replace(weights=problem.weights / size, softness=problem.softness * size)
    return dual._replace(problem=problem, euclidean=dual.euclidean * size), size


def _searched(dual: Dual) -> _Searches:
    """The end of the searches."""
    problem, settings = dual.problem, dual.settings
    hard = ops.equal(problem.softness, 0.0)
    closest, least = _closest(dual), _least(dual, hard)
    whole = np.inf * ops.ones_like(problem.lower)

    def unfinished(state: _Searches) -> Any:
        met = ops.logical_and(
            state.rows_off <= settings.row_tolerance, state.products_off <= settings.central
        )
        return ops.logical_and(
            state.begun < 3, ops.logical_or(ops.logical_not(met), ops.equal(state.begun, 2))
        )

    def advance(state: _Searches) -> _Searches:
        second = ops.equal(state.begun, 1)
        aim = choose(
            second,
            least._replace(
                lower=ops.where(hard, state.lower, -whole), upper=ops.where(hard, state.upper, whole)
            ),
            closest._replace(lower=state.lower, upper=state.upper),
        )
        third = ops.equal(state.begun, 2)
        mu = ops.where(third, settings.central_restart * unit, settings.central_start * unit)
        point, _, steps = central_answer(
            dual, aim, mu, steps=settings.central_steps, enough=0.1 * settings.row_tolerance
        )
        rows_off, products_off = errors_of(dual, aim, point)
        e = problem.lifted(problem.moments.rows(point.y) + problem.offset, point.rows.s)
        loosened = ops.logical_and(second, hard)
        outside = ops.maximum(ops.maximum(e - state.upper, state.lower - e), 0.0)
        room = settings.room * outside
        return _Searches(
            begun=state.begun + 1,
            lower=ops.where(loosened, ops.minimum(state.lower, e - room), state.lower),
            upper=ops.where(loosened, ops.maximum(state.upper, e + room), state.upper),
            point=point,
            rows_off=rows_off,
            products_off=products_off,
            proof=ops.where(second, point.lam, state.proof),
            iterations=state.iterations + steps,
        )

    none = ops.convert_to_tensor(0, dtype="int32")
    far = np.inf * ops.ones_like(problem.low)
    unit = ops.ones_like(problem.low)
    point = first_point(dual, closest, settings.central_start * unit)[1]
    nothing = ops.zeros_like(problem.lower)
    begun = _Searches(none, problem.lower, problem.upper, point, far, far, nothing, none)
    return iterate(unfinished, advance, begun)


def _closest(dual: Dual) -> Aim:
    """The closest predictions that meet the rows."""
    problem = dual.problem
    w = ops.ones_like(problem.r) if problem.weights is None else problem.weights
    nothing, none = ops.zeros_like(w), ops.zeros_like(problem.low)
    if dual.structure.divergence == "euclidean":
        return Aim(w, nothing, nothing, problem.softness, problem.lower, problem.upper, w, none)
    at_high = nothing if dual.structure.simplex else w * (1.0 - problem.r)
    return Aim(nothing, w * problem.r, at_high, problem.softness, problem.lower, problem.upper, w, none)


def _least(dual: Dual, hard: Any) -> Aim:
    """The least violation of the hard rows, in the units of the largest; soft ones have no bounds."""
    problem = dual.problem
    nothing = ops.zeros_like(problem.r)
    ends = dual.structure.simplex or ops.isfinite(problem.high - problem.low)
    # A domain without an end has no least violation by itself that one point has: the nearest is taken.
    tension = ops.where(ends, nothing, nothing + dual.settings.unbounded_tension)
    unit = ops.max(ops.where(ops.logical_and(hard, dual.scales.movable), dual.scales.reach, 0.0))
    unit = ops.where(unit > 0, unit, ops.ones_like(unit))
    softness = ops.zeros_like(problem.lower) + unit * unit
    return Aim(tension, nothing, nothing, softness, problem.lower, problem.upper, nothing, unit)


def _at_ends(dual: Dual, point: Central) -> Any:
    """(N,) the predictions, at an end of the domain where they are next to it."""
    problem = dual.problem
    if dual.structure.simplex:
        return point.y
    near = 0.1 * dual.settings.row_tolerance * dual.scales.width
    if dual.structure.divergence != "euclidean":
        near = 0.0 * near  # there is an end only where a prediction came from it
    y = ops.where(ops.logical_and(point.low_gap < near, point.p > point.low_gap), problem.low, point.y)
    y = ops.where(ops.logical_and(point.high_gap < near, point.q > point.high_gap), problem.high, y)
    return ops.minimum(ops.maximum(y, problem.low), problem.high)


def _settled_duals(dual: Dual, point: Central) -> Any:
    """(m,) the duals, zero for rows that are not at their bounds."""
    of, lam = point.rows, point.lam
    steep = positive_or_one(dual.euclidean) + dual.problem.softness
    pulled = ops.where(lam > 0, of.p * steep > of.high_gap, of.q * steep > of.low_gap)
    fixed = ops.not_equal(of.free, 0.0)
    return ops.where(ops.logical_or(pulled, fixed), lam, ops.zeros_like(lam))
