"""Terms: the statistics of a batch that depend on the predictions, as sparse linear functions of them.

A term is a weighted mean over a group. With `v_i = alpha_i . y_i + beta_i`, weights `w` and membership
`m`:

    T = (sum_i w_i m_i alpha_i . y_i + sum_i w_i m_i beta_i) / N,    N = sum_i w_i m_i

This module owns how terms are stored and applied: `M y`, `M^T mu`, and `T` itself. Disjoint groups are one
number and one code a sample, and terms over few kinds of samples are one number and one cell a sample, so
that many terms need no dense matrix. `keras_fair.rows.linear` describes the rows over the terms;
`keras_fair.rows.lower` makes the terms of a text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_fair.inputs.arrays import Tensor, divided, dtype_of, flat, floats, namespace

__all__ = ["CellFamily", "Family", "Terms"]


@dataclass(frozen=True)
class Family:
    """Terms that are evaluated together, stored in one of two ways.

    | | `codes` | `coefficients` |
    | --- | --- | --- |
    | dense | None | `(size, n)`, or `(size, n, outputs)` |
    | partition | `(n,)` int32 in `[0, size]` | `(n,)`, or `(n, outputs)` |

    In a partition the groups are disjoint: sample `i` contributes `coefficients[i]` to term `codes[i]`, and
    to none where the code is `size`. Coefficients are `w_i m_i alpha_i`.

    Args:
        size: number of terms.
        coefficients: float array or tensor, see above.
        codes: int32, or None.

    Example:
        >>> import numpy as np
        >>> from keras_fair.rows import Family
        >>> women = Family(size=1, coefficients=np.array([[1.0, 0.0, 1.0]]))
        >>> women.sums(np.array([0.5, 0.1, 0.25])).tolist()
        [0.75]
    """

    size: int
    coefficients: Tensor
    codes: Tensor | None = None

    def sums(self, y: Tensor) -> Tensor:
        """`M y`, shape `(size,)`, for `y` of shape `(n,)` or `(n, outputs)` in the dtype of the
        coefficients."""
        xp = namespace(self.coefficients, y)
        if self.codes is not None:
            return _sums_by_code(self.coefficients, y, self.codes, self.size + 1)[: self.size]
        if len(self.coefficients.shape) == 2:
            return xp.matmul(self.coefficients, y)
        return xp.einsum("tno,no->t", self.coefficients, y)

    def adjoint(self, mu: Tensor) -> Tensor:
        """`M^T mu`, shape `(n,)` or `(n, outputs)`, for `mu` of shape `(size,)`."""
        xp = namespace(self.coefficients, mu)
        if self.codes is not None:
            return _shared_by_code(self.coefficients, xp.pad(mu, (0, 1)), self.codes)
        if len(self.coefficients.shape) == 2:
            return xp.matmul(mu, self.coefficients)
        return xp.einsum("t,tno->no", mu, self.coefficients)

    def matrix(self) -> Tensor:
        """The dense `M`: `(size, n)` or `(size, n, outputs)`. For people and for small sizes."""
        if self.codes is None:
            return self.coefficients
        xp = namespace(self.coefficients)
        member = xp.equal(np.arange(self.size, dtype="int32")[:, None], xp.expand_dims(self.codes, 0))
        return _along(floats(xp, member), self.coefficients) * xp.expand_dims(self.coefficients, 0)


@dataclass(frozen=True)
class CellFamily:
    """A `Family` over few kinds of samples (cells), stored without a number for each term and sample.

    `M[t, i] = table[t, cells[i]] * scale[i]`. It answers everything that a `Family` answers, and applies `M`
    in one pass over the samples however many terms it has. `coefficients` and `codes` are made anew at every
    access.

    Args:
        table: `(size, cells)` NumPy float array: which kinds of samples belong to each term; 0 or 1.
        cells: `(n,)` int.
        scale: `(n,)`, or `(n, outputs)`: `w_i alpha_i`; None where all are 1.
        disjoint: no kind of sample belongs to two terms, so the family may be read as a partition.
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

    @property
    def codes(self) -> Tensor | None:
        """`(n,)` int32 in `[0, size]` for a partition, else None."""
        if not self.disjoint:
            return None
        xp = namespace(self.cells)
        code_of_cell = np.where(self.table.any(axis=0), self.table.argmax(axis=0), self.size)
        return xp.take(xp.convert_to_tensor(code_of_cell, "int32"), self.cells, axis=0)

    @property
    def coefficients(self) -> Tensor:
        """`scale` for a partition, else the dense `M`."""
        if not self.disjoint:
            return self.matrix()
        if self.scale is not None:
            return self.scale
        xp = namespace(self.cells)
        return xp.ones_like(self.cells, dtype=dtype_of(floats(xp, 0.0)))

    def sums(self, y: Tensor) -> Tensor:
        """`M y`, shape `(size,)`, for `y` of shape `(n,)` or `(n, outputs)`."""
        xp = namespace(self.cells, self.scale, y)
        by_cell = _sums_by_code(self.scale, y, self.cells, int(self.table.shape[1]))
        return xp.matmul(floats(xp, self.table), by_cell)

    def adjoint(self, mu: Tensor) -> Tensor:
        """`M^T mu`, shape `(n,)` or `(n, outputs)`, for `mu` of shape `(size,)`."""
        xp = namespace(self.cells, self.scale, mu)
        return _shared_by_code(self.scale, xp.matmul(mu, floats(xp, self.table)), self.cells)

    def matrix(self) -> Tensor:
        """The dense `M`: `(size, n)` or `(size, n, outputs)`."""
        xp = namespace(self.cells, self.scale)
        member = xp.take(floats(xp, self.table), self.cells, axis=1)
        if self.scale is None:
            return member
        return _along(member, self.scale) * xp.expand_dims(self.scale, 0)


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
        >>> from keras_fair.rows import Family, Terms
        >>> sex = Family(size=2, coefficients=np.ones(3), codes=np.array([0, 1, 1]))
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
        return divided(self.sums(y) + self.constants, self.weights, there)

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
        return namespace(self.weights).concatenate([family.matrix() for family in self.families], axis=0)


def _along(member: Tensor, per_sample: Tensor) -> Tensor:
    """`member (size, n)` with an axis added where there are outputs, so that it multiplies `per_sample`."""
    return member if len(per_sample.shape) == 1 else namespace(member).expand_dims(member, -1)


def _sums_by_code(scale: Tensor | None, y: Tensor, codes: Tensor, count: int) -> Tensor:
    xp = namespace(scale, y, codes)
    products = y if scale is None else scale * y
    if len(products.shape) == 2:
        products = xp.sum(products, axis=1)
    return xp.segment_sum(products, xp.cast(codes, "int32"), num_segments=count)


def _shared_by_code(scale: Tensor | None, mu: Tensor, codes: Tensor) -> Tensor:
    xp = namespace(scale, mu, codes)
    gathered = xp.take(mu, xp.cast(codes, "int32"), axis=0)
    if scale is None:
        return gathered
    return scale * (gathered if len(scale.shape) == 1 else xp.expand_dims(gathered, 1))
