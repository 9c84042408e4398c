"""A vector of numbers that a graph reads and writes, and that the host sets and gets: the state of a stream.

It is not a variable of the model: streams start and end, and the model does not change. TensorFlow captures a
variable of its own, JAX calls back to the host. Elsewhere nothing is compiled, and an array is enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_fair.ops.dispatch import as_numpy

__all__ = ["StreamCell"]


class StreamCell:
    """The cell where graphs are not compiled.

    Args:
        size: how many numbers.
    """

    def __init__(self, size: int) -> None:
        self._value = np.zeros(size)

    def set(self, value: np.ndarray) -> None:
        """Put numbers `(size,)` in, from the host."""
        self._value = np.array(value, dtype="float64")

    def get(self) -> np.ndarray:
        """Fetch the numbers, after all computations that were started have ended."""
        return np.array(self._value)

    def read(self) -> Any:
        """The numbers, for the code that uses them."""
        return np.array(self._value)

    def write(self, value: Any) -> None:
        """Store a tensor, from the code that makes it."""
        self._value = np.asarray(as_numpy(value))
