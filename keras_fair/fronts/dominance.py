"""Which points no other point beats.

A point dominates another one if it is nowhere worse and somewhere better; smaller is better. Points that are
equal everywhere do not dominate each other. Numbers are compared to 9 decimals, since a correction holds a
gap to rounding: 1e-13 is no larger a gap than 0. A point with a number that is not known is never
undominated, and dominates nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["undominated"]

_DECIMALS = 9


def undominated(numbers: Sequence[Sequence[float]]) -> np.ndarray:
    """Which points no other point dominates.

    Args:
        numbers: `(points, axes)`, smaller is better; NaN where a number is not known.

    Returns:
        `(points,)` bool.

    Example:

    >>> undominated([[0.2, 0.1], [0.1, 0.2], [0.2, 0.2], [0.1, 0.2]]).tolist()
    [True, True, False, True]
    """
    if not len(numbers):
        return np.zeros(0, bool)
    values = np.round(np.asarray(numbers, "float64"), _DECIMALS)
    known = ~np.isnan(values).any(axis=1)
    kept = known.copy()
    for place in np.flatnonzero(known):
        no_worse = (values[known] <= values[place]).all(axis=1)
        better = (values[known] < values[place]).any(axis=1)
        kept[place] = not (no_worse & better).any()
    return kept
