"""From a mixture, which draws lots, to one decision each: an average of few fits' probabilities.

    accepted where sum_k w_k p_k(x) >= 1/2

With the shares of the mixture as weights such a vote may exceed the text, since it is not linear in the
shares. So weights are searched: between each two of the fits and the mixture itself, in steps of 0.05, for
the lowest error plus the violation at a price. What is found is exact for the people it is measured on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

__all__ = ["best_average"]

_STEPS = np.linspace(0.0, 1.0, 21)[1:-1]


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
    prices = [price((weights @ probabilities >= 0.5).astype(float)) for weights in tried]
    return np.asarray(tried[int(np.argmin(prices))])
