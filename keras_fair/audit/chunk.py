"""What is audited: one chunk of predictions, attributes, label and weights, in numbers.

A chunk knows the state of each sample in every subject that conditions compare, and the value of every
quantity that is summed. It keeps nothing from chunk to chunk; `keras_fair.groups.growing` keeps the values of
attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.audit.cells import Coded
from keras_fair.audit.table_plans import Demands, Subject
from keras_fair.errors import quoted
from keras_fair.groups.accuracy import check_accuracy_labels
from keras_fair.groups.coding import has_words, numbers_of, refuse_missing
from keras_fair.groups.growing import GrowingFactor
from keras_fair.groups.samples import needed_columns
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import Column, Numbers, Words, is_matrix, read_column
from keras_fair.inputs.extent import Extent
from keras_fair.inputs.predictions import (
    Predictions,
    check_lengths,
    length_of,
    read_weight,
)
from keras_fair.inputs.refusals import InText
from keras_fair.language.nodes import (
    Attribute,
    Label,
    Negative,
    Node,
    Number,
    Prediction,
)

__all__ = ["Chunk", "growing_factors", "learnt"]


class Chunk:
    """Some samples.

    Args:
        demands: what the constraints ask of them.
        y: the predictions.
        attributes: a dict of columns or a DataFrame.
        label: `(n,)` or None.
        sample_weight: `(n,)` or None.
        vocabulary: the known values of attributes.

    Raises:
        ConstraintTypeError: an attribute or the label is not given.
        ValueError: columns have different lengths or orders, or weights are malformed.
    """

    def __init__(
        self,
        demands: Demands,
        y: Predictions,
        attributes: Any,
        label: Any,
        sample_weight: Any,
        vocabulary: Vocabulary,
    ) -> None:
        self.demands, self.text, self.vocabulary = demands, demands.text, vocabulary
        self.predictions, self.size = y, len(y)
        self._columns: dict[str | None, Any] = {}
        self._columns.update(needed_columns(attributes, demands.attributes, label, demands.label, self.text))
        if demands.label is not None:
            self._columns[None] = label
        self.weight = None if sample_weight is None else read_weight(sample_weight)
        self._read: dict[str | None, Column] = {}
        self._numbers: dict[str | None, np.ndarray] = {}
        self._values: dict[Node, Any] = {}
        self._check_lengths()

    def coded(self, factors: Mapping[Subject, GrowingFactor]) -> dict[Subject, Coded]:
        """The states of all samples in all subjects.

        Args:
            factors: what the states mean; they learn new values.
        """
        coded: dict[Subject, Coded] = {}
        for subject, demand in self.demands.subjects.items():
            with InText(self.text, demand.span):
                coded[subject] = self._coded(subject, factors)
        return coded

    def numbers(self, name: str | None) -> np.ndarray:
        """An attribute (None: the label) in arithmetic, `(n,)` float64, NaN where it is missing."""
        if name not in self._numbers:
            place = self.demands.label if name is None else self.demands.attributes[name]
            with InText(self.text, place):
                self._numbers[name] = self._in_arithmetic(name)
            if name is None and self.demands.accuracy is not None:
                check_accuracy_labels(self._numbers[name], self.text, self.demands.accuracy)
        return self._numbers[name]

    @property
    def labels(self) -> Extent:
        """Between which values the labels lie; that of no numbers where they are text or are not needed."""
        label = self._read.get(None)
        return Extent.of(label.values) if isinstance(label, Numbers) else Extent.empty(1)

    def value(self, node: Any) -> Any:
        """A value of each sample, `(n,)`, or a number for all of them."""
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Prediction):
            return self.predictions.values[:, self.demands.outputs.index(node, self.text)]
        if isinstance(node, (Attribute, Label)):
            return self.numbers(getattr(node, "name", None))
        if node not in self._values:
            if isinstance(node, Negative):
                self._values[node] = -self.value(node.operand)
            else:
                left, right = np.asarray(self.value(node.left)), np.asarray(self.value(node.right))
                operators = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
                with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                    self._values[node] = operators[node.operator](left, right)
        return self._values[node]

    def _coded(self, subject: Subject, factors: Mapping[Subject, GrowingFactor]) -> Coded:
        kind, name = subject
        if kind == "present":
            return Coded((~np.isnan(self.numbers(name))).astype(np.int64), 2)
        factor = factors[subject]
        if kind == "y":
            scores = Numbers(self.predictions.values[:, name], self.predictions.precision)
            return Coded(factor.codes_of_numbers(scores), factor.size)
        column = self._columns[name]
        if isinstance(column, Mapping) or is_matrix(column):
            if kind == "label":
                shape = f"shape={tuple(column.shape)}" if hasattr(column, "shape") else type(column).__name__
                raise ValueError(f"expected the label of shape (n,), received {shape}")
            return Coded(None, 0, *factor.shares(column))
        read = self._column(name, factor.what)
        soft = factor.fractional(read) if kind == "label" else None
        if soft is not None:
            return Coded(None, 0, *soft)
        return Coded(factor.codes(read), factor.size)

    def _column(self, name: str | None, what: str) -> Column:
        if name not in self._read:
            self._read[name] = read_column(self._columns[name], what)
        return self._read[name]

    def _in_arithmetic(self, name: str | None) -> np.ndarray:
        what = "the label" if name is None else f"attribute {quoted(name)}"
        listed = self.vocabulary.label if name is None else self.vocabulary.values.get(name)
        column = self._columns[name]
        if has_words(listed) or isinstance(column, Mapping) or is_matrix(column):
            raise ValueError(f"{what} is used in arithmetic here: expected numbers")
        read = self._column(name, what)
        if isinstance(read, Words) and read.words:
            raise ValueError(
                f"{what} is used in arithmetic here: expected numbers, received text such as "
                f"{quoted(read.words[0])}: encode it first"
            )
        refuse_missing(read, self.vocabulary.missing, what)
        numbers = np.asarray(numbers_of(read, what), "float64")
        if np.isinf(numbers).any():
            count = int(np.isinf(numbers).sum())
            raise ValueError(f"expected {what} to hold finite numbers, received {count} infinite")
        return numbers

    def _check_lengths(self) -> None:
        lengths: dict[str, int | None] = {
            "label" if name is None else quoted(name): length_of(column)
            for name, column in self._columns.items()
        }
        lengths["sample_weight"] = None if self.weight is None else len(self.weight)
        if not self.size and any(lengths.values()):
            raise ValueError(
                "expected predictions y as numbers of shape (n,), (n, 1) or (n, outputs), "
                f"received shape {self.predictions.values.shape[: 1 if self.predictions.outputs == 1 else 2]}"
            )
        check_lengths({**lengths, "predictions": self.size})


def growing_factors(demands: Demands, vocabulary: Vocabulary) -> dict[Subject, GrowingFactor]:
    """The states of all that conditions compare, before any sample is seen."""
    listed = vocabulary.values
    factors = {}
    for (kind, name), demand in demands.subjects.items():
        if kind == "attribute":
            what, values, fixed = f"attribute {quoted(name)}", listed.get(name), name in listed
        elif kind == "label":
            what, values, fixed = "the label", vocabulary.label, vocabulary.label is not None
        elif kind == "y":
            what, values, fixed = "the predictions", None, False
            demand.listed = False
        else:
            continue
        factors[kind, name] = GrowingFactor(demand, what, values, fixed, vocabulary.missing)
    return factors


def learnt(vocabulary: Vocabulary, demands: Demands, factors: Mapping[Subject, GrowingFactor]) -> Vocabulary:
    """The vocabulary with the values that occurred."""
    values = dict(vocabulary.values)
    for (kind, name), factor in factors.items():
        if kind == "attribute":
            values[name] = factor.values
    for name in demands.attributes:
        values.setdefault(name, None)
    label = factors["label", None].values if ("label", None) in factors else vocabulary.label
    return Vocabulary(values, label=label, missing=vocabulary.missing)
