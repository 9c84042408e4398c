"""A model that has all of its weights before TensorFlow traces its first step.

Keras makes the weights of metrics, of the optimizer, and of layers that were not called yet while it traces
the first step. TensorFlow then traces it a second time, which doubles the wait for the first batch. What Keras
does for JAX, building on the shapes of a batch, takes a fraction of that, as no projection is traced for it.
"""

from __future__ import annotations

from typing import Any

from keras import tree

__all__ = ["batch_shapes"]


def batch_shapes(iterator: Any) -> Any:
    """Shapes and dtypes of a batch `(x, y, sample_weight)` of Keras' iterator over TensorFlow's data, or None
    where they are not known, or not those of tensors."""
    import tensorflow as tf

    spec = getattr(getattr(iterator, "_distributed_dataset", None), "element_spec", None)
    leaves = [] if spec is None else tree.flatten(spec)
    known = bool(leaves) and all(isinstance(one, tf.TensorSpec) and one.shape.rank for one in leaves)
    return spec if known else None
