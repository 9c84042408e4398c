"""The course of gaps, violations and duals over the arrivals, in bounded memory.

When the memory is full every second point is dropped, and from then on every second batch is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["History"]

_POINTS = 2048


class History:
    """Points of one stream.

    Args:
        points: how many are kept at most, at least 2.
    """

    def __init__(self, points: int = _POINTS) -> None:
        self._most = points
        self._every, self._seen = 1, 0
        self._arrivals: list[int] = []
        self._points: list[dict[str, dict[str, float]]] = []

    def add(self, arrivals: int, values: dict[str, dict[str, float]]) -> None:
        """Add a point: by kind (`gap`, `violation`, `dual`), by name, a number."""
        wanted = self.wanted
        self._seen += 1
        if not wanted:
            return
        self._arrivals.append(arrivals)
        self._points.append(values)
        if len(self._arrivals) > self._most:
            del self._arrivals[1::2], self._points[1::2]
            self._every *= 2

    @property
    def wanted(self) -> bool:
        """Whether the next point will be kept."""
        return self._seen % self._every == 0

    def skip(self) -> None:
        """Pass over a point that is not wanted."""
        self._seen += 1

    def to_dict(self, kinds: Sequence[str] = ("gap", "violation", "dual")) -> dict[str, Any]:
        """`{"arrivals": (k,), "every": int, kind: {name: (k,)}}`, NaN where there was no number. Of that many
        batches one is kept."""
        result: dict[str, Any] = {"arrivals": np.array(self._arrivals, dtype="int64"), "every": self._every}
        for kind in kinds:
            names = dict.fromkeys(name for point in self._points for name in point[kind])
            result[kind] = {
                name: np.array([point[kind].get(name, np.nan) for point in self._points]) for name in names
            }
        return result
