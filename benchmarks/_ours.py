"""`FairProjection` as a user compiles it: inside `tf.function`, with and without `jit_compile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from _arrays import Batch

import keras_fair as kf

__all__ = ["COMPILED", "backward_pass", "constraint", "forward_pass", "layer_for"]

# Every benchmark compiles many functions, which TensorFlow takes for a mistake.
tf.get_logger().setLevel("ERROR")

COMPILED = {"tf.function": False, "tf.function, jit_compile": True}


def constraint(batch: Batch) -> str:
    """What is asked of the batch, as text."""
    if batch.groups == 2:
        return f"E[y | group=g0] == E[y | group=g1] +- {batch.tolerance}"
    return f"spread(E[y | group=*]) <= {batch.tolerance}"


def layer_for(batch: Batch, dtype: str = "float32") -> kf.FairProjection:
    """The layer for a batch."""
    width = len(str(batch.groups - 1))
    values = [f"g{code:0{width}}" for code in range(batch.groups)]
    return kf.FairProjection(constraint(batch), vocabulary={"group": values}, dtype=dtype)


def forward_pass(batch: Batch, jit_compile: bool, dtype: str = "float32") -> Callable[[], np.ndarray]:
    """A function that projects the batch once. The number of predictions is not known when it is traced."""
    layer = layer_for(batch, dtype)

    @tf.function(jit_compile=jit_compile, input_signature=_signature(dtype)[:2], autograph=False)
    def run(y: Any, codes: Any) -> Any:
        return layer(y, attributes={"group": codes})

    y, codes = tf.constant(batch.predictions, dtype), tf.constant(batch.codes)
    return lambda: run(y, codes).numpy()


def backward_pass(batch: Batch, jit_compile: bool, dtype: str = "float32") -> Callable[[], np.ndarray]:
    """A function that projects the batch and sends a gradient back; it returns the gradient."""
    layer = layer_for(batch, dtype)

    @tf.function(jit_compile=jit_compile, input_signature=_signature(dtype), autograph=False)
    def run(y: Any, codes: Any, upstream: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(y)
            fair = layer(y, attributes={"group": codes})
        return fair, tape.gradient(fair, y, upstream)

    y, codes = tf.constant(batch.predictions, dtype), tf.constant(batch.codes)
    upstream = tf.constant(batch.upstream, dtype)
    return lambda: run(y, codes, upstream)[1].numpy()


def _signature(dtype: str) -> list[Any]:
    return [tf.TensorSpec((None,), dtype), tf.TensorSpec((None,), "int32"), tf.TensorSpec((None,), dtype)]
