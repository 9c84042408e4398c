"""The function of a model that TensorFlow saves."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["saved_function"]


def saved_function(model: Any, signature: Any) -> Any:
    """The model as a function of inputs of a signature; None where there is no signature.

    Args:
        model: a Keras model.
        signature: `InputSpec`s in the structure of its inputs, or None.
    """
    if signature is None:
        return None
    specs = keras.tree.map_structure(lambda spec: tf.TensorSpec(spec.shape, spec.dtype, spec.name), signature)
    return tf.function(lambda inputs: model(inputs), input_signature=[specs], autograph=False)
