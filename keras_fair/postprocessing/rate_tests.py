"""Exact tests of rates: whether a row holds in the population, by the people who were counted.

Of one rate, the binomial test. Of `p_a - factor p_b <= bound`, with counts `X_a ~ Bin(n_a, p_a)` and
`X_b ~ Bin(n_b, p_b)` of different people:

    H0     p_a - factor p_b >= bound: the row is violated, or just not
    order  t(x) = d(x) / s(x), d(x) = x_a / n_a - factor x_b / n_b - bound: the lower, the more against H0
    p      sup { P_p(t(X) <= t(x)) : p in H0 and in C } + gamma

`s(x)` is the standard error at a point of the line `p_a = factor p_b + bound` that the counts of both groups
suggest, see `_Order`. `C` is a box of Clopper and Pearson's intervals that holds the true rates with
probability `1 - gamma`.

*Valid.* Let p be the true rates, in H0. Where they lie in `C`, the p-value is at least `P_p(t(X) <= t(x)) +
gamma`, and that is at most `level` with probability at most `level - gamma`. Outside of `C` they lie with
probability gamma.

*The supremum is bounded, not searched.* `{t <= t(x)}` is enlarged to a region that with `(x_a, x_b)` holds
`(x_a - 1, x_b)` and `(x_a, x_b + 1)`, so its probability `P` falls with `p_a` and grows with `p_b`. Hence:

1. It is largest on the line, or at a corner of `C` where `C` doesn't touch the line.
2. On a piece of the line from `p_b = u` to `v`, `P` is at most `P(factor u + bound, v)`.
3. Along the line `|P''| <= sqrt(2 P) J`, with `J = factor^2 n_a / (p_a (1 - p_a)) + n_b / (p_b (1 - p_b))`,
   the information about `p_b`. For the probability of what one person does is linear in `p_b`. So the second
   derivative of the likelihood is the likelihood times `Y = sum_{i != j} s_i s_j`, over the scores of all
   people, and `P'' = E[Y; region]`. The products are uncorrelated: `E Y^2 = 2 sum_{i != j} J_i J_j <= 2 J^2`.
   The rest is the inequality of Cauchy and Schwarz. `J` is convex, thus largest at an end. So on the piece
   `P <= max(P(u), P(v)) + (v - u)^2 / 8 * J sqrt(2 P)`, an inequality that is solved for `P`.

Pieces are split until their bounds say enough. Sums run over windows that hold all but `1e-12` of the
probability by Bernstein's inequality. What is left out, and more than what rounding can do, is added.

Sources: Berger and Boos, JASA 89 (1994); Barnard, Biometrika 34 (1947), for the convex regions; Farrington and
Manning, Statistics in Medicine 9 (1990), for an error under the hypothesis. 3 is derived above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

__all__ = ["rate_p_value", "rates_below", "rates_p_value"]

PIECES = 16  # that the line is cut in at first; about half a standard error long
MOST_POINTS = 4096  # a test that needs more is not passed
ELEMENTS = 1 << 17  # of the arrays of a sum: they stay in the cache
LOG_OUTSIDE = math.log(2e12)  # a window holds all but 1e-12
GAMMA_SHARE = 1e-3  # of the level, for the confidence set of the nuisance


def rate_p_value(hits: Any, people: Any, bound: Any) -> Any:
    """The p-value of one rate, by the binomial test.

        H0: p >= bound        P(X <= hits), X ~ Bin(people, bound)

    Valid since `P(X <= hits)` falls with p, so that it is largest at the bound.

    Args:
        hits: array of whole numbers in [0, people].
        people: array of whole numbers; 0 gives 1.
        bound: array of any numbers.

    Returns:
        Of the shape to which the arguments broadcast; a float where that has none.

    Example:

    >>> float(rate_p_value(0, 20, 0.1))  # 0.9 ** 20
    0.12157
    """
    hits, people, bound = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in (hits, people, bound)))
    if (hits < 0).any() or (hits > people).any():
        raise ValueError(f"expected 0 <= hits <= people, received hits={hits}, people={people}")
    value = special.bdtr(hits, people.astype(int), np.clip(bound, 0.0, 1.0))
    value = np.where(bound > 1, 0.0, np.where((bound <= 0) | (hits == people), 1.0, value))
    return value if value.ndim else float(value)


def rates_p_value(
    hits_a: int,
    people_a: int,
    hits_b: int,
    people_b: int,
    *,
    factor: float = 1.0,
    bound: float,
    gamma: float = 1e-6,
) -> float:
    """The p-value of two rates of different people.

        H0: p_a - factor p_b >= bound

    Args:
        hits_a: how many of group a.
        people_a: of how many; 0 gives 1.
        hits_b: how many of group b.
        people_b: of how many; 0 gives 1.
        factor: above 0.
        bound: any number. Where the rates can't reach it the p-value is 0, where they can't miss it 1.
        gamma: in (0, 1), the part of the p-value that pays for the confidence set: about a thousandth of
            the level.

    Returns:
        At most 1% above the supremum plus gamma (far more only where 4,096 points of the line are too few).

    Example:

    >>> round(rates_p_value(40, 100, 45, 100, bound=0.1), 3)
    0.016
    """
    row = _Row(hits_a, people_a, hits_b, people_b, factor, bound)
    known = _known(row)
    return known if known is not None else min(1.0, _supremum(row, gamma, None) + gamma)


def rates_below(
    hits_a: int,
    people_a: int,
    hits_b: int,
    people_b: int,
    *,
    factor: float = 1.0,
    bound: float,
    level: float,
) -> bool:
    """Whether `p_a - factor p_b < bound` at this level: `rates_p_value(...) <= level`, sooner decided.

    Args:
        hits_a: how many of group a.
        people_a: of how many.
        hits_b: how many of group b.
        people_b: of how many.
        factor: above 0.
        bound: any number.
        level: in (0, 1), the largest probability of True where the row is violated.

    Example:

    >>> rates_below(40, 100, 45, 100, bound=0.1, level=0.05)
    True
    """
    row = _Row(hits_a, people_a, hits_b, people_b, factor, bound)
    known = _known(row)
    if known is not None:
        return known <= level
    gamma = GAMMA_SHARE * level
    return _supremum(row, gamma, level - gamma) <= level - gamma


@dataclass(frozen=True)
class _Row:
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

    def on_line(self, b: np.ndarray) -> np.ndarray:
        """`p_a` at the points of the line with this `p_b`."""
        return np.clip(self.factor * b + self.bound, 0.0, 1.0)


def _known(row: _Row) -> float | None:
    """The p-value where nothing needs to be summed."""
    if row.bound > 1:
        return 0.0
    if row.bound == 1 and row.people_a and row.people_b:  # H0 is `p_a = 1, p_b = 0` alone
        return float(row.hits_a == row.people_a and row.hits_b == 0)
    return 1.0 if row.bound <= -row.factor or not (row.people_a and row.people_b) else None


def _supremum(row: _Row, gamma: float, enough: float | None) -> float:
    """An upper bound of the supremum, sharp to 1%.

    With `enough`, as soon as it is known on which side of it the supremum lies: a number on this side.
    """
    ends = _ends(row, gamma)
    if ends is None:
        return 0.0
    if ends[0] > ends[1]:
        region = _Region(row, np.array([ends[1]]))
        return float(region.probability(np.array([_limits(row.hits_a, row.people_a, gamma)[0]]), ends[1:])[0])
    low, high = np.arcsin(np.sqrt(ends))
    points = np.sin(np.linspace(low, high, PIECES + 1 if high > low else 1)) ** 2
    region = _Region(row, points)
    values = region.probability(row.on_line(points), points)
    starts, stops, first, last = points[:-1], points[1:], values[:-1], values[1:]
    settled, largest = float(values.max()), float(values.max())
    count = len(points)
    while len(starts):
        if enough is not None and largest > enough:
            return largest
        bounds = region.bounds(starts, stops, first, last)
        target = enough if enough is not None else 1.01 * largest + 1e-2 * gamma
        open_ = bounds > target
        settled = max(settled, float(bounds[~open_].max(initial=0.0)))
        if not open_.any():
            break
        if count > MOST_POINTS:
            return max(settled, float(bounds.max()))
        # the excess falls with the square of the length
        excess = (bounds - np.maximum(first, last))[open_] / np.maximum(target - np.maximum(first, last)[open_], 1e-300)
        parts = int(np.clip(math.ceil(math.sqrt(float(excess.max()))), 2, 4))
        grid = starts[open_, None] + (stops - starts)[open_, None] * (np.arange(parts + 1) / parts)
        grid[:, -1] = stops[open_]
        inner = grid[:, 1:-1]
        found = region.probability(row.on_line(inner.ravel()), inner.ravel()).reshape(inner.shape)
        count += found.size
        table = np.concatenate([first[open_, None], found, last[open_, None]], axis=1)
        starts, stops, first, last = (x.ravel() for x in (grid[:, :-1], grid[:, 1:], table[:, :-1], table[:, 1:]))
        largest = max(largest, float(found.max()))
    return settled


def _ends(row: _Row, gamma: float) -> np.ndarray | None:
    """The piece of the line inside `C`, by `p_b`. Out of order where `C` lies wholly inside of H0, with the
    largest `p_b` second; None where it lies outside."""
    low_a, high_a = _limits(row.hits_a, row.people_a, gamma)
    low_b, high_b = _limits(row.hits_b, row.people_b, gamma)
    low, high = (low_a - row.bound) / row.factor, (high_a - row.bound) / row.factor
    if high < low_b:
        return None
    if low > high_b:
        return np.array([low, high_b])
    return np.array([max(low, low_b), min(high, high_b)])


def _limits(hits: int, people: int, gamma: float) -> tuple[float, float]:
    """Clopper and Pearson's, with `gamma / 4` beyond each; by a trifle wider than they are computed."""
    low = special.betaincinv(hits, people - hits + 1, gamma / 4) if hits else 0.0
    high = special.betainccinv(hits + 1, people - hits, gamma / 4) if hits < people else 1.0
    return float(low * (1 - 1e-8)), float(min(high + 1e-8 * (1 - high), 1.0))


