"""The samples of a batch, checked: what a plan needs of columns, label and weights, and what it is given.

Names, ranks and lengths are always checked. Values are checked where they are known, which is not so inside a
graph. An error points at the place in the constraint that needs the faulty column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_fair.errors import ConstraintTypeError, Reason, near_names, quoted
from keras_fair.groups.accuracy import check_accuracy_labels
from keras_fair.groups.coding import (
    check_shares,
    numbers_of,
    refuse_infinite,
    refuse_missing,
)
from keras_fair.groups.enumeration import column_name
from keras_fair.groups.factors import Factor
from keras_fair.groups.thresholds import is_whole
from keras_fair.inputs.arrays import (
    Tensor,
    concrete,
    dtype_of,
    flat,
    floats,
    is_tensor,
    namespace,
    static_size,
)
from keras_fair.inputs.columns import Numbers, columns_of, read_column
from keras_fair.inputs.predictions import (
    check_lengths,
    check_weight,
    length_of,
    read_weight,
)
from keras_fair.inputs.refusals import InText, WrongKind
from keras_fair.language.nodes import Attribute, Label, Span, Subject

__all__ = ["Needs", "Samples", "needed_columns", "read_samples"]


@dataclass(frozen=True)
class Needs:
    """What a set of constraints needs of a batch.

    Args:
        attributes: the columns, each with the place that asks for it.
        numbers: the attributes that are used in arithmetic.
        label: the place that asks for the label, or None.
        accuracy: the place of an accuracy, or None. An accuracy needs labels in [0, 1].
        factors: the states of what conditions ask for.
        missing: the policy of the vocabulary.
        text: the text of the constraints.
    """

    attributes: Mapping[str, Span]
    numbers: frozenset[str]
    label: Span | None
    accuracy: Span | None
    factors: Mapping[Subject, Factor]
    missing: str
    text: str


@dataclass(frozen=True)
class Samples:
    """A batch, checked.

    Args:
        xp: the functions for its arrays, see `keras_fair.inputs.arrays`.
        columns: encoded columns by name: codes or numbers `(n,)` in the type that they came in, or `(n, k)`.
        label: `(n,)`, or None.
        weight: `(n,)`; None where all are 1.
        count: n, a number or a scalar tensor.
        size: n, where it is known before the graph runs.
        complete: the columns of numbers (None: the label) seen to have no missing value.
        highest: the largest code of each column of codes (None: the label), where there are values.
        float_label: whether the label was given as floats.
    """

    xp: Any
    columns: dict[str, Tensor]
    label: Tensor | None
    weight: Tensor | None
    count: Any
    size: int | None
    complete: frozenset[str | None]
    highest: dict[str | None, int]
    float_label: bool = False

    def column(self, name: str | None) -> Tensor:
        """An attribute, or the label for None."""
        return self.label if name is None else self.columns[name]

    def ones(self) -> Tensor:
        """1 for each sample, `(n,)`."""
        return self.xp.ones((self.count,), dtype=dtype_of(floats(self.xp, 0.0)))

    def may_be_fractional(self) -> bool:
        """Whether the label may be a probability: by its values, or inside a graph by its original dtype."""
        if self.label is None:
            return False
        values = concrete(self.label)
        return self.float_label if values is None else bool(np.any((values > 0) & (values < 1)))


NO_ATTRIBUTES = (
    ", and no attributes were given: pass attributes={name: column}. A Sequential model hands its layers "
    "none; wrap it: keras_fair.FairModel(model, constraints)"
)


def needed_columns(
    attributes: Any, places: Mapping[str, Span], label: Any, label_place: Span | None, text: str
) -> dict[str, Any]:
    """The columns that constraints name, in the order in which they name them.

    Args:
        attributes: a dict of columns, a DataFrame or a table.
        places: the attributes, each with the place that asks for it.
        label: or None.
        label_place: the place that asks for the label, or None.
        text: of the constraints.

    Raises:
        ConstraintTypeError: an attribute or the label is not given.
    """
    columns = columns_of(attributes)
    for name, span in places.items():
        if name not in columns:
            near = near_names(name, columns) if columns else NO_ATTRIBUTES
            message = f"no attribute named {quoted(name)}{near}"
            raise ConstraintTypeError(message, text=text, span=span, reason=Reason.UNKNOWN_NAME)
    if label_place is not None and label is None:
        message = "this needs the label, and none was given: pass label=..."
        raise ConstraintTypeError(message, text=text, span=label_place, reason=Reason.LABEL_NEEDED)
    return {name: columns[name] for name in places}


def read_samples(needs: Needs, columns: Mapping[str, Any], label: Any, weight: Any, size: Any) -> Samples:
    """Check a batch and make tensors of it.

    Raises:
        ConstraintTypeError: a column or the label is not given, or does not fit the constraint.
        ValueError: lengths differ, or weights are negative.
    """
    needed = needed_columns(columns, needs.attributes, label, needs.label, needs.text)
    parts = [*needed.values(), None if needs.label is None else label, weight, size]
    reader = _Reader(needs, namespace(*(part for part in parts if is_tensor(part))))
    read = {name: reader.column(name, column) for name, column in needed.items()}
    read_label = None if needs.label is None else reader.label(label)
    weights = None
    if weight is not None:
        weights = floats(reader.xp, weight if is_tensor(weight) else read_weight(weight))
        weights = check_weight(weights)
    named = {quoted(name): column for name, column in read.items()}
    named |= {"label": read_label, "sample_weight": weights}
    lengths = {what: None if column is None else static_size(column) for what, column in named.items()}
    lengths["predictions"] = size if isinstance(size, int) else None
    check_lengths(lengths)
    count = _count(size, [*read.values(), read_label, weights, *columns.values(), label])
    statics = [length for length in (*lengths.values(), count) if isinstance(length, int)]
    return Samples(
        xp=reader.xp,
        columns=read,
        label=read_label,
        weight=weights,
        count=statics[0] if statics else count,
        size=statics[0] if statics else None,
        complete=frozenset(reader.complete),
        highest=reader.highest,
        float_label=read_label is not None and "float" in str(getattr(label, "dtype", "")),
    )


def _count(size: Any, columns: list[Any]) -> Any:
    """The number of samples, from any column where it is not given."""
    if size is not None:
        return size
    for column in columns:
        if is_tensor(column):
            return namespace(column).shape(column)[0]
        length = None if column is None else length_of(column)
        if length is not None:
            return length
    raise ValueError(
        "expected columns, a label, sample_weight or size, to know the number of samples; received none"
    )


class _Reader:
    """Reads one column after the other, and remembers what it saw of their values."""

    def __init__(self, needs: Needs, xp: Any) -> None:
        self.needs = needs
        self.xp = xp
        self.complete: set[str | None] = set()
        self.highest: dict[str | None, int] = {}

    def column(self, name: str | None, column: Any) -> Tensor:
        """An encoded column, `(n,)` or `(n, k)`; None names the label, `(n,)`."""
        subject: Attribute | Label
        if name is None:
            subject = Label(span=self.needs.label or Span(0, 0))
        else:
            subject = Attribute(name, span=self.needs.attributes[name])
        with InText(self.needs.text, subject.span):
            return self._checked(name, column, self.needs.factors.get(subject), column_name(subject))

    def label(self, label: Any) -> Tensor:
        """The label, `(n,)`: numbers, or codes where its values are text."""
        numbers = self.column(None, label)
        values = concrete(numbers) if self.needs.accuracy is not None else None
        if values is not None:
            check_accuracy_labels(values, self.needs.text, self.needs.accuracy)
        return numbers

    def _checked(self, name: str | None, column: Any, factor: Factor | None, what: str) -> Tensor:
        column = _array(column, what)
        if len(column.shape) == 2 and factor is not None and name is not None:
            if name in self.needs.numbers:
                raise WrongKind(
                    f"{what} is used in arithmetic here: expected numbers, received probabilities"
                )
            check_shares(column, factor.values, what)
            return floats(self.xp, column)
        if len(column.shape) != 1:
            raise ValueError(f"expected {what} of shape (n,), received shape={tuple(column.shape)}")
        if factor is not None and factor.cuts is None:
            return self._codes(name, column, factor, what)
        return self._numbers(name, column, what)

    def _codes(self, name: str | None, column: Any, factor: Factor, what: str) -> Tensor:
        dtype = dtype_of(column)
        if "int" not in dtype:
            shown = ", ".join(quoted(value) for value in (factor.values or ())[:3])
            raise WrongKind(
                f"expected codes of {what} (its values are {shown}), received dtype={dtype}: encode it first"
            )
        codes = concrete(column)
        if codes is not None and codes.size:
            lowest, self.highest[name] = int(codes.min()), int(codes.max())
            if lowest < 0 or self.highest[name] >= factor.states:
                raise ValueError(
                    f"expected codes of {what} from 0 to {factor.states - 1}, "
                    f"received codes from {lowest} to {self.highest[name]}"
                )
        return self.xp.cast(column, "int32")

    def _numbers(self, name: str | None, column: Any, what: str) -> Tensor:
        dtype = dtype_of(column)
        if not any(kind in dtype for kind in ("int", "float", "bool")):
            raise WrongKind(f"expected {what} to hold numbers, received dtype={dtype}")
        values = None if is_whole(column) else concrete(column)
        if values is not None:
            refuse_infinite(values, what)
            if self.needs.missing == "error" and values.size and np.isnan(np.min(values)):
                refuse_missing(Numbers(values.astype("float64")), "error", what)
        if is_whole(column) or (values is not None and self.needs.missing == "error"):
            self.complete.add(name)
        return column if is_tensor(column) or self.xp is namespace() else self.xp.convert_to_tensor(column)


def _array(column: Any, what: str) -> Any:
    """A column as an array or a tensor, without a last axis of one."""
    if isinstance(column, np.ma.MaskedArray):
        column = numbers_of(read_column(column, what), what)
    if not is_tensor(column):
        column = np.asarray(column)
        if column.dtype.kind not in "fiub" and column.dtype.name != "bfloat16":
            raise WrongKind(
                f"expected {what} to be encoded as numbers, received dtype={column.dtype}: encode it first"
            )
    return flat(column)
