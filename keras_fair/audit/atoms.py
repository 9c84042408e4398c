"""The samples behind a few statistics, as atoms: groups of samples that no statistic tells apart.

    E[y | sex=Female] == E[y]     ->     women | everyone else

An interval needs to know which statistics share samples. Atoms are disjoint, so they vary independently of
one another, and every statistic is a quotient of sums over atoms. Sums come from cells, so atoms do not
depend on the order or the chunks in which samples came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.audit.estimates import Groups, Selected
from keras_fair.language.nodes import Covariance, Share

__all__ = ["Atoms", "atoms_of", "covariance_of"]


@dataclass(frozen=True)
class Atoms:
    """Disjoint groups of samples.

    Args:
        members: `(statistics, atoms)` bool, which atoms a statistic is taken over.
        event: `(statistics, atoms)` bool, which of them a share counts.
        size: `(atoms,)`, how many samples.
        first: `(atoms, 1 + Q)`, sums of `w x`, `x = (1, q_1, ..., q_Q)`.
        second: `(atoms, 1 + Q, 1 + Q)`, sums of `w^2 x x^T`.
    """

    members: np.ndarray
    event: np.ndarray
    size: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @property
    def effective(self) -> np.ndarray:
        """The number of samples of equal weight that say as much, `(atoms,)`."""
        return self.first[:, 0] ** 2 / self.second[:, 0, 0]


def atoms_of(selected: Sequence[Selected], groups: Groups) -> Atoms | None:
    """The atoms of some statistics; None where some sample belongs to a group only in part."""
    if not groups.certain or not groups.parts:
        return None
    parts = []
    for place, part in enumerate(groups.parts):
        members = [selection.members[place] for selection in selected]
        there = members[0] if len(members) == 1 else np.unique(np.concatenate(members))
        pattern = np.zeros((len(there), 2 * len(selected)), dtype=bool)
        for row, selection in enumerate(selected):
            pattern[np.searchsorted(there, selection.members[place]), row] = True
            pattern[np.searchsorted(there, selection.event[place]), len(selected) + row] = True
        parts.append((pattern, part.size[there, 0], part.first[there, 0], part.second[there, 0, :, 0]))
    pattern, *sums = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    weighed = sums[1][:, 0] > 0
    distinct, inverse = np.unique(pattern[weighed], axis=0, return_inverse=True)
    summed = [np.zeros((len(distinct), *values.shape[1:])) for values in sums]
    for total, values in zip(summed, sums, strict=True):
        np.add.at(total, inverse.reshape(-1), values[weighed])
    half = len(selected)
    return Atoms(distinct[:, :half].T, distinct[:, half:].T, *summed)


def covariance_of(selected: Sequence[Selected], groups: Groups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The linearised covariance of statistics, for groups that are known as probabilities.

    A sample moves a statistic by about `w m (v - s) / N`; the covariance of two statistics is the sum of the
    products of these.

    Returns:
        The values `(statistics,)`, their covariance, and the effective size of each group.
    """
    values = np.array([groups.estimate(selection.statistic).value for selection in selected])
    sums = [groups.sums(selection.members) for selection in selected]
    weights = np.array([of_group[0] for of_group in sums])
    members_of = [groups.masks(selection.members) for selection in selected]
    events_of = [groups.masks(selection.event) for selection in selected]
    squares = np.zeros(len(selected))
    covariance = np.zeros((len(selected), len(selected)))
    for place, part in enumerate(groups.parts):
        influence = np.zeros((len(selected), *part.first.shape))
        for row, selection in enumerate(selected):
            members = members_of[row][place]
            squares[row] += np.einsum("ckl,ck,cl->", part.second[:, :, 0, :, 0], members, members)
            influence[row, ..., 0] -= values[row] * members
            if isinstance(selection.statistic, Share):
                influence[row, ..., 0] += events_of[row][place]
            elif isinstance(selection.statistic, Covariance):
                product, u, v = (1 + quantity for quantity in selection.quantities)
                means = [sums[row][1 + quantity] / weights[row] for quantity in selection.quantities]
                influence[row, ..., product] += members
                influence[row, ..., u] -= means[2] * members
                influence[row, ..., v] -= means[1] * members
                influence[row, ..., 0] += means[1] * means[2] * members
            else:
                influence[row, ..., 1 + selection.quantities[0]] += members
        covariance += np.einsum("ickp,ckplq,jclq->ij", influence, part.second, influence, optimize=True)
    effective = weights**2 / squares
    covariance /= np.outer(weights, weights)
    wider = np.sqrt(effective / np.maximum(effective - 1, 1e-9)) * (1 + 1 / effective)
    return values, covariance * np.outer(wider, wider), effective
