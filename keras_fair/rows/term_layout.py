"""Where each statistic of a plan is found: which cluster, which sum, which family of terms.

Static, in NumPy, made once when constraints are lowered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.groups.conditions import Cluster
from keras_fair.groups.truth import Given
from keras_fair.language.nodes import Number
from keras_fair.language.nodes import Value as ValueNode
from keras_fair.rows.statistics import Statistic

__all__ = ["Layout", "Quantity", "TermGroup", "make_layout"]


Alphas = tuple[tuple[int, ValueNode], ...]


@dataclass(frozen=True)
class Quantity:
    """A number per sample that is summed: its weight, times `factor` if there is one.

    Args:
        factor: a value free of `y`, or None.
        present: the attributes (None: the label) without which a sample does not count.
    """

    factor: ValueNode | None
    present: frozenset[str | None]


@dataclass(frozen=True)
class TermGroup:
    """Terms that are stored together: the same coefficients over different conditions.

    Args:
        cluster: index of the cluster.
        alphas: the coefficients of the outputs.
        present: see `Quantity`.
        rows: `(size,)` int, the conditions in the table of the cluster.
        disjoint: no kind of sample belongs to two of the conditions.
    """

    cluster: int
    alphas: Alphas
    present: frozenset[str | None]
    rows: np.ndarray
    disjoint: bool


@dataclass(frozen=True)
class Layout:
    """Where the sums of terms and constants are.

    The sums of all clusters, `(conditions, quantities)` each, are laid end to end.

    Args:
        quantities: for each cluster, what is summed.
        groups: the families of terms, in order.
        order: the terms in the order of the families.
        term_weights: `(T,)` int, where N of each term is.
        constant_sums: `(K,)` int, where the sum of each constant is; constant_weights: `(K,)`, where its N
            is.
    """

    quantities: tuple[tuple[Quantity, ...], ...]
    groups: tuple[TermGroup, ...]
    order: tuple[int, ...]
    term_weights: np.ndarray
    constant_sums: np.ndarray
    constant_weights: np.ndarray


def make_layout(
    terms: Sequence[Statistic], constants: Sequence[Statistic], clusters: Sequence[Cluster]
) -> Layout:
    """The layout of all statistics over the clusters of their conditions.

    Args:
        terms: the statistics that depend on `y`.
        constants: those that do not.
        clusters: the clusters of all conditions.
    """
    place = _places(clusters)
    groups: dict[tuple[int, Alphas, frozenset[str | None]], list[int]] = {}
    for index, term in enumerate(terms):
        groups.setdefault((place[term.condition][0], term.value.alphas, term.present), []).append(index)
    made = []
    for (cluster, alphas, present), members in groups.items():
        rows = np.array([place[terms[index].condition][1] for index in members], dtype="int32")
        disjoint = bool(np.all(clusters[cluster].table[rows].sum(axis=0) <= 1))
        made.append(TermGroup(cluster, alphas, present, rows, disjoint))
    order = tuple(index for members in groups.values() for index in members)

    quantities: list[dict[Quantity, int]] = [{} for _ in clusters]
    wanted = [(terms[index].condition, Quantity(None, terms[index].present)) for index in order]
    wanted += [(constant.condition, Quantity(None, constant.present)) for constant in constants]
    wanted += [(constant.selected, _summed(constant)) for constant in constants]
    for condition, quantity in wanted:
        indices = quantities[place[condition][0]]
        indices.setdefault(quantity, len(indices))
    sizes = [
        len(cluster.conditions) * len(indices) for cluster, indices in zip(clusters, quantities, strict=True)
    ]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)

    def flat(condition: Given, quantity: Quantity) -> int:
        cluster, row = place[condition]
        return int(starts[cluster]) + row * len(quantities[cluster]) + quantities[cluster][quantity]

    places = np.array([flat(*pair) for pair in wanted], dtype="int32")
    term_weights, constant_weights, constant_sums = np.split(
        places, [len(terms), len(terms) + len(constants)]
    )
    return Layout(
        quantities=tuple(tuple(indices) for indices in quantities),
        groups=tuple(made),
        order=order,
        term_weights=term_weights,
        constant_sums=constant_sums,
        constant_weights=constant_weights,
    )


def all_disjoint(terms: Sequence[Statistic], clusters: Sequence[Cluster]) -> bool:
    """Whether no sample with certain groups belongs to two terms."""
    place = _places(clusters)
    places = [place[term.condition] for term in terms]
    if len({cluster for cluster, _ in places}) > 1:
        return False
    return all(np.all(clusters[c].table[[row for _, row in places]].sum(axis=0) <= 1) for c, _ in places[:1])


def _places(clusters: Sequence[Cluster]) -> dict[Given, tuple[int, int]]:
    """The cluster of each condition, and its row there."""
    return {
        condition: (c, r)
        for c, cluster in enumerate(clusters)
        for r, condition in enumerate(cluster.conditions)
    }


def _summed(constant: Statistic) -> Quantity:
    """What the sum of a constant is over."""
    beta = constant.value.beta
    is_one = isinstance(beta, Number) and beta.value == 1.0
    return Quantity(None if is_one else beta, constant.present)
