"""Exact tests of rates: whether a row holds in the population, by the people who were counted.

Of one rate, the binomial test. Of `p_a - factor p_b <= bound`, with counts `X_a ~ Bin(n_a, p_a)` and
`X_b ~ Bin(n_b, p_b)` of different people:

    H0     p_a - factor p_b >= bound: the row is violated, or just not
    order  t(x) = d(x) / s(x), d(x) = x_a / n_a - factor x_b / n_b - bound: a low t speaks against H0
    p      sup { P_p(t(X) <= t(x)) : p in H0 and in C } + gamma

`s(x)` is the standard error at a point of the line `p_a = factor p_b + bound` that the counts of both
groups suggest, see `rate_regions.Order`. `C` is a box of Clopper and Pearson's intervals that holds the
true rates with probability `1 - gamma`.

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

Sources: Berger and Boos, JASA 89 (1994); Barnard, Biometrika 34 (1947), for the convex regions; Farrington
and Manning, Statistics in Medicine 9 (1990), for an error under the hypothesis. 3 is derived above.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from keras_fair.postprocessing.rate_regions import CountedRow, Region

__all__ = ["rate_p_value", "rates_below", "rates_p_value"]

PIECES = 16  # that the line is cut in at first; about half a standard error long
MOST_POINTS = 1024  # a test that needs more is not passed
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
        At most 1% above the supremum plus gamma (far more only where 1,024 points of the line are too few).

    Example:

    >>> round(rates_p_value(40, 100, 45, 100, bound=0.1), 3)
    0.017
    """
    row = CountedRow(hits_a, people_a, hits_b, people_b, factor, bound)
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
    row = CountedRow(hits_a, people_a, hits_b, people_b, factor, bound)
    known = _known(row)
    if known is not None:
        return known <= level
    gamma = GAMMA_SHARE * level
    return _supremum(row, gamma, level - gamma) <= level - gamma


def _known(row: CountedRow) -> float | None:
    """The p-value where nothing needs to be summed."""
    if row.bound > 1:
        return 0.0
    if row.bound == 1 and row.people_a and row.people_b:  # H0 is `p_a = 1, p_b = 0` alone
        return float(row.hits_a == row.people_a and row.hits_b == 0)
    return 1.0 if row.bound <= -row.factor or not (row.people_a and row.people_b) else None


def _supremum(row: CountedRow, gamma: float, enough: float | None) -> float:
    """An upper bound of the supremum, sharp to 1%.

    With `enough`, as soon as it is known on which side of it the supremum lies: a number on this side.
    """
    ends = _ends(row, gamma)
    if ends is None:
        return 0.0
    if ends[0] > ends[1]:
        region = Region(row, np.array([ends[1]]))
        return float(region.probability(np.array([_limits(row.hits_a, row.people_a, gamma)[0]]), ends[1:])[0])
    low, high = np.arcsin(np.sqrt(ends))
    points = np.sin(np.linspace(low, high, PIECES + 1 if high > low else 1)) ** 2
    points[0], points[-1] = ends[0], ends[-1]
    region = Region(row, points)
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
        # what a bound adds to the ends falls with the square of the length
        found = np.maximum(first, last)[open_]
        added = (bounds[open_] - found) / np.maximum(target - found, 1e-9 * target)
        parts = math.ceil(min(4.0, max(2.0, math.sqrt(float(added.max())))))
        grid = starts[open_, None] + (stops - starts)[open_, None] * (np.arange(parts + 1) / parts)
        grid[:, -1] = stops[open_]
        inner = grid[:, 1:-1]
        found = region.probability(row.on_line(inner.ravel()), inner.ravel()).reshape(inner.shape)
        count += found.size
        table = np.concatenate([first[open_, None], found, last[open_, None]], axis=1)
        starts, stops = grid[:, :-1].ravel(), grid[:, 1:].ravel()
        first, last = table[:, :-1].ravel(), table[:, 1:].ravel()
        largest = max(largest, float(found.max()))
    return settled


def _ends(row: CountedRow, gamma: float) -> np.ndarray | None:
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
