"""Whether one inequality between means holds in the population.

    H0: sum_T a_T mean_T >= b        tested at a level; the inequality is promised where H0 is rejected

| inequality | what the rule gives out | test |
| --- | --- | --- |
| one rate | decisions | binomial |
| two rates of different people, signs opposite | decisions | exact, `rate_tests` |
| one mean, or two of different people | scores; weighted decisions, precisions | betting, `mean_tests` |
| any other | either | a bound for each mean, at an equal part of the level (Bonferroni) |

Each inequality of a rule is tested at the full level: to promise all is to reject that one of them fails,
and if one fails, its own test errs with at most this probability (Berger, Technometrics 24 (1982)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import beta

from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.mean_tests import mean_p_value, means_below
from keras_fair.postprocessing.promise import Unpromised
from keras_fair.postprocessing.promised_rows import OneSided
from keras_fair.postprocessing.rate_tests import rate_p_value, rates_below

__all__ = ["FAR", "Part", "RowTest", "row_tests"]

FAR = 0.01  # of the level is spent on seeing that a mean is far from its bound


@dataclass(frozen=True)
class Part:
    """One mean of an inequality: who it is of, and between which numbers its values lie."""

    factor: float
    people: np.ndarray
    coefficients: np.ndarray | None
    low: float
    high: float

    @property
    def most(self) -> float:
        """The largest that `factor * mean` can be."""
        return max(self.factor * self.low, self.factor * self.high)

    def values(self, given: np.ndarray) -> np.ndarray:
        """The values of its people, from what everybody is given."""
        chosen = given[self.people].astype(float)
        return chosen if self.coefficients is None else chosen * self.coefficients


@dataclass(frozen=True)
class RowTest:
    """The test of one inequality.

    Attributes:
        row: the inequality.
        parts: its means, those with positive factors first.
        counted: whether values are 0 or 1, each person for one.
        weight: `(n,)` of all people, or None; weight_bound: the most that one can weigh.
    """

    row: OneSided
    parts: tuple[Part, ...]
    counted: bool
    weight: np.ndarray | None
    weight_bound: float | None

    @cached_property
    def apart(self) -> bool:
        """Whether it compares two means of different people, one added, one taken away."""
        if len(self.parts) != 2 or self.parts[0].factor * self.parts[1].factor >= 0:
            return False
        return not np.intersect1d(self.parts[0].people, self.parts[1].people, assume_unique=True).size

    @property
    def name(self) -> str:
        """Of the kind of test."""
        if len(self.parts) > 1 and not self.apart:
            return "a confidence bound for each mean"
        if self.counted:
            return "the exact test of two rates" if self.apart else "the binomial test"
        return "betting on means"

    def passes(self, given: np.ndarray, level: float) -> bool:
        """Whether the inequality is promised at this level.

        Args:
            given: `(n,)`, decisions or scores of all people after the rule.
            level: in (0, 1).
        """
        if self.counted:
            return self.passes_counts([int(given[part.people].sum()) for part in self.parts], level)
        if any(len(part.people) == 0 for part in self.parts):
            return False
        values = [part.values(given) for part in self.parts]
        if len(self.parts) > 1 and not self.apart:
            each = level / len(self.parts)
            largest = (self._largest(*pair, each) for pair in zip(self.parts, values, strict=True))
            return sum(largest) < self.row.bound
        if self.weight is None:
            if self.far([float(each.mean()) for each in values], FAR * level):
                return True
            level = (1 - FAR) * level
        if len(self.parts) == 1:
            bound = self.row.bound / self.parts[0].factor
            return self._p_value(self.parts[0], values[0], bound, level) <= level
        added, taken = self.parts
        return means_below(
            *values,
            factor=-taken.factor / added.factor,
            bound=self.row.bound / added.factor,
            low=min(added.low, taken.low),
            high=max(added.high, taken.high),
            weight_a=self._weight(added),
            weight_b=self._weight(taken),
            weight_bound=self.weight_bound,
            level=level,
        )

    def passes_counts(self, hits: Sequence[int], level: float) -> bool:
        """The same, where decisions are counted.

        Args:
            hits: how many of each mean are accepted.
            level: in (0, 1).
        """
        people = [len(part.people) for part in self.parts]
        if 0 in people:
            return False
        if len(self.parts) > 1 and not self.apart:
            each = level / len(self.parts)
            bounds = (_largest_rate(*three, each) for three in zip(self.parts, hits, people, strict=True))
            return sum(bounds) < self.row.bound
        if self.far([hit / count for hit, count in zip(hits, people, strict=True)], FAR * level):
            return True
        level = (1 - FAR) * level
        if len(self.parts) == 1:
            factor = self.parts[0].factor
            return _p_value_of_rate(factor, hits[0], people[0], self.row.bound / factor) <= level
        added, taken = self.parts
        factor, bound = -taken.factor / added.factor, self.row.bound / added.factor
        return rates_below(hits[0], people[0], hits[1], people[1], factor=factor, bound=bound, level=level)

    def far(self, means: Sequence[float], level: float) -> bool:
        """Whether Hoeffding's inequality (1963) alone tells: far from the bound nothing else is asked.

        Args:
            means: of the parts.
            level: in (0, 1).
        """
        room = self.row.bound - sum(part.factor * mean for part, mean in zip(self.parts, means, strict=True))
        size = sum((part.factor * (part.high - part.low)) ** 2 / len(part.people) for part in self.parts)
        return room > 0 and np.exp(-2 * room**2 / size) <= level

    def error(self, given: np.ndarray) -> float:
        """The standard error of its left side, about: what candidates are spread by, no promise."""
        total = 0.0
        for part in self.parts:
            values, weight = part.values(given), self._weight(part)
            if len(values) == 0:
                continue
            weight = np.ones(len(values)) if weight is None else weight
            size = max(weight.sum(), 1e-300)
            mean = weight @ values / size
            spread = (weight**2) @ (values - mean) ** 2 / size**2
            total += part.factor**2 * max(spread, 0.25 / max(len(values), 1) ** 2)
        return float(np.sqrt(total))

    def value(self, given: np.ndarray) -> float:
        """Its left side on these people."""
        total = 0.0
        for part in self.parts:
            values, weight = part.values(given), self._weight(part)
            if len(values):
                total += part.factor * float(np.average(values, weights=weight))
        return total

    def _weight(self, part: Part) -> np.ndarray | None:
        return None if self.weight is None else self.weight[part.people]

    def _p_value(self, part: Part, values: np.ndarray, bound: float, level: float) -> float:
        """Of H0: mean >= bound for a positive factor, mean <= bound for a negative one."""
        low, high = part.low, part.high
        if part.factor < 0:
            values, bound, low, high = -values, -bound, -high, -low
        return mean_p_value(
            values, bound, low=low, high=high, weight=self._weight(part), weight_bound=self.weight_bound,
            level=level,
        )  # fmt: skip

    def _largest(self, part: Part, values: np.ndarray, level: float) -> float:
        """An upper confidence bound of `factor * mean`."""
        low, high = part.low, part.high  # the p-value falls with the bound, or rises with it
        for _ in range(30):
            middle = (low + high) / 2
            passed = self._p_value(part, values, middle, level) <= level
            if passed == (part.factor > 0):
                high = middle
            else:
                low = middle
        return part.factor * (high if part.factor > 0 else low)


def _p_value_of_rate(factor: float, hits: int, people: int, bound: float) -> float:
    """Of H0: rate >= bound for a positive factor, rate <= bound for a negative one."""
    if factor < 0:
        hits, bound = people - hits, 1 - bound
    return float(rate_p_value(hits, people, bound))


def _largest_rate(part: Part, hits: int, people: int, level: float) -> float:
    """An upper confidence bound of `factor * rate`: Clopper and Pearson's."""
    if part.factor > 0:
        return part.factor * (1.0 if hits == people else float(beta.isf(level, hits + 1, people - hits)))
    return part.factor * (0.0 if hits == 0 else float(beta.ppf(level, hits, people - hits + 1)))


