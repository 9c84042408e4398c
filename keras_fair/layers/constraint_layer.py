"""What the layers that constraints are given to share: what a call hands in, read and checked, and by whom.

A layer of this kind holds constraints, the vocabulary that encodes their attributes, and one plan for each
number of outputs. What it does with a batch is its own: `FairProjection` moves the predictions,
`FairnessPenalty` and `FairnessLagrangian` add to the loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import backend, ops

from keras_fair.constraints import Constraints, parse
from keras_fair.groups.dates import periods_of
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.predictions import number_array
from keras_fair.inputs.refusals import InText
from keras_fair.inputs.settings import check_choice
from keras_fair.language.dates import dated_columns
from keras_fair.layers.arguments import check_vocabulary, is_symbolic_text, only
from keras_fair.layers.call_arguments import CallArguments, check_names, encode, encode_known, unpacked
from keras_fair.layers.checks import check_shape
from keras_fair.layers.epoch_sums import PooledWeight
from keras_fair.layers.guard import kept_from_compilers, refuse_text_under_xla
from keras_fair.layers.place import place_kept
from keras_fair.layers.record import Record, RecordWeight
from keras_fair.layers.reports import Reports
from keras_fair.ops import check_domain
from keras_fair.rows.lower import first_places

__all__ = ["ConstraintLayer"]


class ConstraintLayer(keras.layers.Layer):
    """A layer with constraints. Abstract: a layer of its kind lowers them, and says what becomes of a batch.

    Args:
        constraints, domain, vocabulary, weight_statistics, unknown, global_batch: see `FairProjection`.
    """

    trains_weights = False  # whether it adds to the loss, so that predictions need no attributes

    def __init__(
        self,
        constraints: Constraints,
        *,
        domain: Any,
        vocabulary: Vocabulary | Mapping[str, Sequence[Any] | None] | None,
        weight_statistics: bool,
        unknown: str,
        global_batch: bool,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault(
            "autocast", False
        )  # attributes such as `capital-gain` do not fit into half precision
        super().__init__(**kwargs)
        self.constraints = parse(constraints)
        self.domain = check_domain(domain)
        self.weight_statistics = bool(weight_statistics)
        self.unknown = check_choice("unknown", unknown, ("error", "exclude"))
        self.global_batch = bool(global_batch)
        self.vocabulary = check_vocabulary(vocabulary)
        self._plans: dict[int, Any] = {}
        self._reports: Reports | None = None
        self._pools = False
        self.pooled: PooledWeight | None = None

    def _lowered(self, outputs: int) -> Any:
        """The constraints lowered for a number of outputs."""
        raise NotImplementedError

    @property
    def attributes(self) -> tuple[str, ...]:
        """The columns that a call hands in."""
        return self.constraints.attributes

    @property
    def uses_label(self) -> bool:
        """Whether a call hands in the label."""
        return self.constraints.uses_label

    def pool_batches(self) -> None:
        """Let the layer add up its batches where it is called inside `pooling` of `epoch_sums`."""
        self._pools = True

    def summary(self, place: int) -> dict[str, float]:
        """`{name}_gap` and `{name}_violation` of each statement over the batches added up in a place."""
        raise NotImplementedError

    def end_epoch(self) -> dict[str, float]:
        """What else is logged at the end of an epoch of `fit`."""
        return {}

    def doubts(self) -> list[str]:
        """What the user should know after `fit`, in sentences."""
        return []

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

    def plan(self, outputs: int = 1) -> Any:
        """The constraints lowered for this vocabulary, domain and number of outputs.

        Raises:
            ConstraintTypeError: they have no meaning here, for example `*` without a vocabulary.
        """
        if outputs not in self._plans:
            self._plans[outputs] = self._lowered(outputs)
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
        if self._pools:
            self.pooled = PooledWeight(self.add_weight, self._pooled_size())
            self._pooled_weight = self.pooled.weight

    def _pooled_size(self) -> int:
        """How many numbers a batch adds to the sums of an epoch."""
        raise NotImplementedError

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

    def compute_output_shape(self, y_shape: Any, **_: Any) -> Any:
        return tuple(y_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "constraints": str(self.constraints),
            "domain": "simplex" if self.domain.simplex else list(self.domain.bounds),
            "vocabulary": None if self.vocabulary is None else self.vocabulary.get_config(),
            "weight_statistics": self.weight_statistics,
            "unknown": self.unknown,
            "global_batch": self.global_batch,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        if config["vocabulary"] is not None:
            config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)

    def _check_given(self, plan: Any, call: CallArguments) -> None:
        """Raise ConstraintTypeError where an attribute or the label is not given."""
        check_names(plan, call)

    def _read(self, call: CallArguments) -> CallArguments:
        """The call with predictions as a tensor and the columns encoded."""
        if not ops.is_tensor(call.y):
            call = call._replace(y=ops.convert_to_tensor(number_array(call.y, "predictions y")[0]))
        plan = self.plan(check_shape(tuple(call.y.shape), self.domain))
        self._check_given(plan, call)
        self._note_text(call.attributes)
        listed = {} if self.vocabulary is None else self.vocabulary.values
        return encode(plan, call, listed, self.domain, refuse_unknown=self.unknown == "error")

    def _note_text(self, attributes: Mapping[str, Any]) -> None:
        """XLA has no text: `jit_compile="auto"` does not compile a model that reads text in the graph."""
        if any(is_symbolic_text(column) for column in attributes.values()):
            self.supports_jit = False
            refuse_text_under_xla(self.name)

    def _record(self) -> RecordWeight:
        if self._reports is None:
            raise ValueError(f"expected a layer that was called, received layer={self.name!r}, which was not")
        return self._reports.record
