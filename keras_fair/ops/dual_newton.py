r"""Newton's method on the dual of the projection: few rows, many predictions.

    minimise over lam   F(lam) = g(lam) + sigma(lam) + sum_j lam_j^2 / (2 rho_j)    subject to  V^T lam = 0

with `g` the smooth part, `grad g = -(A y(lam) + c)`, where each `y_i` answers its price `(A^T lam)_i / w_i`
in closed form (`keras_fair.ops.divergences`), and `sigma(lam) = upper . max(lam, 0) - lower . max(-lam, 0)`.

Each step evaluates rows and curvature at one point, one pass over the predictions, and moves to the exact
minimiser of the quadratic model of `g` plus all the rest (`keras_fair.ops.quadratic`): a proximal Newton
method (Lee, Sun and Saunders, SIAM J. Optim. 24(3), 2014). The kinks of `sigma` and the auxiliary scalars
cost no passes. Where the model oversteps, seen in the sign of the slope, the step is shortened. No nested
loop runs over predictions.

The model carries a proximal term that vanishes with the error, so that dependent rows stay solvable. Rows
that cannot
be met have no dual solution: the duals grow without bound. That is noticed, and the iteration goes on as the
    method of
multipliers, which ends at the predictions with the least sum of squared violations, and among those at the
closest (Chiche and Gilbert, J. Convex Analysis 23(2), 2016).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from keras_fair.ops.dual_local import Anchor, Field, Local
from keras_fair.ops.dual_problem import DualProblem, Structure, answer, curvature_of_rows
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.precision import rounding, row_tolerance

__all__ = ["DualSolution", "solve_dual"]

_MAXIMUM_PASSES = 400
# Inside the loop: stopped short of an answer, reported as the iteration limit.
_STOPPED = -1
# Rows that can be met pull predictions by about the width of their domain. A pull this many widths strong, or
# this many passes without an end, means rows that cannot be met together, or hardly. Then the iteration
# starts afresh as the method of multipliers: rounds of an elastic problem, each anchored at the duals of the
# one before. Where the rows can be met it ends on them. Where not, the rows stand still while the duals grow
# by the violation each round.
_FARTHEST_PULL = 100.0
_ROUND_PASSES = 80
_LEAST_SOFTNESS = 1e-4
_LEAST_SOFTNESS_SINGLE = 1e-2
_STANDSTILL = 100.0  # row tolerances
# Rounds of standing still, so that the duals of the first rounds no longer count.
_STILL_ROUNDS = 20


class DualSolution(NamedTuple):
    """Where the iteration ended.

    Attributes:
        lam: (m,) duals.
        t: (p,) auxiliary scalars.
        outcome: () int32, an `Outcome`.
        iterations: () int32, passes over the predictions.
        residual: () the largest error left, relative to the reach of its row.
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
    round_rows: Any
    rounds: Any
    still_rounds: Any
    distance: Any
    earlier_distance: Any
    passes: Any
    since: Any
    outcome: Any


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
    unlimited = int(Outcome.ITERATION_LIMIT)

    def unfinished(*loop: Any) -> Any:
        state = _State(*loop)
        return ops.logical_and(ops.equal(state.outcome, unlimited), state.passes < _MAXIMUM_PASSES)

    def advance(*loop: Any) -> tuple:
        state = _State(*loop)
        trial = state.lam + state.length * state.direction
        here = answer(problem, structure, trial)
        rows = problem.moments.rows(here.y) + problem.offset
        curvature = curvature_of_rows(problem, structure, here.curvature)
        steepest = ops.maximum(state.steepest, curvature if structure.diagonal else ops.diagonal(curvature))
        local = Local(trial, rows, curvature, steepest, field)
        anchor = Anchor(_softness(state.rounds, trial.dtype) * local.gentlest(), state.centre)
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
        tired = state.passes - state.since >= _ROUND_PASSES
        lost = ops.logical_or(pull > _FARTHEST_PULL, tired)
        leave = ops.logical_and(ops.logical_not(anchored), ops.logical_and(lost, ops.logical_not(settled)))
        again = ops.logical_and(anchored, settled)
        # A round that does not settle ends the iteration at the round before it.
        stopped = ops.logical_and(ops.logical_and(anchored, tired), ops.logical_not(settled))
        lasting = ops.logical_and(state.rounds > 3, state.distance > 0.5 * state.earlier_distance)
        moved = ops.max(ops.where(movable, ops.abs(rows - target - state.round_rows) / field.reach, 0.0))
        unmoved = ops.logical_and(state.rounds > 3, moved < _STANDSTILL * tolerance)
        standstill = ops.logical_and(again, unmoved)
        still_rounds = ops.where(standstill, state.still_rounds + 1, ops.zeros_like(state.still_rounds))
        relaxed = still_rounds >= _STILL_ROUNDS
        standing = ops.where(distance <= rounded, int(Outcome.SOLVED), int(Outcome.RELAXED))
        outcome = ops.where(held, int(Outcome.SOLVED), ops.where(relaxed, standing, unlimited))
        given_up = ops.where(lasting, int(Outcome.RELAXED), _STOPPED)
        outcome = ops.where(ops.logical_and(stopped, ops.logical_not(held)), given_up, outcome)

        rounds = state.rounds + ops.cast(ops.logical_or(leave, again), "int32")
        centre = ops.where(leave, ops.zeros_like(trial), ops.where(again, trial, state.centre))
        anchor = Anchor(_softness(rounds, trial.dtype) * local.gentlest(), centre)
        z, next_t = local.step(problem, anchor, residual, state.next_t)
        shrink = state.slope / ops.where(accepted, -ops.ones_like(slope), state.slope - slope)
        tried = state._replace(
            length=state.length * ops.minimum(ops.maximum(shrink, 0.05), 0.5),
            steepest=steepest,
            rounds=rounds,
            still_rounds=ops.where(again, still_rounds, state.still_rounds),
            distance=ops.where(again, distance, state.distance),
            earlier_distance=ops.where(again, state.distance, state.earlier_distance),
            centre=centre,
            round_rows=ops.where(again, rows - target, state.round_rows),
            passes=state.passes + 1,
            since=ops.where(ops.logical_or(leave, again), state.passes + 1, state.since),
            outcome=ops.cast(outcome, "int32"),
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
            lam=ops.zeros_like(trial),
            slope=-ops.ones_like(slope),
            direction=ops.zeros_like(trial),
            length=ops.ones_like(state.length),
        )
        chosen = [
            ops.where(ops.logical_or(accepted, again), on, back)
            for on, back in zip(taken, tried, strict=True)
        ]
        taken = _State(*(ops.where(leave, new, on) for new, on in zip(afresh, chosen, strict=True)))
        back_at = ops.logical_and(stopped, ops.logical_not(held))
        return tuple(
            taken._replace(
                lam=ops.where(back_at, state.centre, taken.lam),
                residual=ops.where(back_at, state.distance, taken.residual),
            )
        )

    nothing = ops.zeros_like(problem.offset)
    one = ops.ones_like(problem.low)
    count = ops.convert_to_tensor(0, dtype="int32")
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
        round_rows=nothing,
        rounds=count,
        still_rounds=count,
        distance=one,
        earlier_distance=one,
        passes=count,
        since=count,
        outcome=ops.convert_to_tensor(unlimited, dtype="int32"),
    )
    last = _State(*ops.while_loop(unfinished, advance, tuple(first)))
    met = ops.logical_or(ops.logical_not(field.stuck), ops.not_equal(last.outcome, int(Outcome.SOLVED)))
    outcome = ops.where(met, last.outcome, ops.full_like(last.outcome, int(Outcome.RELAXED)))
    outcome = ops.where(ops.equal(outcome, _STOPPED), ops.full_like(outcome, unlimited), outcome)
    return DualSolution(last.lam, last.t, outcome, last.passes, last.residual)


def _softness(rounds: Any, dtype: Any) -> Any:
    """The softness of the anchor, in units of the gentlest row's curvature: none before it is cast."""
    floor = _LEAST_SOFTNESS if rounding(dtype) < 1e-10 else _LEAST_SOFTNESS_SINGLE
    falling = ops.maximum(10.0 ** (2.0 - 2.0 * ops.cast(rounds, dtype)), floor)
    return ops.where(rounds > 0, falling, ops.zeros_like(falling))
