"""Sums over samples, cell by cell: all that an audit keeps of the data.

    size = sum s [w > 0]     first = sum w s x     second = sum (w s x)(w s x)^T,     x = (1, q_1, ..., q_Q)

A cell is a joint state of the subjects of a table; only cells that occur are kept. Where the states of some
subjects are probabilities, `s` is the probability of each of their joint states; otherwise `s` is 1. Samples
with a weight of 0 are not counted. Sums add up, so chunks can be taken in any order and tables of shards can
be joined. Memory grows with the cells, not with the samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from keras_fair.groups.coding import UNKNOWN
from keras_fair.inputs.arrays import writable

__all__ = ["MOST_CELLS", "Cells", "Coded", "joint_codes"]

_DENSE = 65_536  # joint states up to which absent ones are counted too
MOST_CELLS = 2_000_000


@dataclass(frozen=True)
class Coded:
    """The states of samples in one subject.

    Args:
        codes: `(n,)`, or None where states are probabilities; `UNKNOWN` and `MISSING` are below 0.
        size: one more than the largest code.
        states: the states that `shares` is about.
        shares: `(n, k)`, or None.
    """

    codes: np.ndarray | None
    size: int = 0
    states: tuple[int, ...] = ()
    shares: np.ndarray | None = None


class Cells:
    """The cells of samples that have the same certain subjects and the same subjects known as probabilities.

    Args:
        hard: which subjects are certain.
        soft: which are probabilities, and the states that they are about.
        quantities: Q.
    """

    def __init__(
        self, hard: tuple[int, ...], soft: tuple[tuple[int, tuple[int, ...]], ...], quantities: int
    ) -> None:
        self.hard, self.soft = hard, soft
        self.width = 1 + quantities
        self.grid = [tuple(states) for states in product(*(states for _, states in soft))]
        self._place: dict[tuple[int, ...], int] = {}
        k, p = len(self.grid), self.width
        self._sums = [np.zeros((0, k)), np.zeros((0, k, p)), np.zeros((0, k, p, k, p))]

    @property
    def count(self) -> int:
        """How many cells occur."""
        return len(self._place)

    @property
    def keys(self) -> np.ndarray:
        """The states of the certain subjects, `(cells, hard)`."""
        return np.array(list(self._place), dtype=np.int64).reshape(self.count, len(self.hard))

    @property
    def sums(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`size (cells, k)`, `first (cells, k, 1 + Q)`, `second (cells, k, 1 + Q, k, 1 + Q)`."""
        size, first, second = (array[: self.count] for array in self._sums)
        return size, first, second

    def add(
        self,
        coded: Sequence[Coded],
        quantities: Sequence[np.ndarray | float],
        weight: np.ndarray | None,
        n: int,
    ) -> None:
        """Add `n` samples.

        Args:
            coded: their states, one for each subject of the table.
            quantities: each `(n,)`, or one number for all.
            weight: `(n,)` or None.
        """
        keys, joint, dense = joint_codes([coded[place] for place in self.hard], n)
        rows = self._rows(keys)
        if self.soft:
            self._add_soft(rows, joint, [coded[place] for place, _ in self.soft], quantities, weight, n)
            return
        total = len(keys) if dense is None else dense[1]
        size_sums, first_sums, second_sums = self._sums

        def summed(values: np.ndarray | None) -> np.ndarray:
            sums = np.bincount(joint, weights=values, minlength=total)
            return sums if dense is None else sums[dense[0]]

        x = [None, *(np.broadcast_to(np.asarray(quantity, "float64"), (n,)) for quantity in quantities)]
        weighted = (
            x if weight is None else [weight, *(weight * column for column in x[1:] if column is not None)]
        )
        size_sums[rows, 0] += summed(None if weight is None or weight.all() else 1.0 * (weight > 0))
        for i, column in enumerate(weighted):
            first = summed(column)
            first_sums[rows, 0, i] += first
            for j in range(i, self.width):
                other = weighted[j]
                both = other if column is None else column if other is None else column * other
                second = first if weight is None and i == 0 and j == 0 else summed(both)
                second_sums[rows, 0, i, 0, j] += second
                if i != j:
                    second_sums[rows, 0, j, 0, i] += second

    def merge(self, other: Cells, codes: Sequence[np.ndarray]) -> None:
        """Add the cells of other samples.

        Args:
            other: with the same subjects in the same places, `soft` included, in the codes of this one.
            codes: for each certain subject, the code here of each code of `other`.
        """
        keys = other.keys
        if not len(keys):
            return
        for place, code in enumerate(codes):
            keys[:, place] = code[keys[:, place]]
        rows = self._rows(keys)
        for mine, theirs in zip(self._sums, other.sums, strict=True):
            np.add.at(mine, rows, theirs)

    def restore(self, keys: np.ndarray, sums: Sequence[np.ndarray]) -> None:
        """Take the sums of other cells of the same subjects.

        Args:
            keys, sums: see the properties.

        Raises:
            ValueError: they have other shapes.
        """
        shapes = [array.shape[1:] for array in self._sums]
        received = [array.shape[1:] for array in sums]
        lengths = {len(array) for array in (keys, *sums)}
        if received != shapes or len(lengths) != 1 or keys.shape[1:] != (len(self.hard),):
            raise ValueError("sums of cells have other shapes than these constraints ask for")
        self._place = {tuple(key): place for place, key in enumerate(keys.tolist())}
        self._sums = list(sums)

    def _add_soft(
        self,
        rows: np.ndarray,
        joint: np.ndarray,
        coded: Sequence[Coded],
        quantities: Sequence[np.ndarray | float],
        weight: np.ndarray | None,
        n: int,
    ) -> None:
        shares = np.ones((n, 1))
        for column in coded:
            if column.shares is not None:
                shares = (shares[:, :, None] * column.shares[:, None, :]).reshape(n, -1)
        x = np.stack([np.broadcast_to(np.asarray(q, "float64"), (n,)) for q in (1.0, *quantities)], axis=1)
        if weight is not None:
            x = x * weight[:, None]
        order = np.argsort(joint, kind="stable")
        ends = (np.flatnonzero(np.diff(joint[order], append=-1)) + 1).tolist()
        begin = 0
        size_sums, first_sums, second_sums = self._sums
        for row, end in zip(rows, ends, strict=True):
            chosen = order[begin:end]
            wide = shares[chosen][:, :, None] * x[chosen][:, None, :]
            flat = wide.reshape(len(chosen), -1)
            counted = chosen if weight is None else chosen[weight[chosen] > 0]
            size_sums[row] += shares[counted].sum(axis=0)
            first_sums[row] += wide.sum(axis=0)
            second_sums[row] += (flat.T @ flat).reshape(second_sums.shape[1:])
            begin = end

    def _rows(self, keys: np.ndarray) -> np.ndarray:
        rows = np.empty(len(keys), dtype=np.intp)
        for place, key in enumerate(map(tuple, keys.tolist())):
            rows[place] = self._place.setdefault(key, len(self._place))
        if len(self._place) > MOST_CELLS:
            raise ValueError(
                f"the conditions of one constraint tell more than {MOST_CELLS:,} kinds of samples apart; "
                "ask for less in one constraint"
            )
        self._sums = [writable(sums) for sums in self._sums]
        room = len(self._sums[0])
        lacking = len(self._place) - room
        if lacking > 0:
            extra = max(lacking, room)
            self._sums = [np.concatenate([sums, np.zeros((extra, *sums.shape[1:]))]) for sums in self._sums]
        return rows


