"""The thresholds of each group, and what each does to utility and rows: the columns of the linear program.

Within a group people are accepted from the highest score down, so that nobody is harmed by a higher score.
With people sorted so, threshold k accepts the first `count_k` of them, and all that rows and utility need
are cumulative sums at the places where the score changes:

    reach[T, k] = sum over accepted i of M[T, i] / N_T        gain[k] = sum over accepted i of u_i

`M` and `N` are those of the terms (`keras_fair.rows.terms`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.rows.linear import LinearRows
from keras_fair.rows.terms import CellFamily, Terms

__all__ = ["Curve", "curves_of", "row_matrix"]


@dataclass(frozen=True)
class Curve:
    """The thresholds of one group, from the one that accepts nobody to the one that accepts everyone.

    Attributes:
        group: its number.
        terms: `(t,)` int, the terms that people of the group belong to.
        reach: `(t, k)`, what the accepted add to each of these terms.
        gain: `(k,)`, the utility of the accepted.
        scores: `(k - 1,)`, the different scores, falling: threshold `j` accepts `scores[j - 1]` and above.
        counts: `(k,)` int, how many people each accepts.
        weights: `(k,)`, their weight.
    """

    group: int
    terms: np.ndarray
    reach: np.ndarray
    gain: np.ndarray
    scores: np.ndarray
    counts: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.gain)

    def value(self, prices: np.ndarray) -> np.ndarray:
        """The gain of each threshold at prices of the terms, `(k,)`.

        Args:
            prices: `(T,)`, what a unit of each term costs.
        """
        return self.gain - prices[self.terms] @ self.reach

    def shifts(self, weights: np.ndarray) -> np.ndarray:
        """What each threshold adds to the rows, `(m, k)`; `weights` is `(m, T)`."""
        return weights[:, self.terms] @ self.reach


def row_matrix(rows: LinearRows) -> np.ndarray:
    """How the rows weigh the terms, `(m, T)`; those of rows that are not active are zero."""
    return np.where(np.asarray(rows.active)[:, None], np.asarray(rows.weights), 0.0)


def curves_of(
    rows: LinearRows,
    scores: np.ndarray,
    groups: np.ndarray,
    utility: np.ndarray,
    weight: np.ndarray | None = None,
) -> list[Curve]:
    """The curve of each group that somebody is in.

    Args:
        rows: over these people.
        scores: `(n,)`.
        groups: `(n,)` int.
        utility: `(n,)`, what accepting each person is worth.
        weight: `(n,)`, of each person; default: all 1.
    """
    order = np.lexsort((-scores, groups))
    sorted_groups = groups[order]
    starts = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    curves = []
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        people = order[start:stop]
        falling = scores[people]
        ends = np.r_[np.flatnonzero(falling[1:] != falling[:-1]) + 1, len(people)]
        terms, columns = _terms_of(rows.terms, people)
        weights = np.ones(len(people)) if weight is None else weight[people]
        curves.append(
            Curve(
                group=int(sorted_groups[start]),
                terms=terms,
                reach=np.stack([_summed(column, ends) for column in columns])
                if len(terms)
                else np.zeros((0, len(ends) + 1)),
                gain=_summed(utility[people], ends),
                scores=falling[ends - 1],
                counts=np.r_[0, ends],
                weights=_summed(weights, ends),
            )
        )
    return curves


def _summed(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums of the first 0, `ends[0]`, `ends[1]`, ... values."""
    return np.r_[0.0, np.cumsum(values)[ends - 1]]


def _terms_of(terms: Terms, people: np.ndarray) -> tuple[np.ndarray, Sequence[np.ndarray]]:
    """The terms that some of these people belong to, and what each adds to them, divided by their weight."""
    places: list[int] = []
    columns: list[np.ndarray] = []
    start = 0
    sizes = np.asarray(terms.weights)
    for family in terms.families:
        if isinstance(family, CellFamily):
            cells = np.asarray(family.cells)[people]
            table = family.table[:, np.unique(cells)]
            for term in np.flatnonzero(table.any(axis=1)).tolist():
                column = family.table[term, cells]
                if family.scale is not None:
                    column = column * np.asarray(family.scale).reshape(-1)[people]
                places.append(start + term)
                columns.append(column / max(sizes[start + term], 1e-300))
        else:
            for term in range(family.size):
                column = np.asarray(family.coefficients)[term].reshape(-1)[people]
                if column.any():
                    places.append(start + term)
                    columns.append(column / max(sizes[start + term], 1e-300))
        start += family.size
    return np.array(places, dtype=int), columns
