"""From rows and predictions to the solver's problem: flat, in the working precision, padded to a common size.

Terms are divided by their weights here, `A = W diag(1/N) M`, and only the small matrices: no (m, n) matrix is
built here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from keras_fair.inputs.domain import Domain
from keras_fair.ops.compilation import compiles_now, padded_size
from keras_fair.ops.dispatch import all_numpy, ops
from keras_fair.ops.projection.linear_algebra import inverse_where, small_product
from keras_fair.ops.projection.moments import CellPart, DensePart, Moments
from keras_fair.ops.projection.problem import Problem, Structure
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.margins import held_rows
from keras_fair.rows.terms import CellFamily

__all__ = ["centre_of", "make_problem", "structure_of"]


def structure_of(
    rows: LinearRows, domain: Domain, divergence: str, arguments: Any = (), stiffness: Any = np.inf
) -> Structure:
    """What is known of a projection before any data arrive.

    Where nothing is compiled the last resort costs nothing until it is asked. A compiled program has it,
    which makes compiling longer, where the dual alone is likely to fail: where predictions next to 0 and 1 or
    weights decades apart are in several rows, or hard rows are mixed with soft ones.

    Args:
        rows: of the projection.
        domain: where predictions may lie.
        divergence: of the objective.
        arguments: predictions, and objective weights or None.
        stiffness: a number or (m,).
    """
    families = rows.terms.families
    one_part = len(families) == 1 and isinstance(families[0], CellFamily)
    diagonal = one_part and (rows.disjoint or len(rows) == 1) and not domain.simplex
    weighted = len(arguments) > 1 and arguments[1] is not None
    hard = not all_numpy(stiffness) or np.isinf(stiffness)
    mixed = bool(np.any(hard) and not np.all(hard))
    likely = not diagonal and (divergence != "euclidean" or weighted or mixed)
    resort = likely or all_numpy((*arguments, stiffness, _arrays_of(rows))) or not compiles_now()
    return Structure(divergence, domain.simplex, rows.terms.outputs, diagonal, resort)


def centre_of(r: Any, domain: Domain, divergence: str) -> Any:
    """What predictions are counted from, so that no digits are lost far from zero; None to take them as they
    are.

    Args:
        r: (n,), (n, 1) or (n, outputs) float tensor.
        domain: where predictions may lie.
        divergence: only the Euclidean one doesn't care where zero is.
    """
    if domain.simplex or divergence != "euclidean" or domain.low <= 0.0 <= domain.high < np.inf:
        return None
    if np.isfinite(domain.low):
        return None if domain.low == 0.0 else domain.low
    if np.isfinite(domain.high):
        return domain.high
    dtype = working_dtype(r)
    count = ops.maximum(ops.cast(ops.size(r), dtype), 1.0)
    return ops.stop_gradient(ops.sum(ops.cast(r, dtype)) / count)


def make_problem(
    r: Any, rows: LinearRows, domain: Domain, sample_weight: Any, stiffness: Any, centre: Any = None
) -> Problem:
    """The problem that the solver takes.

    Args:
        r: (n,), (n, 1) or (n, outputs) float tensor.
        rows: the rows over these n samples.
        domain: where predictions may lie.
        sample_weight: (n,) weights of the objective, or None.
        stiffness: a number or (m,), may be infinite.
        centre: what the problem counts predictions from, of `centre_of`; its bounds and its rows' constants
            are moved by as much.
    """
    dtype = working_dtype(r, sample_weight, stiffness, _arrays_of(rows))
    if centre is not None:
        r = ops.subtract(ops.cast(r, dtype), centre)
        if np.isfinite(domain.low) or np.isfinite(domain.high):
            domain = Domain(domain.low - centre, domain.high - centre, domain.simplex)
    low, high = domain.bounds
    flat = _Flat.of(r, rows.terms.outputs, dtype)
    matrix = _divided(rows.weights, rows.terms.weights, dtype)
    constants = small_product(matrix, ops.cast(rows.terms.constants, dtype))
    stiffness = ops.broadcast_to(ops.convert_to_tensor(stiffness, dtype), (len(rows),))
    aux, held = rows.aux, held_rows(rows)
    problem = Problem(
        r=flat.floats(r, 1.0 / rows.terms.outputs if domain.simplex else low if np.isfinite(low) else 0.0),
        weights=None if sample_weight is None else flat.floats(sample_weight, 1.0),
        moments=_moments(rows, matrix, flat),
        border=None if int(aux.shape[1]) == 0 else ops.cast(aux, dtype),
        offset=ops.cast(rows.offset, dtype) + constants,
        lower=ops.cast(held.lower, dtype),
        upper=ops.cast(held.upper, dtype),
        softness=1.0 / ops.cast(stiffness, dtype),
        low=ops.convert_to_tensor(low, dtype=dtype),
        high=ops.convert_to_tensor(high, dtype=dtype),
        reach=_known_reach(rows, matrix, domain, dtype),
    )
    if centre is None:
        return problem
    moved = ops.multiply(centre, problem.moments.rows(ops.stop_gradient(ops.ones_like(problem.r))))
    return problem._replace(offset=ops.add(problem.offset, moved))


class _Flat(NamedTuple):
    """How tensors over samples become flat ones, (N,) with `N = n * outputs`, and are filled up.

    Attributes:
        samples: n, an int or a scalar tensor.
        padded: what n is filled up to, or None.
        outputs: of a sample.
        dtype: of floats.
    """

    samples: Any
    padded: Any
    outputs: int
    dtype: str

    @classmethod
    def of(cls, r: Any, outputs: int, dtype: str) -> _Flat:
        static = r.shape[0]
        samples = int(static) if static is not None else ops.shape(r)[0]
        # The solver takes maxima, and no numbers have none.
        padded = (None if samples else 1) if all_numpy(r) else padded_size(samples)
        return cls(samples, padded, outputs, dtype)

    def floats(self, x: Any, fill: float = 0.0) -> Any:
        """(n,) or (n, outputs) numbers."""
        return self._flat(ops.cast(x, self.dtype), fill)

    def codes(self, codes: Any, nowhere: int) -> Any:
        """(n,) or (n, outputs) cell numbers, filled up with `nowhere`."""
        return self._flat(ops.cast(codes, "int32"), nowhere)  # rows keep them as narrow as they can

    def coefficients(self, dense: Any, terms: int) -> Any:
        """(T, n) or (T, n, outputs) coefficients of T terms, as (T, N)."""
        dense = ops.reshape(ops.cast(dense, self.dtype), (terms, -1))
        return dense if self.padded is None else ops.pad(dense, ((0, 0), (0, self._missing)))

    @property
    def _missing(self) -> Any:
        return (self.padded - self.samples) * self.outputs

    def _flat(self, x: Any, fill: Any) -> Any:
        if len(x.shape) == 1 and self.outputs > 1:
            x = ops.repeat(x[:, None], self.outputs, axis=1)
        x = ops.reshape(x, (-1,))
        return x if self.padded is None else ops.pad(x, ((0, self._missing),), constant_values=fill)


def _arrays_of(rows: LinearRows) -> tuple[Any, ...]:
    """The rows' numbers, arrays or tensors."""
    families = [
        (family.cells, family.scale, family.totals) if isinstance(family, CellFamily) else family.coefficients
        for family in rows.terms.families
    ]
    own = (rows.weights, rows.aux, rows.offset, rows.lower, rows.upper)
    return (*own, rows.terms.weights, rows.terms.constants, *families)


