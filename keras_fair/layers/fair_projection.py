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
from keras import backend, ops

from keras_fair.constraints import Constraints, parse
from keras_fair.groups.dates import periods_of
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import (
    computes_on_host,
    concrete,
    dtype_of,
    given_back,
    on_host,
)
from keras_fair.inputs.predictions import number_array
from keras_fair.inputs.refusals import InText
from keras_fair.inputs.settings import check_choice
from keras_fair.language.dates import dated_columns
from keras_fair.layers.arguments import (
    check_stiffness,
    check_vocabulary,
    is_symbolic_text,
    only,
)
from keras_fair.layers.batch import project_batch
from keras_fair.layers.building import is_built_only
from keras_fair.layers.call_arguments import (
    CallArguments,
    check_names,
    clipped_codes,
    encode,
    encode_known,
    unpacked,
)
from keras_fair.layers.checks import check_shape
from keras_fair.layers.epoch_sums import PooledWeight, pool_now
from keras_fair.layers.global_batch import gathered
from keras_fair.layers.guard import (
    is_traced,
    kept_from_compilers,
    refuse_export,
    refuse_text_under_xla,
)
from keras_fair.layers.memory import Memory, check_memory
from keras_fair.layers.place import place_kept
from keras_fair.layers.record import Record, RecordWeight
from keras_fair.layers.reports import Reports
from keras_fair.layers.streamed import stream_of
from keras_fair.ops import check_divergence, check_domain
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.lower import first_places, lower
from keras_fair.rows.margins import Margin, check_margin
from keras_fair.rows.modes import check_enforceable
from keras_fair.rows.plan import RowPlan

__all__ = ["FairProjection"]


