"""Betting against a mean that is not above 0: the stakes, and the p-value of the largest capital.

The capital starts at 1 and is multiplied by `1 + stake_t gain_t`. Where the gains have no positive
expectation given those before, and stakes look at nothing later, it is a supermartingale. By Ville's
inequality it ever reaches `1 / level` with probability at most `level`. So `1 / (largest capital)` is a
p-value.

Any stakes are valid. These aim at the capital `aim` after the last block. A gambler in a Brownian motion of
known variance, who wants this sum with the largest probability, stakes

    phi(u) / q / (variance * sqrt(I)),   q = capital / aim,   u = the normal quantile of q

where I is the precision of all blocks to come, the sum of `1 / variance`. It is the hedge of a digital
option, and would be the z-test: its capital is `aim` where the z-test rejects, and 0 elsewhere. Here the
variance is that of the gains before. A fixed stake needs `sqrt(2 log(1 / level)) / z` times the width of
the z-test, 1.49 at 5%.

Sources: Ville (1939); Waudby-Smith and Ramdas, JRSS B 86 (2024), for bets on bounded means; Voracek and
Orabona, STaR-Bets (2025), for stakes by the target and the time that is left.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

__all__ = ["p_value", "stakes_towards"]

GAUSS = NormalDist()
SQRT_TAU = math.sqrt(math.tau)


def stakes_towards(
    aim: float, gains: np.ndarray, *, precisions: np.ndarray, limits: np.ndarray, scale: float
) -> np.ndarray:
    """The stake of each block, set by the gains before it.

    Args:
        aim: the capital that is wanted. When it is reached, ten times as much.
        gains: (blocks,).
        precisions: (blocks,), one over their variance if that of a person were 1.
        limits: (blocks,), what no stake may be above.
        scale: a guess of the standard deviation of a person, which counts as one block.
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


def p_value(gains: np.ndarray, stakes: np.ndarray) -> float:
    """`1 / (largest capital)`; of several gains (k, blocks) with the least of their capitals."""
    capital = np.cumsum(np.log1p(stakes * np.atleast_2d(gains)), axis=1).min(axis=0)
    return math.exp(-max(0.0, float(capital.max())))
