"""Outcomes of two rates that speak as much against a row as given counts do, and their probability.

`keras_fair.postprocessing.rate_tests` says what for, and derives the bounds on pieces of the line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CountedRow", "Order", "Region"]

ELEMENTS = 1 << 17  # of the arrays of a sum: they stay in the cache
ROUNDING = 1e-8  # relative, of a variance
LOG_OUTSIDE = math.log(2e12)  # a window holds all but 1e-12


@dataclass(frozen=True)
class CountedRow:
    """What was counted, and the row `p_a - factor p_b <= bound`."""

    hits_a: int
    people_a: int
    hits_b: int
    people_b: int
    factor: float
    bound: float

    def __post_init__(self) -> None:
        for name, hits, people in (("a", self.hits_a, self.people_a), ("b", self.hits_b, self.people_b)):
            if not 0 <= hits <= people:
                raise ValueError(
                    f"expected 0 <= hits <= people, received hits_{name}={hits}, people_{name}={people}"
                )
        if not (self.factor > 0 and math.isfinite(self.factor)):
            raise ValueError(f"expected a factor above 0, received factor={self.factor}")
        if math.isnan(self.bound):
            raise ValueError(f"expected a bound, received bound={self.bound}")

    def on_line(self, b: np.ndarray) -> np.ndarray:
        """`p_a` at the points of the line with this `p_b`."""
        return np.clip(self.factor * b + self.bound, 0.0, 1.0)


class Order:
    """Which outcomes come not after the counts, `t(x) <= t`.

        s(x)^2 = v(q) = (factor q + bound) (1 - factor q - bound) / n_a + factor^2 q (1 - q) / n_b
        q      = x_b / n_b + tilt d(x), tilt = factor n_a / (factor^2 n_a + n_b),
                 moved to [lowest, highest], where both rates on the line are strictly between 0 and 1

    q pools both groups: it is the estimate of `p_b` on the line if all people were equally uncertain. To v a
    trifle is added, far more than its rounding error, so that regions don't depend on rounding.
    """

    def __init__(self, row: CountedRow) -> None:
        factor, bound, a, b = row.factor, row.bound, row.people_a, row.people_b
        self._tilt = factor * a / (factor**2 * a + b)
        lowest, highest = max(0.0, -bound / factor), min(1.0, (1 - bound) / factor)
        trim = (highest - lowest) / (a + b + 2)
        self._lowest, self._highest = lowest + trim, highest - trim
        square, linear = -(factor**2) * (1 / a + 1 / b), factor * (1 - 2 * bound) / a + factor**2 / b
        constant = bound * (1 - bound) / a + ROUNDING * (1 + factor) ** 2 * (1 / a + 1 / b)
        self._variance = np.polynomial.Polynomial([constant, linear, square])
        d = row.hits_a / a - factor * row.hits_b / b - bound
        q = np.clip(row.hits_b / b + self._tilt * d, self._lowest, self._highest)
        self._t = d / math.sqrt(self._variance(q))

    def differences(self, rates_b: np.ndarray) -> np.ndarray:
        """The largest d that comes not after the counts, for each `x_b / n_b`.

        `t s` is constant where q is at an end of its range. In between `d^2 = t^2 v(q)` is quadratic in d.
        """
        t, tilt, variance = self._t * (1 - ROUNDING), self._tilt, self._variance  # ties must not drop out
        low, high = t * math.sqrt(variance(self._lowest)), t * math.sqrt(variance(self._highest))
        if t >= 0:  # nothing speaks against H0, so a larger region does no harm
            middle = np.clip(-variance.coef[1] / (2 * variance.coef[2]), self._lowest, self._highest)
            return np.full(len(rates_b), self._t * math.sqrt(variance(middle)))
        from_, to = (self._lowest - rates_b) / tilt, (self._highest - rates_b) / tilt
        square = 1 - t**2 * tilt**2 * variance.coef[2]
        half = t**2 * tilt / 2 * variance.deriv()(rates_b)
        root = (half - np.sqrt(np.maximum(half**2 + square * t**2 * variance(rates_b), 0.0))) / square
        inside = np.where((root >= from_) & (root <= 0), np.minimum(root, to), np.minimum(low, from_))
        return np.where(high >= to, high, inside)


class Region:
    """The outcomes that speak as much against H0 as the counts do, `x_a <= most(x_b)`, and its probability.

    Args:
        row: what was counted.
        points: the `p_b` whose windows it must reach, the largest and smallest at least.
    """

    def __init__(self, row: CountedRow, points: np.ndarray) -> None:
        self._row = row
        self._rest = 2e-12 + 1e-15 * (row.people_a + row.people_b)
        low, high = float(points.min()), float(points.max())
        reach = _reach(np.clip(0.5, low, high), row.people_b)
        self._first = max(0, int(low * row.people_b) - reach)
        hits = np.arange(self._first, min(row.people_b, int(high * row.people_b) + 1 + reach) + 1.0)
        line = row.factor * hits / row.people_b + row.bound
        most = row.people_a * (line + Order(row).differences(hits / row.people_b))
        most = np.floor(most + 1e-9 + 1e-14 * (1 + row.factor) * row.people_a)
        self._most = np.maximum.accumulate(np.clip(most, -1, row.people_a)).astype(np.int64)

    def probability(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Not less than P at these rates, each (k,)."""
        row = self._row
        reach_a, reach_b = _reach(a, row.people_a), _reach(b, row.people_b)
        step = max(1, ELEMENTS // (reach_a + reach_b))
        found = [
            self._sums(a[i : i + step], b[i : i + step], reach_a, reach_b) for i in range(0, len(a), step)
        ]
        return np.minimum(np.concatenate(found) + self._rest, 1.0)

    def _sums(self, a: np.ndarray, b: np.ndarray, reach_a: int, reach_b: int) -> np.ndarray:
        lowest_a, chance_a = _window(a, self._row.people_a, reach_a)
        lowest_b, chance_b = _window(b, self._row.people_b, reach_b)
        up_to = np.zeros((len(a), chance_a.shape[1] + 1))
        np.cumsum(chance_a, axis=1, out=up_to[:, 1:])
        place = lowest_b[:, None] - self._first + np.arange(chance_b.shape[1])
        most = self._most[np.clip(place, 0, len(self._most) - 1)]
        place = np.clip(most - (lowest_a - 1)[:, None], 0, chance_a.shape[1])
        return np.einsum("ij,ij->i", chance_b, np.take_along_axis(up_to, place, axis=1))

    def bounds(
        self, starts: np.ndarray, stops: np.ndarray, first: np.ndarray, last: np.ndarray
    ) -> np.ndarray:
        """Not less than the largest P on pieces of the line, with the values at their ends."""
        with np.errstate(invalid="ignore"):  # infinite information on a piece of no length
            curved = (stops - starts) ** 2 * np.maximum(self._information(starts), self._information(stops))
        root = curved * (math.sqrt(2) / 8)
        bounds = ((root + np.sqrt(root**2 + 4 * np.maximum(first, last))) / 2) ** 2
        wide = ~(curved < 1)
        if wide.any():
            corner = self.probability(self._row.on_line(starts[wide]), stops[wide])
            bounds[wide] = np.fmin(bounds[wide], corner)
        return np.minimum(bounds, 1.0)

    def _information(self, b: np.ndarray) -> np.ndarray:
        """J; infinite where a rate is 0 or 1."""
        row = self._row
        a = row.on_line(b)
        with np.errstate(divide="ignore"):
            return row.factor**2 * row.people_a / (a * (1 - a)) + row.people_b / (b * (1 - b))


def _reach(rates: Any, people: int) -> int:
    """How far from the mode a window must reach at all of these rates: Bernstein's inequality."""
    variance = people * float(np.max(rates * (1 - rates)))
    part = LOG_OUTSIDE / 3
    return min(people, math.ceil(part + math.sqrt(part**2 + 2 * LOG_OUTSIDE * variance)) + 1)


def _window(rates: np.ndarray, people: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """The first count (k,) of each window around the mode and the probabilities (k, 2 reach + 1) in it.

    By the ratios of neighbours, outwards from the mode, so that nothing overflows; given that it is inside.
    """
    mode = np.minimum(np.floor((people + 1) * rates), people)
    with np.errstate(divide="ignore"):
        odds = np.clip(rates / (1 - rates), 1e-300, 1e300)[:, None]
    steps = np.arange(reach)
    above, below = mode[:, None] + steps, mode[:, None] - steps
    chances = np.ones((len(rates), 2 * reach + 1))
    np.cumprod(np.maximum(people - above, 0.0) / (above + 1) * odds, axis=1, out=chances[:, reach + 1 :])
    down = np.cumprod(np.maximum(below, 0.0) / (people - below + 1) / odds, axis=1)
    chances[:, :reach] = down[:, ::-1]
    return (mode - reach).astype(np.int64), chances / chances.sum(axis=1, keepdims=True)
