"""The cell of a stream on TensorFlow: a variable that graphs capture."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from keras_fair.layers.stream_cell import StreamCell

__all__ = ["TensorFlowCell"]


class TensorFlowCell(StreamCell):
    """A float64 variable, made outside the graph that is being traced."""

    def __init__(self, size: int) -> None:
        with tf.init_scope():
            self._variable = tf.Variable(np.zeros(size), trainable=False, dtype="float64")

    def set(self, value: np.ndarray) -> None:
        with tf.init_scope():
            self._variable.assign(value)

    def get(self) -> np.ndarray:
        return np.array(self._variable.numpy())

    def read(self) -> Any:
        return self._variable.read_value()

    def write(self, value: Any) -> None:
        self._variable.assign(value)