@keras.saving.register_keras_serializable(package="keras_fair")
class FairProjection(keras.layers.Layer):
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
        kwargs.setdefault(
            "autocast", False
        )  # attributes such as `capital-gain` do not fit into half precision
        super().__init__(**kwargs)
        self.constraints = parse(constraints)
        self.domain = check_domain(domain)
        check_enforceable(self.constraints, self.domain.bounds, stacklevel=2)
        self.divergence = check_divergence(divergence, self.domain)
        self.stiffness = check_stiffness(stiffness)
        self.weight_statistics = bool(weight_statistics)
        self.weight_objective = bool(weight_objective)
        self.unknown = check_choice("unknown", unknown, ("error", "exclude"))
        self.memory = check_memory(memory)
        self.margin = check_margin(margin, self.constraints.statements, self.domain.bounds)
        self.global_batch = bool(global_batch)
        self._memory = None if self.memory is None else Memory(self.memory, self.domain, self.divergence)
        self.vocabulary = check_vocabulary(vocabulary)
        self._plans: dict[int, RowPlan] = {}
        self._reports: Reports | None = None
        self._pools = False
        self.pooled: PooledWeight | None = None

    def pool_batches(self) -> None:
        """Let the layer add up its batches where it is called inside `pooling` of `epoch_sums`."""
        self._pools = True

    def adapt(self, attributes: Any, label: Any = None) -> None:
        """Learn the values of the attributes, as `keras.layers.StringLookup` does; forgets earlier ones.

        Args:
            attributes: dict of columns, a DataFrame, or a `tf.data.Dataset` of such dicts or of
                `(dict, label)`. Columns that the constraints do not name are ignored.
            label: `(n,)`, for constraints with `for ... in label` or `label=*`.

        Raises:
            ValueError: the layer was already called, so its rows are fixed.
        """
        if self.built:
            raise ValueError(
                f"expected adapt before the layer is first called, received it after, layer={self.name!r}"
            )
        missing = "error" if self.vocabulary is None else self.vocabulary.missing
        wanted = set(self.constraints.attributes) - set(dated_columns(self.constraints))
        self.vocabulary = Vocabulary(missing=missing).adapt(only(attributes, wanted), label)
        self._plans.clear()

    def encode(self, attributes: Any) -> dict[str, Any]:
        """Columns of text and of dates as codes: for pipelines, for JAX, and for `jit_compile=True`.

        Args:
            attributes: dict of columns or a DataFrame; columns that the constraints do not name are ignored.

        Returns:
            The columns that the constraints name and the vocabulary knows, as NumPy arrays: int32 codes of
            text, floats; and those that the constraints compare with dates by order, as int16 codes.

        Raises:
            ValueError: the layer was neither adapted nor given a vocabulary; a column does not fit it.
        """
        periods = periods_of(self.constraints)
        if self.vocabulary is None and not periods:
            raise ValueError(
                f"expected a vocabulary to encode with: adapt layer={self.name!r} first, or give it one"
            )
        vocabulary = (self.vocabulary or Vocabulary()).completed({}, periods)
        columns = only(attributes, set(self.constraints.attributes) & set(vocabulary.values))
        places, encoded = first_places(self.constraints), dict[str, Any]()
        for name, column in columns.items():
            with InText(self.constraints.text, places[name]):
                encoded |= encode_known(vocabulary, {name: column}, refuse_unknown=self.unknown == "error")
        return encoded

    def plan(self, outputs: int = 1) -> RowPlan:
        """The constraints lowered for this vocabulary, domain and number of outputs.

        Raises:
            ConstraintTypeError: they have no meaning here, for example `*` without a vocabulary.
        """
        if outputs not in self._plans:
            domain = "simplex" if self.domain.simplex else self.domain.bounds
            self._plans[outputs] = lower(
                self.constraints.statements,
                self.constraints.text,
                self.vocabulary,
                outputs,
                domain=domain,
                margin=self.margin,
            )
        return self._plans[outputs]

    def record(self) -> Record:
        """What happened to the batches since the layer was made, loaded or reset.

        Raises:
            ValueError: the layer was not called yet.
        """
        return self._record().read(self._built_plan.names)

    def reset_record(self) -> None:
        """Forget the batches so far."""
        self._record().reset()

    def build(self, y_shape: Any) -> None:
        with place_kept():
            self._built_plan = self.plan(check_shape(tuple(y_shape), self.domain))
        self._reports = Reports(
            self.name,
            self._built_plan,
            self.domain,
            refuse_unknown=self.unknown == "error",
            literal=self.vocabulary is None,
            record=RecordWeight(self.add_weight, len(self._built_plan.names)),
        )
        self._record_weight = self._reports.record.weight  # TensorFlow saves the variables of attributes only
        if self._memory is not None:
            self._memory.build(self.add_weight, self._built_plan)
            self._memory_weight = self._memory.weight
        if self._pools:
            self.pooled = PooledWeight(self.add_weight, self._built_plan)
            self._pooled_weight = self.pooled.weight

    @kept_from_compilers
    def __call__(
        self, y: Any, attributes: Any = None, label: Any = None, sample_weight: Any = None, **kwargs: Any
    ) -> Any:
        call = unpacked(y, attributes, label, sample_weight)
        if not backend.is_keras_tensor(call.y):
            with place_kept():
                call = self._read(call)
        return super().__call__(
            call.y,
            attributes=call.attributes or None,
            label=call.label,
            sample_weight=call.sample_weight,
            **kwargs,
        )

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

    def compute_output_shape(self, y_shape: Any, **_: Any) -> Any:
        return tuple(y_shape)

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
            "constraints": str(self.constraints),
            "domain": "simplex" if self.domain.simplex else list(self.domain.bounds),
            "divergence": self.divergence,
            "vocabulary": None if self.vocabulary is None else self.vocabulary.get_config(),
            "stiffness": self.stiffness,
            "weight_statistics": self.weight_statistics,
            "weight_objective": self.weight_objective,
            "unknown": self.unknown,
            "memory": self.memory,
            "margin": self.margin if isinstance(self.margin, float) else dict(self.margin),
            "global_batch": self.global_batch,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FairProjection:
        config = dict(config)
        if config["vocabulary"] is not None:
            config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)

    def save_own_variables(self, store: Any) -> None:
        """Save the memory of past batches; the record of batches is not part of a model."""
        if self._memory is not None:
            self._memory.save(store)

    def load_own_variables(self, store: Any) -> None:
        """See `save_own_variables`."""
        if self._memory is not None:
            self._memory.load(store)

    def _read(self, call: CallArguments) -> CallArguments:
        """The call with predictions as a tensor and the columns encoded."""
        if not ops.is_tensor(call.y):
            call = call._replace(y=ops.convert_to_tensor(number_array(call.y, "predictions y")[0]))
        plan = self.plan(check_shape(tuple(call.y.shape), self.domain))
        check_names(plan, call)
        self._note_text(call.attributes)
        listed = {} if self.vocabulary is None else self.vocabulary.values
        return encode(plan, call, listed, self.domain, refuse_unknown=self.unknown == "error")

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

    def _note_text(self, attributes: Mapping[str, Any]) -> None:
        """XLA has no text: `jit_compile="auto"` does not compile a model that reads text in the graph."""
        if any(is_symbolic_text(column) for column in attributes.values()):
            self.supports_jit = False
            refuse_text_under_xla(self.name)

    def _record(self) -> RecordWeight:
        if self._reports is None:
            raise ValueError(f"expected a layer that was called, received layer={self.name!r}, which was not")
        return self._reports.record
