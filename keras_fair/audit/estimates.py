"""The values of statistics, affine in `y` or not, from sums over cells.

    E[v | c]      = sum_i w_i m_i v_i / sum_i w_i m_i
    P[e | c]      = sum_i w_i m_i e_i / sum_i w_i m_i
    cov(u, v | c) = E[u v | c] - E[u | c] E[v | c]
    corr(u, v | c) = cov(u, v | c) / sqrt(cov(u, u | c) cov(v, v | c))

A condition selects cells, and a sum over its samples is a sum over these cells. Samples without a value that
`v`, `u` or `e` needs are left out. Groups are the same as in the rows that enforce a constraint, also for
groups known as probabilities and for missing and unknown values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from keras_fair.audit.score_tables import ScoreTable
from keras_fair.audit.seen import Seen
from keras_fair.audit.sum_tables import Part, Table
from keras_fair.audit.table_plans import Subject, presence, quantities_of, subject_of
from keras_fair.groups.truth import Atom, Given, truth_of
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Label,
    Literal,
    Node,
    Share,
    Statistic,
)
from keras_fair.language.tree import walk
from keras_fair.rows.statistics import is_known

__all__ = ["Estimate", "Groups", "Places", "Selected"]

Places = tuple[
    np.ndarray, ...
]  # for each part of the table, sorted places among its `cells * k` joint states

_Index = dict[tuple[int, ...], np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """The value of a statistic, NaN where no sample has weight; the size and the weight of its samples."""

    value: float
    size: float
    weight: float


@dataclass(frozen=True)
class Selected:
    """A statistic among the cells of its table.

    Args:
        statistic: without variables and stars.
        members: where its condition holds, and its value, or its event, is known.
        event: those of them that a share counts; for others the same as `members`.
        quantities: the places of its quantities in the table; none for a share.
        rate: whether it is a share, or over values that are all 0 or 1.
    """

    statistic: Statistic
    members: Places
    event: Places
    quantities: tuple[int, ...]
    rate: bool


class Groups:
    """The groups that conditions select in one table.

    Args:
        table: the sums.
        seen: what it belongs to.
        times: how many times the samples are counted: the groups of another number of people like them.

    Attributes:
        binary: for each quantity whether all its values are 0 or 1.
        equal: whether all samples have the same weight.
        scale: what all weights are divided by: their weight where it is the same, else 1.
    """

    def __init__(self, table: Table | ScoreTable, seen: Seen, times: float = 1.0) -> None:
        low, high = seen.weights
        self.equal = low == high and low > 0
        self.scale = low if self.equal else 1.0
        self.parts = tuple(_scaled(part, self.scale, times) for part in table.parts())
        self.binary = [seen.binary[quantity] for quantity in table.plan.quantities]
        self._states, self._demands = seen.factors, seen.demands
        self._place = {quantity: place for place, quantity in enumerate(table.plan.quantities)}
        self._sizes = [part.size.reshape(-1) for part in self.parts]
        self._firsts = [part.first.reshape(-1, part.first.shape[-1]) for part in self.parts]
        self._selected: dict[Statistic, Selected] = {}
        self._estimates: dict[Statistic, Estimate] = {}
        self._places: dict[Given, Places] = {}
        self._truths: dict[tuple[Subject, str, object], np.ndarray] = {}
        self._only: dict[tuple[object, object], int | None] = {}
        self._indexes: dict[tuple[Subject, ...], tuple[_Index, ...]] = {}
        self._unlike: dict[int, bool] = {}  # by quantity: whether its values differ among all samples

    @property
    def certain(self) -> bool:
        """Whether every sample is wholly inside or wholly outside each group."""
        return all(part.certain for part in self.parts)

    def select(self, statistic: Statistic) -> Selected:
        """Where a statistic is among the cells."""
        if statistic not in self._selected:
            members = self._chosen(statistic.condition)
            quantities = quantities_of(statistic)
            for name in _columns_of(quantities):
                members = _both(members, self._at((presence(name),), (1,)))
            event = members
            if isinstance(statistic, Share):
                members = _both(members, self._chosen(is_known(statistic.event)))
                event = _both(members, self._chosen(statistic.event))
            places = tuple(self._place[quantity] for quantity in quantities)
            rate = all(self.binary[place] for place in places)
            self._selected[statistic] = Selected(statistic, members, event, places, rate)
        return self._selected[statistic]

    def estimate(self, statistic: Statistic) -> Estimate:
        """The value of a statistic."""
        if statistic not in self._estimates:
            self._estimates[statistic] = self._estimated(self.select(statistic))
        return self._estimates[statistic]

    def scatter_is_unseen(self, statistic: Statistic) -> bool:
        """Whether all values of a group are the same while those of others differ: it shows no scatter.

        Its standard error is then 0, although more samples of the group might have other values. The
        intervals for values of 0 and 1 take this into account.
        """
        selected = self.select(statistic)
        places = [place for place in selected.quantities[-2:] if not self.binary[place]]
        if statistic.condition is None or not self.certain:
            return False
        return any(
            self._alike(selected.members, place) and self._differs(statistic, place) for place in places
        )

    def sums(self, places: Places) -> np.ndarray:
        """The weight over some cells, and the weighted sum of each quantity, `(1 + Q,)`."""
        return sum(
            (first[chosen].sum(axis=0) for first, chosen in zip(self._firsts, places, strict=True)),
            np.zeros(1 + len(self._place)),
        )

    def masks(self, places: Places) -> tuple[np.ndarray, ...]:
        """Some cells as 1, others as 0, `(cells, k)` for each part."""
        masks = []
        for part, chosen in zip(self.parts, places, strict=True):
            mask = np.zeros(part.size.size)
            mask[chosen] = 1.0
            masks.append(mask.reshape(part.size.shape))
        return tuple(masks)

    def _count(self, places: Places) -> float:
        """The number of samples in some cells."""
        return float(sum(sizes[chosen].sum() for sizes, chosen in zip(self._sizes, places, strict=True)))

    def _estimated(self, selected: Selected) -> Estimate:
        size = self._count(selected.members)
        sums = self.sums(selected.members)
        total = float(sums[0])
        if not total > 0:
            return Estimate(math.nan, size, total)
        if isinstance(selected.statistic, Share):
            return Estimate(float(self.sums(selected.event)[0]) / total, size, total)
        means = [float(sums[1 + place]) / total for place in selected.quantities]
        value = means[0]
        if len(means) == 3:
            value = means[0] - means[1] * means[2]
        elif len(means) == 5:
            value = _correlation(*means)
        return Estimate(value if math.isfinite(value) else math.nan, size, total)

    def _differs(self, statistic: Statistic, quantity: int) -> bool:
        """Whether the values of a quantity differ among all samples."""
        if quantity not in self._unlike:
            everyone = self.select(replace(statistic, condition=None))
            self._unlike[quantity] = not self._alike(everyone.members, quantity)
        return self._unlike[quantity]

    def _alike(self, places: Places, quantity: int) -> bool:
        """Whether a quantity is the same for all samples of some cells, to rounding."""
        if sum(len(chosen) for chosen in places) == 1 and self._count(places) == 1:
            return True
        place = 1 + quantity
        sums = self.sums(places)
        mean = sums[place] / sums[0]
        square, cross, count = (
            sum(
                float(part.second[chosen, 0, i, 0, j].sum())
                for part, chosen in zip(self.parts, places, strict=True)
            )
            for i, j in ((place, place), (0, place), (0, 0))
        )
        return bool(square - 2 * mean * cross + mean**2 * count <= 1e-12 * square)

    def _chosen(self, condition: Given) -> Places:
        """Where a condition holds."""
        if condition not in self._places:
            self._places[condition] = self._looked_up(condition) or tuple(
                np.flatnonzero(np.broadcast_to(self._truth(condition, part) == 1, part.size.shape))
                for part in self.parts
            )
        return self._places[condition]

    def _looked_up(self, condition: Given) -> Places | None:
        """Where equalities joined by `and` hold, by an index of the cells; None for other conditions."""
        key: dict[Subject, int] = {}
        for part in condition.operands if isinstance(condition, And) else (condition,):
            if not isinstance(part, Comparison) or not isinstance(part.value, Literal):
                return None
            subject = self._subject(part)
            state = self._only_state(Atom(part.subject, part.operator, part.value.value, part.value))
            if state is None or subject in key:
                return None
            key[subject] = state
        return self._at(tuple(key), tuple(key.values()))

    def _only_state(self, atom: Atom) -> int | None:
        """The state in which an equality holds, where it is one."""
        if atom.operator != "=":
            return None
        key = (atom.subject, atom.value)
        if key not in self._only:
            holds = np.flatnonzero(self._truth_of(atom) == 1)
            subject = self._subject(atom)
            size = self._states[subject].size
            states = [int(place) - (size + 2 if place >= size else 0) for place in holds]
            self._only[key] = states[0] if len(states) == 1 else None
        return self._only[key]

    def _at(self, subjects: tuple[Subject, ...], states: tuple[int, ...]) -> Places:
        """Where some subjects have these states."""
        if subjects not in self._indexes:
            self._indexes[subjects] = tuple(
                _index_of(
                    [np.broadcast_to(part.states[subject], part.size.shape).ravel() for subject in subjects]
                )
                for part in self.parts
            )
        return tuple(index.get(states, _NOWHERE) for index in self._indexes[subjects])

    def _subject(self, comparison: Atom | Comparison) -> Subject:
        return subject_of(comparison.subject, self._demands.outputs, self._demands.text)

    def _truth_of(self, atom: Atom) -> np.ndarray:
        """Where a comparison holds, for each state of its subject."""
        subject = self._subject(atom)
        key = (subject, atom.operator, atom.value)
        if key not in self._truths:
            self._truths[key] = self._states[subject].truth(atom.operator, atom.value)
        return self._truths[key]

    def _truth(self, condition: Given, part: Part) -> np.ndarray:
        """The truth of a condition in each cell."""

        def of_atom(atom: Atom) -> np.ndarray:
            return self._truth_of(atom)[part.states[self._subject(atom)]]

        return truth_of(condition, of_atom, np.ones((1, 1)))


def _correlation(uv: float, uu: float, vv: float, u: float, v: float) -> float:
    """Of means of products and means; NaN where one of the two does not vary, to rounding."""
    variances = uu - u * u, vv - v * v
    if any(variance <= 1e-12 * square for variance, square in zip(variances, (uu, vv), strict=True)):
        return math.nan
    return min(max((uv - u * v) / math.sqrt(variances[0] * variances[1]), -1.0), 1.0)


_NOWHERE = np.zeros(0, dtype=np.intp)


@lru_cache(maxsize=1000)
def _columns_of(quantities: tuple[Node, ...]) -> list[str | None]:
    """The columns that quantities are made of, each once; None for the label."""
    leaves = (leaf for quantity in quantities for leaf in walk(quantity))
    names = (getattr(leaf, "name", None) for leaf in leaves if isinstance(leaf, (Attribute, Label)))
    return list(dict.fromkeys(names))


def _index_of(states: Sequence[np.ndarray]) -> _Index:
    """The places of each joint state of some columns of states."""
    if not len(states[0]):
        return {}
    stacked = np.stack(states, axis=1)
    order = np.lexsort(stacked.T[::-1])
    ordered = stacked[order]
    starts = np.flatnonzero(np.any(ordered[1:] != ordered[:-1], axis=1)) + 1
    groups = np.split(order, starts)
    keys = ordered[np.concatenate([[0], starts])].tolist()
    return {tuple(key): np.sort(group) for key, group in zip(keys, groups, strict=True)}


def _both(left: Places, right: Places) -> Places:
    return tuple(
        np.intersect1d(mine, theirs, assume_unique=True) if len(mine) else mine
        for mine, theirs in zip(left, right, strict=True)
    )


def _scaled(part: Part, scale: float, times: float) -> Part:
    """A part with all weights divided by `scale`, and every sample counted `times`."""
    if scale == 1.0 and times == 1.0:
        return part
    first, second = part.first * (times / scale), part.second * (times / scale**2)
    return Part(part.states, part.size * times, first, second, part.certain)
