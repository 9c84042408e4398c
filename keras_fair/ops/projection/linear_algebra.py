"""Small dense linear algebra for systems with as many unknowns as a constraint has rows.

Symmetric quasi-definite matrices (a positive definite block bordered by a negative definite one) can be
eliminated without pivoting in every order (Vanderbei, SIAM J. Optim. 5(1), 1995), so Gauss-Jordan
elimination, one loop of whole-matrix operations, serves all systems here. Library routines do the same, but
inside a graph that XLA compiles they are expanded into scalar loops and cost ten times as much.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_fair.ops.projection.settings import settings_for

__all__ = ["quasi_definite_inverse", "small_product"]

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


def quasi_definite_inverse(matrix: Any) -> Any:
    """The inverse of a symmetric quasi-definite matrix whose diagonal is of order one.

    Args:
        matrix: (k, k) float tensor with a static `k`.

    Returns:
        (k, k) tensor. A direction whose pivot vanishes is left out, as in a pseudo-inverse, not divided by.
    """
    size = int(matrix.shape[0])
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
    usable = ops.abs(x) > settings_for(x.dtype).smallest_pivot
    return ops.where(usable, 1.0 / ops.where(usable, x, ops.ones_like(x)), ops.zeros_like(x))