class _Order:
    """Which outcomes come not after the counts, `t(x) <= t`.

        s(x)^2 = v(q) = (factor q + bound) (1 - factor q - bound) / n_a + factor^2 q (1 - q) / n_b
        q      = x_b / n_b + tilt d(x), tilt = factor n_a / (factor^2 n_a + n_b),
                 moved to [lowest, highest], where both rates on the line are strictly between 0 and 1

    q pools both groups: it is the estimate of `p_b` on the line if all people were equally uncertain.
    """

    def __init__(self, row: _Row) -> None:
        factor, bound, a, b = row.factor, row.bound, row.people_a, row.people_b
        self._tilt = factor * a / (factor**2 * a + b)
        lowest, highest = max(0.0, -bound / factor), min(1.0, (1 - bound) / factor)
        trim = (highest - lowest) / (a + b + 2)
        self._lowest, self._highest = lowest + trim, highest - trim
        self._variance = np.polynomial.Polynomial(
            [bound * (1 - bound) / a, factor * (1 - 2 * bound) / a + factor**2 / b, -(factor**2) * (1 / a + 1 / b)]
        )
        d = row.hits_a / a - factor * row.hits_b / b - bound
        q = np.clip(row.hits_b / b + self._tilt * d, self._lowest, self._highest)
        self._t = d / math.sqrt(self._variance(q))

    def differences(self, rates_b: np.ndarray) -> np.ndarray:
        """The largest d that comes not after the counts, for each `x_b / n_b`.

        `t s` is constant where q is at an end of its range. In between `d^2 = t^2 v(q)` is quadratic in d.
        """
        t, tilt, variance = self._t, self._tilt, self._variance
        low, high = t * math.sqrt(variance(self._lowest)), t * math.sqrt(variance(self._highest))
        if t >= 0:  # nothing speaks against H0, so a larger region does no harm
            middle = np.clip(-variance.coef[1] / (2 * variance.coef[2]), self._lowest, self._highest)
            return np.full(len(rates_b), t * math.sqrt(variance(middle)))
        from_, to = (self._lowest - rates_b) / tilt, (self._highest - rates_b) / tilt
        square = 1 - t**2 * tilt**2 * variance.coef[2]
        half = t**2 * tilt / 2 * variance.deriv()(rates_b)
        root = (half - np.sqrt(np.maximum(half**2 + square * t**2 * variance(rates_b), 0.0))) / square
        inside = np.where((root >= from_) & (root <= 0), np.minimum(root, to), np.minimum(low, from_))
        return np.where(high >= to, high, inside)


