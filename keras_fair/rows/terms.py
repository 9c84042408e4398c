"""Terms: the statistics of a batch that depend on the predictions, as sparse linear functions of them.

A term is a weighted mean over a group. With `v_i = alpha_i . y_i + beta_i`, weights `w` and membership
`m`:

    T = (sum_i w_i m_i alpha_i . y_i + sum_i w_i m_i beta_i) / N,    N = sum_i w_i m_i

This module owns how terms are stored and applied: `M y`, `M^T mu`, and `T` itself. Terms over few kinds of
samples are one number and one cell a sample, so that many terms need no dense matrix.
`keras_fair.rows.linear` describes the rows over the terms; `keras_fair.rows.lower` makes the terms of a text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_fair.inputs.arrays import Tensor, divided, flat, floats, namespace

__all__ = ["CellFamily", "Family", "Terms"]


@dataclass(frozen=True)
class Family:
    """Terms that are evaluated together, stored as a dense matrix.

    Args:
        size: number of terms.
        coefficients: float array or tensor `(size, n)`, or `(size, n, outputs)`: `w_i m_i alpha_i`.

    Example:
        >>> import numpy as np
        >>> from keras_fair.rows import Family
        >>> women = Family(size=1, coefficients=np.array([[1.0, 0.0, 1.0]]))
        >>> women.sums(np.array([0.5, 0.1, 0.25])).tolist()
        [0.75]
    """

    size: int
    coefficients: Tensor

    def sums(self, y: Tensor) -> Tensor:
        """`M y`, shape `(size,)`, for `y` of shape `(n,)` or `(n, outputs)` in the dtype of the
        coefficients."""
        xp = namespace(self.coefficients, y)
        if len(self.coefficients.shape) == 2:
            return xp.matmul(self.coefficients, y)
        return xp.einsum("tno,no->t", self.coefficients, y)

    def adjoint(self, mu: Tensor) -> Tensor:
        """`M^T mu`, shape `(n,)` or `(n, outputs)`, for `mu` of shape `(size,)`."""
        xp = namespace(self.coefficients, mu)
        if len(self.coefficients.shape) == 2:
            return xp.matmul(mu, self.coefficients)
        return xp.einsum("t,tno->no", mu, self.coefficients)


@dataclass(frozen=True)
class CellFamily:
    """A `Family` over few kinds of samples (cells), stored without a number for each term and sample.

    `M[t, i] = table[t, cells[i]] * scale[i]`. It answers everything that a `Family` answers, and applies `M`
    in one pass over the samples however many terms it has.

    Args:
        table: `(size, cells)` NumPy float array: which kinds of samples belong to each term; 0 or 1.
        cells: `(n,)` int.
        scale: `(n,)`, or `(n, outputs)`: `w_i alpha_i`; None where all are 1.
        disjoint: no kind of sample belongs to two terms.
        totals: `(size,)`, the sum of each term's coefficients, where it is known.
    """

    table: np.ndarray
    cells: Tensor
    scale: Tensor | None = None
    disjoint: bool = False
    totals: Tensor | None = None

    @property
    def size(self) -> int:
        """Number of terms."""
        return int(self.table.shape[0])

    def sums(self, y: Tensor) -> Tensor:
        """`M y`, shape `(size,)`, for `y` of shape `(n,)` or `(n, outputs)`."""
        xp = namespace(self.cells, self.scale, y)
        products = y if self.scale is None else xp.multiply(self.scale, y)
        if len(products.shape) == 2:
            products = xp.sum(products, axis=1)
        cells = xp.cast(self.cells, "int32")
        by_cell = xp.segment_sum(products, cells, num_segments=int(self.table.shape[1]))
        return xp.matmul(floats(xp, self.table), by_cell)

    def adjoint(self, mu: Tensor) -> Tensor:
        """`M^T mu`, shape `(n,)` or `(n, outputs)`, for `mu` of shape `(size,)`."""
        xp = namespace(self.cells, self.scale, mu)
        by_cell = xp.matmul(mu, floats(xp, self.table))
        gathered = xp.take(by_cell, xp.cast(self.cells, "int32"), axis=0)
        if self.scale is None:
            return gathered
        gathered = gathered if len(self.scale.shape) == 1 else xp.expand_dims(gathered, 1)
        return xp.multiply(self.scale, gathered)

    @property
    def coefficients(self) -> Tensor:
        """The dense `M`: `(size, n)` or `(size, n, outputs)`. For people and for small sizes."""
        xp = namespace(self.cells, self.scale)
        member = xp.take(floats(xp, self.table), self.cells, axis=1)
        if self.scale is None:
            return member
        member = member if len(self.scale.shape) == 1 else xp.expand_dims(member, -1)
        return member * xp.expand_dims(self.scale, 0)


@dataclass(frozen=True)
class Terms:
    """All terms of a batch: `T(y) = (M y + constants) / weights`, and 0 where the weight is 0.

    Args:
        families: the rows of `M`, in order; `T` is the sum of their sizes.
        constants: `(T,)`, `sum_i w_i m_i beta_i`.
        weights: `(T,)`, `N = sum_i w_i m_i`.
        outputs: number of outputs of the model. With 1, `y` has shape `(n,)`, else `(n, outputs)`.

    Example:
        >>> import numpy as np
        >>> from keras_fair.rows import CellFamily, Terms
        >>> sex = CellFamily(table=np.eye(2), cells=np.array([0, 1, 1]))
        >>> terms = Terms((sex,), constants=np.zeros(2), weights=np.array([1.0, 2.0]), outputs=1)
        >>> terms.values(np.array([0.5, 0.25, 0.75])).tolist()
        [0.5, 0.5]
    """

    families: tuple[Family | CellFamily, ...]
    constants: Tensor
    weights: Tensor
    outputs: int = 1

    def __len__(self) -> int:
        return sum(family.size for family in self.families)

    def sums(self, y: Tensor) -> Tensor:
        """`M y`, shape `(T,)`: not divided by the weights, constants left out."""
        xp = namespace(self.weights, y)
        y = floats(xp, y)
        y = flat(y) if self.outputs == 1 else y
        if len(y.shape) != (1 if self.outputs == 1 else 2):
            shape = "(n,)" if self.outputs == 1 else f"(n, {self.outputs})"
            raise ValueError(f"expected predictions of shape {shape}, received shape={tuple(y.shape)}")
        parts = [family.sums(y) for family in self.families]
        return xp.concatenate(parts, axis=0) if parts else xp.zeros_like(self.weights)

    def values(self, y: Tensor) -> Tensor:
        """`T(y)`, shape `(T,)`; 0 for a group without weight, with gradient 0 too."""
        there = namespace(self.weights).greater(self.weights, 0)
        sums = self.sums(y)
        return divided(namespace(sums, self.constants).add(sums, self.constants), self.weights, there)

    def adjoint(self, mu: Tensor) -> Tensor:
        """`M^T mu`, shape `(n,)` or `(n, outputs)`, for `mu` of shape `(T,)`; 0.0 where there are no
        terms."""
        start, total = 0, 0.0
        for family in self.families:
            total = total + family.adjoint(mu[start : start + family.size])
            start += family.size
        return total

    def matrix(self) -> Tensor:
        """The dense `M`: `(T, n)` or `(T, n, outputs)`. For people and for small sizes."""
        return namespace(self.weights).concatenate([family.coefficients for family in self.families], axis=0)
