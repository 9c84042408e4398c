"""The rows seen from the predictions: `A y`, `A^T lam` and `A G A^T` without building `A`.

Samples that lie in the same groups behave alike, so the rows are kept as a small matrix over *cells* (one
cell per combination of memberships that matters) and one cell number per sample:

    A[j, i] = cells[j, code_i] * scale_i          (one coefficient for all terms: E[y | ...])
            + sum_k mix[j, k] * dense[k, i]       (one for each term: cov(y, age), P(group | x))

`A y` is then a sum per cell followed by a product with the small matrix: two groups cost what two hundred do.
Predictions of several outputs are flattened to (n * outputs,), and the cell number says which output.

Few cells are summed over as products with their 0/1 vectors, which processors do several numbers at a time;
a sum by code goes one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_fair.ops.dispatch import ops
from keras_fair.ops.projection.linear_algebra import small_product

__all__ = ["CellPart", "DensePart", "Moments"]

# Up to so many cells each has a vector of its own members.
_FEW_CELLS = 4
# Up to so many rows are looked at at once.
_FEW_ROWS = 16


class CellPart(NamedTuple):
    """Rows whose terms share one coefficient a prediction: `A[j, i] = cells[j, codes_i] * scale_i`.

    Attributes:
        cells: (m, C + 1) float tensor; cell C belongs to no term, and its column is zero.
        codes: (N,) int32 tensor, with `N = n * outputs`; nobody's are C or larger.
        scale: (N,) float tensor, or None for ones.
        members: (C, N) 0/1 float tensor, who is in each cell, where cells are few; else None.
    """

    cells: Any
    codes: Any
    scale: Any
    members: Any = None

    @property
    def few(self) -> int:
        """The number of cells, nobody's left out, where they are few; else 0."""
        count = int(self.cells.shape[1]) - 1
        return count if count <= _FEW_CELLS else 0

    @property
    def clipped(self) -> Any:
        """(N,) codes, nobody's all C."""
        return ops.minimum(self.codes, int(self.cells.shape[1]) - 1)

    def with_members(self) -> CellPart:
        """The part with its members, for sums that are taken more than once."""
        if not self.few or self.members is not None:
            return self
        numbers = ops.arange(self.few, dtype="int32")
        members = ops.equal(ops.expand_dims(self.codes, 0), ops.expand_dims(numbers, 1))
        return self._replace(members=ops.cast(members, self.cells.dtype))

    def scaled(self, y: Any) -> Any:
        """`scale_i y_i`, (N,)."""
        return y if self.scale is None else ops.multiply(y, self.scale)

    def sums(self, y: Any) -> Any:
        """`sum of scale_i y_i` in each cell, (C + 1,)."""
        if self.few:
            return ops.pad(ops.matmul(self.with_members().members, self.scaled(y)), (0, 1))
        return ops.segment_sum(self.scaled(y), self.clipped, num_segments=int(self.cells.shape[1]))

    def seen(self, per_cell: Any) -> Any:
        """What each prediction sees of a number per cell, (N,); nobody's number is zero."""
        if not self.few:
            return self.scaled(ops.take(per_cell, self.clipped, axis=0))
        members = self.with_members().members
        return self.scaled(_total([per_cell[cell] * members[cell] for cell in range(self.few)]))


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

    def with_members(self) -> Moments:
        """The same map, for sums that are taken more than once."""
        return self._replace(cell_parts=tuple(part.with_members() for part in self.cell_parts))

    def adjoint(self, lam: Any) -> Any:
        """`A^T lam`, (N,)."""
        return _total(
            [part.seen(small_product(ops.transpose(part.cells), lam)) for part in self.cell_parts]
            + [ops.matmul(ops.matmul(lam, part.mix), part.dense) for part in self.dense_parts]
        )

    def rows(self, y: Any) -> Any:
        """`A y`, (m,), for `y` of shape (N,)."""
        return _total(
            [small_product(part.cells, part.sums(y)) for part in self.cell_parts]
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
                sums = ops.segment_sum(scaled, part.clipped, num_segments=int(part.cells.shape[1]))
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
        return small_product(part.cells * part.cells, part.sums(part.scaled(weights)))

    def per_sample(self, y: Any, outputs: int) -> Any:
        """`sum over outputs k of A[:, i, k] y[i, k]`, (n, m), for `y` of shape (N,)."""
        every = _total(
            [
                ops.take(ops.transpose(part.cells), part.clipped, axis=0) * part.scaled(y)[:, None]
                for part in self.cell_parts
            ]
            + [
                ops.matmul(ops.transpose(part.dense * y[None, :]), ops.transpose(part.mix))
                for part in self.dense_parts
            ]
        )
        return ops.sum(ops.reshape(every, (-1, outputs, int(every.shape[-1]))), axis=1)

    @property
    def cancels(self) -> bool:
        """Whether coefficients of a row are sums, whose parts may take each other away."""
        return len(self.cell_parts) + len(self.dense_parts) > 1 or len(self.dense_parts) > 0

    def net_reach(self) -> Any:
        """`sum_i |A_ji|`, (m,), after the parts have taken each other away.

        The one place that asks for all of `A`, and only where rows have several parts or dense ones; where
        rows are many it is looked at row by row, so that memory is that of one.
        """
        matrix = self.cell_parts[0].cells if self.cell_parts else self.dense_parts[0].mix
        count = int(matrix.shape[0])
        if count <= _FEW_ROWS:
            return ops.sum(ops.abs(self._coefficients(slice(None))), axis=-1)
        places = ops.arange(count, dtype="int32")

        def add(place: Any, reach: Any) -> tuple[Any, Any]:
            own = ops.sum(ops.abs(self._coefficients(place)))
            return place + 1, ops.where(ops.equal(places, place), own, reach)

        first = (ops.convert_to_tensor(0, dtype="int32"), ops.zeros_like(matrix[:, 0]))
        return ops.while_loop(lambda place, reach: place < count, add, first)[1]

    def _coefficients(self, rows: Any) -> Any:
        """`A` of a slice of its rows, or (N,) of one."""

        def of(matrix: Any) -> Any:
            return matrix if isinstance(rows, slice) else ops.take(matrix, rows, axis=0)

        return _total(
            [part.scaled(ops.take(of(part.cells), part.clipped, axis=-1)) for part in self.cell_parts]
            + [ops.matmul(of(dense.mix), dense.dense) for dense in self.dense_parts]
        )

    def gross_reach(self) -> Any:
        """`sum_i |A_ji|`, (m,), part by part; an upper bound where `cancels`."""
        reaches = []
        for part in self.cell_parts:
            positive = part._replace(scale=None if part.scale is None else ops.abs(part.scale))
            ones = ops.ones_like(part.codes, dtype=part.cells.dtype)
            reaches.append(small_product(ops.abs(part.cells), positive.sums(ones)))
        for dense in self.dense_parts:
            reaches.append(ops.matmul(ops.abs(dense.mix), ops.sum(ops.abs(dense.dense), axis=1)))
        return _total(reaches)


def _cell_cross(part: CellPart, other: CellPart, weights: Any) -> Any:
    mine, theirs = int(part.cells.shape[1]), int(other.cells.shape[1])
    joint = part.clipped * theirs + other.clipped
    sums = ops.segment_sum(part.scaled(other.scaled(weights)), joint, num_segments=mine * theirs)
    return _sandwich(part.cells, ops.reshape(sums, (mine, theirs)), other.cells)


def _sandwich(left: Any, middle: Any, right: Any) -> Any:
    return ops.matmul(ops.matmul(left, middle), ops.transpose(right))


def _with_transpose(x: Any) -> Any:
    return x + ops.transpose(x)


def _total(parts: list[Any]) -> Any:
    return sum(parts[1:], parts[0])
