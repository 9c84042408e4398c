"""Batches that Python makes one at a time, from a generator or a `PyDataset`, read as whole data are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import GeneratorType
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["are_batches", "read_batches"]

Read = Callable[[Any, Any, Any], Any]


def are_batches(x: Any) -> bool:
    """Whether this makes batches in Python, so that they can be read before Keras sees them."""
    return isinstance(x, (GeneratorType, keras.utils.PyDataset))


def read_batches(batches: Any, read: Read) -> Any:
    """The same batches with inputs as Keras takes them.

    Args:
        batches: a generator or a `PyDataset` of `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.
        read: a function of these three that gives x.
    """
    if isinstance(batches, GeneratorType):
        return _generated(batches, read)
    return _ReadDataset(batches, read)


def _generated(batches: Iterator[Any], read: Read) -> Iterator[Any]:
    for batch in batches:
        yield _read_batch(batch, read)


def _read_batch(batch: Any, read: Read) -> Any:
    if not isinstance(batch, (tuple, list)):
        return _as_tensors(read(batch, None, None))
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(tuple(batch))
    return (_as_tensors(read(x, y, sample_weight)), *batch[1:])


def _as_tensors(inputs: Any) -> Any:
    """Inputs with text as tensors: of batches Keras takes no text in another form."""

    def as_tensor(column: Any) -> Any:
        is_text = isinstance(column, np.ndarray) and column.dtype.kind == "O"
        return ops.convert_to_tensor(column) if is_text else column

    return keras.tree.map_structure(as_tensor, inputs)


class _ReadDataset(keras.utils.PyDataset):
    """A `PyDataset` whose batches are read."""

    def __init__(self, batches: keras.utils.PyDataset, read: Read) -> None:
        super().__init__(
            workers=batches.workers,
            use_multiprocessing=batches.use_multiprocessing,
            max_queue_size=batches.max_queue_size,
        )
        self._batches, self._read = batches, read

    @property
    def num_batches(self) -> Any:
        return self._batches.num_batches

    def __getitem__(self, index: int) -> Any:
        return _read_batch(self._batches[index], self._read)

    def on_epoch_begin(self) -> None:
        self._batches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._batches.on_epoch_end()
