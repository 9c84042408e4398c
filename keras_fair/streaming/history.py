"""The course of gaps, violations and duals over the arrivals, in bounded memory.

When the memory is full every second point is dropped, and from then on every second batch is kept.
"""

from __future__ import annotations

from collections.abc import Callable
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

    def add(self, arrivals: int, point: Callable[[], dict[str, dict[str, float]]]) -> None:
        """Add what `point` gives: by kind (`gap`, `violation`, `dual`), by name, a number. It is called only
        if the point is kept."""
        self._seen += 1
        if (self._seen - 1) % self._every:
            return
        self._arrivals.append(arrivals)
        self._points.append(point())
        if len(self._arrivals) > self._most:
            del self._arrivals[1::2], self._points[1::2]
            self._every *= 2

    def to_dict(self) -> dict[str, Any]:
        """`{"arrivals": (k,), "every": int, kind: {name: (k,)}}`, NaN where there was no number. Of that many
        batches one is kept."""
        result: dict[str, Any] = {"arrivals": np.array(self._arrivals, dtype="int64"), "every": self._every}
        for kind in ("gap", "violation", "dual"):
            names = dict.fromkeys(name for point in self._points for name in point[kind])
            result[kind] = {
                name: np.array([point[kind].get(name, np.nan) for point in self._points]) for name in names
            }
        return result
