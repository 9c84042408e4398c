"""Tests of means of bounded numbers, by betting: whether a row holds in the population.

People come in a fixed pseudo-random order, in blocks. Before a block is seen, a stake is set by the blocks
before it. The capital starts at 1 and is multiplied by

    1 + stake_t * gain_t

where `E[gain_t | blocks before] <= 0` under H0 and the stake keeps the factor above 0. So the capital is a
supermartingale, and by Ville's inequality it ever reaches `1 / level` with probability at most `level`, whatever the distribution
in `[low, high]` and however many people. The p-value is `1 / (largest capital)`.

    H0                            gain of a block
    mean >= bound                 bound - mean of the block
    mu_a - factor mu_b >= bound   bound - mean of its people of a + factor * mean of its people of b

The second needs no nuisance parameter: a block holds people of both groups, and everybody is in one block.
Groups of different sizes give each block nearly the same number of people, whole numbers; the unequal ones are weighted by
their precision, which costs 1.4% of the width at worst.

*Weights.* The mean is `E[w x] / E[w]`, and `E[w (x - mean)] = 0`. Of one group, `w (bound - x)` is the gain. Of two
groups the means are not linear in the sums, and for each `m` the gain of H0 with `mu_b = m` is

    mean_a(w (factor m + bound - x)) / W_a + factor * mean_b(w (x - m)) / W_b

with `W` the mean weight in the blocks before. Its expectation is at most 0 where `mu_b = m`. The stakes are the same for all m. So the
logarithm of the capital is a sum of logarithms of linear functions of m, concave, and on an interval it is
smallest at an end. The interval is one that holds `mu_b` with probability `1 - gamma`; gamma is added (Berger and Boos).

*Stakes.* Any stakes are valid. These aim at `1 / level` at the last block: a gambler in a Brownian motion of
known variance who wants this sum with the largest probability holds, with the share `q = capital * level` of it
and the precision `I` of all blocks to come (the sum of `1 / variance`),

    stake = phi(u) / q / (variance * sqrt(I)),   u = the normal quantile of q

which is the hedge of a digital option and reproduces the z-test: the width is within some percent of `z sigma` from
about a thousand people on, where a fixed stake needs 1.49 times as much at 5%. The variance is that of the blocks before.

Sources: Waudby-Smith and Ramdas, JRSS B 86 (2024), for testing means by betting; Voracek and Orabona,
STaR-Bets (2025), for stakes that look at the target and the time that is left; Ville (1939); Berger and Boos,
JASA 89 (1994). The blocks of two groups and the ends of the interval are derived above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

__all__ = ["mean_p_value", "means_below", "means_p_value"]

MOST_STAKED = 0.9  # of the stake at which the worst block would take all
FEW = 70  # blocks are of one person up to this number squared, and grow with the root
GAMMA_SHARE = 1e-3  # of the level, for the interval of a mean under weights
AIM_BEYOND = 1.05  # under weights, the capital at the ends of the interval lags behind
GAUSS = NormalDist()
SQRT_TAU = math.sqrt(math.tau)


def mean_p_value(
    x: Any,
    bound: float,
    *,
    low: float = 0.0,
    high: float = 1.0,
    weight: Any = None,
    weight_bound: float | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> float:
    """The p-value of one mean.

        H0: mean >= bound

    Args:
        x: (n,) numbers in [low, high] of independent people. None gives 1.
        bound: any number. Above `high` the p-value is 0, at `low` or below 1.
        low: what no number can be below.
        high: what no number can be above.
        weight: (n,) in [0, weight_bound]; the mean is then `E[w x] / E[w]`.
        weight_bound: what no weight can be above. It must be known beforehand, not read from the weights.
        level: that the stakes aim at. The p-value is valid whatever it is, and sharpest near it.
        seed: of the order of people. To choose it by the result would spoil the test.

    Example:

    >>> x = np.linspace(0, 1, 500) ** 2  # their mean is 0.334, its standard error 0.013
    >>> mean_p_value(x, 0.36) <= 0.05, mean_p_value(x, 0.34) <= 0.05
    (True, False)
    """
    group = _group(x, weight, weight_bound, low, high, "x")
    if bound > high:
        return 0.0
    if bound <= low or not group.people:
        return 1.0
    blocks = _blocks(group.people)
    weights, products = group.sums(blocks, seed)
    sizes = group.sizes(blocks)
    gains = (bound * weights - products) / sizes
    reach = group.most * (high - bound)
    scale = group.most * (high - low) / 2
    return _p_value(gains, _stakes(gains, sizes, np.full(blocks, MOST_STAKED / reach if reach else 0.0), scale, 1 / level))


def means_p_value(
    x_a: Any,
    x_b: Any,
    *,
    factor: float = 1.0,
    bound: float,
    low: float = 0.0,
    high: float = 1.0,
    weight_a: Any = None,
    weight_b: Any = None,
    weight_bound: float | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> float:
    """The p-value of two means of different people.

        H0: mu_a - factor mu_b >= bound

    Args:
        x_a: (n_a,) numbers in [low, high] of independent people. None gives 1.
        x_b: (n_b,) likewise.
        factor: above 0.
        bound: any number. Where the means can't reach it the p-value is 0, where they can't miss it 1.
        low: what no number can be below.
        high: what no number can be above.
        weight_a: (n_a,) in [0, weight_bound].
        weight_b: (n_b,) likewise.
        weight_bound: what no weight can be above, known beforehand.
        level: that the stakes aim at.
        seed: of the order of people.

    Example:

    >>> x = np.linspace(0, 1, 500)
    >>> means_p_value(x**2, x**1.9, bound=0.05) <= 0.05
    True
    """
    if not (factor > 0 and math.isfinite(factor)):
        raise ValueError(f"expected a factor above 0, received factor={factor}")
    a = _group(x_a, weight_a, weight_bound, low, high, "x_a")
    b = _group(x_b, weight_b, weight_bound, low, high, "x_b")
    if bound > high - factor * low:
        return 0.0
    if bound <= low - factor * high or not (a.people and b.people):
        return 1.0
    blocks = _blocks(min(a.people, b.people))
    sizes_a, sizes_b = a.sizes(blocks), b.sizes(blocks)
    weights_a, products_a = a.sums(blocks, seed)
    weights_b, products_b = b.sums(blocks, seed + 1)
    expected_a, expected_b = (a.expected(weights_a, sizes_a), b.expected(weights_b, sizes_b))
    units_a, units_b = sizes_a * expected_a, factor / (sizes_b * expected_b)
    # the gain is `constant + slope * m`
    constant = (bound * weights_a - products_a) / units_a + products_b * units_b
    slope = factor * weights_a / units_a - weights_b * units_b
    largest = min(high, (high - bound) / factor)  # that mu_b can be under H0
    reach = np.maximum(
        *(
            a.most / expected_a * max(0.0, high - bound - factor * m) + factor * b.most / expected_b * (m - low)
            for m in (low, largest)
        )
    )
    precisions = 1 / (1 / sizes_a + factor**2 / sizes_b)
    limits, scale = MOST_STAKED / np.maximum(reach, 1e-300), (high - low) / 2
    if not (a.weighted or b.weighted):
        return _p_value(constant, _stakes(constant, precisions, limits, scale, 1 / level))
    gamma = GAMMA_SHARE * level
    lowest, highest = b.interval(weights_b, products_b, gamma)
    if lowest > largest:
        return gamma
    guessed = b.guessed(weights_b, products_b)
    stakes = _stakes(constant + slope * guessed, precisions, limits, scale, AIM_BEYOND / (level - gamma))
    ends = [constant + slope * m for m in (lowest, min(highest, largest))]
    return min(1.0, _p_value(np.array(ends), stakes) + gamma)


def means_below(x_a: Any, x_b: Any, *, level: float, **row: Any) -> bool:
    """Whether `mu_a - factor mu_b < bound` at this level.

    Args:
        x_a: (n_a,) numbers of independent people.
        x_b: (n_b,) likewise.
        level: in (0, 1), the largest probability of True where the row is violated.
        **row: as in `means_p_value`.
    """
    return means_p_value(x_a, x_b, level=level, **row) <= level


@dataclass(frozen=True)
class _Group:
    """The numbers of one group.

    Attributes:
        x: (n,).
        weight: (n,), ones without weights.
        most: what no weight can be above.
        weighted: whether weights differ.
        low: what no number can be below.
        high: what no number can be above.
    """

    x: np.ndarray
    weight: np.ndarray
    most: float
    weighted: bool
    low: float
    high: float

    @property
    def people(self) -> int:
        return len(self.x)

    def _starts(self, blocks: int) -> np.ndarray:
        return np.arange(blocks + 1) * self.people // blocks

    def sizes(self, blocks: int) -> np.ndarray:
        """The people in each block, (blocks,)."""
        return np.diff(self._starts(blocks)).astype(float)

    def sums(self, blocks: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The sums of `w` and `w x` in each block, (blocks,)."""
        order = np.random.default_rng(seed).permutation(self.people)
        starts = self._starts(blocks)[:-1]
        weight = self.weight[order]
        return np.add.reduceat(weight, starts), np.add.reduceat(weight * self.x[order], starts)

    def expected(self, weights: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """The mean weight before each block; the largest one stands for a person before the first."""
        if not self.weighted:
            return np.full(len(weights), self.most)
        return (self.most + _before(weights)) / (1 + _before(sizes))

    def guessed(self, weights: np.ndarray, products: np.ndarray) -> np.ndarray:
        """The mean before each block."""
        prior = 1e-3 * self.most
        return (prior * (self.low + self.high) / 2 + _before(products)) / (prior + _before(weights))

    def interval(self, weights: np.ndarray, products: np.ndarray, gamma: float) -> tuple[float, float]:
        """An interval that holds the mean with probability `1 - gamma`.

        For each end the capital of a plain bet, which grows with the distance of m: m is outside where it
        reaches `2 / gamma`. It need not be sharp.
        """
        most = self.sizes(len(weights)) * self.most * (self.high - self.low)
        residuals = (products - self.guessed(weights, products) * weights) ** 2
        variance = (most**2 / 4 + _before(residuals)) / np.arange(1.0, len(weights) + 1)
        wanted = math.log(2 / gamma)
        stakes = np.minimum(np.sqrt(2 * wanted / (len(weights) * variance)), 0.5 / most)
        ends = []
        for sign, end in ((-1.0, self.low), (1.0, self.high)):
            refuted, kept = end, self.low + self.high - end
            if np.log1p(sign * stakes * (refuted * weights - products)).sum() < wanted:
                ends.append(end)
                continue
            for _ in range(30):
                middle = (refuted + kept) / 2
                if np.log1p(sign * stakes * (middle * weights - products)).sum() < wanted:
                    kept = middle
                else:
                    refuted = middle
            ends.append(refuted)
        return ends[0], ends[1]


def _group(
    x: Any, weight: Any, weight_bound: float | None, low: float, high: float, name: str
) -> _Group:
    x = np.asarray(x, dtype=float)
    if x.ndim != 1 or not ((x >= low) & (x <= high)).all():
        raise ValueError(f"expected {name} of shape (n,) in [{low}, {high}], received {name}={x}")
    if weight is None:
        return _Group(x, np.ones(len(x)), 1.0, False, low, high)
    weight = np.asarray(weight, dtype=float)
    if weight_bound is None or not (weight_bound > 0 and math.isfinite(weight_bound)):
        raise ValueError(
            f"expected a weight_bound above 0, known before the weights, received {weight_bound=}"
        )
    if weight.shape != x.shape or not ((weight >= 0) & (weight <= weight_bound)).all():
        raise ValueError(f"expected weights of shape {x.shape} in [0, {weight_bound}], received {weight}")
    return _Group(x, weight, weight_bound, True, low, high)


def _blocks(people: int) -> int:
    """How many blocks: as many as people, of many people less."""
    return people // max(1, round(math.sqrt(people) / FEW))


def _stakes(
    gains: np.ndarray, precisions: np.ndarray, limits: np.ndarray, scale: float, aim: float
) -> np.ndarray:
    """The stake of each block, set by the gains before it.

    Args:
        gains: (blocks,).
        precisions: (blocks,), one over their variance if that of a person were 1.
        limits: (blocks,), what no stake may be above.
        scale: a guess of the standard deviation of a person, which counts as one block.
        aim: the capital that is wanted. When it is reached, ten times as much.
    """
    roots = np.sqrt(np.cumsum(precisions[::-1])[::-1])
    capital, mean, square, seen = 1.0, 0.0, scale * scale, 1.0
    stakes = []
    for gain, precision, root, limit in zip(
        gains.tolist(), precisions.tolist(), roots.tolist(), limits.tolist(), strict=True
    ):
        share = min(max(capital / aim, 1e-12), 1 - 1e-6)
        quantile = GAUSS.inv_cdf(share)
        density = math.exp(-quantile * quantile / 2) / SQRT_TAU
        stake = min(density / share * precision / (math.sqrt(square / seen) * root), limit)
        stakes.append(stake)
        capital *= 1 + stake * gain
        while capital >= aim:
            aim *= 10
        distance = gain - mean
        mean += distance / seen
        square += precision * distance * (gain - mean)
        seen += 1
    return np.array(stakes)


def _p_value(gains: np.ndarray, stakes: np.ndarray) -> float:
    """`1 / (largest capital)`; of several gains (k, blocks) with the least of their capitals."""
    capital = np.cumsum(np.log1p(stakes * np.atleast_2d(gains)), axis=1).min(axis=0)
    return math.exp(-max(0.0, float(capital.max())))


def _before(values: np.ndarray) -> np.ndarray:
    """The sum of all earlier ones."""
    return np.concatenate([[0.0], np.cumsum(values)[:-1]])
