r"""The method of multipliers: what becomes of rows that cannot be met together.

Such rows have no dual solution: the duals grow without bound. That is noticed, and the iteration starts
afresh in rounds. Each minimises the dual with a proximal term anchored at the duals of the round before,

    minimise over lam   F(lam) + softness |lam - centre|^2 / 2        then   centre <- lam

that is an elastic problem, whose answer exists. Where the rows can be met the rounds end on them. Where not,
the rows stand still while the duals grow by the violation each round, and the predictions become those with
the least sum of squared violations, and among those the closest (Chiche and Gilbert, J. Convex Analysis
23(2), 2016). That this end is reached is proven, not taken from the iteration standing still:
`keras_fair.ops.projection.certificate`.

This file says when a round begins, ends, or is taken again. The rounds' passes are those of the loop,
`keras_fair.ops.projection.rows_together`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.control_flow import choose
from keras_fair.ops.projection.dual import Anchor, Dual, DualPoint
from keras_fair.ops.projection.problem import Unknowns
from keras_fair.ops.projection.settings import RoundSettings
from keras_fair.ops.working_precision import rounding

__all__ = ["Rounds", "Turn"]


class Turn(NamedTuple):
    """What becomes of the rounds after a pass; () bools, at most one of them true.

    Attributes:
        begins: the first round begins, as the rows do not seem to be met without.
        advances: the round has settled, and the next one begins.
        eases: the round does not settle, and is taken again with a softer anchor.
        fails: it has been eased often enough.
    """

    begins: Any
    advances: Any
    eases: Any
    fails: Any

    @property
    def restarts(self) -> Any:
        """() bool, whether the iteration goes back to the centre of a round."""
        return ops.logical_or(self.begins, self.eases)


class Rounds(NamedTuple):
    """Where the rounds stand. Before the first one `count` is zero, and the anchor has no softness.

    Attributes:
        count: () int32, the number of the round; 0 before the first one.
        began: () int32, the passes taken before it began.
        centre: where its anchor is: the answer of the round before, and zero in the first one.
        softness: () of its anchor, relative to `scale`.
        scale: () the least curvature of a row as the round began. It stays: a round minimises one function.
        least_softness: () which later rounds come down to.
        eased: () int32, how often a round was eased.
        rows: (m,) the rows at the end of the round before, less what soft ones give.
        still: () int32, rounds in a row that have not moved the rows.
    """

    count: Any
    began: Any
    centre: Unknowns
    softness: Any
    scale: Any
    least_softness: Any
    eased: Any
    rows: Any
    still: Any

    @classmethod
    def none(cls, dual: Dual, nothing: Unknowns) -> Rounds:
        """Before the first round."""
        one = ops.ones_like(dual.problem.low)
        count = ops.convert_to_tensor(0, dtype="int32")
        least = dual.settings.rounds.least_softness
        return cls(count, count, nothing, 0.0 * one, one, least * one, count, nothing.lam, count)

    @property
    def anchored(self) -> Any:
        """() bool, whether there is a round."""
        return self.count > 0

    @property
    def anchor(self) -> Anchor:
        """The proximal term of the round; nothing before the first one."""
        return Anchor(self.softness * self.scale, self.centre.lam)

    def tolerance(self, dual: Dual, pull: Any) -> Any:
        """() the error at which a round, or the iteration before them, has settled.

        Args:
            dual: the function to minimise.
            pull: () how far its duals pull the predictions.
        """
        least = dual.settings.row_tolerance
        # A price of many widths carries its rounding into the predictions.
        rounded = ops.minimum(100.0 * rounding(pull.dtype) * pull, 1e4 * least)
        return ops.where(self.anchored, ops.maximum(least, rounded), least)

    def turn(self, settings: RoundSettings, pull: Any, settled: Any, passes: Any) -> Turn:
        """What becomes of the rounds.

        Args:
            settings: of the rounds.
            pull: () how far the duals of the last pass pull the predictions.
            settled: () bool, whether they solve the round.
            passes: () int32, passes before that one.
        """
        unsettled = ops.logical_not(settled)
        patience = ops.where(self.anchored, settings.passes, settings.searching_passes)
        tired = ops.logical_and(passes - self.began >= patience, unsettled)
        far = ops.logical_and(pull > settings.farthest_pull, unsettled)
        stopped = ops.logical_and(self.anchored, tired)
        may_ease = self.eased < settings.most_eased
        return Turn(
            begins=ops.logical_and(ops.logical_not(self.anchored), ops.logical_or(far, tired)),
            advances=ops.logical_and(self.anchored, settled),
            eases=ops.logical_and(stopped, may_ease),
            fails=ops.logical_and(stopped, ops.logical_not(may_ease)),
        )

    def after(self, turn: Turn, dual: Dual, point: DualPoint, rows: Any, t: Any, passes: Any) -> Rounds:
        """The rounds after a turn.

        Args:
            turn: what becomes of them.
            dual: the function to minimise.
            point: where the last pass looked at it.
            rows: (m,) the rows there, less what soft ones give.
            t: (p,) its auxiliary scalars.
            passes: () int32, passes before it.
        """
        begins, advances, eases, _ = turn
        fresh = ops.logical_or(turn.restarts, advances)
        softness = self._softness_after(turn, dual)
        return Rounds(
            count=self.count + ops.cast(ops.logical_or(begins, advances), "int32"),
            began=ops.where(fresh, passes + 1, self.began),
            centre=choose(advances, Unknowns(point.lam, t), self.centre),
            softness=softness,
            scale=ops.where(fresh, dual.gentlest(point), self.scale),
            least_softness=ops.where(eases, softness, self._firmed(advances, dual, passes)),
            eased=self.eased + ops.cast(eases, "int32"),
            rows=ops.where(advances, rows, self.rows),
            still=ops.where(advances, self._still_after(dual, rows), self.still),
        )

    def _softness_after(self, turn: Turn, dual: Dual) -> Any:
        settings = dual.settings.rounds
        firmer = ops.maximum(settings.softening * self.softness, self.least_softness)
        eased = ops.where(turn.eases, settings.easing * self.softness, self.softness)
        softness = ops.where(turn.advances, firmer, eased)
        return ops.where(turn.begins, ops.ones_like(softness), softness)

    def _firmed(self, advances: Any, dual: Dual, passes: Any) -> Any:
        """The least softness, less where rounds end quickly; see `RoundSettings.quick_passes`."""
        settings = dual.settings.rounds
        if settings.firming is None or dual.structure.divergence == "euclidean":
            return self.least_softness
        quick = ops.logical_and(advances, passes - self.began < settings.quick_passes)
        quick = ops.logical_and(quick, self.count >= settings.first_firmed)
        least = self.least_softness
        firmer = ops.where(self.eased > 0, settings.firming_after_easing * least, settings.firming * least)
        return ops.where(quick, firmer, least)

    def _still_after(self, dual: Dual, rows: Any) -> Any:
        settings = dual.settings.rounds
        moved = dual.scales.largest(ops.abs(rows - self.rows))
        still = moved < settings.standstill * dual.settings.row_tolerance
        still = ops.logical_and(self.count >= settings.first_proven, still)
        return ops.where(still, self.still + 1, 0)
