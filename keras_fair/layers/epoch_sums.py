"""What is pooled over the batches of an epoch, for the logs of `fit`: gaps are of all samples together.

A layer adds up while it is inside `pooling`; otherwise nothing is computed. The sums of training and of
validation lie in one weight, because each weight that a compiled function writes takes time of its own.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_fair.layers.kept_weight import kept_weight, weight_read
from keras_fair.ops.dispatch import ops
from keras_fair.ops.working_precision import working_dtype

__all__ = ["TRAINING", "VALIDATION", "PooledWeight", "pool_now", "pooling"]

TRAINING, VALIDATION = 0, 1

_place: contextvars.ContextVar[int | None] = contextvars.ContextVar("keras_fair_pooling", default=None)


@contextmanager
def pooling(place: int | None) -> Iterator[None]:
    """Add up the batches of this thread at a place, `TRAINING` or `VALIDATION`; None: nowhere."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def pool_now() -> int | None:
    """Where batches are added up at the moment."""
    return _place.get()


class PooledWeight:
    """The weight that holds the sums.

    Args:
        add_weight: of the layer.
        size: how many numbers a batch adds.
    """

    def __init__(self, add_weight: Any, size: int) -> None:
        self.weight = kept_weight(add_weight, "pooled", (2, size), working_dtype())

    def add(self, place: int, sums: Any) -> None:
        """Add what a batch leaves behind, `(size,)`."""
        before = weight_read(self.weight)
        sums = ops.stop_gradient(ops.cast(sums, before.dtype))
        added = [ops.zeros_like(sums), ops.zeros_like(sums)]
        added[place] = sums
        self.weight.assign(before + ops.stack(added))

    def read(self, place: int) -> np.ndarray:
        """The sums over all samples that were added there, `(size,)`."""
        return np.asarray(ops.convert_to_numpy(self.weight.value), "float64")[place]

    def reset(self, place: int) -> None:
        """Forget the samples of one place."""
        sums = np.array(ops.convert_to_numpy(self.weight.value))
        sums[place] = 0.0
        self.weight.assign(sums)
