"""The inequalities between means that rows make: what is searched, tested and watched.

    sum_T a_T mean_T <= b

Rows share auxiliary scalars `t`, so that a spread over G groups takes G rows. In a test each pair of groups
has to stand for itself, so `t` is eliminated (Fourier and Motzkin; Schrijver, Theory of Linear and Integer
Programming (1986), section 12.2): of each row that bounds `t` from above and each that bounds it from below
the sum is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.rows.linear import LinearRows, RelationRows, relations_of_rows

__all__ = ["OneSided", "one_sided"]

_ROUNDING = 1e-12


@dataclass(frozen=True)
class OneSided:
    """`weights @ means <= bound`.

    Attributes:
        weights: `(T,)`, of the terms.
        bound: a number.
        relation: the index of the relation that asks for it.
        name: the relation's name.
    """

    weights: np.ndarray
    bound: float
    relation: int
    name: str

    @property
    def terms(self) -> tuple[int, ...]:
        """The terms that it compares."""
        return tuple(np.flatnonzero(self.weights).tolist())


def one_sided(rows: LinearRows) -> list[OneSided]:
    """All inequalities of active rows, each once, in the order of the relations.

    Args:
        rows: of NumPy arrays.
    """
    relation = relations_of_rows(rows.relations, len(rows))
    weights, aux = np.asarray(rows.weights), np.asarray(rows.aux)
    lower, upper = (np.asarray(bound) - np.asarray(rows.offset) for bound in (rows.lower, rows.upper))
    entries = []
    for row in range(len(rows)):
        if np.isfinite(upper[row]):
            entries.append((weights[row], aux[row], float(upper[row]), int(relation[row])))
        if np.isfinite(lower[row]):
            entries.append((-weights[row], -aux[row], -float(lower[row]), int(relation[row])))
    for scalar in range(aux.shape[1]):
        entries = _without(entries, scalar)
    return _distinct(entries, rows.relations)


_Entry = tuple[np.ndarray, np.ndarray, float, int]


def _without(entries: Sequence[_Entry], scalar: int) -> list[_Entry]:
    """The inequalities that follow for all but one auxiliary scalar."""
    kept = [entry for entry in entries if entry[1][scalar] == 0]
    above = [entry for entry in entries if entry[1][scalar] > 0]
    below = [entry for entry in entries if entry[1][scalar] < 0]
    for weights, aux, bound, relation in above:
        for other_weights, other_aux, other_bound, _ in below:
            factor, other = -other_aux[scalar], aux[scalar]
            size = min(factor, other)  # numbers stay as large as they were
            factor, other = factor / size, other / size
            kept.append(
                (factor * weights + other * other_weights, factor * aux + other * other_aux,
                 factor * bound + other * other_bound, relation)
            )  # fmt: skip
    return kept


def _distinct(entries: Sequence[_Entry], relations: Sequence[RelationRows]) -> list[OneSided]:
    found: dict[tuple[object, ...], OneSided] = {}
    for weights, _, bound, relation in entries:
        weights = np.where(np.abs(weights) > _ROUNDING, weights, 0.0)
        if not weights.any() and bound >= -_ROUNDING:
            continue
        key = (relation, tuple(weights.round(12).tolist()))
        if key not in found or bound < found[key].bound:
            name = relations[relation].name if relations else f"row {relation}"
            found[key] = OneSided(weights, float(bound), relation, name)
    return sorted(found.values(), key=lambda each: each.relation)
