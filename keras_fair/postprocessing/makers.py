"""The two kinds of rules, as learning sees them: the best rule, the path, what a rule gives, the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from keras_fair.inputs.domain import Domain
from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.decision_rule import (
    DecisionFit,
    Unmet,
    fit_decisions,
    program_rows,
)
from keras_fair.postprocessing.knots import Knots
from keras_fair.postprocessing.meaning import Meaning
from keras_fair.postprocessing.monotone_path import Path
from keras_fair.postprocessing.paths import ScorePath, ThresholdPath
from keras_fair.postprocessing.promise import Promise
from keras_fair.postprocessing.row_tests import RowTest
from keras_fair.postprocessing.score_rule import ScoreFit, fit_scores
from keras_fair.postprocessing.threshold_program import best_mixture
from keras_fair.postprocessing.utility import Utility
from keras_fair.rows.plan import RowPlan

__all__ = ["Decisions", "Learnt", "Maker", "PathOfRules", "Scores", "Settings"]

_NOT_CLOSEST = (
    "the shifts of the rule meet the constraints, but the search ended before they were the closest that do"
)
_LARGEST_PRICE = 20.0  # under a cross-entropy: a score of 0.5 becomes 0.05


@dataclass(frozen=True)
class Settings:
    """What a rule is learnt by; see `FrozenFairness`."""

    meaning: Meaning
    domain: Domain
    divergence: str
    utility: Utility
    randomise: str
    method: str
    confidence: float | None
    weight_bound: float | None
    seed: int


@dataclass(frozen=True)
class Learnt:
    """A learnt rule.

    Attributes:
        knots: one row for each group.
        row_of_cell: `(cells,)` int, the row of each group of people; -1 for those that nobody was of.
        promise: or None.
        measured: figures on the calibration people, by name.
        doubts: what has to be said about it.
    """

    knots: Knots
    row_of_cell: np.ndarray
    promise: Promise | None
    measured: dict[str, float]
    doubts: tuple[str, ...] = field(default=(), compare=False)

    def summary(self) -> list[str]:
        """The figures as lines."""
        return [
            f"{name}: {value:,.0f}" if name == "people" else f"{name}: {value:.4g}"
            for name, value in self.measured.items()
        ]


class PathOfRules(Path, Protocol):
    """A path that gives out its rules."""

    def knots(self, place: int) -> Any: ...

    def given(self, place: int) -> np.ndarray: ...


class Maker(Protocol):
    """A kind of rule."""

    has_path: bool
    has_lots: bool  # whether lots could still be drawn

    def best(self, people: Calibration, margins: np.ndarray | None) -> Any:
        """The best rule whose relations hold inside their bounds by margins, `(R,)`."""
        ...

    def path(self, people: Calibration, tests: Sequence[RowTest], points: np.ndarray) -> PathOfRules:
        """The rules of the monotone path."""
        ...

    def given(self, knots: Any, people: Calibration, rows: np.ndarray) -> np.ndarray:
        """What a rule gives people, `(n,)`."""
        ...

    def at_point(self, knots: Any, cells: np.ndarray, gain: float, people: Calibration) -> Any:
        """The rule of a point of the path."""
        ...

    def measured_on(self, fit: Any, given: np.ndarray, people: Calibration) -> Any:
        """A rule with its figures on these people."""
        ...

    def learnt(self, people: Calibration, fit: Any, promise: Promise | None, doubts: Sequence[str]) -> Learnt:
        """The record of a rule."""
        ...


class Decisions:
    """How rules for decisions are made."""

    def __init__(self, settings: Settings, utility: Any = None) -> None:
        self.settings = settings
        assert settings.meaning.threshold is not None
        self.decision = settings.meaning.threshold
        # What each person is worth by itself says nothing of a threshold.
        self.neutral = _neutral(settings) if utility is None else None
        self.has_path = settings.randomise == "never" and self.neutral is not None
        self.has_lots = settings.randomise == "never"

    def best(self, people: Calibration, margins: np.ndarray | None) -> DecisionFit:
        """See `Maker`."""
        return fit_decisions(
            people,
            decision=self.decision,
            domain=self.settings.domain.bounds,
            randomise=self.settings.randomise,
            margins=margins,
        )

    def best_gain(self, people: Calibration) -> float | None:
        """The utility of the best mixture of thresholds on these people; None where none meets the rows."""
        mixture = best_mixture(people.curves, program_rows(people.rows))
        return mixture.gain if mixture.feasible else None

    def path(self, people: Calibration, tests: Sequence[RowTest], points: np.ndarray) -> ThresholdPath:
        """The rules of the monotone path."""
        assert self.neutral is not None
        domain = self.settings.domain.bounds
        return ThresholdPath(
            people, tests, points, neutral=self.neutral, decision=self.decision, domain=domain
        )

    def given(self, knots: Any, people: Calibration, rows: np.ndarray) -> np.ndarray:
        """The decisions of a rule."""
        lots = np.random.default_rng(self.settings.seed).random(len(people)) if knots.draws_lots else None
        return knots.apply(people.scores, rows, lots) >= self.decision

    def at_point(self, knots: Any, cells: np.ndarray, gain: float, people: Calibration) -> DecisionFit:
        """See `Maker`."""
        return DecisionFit(knots, cells, gain, self.best_gain(people), 0.0)

    def measured_on(self, fit: DecisionFit, given: np.ndarray, people: Calibration) -> DecisionFit:
        """See `Maker`."""
        return replace(fit, gain=float(people.utility[given].sum()), optimum=self.best_gain(people))

    def learnt(
        self, people: Calibration, fit: DecisionFit, promise: Promise | None, doubts: Sequence[str]
    ) -> Learnt:
        """See `Maker`."""
        rows = np.searchsorted(fit.cells, people.cells)
        given = self.given(fit.knots, people, rows)
        share = float(np.average(given, weights=people.weight))
        weight = 1.0 if people.weight is None else people.weight
        total = float(np.sum(weight * np.ones(len(people))))
        measured = {
            "people": float(len(people)),
            "share accepted": share,
            "utility per person": fit.gain / total,
        }
        if fit.optimum is not None:
            measured["best possible"] = fit.optimum / total
        measured["share decided by lot"] = fit.randomised
        more = list(doubts)
        if share in (0.0, 1.0):
            who = "nobody" if share == 0 else "everybody"
            more.append(
                f"the rule accepts {who}: that meets the constraints, and decides nothing. Widen a "
                "tolerance, or look at the utility"
            )
        return Learnt(fit.knots, _places(fit.cells, people), promise, measured, tuple(more))


class Scores:
    """How rules of scores are made."""

    def __init__(self, settings: Settings, plan: RowPlan) -> None:
        self.settings = settings
        self.has_lots = False
        self.has_path = not plan.uses_label and bool(np.isfinite(settings.domain.bounds).all())

    def best(self, people: Calibration, margins: np.ndarray | None) -> ScoreFit:
        """See `Maker`."""
        return fit_scores(
            people, domain=self.settings.domain, divergence=self.settings.divergence, margins=margins
        )

    def path(self, people: Calibration, tests: Sequence[RowTest], points: np.ndarray) -> ScorePath:
        """The rules of the monotone path."""
        low, high = self.settings.domain.bounds
        divergence = self.settings.divergence
        scale = high - low if divergence == "euclidean" else _LARGEST_PRICE
        return ScorePath(people, tests, points * scale, divergence=divergence, domain=(low, high))

    def given(self, knots: Any, people: Calibration, rows: np.ndarray) -> np.ndarray:
        """The scores of a rule."""
        return knots.apply(people.scores, rows, None)

    def at_point(self, knots: Any, cells: np.ndarray, gain: float, people: Calibration) -> ScoreFit:
        """See `Maker`."""
        return ScoreFit(knots, cells, -gain, closest=True)

    def measured_on(self, fit: ScoreFit, given: np.ndarray, people: Calibration) -> ScoreFit:
        """See `Maker`."""
        return replace(fit, loss=float(np.average((given - people.scores) ** 2, weights=people.weight)))

    def _least_loss(self, people: Calibration) -> float | None:
        """That of the best rule on these people; None where none meets the rows: one that is promised for
        others need not."""
        try:
            return self.best(people, None).loss
        except Unmet:
            return None

    def learnt(
        self, people: Calibration, fit: ScoreFit, promise: Promise | None, doubts: Sequence[str]
    ) -> Learnt:
        """See `Maker`."""
        measured = {"people": float(len(people)), "mean squared change": fit.loss}
        least = fit.loss if promise is None else self._least_loss(people)
        if least is not None:
            measured["least possible"] = least
        more = () if fit.closest else (_NOT_CLOSEST,)
        return Learnt(fit.knots, _places(fit.cells, people), promise, measured, (*doubts, *more))


def _neutral(settings: Settings) -> float | None:
    """The threshold without constraints on calibrated scores; None where it is not known beforehand."""
    threshold, utility = settings.meaning.threshold, settings.utility
    if isinstance(utility, str):
        return {"implied": threshold, "accuracy": 0.5}.get(utility)
    rejected, accepted = utility[0, 0] - utility[0, 1], utility[1, 0] - utility[1, 1]
    return float(-rejected / (accepted - rejected)) if rejected < 0 < accepted else None


def _places(cells: np.ndarray, people: Calibration) -> np.ndarray:
    of_cell = np.full(len(people.groups), -1)
    of_cell[cells] = np.arange(len(cells))
    return of_cell
