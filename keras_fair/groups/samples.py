"""The samples of a batch, checked: what a plan needs of columns, label and weights, and what it is given.

What is static (names, ranks, lengths) is checked always; values are checked where there are values, which
is not so inside a graph. A fault is shown at the place in the constraint that needs what is faulty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_fair.errors import ConstraintTypeError, near_names, quoted
from keras_fair.groups.coding import check_shares
from keras_fair.groups.enumeration import Grouping
from keras_fair.groups.factors import Factor
from keras_fair.inputs.arrays import Tensor, concrete, dtype_of, floats, namespace, static_size
from keras_fair.language.nodes import Label, Span

__all__ = ["Needs", "Samples", "read_samples"]


@dataclass(frozen=True)
class Needs:
    """What a set of constraints needs of a batch.

    Args:
        attributes: the columns, each with the place that asks for it.
        numbers: the attributes that stand in arithmetic.
        label: the place that asks for the label, or None.
        factors: the states of what conditions ask for.
        missing: the policy of the vocabulary.
        text: the text of the constraints.
    """

    attributes: Mapping[str, Span]
    numbers: frozenset[str]
    label: Span | None
    factors: Mapping[Grouping, Factor]
    missing: str
    text: str


@dataclass(frozen=True)
class Samples:
    """A batch, checked.

    Args:
        xp: the functions for its arrays, see `keras_fair.inputs.arrays`.
        columns: encoded columns by name, `(n,)` or `(n, k)`.
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

    def ones(self) -> Tensor:
        """1 for each sample, `(n,)`."""
        return self.xp.ones((self.count,), dtype=dtype_of(floats(self.xp, 0.0)))

    def may_be_fractional(self) -> bool:
        """Whether the label may be a probability: by its values, or inside a graph by its dtype as it was
        given."""
        if self.label is None:
            return False
        known = concrete(self.label)
        return self.float_label if known is None else bool(np.any((known > 0) & (known < 1)))


def read_samples(needs: Needs, columns: Mapping[str, Any], label: Any, weight: Any, size: Any) -> Samples:
    """Check a batch and make tensors of it.

    Raises:
        ConstraintTypeError: a column or the label is lacking, or does not fit the constraint.
        ValueError: lengths differ, or weights are negative.
    """
    for name, span in needs.attributes.items():
        if name not in columns:
            raise ConstraintTypeError(
                f"no attribute named {quoted(name)}{near_names(name, columns)}", text=needs.text, span=span
            )
    if needs.label is not None and label is None:
        raise ConstraintTypeError(
            "this needs the label, and none was given", text=needs.text, span=needs.label
        )
    given = {name: columns[name] for name in needs.attributes}
    reader = _Reader(needs, _namespace(*given.values(), None if needs.label is None else label, weight, size))
    read = {name: reader.column(name, column) for name, column in given.items()}
    read_label = None if needs.label is None else reader.label(label)
    read_weight = None if weight is None else reader.weight(weight)
    lengths = {quoted(name): static_size(column) for name, column in read.items()}
    lengths["label"] = None if read_label is None else static_size(read_label)
    lengths["sample_weight"] = None if read_weight is None else static_size(read_weight)
    known = {name: length for name, length in lengths.items() if length is not None}
    if isinstance(size, int):
        known["predictions"] = size
    if len(set(known.values())) > 1:
        shown = ", ".join(f"{name} has {length}" for name, length in known.items())
        raise ValueError(f"expected as many values in all columns, received: {shown}")
    count = _count(size, [*read.values(), read_label, read_weight, *columns.values(), label])
    static = next(iter(known.values()), count if isinstance(count, int) else None)
    return Samples(
        xp=reader.xp,
        columns=read,
        label=read_label,
        weight=read_weight,
        count=count if static is None else static,
        size=static,
        complete=frozenset(reader.complete),
        highest=reader.highest,
        float_label=read_label is not None and "float" in str(getattr(label, "dtype", "")),
    )


def _namespace(*given: Any) -> Any:
    """The functions for what is given: tensors if anything is a tensor."""
    return namespace(*(one for one in given if ops.is_tensor(one)))


def _count(size: Any, columns: list[Any]) -> Any:
    """The number of samples, from any column where it is not given."""
    if size is not None:
        return size
    for column in columns:
        if column is not None and hasattr(column, "shape"):
            return namespace(*[column] if ops.is_tensor(column) else []).shape(column)[0]
        if isinstance(column, (list, tuple)):
            return len(column)
    raise ValueError(
        "expected columns, a label, sample_weight or size, to know the number of samples; received none"
    )


