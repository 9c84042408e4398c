"""A training step on TensorFlow that keeps the task's gradient from helping the adversary.

With `t` the gradient of the task and `r` the reversed gradient of the adversary, both for the weights of the
base model, the step goes along

    t - ((t . r) / (r . r)) r + r

(Zhang, Lemoine and Mitchell, 2018, equation 1, where r = -alpha times the adversary's gradient).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["projected_step"]


def projected_step(model: Any, data: Any, layer: Any) -> Any:
    """One step on a batch.

    Args:
        model: a compiled model.
        data: `(x, y, sample_weight)`.
        layer: of the model, whose loss is the adversary's.

    Returns:
        The logs, as `keras.Model.train_step` gives them.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    with tf.GradientTape(persistent=True) as tape:
        y_pred = model(x, training=True)
        adversary = tf.add_n(layer.losses)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
    model._loss_tracker.update_state(loss, sample_weight=tf.shape(keras.tree.flatten(x)[0])[0])
    weights = model.trainable_weights
    own = {id(weight) for weight in layer.trainable_weights}
    gradients = tape.gradient(loss, weights)
    reversed_gradients = tape.gradient(adversary, weights)
    del tape
    inner = square = tf.zeros(())
    for weight, whole, turned in zip(weights, gradients, reversed_gradients, strict=True):
        if id(weight) not in own and whole is not None and turned is not None:
            inner += tf.reduce_sum((whole - turned) * turned)
            square += tf.reduce_sum(turned * turned)
    share = tf.math.divide_no_nan(inner, square)
    projected = [
        whole if id(weight) in own or whole is None or turned is None else whole - share * turned
        for weight, whole, turned in zip(weights, gradients, reversed_gradients, strict=True)
    ]
    model.optimizer.apply_gradients(zip(projected, weights, strict=True))
    return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
