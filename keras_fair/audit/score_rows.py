"""Score histograms of groups, one row each, as they accumulate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product

import numpy as np

from keras_fair.audit.cells import Coded, joint_codes
from keras_fair.inputs.arrays import writable

__all__ = ["Key", "ScoreRows"]

Key = tuple[int, ...]


class ScoreRows:
    """One row for each group: size, weight, sum of `w y`, and the weight in each bin of scores.

    Samples with a weight of 0 are not counted in the size."""

    def __init__(self) -> None:
        self.place: dict[Key, int] = {}
        self.sums = np.zeros((0, 3))
        self.counts = np.zeros((0, 0))
        self.starts: dict[int, tuple[float, float]] = {}

    @property
    def size(self) -> int:
        return len(self.place)

    def add(
        self,
        coded: Sequence[Coded],
        y: np.ndarray,
        bins: np.ndarray,
        weight: np.ndarray | None,
        width: int,
        offset: int = 0,
    ) -> None:
        n = len(y)
        keys, joint, dense = joint_codes([column for column in coded if column.shares is None], n)
        if dense is not None:
            compact = np.zeros(dense[1], dtype=np.intp)
            compact[dense[0]] = np.arange(len(dense[0]))
            joint = compact[joint]
        soft = [
            [(state, column.shares[:, place]) for place, state in enumerate(column.states)]
            for column in coded
            if column.shares is not None
        ]
        count = len(keys)
        for joint_state in product(*soft):
            share = reduce(np.multiply, (each for _, each in joint_state)) if soft else None
            w = weight if share is None else share if weight is None else weight * share
            counted = share if weight is None else (weight > 0) * (1.0 if share is None else share)
            summed = (counted, w, y if w is None else w * y)
            sums = np.stack([np.bincount(joint, weights=each, minlength=count) for each in summed], axis=1)
            counts = np.bincount(joint * width + bins, weights=w, minlength=count * width)
            named = []
            for key in (keys + offset).tolist():
                hard_states, soft_states = iter(key), (state for state, _ in joint_state)
                named.append(
                    tuple(
                        next(hard_states) if column.shares is None else next(soft_states) for column in coded
                    )
                )
            self.put(named, sums, counts.reshape(count, width))

    def put(self, keys: Sequence[Key], sums: np.ndarray, counts: np.ndarray) -> None:
        """Add rows."""
        for key in keys:
            self.place.setdefault(key, len(self.place))
        known, width = len(self.sums), counts.shape[1]
        if self.size > known:
            self.sums = np.concatenate([self.sums, np.zeros((self.size - known, 3))])
            empty = np.zeros((self.size - known, width))
            self.counts = np.concatenate([self.counts.reshape(known, width), empty])
        self.sums, self.counts = writable(self.sums), writable(self.counts)
        rows = [self.place[key] for key in keys]
        if len(set(rows)) == len(rows):
            self.sums[rows] += sums
            self.counts[rows] += counts
        else:
            np.add.at(self.sums, rows, sums)
            np.add.at(self.counts, rows, counts)

    def raise_bins(self, levels: int) -> None:
        """Give the rows of bins the keys of the bins so many levels up; rows of the same key are added."""
        keys = [(key[0] >> levels,) for key in self.place]
        if keys == list(self.place):
            return
        sums, counts = self.sums, self.counts
        self.place, self.sums, self.counts = {}, np.zeros((0, 3)), np.zeros((0, counts.shape[1]))
        self.put(keys, sums, counts)
