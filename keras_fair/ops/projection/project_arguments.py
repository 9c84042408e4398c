"""The arguments of `project`: converted, and refused where no projection can be made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.inputs.arrays import is_tensor
from keras_fair.inputs.domain import Domain
from keras_fair.inputs.precision import precision_name
from keras_fair.inputs.predictions import check_predictions as check_values
from keras_fair.inputs.predictions import number_array
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.terms import CellFamily

__all__ = ["check_predictions", "check_stiffness", "check_weights", "checked_start", "float_array"]


def float_array(name: str, x: Any) -> Any:
    """Numbers as floats, of their own float dtype where they have one: a tensor stays one, all else becomes a
    NumPy array. `name` is for the refusal."""
    if is_tensor(x):
        from keras import backend, ops

        return x if backend.is_float_dtype(x.dtype) else ops.cast(x, backend.floatx())
    x, _ = number_array(x, name)
    if x.dtype.kind not in "fiub":
        raise ValueError(f"expected {name} to hold numbers, received dtype={x.dtype}")
    return x if x.dtype.kind == "f" else x.astype("float64")


def check_predictions(y: Any, rows: LinearRows, domain: Domain) -> None:
    """Refuse predictions of a wrong shape, that are not finite, or outside the domain."""
    outputs = rows.terms.outputs
    shape = tuple(y.shape)
    expected = "(n,) or (n, 1)" if outputs == 1 else f"(n, {outputs})"
    if shape[1:] not in ([(), (1,)] if outputs == 1 else [(outputs,)]):
        raise ValueError(f"expected predictions y of shape {expected}, received shape {shape}")
    if domain.simplex and outputs == 1:
        raise ValueError("expected rows over several outputs with domain='simplex', received rows over one")
    samples = _samples(rows)
    if samples is not None and samples != shape[0]:
        raise ValueError(
            f"expected one prediction a sample, received {shape[0]} predictions and {samples} samples"
        )
    values = _values(y)
    check_values(values, domain, precision_name(values))


def check_weights(sample_weight: Any, samples: int) -> None:
    """Refuse objective weights that are not one finite number > 0 a sample."""
    values = _values(sample_weight)
    if values.shape != (samples,):
        raise ValueError(f"expected sample_weight of shape ({samples},), received shape {values.shape}")
    if not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(
            f"expected sample_weight > 0 and finite, received values from {values.min()} to {values.max()}"
        )


def check_stiffness(stiffness: Any, rows: int, dtype: str) -> None:
    """Refuse a stiffness that is not > 0, a number or one for each row, or that `dtype` cannot hold."""
    values = np.asarray(stiffness)
    numbers = values.dtype.kind in "fiu" and values.shape in ((), (rows,))
    if not numbers or not np.all(values > 0):
        raise ValueError(
            f"expected stiffness > 0, a number or one for each of {rows} rows, received "
            f"stiffness={stiffness!r}"
        )
    least = float(np.finfo(dtype).tiny)
    if not np.all(values >= least):
        raise ValueError(
            f"expected stiffness >= {least:g}, the least number in {dtype}, received stiffness={stiffness!r}"
        )


def checked_start(start: Any, rows: int, dtype: str) -> np.ndarray:
    """Duals to begin from, in the precision of the solver; refused where they are not one finite number for
    each row."""
    values = _values(start)
    if values.shape != (rows,) or values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise ValueError(
            f"expected start as ({rows},) finite duals, one for each row, received shape {values.shape} and "
            f"dtype {values.dtype}"
            + ("" if values.dtype.kind not in "fiu" or np.isfinite(values).all() else ", not all finite")
        )
    return values.astype(dtype)


def _values(x: Any) -> np.ndarray:
    """The numbers of an array or a tensor."""
    if is_tensor(x):
        from keras import ops

        return np.asarray(ops.convert_to_numpy(x))
    return np.asarray(x)


def _samples(rows: LinearRows) -> int | None:
    """How many samples the rows are over; None where no row takes any."""
    if not rows.terms.families:
        return None
    family = rows.terms.families[0]
    if isinstance(family, CellFamily):
        return family.cells.shape[0]
    return family.coefficients.shape[1]
