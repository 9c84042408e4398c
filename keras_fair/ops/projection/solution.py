"""Where a solver ended."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Solution"]


class Solution(NamedTuple):
    """Predictions, the duals that they come from, and how it went.

    Attributes:
        y: (N,) the projected predictions.
        rows: (m,) `A y + c`.
        lam: (m,) duals.
        outcome: () int32, an `Outcome`.
        iterations: () int32, passes over the predictions.
        residual: () where solved, the largest error left, relative to the reach of its row; where relaxed,
            how far the violation may lie above the least, relative to itself; at the limit, the largest
            violation, relative to the reach of its row; where not the closest, the largest error of the
            conditions of the closest.
    """

    y: Any
    rows: Any
    lam: Any
    outcome: Any
    iterations: Any
    residual: Any
