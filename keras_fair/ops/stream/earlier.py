"""States that were written before groups had spreads (version 0.1.0), and how they go on.

There a term had three numbers: its sum, its weight, and the sum of its absolute coefficients. It goes on
as if its people had equal weights, and differed as all do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.ops.stream.state_vector import SPREADS, StateLayout

__all__ = ["EARLIER_NUMBERS", "earlier_spreads", "in_this_layout"]

EARLIER_NUMBERS = 3  # of a term
_NEW = SPREADS[1:]


def earlier_spreads(reach: np.ndarray, moments: Any, outputs: int) -> dict[str, np.ndarray]:
    """The parts that an earlier state lacks, (T,) each.

    Args:
        reach: (T,) sums of absolute coefficients.
        moments: (4,) of the state; outputs: their number.
    """
    arrivals, first, second = (float(number) for number in moments[:3])
    squares = reach * np.maximum(reach / max(arrivals, 1.0), 1.0)  # no group is worth more people than came
    count = max(arrivals, 1.0) * outputs
    return dict(zip(_NEW, (squares, squares * first / count, squares * second / count), strict=True))


def in_this_layout(layout: StateLayout, vector: np.ndarray, outputs: int) -> np.ndarray:
    """A state `(size,)` as it is today, from one of today or an earlier one.

    Raises:
        ValueError: it is neither.
    """
    if vector.shape == (layout.size,):
        return vector
    lacking = len(_NEW) * layout.terms
    if vector.shape != (layout.size - lacking,):
        raise ValueError(
            f"expected a state of {layout.size} numbers for these constraints, received shape {vector.shape}"
        )
    place = layout.parts[_NEW[0]].start
    whole = np.concatenate([vector[:place], np.zeros(lacking, dtype=vector.dtype), vector[place:]])
    parts = layout.split(whole)
    return layout.with_change(whole, earlier_spreads(parts["reach"], parts["moments"], outputs))
