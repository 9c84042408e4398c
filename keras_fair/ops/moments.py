"""The rows seen from the predictions: `A y`, `A^T lam` and `A G A^T` without ever building `A`.

Samples that lie in the same groups behave alike, so the rows are kept as a small matrix over *cells* (one
cell per combination of memberships that matters) and one cell number per sample:

    A[j, i] = cells[j, code_i] * scale_i          (one coefficient for all terms: E[y | ...])
            + sum_k mix[j, k] * dense[k, i]       (a coefficient of its own for each: cov(y, age), P(group |
            x))

`A y` is then a sum per cell followed by a product with the small matrix: two groups cost what two hundred do.
Predictions of several outputs are flattened to (n * outputs,), and the cell number says which output.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

__all__ = ["CellPart", "DensePart", "Moments"]


class CellPart(NamedTuple):
    """Rows whose terms share one coefficient a prediction: `A[j, i] = cells[j, codes_i] * scale_i`.

    Attributes:
        cells: (m, C + 1) float tensor; cell C belongs to no term, and its column is zero.
        codes: (N,) int32 tensor in [0, C], with `N = n * outputs`.
        scale: (N,) float tensor, or None for ones.
    """

    cells: Any
    codes: Any
    scale: Any

    def scaled(self, y: Any) -> Any:
        """`scale_i y_i`, (N,)."""
        return y if self.scale is None else y * self.scale

    def sums(self, y: Any) -> Any:
        """`sum of scale_i y_i` in each cell, (C + 1,)."""
        return ops.segment_sum(self.scaled(y), self.codes, num_segments=int(self.cells.shape[1]))

    def seen(self, per_cell: Any) -> Any:
        """What each prediction sees of a number per cell, (N,)."""
        return self.scaled(ops.take(per_cell, self.codes, axis=0))


class DensePart(NamedTuple):
    """Rows whose terms have coefficients of their own: `A[j, i] = sum_k mix[j, k] * dense[k, i]`.

    Attributes:
        mix: (m, T) float tensor.
        dense: (T, N) float tensor.
    """

    mix: Any
    dense: Any


class Moments(NamedTuple):
    """The linear map from predictions to rows, the sum of its parts."""

    cell_parts: tuple[CellPart, ...]
    dense_parts: tuple[DensePart, ...]

    def adjoint(self, lam: Any) -> Any:
        """`A^T lam`, (N,)."""
        return _total(
            [part.seen(ops.matmul(lam, part.cells)) for part in self.cell_parts]
            + [ops.matmul(ops.matmul(lam, part.mix), part.dense) for part in self.dense_parts]
        )

    def rows(self, y: Any) -> Any:
        """`A y`, (m,), for `y` of shape (N,)."""
        return _total(
            [ops.matmul(part.cells, part.sums(y)) for part in self.cell_parts]
            + [ops.matmul(part.mix, ops.matmul(part.dense, y)) for part in self.dense_parts]
        )

    def gram(self, weights: Any) -> Any:
        """`A diag(weights) A^T`, (m, m), for `weights` of shape (N,)."""
        grams = []
        for k, part in enumerate(self.cell_parts):
            grams.append(
                ops.matmul(part.cells * part.sums(part.scaled(weights))[None, :], ops.transpose(part.cells))
            )
            for other in self.cell_parts[k + 1 :]:
                grams.append(_with_transpose(_cell_cross(part, other, weights)))
            for dense in self.dense_parts:
                scaled = ops.transpose(dense.dense * part.scaled(weights)[None, :])
                sums = ops.segment_sum(scaled, part.codes, num_segments=int(part.cells.shape[1]))
                cross = ops.matmul(ops.matmul(part.cells, sums), ops.transpose(dense.mix))
                grams.append(_with_transpose(cross))
        for k, dense in enumerate(self.dense_parts):
            weighted = ops.transpose(dense.dense * weights[None, :])
            grams.append(_sandwich(dense.mix, ops.matmul(dense.dense, weighted), dense.mix))
            for later in self.dense_parts[k + 1 :]:
                crossed = _sandwich(later.mix, ops.matmul(later.dense, weighted), dense.mix)
                grams.append(_with_transpose(crossed))
        return _total(grams)

    def gram_diagonal(self, weights: Any) -> Any:
        """The diagonal of `gram(weights)`, (m,), where there is one cell part and nothing else."""
        (part,) = self.cell_parts
        return ops.matmul(part.cells * part.cells, part.sums(part.scaled(weights)))

    def per_sample(self, y: Any, outputs: int) -> Any:
        """`sum over outputs k of A[:, i, k] y[i, k]`, (n, m), for `y` of shape (N,)."""
        every = _total(
            [
                ops.take(ops.transpose(part.cells), part.codes, axis=0) * part.scaled(y)[:, None]
                for part in self.cell_parts
            ]
            + [
                ops.matmul(ops.transpose(part.dense * y[None, :]), ops.transpose(part.mix))
                for part in self.dense_parts
            ]
        )
        return ops.sum(ops.reshape(every, (-1, outputs, int(every.shape[-1]))), axis=1)

    def reach(self) -> Any:
        """`sum_i |A_ji|`, (m,); an upper bound where there are several parts."""
        reaches = []
        for part in self.cell_parts:
            size = ops.ones(ops.shape(part.codes), dtype=part.cells.dtype)
            size = size if part.scale is None else ops.abs(part.scale)
            sums = ops.segment_sum(size, part.codes, num_segments=int(part.cells.shape[1]))
            reaches.append(ops.matmul(ops.abs(part.cells), sums))
        for dense in self.dense_parts:
            reaches.append(ops.matmul(ops.abs(dense.mix), ops.sum(ops.abs(dense.dense), axis=1)))
        return _total(reaches)


def _cell_cross(part: CellPart, other: CellPart, weights: Any) -> Any:
    mine, theirs = int(part.cells.shape[1]), int(other.cells.shape[1])
    joint = part.codes * theirs + other.codes
    sums = ops.segment_sum(part.scaled(other.scaled(weights)), joint, num_segments=mine * theirs)
    return _sandwich(part.cells, ops.reshape(sums, (mine, theirs)), other.cells)


def _sandwich(left: Any, middle: Any, right: Any) -> Any:
    return ops.matmul(ops.matmul(left, middle), ops.transpose(right))


def _with_transpose(x: Any) -> Any:
    return x + ops.transpose(x)


def _total(parts: list[Any]) -> Any:
    return sum(parts[1:], parts[0])
