r"""Newton's method on the dual of the projection: few rows, many predictions.

    minimise over lam   F(lam) = g(lam) + sigma(lam) + sum_j lam_j^2 / (2 rho_j)    subject to  V^T lam = 0

with `g` the smooth part, `grad g = -(A y(lam) + c)`, where each `y_i` answers its price `(A^T lam)_i / w_i`
in closed form (`keras_fair.ops.projection.divergences`), and `sigma(lam) = upper . max(lam, 0) - lower .
max(-lam, 0)`.

Each step evaluates rows and curvature at one point, one pass over the predictions, and moves to the exact
minimiser of the quadratic model of `g` plus all the rest (`keras_fair.ops.projection.quadratic`): a proximal
Newton method (Lee, Sun and Saunders, SIAM J. Optim. 24(3), 2014). The kinks of `sigma` and the auxiliary
scalars cost no passes. Where the model oversteps, seen in the sign of the slope, the step is shortened. No
nested loop runs over predictions.

The model carries a proximal term that vanishes with the error, so that dependent rows stay solvable. Rows
that cannot be met have no dual solution: the duals grow without bound. That is noticed, and the iteration
goes on as the method of multipliers, which ends at the predictions with the least sum of squared violations,
and among those at the closest (Chiche and Gilbert, J. Convex Analysis 23(2), 2016). That the end is reached
is proven, not taken from the iteration standing still: `keras_fair.ops.projection.certificate`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_fair.ops.outcome import Outcome
from keras_fair.ops.precision import rounding, row_tolerance
from keras_fair.ops.projection.certificate import violation_above_least
from keras_fair.ops.projection.dual_local import Anchor, Field, Local
from keras_fair.ops.projection.dual_problem import DualProblem, Structure, answer, curvature_of_rows

__all__ = ["DualSolution", "solve_dual"]

_MAXIMUM_PASSES = 400
# Rows that can be met pull predictions by about the width of their domain. A pull this many widths strong, or
# this many passes without an end, means rows that cannot be met together, or hardly. Then the iteration
# starts afresh as the method of multipliers: rounds of an elastic problem, each anchored at the duals of the
# one before. Where the rows can be met it ends on them. Where not, the rows stand still while the duals grow
# by the violation each round.
_FARTHEST_PULL = 100.0
_SEARCHING_PASSES = 80
_LEAST_SOFTNESS = 1e-4
_LEAST_SOFTNESS_SINGLE = 1e-2
# A round that does not settle in so many passes is taken again with a softer anchor, so often at most.
_ROUND_PASSES = 25
_EASED = 100.0
_MOST_EASED = 3
# Under a cross-entropy predictions come to their bounds only as prices grow without end, as one over the
# price, and a round of fixed softness adds no more than the one before. So rounds that settle in fewer passes
# than these make the next ones firmer (not in float32, whose rounding then stops them).
_QUICK_PASSES = 8
_STANDSTILL = 100.0  # row tolerances
# Rounds of standing still, so that the duals of the first rounds no longer count.
_STILL_ROUNDS = 20
# The violation is proven to be the least up to this part of itself, or it is not called the least.
_PROVEN = 1e-4
_PROVEN_SINGLE = 1e-2


class DualSolution(NamedTuple):
    """Where the iteration ended.

    Attributes:
        lam: (m,) duals.
        t: (p,) auxiliary scalars.
        outcome: () int32, an `Outcome`.
        iterations: () int32, passes over the predictions.
        residual: () where solved, the largest error left, relative to the reach of its row; where relaxed,
        how far
            the violation may lie above the least, relative to itself; at the limit, the largest violation,
            relative to the reach of its row.
    """

    lam: Any
    t: Any
    outcome: Any
    iterations: Any
    residual: Any


class _State(NamedTuple):
    """The loop's variables: an accepted point, a step from it that is being tried, and what is known by
    now."""

    lam: Any
    t: Any
    slope: Any
    direction: Any
    length: Any
    next_t: Any
    steepest: Any
    residual: Any
    centre: Any
    centre_t: Any
    scale: Any
    softness: Any
    least_softness: Any
    round_rows: Any
    rounds: Any
    still_rounds: Any
    eased: Any
    passes: Any
    since: Any
    held: Any
    ended: Any


def solve_dual(problem: DualProblem, structure: Structure, start: Any = None) -> DualSolution:
    """Minimise the dual.

    Args:
        problem: the projection.
        structure: its static facts.
        start: (m,) duals to begin from, with `V^T start = 0`; zeros by default.
    """
    field = Field.around(problem)
    problem, movable = field.without_immovable(problem), field.movable
    tolerance = row_tolerance(problem.r.dtype)
    plain = curvature_of_rows(problem, structure, ops.ones_like(problem.r))
    plain = plain if structure.diagonal else ops.diagonal(plain)
    precise = rounding(problem.r.dtype) < 1e-10
    enough = (1e-9 if structure.divergence == "euclidean" else 1e-7) if precise else 1e-4

    def unfinished(*loop: Any) -> Any:
        state = _State(*loop)
        return ops.logical_and(ops.logical_not(state.ended), state.passes < _MAXIMUM_PASSES)

    def advance(*loop: Any) -> tuple:
        state = _State(*loop)
        trial = state.lam + state.length * state.direction
        here = answer(problem, structure, trial)
        rows = problem.moments.rows(here.y) + problem.offset
        curvature = curvature_of_rows(problem, structure, here.curvature)
        steepest = ops.maximum(state.steepest, curvature if structure.diagonal else ops.diagonal(curvature))
        local = Local(trial, rows, curvature, field.filled(steepest, plain), field)
        anchor = Anchor(state.softness * state.scale, state.centre)
        target = problem.softness * trial
        residual = local.residual(problem, target + anchor.force(trial), state.next_t)
        slope = local.slope(problem, target + anchor.force(trial), state.direction)
        pull = ops.max(ops.where(movable, ops.abs(trial) * steepest, 0.0)) / field.width
        # A price of many widths carries its rounding into the predictions.
        rounded = ops.minimum(100.0 * rounding(trial.dtype) * pull, 1e4 * tolerance)
        settled = residual <= ops.where(state.rounds > 0, ops.maximum(tolerance, rounded), tolerance)
        distance = local.residual(problem, target, state.next_t)
        held = distance <= tolerance
        accepted = ops.logical_or(slope <= 0.25 * ops.abs(state.slope), ops.logical_or(settled, held))

        anchored = state.rounds > 0
        patience = ops.where(anchored, _ROUND_PASSES, _SEARCHING_PASSES)
        tired = ops.logical_and(state.passes - state.since >= patience, ops.logical_not(settled))
        lost = ops.logical_or(ops.logical_and(pull > _FARTHEST_PULL, ops.logical_not(settled)), tired)
        leave = ops.logical_and(ops.logical_not(anchored), lost)
        again = ops.logical_and(anchored, settled)
        stopped = ops.logical_and(anchored, tired)
        ease = ops.logical_and(stopped, state.eased < _MOST_EASED)
        moved = ops.max(ops.where(movable, ops.abs(rows - target - state.round_rows) / field.reach, 0.0))
        unmoved = ops.logical_and(state.rounds > 5, moved < _STANDSTILL * tolerance)
        still_rounds = ops.where(ops.logical_and(again, unmoved), state.still_rounds + 1, 0)
        least = ops.cond(
            ops.logical_and(again, state.rounds > 5),
            lambda: violation_above_least(problem, structure, field, here.y, rows, state.next_t) <= enough,
            lambda: ops.convert_to_tensor(False),
        )
        ended = ops.logical_or(ops.logical_or(held, least), still_rounds >= _STILL_ROUNDS)
        ended = ops.logical_or(ended, ops.logical_and(stopped, ops.logical_not(ease)))

        least_softness = state.least_softness
        if precise and structure.divergence != "euclidean":
            quick = ops.logical_and(again, state.passes - state.since < _QUICK_PASSES)
            firmer = ops.where(state.eased > 0, 0.5 * least_softness, 0.1 * least_softness)
            least_softness = ops.where(ops.logical_and(quick, state.rounds > 4), firmer, least_softness)
        rounds = state.rounds + ops.cast(ops.logical_or(leave, again), "int32")
        centre = ops.where(leave, ops.zeros_like(trial), ops.where(again, trial, state.centre))
        softness = ops.maximum(0.1 * state.softness, state.least_softness)
        softness = ops.where(again, softness, ops.where(ease, _EASED * state.softness, state.softness))
        softness = ops.where(leave, ops.ones_like(softness), softness)
        # One round minimises one function: its anchor doesn't follow the curvature.
        fresh = ops.logical_or(ops.logical_or(leave, ease), again)
        scale = ops.where(fresh, local.gentlest(), state.scale)
        anchor = Anchor(softness * scale, centre)
        z, next_t = local.step(problem, anchor, residual, state.next_t)
        shrink = state.slope / ops.where(accepted, -ops.ones_like(slope), state.slope - slope)
        tried = state._replace(
            length=state.length * ops.minimum(ops.maximum(shrink, 0.05), 0.5),
            steepest=steepest,
            rounds=rounds,
            still_rounds=ops.where(again, still_rounds, state.still_rounds),
            centre=centre,
            centre_t=ops.where(again, state.next_t, state.centre_t),
            scale=scale,
            softness=softness,
            least_softness=ops.where(ease, softness, least_softness),
            eased=state.eased + ops.cast(ease, "int32"),
            round_rows=ops.where(again, rows - target, state.round_rows),
            passes=state.passes + 1,
            since=ops.where(fresh, state.passes + 1, state.since),
            held=held,
            ended=ended,
        )
        taken = tried._replace(
            lam=trial,
            t=state.next_t,
            slope=local.slope(problem, target + anchor.force(trial), z - trial),
            direction=z - trial,
            length=ops.ones_like(state.length),
            next_t=next_t,
            residual=residual,
        )
        afresh = tried._replace(
            lam=centre,
            t=tried.centre_t,
            next_t=tried.centre_t,
            slope=-ops.ones_like(slope),
            direction=ops.zeros_like(trial),
            length=ops.ones_like(state.length),
        )
        chosen = [
            ops.where(ops.logical_or(accepted, again), on, back)
            for on, back in zip(taken, tried, strict=True)
        ]
        restart = ops.logical_or(leave, ease)
        return tuple(ops.where(restart, new, on) for new, on in zip(afresh, chosen, strict=True))

    nothing = ops.zeros_like(problem.offset)
    one = ops.ones_like(problem.low)
    count, no = ops.convert_to_tensor(0, dtype="int32"), ops.convert_to_tensor(False)
    scalars = ops.zeros((0 if problem.border is None else int(problem.border.shape[1]),), dtype=nothing.dtype)
    first = _State(
        lam=nothing if start is None else start,
        t=scalars,
        slope=-one,
        direction=nothing,
        length=one,
        next_t=scalars,
        steepest=nothing,
        residual=one,
        centre=nothing,
        centre_t=scalars,
        scale=one,
        softness=0.0 * one,
        least_softness=one * (_LEAST_SOFTNESS if precise else _LEAST_SOFTNESS_SINGLE),
        round_rows=nothing,
        rounds=count,
        still_rounds=count,
        eased=count,
        passes=count,
        since=count,
        held=no,
        ended=no,
    )
    last = _State(*ops.while_loop(unfinished, advance, tuple(first)))
    # A round cut short is no answer: the one before it ended at its centre.
    inside = ops.logical_and(ops.logical_not(last.held), last.rounds > 1)
    lam, t = ops.where(inside, last.centre, last.lam), ops.where(inside, last.centre_t, last.t)
    # Whatever happened, predictions are numbers.
    sound = ops.logical_and(ops.all(ops.abs(lam) < np.inf), ops.all(ops.abs(t) < np.inf))
    lam, t = ops.where(sound, lam, nothing), ops.where(sound, t, scalars)
    last = last._replace(held=ops.logical_and(last.held, sound))

    def unmet() -> Any:
        y = answer(problem, structure, lam).y
        rows = problem.moments.rows(y) + problem.offset
        gap = violation_above_least(problem, structure, field, y, rows, t)
        last_rows = Local(lam, rows, rows, ops.zeros_like(rows), field)
        short = last_rows.residual(problem, problem.softness * lam, t)
        proven = gap <= (_PROVEN if precise else _PROVEN_SINGLE)
        return ops.stack([ops.cast(proven, gap.dtype), ops.where(proven, gap, short)])

    relaxed, residual = ops.unstack(
        ops.cond(last.held, lambda: ops.stack([ops.cast(field.stuck, one.dtype), last.residual]), unmet), 2
    )
    unmet_outcome = ops.where(relaxed > 0, int(Outcome.RELAXED), int(Outcome.ITERATION_LIMIT))
    solved = ops.logical_and(last.held, ops.logical_not(field.stuck))
    outcome = ops.where(solved, int(Outcome.SOLVED), unmet_outcome)
    return DualSolution(lam, t, ops.cast(outcome, "int32"), last.passes, residual)
