"""The working precision of the solver, and the tolerances that follow from it.

Rows are solved in float64 wherever the backend has it. JAX without `jax_enable_x64` has not, nor has Keras on
PyTorch; then float32 is used and rows hold to 1e-5 of the domain's width instead of 1e-9.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import backend

from keras_fair.inputs.arrays import widest_float

__all__ = ["proximal_floor", "row_tolerance", "rounding", "smallest_pivot", "working_dtype"]


def working_dtype() -> str:
    """The widest float type of the backend: "float64", or "float32" on JAX without x64 and on PyTorch."""
    return widest_float()


def rounding(dtype: Any) -> float:
    """The spacing of floats near one."""
    return float(np.finfo(backend.standardize_dtype(dtype)).eps)


def row_tolerance(dtype: Any) -> float:
    """How far a row may lie outside its bounds and count as held, relative to the reach of the row."""
    return 1e-11 if backend.standardize_dtype(dtype) == "float64" else 5e-6


def proximal_floor(dtype: Any) -> float:
    """The least proximal term of a step, relative to a row's curvature: it keeps dependent rows solvable."""
    return 1e-11 if backend.standardize_dtype(dtype) == "float64" else 3e-5


def smallest_pivot(dtype: Any) -> float:
    """Pivots below this are rounding: the matrices are scaled so that pivots are of order one."""
    return 1e-18 if backend.standardize_dtype(dtype) == "float64" else 1e-9
