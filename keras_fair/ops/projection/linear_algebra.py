"""Small dense linear algebra for systems with as many unknowns as a constraint has rows.

Symmetric quasi-definite matrices (a positive definite block bordered by a negative definite one) can be
eliminated without pivoting in every order (Vanderbei, SIAM J. Optim. 5(1), 1995), so Gauss-Jordan
elimination, one loop of whole-matrix operations, serves all systems here. Library routines do the same, but
inside a graph that XLA compiles they are expanded into scalar loops and cost ten times as much.
"""

from __future__ import annotations

from typing import Any

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.settings import settings_for

__all__ = [
    "diagonal_of",
    "inverse_where",
    "over_both_sides",
    "plus_diagonal",
    "positive_or_one",
    "product",
    "quasi_definite_inverse",
    "small_product",
    "unit_columns",
]

# Up to so many numbers, a product is written out.
_WRITTEN_OUT = 16


def small_product(matrix: Any, vector: Any) -> Any:
    """`matrix @ vector`. Where the matrix is very small it is written out, so that a compiler makes it a part
    of what comes next: a product by itself takes a microsecond, whatever its size.

    Args:
        matrix: (m, k) float tensor of static shape.
        vector: (k,).
    """
    m, k = (int(side) for side in matrix.shape)
    if not 0 < m * k <= _WRITTEN_OUT:
        return ops.matmul(matrix, vector)
    products = [matrix[:, column] * vector[column] for column in range(k)]
    return sum(products[1:], products[0])


def positive_or_one(x: Any) -> Any:
    """`x` where it is positive, else 1: what may be divided by."""
    return ops.where(x > 0, x, ops.ones_like(x))


def inverse_where(there: Any, x: Any) -> Any:
    """`1 / x` where the bools `there` hold, else 0."""
    return ops.where(there, 1.0 / ops.where(there, x, ops.ones_like(x)), ops.zeros_like(x))


def diagonal_of(matrix: Any) -> Any:
    """(m,) the diagonal of a matrix (m, m), which may be given as its diagonal, as in all that follow."""
    return matrix if len(matrix.shape) == 1 else ops.diagonal(matrix)


def plus_diagonal(matrix: Any, added: Any) -> Any:
    """The matrix with (m,) numbers added to its diagonal."""
    if len(matrix.shape) == 1:
        return matrix + added
    return matrix + ops.eye(int(added.shape[0]), dtype=added.dtype) * added[:, None]


def over_both_sides(matrix: Any, root: Any) -> Any:
    """The matrix with row `j` and column `j` divided by `root_j`."""
    return matrix / (root * root if len(matrix.shape) == 1 else root[:, None] * root[None, :])


def product(matrix: Any, vector: Any) -> Any:
    """(m,) the matrix times a vector (m,)."""
    return matrix * vector if len(matrix.shape) == 1 else ops.matmul(matrix, vector)


def unit_columns(matrix: Any) -> tuple[Any, Any]:
    """A matrix (m, p) with its columns scaled to length one, and the lengths that they had (p,); columns of
    zeros stay, and their length counts as 1."""
    width = positive_or_one(ops.sqrt(ops.sum(matrix * matrix, axis=0)))
    return matrix / width[None, :], width


def quasi_definite_inverse(matrix: Any, floor: float) -> Any:
    """The inverse of a symmetric quasi-definite matrix whose diagonal is of order one.

    Args:
        matrix: (k, k) float tensor with a static `k`.
        floor: added to the diagonal before, so that dependent rows do not stop the elimination.

    Returns:
        (k, k) tensor. A direction whose pivot vanishes is left out, as in a pseudo-inverse, not divided by.
    """
    size = int(matrix.shape[0])
    matrix = matrix + floor * ops.eye(size, dtype=matrix.dtype)
    if size == 1:
        return _reciprocal(matrix)
    positions = ops.arange(size, dtype="int32")

    def eliminate(k: Any, partial: Any) -> tuple[Any, Any]:
        unit = ops.cast(ops.equal(positions, k), partial.dtype)
        others = 1.0 - unit
        row = ops.sum(partial * unit[:, None], axis=0)
        column = ops.sum(partial * unit[None, :], axis=1)
        scale = _reciprocal(ops.sum(row * unit))
        rest = partial * others[:, None] * others[None, :]
        return k + 1, rest + (unit - column * others)[:, None] * (scale * (row * others + unit))[None, :]

    _, inverse = ops.while_loop(
        lambda k, partial: k < size, eliminate, (ops.convert_to_tensor(0, dtype="int32"), matrix)
    )
    return inverse


def _reciprocal(x: Any) -> Any:
    return inverse_where(ops.abs(x) > settings_for(x.dtype).smallest_pivot, x)
