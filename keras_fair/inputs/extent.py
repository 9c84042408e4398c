"""Between which values predictions and labels lie: what doubts about samples go by."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Extent"]


class Extent(NamedTuple):
    """Of k columns of numbers.

    Attributes:
        least: `(k,)`, infinite where there is no number.
        largest: `(k,)`, minus infinity where there is none.
        binary: `(k,)` bool, whether all are 0 or 1.
    """

    least: np.ndarray
    largest: np.ndarray
    binary: np.ndarray

    @classmethod
    def empty(cls, columns: int) -> Extent:
        """Of no numbers."""
        return cls(np.full(columns, np.inf), np.full(columns, -np.inf), np.ones(columns, dtype=bool))

    @classmethod
    def of(cls, numbers: np.ndarray) -> Extent:
        """Of `(n,)` or `(n, k)` numbers, n >= 0; missing ones (NaN) are left out."""
        table = numbers[:, None] if numbers.ndim == 1 else numbers
        if not len(table):
            return cls.empty(table.shape[1])
        least, largest = (bound.reduce(table, axis=0) for bound in (np.fmin, np.fmax))
        lacking = np.isnan(least)
        least, largest = np.where(lacking, np.inf, least), np.where(lacking, -np.inf, largest)
        binary = (least >= 0) & (largest <= 1)
        if binary.any():
            binary &= ((table == 0) | (table == 1) | np.isnan(table)).all(axis=0)
        return cls(least, largest, binary)

    @classmethod
    def restored(cls, state: Any) -> Extent:
        """What `state` described.

        Raises:
            ValueError, TypeError: it describes none.
        """
        least, largest, binary = state
        return cls(np.array(least, "float64"), np.array(largest, "float64"), np.array(binary, bool))

    @property
    def state(self) -> list[list[Any]]:
        """As plain lists."""
        return [column.tolist() for column in self]

    @property
    def known(self) -> bool:
        """Whether each column has a number."""
        return bool(np.isfinite(self.least).all())

    def joined(self, other: Extent) -> Extent:
        """Of both."""
        return Extent(
            np.minimum(self.least, other.least),
            np.maximum(self.largest, other.largest),
            self.binary & other.binary,
        )
