"""What pictures over time share: which constraints are drawn, and where their gaps are to lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["draw_bounds", "most_violated"]


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
    """A pale band where a gap is to lie, its edges dotted; a side without a bound stays open."""
    if bounds is None:
        return
    finite = [bound for bound in bounds if math.isfinite(bound)]
    if len(finite) == 2:
        panel.axhspan(*bounds, color=color, alpha=0.1, linewidth=0)
    for bound in finite:
        panel.axhline(bound, color=color, linewidth=1, linestyle=(0, (1, 2)))