def joint_codes(
    coded: Sequence[Coded], n: int
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, int] | None]:
    """One number for the joint state of each sample.

    Returns:
        The states of the cells that occur, `(cells, subjects)`; the number of each sample, `(n,)`; and, where
        cells that do not occur have numbers too, which numbers occur and how many there could be, else None.
    """
    radices = [column.size - UNKNOWN for column in coded]
    total = math.prod(radices)
    if total > 2**62:
        stacked = np.stack([np.asarray(column.codes) for column in coded], axis=1)
        occurring, inverse = np.unique(stacked, axis=0, return_inverse=True)
        return occurring, inverse.reshape(-1), None
    joint = np.zeros(n, dtype=np.intp)
    lowest = 0  # the joint code where every code is `UNKNOWN`
    for place, (column, radix) in enumerate(zip(coded, radices, strict=True)):
        codes = np.asarray(column.codes).astype(np.intp, copy=False)
        joint, lowest = codes if place == 0 else joint * radix + codes, lowest * radix + UNKNOWN
    joint = joint - lowest
    if total <= max(_DENSE, n // 4):
        there = np.flatnonzero(np.bincount(joint, minlength=total))
        return _states(there, radices), joint, (there, total)
    occurring, inverse = np.unique(joint, return_inverse=True)
    return _states(occurring, radices), inverse.reshape(-1), None


def _states(joint: np.ndarray, radices: Sequence[int]) -> np.ndarray:
    if not radices:
        return np.zeros((len(joint), 0), dtype=np.int64)
    return np.stack(np.unravel_index(joint, radices), axis=1) + UNKNOWN
