"""One data set that is watched: its columns, and what the constraints say of the predictions for it.

Gaps are pooled: predictions of all batches are put together first. Rows do not depend on the predictions, so
for arrays they are made once and used for every epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.predictions import (
    check_lengths,
    chosen_output,
    length_of,
    part_of_output,
)
from keras_fair.rows.evaluate import rows_of
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.summary import summary_of

__all__ = ["Question", "WatchedData"]


class Question(NamedTuple):
    """What is asked of predictions.

    Attributes:
        constraints: the constraints.
        vocabulary: the values of the attributes; None: those of the data.
        domain: where predictions lie.
    """

    constraints: ConstraintSet
    vocabulary: Vocabulary | None
    domain: Any


class _People(NamedTuple):
    attributes: dict[str, Any]
    label: Any
    weight: Any


class WatchedData:
    """A data set to predict for and to measure.

    Args:
        data: `(x,)`, `(x, label)` or `(x, label, sample_weight)`, as `fit` takes them, or an iterable of
            batches of these, such as a `tf.data.Dataset`.
        attributes: columns for arrays whose `x` is not a dict that holds them.
        batch_size: for `predict`.
        output: of a model with several outputs, the key or the place of the one that is measured; default:
            that of a `FairModel`.
    """

    def __init__(
        self, data: Any, attributes: Any, batch_size: int | None, output: str | int | None = None
    ) -> None:
        self.attributes, self.output = attributes, output
        self.batch_size = batch_size
        self.is_arrays = isinstance(data, (tuple, Mapping, np.ndarray)) or hasattr(data, "columns")
        self.data = data
        if not self.is_arrays and not hasattr(data, "__iter__"):
            raise ValueError(
                f"expected data as (x, label) or as an iterable of batches, received {type(data).__name__}"
            )
        if not self.is_arrays and attributes is not None:
            raise ValueError(
                "expected the attributes inside the batches of a dataset, received them apart too"
            )
        self._rows: dict[tuple[ConstraintSet, str, str], LinearRows] = {}

    def measure(self, model: Any, question: Question) -> dict[str, float]:
        """`{name}_gap` and `{name}_violation` of each statement, as the model predicts now."""
        if self.is_arrays:
            x, people = _parted(self.data, self.attributes, question.constraints)
            predicted = model.predict(x, batch_size=self.batch_size, verbose=0)
            y, people = (
                np.asarray(chosen_output(predicted, self._output(model))),
                self._of_output(model, people),
            )
            asked = (question.constraints, repr(question.vocabulary), repr(question.domain))
            if asked not in self._rows:
                self._rows[asked] = _rows(question, people, y)
            rows = self._rows[asked]
        else:
            y, people = self._predicted_in_batches(model, question.constraints)
            rows = _rows(question, people, y)
        return summary_of(question.constraints.statements, rows, y)

    def check(self, model: Any, question: Question) -> None:
        """Raise ValueError where arrays do not fit what is asked, before anything is predicted."""
        if self.is_arrays:
            x, people = _parted(self.data, self.attributes, question.constraints)
            people = self._of_output(model, people)
            inputs = columns_of(x) if isinstance(x, Mapping) or hasattr(x, "columns") else {"x": x}
            parts = {
                **{f"input {name!r}": column for name, column in inputs.items()},
                **{f"attribute {name!r}": column for name, column in people.attributes.items()},
                "label": people.label,
                "sample_weight": people.weight,
            }
            check_lengths({name: length_of(part) for name, part in parts.items()})

    def _output(self, model: Any) -> str | int | None:
        return getattr(model, "fair_output", None) if self.output is None else self.output

    def _of_output(self, model: Any, people: _People) -> _People:
        """The people with the labels and weights of the output that is measured."""
        label, weight = (part_of_output(part, self._output(model)) for part in (people.label, people.weight))
        return people._replace(label=label, weight=weight)

    def _predicted_in_batches(self, model: Any, constraints: ConstraintSet) -> tuple[np.ndarray, _People]:
        predictions, seen = [], []
        for batch in self.data:
            x, people = _parted(batch, None, constraints)
            predicted = chosen_output(model.predict_on_batch(x), self._output(model))
            predictions.append(np.asarray(ops.convert_to_numpy(predicted)))
            seen.append(self._of_output(model, people))
        if not seen:
            raise ValueError("expected a dataset with batches, received an empty one")
        attributes = {
            name: np.concatenate([_values(people.attributes[name]) for people in seen])
            for name in seen[0].attributes
        }
        label = None if seen[0].label is None else np.concatenate([_values(people.label) for people in seen])
        weight = (
            None if seen[0].weight is None else np.concatenate([_values(people.weight) for people in seen])
        )
        return np.concatenate(predictions), _People(attributes, label, weight)


def _parted(data: Any, attributes: Any, constraints: ConstraintSet) -> tuple[Any, _People]:
    x, label, weight = keras.utils.unpack_x_y_sample_weight(data)
    columns = columns_of(attributes)
    if isinstance(x, Mapping) or hasattr(x, "columns"):
        columns = {**columns_of(x), **columns}
    missing = [name for name in constraints.attributes if name not in columns]
    if missing:
        raise ValueError(
            f"expected columns for the attributes {missing} in x or in attributes=, "
            f"received columns {sorted(columns)}"
        )
    return x, _People({name: columns[name] for name in constraints.attributes}, label, weight)


def _rows(question: Question, people: _People, y: np.ndarray) -> LinearRows:
    outputs = 1 if y.ndim == 1 else y.shape[1]
    return rows_of(
        question.constraints,
        people.attributes,
        people.label,
        outputs=outputs,
        sample_weight=people.weight,
        size=len(y),
        vocabulary=question.vocabulary,
        domain=question.domain,
    )


def _values(column: Any) -> np.ndarray:
    values = np.asarray(ops.convert_to_numpy(column) if ops.is_tensor(column) else column)
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
