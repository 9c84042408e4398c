"""Gradients by the backend's own differentiation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def gradient_of(function: Any, x: np.ndarray, *, in_graph: bool = False) -> np.ndarray:
    """The gradient of a scalar function of one tensor. TensorFlow compiles what is in a graph; JAX always."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def gradient(x: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function(x)
            return tape.gradient(value, x)

        run = tf.function(gradient, autograph=False) if in_graph else gradient
        return run(tf.constant(x)).numpy()
    if keras.backend.backend() == "torch":
        x = keras.ops.convert_to_tensor(x).requires_grad_()
        function(x).backward()
        return x.grad.numpy()
    import jax

    return np.asarray(jax.grad(lambda x: function(x))(x))


def weighted_sum(y: Any, weights: np.ndarray) -> Any:
    """The sum of a tensor times an array, which PyTorch doesn't multiply with each other."""
    return keras.ops.sum(y * keras.ops.convert_to_tensor(weights))
