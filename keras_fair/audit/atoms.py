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
    """The atoms of some statistics; None where some sample is in a group in part."""
    if not groups.certain or not groups.parts:
        return None
    patterns, sizes, firsts, seconds = [], [], [], []
    for place, part in enumerate(groups.parts):
        rows = [each.members[place][:, 0] for each in selected] + [
            each.event[place][:, 0] for each in selected
        ]
        patterns.append(np.stack(rows, axis=1))
        sizes.append(part.size[:, 0])
        firsts.append(part.first[:, 0])
        seconds.append(part.second[:, 0, :, 0])
    pattern, size = np.concatenate(patterns), np.concatenate(sizes)
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    there = pattern.any(axis=1) & (first[:, 0] > 0)
    pattern, size, first, second = pattern[there], size[there], first[there], second[there]
    distinct, found = np.unique(pattern, axis=0, return_inverse=True)
    of_atom = found.reshape(-1)
    count, width = len(distinct), first.shape[1]
    summed = [np.zeros(count), np.zeros((count, width)), np.zeros((count, width, width))]
    for total, values in zip(summed, (size, first, second), strict=True):
        np.add.at(total, of_atom, values)
    half = len(selected)
    return Atoms(distinct[:, :half].T, distinct[:, half:].T, *summed)


def covariance_of(selected: Sequence[Selected], groups: Groups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The linearised covariance of statistics, for groups that are known as probabilities.

    A sample moves a statistic by about `w m (v - s) / N`; the covariance of two statistics is the sum of the
    products of these.

    Returns:
        The values `(statistics,)`, their covariance, and the effective size of each group.
    """
    values = np.array([groups.estimate(each.statistic).value for each in selected])
    weights = np.array([groups.sum(each.members, 0) for each in selected])
    squares = np.zeros(len(selected))
    covariance = np.zeros((len(selected), len(selected)))
    for place, part in enumerate(groups.parts):
        influence = np.zeros((len(selected), *part.first.shape))
        for row, each in enumerate(selected):
            members = each.members[place]
            squares[row] += np.einsum("ckl,ck,cl->", part.second[:, :, 0, :, 0], members * 1.0, members * 1.0)
            influence[row, ..., 0] -= values[row] * members
            if isinstance(each.statistic, Share):
                influence[row, ..., 0] += each.event[place]
            elif isinstance(each.statistic, Covariance):
                product, u, v = (1 + quantity for quantity in each.quantities)
                means = [groups.sum(each.members, quantity) / weights[row] for quantity in each.quantities]
                influence[row, ..., product] += members
                influence[row, ..., u] -= means[2] * members
                influence[row, ..., v] -= means[1] * members
                influence[row, ..., 0] += means[1] * means[2] * members
            else:
                influence[row, ..., 1 + each.quantities[0]] += members
        covariance += np.einsum("ickp,ckplq,jclq->ij", influence, part.second, influence, optimize=True)
    effective = weights**2 / squares
    covariance /= np.outer(weights, weights)
    wider = np.sqrt(effective / np.maximum(effective - 1, 1e-9)) * (1 + 1 / effective)
    return values, covariance * np.outer(wider, wider), effective
