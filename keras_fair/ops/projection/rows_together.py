r"""All rows together: the loop that minimises the dual, and how it ends.

Each turn of the loop looks at one point of the dual, one pass over the predictions, and takes Newton's step
from there (`keras_fair.ops.projection.newton_step`). Where the model oversteps, seen in the sign of the
slope, the step is shortened. No nested loop runs over predictions. Where rows do not seem to be met, the
iteration goes on in rounds of the method of multipliers (`keras_fair.ops.projection.multipliers`), and ends
where the violation is proven to be the least (`keras_fair.ops.projection.certificate`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.dispatch import ops
from keras_fair.ops.outcome import Outcome
from keras_fair.ops.projection.certificate import violation_above_least
from keras_fair.ops.projection.control_flow import choose, iterate
from keras_fair.ops.projection.dual import Dual, DualPoint, response_at
from keras_fair.ops.projection.last_resort import last_resort
from keras_fair.ops.projection.multipliers import Rounds, Turn
from keras_fair.ops.projection.newton_step import newton_step
from keras_fair.ops.projection.problem import Problem, Structure, Unknowns
from keras_fair.ops.projection.settings import Settings
from keras_fair.ops.projection.solution import Solution

__all__ = ["solve_together"]


class LineSearch(NamedTuple):
    """An accepted point, and the step from it that is being tried.

    Attributes:
        base: the accepted point.
        direction: (m,) of the step.
        length: () the part of the step that is being tried.
        t: (p,) auxiliary scalars at its end.
        slope: () of the dual along it, at the accepted point.
    """

    base: Unknowns
    direction: Any
    length: Any
    t: Any
    slope: Any

    @classmethod
    def at_rest(cls, base: Unknowns) -> LineSearch:
        """No step: the accepted point itself is looked at."""
        one = ops.ones((), dtype=base.lam.dtype)
        return cls(base, ops.zeros_like(base.lam), one, base.t, -one)

    @property
    def trial(self) -> Any:
        """(m,) the duals that are being tried."""
        return self.base.lam + self.length * self.direction

    def shortened(self, slope: Any, accepted: Any, settings: Settings) -> LineSearch:
        """The same step, as far as to where the slope would be zero were it straight."""
        part = self.slope / ops.where(accepted, -ops.ones_like(slope), self.slope - slope)
        part = ops.minimum(ops.maximum(part, settings.shortest), settings.longest)
        return self._replace(length=self.length * part)


class _State(NamedTuple):
    """The loop's variables.

    Attributes:
        line: the step that is being tried.
        rounds: of the method of multipliers.
        steepest: (m,) the largest curvatures so far.
        passes: () int32, taken so far.
        residual: () the error that the last pass saw.
        met: () bool, whether it met all rows.
        ended: () bool.
    """

    line: LineSearch
    rounds: Rounds
    steepest: Any
    passes: Any
    residual: Any
    met: Any
    ended: Any


def solve_together(problem: Problem, structure: Structure, start: Any) -> Solution:
    """Minimise the dual.

    Args:
        problem: the projection.
        structure: its static facts.
        start: (m,) duals to begin from; None for zeros.
    """
    dual = Dual.of(problem, structure)

    def unfinished(state: _State) -> Any:
        return ops.logical_and(ops.logical_not(state.ended), state.passes < dual.settings.passes)

    def advance(state: _State) -> _State:
        return _advanced(dual, state)

    nothing = ops.zeros_like(problem.offset)
    scalars = ops.zeros((0 if problem.border is None else int(problem.border.shape[1]),), dtype=nothing.dtype)
    no = ops.convert_to_tensor(False)
    first = _State(
        line=LineSearch.at_rest(Unknowns(nothing if start is None else _fitting(dual, start), scalars)),
        rounds=Rounds.none(dual, Unknowns(nothing, scalars)),
        steepest=nothing,
        passes=ops.convert_to_tensor(0, dtype="int32"),
        residual=ops.ones_like(problem.low),
        met=no,
        ended=no,
    )
    return _solution(dual, iterate(unfinished, advance, first))


def _fitting(dual: Dual, start: Any) -> Any:
    """Duals to begin from that can be those of an answer: zero for rows that take no part, whose errors are
    not looked at; all zero where auxiliary scalars are not stationary, `V^T start = 0` to rounding."""
    nothing = ops.zeros_like(start)
    start = ops.where(dual.scales.movable, start, nothing)
    if dual.problem.border is None:
        return start
    border = ops.transpose(dual.problem.border)
    net, gross = ops.abs(ops.matmul(border, start)), ops.matmul(ops.abs(border), ops.abs(start))
    return ops.where(ops.all(net <= dual.settings.stationary * gross), start, nothing)


def _advanced(dual: Dual, state: _State) -> _State:
    """One pass over the predictions, and what follows from it."""
    line, rounds = state.line, state.rounds
    point = dual.at(line.trial, state.steepest)
    slack = dual.problem.softness * point.lam  # what soft rows give
    force = slack + rounds.anchor.force(point.lam)
    residual = dual.residual(point, force, line.t)
    slope = dual.slope(point, force, line.direction)
    met = dual.residual(point, slack, line.t) <= dual.settings.row_tolerance
    pull = dual.pull(point)
    settled = ops.logical_or(residual <= rounds.tolerance(dual, pull), met)
    accepted = ops.logical_or(slope <= dual.settings.flat * ops.abs(line.slope), settled)

    turn = rounds.turn(dual.settings.rounds, pull, settled, state.passes)
    proven = _proven_least(dual, rounds, turn, point, line.t)
    rounds = rounds.after(turn, dual, point, point.rows - slack, line.t, state.passes)
    still = rounds.still >= dual.settings.rounds.still_rounds

    line = choose(
        accepted,
        _next_line(dual, point, rounds, slack, residual, line.t),
        line.shortened(slope, accepted, dual.settings),
    )
    return _State(
        line=choose(turn.restarts, LineSearch.at_rest(rounds.centre), line),
        rounds=rounds,
        steepest=point.steepest,
        passes=state.passes + 1,
        residual=residual,
        met=met,
        ended=ops.logical_or(ops.logical_or(met, proven), ops.logical_or(still, turn.fails)),
    )


def _next_line(dual: Dual, point: DualPoint, rounds: Rounds, slack: Any, residual: Any, t: Any) -> LineSearch:
    """Newton's step from a point that was accepted."""
    step = newton_step(dual, point, rounds.anchor, residual, t)
    direction = step.lam - point.lam
    slope = dual.slope(point, slack + rounds.anchor.force(point.lam), direction)
    return LineSearch(Unknowns(point.lam, t), direction, ops.ones_like(slope), step.t, slope)