def _moments(rows: LinearRows, matrix: Any, flat: _Flat) -> Moments:
    """The rows' linear map, a part for each family of terms."""
    cell_parts, dense_parts, start = [], [], 0
    for family in rows.terms.families:
        mix = matrix[:, start : start + family.size]
        start += family.size
        if isinstance(family, CellFamily):
            cells, codes, scale = _cells(family, mix, flat.dtype)
            codes = flat.codes(codes, int(cells.shape[1]) - 1)
            cell_parts.append(CellPart(cells, codes, None if scale is None else flat.floats(scale)))
        else:
            dense_parts.append(DensePart(mix, flat.coefficients(family.coefficients, family.size)))
    return Moments(tuple(cell_parts), tuple(dense_parts))


def _known_reach(rows: LinearRows, matrix: Any, domain: Domain, dtype: str) -> Any:
    """`sum_i |A_ji|` where no prediction is in two terms and their coefficients are summed already."""
    if len(rows.terms.families) != 1 or domain.simplex:
        return None
    (family,) = rows.terms.families
    if not isinstance(family, CellFamily) or not family.disjoint or family.totals is None:
        return None
    return small_product(ops.abs(matrix), ops.cast(family.totals, dtype))


def _cells(family: CellFamily, mix: Any, dtype: str) -> tuple[Any, Any, Any]:
    """Row coefficients per cell with a last cell for nobody, the cell of each sample, and the scale."""
    # The last kinds of samples may be in no group: values outside the vocabulary, missing ones.
    used = family.table[:, : 1 + int(np.flatnonzero(family.table.any(axis=0)).max(initial=0))]
    if np.all(used.sum(axis=0) == 1):  # each kind belongs to one term
        table = ops.take(mix, used.argmax(axis=0).astype("int32"), axis=1)
    else:
        table = ops.matmul(mix, ops.cast(ops.convert_to_tensor(used), dtype))
    return ops.pad(table, ((0, 0), (0, 1))), family.cells, family.scale


def _divided(weights: Any, totals: Any, dtype: str) -> Any:
    """Rows over means instead of sums; terms without weight get zeros."""
    totals = ops.cast(totals, dtype)
    return ops.cast(weights, dtype) * inverse_where(totals > 0, totals)[None, :]
