"""What pictures over time share: which constraints are drawn, and where their gaps are to lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["draw_bounds", "most_violated"]

_BEYOND = 100  # heights of a picture, further than an axis still grows


def most_violated(violations: Mapping[str, np.ndarray], most: int) -> list[str]:
    """The names with the largest violation at the end, at most `most`, in the order of the mapping.

    Raises:
        ValueError: `most` is not positive.
    """
    if most < 1:
        raise ValueError(f"expected most >= 1, received most={most!r}")

    def last(name: str) -> float:
        finite = violations[name][np.isfinite(violations[name])]
        return float(finite[-1]) if len(finite) else -1.0

    largest = sorted(violations, key=lambda name: -last(name))[:most]
    return [name for name in violations if name in largest]


def draw_bounds(panel: Any, bounds: tuple[float, float] | None, color: str) -> None:
    """A pale band where a gap is to lie, its edges dotted; without a bound on a side it leaves the picture
    there. Called when the gaps are drawn."""
    if bounds is None:
        return
    finite = [bound for bound in bounds if math.isfinite(bound)]
    for bound in finite:
        panel.axhline(bound, color=color, linewidth=1, linestyle=(0, (1, 2)))
    if not finite:
        return
    from matplotlib.patches import Rectangle

    low, high = panel.get_ylim()
    beyond = _BEYOND * (high - low)
    begin, end = max(bounds[0], low - beyond), min(bounds[1], high + beyond)
    band = Rectangle((0, begin), 1, end - begin, transform=panel.get_yaxis_transform())
    band.set(color=color, alpha=0.1, linewidth=0)
    panel.add_artist(band)  # unlike a span it does not widen the axis
