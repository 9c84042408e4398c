"""Compiling with XLA on TensorFlow, eagerly and inside a plain graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

__all__ = ["compiled", "padded_size", "refused_when_run"]

_LEAST = 64  # predictions
_WHOLE_POWERS = 4096


def compiled(function: Any) -> Any:
    """`function` as one XLA program. Shapes must be known when it runs, not when it is traced."""
    return tf.function(function, jit_compile=True, autograph=False)


def padded_size(size: Any) -> Any:
    """The number of predictions to compute with, so that few programs serve all batch sizes.

    XLA compiles once for each shape, for seconds, and a pass over padding takes microseconds. Where the size
    is not known until the graph runs, or where eager calls may bring a new one each time, it is rounded up:
    to 64 or the next power of two, so that the last batch of an epoch seldom needs a program of its own;
    above 4,096, where passes cost, to an eighth of that power.

    Args:
        size: an int where it is known, else a scalar tensor.

    Returns:
        The padded size, of the same kind; None where the size is fixed for good and needs no padding.
    """
    if isinstance(size, int):
        return _rounded_up(size) if tf.executing_eagerly() or size == 0 else None
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


def _rounded_up(size: int) -> int:
    power = 1 << (max(size, 1) - 1).bit_length()
    step = power // 8 if power > _WHOLE_POWERS else max(power, _LEAST)
    return step * max(-(-size // step), 1)
