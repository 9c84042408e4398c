"""The cell of a stream on JAX: an array of the host that compiled code reads and writes by ordered calls."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.experimental import io_callback

from keras_fair.layers.stream_cell import StreamCell
from keras_fair.ops.working_precision import working_dtype

__all__ = ["JaxCell"]


class JaxCell(StreamCell):
    """A host array."""

    def get(self) -> np.ndarray:
        jax.effects_barrier()
        return super().get()

    def read(self) -> Any:
        dtype = np.dtype(working_dtype())
        form = jax.ShapeDtypeStruct(self._value.shape, dtype)
        return io_callback(lambda: self._value.astype(dtype), form, ordered=True)

    def write(self, value: Any) -> None:
        io_callback(self._put, None, value, ordered=True)

    def _put(self, value: Any) -> None:
        self._value = np.asarray(value, dtype="float64")
