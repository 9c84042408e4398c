"""`FairProjection` as a user compiles it: inside `tf.function`, with and without `jit_compile`.

A call of a `tf.function` looks for the program that fits its arguments, in Python, which takes longer than
many a program runs. One who holds the program itself, its concrete function, as a server does, is spared
that.
"""

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


def forward_pass(
    batch: Batch, jit_compile: bool, dtype: str = "float32", *, concrete: bool = False
) -> Callable[[], np.ndarray]:
    """A function that projects the batch once; `concrete`: by the compiled program itself."""
    layer = layer_for(batch, dtype)

    @tf.function(jit_compile=jit_compile)
    def run(y: Any, codes: Any) -> Any:
        return layer(y, attributes={"group": codes})

    inputs = tf.constant(batch.predictions, dtype), tf.constant(batch.codes)
    called = run.get_concrete_function(*inputs) if concrete else run
    return lambda: called(*inputs).numpy()


def backward_pass(
    batch: Batch, jit_compile: bool, dtype: str = "float32", *, concrete: bool = False
) -> Callable[[], np.ndarray]:
    """A function that projects the batch and sends a gradient back; it returns the gradient."""
    layer = layer_for(batch, dtype)

    @tf.function(jit_compile=jit_compile)
    def run(y: Any, codes: Any, upstream: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(y)
            fair = layer(y, attributes={"group": codes})
        return fair, tape.gradient(fair, y, upstream)

    inputs = (
        tf.constant(batch.predictions, dtype),
        tf.constant(batch.codes),
        tf.constant(batch.upstream, dtype),
    )
    called = run.get_concrete_function(*inputs) if concrete else run
    return lambda: called(*inputs)[1].numpy()
