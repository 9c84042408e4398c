"""Compiling with XLA inside graphs of TensorFlow. Eager calls compile nothing: they are answered in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

__all__ = ["compiled", "compiles_now", "padded_size", "refused_when_run"]

_LEAST = 64  # predictions
_WHOLE_POWERS = 4096


def compiled(function: Any) -> Any:
    """`function` as one XLA program inside a graph, where shapes must be known when it runs, not when it is
    traced. Eager tensors go through NumPy: a program for each structure and size takes seconds to make."""
    program = tf.function(function, jit_compile=True, autograph=False)

    def called(*tensors: Any) -> Any:
        if compiles_now():
            return program(*tensors)
        with np.errstate(all="ignore"):  # infinite bounds take part in differences
            results = function(*tf.nest.map_structure(_as_array, tensors))
        return tf.nest.map_structure(_as_tensor, results)

    return called


def compiles_now() -> bool:
    """Whether a graph is being made."""
    return not tf.executing_eagerly()


def padded_size(size: Any) -> Any:
    """The number of predictions to compute with, so that few programs serve all batch sizes.

    XLA compiles once for each shape, for seconds, and a pass over padding takes microseconds. Where the size
    is not known until the graph runs it is rounded up: to 64 or the next power of two, so that the last batch
    of an epoch seldom needs a program of its own; above 4,096, where passes cost, to an eighth of that power.

    Args:
        size: an int where it is known, else a scalar tensor.

    Returns:
        The padded size, of the same kind; None where the size is fixed for good, or nothing is compiled.
    """
    if isinstance(size, int):
        return _LEAST if size == 0 else None  # the solver takes maxima, and no numbers have none
    exponent = tf.math.ceil(tf.math.log(tf.cast(tf.maximum(size, 1), "float64")) / 0.6931471805599453 - 1e-9)
    power = tf.bitwise.left_shift(1, tf.cast(exponent, "int32"))
    step = tf.where(power > _WHOLE_POWERS, power // 8, tf.maximum(power, _LEAST))
    return step * tf.maximum((size + step - 1) // step, 1)


def refused_when_run(message: str, upstream: Sequence[Any], tensors: Sequence[Any]) -> list[Any]:
    """NaN in the shapes of the tensors, behind an assertion that fails; XLA drops the assertion.

    Raises:
        ValueError: outside a graph.
    """
    if any(hasattr(gradient, "numpy") for gradient in upstream):
        raise ValueError(message)
    with tf.control_dependencies([tf.debugging.Assert(tf.constant(False), [message])]):
        return [tf.fill(tf.shape(tensor), tf.constant(float("nan"), tensor.dtype)) for tensor in tensors]


def _as_array(tensor: Any) -> Any:
    return tensor.numpy() if tf.is_tensor(tensor) else tensor


def _as_tensor(result: Any) -> Any:
    array = np.asarray(result)  # plain floats are float64 here, and float32 in TensorFlow
    return tf.convert_to_tensor(array, "int32" if array.dtype.kind == "i" else None)
