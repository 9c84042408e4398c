"""The batch of all replicas: what several devices work on at once is held together.

`tf.distribute` gives each replica a part of a batch. Constraints speak of the batch, so predictions and codes
are gathered (8 to 12 bytes a person), each replica solves the same problem, and keeps its own people. JAX
needs none of this: there a function sees the whole batch, however it is spread over devices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from keras import backend

__all__ = ["Gathered", "gathered", "is_replica"]


class Gathered(NamedTuple):
    """A batch, and how this replica gets its own people back.

    Attributes:
        y: `(n, ...)` predictions of all replicas, in the order of the replicas.
        columns, label, sample_weight: of the same people, as they came in.
        own: takes `(n, ...)` numbers to those of this replica.
    """

    y: Any
    columns: Mapping[str, Any]
    label: Any
    sample_weight: Any
    own: Callable[[Any], Any]


def gathered(y: Any, columns: Mapping[str, Any], label: Any, sample_weight: Any) -> Gathered:
    """The batch of all replicas; the batch itself where there is one replica, or no `tf.distribute`.

    Gradients flow back to the replica that a prediction came from.
    """
    if backend.backend() == "tensorflow":
        from keras_fair.layers.global_batch_tensorflow import gather_here

        gather = gather_here()
        if gather is not None:
            (y, columns, label, sample_weight), own = gather((y, dict(columns), label, sample_weight))
            return Gathered(y, columns, label, sample_weight, own)
    return Gathered(y, columns, label, sample_weight, lambda numbers: numbers)


def is_replica() -> bool:
    """Whether this is one of several replicas at work; each has a thread, and a context, of its own."""
    if backend.backend() != "tensorflow":
        return False
    from keras_fair.layers.global_batch_tensorflow import gather_here

    return gather_here() is not None
