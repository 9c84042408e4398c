"""The distribution of the scores of each group, in one pass over chunks.

Groups are the values of the attributes that the constraints name, and the intersections that their conditions
ask for. Numbers that conditions compare are grouped by the bands that the conditions tell apart. Numbers that
are used only in arithmetic are grouped by quartiles. Scores are those of output 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from keras_fair.audit.bands import outside, quartered, quartile, shown
from keras_fair.audit.cells import Coded
from keras_fair.audit.grid import Grid, joined, round_bins
from keras_fair.audit.result import GroupScores
from keras_fair.audit.score_rows import Key, ScoreRows
from keras_fair.audit.table_plans import Demands, Subject
from keras_fair.groups.coding import Entry
from keras_fair.groups.growing import GrowingFactor

__all__ = ["Histograms"]

_FINE = 1024  # bins of scores that are kept
_SHOWN = 40  # bins of scores in the result
_BINS = 20  # of scores in [0, 1]
_FINE_LEVEL = -4
_ATTRIBUTE_BINS = 256


class Histograms:
    """The scores of all groups.

    Args:
        demands: what the constraints ask.
    """

    def __init__(self, demands: Demands) -> None:
        self.scores = Grid(1.0 / _BINS, _FINE, rough=(0.0, 1.0, _FINE_LEVEL))
        self.first = 0
        compared = {name for kind, name in demands.subjects if kind == "attribute"}
        self.sets = [names for names in demands.groups if all(name in compared for name in names)]
        self.measured = {
            name: Grid(1.0, _ATTRIBUTE_BINS, wide=(16.0, 0))
            for name in demands.attributes
            if name not in compared
        }
        every = [*self.sets, *((name,) for name in self.measured)]
        self.rows: dict[tuple[str, ...], ScoreRows] = {names: ScoreRows() for names in every}

    def add(
        self,
        y: np.ndarray,
        coded: Mapping[Subject, Coded],
        numbers: Mapping[str, np.ndarray],
        weight: np.ndarray | None,
    ) -> None:
        """Add samples.

        Args:
            y: `(n,)`, the scores.
            coded: the states of attributes.
            numbers: the attributes that are grouped by quartiles, `(n,)`, NaN where missing.
            weight: `(n,)` or None.
        """
        if not len(y):
            return
        self._reach(self.scores.cover(float(y.min()), float(y.max())))
        bins = self.scores.bins(y)
        for names in self.sets:
            self.rows[names].add([coded["attribute", name] for name in names], y, bins, weight, self._bins)
        for name, grid in self.measured.items():
            there = ~np.isnan(numbers[name])
            if not there.any():
                continue
            present = numbers[name][there]
            rows = self.rows[name,]
            rows.raise_bins(grid.cover(float(present.min()), float(present.max())))
            codes = grid.bins(present)
            kept = None if weight is None else weight[there]
            binned = Coded(codes, grid.last - grid.first + 1)
            rows.add([binned], y[there], bins[there], kept, self._bins, grid.first)

    def merge(self, other: Histograms, codes: Mapping[Subject, np.ndarray]) -> None:
        """Add the scores of other samples; `codes` gives the code here of each of their codes."""
        if math.isinf(other.scores.low):
            return
        self._reach(self.scores.cover(other.scores.low, other.scores.high))
        up = self.scores.level - other.scores.level
        for names, rows in other.rows.items():
            wide = self._placed(rows.counts, other.first, max(up, 0))
            if names[0] in self.measured:  # then there is no other name
                grid, theirs = self.measured[names[0]], other.measured[names[0]]
                if math.isinf(theirs.low):
                    continue
                self.rows[names].raise_bins(grid.cover(theirs.low, theirs.high))
                by = grid.level - theirs.level
                keys: list[Key] = [(key[0] >> by,) for key in rows.place]
            else:
                keys = [
                    tuple(
                        int(codes["attribute", name][state]) for name, state in zip(names, key, strict=True)
                    )
                    for key in rows.place
                ]
            self.rows[names].put(keys, rows.sums, wide)

    def result(
        self, states: Mapping[Subject, GrowingFactor]
    ) -> tuple[tuple[float, ...], tuple[GroupScores, ...]]:
        """The edges of the bins of scores, and the groups."""
        if math.isinf(self.scores.low):
            return (), ()
        inside = self.scores.low >= 0 and self.scores.high <= 1
        if inside:
            size = 2**-self.scores.level
            edges = tuple(float(f"{place / _BINS:.12g}") for place in range(_BINS + 1))
        else:
            size, edges = round_bins(self.scores, _SHOWN)
        count = len(edges) - 1
        begin = 0 if inside else self.scores.first // size
        places = np.clip((self.first + np.arange(self._bins)) // size - begin, 0, count - 1)
        groups: list[GroupScores] = []
        for names, rows in self.rows.items():
            quartiles = names[0] in self.measured
            rows = rows if not quartiles else quartered(rows)
            binned = rows.counts @ (places[: rows.counts.shape[1], None] == np.arange(count))
            ordered = []
            for key, row in rows.place.items():
                if quartiles:
                    values: tuple[Entry, ...] = (quartile(names[0], rows, key[0], self.measured[names[0]]),)
                    order: tuple = key
                else:
                    factors = [states["attribute", name] for name in names]
                    if any(outside(factor, state) for factor, state in zip(factors, key, strict=True)):
                        continue
                    values = tuple(
                        shown(name, factor, state)
                        for name, factor, state in zip(names, factors, key, strict=True)
                    )
                    order = tuple(
                        (1, str(factor.entry(state)), 0.0)
                        if isinstance(factor.entry(state), str) and factor.demand.periods is None
                        else (0, "", state if factor.demand.periods else factor.entry(state) or 0.0)
                        for factor, state in zip(factors, key, strict=True)
                    )
                size, weight, total = rows.sums[row]
                mean = float(total / weight) if weight > 0 else math.nan
                scores = GroupScores(
                    names, values, float(size), float(weight), mean, tuple(binned[row].tolist())
                )
                ordered.append((order, scores))
            groups.extend(scores for _, scores in sorted(ordered, key=lambda pair: pair[0]))
        return edges, tuple(groups)

    @property
    def _bins(self) -> int:
        return self.scores.last - self.scores.first + 1

    def _reach(self, levels: int) -> None:
        """Bring all counts to the current bins."""
        for rows in self.rows.values():
            rows.counts = self._placed(rows.counts, self.first, levels)
        self.first = self.scores.first

    def _placed(self, counts: np.ndarray, first: int, levels: int) -> np.ndarray:
        """Counts of narrower bins from `first` on, in the current bins."""
        wide = np.zeros((len(counts), self._bins))
        if counts.size:
            counts, begin = joined(counts, first, levels)
            start = begin - self.scores.first
            wide[:, start : start + counts.shape[1]] = counts[:, : self._bins - start]
        return wide