def row_tests(
    calibration: Calibration, *, decides: bool, ends: tuple[float, float], weight_bound: float | None
) -> list[RowTest]:
    """The tests of all inequalities over these people.

    Args:
        calibration: the people who are tested.
        decides: whether the rule gives out decisions.
        ends: between which numbers lies what it gives out.
        weight_bound: the most that a person can weigh; None without weights.

    Raises:
        Unpromised: values have no bounds, or labels are not known.
    """
    if not np.isfinite(ends).all():
        raise Unpromised(
            "a promise about means needs scores between two numbers, received "
            f"domain=({ends[0]:g}, {ends[1]:g}): give domain=(low, high), or confidence=None for a rule "
            "without a promise"
        )
    weighted = calibration.weight is not None
    tests = []
    for row in calibration.inequalities:
        parts = []
        for term in sorted(row.terms, key=lambda term: -row.weights[term]):
            people, coefficients = calibration.members(term)
            low, high = ends
            if coefficients is not None:
                values = np.unique(coefficients)
                if len(values) != 2:
                    raise Unpromised(
                        f"{row.name}: a promise needs labels 0 and 1 among the people of a group, received "
                        f"{len(values)} kinds of label"
                    )
                products = np.outer(values, ends)
                low, high = float(products.min()), float(products.max())
            parts.append(Part(float(row.weights[term]), people, coefficients, low, high))
        if sum(part.most for part in parts) <= row.bound + 1e-12:
            continue  # it holds whatever the rule gives
        counted = decides and not weighted and all(part.coefficients is None for part in parts)
        tests.append(RowTest(row, tuple(parts), counted, calibration.weight, weight_bound))
    return tests
