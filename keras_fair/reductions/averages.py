"""From a mixture, which draws lots, to one decision each: an average of few fits' probabilities.

    accepted where sum_k w_k p_k(x) >= 1/2

With the shares of the mixture as weights such a vote may exceed the text, since it is not linear in the
shares. So weights are searched, for the lowest error plus the violation at a price: each fit alone, between
each two of the fits and the mixture itself in steps of 0.05, and 200 weights drawn among all of them. A price
of three times the mixture's multipliers is above what a unit of violation is worth to mixtures, and not so
high that the constant decision, which compares nobody, beats what is almost met.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

__all__ = ["best_average", "price_of"]

_STEPS = np.linspace(0.0, 1.0, 21)[1:-1]
_DRAWN, _SEED = 200, 0
_DIGITS = 9
_TIMES, _LEAST = 3.0, 1.0


def price_of(multipliers: np.ndarray, highest: float) -> float:
    """What a unit of violation costs a deterministic decision.

    Args:
        multipliers: `(R,)`, of the mixture.
        highest: the most that it may cost.
    """
    return float(min(highest, max(_LEAST, _TIMES * float(multipliers.sum()))))


def best_average(
    probabilities: np.ndarray, shares: np.ndarray, price: Callable[[np.ndarray], float]
) -> np.ndarray:
    """The weights of the average whose decisions have the lowest price, `(k,)`, with sum 1.

    Args:
        probabilities: `(k, n)`, of being accepted, by fit.
        shares: `(k,)`, of the fits in the mixture; those with none are tried alone.
        price: of decisions, `(n,)` of 0 and 1.
    """
    alone = np.eye(len(shares))
    corners = [alone[place] for place in np.flatnonzero(shares)] + [shares]
    tried = [shares, *alone]
    tried += [(1 - s) * a + s * b for a, b in itertools.combinations(corners, 2) for s in _STEPS]
    if len(corners) > 2:
        drawn = np.random.default_rng(_SEED).dirichlet(np.ones(len(corners)), _DRAWN)
        tried += list(drawn @ np.array(corners))
    prices = [price((weights @ probabilities >= 0.5).astype(float)) for weights in tried]
    return np.asarray(tried[int(np.argmin(np.round(prices, _DIGITS)))])  # of equal ones the first