def _proven_least(dual: Dual, rounds: Rounds, turn: Turn, point: DualPoint, t: Any) -> Any:
    """() bool, whether a round ended where the violation is the least."""
    settings = dual.settings.rounds
    euclidean = dual.structure.divergence == "euclidean"
    enough = settings.proof_euclidean if euclidean else settings.proof_crossentropy
    return ops.cond(
        ops.logical_and(turn.advances, rounds.count >= settings.first_proven),
        lambda: violation_above_least(dual, point.y, point.rows, t) <= enough,
        lambda: ops.convert_to_tensor(False),
    )


def _solution(dual: Dual, last: _State) -> Solution:
    """What the last state of the loop amounts to."""
    # A round cut short is no answer: the one before it ended at its centre.
    cut_short = ops.logical_and(ops.logical_not(last.met), last.rounds.count > 1)
    lam, t = choose(cut_short, last.rounds.centre, last.line.base)
    # Whatever happened, predictions are numbers.
    sound = ops.logical_and(ops.all(ops.abs(lam) < np.inf), ops.all(ops.abs(t) < np.inf))
    lam, t = (ops.where(sound, part, ops.zeros_like(part)) for part in (lam, t))
    y = response_at(dual.problem, dual.structure, lam).y
    rows = dual.problem.moments.rows(y) + dual.problem.offset
    outcome = ops.where(dual.scales.stuck, int(Outcome.RELAXED), int(Outcome.SOLVED))
    found = Solution(y, rows, lam, ops.cast(outcome, "int32"), last.passes, last.residual)
    return ops.cond(ops.logical_and(last.met, sound), lambda: found, lambda: _unmet(dual, found, t))


def _unmet(dual: Dual, found: Solution, t: Any) -> Solution:
    """The answer where the dual did not end: the one found, where its violation is proven to be the least, or
    the last resort's, unless that is further off. Rows that hold all the same lack only that it is the
    closest."""
    above_least = violation_above_least(dual, found.y, found.rows, t)
    violation = dual.violation(found.rows, found.lam, t)
    relaxed, limit, not_closest = (
        ops.full_like(found.outcome, int(outcome))
        for outcome in (Outcome.RELAXED, Outcome.ITERATION_LIMIT, Outcome.NOT_CLOSEST)
    )
    held = violation <= dual.settings.row_tolerance
    ended = ops.where(held, not_closest, limit)
    off = ops.where(held, found.residual, violation)

    def resorted() -> Solution:
        last = last_resort(dual)
        last = last._replace(iterations=last.iterations + found.iterations)
        further = ops.logical_and(ops.equal(last.outcome, limit), last.residual > violation)
        return choose(further, found._replace(outcome=ended, residual=off), last)

    proven = above_least <= dual.settings.proven
    if not dual.structure.last_resort:
        return found._replace(
            outcome=ops.where(proven, relaxed, ended), residual=ops.where(proven, above_least, off)
        )
    return ops.cond(proven, lambda: found._replace(outcome=relaxed, residual=above_least), resorted)
