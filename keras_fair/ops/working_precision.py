"""The working precision of the solver.

Rows are solved in float64 wherever the backend has it, and always in NumPy, so on PyTorch too. JAX without
`jax_enable_x64` has not; then float32 is used, and rows hold to 1e-5 of the domain's width instead of 1e-9.
The tolerances that follow from it are in `keras_fair.ops.projection.settings`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from keras_fair.inputs.arrays import widest_float
from keras_fair.ops.dispatch import all_numpy

__all__ = ["is_double", "rounding", "working_dtype"]


def working_dtype(*arrays: Any) -> str:
    """The precision that these are computed in together; of the backend's tensors where there are none."""
    return "float64" if arrays and all_numpy(arrays) else widest_float()


def is_double(dtype: Any) -> bool:
    """Whether a dtype, of NumPy or of a backend, is float64."""
    return _name_of(dtype) == "float64"


def rounding(dtype: Any) -> float:
    """The spacing of floats near one."""
    return _rounding(dtype)


@cache
def _name_of(dtype: Any) -> str:
    name: str = getattr(dtype, "name", None) or str(dtype)
    return name.removeprefix("torch.")


@cache
def _rounding(dtype: Any) -> float:
    return float(np.finfo(_name_of(dtype)).eps)
