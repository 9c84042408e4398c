"""A model that has all of its weights before TensorFlow traces its first step.

Keras makes the weights of metrics, of the optimizer, and of layers that were not called yet while it traces
the first step. TensorFlow then traces it a second time. What Keras does for JAX, building on the shapes of a
batch, takes a fraction of that, as no projection is traced for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from keras_fair.inputs.arrays import dtype_of, is_tensor

__all__ = ["batch_shapes", "input_shapes"]


def batch_shapes(iterator: Any) -> Any:
    """Shapes and dtypes of a batch `(x, y, sample_weight)` of Keras' iterator over TensorFlow's data, or None
    where they are not known, or not those of tensors."""
    spec = getattr(getattr(iterator, "_distributed_dataset", None), "element_spec", None)
    if spec is None:
        return None
    spec = tree.map_structure(_of_one_replica, spec)
    if keras.utils.unpack_x_y_sample_weight(spec)[1] is None:  # what a step without labels says is of use
        return None
    known = all(isinstance(one, tf.TensorSpec) and one.shape.rank for one in tree.flatten(spec))
    return spec if known else None


def _of_one_replica(spec: Any) -> Any:
    """Replicas get batches of the same kind, of any length."""
    each = getattr(spec, "_value_specs", None)
    return spec if each is None else each[0]


def input_shapes(x: Any) -> Any:
    """Symbolic inputs like those of `predict`, or None where shapes and dtypes are not known beforehand."""
    if isinstance(x, tf.data.Dataset):
        spec = x.element_spec
        return _symbolic(spec[0] if isinstance(spec, tuple) else spec)
    parts = x.values() if isinstance(x, Mapping) else [x]
    at_hand = all(isinstance(part, np.ndarray) or is_tensor(part) for part in parts)
    return _symbolic(dict(x) if isinstance(x, Mapping) else x) if at_hand else None


def _symbolic(nested: Any) -> Any:
    if not all(getattr(one, "shape", None) for one in tree.flatten(nested)):
        return None

    def symbolic(one: Any) -> Any:
        text = isinstance(one, np.ndarray) and one.dtype.kind in "UO"
        return keras.KerasTensor((None, *one.shape[1:]), "string" if text else dtype_of(one))

    return tree.map_structure(symbolic, nested)
