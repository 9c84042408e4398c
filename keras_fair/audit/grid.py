"""Bins that widen as numbers arrive: at the end they depend on the numbers, not on their order.

All bins have the width `unit * 2^level` and start at multiples of it. Where numbers reach further than there
are bins, neighbours are joined in pairs, which is exact.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["Grid", "joined"]

_FINEST = 30  # halvings of the largest number


class Grid:
    """Equal bins over all numbers seen so far.

    Args:
        unit: the width at level 0.
        most: bins at most.
        rough: `(low, high, level)`: bins are not finer than this level once the numbers reach into
            `[low, high]`.
        wide: `(width, level)`: bins are not finer than this level once the numbers span `width` or more.
    """

    def __init__(
        self,
        unit: float,
        most: int,
        *,
        rough: tuple[float, float, int] | None = None,
        wide: tuple[float, int] | None = None,
    ) -> None:
        self.unit, self.most, self.rough, self.wide = unit, most, rough, wide
        self.low, self.high = math.inf, -math.inf
        self.level = -(10**6)

    @property
    def width(self) -> float:
        """The width of each bin."""
        return math.ldexp(self.unit, self.level)

    @property
    def first(self) -> int:
        """The number of the lowest bin."""
        return math.floor(self.low / self.width)

    @property
    def last(self) -> int:
        """The number of the highest bin."""
        return math.floor(self.high / self.width)

    def cover(self, low: float, high: float) -> int:
        """Widen the bins until they reach these numbers.

        Returns:
            By how many levels the bins widened.
        """
        before, start = self.level, self.low
        self.low, self.high = min(self.low, low), max(self.high, high)
        largest = max(abs(self.low), abs(self.high), 1e-300)
        level = max(self.level, math.ceil(math.log2(largest / self.unit)) - _FINEST)
        if self.rough and self.low <= self.rough[1] and self.high >= self.rough[0]:
            level = max(level, self.rough[2])
        if self.wide and self.high - self.low >= self.wide[0]:
            level = max(level, self.wide[1])
        self.level = level
        while self.last - self.first >= self.most:
            self.level += 1
        return 0 if math.isinf(start) else self.level - before

    def bins(self, numbers: np.ndarray) -> np.ndarray:
        """The bin of each number, `(n,)` int, counted from `first`."""
        return np.floor(numbers / self.width).astype(np.intp) - self.first


def joined(counts: np.ndarray, first: int, levels: int) -> tuple[np.ndarray, int]:
    """Counts in wider bins: `(rows, bins)` whose first bin is `first` become those `levels` levels up."""
    if levels == 0:
        return counts, first
    size = 2**levels
    begin = first // size
    place = (first + np.arange(counts.shape[1])) // size - begin
    return counts @ (place[:, None] == np.arange(int(place[-1]) + 1 if len(place) else 0)), begin
