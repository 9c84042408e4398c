"""What a model reads of the data that `fit`, `evaluate` and `predict` are given, before Keras sees them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import backend

from keras_fair.errors import near_names, quoted
from keras_fair.groups.demands import number_thresholds
from keras_fair.groups.samples import needed_columns
from keras_fair.inputs.arrays import is_tensor
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.orders import check_order
from keras_fair.inputs.predictions import check_lengths, part_of_output
from keras_fair.language.dates import dated_columns
from keras_fair.layers.constraint_layer import ConstraintLayer
from keras_fair.models.batches import are_batches, read_batches
from keras_fair.models.inputs import AttributeRules, Routes
from keras_fair.models.served import ServedInputs
from keras_fair.rows.lower import first_places
from keras_fair.rows.sample_doubts import (
    alike_values,
    doubts_about_labels,
    label_extent,
)

__all__ = ["Reader"]


class Reader:
    """Reads inputs for one model.

    Args:
        layer: of the model, which holds the constraints.
        routes: which input goes where.
        served: is told which inputs are text.
        output: of several outputs, the one that the constraints are on.
    """

    def __init__(
        self,
        layer: ConstraintLayer,
        routes: Routes,
        served: ServedInputs,
        output: str | int | None = None,
    ) -> None:
        self.layer, self.routes, self.served, self.output = layer, routes, served, output
        self._doubted = False

    def of_output(self, part: Any) -> Any:
        """The labels or weights of the output that the constraints are on."""
        return part_of_output(part, self.output)

    def read(self, x: Any, y: Any = None, sample_weight: Any = None, *, optional: bool = False) -> Any:
        """Inputs as Keras takes them.

        Args:
            x, y, sample_weight: as given to the model.
            optional: whether attributes may be left out.

        Raises:
            ValueError: labels or weights are in another order than the inputs; the labels are text; a column
                cannot be read.
        """
        if are_batches(x):
            return read_batches(x, partial(self.read, optional=optional))
        _refuse_text_of_datasets(x)
        inputs = (
            {f"input {name!r}": column for name, column in x.items()} if isinstance(x, Mapping) else {"x": x}
        )
        check_order({**inputs, "y": y, "sample_weight": sample_weight})
        self._check_columns(x, y, sample_weight, optional)
        _refuse_text_labels(self.of_output(y))
        self._doubt_labels(self.of_output(y))
        vocabulary = self.layer.vocabulary
        dated = frozenset(dated_columns(self.layer.constraints))
        text: set[str] = set()

        def encode(columns: dict[str, Any]) -> dict[str, Any]:
            if vocabulary is None and not dated & set(columns):
                return {}
            encoded = self.layer.encode(columns)
            text.update(set(encoded) - dated)
            return encoded

        rules = AttributeRules(
            encode=encode,
            thresholds=number_thresholds(self.layer.constraints.statements, vocabulary),
            missing="error" if vocabulary is None else vocabulary.missing,
            dated=dated,
        )
        readable = self.routes.readable(x, rules, optional=optional)
        self.served.see_text(text)
        return readable

    def _doubt_labels(self, label: Any) -> None:
        """Warn, once, of labels that are coded other than 0 and 1 where these are asked for."""
        constraints = self.layer.constraints
        if self._doubted or label is None or not constraints.uses_label or is_tensor(label):
            return
        domain = self.layer.domain.bounds
        for doubt in doubts_about_labels(constraints, label_extent(label), domain):
            self._doubted = True
            warnings.warn(doubt, stacklevel=4)

    def _check_columns(self, x: Any, y: Any, sample_weight: Any, optional: bool) -> None:
        """Check that inputs by name hold all that is asked of them, each of the same length."""
        if not (isinstance(x, Mapping) or hasattr(x, "columns")):
            return
        columns = columns_of(x)
        constraints = self.layer.constraints
        places = first_places(constraints)
        named = {name: places[name] for name in self.layer.attributes}
        if not optional:
            needed_columns(columns, named, None, None, constraints.text)
        for name in self.routes.others:
            if name not in columns:
                raise ValueError(
                    f"expected the input {quoted(name)}, the label_source of the model, received inputs "
                    f"{sorted(columns)}{near_names(name, columns)}"
                )
        parts = {f"input {quoted(name)}": column for name, column in columns.items()}
        parts |= {"y": self.of_output(y), "sample_weight": self.of_output(sample_weight)}
        check_lengths({name: _samples_in(part) for name, part in parts.items()})

    def read_validation(self, data: Any) -> Any:
        """`validation_data` as Keras takes it."""
        if isinstance(data, (tuple, list)):
            return (self.read(*data), *data[1:])
        return self.read(data) if are_batches(data) else data

    def learn(self, x: Any, y: Any, validation: Any) -> str | None:
        """Learn the values of the attributes where no vocabulary was given and all values are at hand.

        Args:
            x: inputs of `fit`; a dict of columns or a DataFrame, else nothing is learnt.
            y: labels.
            validation: `validation_data` of `fit`; its values count too.

        Returns:
            What was learnt, in words; None where nothing was.
        """
        wanted = set(self.layer.attributes)
        if self._values() or self.layer.built or not _is_at_hand(x, wanted):
            return None
        _refuse_text_labels(self.of_output(y))
        data = [(x, y)]
        if isinstance(validation, (tuple, list)) and _is_at_hand(validation[0], wanted):
            data.append((validation[0], validation[1] if len(validation) > 1 else None))
        uses_label = self.layer.constraints.uses_label
        self.layer.adapt(
            [(columns_of(x), self.of_output(label) if uses_label else None) for x, label in data]
        )
        assert self.layer.vocabulary is not None
        for doubt in alike_values(self.layer.constraints, self.layer.vocabulary):
            warnings.warn(doubt, stacklevel=4)
        return "; ".join(f"{name}: {_shown(values)}" for name, values in self._values().items()) or None

    def _values(self) -> dict[str, Any]:
        """The values of the attributes that are known."""
        vocabulary = self.layer.vocabulary
        return {} if vocabulary is None else vocabulary.values


def _refuse_text_of_datasets(x: Any) -> None:
    """Refuse text in a `tf.data.Dataset`, which the model meets as it is, where the backend has no text."""
    if backend.backend() == "tensorflow" or not hasattr(x, "element_spec"):
        return
    if any(getattr(spec, "dtype", None) == "string" for spec in keras.tree.flatten(x.element_spec)):
        raise ValueError(
            f"the dataset holds text, for which {backend.backend()} has no tensors: encode it beforehand, "
            "for example with model.projection.encode(columns)"
        )


def _is_at_hand(x: Any, wanted: set[str]) -> bool:
    """Whether these are inputs by name that hold all wanted columns with their values."""
    if not (isinstance(x, Mapping) or hasattr(x, "columns")):
        return False
    columns = columns_of(x)
    return bool(wanted) and wanted <= set(columns) and not any(is_tensor(columns[name]) for name in wanted)


def _samples_in(part: Any) -> int | None:
    """How many samples a part of the data has; None where it does not say, or holds several parts."""
    shape = getattr(part, "shape", None)
    if shape is None:
        of_samples = isinstance(part, (list, tuple)) and bool(part) and not np.ndim(part[0])
        return len(part) if of_samples else None
    return None if not len(shape) or shape[0] is None else int(shape[0])


def _shown(values: Any) -> str:
    if values is None:
        return "numbers"
    shown = ", ".join(_unmistakable(value) for value in values[:10])
    return shown if len(values) <= 10 else f"{shown}, ... ({len(values)} values)"


def _unmistakable(value: Any) -> str:
    """A value as it is, in quotes where blanks at its ends would not be seen."""
    text = str(value)
    return repr(text) if text != text.strip() or not text else text


def _refuse_text_labels(y: Any) -> None:
    if is_tensor(y) or not isinstance(y, Iterable) or isinstance(y, Mapping) or hasattr(y, "columns"):
        return
    first = next((entry for entry in y if entry is not None and entry is not np.ma.masked), None)
    if isinstance(first, (str, bytes)):
        word = str(first.decode() if isinstance(first, bytes) else first)
        raise ValueError(
            f"expected labels y as numbers, received text such as {word!r}: encode them, for example "
            f"np.asarray(y) == {word!r}"
        )
