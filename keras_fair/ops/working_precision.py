"""The working precision of the solver.

Rows are solved in float64 wherever the backend has it. JAX without `jax_enable_x64` has not, nor has Keras on
PyTorch; then float32 is used, and rows hold to 1e-5 of the domain's width instead of 1e-9. The tolerances
that follow from it are in `keras_fair.ops.projection.settings`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import backend

from keras_fair.inputs.arrays import widest_float

__all__ = ["rounding", "working_dtype"]

working_dtype = widest_float


def rounding(dtype: Any) -> float:
    """The spacing of floats near one."""
    return float(np.finfo(backend.standardize_dtype(dtype)).eps)
