"""Linear rows over the predictions: what every way of enforcing a constraint consumes.

    lower <= W T(y) + V t + c <= upper

`T(y)` are the terms of `keras_fair.rows.terms`, `t` auxiliary scalars that the solver may choose (a
`spread` over many groups needs one), `W`, `V` and `c` numbers. This module owns the rows and what is read
off them: values, gaps and violations. Rows are made by `keras_fair.rows.plan`; enforcing them is left to
`keras_fair.ops`.

A row whose group has no weight, or whose relation cannot be estimated, is inactive: its bounds are
infinite. Where a relation has auxiliary scalars, its rows are no measure of it; its violation is then
read off its gap, which is the value of the constrained expression, such as `max - min` for a spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fair.inputs.arrays import Tensor, divided, floats, namespace
from keras_fair.rows.rooms import Room
from keras_fair.rows.terms import Family, Terms

__all__ = ["Gaps", "LinearRows", "Reduction", "RelationRows", "relations_of_rows", "rows_from_matrix"]


@dataclass(frozen=True)
class RelationRows:
    """One ground relation (quantifiers expanded), and where its rows are.

    Args:
        name: unique among the relations of the rows.
        statement: index of the statement it comes from.
        text: canonical text.
        rows: indices of its rows.
        auxiliary: whether its rows use auxiliary scalars.
    """

    name: str
    statement: int
    text: str
    rows: tuple[int, ...]
    auxiliary: bool = False


@dataclass(frozen=True)
class Reduction:
    """One step from affine expressions to gaps: each entry is the largest, or the sum, of some earlier ones.

    Args:
        kind: `"max"`, over the entries that can be estimated, or `"sum"`.
        indices: `(p, a)` int, which earlier entries; padded.
        present: `(p, a)` bool, False on the padding.
        needed: `(p,)` int, how many entries must be estimable.
    """

    kind: str
    indices: np.ndarray
    present: np.ndarray
    needed: np.ndarray

    def known(self, estimable: Tensor) -> Tensor:
        """Which entries can be estimated, `(p,)` bool, from which of the earlier ones can."""
        xp = namespace(estimable)
        usable = xp.logical_and(xp.take(estimable, self.indices, axis=0), self.present)
        return xp.greater_equal(xp.sum(xp.cast(usable, "int32"), axis=1), self.needed)

    def values(self, entries: Tensor, estimable: Tensor) -> Tensor:
        """The entries, `(p,)`, from the earlier ones; 0 where they cannot be estimated."""
        xp = namespace(entries, estimable)
        usable = xp.logical_and(xp.take(estimable, self.indices, axis=0), self.present)
        gathered = xp.take(entries, self.indices, axis=0)
        if self.kind == "sum":
            return xp.sum(xp.where(usable, gathered, xp.zeros_like(gathered)), axis=1)
        largest = xp.max(xp.where(usable, gathered, xp.full_like(gathered, -1e30)), axis=1)
        return xp.where(xp.any(usable, axis=1), largest, xp.zeros_like(largest))


@dataclass(frozen=True)
class Gaps:
    """The gaps of R relations as functions of the terms.

    `weights @ T + offset` are affine expressions; the reductions append further entries, one step after the
    other; `results` says which entry is the gap of each relation.

    Args:
        weights: `(g, T)`.
        offset: `(g,)`.
        known: bool for each entry, whether it can be estimated.
        reductions: steps, in order.
        results: `(R,)` int.
        signs: `(R,)`, 1 or -1: the gap is the entry times this.
        estimable: `(R,)` bool.
        lower: `(R,)`; upper: `(R,)`: the bounds of the gap.
    """

    weights: Tensor
    offset: Tensor
    known: Tensor
    reductions: tuple[Reduction, ...]
    results: np.ndarray
    signs: np.ndarray
    estimable: Tensor
    lower: Tensor
    upper: Tensor

    def values(self, terms: Tensor) -> Tensor:
        """The gaps, shape `(R,)`, from the values of the terms; 0 where they cannot be estimated."""
        xp = namespace(self.weights, terms)
        entries = xp.add(xp.matmul(self.weights, terms), self.offset)
        for step in self.reductions:
            entries = xp.concatenate([entries, step.values(entries, self.known)], axis=0)
        gaps = xp.take(entries, self.results, axis=0) * floats(xp, self.signs)
        return xp.where(self.estimable, gaps, xp.zeros_like(gaps))


@dataclass(frozen=True)
class LinearRows:
    """Linear rows over a batch of predictions: `lower <= W T(y) + V t + c <= upper`.

    The numbers of rows, terms and relations are Python numbers that do not depend on the batch.

    Args:
        terms: the T terms.
        weights: `(m, T)`, W.
        aux: `(m, p)`, V.
        offset: `(m,)`, c.
        lower: `(m,)`; upper: `(m,)`, infinite where there is no bound, and where the row is inactive.
        names: m strings, unique.
        active: `(m,)` bool.
        disjoint: no sample belongs to two terms, and no term to two rows, so that `A D A^T` is diagonal.
        relations: R ground relations.
        gap: how the gaps follow from the terms; None where the rows were not made from constraints.
        unknown: number of samples, by attribute, whose value is outside the vocabulary.
        missing: number of samples, by attribute, whose value is missing and which therefore belong to no
            group.
        groups: of the terms, the condition that each is taken over; `""` for everyone.
        rooms: of the statements, which margins they leave; None without statements.
        moves: `(2, m)` 0 or 1, whether a margin moves the lower and the upper bound of a row: it moves those
            that the text states, and none that only ties a row to an auxiliary scalar.
        margins: `(2, m)`, how far inside its lower and its upper bound each row is held; None: nowhere. Gaps,
            violations and bounds here are those of the text; `keras_fair.rows.margins` moves them.

    Example:
        >>> import numpy as np
        >>> from keras_fair.rows import rows_from_matrix
        >>> rows = rows_from_matrix(np.array([[0.5, 0.5, -1.0]]), lower=[-0.1], upper=[0.1])
        >>> np.asarray(rows.violation(np.array([0.9, 0.7, 0.5]))).round(3).tolist()
        [0.2]
    """

    terms: Terms
    weights: Tensor
    aux: Tensor
    offset: Tensor
    lower: Tensor
    upper: Tensor
    names: tuple[str, ...]
    active: Tensor
    disjoint: bool = False
    relations: tuple[RelationRows, ...] = ()
    gap: Gaps | None = None
    unknown: dict[str, Tensor] = field(default_factory=dict)
    missing: dict[str, Tensor] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    rooms: tuple[Room, ...] | None = None
    moves: np.ndarray | None = None
    margins: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def matrix(self) -> Tensor:
        """The dense `A = W diag(1/N) M`: `(m, n)`, or `(m, n, outputs)`."""
        xp = namespace(self.weights)
        inverse = divided(1.0, self.terms.weights, xp.greater(self.terms.weights, 0))
        return xp.tensordot(self.weights * xp.expand_dims(inverse, 0), self.terms.matrix(), axes=1)

    @property
    def estimable(self) -> Tensor:
        """`(R,)` bool: the relations whose groups have weight, so that their gap is a number."""
        if self.gap is None:
            return np.zeros(0, dtype=bool)
        return self.gap.estimable

    @property
    def gap_lower(self) -> Tensor:
        """`(R,)`: lower bounds of the gaps."""
        return self._gap().lower

    @property
    def gap_upper(self) -> Tensor:
        """`(R,)`: upper bounds of the gaps."""
        return self._gap().upper

    def values(self, y: Tensor) -> Tensor:
        """`W T(y) + c`, shape `(m,)`: the rows without their auxiliary scalars."""
        terms = self.terms.values(y)
        xp = namespace(self.weights, terms)
        return xp.add(xp.matmul(self.weights, terms), self.offset)

    def gaps(self, y: Tensor) -> Tensor:
        """The signed value of each relation's expression, shape `(R,)`.

        It is left minus right; where one side is a plain number, or in a range, it is the other side. 0 where
        it cannot be estimated: read it together with `estimable`.
        """
        return self._gap().values(self.terms.values(y))

    def violation(self, y: Tensor) -> Tensor:
        """How far each row lies outside its bounds, shape `(m,)`, >= 0, in units of the row; 0 where
        inactive.

        At each row of a relation with auxiliary scalars it is the violation of the whole relation, such as
        `max - min - tolerance` for a spread.
        """
        terms = self.terms.values(y)
        xp = namespace(self.weights, terms)
        own = _outside(xp.add(xp.matmul(self.weights, terms), self.offset), self.lower, self.upper)
        if self.gap is None or not any(relation.auxiliary for relation in self.relations):
            return own
        whole = _outside(self.gap.values(terms), self.gap.lower, self.gap.upper)
        relation_of_row = relations_of_rows(self.relations, len(self))
        auxiliary = np.array([relation.auxiliary for relation in self.relations])[relation_of_row]
        whole = xp.where(self.active, xp.take(whole, relation_of_row, axis=0), xp.zeros_like(own))
        return xp.where(auxiliary, whole, own)

    def relation_violation(self, y: Tensor) -> Tensor:
        """How far each relation's gap lies outside its bounds, shape `(R,)`, >= 0; 0 where it cannot be
        estimated."""
        gap = self._gap()
        outside = _outside(gap.values(self.terms.values(y)), gap.lower, gap.upper)
        xp = namespace(gap.estimable, outside)
        return xp.where(gap.estimable, outside, xp.zeros_like(outside))

    def _gap(self) -> Gaps:
        if self.gap is None:
            raise ValueError("expected rows made from constraints, received rows without relations")
        return self.gap


def rows_from_matrix(
    matrix: Any,
    *,
    lower: Any,
    upper: Any,
    offset: Any = None,
    aux: Any = None,
    names: Sequence[str] | None = None,
) -> LinearRows:
    """Rows given as a dense matrix rather than as a constraint: `lower <= matrix @ y + V t + c <= upper`.

    Args:
        matrix: `(m, n)`, or `(m, n, outputs)`.
        lower: `(m,)`; upper: `(m,)`; may be infinite.
        offset: `(m,)`, default 0.
        aux: `(m, p)`, default no auxiliary scalars.
        names: m strings, default `row 0`, `row 1`, ...

    Returns:
        LinearRows, one term a row, all active, without relations.

    Raises:
        ValueError: a lower bound is above the upper one.

    Example:
        >>> from keras_fair.rows import rows_from_matrix
        >>> len(rows_from_matrix([[1.0, -1.0]], lower=[0.0], upper=[0.5]))
        1
    """
    matrix = np.asarray(matrix, dtype="float64")
    lower, upper = np.asarray(lower, dtype="float64"), np.asarray(upper, dtype="float64")
    m = len(matrix)
    zeros = np.zeros(m)
    if (lower > upper).any():
        row = int(np.argmax(lower > upper))
        raise ValueError(
            f"expected lower <= upper, received lower={lower[row]:g}, upper={upper[row]:g}, row {row}"
        )
    return LinearRows(
        terms=Terms((Family(m, matrix),), zeros, zeros + 1, 1 if matrix.ndim == 2 else matrix.shape[2]),
        weights=np.eye(m),
        aux=np.zeros((m, 0)) if aux is None else np.asarray(aux, dtype="float64"),
        offset=zeros if offset is None else np.asarray(offset, dtype="float64"),
        lower=lower,
        upper=upper,
        names=tuple(names) if names is not None else tuple(f"row {i}" for i in range(m)),
        active=np.ones(m, dtype=bool),
    )


def relations_of_rows(relations: Sequence[RelationRows], count: int) -> np.ndarray:
    """The index of the relation of each row, `(count,)` int."""
    owner = np.zeros(count, dtype="int32")
    for index, relation in enumerate(relations):
        owner[list(relation.rows)] = index
    return owner


def _outside(value: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    xp = namespace(value, lower, upper)
    past = xp.maximum(xp.subtract(lower, value), xp.subtract(value, upper))
    return xp.maximum(past, xp.zeros_like(value))
