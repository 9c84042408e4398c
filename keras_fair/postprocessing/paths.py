"""The rules along the monotone path, counted and measured point by point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.knots import ShiftKnots, ThresholdKnots
from keras_fair.postprocessing.row_tests import FAR, Part, RowTest

__all__ = ["ScorePath", "ThresholdPath"]


class ThresholdPath:
    """Thresholds that move against each other.

    Args:
        people: of any groups.
        tests: of the inequalities.
        points: `(k, groups)`, what is added to the thresholds of the groups, as a part of the domain.
        neutral: the threshold without correction.
        decision: the `t` of `y >= t`.
        domain: `(low, high)` of scores.
    """

    def __init__(
        self,
        people: Calibration,
        tests: Sequence[RowTest],
        points: np.ndarray,
        *,
        neutral: float,
        decision: float,
        domain: tuple[float, float],
    ) -> None:
        low, high = domain
        thresholds = np.maximum(neutral + points * (high - low), low)
        rounded = thresholds.astype("float32").astype("float64")  # scores in float32 are decided alike
        self.thresholds = np.where(thresholds > high, np.inf, np.maximum(rounded, low))
        self.decision, self.domain = decision, domain
        self._people, self._tests = people, tests
        cells, self._rows = np.unique(people.cells, return_inverse=True)
        self._parts = [
            [(np.sort(people.scores[part.people]), _row_of(part, people, cells)) for part in test.parts]
            for test in (tests if people.weight is None else ())
        ]
        self._passed: dict[tuple[int, tuple[int, ...], float], bool] = {}  # neighbours often accept the same

    def __len__(self) -> int:
        return len(self.thresholds)

    def passes(self, test: int, place: int, level: float) -> bool:
        """Whether a test of the rule at a point passes."""
        asked = self._tests[test]
        if not asked.counted:
            return asked.passes(self.given(place), level)
        theta = self.thresholds[place]
        below = [int(np.searchsorted(scores, theta[row])) for scores, row in self._parts[test]]
        hits = tuple(len(part[0]) - fewer for part, fewer in zip(self._parts[test], below, strict=True))
        asked_before = test, hits, level
        if asked_before not in self._passed:
            self._passed[asked_before] = asked.passes_counts(hits, level)
        return self._passed[asked_before]

    def gains(self, places: np.ndarray) -> np.ndarray:
        """The utility of the rules at points."""
        total = np.zeros(len(places))
        for row, curve in enumerate(self._people.curves):
            accepted = np.searchsorted(-curve.scores, -self.thresholds[places, row], side="right")
            total += curve.gain[accepted]
        return total

    def knots(self, place: int) -> ThresholdKnots:
        """The rule at a point."""
        return ThresholdKnots(
            self.thresholds[place][:, None],
            np.ones((len(self.thresholds[place]), 1)),
            self.decision,
            self.domain,
        )

    def given(self, place: int) -> np.ndarray:
        """The decisions at a point, `(n,)` bool."""
        return self._people.scores >= self.thresholds[place][self._rows]


class ScorePath:
    """Shifts of scores against each other.

    Args:
        people: of any groups.
        tests: of the inequalities.
        points: `(k, groups)`, the prices of the groups.
        divergence: what they are prices under.
        domain: `(low, high)` of scores.
    """

    def __init__(
        self,
        people: Calibration,
        tests: Sequence[RowTest],
        points: np.ndarray,
        *,
        divergence: str,
        domain: tuple[float, float],
    ) -> None:
        self.points, self.divergence, self.domain = points, divergence, domain
        self._people, self._tests = people, tests
        cells, self._rows = np.unique(people.cells, return_inverse=True)
        plain = divergence == "euclidean" and people.weight is None
        self._parts = [
            [
                (_Sorted(people.scores[part.people]), _row_of(part, people, cells))
                for part in test.parts
                if plain
            ]
            for test in tests
        ]
        self._last: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.points)

    def passes(self, test: int, place: int, level: float) -> bool:
        """Whether a test of the rule at a point passes."""
        asked = self._tests[test]
        if asked.weight is None and self.divergence == "euclidean":
            means = [part.mean(self.points[place][row], self.domain) for part, row in self._parts[test]]
            if asked.far(means, FAR * level):
                return True
        return asked.passes(self.given(place), level)

    def gains(self, places: np.ndarray) -> np.ndarray:
        """Minus the mean squared change of the rules at points."""
        people = self._people
        changes = [
            np.average((self.given(place) - people.scores) ** 2, weights=people.weight) for place in places
        ]
        return -np.array(changes)

    def knots(self, place: int) -> ShiftKnots:
        """The rule at a point."""
        return ShiftKnots(self.points[place], np.zeros(len(self.points[place])), self.divergence, self.domain)

    def given(self, place: int) -> np.ndarray:
        """The scores at a point, `(n,)`."""
        if self._last is None or self._last[0] != place:
            self._last = place, self.knots(place).apply(self._people.scores, self._rows, None)
        return self._last[1]


class _Sorted:
    """Scores of which the mean after any shift is known at once."""

    def __init__(self, scores: np.ndarray) -> None:
        self.scores = np.sort(scores)
        self.sums = np.r_[0.0, np.cumsum(self.scores)]

    def mean(self, shift: float, domain: tuple[float, float]) -> float:
        """Of `clip(r - shift)`."""
        low, high = domain
        start, stop = np.searchsorted(self.scores, [low + shift, high + shift])
        inside = self.sums[stop] - self.sums[start] - (stop - start) * shift
        return float(inside + start * low + (len(self.scores) - stop) * high) / max(len(self.scores), 1)


def _row_of(part: Part, people: Calibration, cells: np.ndarray) -> int:
    """The group that the people of a mean are in."""
    return int(np.searchsorted(cells, people.cells[part.people[0]])) if len(part.people) else 0
