"""Layers that train the weights: predictions pass unchanged, and something is added to the loss.

They need attributes, and the label where a text names it, in training only. Outside it, what is lacking means
that nothing is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_fair.layers.building import is_built_only
from keras_fair.layers.call_arguments import CallArguments, check_names
from keras_fair.layers.constraint_layer import ConstraintLayer
from keras_fair.layers.global_batch import gathered
from keras_fair.layers.place import place_kept

__all__ = ["BatchEnd", "BatchSeen", "TrainingLayer"]


class BatchEnd(NamedTuple):
    """How a batch ended, as a record keeps it: an `Outcome` as () int, and the violation of each row."""

    outcome: Any
    violation: Any


class BatchSeen(NamedTuple):
    """Which rows were measured, and who could not be read."""

    active: Any
    unknown: Mapping[str, Any]
    missing: Mapping[str, Any]


class TrainingLayer(ConstraintLayer):
    """A layer of constraints that adds to the loss. Abstract: a layer of its kind says what of a batch."""

    trains_weights = True

    def call(
        self,
        y: Any,
        attributes: Any = None,
        label: Any = None,
        sample_weight: Any = None,
        training: bool | None = None,
    ) -> Any:
        if is_built_only() or y.shape[0] == 0 or (self._lacks(attributes, label) and not training):
            return y
        with place_kept():
            columns = attributes or {}
            if self.global_batch:
                whole = gathered(y, columns, label, sample_weight)
                self._trained_on(whole.y, whole.columns, whole.label, whole.sample_weight, bool(training))
            else:
                self._trained_on(y, columns, label, sample_weight, bool(training))
        return y

    def _trained_on(self, y: Any, columns: Any, label: Any, sample_weight: Any, training: bool) -> None:
        """Measure a batch and add to the loss.

        Raises:
            ConstraintTypeError: an attribute or the label is lacking.
        """
        raise NotImplementedError

    def compute_output_spec(
        self,
        y: Any,
        attributes: Any = None,
        label: Any = None,
        sample_weight: Any = None,
        training: bool | None = None,
        **_: Any,
    ) -> Any:
        if training:
            with place_kept():
                check_names(self._built_plan, CallArguments(y, attributes or {}, label, sample_weight))
        self._note_text(attributes or {})
        return keras.KerasTensor(y.shape, dtype=y.dtype)

    def _read(self, call: CallArguments) -> CallArguments:
        if not set(self.attributes) <= set(call.attributes):
            y = call.y if ops.is_tensor(call.y) else ops.convert_to_tensor(call.y)
            return call._replace(y=y, attributes={})
        return super()._read(call)

    def _check_given(self, plan: Any, call: CallArguments) -> None:
        """A label may be missing: outside training nothing is measured then."""

    def _lacks(self, attributes: Any, label: Any) -> bool:
        """Whether something that statements name is not given."""
        lacks_label = self.uses_label and label is None
        return lacks_label or not set(self.attributes) <= set(attributes or {})
