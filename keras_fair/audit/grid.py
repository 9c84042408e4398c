"""Bins that widen as numbers arrive: at the end they depend on the numbers, not on their order.

All bins have the width `unit * 2^level` and start at multiples of it. Where numbers reach further than there
are bins, neighbours are joined in pairs, which is exact.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["Grid", "joined", "round_bins"]

_FINEST = 30  # halvings of the largest number
_ROUND = (1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0)  # widths of bins that people count in, times a power of ten
_ROUNDING = 1e-6  # of a bin, by which a number may lie past its end


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


def round_bins(grid: Grid, most: int) -> tuple[int, tuple[float, ...]]:
    """At most so many bins for people to read, each of several neighbours of a grid.

    Where such bins can have a round width, as 2.5, their edges are multiples of it. Else the first begins at
    the least number and the last ends at the largest, and only these two are narrower than others.

    Args:
        grid: that covers some numbers.
        most: bins, >= 1.

    Returns:
        How many neighbours join, and the edges, ascending. The last bin holds its upper edge too.

    Example:

    >>> grid = Grid(0.05, 1024)
    >>> _ = grid.cover(0.0, 100.0)
    >>> size, edges = round_bins(grid, 40)
    >>> size, edges[:2], edges[-1]
    (25, (0.0, 2.5), 100.0)
    """

    def ends(size: int) -> tuple[int, int]:
        begin = grid.first // size
        return begin, max(math.ceil(grid.high / (size * grid.width) - _ROUNDING), begin + 1)

    def count(size: int) -> int:
        return ends(size)[1] - ends(size)[0]

    least = max(1, (grid.last - grid.first) // most)
    while count(least) > most:
        least += 1
    rounds = (size for size in range(least, 2 * least + 1) if _is_round(size * grid.width))
    size = next((size for size in rounds if count(size) <= most), 0)
    is_round = size > 0
    if not is_round:
        size = 1
        while count(size) > most:
            size *= 2
    begin, end = ends(size)
    edges = [float(f"{place * size * grid.width:.12g}") for place in range(begin, end + 1)]
    if not is_round and grid.low < grid.high:
        edges[0], edges[-1] = grid.low, grid.high
    return size, tuple(edges)


def _is_round(width: float) -> bool:
    """Whether people count in such steps."""
    digits = width / 10.0 ** math.floor(math.log10(width))
    return any(math.isclose(digits, each, rel_tol=1e-9) for each in _ROUND)


def joined(counts: np.ndarray, first: int, levels: int) -> tuple[np.ndarray, int]:
    """Counts in wider bins: `(rows, bins)` whose first bin is `first` become those `levels` levels up."""
    if levels == 0:
        return counts, first
    size = 2**levels
    begin = first // size
    place = (first + np.arange(counts.shape[1])) // size - begin
    return counts @ (place[:, None] == np.arange(int(place[-1]) + 1 if len(place) else 0)), begin
