"""Tests of means of bounded numbers, by betting: whether a row holds in the population.

People come in a fixed pseudo-random order, in blocks. A stake for each block is set by those before it, and
what is won or lost is the gain of the block:

    H0                            gain of a block
    mean >= bound                 bound - mean of the block
    mu_a - factor mu_b >= bound   bound - mean of its people of a + factor * mean of its people of b

Under H0 no gain has a positive expectation, so that the largest capital gives a p-value, see
`keras_fair.postprocessing.betting`. It is valid for every distribution in `[low, high]` and any number of
people.

*Two groups* need no nuisance parameter: a block holds people of both, and everybody is in one block. Groups
of different sizes give each block nearly the same number of people. Whole numbers vary by one; blocks count
by their precision, and that costs 1.4% of the width at worst (three people of one group for two of the
other).

*Weights.* The mean is `E[w x] / E[w]`, so `E[w (x - mean)] = 0`. Of one group `w (bound - x)` is the gain. Of
two groups there is one gain for each `m`, with `W` the mean weight in the blocks before:

    mean_a(w (factor m + bound - x)) / W_a + factor * mean_b(w (x - m)) / W_b

Under H0 its expectation is at most 0 where m is `mu_b`. The stakes are the same for all m. So the logarithm
of the capital is a sum of logarithms of linear functions of m: concave, and on an interval smallest at an
end. The interval is one that holds `mu_b` with probability `1 - gamma`, and gamma is added to the p-value.

Sources: Waudby-Smith and Ramdas, JRSS B 86 (2024); Berger and Boos, JASA 89 (1994). The blocks of two
groups and the ends of the interval are derived above.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_fair.postprocessing.betting import p_value, stakes_towards
from keras_fair.postprocessing.mean_samples import MeanSample

__all__ = ["mean_p_value", "means_below", "means_p_value"]

MOST_STAKED = 0.98  # of the stake at which the worst block would take all
FEW = 70  # blocks are of one person up to this number squared, and grow with the root
GAMMA_SHARE = 1e-3  # of the level, for the interval of a mean under weights
AIM_BEYOND = 1.2  # under weights, the capital at the ends of the interval lags behind


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
    group = MeanSample.of(x, weight, weight_bound, low, high, "x")
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
    limits = np.full(blocks, MOST_STAKED / max(reach, 1e-300))
    return p_value(gains, stakes_towards(1 / level, gains, precisions=sizes, limits=limits, scale=scale))


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
    a = MeanSample.of(x_a, weight_a, weight_bound, low, high, "x_a")
    b = MeanSample.of(x_b, weight_b, weight_bound, low, high, "x_b")
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
    # the largest loss is linear in m, too
    scale_a, scale_b = a.most / expected_a, factor * b.most / expected_b
    reach = np.maximum(
        *(scale_a * max(0.0, high - bound - factor * m) + scale_b * (m - low) for m in (low, largest))
    )
    setting: dict[str, Any] = {
        "precisions": 1 / (1 / sizes_a + factor**2 / sizes_b),
        "limits": MOST_STAKED / np.maximum(reach, 1e-300),
        "scale": (high - low) / 2,
    }
    if not (a.weighted or b.weighted):
        return p_value(constant, stakes_towards(1 / level, constant, **setting))
    gamma = GAMMA_SHARE * level
    lowest, highest = b.interval(weights_b, products_b, gamma)
    if lowest > largest:
        return gamma
    gains = constant + slope * b.guessed(weights_b, products_b)
    stakes = stakes_towards(AIM_BEYOND / (level - gamma), gains, **setting)
    ends = [constant + slope * m for m in (lowest, min(highest, largest))]
    return min(1.0, p_value(np.array(ends), stakes) + gamma)


def means_below(
    x_a: Any,
    x_b: Any,
    *,
    factor: float = 1.0,
    bound: float,
    level: float,
    low: float = 0.0,
    high: float = 1.0,
    weight_a: Any = None,
    weight_b: Any = None,
    weight_bound: float | None = None,
    seed: int = 0,
) -> bool:
    """Whether `mu_a - factor mu_b < bound` at this level.

    Args:
        x_a: (n_a,) numbers of independent people.
        x_b: (n_b,) likewise.
        factor: above 0.
        bound: any number.
        level: in (0, 1), the largest probability of True where the row is violated.
        low: what no number can be below.
        high: what no number can be above.
        weight_a: (n_a,) in [0, weight_bound].
        weight_b: (n_b,) likewise.
        weight_bound: what no weight can be above, known beforehand.
        seed: of the order of people.
    """
    row: dict[str, Any] = {"factor": factor, "bound": bound, "low": low, "high": high}
    weights: dict[str, Any] = {"weight_a": weight_a, "weight_b": weight_b, "weight_bound": weight_bound}
    return means_p_value(x_a, x_b, level=level, seed=seed, **row, **weights) <= level


def _blocks(people: int) -> int:
    """How many blocks: as many as people, of many people less."""
    return people // max(1, round(math.sqrt(people) / FEW))
