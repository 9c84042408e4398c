"""What is audited: predictions, attributes, label and weights, checked and ready to be asked.

Without a vocabulary the data are the vocabulary, as for `ConstraintSet.rows`; with one, attributes that it
does not list are learnt from the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_fair.errors import ConstraintTypeError, near_names, quoted
from keras_fair.language.nodes import Attribute, Label, Prediction, Span
from keras_fair.language.tree import walk
from keras_fair.rows.columns import columns_of
from keras_fair.rows.constraint_set import ConstraintSet
from keras_fair.rows.domains import Combination, Domains, Grouping
from keras_fair.rows.encoding import Values, has_words
from keras_fair.rows.values import Outputs
from keras_fair.rows.vocabulary import Vocabulary

__all__ = ["AuditData"]


class AuditData:
    """The data of one audit.

    Args:
        constraints: parsed.
        y: `(n,)`, `(n, 1)` or `(n, outputs)`.
        attributes: a dict of columns or a DataFrame.
        label: `(n,)` or None.
        sample_weight: `(n,)` or None.
        vocabulary: the values of attributes, or None.
        outputs: names of the outputs, or None for as many as `y` has columns.

    Raises:
        ConstraintTypeError: an attribute is lacking, or does not fit.
        ValueError: predictions that are no finite numbers, or of another shape.
    """

    def __init__(
        self,
        constraints: ConstraintSet,
        y: Any,
        attributes: Any,
        label: Any = None,
        sample_weight: Any = None,
        *,
        vocabulary: Vocabulary | None = None,
        outputs: Sequence[str] | None = None,
    ) -> None:
        self.text = constraints.text
        self.y = _predictions(y)
        self.size = len(self.y)
        self.outputs = Outputs.of(self.y.shape[1] if outputs is None else outputs)
        if self.outputs.count != self.y.shape[1]:
            raise ValueError(
                f"expected predictions of shape (n, {self.outputs.count}), one column for each of outputs, "
                f"received shape {self.y.shape}"
            )
        self.columns = columns_of(attributes)
        self.label = label
        self.sample_weight = sample_weight
        self.vocabulary = Vocabulary.from_config((vocabulary or Vocabulary()).get_config())
        self._spans = _places(constraints)
        self._predictions: dict[str, int] = {}
        self._numbers: dict[str, np.ndarray] = {}
        self._learn(label if constraints.uses_label else None)

    @property
    def domains(self) -> Domains:
        """What quantifiers and stars run over."""
        return Domains(self.vocabulary, self.text, self._occurring)

    def values(self, subject: Grouping) -> Values | None:
        """The values of an attribute or of the label; None where they are not listed."""
        if isinstance(subject, Label):
            return self.vocabulary.label
        return self.vocabulary.values.get(subject.name)

    def prediction(self, node: Prediction) -> np.ndarray:
        """The predictions that `y`, or `y[k]`, names, `(n,)`."""
        return self.y[:, self.outputs.index(node, self.text)]

    def prediction_column(self, node: Prediction) -> str:
        """The name of the column that holds these predictions, unlike that of any attribute."""
        output = self.outputs.index(node, self.text)
        name = "y" if self.outputs.count == 1 else f"y[{output}]"
        while name in self.columns:
            name += "'"
        self._predictions[name] = output
        return name

    @property
    def all_columns(self) -> dict[str, Any]:
        """The attributes, and the predictions that `prediction_column` named."""
        return {**self.columns, **{name: self.y[:, output] for name, output in self._predictions.items()}}

    def numbers(self, name: str) -> np.ndarray:
        """An attribute that stands in arithmetic, `(n,)`, NaN where it is missing."""
        if name not in self._numbers:
            with _Shown(self.text, self._spans[name]):
                column = np.asarray(self.vocabulary.encode(self.columns, [name])[name])
                if has_words(self.vocabulary.values.get(name)) or column.ndim != 1:
                    raise ValueError(f"attribute {quoted(name)} stands in arithmetic here: expected numbers")
            self._numbers[name] = self._of_size(column, f"attribute {quoted(name)}")
        return self._numbers[name]

    def label_numbers(self, node: Label) -> np.ndarray:
        """The label, `(n,)`, where it stands in arithmetic."""
        if self.label is None:
            raise ConstraintTypeError(
                "this needs the label, and none was given", text=self.text, span=node.span
            )
        with _Shown(self.text, node.span):
            if has_words(self.vocabulary.label):
                raise ValueError("the label stands in arithmetic here: expected numbers, received text")
            column = np.asarray(self.vocabulary.encode_label(self.label))
        return self._of_size(column, "the label")

    def outside(self) -> tuple[dict[str, int], dict[str, int]]:
        """By attribute of the constraints, how many samples have an unknown value, and how many have none."""
        unknown, missing = {}, {}
        for name in self._spans:
            code = np.asarray(self.vocabulary.encode(self.columns, [name])[name])
            listed = self.vocabulary.values.get(name) or ()
            if code.ndim == 1 and code.dtype.kind in "iu":
                unknown[name] = int(np.sum(code == len(listed)))
                missing[name] = int(np.sum(code == len(listed) + 1))
            elif code.ndim == 1:
                missing[name] = int(np.sum(np.isnan(code)))
        return unknown, missing

    def _of_size(self, column: np.ndarray, what: str) -> np.ndarray:
        if column.shape != (self.size,):
            raise ValueError(
                f"expected as many values in all columns, received: {what} has {len(column)}, "
                f"predictions has {self.size}"
            )
        return column

    def _require(self, name: str, span: Span) -> None:
        if name not in self.columns:
            raise ConstraintTypeError(
                f"no attribute named {quoted(name)}{near_names(name, self.columns)}",
                text=self.text,
                span=span,
            )

    def _learn(self, label: Any) -> None:
        for name, span in self._spans.items():
            self._require(name, span)
            if name not in self.vocabulary.values:
                with _Shown(self.text, span):
                    self.vocabulary.update({name: self.columns[name]})
        if label is not None and self.vocabulary.label is None:
            self.vocabulary.update({}, label)

    def _occurring(self, subjects: tuple[Grouping, ...]) -> set[Combination]:
        """The combinations of values that some sample may have."""
        found = np.ones((self.size, 1), dtype=bool)
        chosen: list[Combination] = [()]
        for subject in subjects:
            listed = self.values(subject) or ()
            member = np.stack([self._may_be(subject, value) for value in listed], axis=1)
            found = (found[:, :, None] & member[:, None, :]).reshape(self.size, -1)
            chosen = [(*head, value) for head in chosen for value in listed]
            there = found.any(axis=0)
            found = found[:, there]
            chosen = [each for each, keep in zip(chosen, there, strict=True) if keep]
        return set(chosen)

    def _may_be(self, subject: Grouping, value: Any) -> np.ndarray:
        listed = self.values(subject) or ()
        if isinstance(subject, Label):
            column = np.asarray(self.vocabulary.encode_label(self.label))
            if column.dtype.kind == "f" and np.any((column > 0) & (column < 1)):  # a probability of 1
                return np.ones(self.size, dtype=bool)
        else:
            column = np.asarray(self.vocabulary.encode(self.columns, [subject.name])[subject.name])
        place = listed.index(value)
        if column.ndim == 2:
            return column[:, place] > 0
        if column.dtype.kind in "iu":
            return column == place
        return np.isnan(column) if isinstance(value, str) else column == value


class _Shown:
    """Turns a ValueError about a column into one that points at the place that asks for it."""

    def __init__(self, text: str, span: Span) -> None:
        self.text, self.span = text, span

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, ValueError) and not isinstance(fault, ConstraintTypeError):
            raise ConstraintTypeError(str(fault), text=self.text, span=self.span) from None


def _predictions(y: Any) -> np.ndarray:
    """Predictions as float64 `(n, outputs)`."""
    from keras import ops

    given = ops.convert_to_numpy(y) if ops.is_tensor(y) else np.asarray(y)
    if given.dtype.kind not in "fiub" or given.ndim not in (1, 2) or given.size == 0:
        raise ValueError(
            "expected predictions y as numbers of shape (n,), (n, 1) or (n, outputs), "
            f"received shape {given.shape} and dtype {given.dtype}"
        )
    if not np.all(np.isfinite(given)):
        count = int(np.sum(~np.isfinite(given)))
        raise ValueError(f"expected finite predictions y, received {count} that are NaN or infinite")
    return given.astype("float64").reshape(len(given), -1)


def _places(constraints: ConstraintSet) -> dict[str, Span]:
    """Where each attribute is named first."""
    found: dict[str, Span] = {}
    for statement in constraints:
        for node in walk(statement):
            if isinstance(node, Attribute):
                found.setdefault(node.name, node.span)
    return found
