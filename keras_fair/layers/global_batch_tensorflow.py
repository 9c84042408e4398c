"""Gathering over the replicas of `tf.distribute`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["gather_here"]

# Collectives of several workers move these; others go as the wider one of their kind.
_MOVED = (tf.float32, tf.float64, tf.int32, tf.int64)


def gather_here() -> Callable[[Any], tuple[Any, Callable[[Any], Any]]] | None:
    """A function that gathers nested tensors along their first axis, or None outside several replicas. It
    gives them, and what takes gathered numbers to those of this replica."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None

    def gather(nested: Any) -> tuple[Any, Callable[[Any], Any]]:
        tensors = tf.nest.flatten(nested)
        there = [tensor for tensor in tensors if tensor is not None]
        size = tf.shape(there[0])[0]
        # One collective after the other, in the same order on all replicas.
        sizes = context.all_gather(size[None], axis=0)
        whole = iter([_cast(context.all_gather(_moved(tensor), axis=0), tensor) for tensor in there])
        results = [None if tensor is None else next(whole) for tensor in tensors]
        start = tf.reduce_sum(sizes[: context.replica_id_in_sync_group])
        return tf.nest.pack_sequence_as(nested, results), lambda numbers: numbers[start : start + size]

    return gather


def _moved(tensor: Any) -> Any:
    if tensor.dtype in _MOVED:
        return tensor
    return tf.cast(tensor, tf.float32 if tensor.dtype.is_floating else tf.int32)


def _cast(whole: Any, tensor: Any) -> Any:
    whole.set_shape([None, *tensor.shape[1:]])
    return tf.cast(whole, tensor.dtype)