class _Region:
    """The outcomes that speak as much against H0 as the counts do, `x_a <= most(x_b)`, and its probability.

    Args:
        row: what was counted.
        points: the `p_b` whose windows it must reach, the largest and smallest at least.
    """

    def __init__(self, row: _Row, points: np.ndarray) -> None:
        self._row = row
        self._rest = 2e-12 + 1e-15 * (row.people_a + row.people_b)
        reach = max(_reach(np.linspace(points.min(), points.max(), 9), row.people_b), _reach(points, row.people_b))
        self._first = max(0, int(points.min() * row.people_b) - reach)
        hits = np.arange(self._first, min(row.people_b, int(points.max() * row.people_b) + reach) + 1.0)
        line = row.factor * hits / row.people_b + row.bound
        most = row.people_a * (line + _Order(row).differences(hits / row.people_b))
        # rounding must not drop outcomes that tie with the counts
        most = np.floor(most + 1e-9 + 1e-14 * row.people_a)
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

    def bounds(self, starts: np.ndarray, stops: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Not less than the largest P on pieces of the line, with the values at their ends."""
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
        a = self._row.on_line(b)
        with np.errstate(divide="ignore"):
            return self._row.factor**2 * self._row.people_a / (a * (1 - a)) + self._row.people_b / (b * (1 - b))


def _reach(rates: np.ndarray, people: int) -> int:
    """How far from the mode a window must reach at all of these rates: Bernstein's inequality."""
    variance = people * float((rates * (1 - rates)).max())
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
