r"""Samples that the terms can't tell apart, merged: what predictions can do to the terms, in few variables.

Sample `i` adds `C_i y_i` to the sums `M y` of the terms, with `C_i` a `(T, outputs)` matrix. Let samples of
one cell have `C_i = a_i C` with `a_i > 0`. The domain `D` of a single prediction is convex, so

    { sum_i a_i C y_i : y_i in D }  =  { (sum_i a_i) C z : z in D }

(`z` is the mean of the `y_i` weighed by `a_i`; conversely let all `y_i` be `z`). One variable a cell and
output therefore reaches exactly what one a sample reaches, sample weights included. Samples with `C_i = 0`
reach nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.rows.terms import CellFamily, Family, Terms

__all__ = ["MergedSamples", "merged_samples"]

# Coefficients of one cell agree to this many decimals, relative to the largest of the sample: dividing by it
# rounds.
DECIMALS = 12

Matrix = Any  # of scipy.sparse, which is imported when it is first needed


@dataclass(frozen=True)
class MergedSamples:
    """The terms as functions of cells.

    Attributes:
        matrix: `(T, count * outputs)` sparse; `matrix @ z` is `M y`, with `z` `(count, outputs)` in C order.
        count: number of cells.
        samples: number of samples.
    """

    matrix: Matrix
    count: int
    samples: int


def merged_samples(terms: Terms) -> MergedSamples:
    """Merge the samples of terms that hold NumPy arrays.

    Raises:
        ValueError: coefficients are not finite.
    """
    from scipy import sparse

    parts = [_Part(family) for family in terms.families]
    if not parts:
        return MergedSamples(sparse.csr_array((0, 0)), 0, 0)
    magnitude = np.max([part.magnitude() for part in parts], axis=0)
    if not np.all(np.isfinite(magnitude)):
        raise ValueError(
            "expected finite numbers in the columns that stand beside y, received some that are not, "
            f"for {np.sum(~np.isfinite(magnitude))} samples"
        )
    cell, count = np.zeros(len(magnitude), dtype=np.int64), 1
    divisor = np.where(magnitude > 0, magnitude, 1.0)
    for part in parts:
        for code, size in part.codes(divisor):
            cell, count = _compressed(cell * size + code, count * size)
    kept = np.unique(cell[magnitude > 0])
    place = np.full(count, len(kept))  # the last column is for samples in no term, and dropped
    place[kept] = np.arange(len(kept))
    blocks = [part.totals(place[cell], len(kept), terms.outputs) for part in parts]
    return MergedSamples(sparse.vstack(blocks, format="csr"), len(kept), len(cell))


class _Part:
    """One family of terms: numbers a sample, and where the family has cells, a code a sample."""

    def __init__(self, family: Family | CellFamily) -> None:
        self.size = family.size
        self.table: np.ndarray | None = None
        if isinstance(family, CellFamily):
            self.table, code, scale = np.asarray(family.table, dtype=float), family.cells, family.scale
        else:
            dense = np.asarray(family.coefficients)
            self.numbers = list(dense if dense.ndim == 2 else np.concatenate(np.moveaxis(dense, 2, 1)))
            return
        self.code = np.asarray(code, dtype=np.int64)
        member = np.asarray(self.table.any(axis=0))[self.code]
        scale = member.astype(float) if scale is None else np.asarray(scale)
        self.numbers = [np.where(member, column, 0.0) for column in (scale.T if scale.ndim == 2 else [scale])]
        self.code = np.where(self.magnitude() > 0, self.code, 0)

    def magnitude(self) -> np.ndarray:
        """The largest coefficient of each sample, `(n,)`."""
        largest: np.ndarray = np.abs(self.numbers[0])
        for column in self.numbers[1:]:
            np.maximum(largest, np.abs(column), out=largest)
        return largest

    def codes(self, divisor: np.ndarray) -> list[tuple[np.ndarray, int]]:
        """Codes `(n,)` and their number, which together tell apart samples of different kinds."""
        codes = [_numbered(column / divisor) for column in self.numbers]
        return codes if self.table is None else [*codes, (self.code, self.table.shape[1])]

    def totals(self, cell: np.ndarray, count: int, outputs: int) -> Matrix:
        """What each cell adds to the sums of the terms, `(size, count * outputs)`."""
        from scipy import sparse

        sums = [np.bincount(cell, weights=column, minlength=count + 1)[:count] for column in self.numbers]
        if self.table is None:
            by_output = np.stack(sums).reshape(self.size, outputs, count)
            return sparse.csr_array(by_output.swapaxes(1, 2).reshape(self.size, count * outputs))
        code = np.zeros(count + 1, dtype=np.int64)
        code[cell] = self.code  # samples of one cell have one code
        member = sparse.csc_array(self.table)[:, np.repeat(code[:count], outputs)]
        return member @ sparse.diags_array(np.stack(sums, axis=1).reshape(-1))


def _numbered(column: np.ndarray) -> tuple[np.ndarray, int]:
    """A code for each different number, and how many there are."""
    column = np.round(column, DECIMALS) + 0.0  # no negative zero
    if not len(column) or column.min() == column.max():
        return np.zeros(len(column), dtype=np.int64), 1
    values, code = np.unique(column, return_inverse=True)
    return code, len(values)


def _compressed(code: np.ndarray, size: int) -> tuple[np.ndarray, int]:
    """Codes of the same meaning without gaps, and how many there are."""
    if size > 4 * len(code) + 1024:
        values, code = np.unique(code, return_inverse=True)
        return code, len(values)
    present = np.bincount(code, minlength=size) > 0
    return (np.cumsum(present) - 1)[code], int(present.sum())