class _Reader:
    """Reads one column after the other, and remembers what it saw of their values."""

    def __init__(self, needs: Needs, xp: Any) -> None:
        self.needs = needs
        self.xp = xp
        self.factor_of = {getattr(subject, "name", None): factor for subject, factor in needs.factors.items()}
        self.complete: set[str | None] = set()
        self.highest: dict[str | None, int] = {}

    def column(self, name: str, given: Any) -> Tensor:
        """An encoded column, `(n,)` or `(n, k)`."""
        what, span = f"attribute {quoted(name)}", self.needs.attributes[name]
        factor = self.factor_of.get(name)
        given = self._flat(given, what, span, fractional=factor is not None)
        if len(given.shape) == 2:
            if name in self.needs.numbers:
                self._refuse(
                    f"{what} stands in arithmetic here: expected numbers, received probabilities", span
                )
            values = () if factor is None else factor.values
            self._checked(lambda: check_shares(given, values, what), span)
            return floats(self.xp, given)
        if factor is not None and factor.cuts is None:
            return self._codes(name, given, factor, what, span)
        return self._numbers(name, given, what, span)

    def label(self, given: Any) -> Tensor:
        """The label, `(n,)`: numbers, or codes where its values are text."""
        span = self.needs.label or Span(0, 0)
        given = self._flat(given, "the label", span, fractional=False)
        factor = self.needs.factors.get(Label(span=span))
        if factor is not None and factor.cuts is None:
            return self._codes(None, given, factor, "the label", span)
        return self._numbers(None, given, "the label", span)

    def weight(self, given: Any) -> Tensor:
        """Sample weights, `(n,)`."""
        weight = floats(self.xp, given if ops.is_tensor(given) else np.asarray(given))
        if len(weight.shape) == 2 and weight.shape[1] == 1:
            weight = weight[:, 0]
        if len(weight.shape) != 1:
            raise ValueError(f"expected sample_weight of shape (n,), received shape={tuple(weight.shape)}")
        known = concrete(weight)
        if known is not None and known.size and not (np.min(known) >= 0 and np.isfinite(np.sum(known))):
            raise ValueError(
                f"expected sample_weight to be finite and >= 0, received a minimum of {np.min(known)}"
            )
        return weight

    def _codes(self, name: str | None, given: Any, factor: Factor, what: str, span: Span) -> Tensor:
        dtype = dtype_of(given)
        if "int" not in dtype:
            shown = ", ".join(quoted(value) for value in (factor.values or ())[:3])
            self._refuse(
                f"expected codes of {what} (its values are {shown}), received dtype={dtype}: encode it first",
                span,
            )
        known = concrete(given)
        if known is not None and known.size:
            self.highest[name] = int(known.max())
            if int(known.min()) < 0 or self.highest[name] >= factor.states:
                received = f"{int(known.min())} to {self.highest[name]}"
                self._refuse(
                    f"expected codes of {what} from 0 to {factor.states - 1}, received codes from {received}",
                    span,
                )
        return self.xp.cast(given, "int32")

    def _numbers(self, name: str | None, given: Any, what: str, span: Span) -> Tensor:
        dtype = dtype_of(given)
        if not any(kind in dtype for kind in ("int", "float", "bool")):
            self._refuse(f"expected {what} to hold numbers, received dtype={dtype}", span)
        known = concrete(given)
        # A sum is one pass, and finite unless one of the numbers is not.
        if known is not None and known.size and not np.isfinite(np.sum(known, dtype="float64")):
            infinite = int(np.isinf(known).sum())
            if infinite:
                self._refuse(f"expected {what} to hold finite numbers, received {infinite} infinite", span)
        if self.needs.missing == "error":
            if known is not None and known.size and np.isnan(np.min(known)):
                self._refuse(
                    f"{what} has {int(np.isnan(known).sum())} missing values (NaN); "
                    "choose what they mean with Vocabulary(missing='exclude') or missing='group'",
                    span,
                )
            if known is not None:
                self.complete.add(name)
        return floats(self.xp, given)

    def _flat(self, given: Any, what: str, span: Span, fractional: bool) -> Any:
        """The column as an array or a tensor, without a last axis of one."""
        if not ops.is_tensor(given):
            given = np.asarray(given)
        if isinstance(given, np.ndarray) and given.dtype.kind not in "fiub":
            self._refuse(
                f"expected {what} to be encoded as numbers, received dtype={given.dtype}: encode it first",
                span,
            )
        if len(given.shape) == 2 and given.shape[1] == 1:
            given = given[:, 0]
        if len(given.shape) != 1 and not (fractional and len(given.shape) == 2):
            self._refuse(f"expected {what} of shape (n,), received shape={tuple(given.shape)}", span)
        return given

    def _checked(self, check: Any, span: Span) -> None:
        try:
            check()
        except ConstraintTypeError:
            raise
        except ValueError as fault:
            self._refuse(str(fault), span)

    def _refuse(self, message: str, span: Span) -> None:
        raise ConstraintTypeError(message, text=self.needs.text, span=span)
