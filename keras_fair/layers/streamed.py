"""A layer whose batches are arrivals of a stream while a function is traced.

The functions that Keras makes for `predict` and `evaluate` are traced once and kept. A streamed function is a
separate one, traced inside `streaming`, so the model's own functions contain no stream.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from keras import backend

from keras_fair.layers.batch import ProjectedBatch, arrived, project_arrivals
from keras_fair.layers.stream_cell import StreamCell
from keras_fair.ops.stream.state_vector import Readout, StreamRule
from keras_fair.rows.plan import RowPlan

__all__ = ["StreamedLayer", "stream_of", "streaming"]


class StreamedLayer:
    """One layer's part in a stream: the cell that its steps read and write.

    Args:
        rule: how rows are enforced; it holds the layer's domain and divergence.
        initial: gives the state `(size,)` to begin with, once the layer has its plan.
    """

    def __init__(self, rule: StreamRule, initial: Callable[[RowPlan], np.ndarray]) -> None:
        self.rule, self._initial = rule, initial
        self._readout: Readout | None = None
        self._cell: StreamCell | None = None

    def project_batch(self, plan: RowPlan, *batch: Any, **options: Any) -> ProjectedBatch:
        """One step of the stream; arguments as in `keras_fair.layers.batch`.

        Returns:
            The pooled rows, and the predictions with how far these are violated after them.
        """
        readout, cell = self._made(plan)
        before = cell.read()
        step = project_arrivals(self.rule, before[readout.parts["vector"]], plan, *batch, **options)
        cell.write(readout.after(before, step))
        return arrived(plan, step)

    def set(self, vector: np.ndarray) -> None:
        """Set the state before a step. Does nothing where there was no step yet."""
        if self._readout is not None and self._cell is not None:
            self._cell.set(self._readout.fresh(vector))

    def get(self) -> tuple[Readout, dict[str, np.ndarray]]:
        """What the steps since then read out.

        Raises:
            ValueError: the layer ran no step.
        """
        if self._readout is None or self._cell is None:
            raise ValueError("expected a layer that was run in the stream, received one that was not")
        return self._readout, self._readout.read(self._cell.get())

    def _made(self, plan: RowPlan) -> tuple[Readout, StreamCell]:
        if self._readout is None or self._cell is None:
            readout = Readout(plan)
            initial = readout.fresh(self._initial(plan))  # may refuse: then nothing is made
            self._readout, self._cell = readout, _new_cell(readout.size)
            self._cell.set(initial)
        return self._readout, self._cell


_active: contextvars.ContextVar[Mapping[int, StreamedLayer]] = contextvars.ContextVar(
    "keras_fair_streams",
    default={},  # noqa: B039 - never changed, only replaced
)


def stream_of(layer: Any) -> StreamedLayer | None:
    """The stream that a layer belongs to at the moment, or None."""
    return _active.get().get(id(layer))


@contextmanager
def streaming(layers: Mapping[Any, StreamedLayer]) -> Iterator[None]:
    """Connect layers to streams while a function is traced or run.

    Args:
        layers: by `id` of the layer.
    """
    token = _active.set(layers)
    try:
        yield
    finally:
        _active.reset(token)


def _new_cell(size: int) -> StreamCell:
    """The cell of the backend in use."""
    if backend.backend() == "tensorflow":
        from keras_fair.layers.stream_cell_tensorflow import TensorFlowCell

        return TensorFlowCell(size)
    if backend.backend() == "jax":
        from keras_fair.layers.stream_cell_jax import JaxCell

        return JaxCell(size)
    return StreamCell(size)
