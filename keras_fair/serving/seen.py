"""Whom a rule was used on, kept for a moment until whoever watches its promise takes them over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

__all__ = ["SeenBatch", "SeenPeople"]

_MOST = 100_000  # people that are kept; more come only where nobody takes them over


class SeenBatch(NamedTuple):
    """People in the order in which they came.

    Attributes:
        scores: `(n,)` before the rule; given: after it.
        columns: the attributes.
        ids: `(n,)`, or None where nobody has said any.
        missed: how many others came that were not kept.
    """

    scores: np.ndarray
    given: np.ndarray
    columns: dict[str, list[Any]]
    ids: list[Any] | None
    missed: int


class SeenPeople:
    """Those who came since the last time they were taken over."""

    def __init__(self) -> None:
        self._clear()

    def add(
        self, scores: np.ndarray, given: np.ndarray, columns: Mapping[str, list[Any]], ids: list[Any] | None
    ) -> None:
        """Keep people; arguments as of `SeenBatch`."""
        if self._size >= _MOST:
            self._missed += len(scores)
            return
        self._size += len(scores)
        self._scores.append(scores)
        self._given.append(given)
        for name, column in columns.items():
            self._columns.setdefault(name, []).extend(column)
        if ids is not None:
            self._ids.extend(ids)

    def take(self) -> SeenBatch | None:
        """Those who are kept; then none are. None where nobody came."""
        if not self._size:
            return None
        ids = self._ids if len(self._ids) == self._size else None
        batch = SeenBatch(
            np.concatenate(self._scores), np.concatenate(self._given), self._columns, ids, self._missed
        )
        self._clear()
        return batch

    def _clear(self) -> None:
        self._scores: list[np.ndarray] = []
        self._given: list[np.ndarray] = []
        self._columns: dict[str, list[Any]] = {}
        self._ids: list[Any] = []
        self._size = self._missed = 0
