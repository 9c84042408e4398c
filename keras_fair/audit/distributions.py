"""Statistics of whole distributions: `independence`, `separation`, `mutual_information`.

Here they are put together of the scores of their groups; `keras_fair.audit.distances` and
`keras_fair.audit.information` compute. A group without weight is left out of the value, as an argument of
`spread` is; the group is shown beside the statistic, so a relation with an empty group is never fair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.audit.distances import Scores, distance, distance_ends
from keras_fair.audit.estimates import Estimate, Groups
from keras_fair.audit.information import Information, information_of
from keras_fair.audit.seen import Seen
from keras_fair.groups.coding import Entry
from keras_fair.groups.enumeration import Domains, Grouping
from keras_fair.language.nodes import And, Comparison, Condition, Dependence, Literal, Mean
from keras_fair.language.tree import conjuncts

__all__ = ["Distributions"]


@dataclass(frozen=True)
class _Measured:
    """The groups of a statistic that have weight, set by set, and what was estimated from them."""

    sets: tuple[tuple[Scores, ...], ...]
    estimate: Estimate
    information: Information | None = None


class Distributions:
    """The statistics of whole distributions in one statement.

    Args:
        seen: all that is kept of the samples.
        statement: its place among the constraints.
        domains: the values that groups are of.
        seed: of draws and permutations.
        times: how many times each sample is counted.
    """

    def __init__(self, seen: Seen, statement: int, domains: Domains, seed: int, times: float = 1.0) -> None:
        self._tables = {
            table.plan.value: (table, Groups(table, seen, times))
            for table in seen.score_tables
            if statement in table.plan.statements
        }
        self._domains, self._seed = domains, seed
        self._measured: dict[Dependence, _Measured] = {}
        self._ends: dict[tuple[Dependence, float], tuple[float, float, str]] = {}

    def means(self, statistic: Dependence) -> list[Mean]:
        """The mean of each group that is compared, to show its size."""
        return [mean for of_label in self._groups(statistic) for mean in of_label]

    def estimate(self, statistic: Dependence) -> Estimate:
        """Its value; NaN where fewer than two groups have weight."""
        return self._of(statistic).estimate

    def interval(self, statistic: Dependence, alpha: float) -> tuple[float, float, str] | None:
        """The ends of its interval, and how it was made; None where it has no value."""
        measured = self._of(statistic)
        if math.isnan(measured.estimate.value):
            return None
        if (statistic, alpha) not in self._ends:
            if measured.information is not None:
                ends = (*measured.information.ends(alpha), "noncentral chi-squared")
            else:
                ends = (*distance_ends(measured.sets, alpha, self._seed), "band of the distributions")
            self._ends[statistic, alpha] = ends
        return self._ends[statistic, alpha]

    def _of(self, statistic: Dependence) -> _Measured:
        if statistic not in self._measured:
            self._measured[statistic] = self._measure(statistic)
        return self._measured[statistic]

    def _measure(self, statistic: Dependence) -> _Measured:
        found = [[self._scores(statistic, mean) for mean in means] for means in self._groups(statistic)]
        present = [tuple(scores for scores in of_label if scores is not None) for of_label in found]
        size = float(sum(scores.size.sum() for of_label in present for scores in of_label))
        weight = float(sum(scores.weight.sum() for of_label in present for scores in of_label))
        sets = tuple(of_label for of_label in present if len(of_label) > 1)
        if not sets:
            return _Measured((), Estimate(math.nan, size, weight))
        if statistic.name == "mutual_information":
            information = information_of(sets[0], self._seed)
            return _Measured(sets, Estimate(information.value, size, weight), information)
        value = max(distance(groups) for groups in sets)
        return _Measured(sets, Estimate(value, size, weight))

    def _groups(self, statistic: Dependence) -> list[list[Mean]]:
        """The mean of each group, apart for each value of the label where that is held fixed."""
        groups = self._conditions(statistic.attributes, statistic)
        labels = [()] if statistic.label is None else self._conditions((statistic.label,), statistic)
        return [
            [_mean((*group, *label), statistic) for group in groups]
            for label in labels
        ]

    def _conditions(
        self, subjects: Sequence[Grouping], statistic: Dependence
    ) -> list[tuple[Comparison, ...]]:
        return [
            tuple(_is(subject, value) for subject, value in zip(subjects, values, strict=True))
            for values in self._domains.combinations(subjects, statistic.span)
        ]

    def _scores(self, statistic: Dependence, mean: Mean) -> Scores | None:
        """The scores of one group; None where it has no weight."""
        table, groups = self._tables[statistic.value]
        rows = groups.select(mean).members[0]
        _, scores, _ = table.rows
        (part,) = groups.parts
        size, weight = part.size[rows, 0], part.first[rows, 0, 0]
        squared = part.second[rows, 0, 0, 0, 0]
        if not weight.sum() > 0:
            return None
        distinct, place = np.unique(scores[rows], return_inverse=True)
        sums = [np.bincount(place.reshape(-1), weights=each) for each in (size, weight, squared)]
        return Scores(distinct, *sums)


def _is(subject: Grouping, value: Entry) -> Comparison:
    literal = Literal(value=value, span=subject.span)
    return Comparison(subject, "=", literal, span=subject.span)


def _mean(equalities: tuple[Comparison, ...], statistic: Dependence) -> Mean:
    """The mean of one group."""
    every = (*equalities, *conjuncts(statistic.condition))
    condition: Condition = every[0] if len(every) == 1 else And(every, span=statistic.span)
    return Mean(statistic.value, condition, span=statistic.span)
