"""The projection as a layer: predictions in, the closest predictions that meet the constraints out.

    minimise sum_i w_i D(y_i, r_i)   subject to the rows of the batch,   y in the domain

The class holds configuration and weights and routes a batch through `keras_fair.rows` and `keras_fair.ops`,
which own the mathematics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import backend, ops

from keras_fair.constraints import Constraints
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import (
    computes_on_host,
    concrete,
    dtype_of,
    given_back,
    on_host,
)
from keras_fair.layers.arguments import check_stiffness
from keras_fair.layers.batch import project_batch
from keras_fair.layers.building import is_built_only
from keras_fair.layers.call_arguments import CallArguments, check_names, clipped_codes
from keras_fair.layers.constraint_layer import ConstraintLayer
from keras_fair.layers.epoch_sums import pool_now
from keras_fair.layers.global_batch import gathered
from keras_fair.layers.guard import is_traced, refuse_export
from keras_fair.layers.memory import Memory, check_memory
from keras_fair.layers.place import place_kept
from keras_fair.layers.streamed import stream_of
from keras_fair.ops import check_divergence
from keras_fair.ops.stream.pooled import PooledSums
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.lower import lower
from keras_fair.rows.margins import Margin, check_margin
from keras_fair.rows.modes import check_enforceable
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.summary import summary_of

__all__ = ["FairProjection"]


@keras.saving.register_keras_serializable(package="keras_fair")
class FairProjection(ConstraintLayer):
    """Moves predictions as little as possible so that the constraints hold on every batch.

    It has nothing to train; gradients flow through it. Where no predictions in the domain meet all rows of a
    batch, those that violate them least are returned. A warning (once), `record()` and `FairnessMonitor`
    report this. Rows of a group with no sample in a batch are left out for that batch.

    Args:
        constraints: text of the constraint language, or a `ConstraintSet`. `*` and `for ... in attribute`
            need the values of the attribute: call `adapt` first, or give a `vocabulary`.
        domain: where predictions lie: `(low, high)`, None for all reals, or `"simplex"` for a softmax.
        divergence: `"euclidean"`, `"binary_crossentropy"` or `"categorical_crossentropy"`; see
            `keras_fair.project`.
        vocabulary: a `Vocabulary`, or a dict from attribute to its values; default: the values that the
            constraints name are used as written, and any other value of these attributes is an ordinary
            value.
        stiffness: the price of violating a row, > 0; infinite (default): rows are violated only where that
            cannot be avoided.
        weight_statistics: whether `sample_weight` weighs the statistics.
        weight_objective: whether `sample_weight` weighs the objective: heavy samples are then moved less. A
            weight of 0 counts as 1 there.
        unknown: what a value outside the vocabulary means: `"error"` (default) refuses it, `"exclude"` leaves
            the sample out of all groups of that attribute; it still counts in `E[y]`.
        memory: for training with small batches: about how many past predictions count in addition to those of
            the batch, >= 1; older ones fade. The rows then hold over both together and are elastic, as in a
            stream (docs/streaming.md), `stiffness` does not count, and in `fit` single batches may violate
            them. Outside training, and with None (default), each batch meets them by itself.
        margin: how far inside its bounds the gap of each statement is held, in units of the gap: a number
            >= 0 for all statements, or a dict from their names (without a name their text, as in logs) to
            numbers. With 0 (default) the gap may end on its bound, where an audit with intervals is
            undecided; `keras_fair.margin_for` says which margin a later audit takes. What is reported stays
            measured by the bounds of the text. A margin that leaves nothing between two bounds is refused; an
            equality without a tolerance leaves nothing.
        global_batch: whether the replicas of a `tf.distribute` strategy hold the constraints on the batch of
            all of them together (default), as one device would, or each on its own part.

    Call arguments:
        y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions inside the domain. Or one dict that holds all
            inputs: `{"y": predictions, attribute: column, ...}`, optionally with `"label"` and
            `"sample_weight"`.
        attributes: dict of columns `(n,)` or `(n, 1)`, or a DataFrame: text (inside a graph on TensorFlow
            only, and not with `jit_compile=True`), codes as `Vocabulary.encode` makes them, numbers,
            probabilities of groups, or dates (inside a graph codes as `encode` makes them).
        label: `(n,)` or `(n, 1)`, needed where the constraints use it; a float in [0, 1] is the probability
            of 1.
        sample_weight: `(n,)`, >= 0.

    Returns:
        Predictions of the shape and dtype of `y`, or in the layer's compute dtype where that is wider;
        computed in float64 where the backend has it.

    Raises:
        ConstraintError: the constraints are malformed, or do not fit the attributes of the call.
        ValueError: arguments that do not fit; predictions that are NaN or outside the domain. Inside `fit`
            such faults of the data stop TensorFlow and JAX with an error of their own. Under
            `jit_compile=True` TensorFlow can't stop: predictions outside the domain are clipped to it and the
            batch is counted in `record()`.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> layer = kf.FairProjection("E[y | sex=Female] == E[y | sex=Male] +- 0.1")
        >>> sex = np.array(["Female", "Female", "Male", "Male"])
        >>> fair = layer(np.array([0.2, 0.4, 0.6, 0.8]), attributes={"sex": sex})
        >>> np.asarray(fair).round(2).tolist()
        [0.35, 0.55, 0.45, 0.65]
    """

    def __init__(
        self,
        constraints: Constraints,
        *,
        domain: Any = (0.0, 1.0),
        divergence: str = "euclidean",
        vocabulary: Vocabulary | Mapping[str, Sequence[Any] | None] | None = None,
        stiffness: float = math.inf,
        weight_statistics: bool = True,
        weight_objective: bool = True,
        unknown: str = "error",
        memory: int | None = None,
        margin: Margin = 0.0,
        global_batch: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            constraints,
            domain=domain,
            vocabulary=vocabulary,
            weight_statistics=weight_statistics,
            unknown=unknown,
            global_batch=global_batch,
            **kwargs,
        )
        check_enforceable(self.constraints, self.domain.bounds, stacklevel=2)
        self.divergence = check_divergence(divergence, self.domain)
        self.stiffness = check_stiffness(stiffness)
        self.weight_objective = bool(weight_objective)
        self.memory = check_memory(memory)
        self.margin = check_margin(margin, self.constraints.statements, self.domain.bounds)
        self._memory = None if self.memory is None else Memory(self.memory, self.domain, self.divergence)

    def _lowered(self, outputs: int) -> RowPlan:
        domain = "simplex" if self.domain.simplex else self.domain.bounds
        return lower(
            self.constraints.statements,
            self.constraints.text,
            self.vocabulary,
            outputs,
            domain=domain,
            margin=self.margin,
        )

    def summary(self, place: int) -> dict[str, float]:
        plan = self._built_plan
        assert self.pooled is not None
        ends = np.cumsum([plan.terms, plan.terms, plan.constants])
        sums = PooledSums(*np.split(self.pooled.read(place), ends))
        return summary_of(self.constraints.statements, sums.rows(plan), np.zeros(0))

    def _pooled_size(self) -> int:
        return 2 * (self._built_plan.terms + self._built_plan.constants)

    def build(self, y_shape: Any) -> None:
        super().build(y_shape)
        if self._memory is not None:
            self._memory.build(self.add_weight, self._built_plan)
            self._memory_weight = self._memory.weight

    def call(
        self,
        y: Any,
        attributes: Any = None,
        label: Any = None,
        sample_weight: Any = None,
        training: bool | None = None,
    ) -> Any:
        if is_built_only():
            return ops.cast(y, self._output_dtype(y))
        with place_kept():
            if not self.global_batch:
                return self._projected(y, attributes or {}, label, sample_weight, bool(training))
            batch = gathered(y, attributes or {}, label, sample_weight)
            return batch.own(self._projected(*batch[:4], bool(training)))

    def compute_output_spec(
        self, y: Any, attributes: Any = None, label: Any = None, sample_weight: Any = None, **_: Any
    ) -> Any:
        with place_kept():
            check_names(self._built_plan, CallArguments(y, attributes or {}, label, sample_weight))
        self._note_text(attributes or {})
        return keras.KerasTensor(y.shape, dtype=self._output_dtype(y))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "divergence": self.divergence,
            "stiffness": self.stiffness,
            "weight_objective": self.weight_objective,
            "memory": self.memory,
            "margin": self.margin if isinstance(self.margin, float) else dict(self.margin),
        }

    def save_own_variables(self, store: Any) -> None:
        """Save the memory of past batches; the record of batches is not part of a model."""
        if self._memory is not None:
            self._memory.save(store)

    def load_own_variables(self, store: Any) -> None:
        """See `save_own_variables`."""
        if self._memory is not None:
            self._memory.load(store)

    def _projected(
        self, y: Any, columns: Mapping[str, Any], label: Any, sample_weight: Any, training: bool
    ) -> Any:
        if y.shape[0] == 0:
            return ops.cast(y, self._output_dtype(y))
        symbolic = concrete(y) is None
        if symbolic or is_traced():
            refuse_export(self.name, self.constraints)
        if symbolic and computes_on_host():  # Keras asks for the shape of the answer
            return ops.cast(y, self._output_dtype(y))
        given, columns = y, {name: on_host(column) for name, column in columns.items()}
        y, label, sample_weight = map(on_host, (y, label, sample_weight))
        stream = stream_of(self) or (self._memory if training else None)
        batch = (project_batch if stream is None else stream.project_batch)(
            self._built_plan,
            y,
            clipped_codes(self._built_plan, columns) if symbolic else columns,
            label,
            statistics_weight=sample_weight if self.weight_statistics else None,
            objective_weight=sample_weight if self.weight_objective else None,
            domain=self.domain,
            divergence=self.divergence,
            stiffness=self.stiffness,
        )
        assert self._reports is not None
        weighs = self.weight_statistics or self.weight_objective
        self._reports.add(
            y, columns, batch.rows, batch.projection, sample_weight if weighs else None, label=label
        )
        place = pool_now()
        if place is not None and self.pooled is not None:
            self.pooled.add(place, batch.sums())
        return given_back(batch.projection.y, given, self._output_dtype(given))

    def _output_dtype(self, y: Any) -> str:
        """That of the predictions, or the compute dtype where it is wider."""
        # Keras' own rule makes float32 of two float64 on JAX, also where JAX has float64.
        double = working_dtype() == "float64" and "float64" in (dtype_of(y), self.compute_dtype)
        return "float64" if double else str(backend.result_type(y.dtype, self.compute_dtype))
