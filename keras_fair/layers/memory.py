"""A fading memory of past batches, for training with small ones.

A batch of eight samples says little about groups. If it must meet the constraints by itself, chance moves its
predictions. With a memory it is one step of a stream (`keras_fair.ops.stream.step`): the rows cover the batch
and the memory together, and they pull predictions rather than force them. No gradient flows into past
predictions.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from keras_fair.layers.batch import ProjectedBatch, arrived, project_arrivals
from keras_fair.layers.kept_weight import kept_weight, weight_read
from keras_fair.ops import Domain
from keras_fair.ops.dispatch import ops
from keras_fair.ops.stream.earlier import in_this_layout
from keras_fair.ops.stream.state_vector import StateLayout, StreamRule, advanced
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.plan import RowPlan

__all__ = ["Memory", "check_memory"]

_STEP = 0.2


class Memory:
    """What a layer remembers, in a weight of the layer, and the step that uses it.

    Args:
        samples: about how many predictions are remembered; older ones fade.
        domain, divergence: of the layer.
    """

    def __init__(self, samples: int, domain: Domain, divergence: str) -> None:
        # Weights that halve every h samples add up to h / log 2.
        self._rule = StreamRule(domain, divergence, _STEP, 0.0, False, samples * math.log(2.0))
        self._saved: np.ndarray | None = None
        self.weight: Any = None

    def build(self, add_weight: Any, plan: RowPlan) -> None:
        """Make the weight, with what a saved model remembered.

        Args:
            add_weight: of the layer.
            plan: the lowered constraints.
        """
        self._layout, self._outputs = StateLayout.of(plan), plan.outputs.count
        saved = None if self._saved is None else in_this_layout(self._layout, self._saved, self._outputs)
        initial = "zeros" if saved is None else lambda _, dtype: keras.ops.convert_to_tensor(saved, dtype)
        self.weight = kept_weight(add_weight, "memory", (self._layout.size,), working_dtype(), initial)

    def project_batch(self, plan: RowPlan, *batch: Any, **options: Any) -> ProjectedBatch:
        """Project the batch together with the memory; arguments as in `keras_fair.layers.batch`."""
        vector = ops.stop_gradient(weight_read(self.weight))
        step = project_arrivals(self._rule, vector, plan, *batch, **options)
        self.weight.assign(ops.stop_gradient(advanced(self._layout, vector, step.change, step.fade)))
        return arrived(plan, step)

    def save(self, store: Any) -> None:
        """Save the memory in a store of Keras."""
        if self.weight is not None:
            store["memory"] = np.asarray(ops.convert_to_numpy(self.weight.value))

    def load(self, store: Any) -> None:
        """Load the memory from a store; also before `build`, because Keras loads layers that are not built
        yet.

        A layer that was saved before it was built has no memory.
        """
        if "memory" not in store.keys():  # noqa: SIM118 - not every store of Keras has `in`
            return
        self._saved = np.array(store["memory"])
        if self.weight is not None:
            self.weight.assign(in_this_layout(self._layout, self._saved, self._outputs))


def check_memory(memory: Any) -> int | None:
    """The number of samples to remember, or None.

    Raises:
        ValueError: it is no whole number >= 1.
    """
    if memory is None:
        return None
    if isinstance(memory, bool) or not isinstance(memory, int) or memory < 1:
        raise ValueError(f"expected memory to be None or a whole number >= 1, received memory={memory!r}")
    return memory
