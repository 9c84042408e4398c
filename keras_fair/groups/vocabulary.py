"""The values of attributes: learnt from data or given, and how columns are encoded by them.

Categorical text becomes int32 codes, numbers become floats, probabilities of groups become matrices.
Which samples a condition selects is left to `keras_fair.groups.factors`, what a code means to
`keras_fair.groups.coding`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_fair.errors import quoted
from keras_fair.groups.coding import (
    MISSING_GROUP,
    Entry,
    Values,
    codes_of_column,
    encode_column,
    has_words,
    refuse_missing,
)
from keras_fair.groups.dates import CODES_OF_DATES, Periods
from keras_fair.inputs.arrays import concrete, dtype_of, is_tensor
from keras_fair.inputs.columns import (
    Column,
    Numbers,
    Words,
    columns_of,
    elements_of,
    is_matrix,
    read_column,
)
from keras_fair.inputs.refusals import WrongKind

__all__ = ["MOST_NUMBERS", "Vocabulary"]

MOST_NUMBERS = 1000  # distinct numbers of a column that are listed as its values

_POLICIES = ("error", "exclude", "group")


class Vocabulary:
    """The values of each attribute, as `*` and `for ... in` enumerate them.

    Args:
        values: for each attribute the sequence of its values (text, or numbers), or None for a column of
            numbers whose values are not listed. Order does not matter: values are sorted, numbers as numbers.
        label: the values of the label, as `for c in label` enumerates them; default: not known.
        missing: what a missing entry means (None, NaN, empty text).
            `"error"` (default): it is refused.
            `"exclude"`: the sample belongs to no group of that attribute, and where the attribute is a
            coefficient, to no statistic that uses it. It still counts in `E[y]`. Such samples are counted and
            reported.
            `"group"`: they are a group of their own, with the value `missing`.

    A column may also give probabilities in place of groups: a dict from value to an `(n,)` array, or an
    `(n, k)` matrix in the order of the vocabulary, in [0, 1] with sums of at most 1. Conditions over several
    such attributes multiply the probabilities (conditional independence, given the data that they were
    computed from); conditions over one attribute are exact.

    Example:
        >>> from keras_fair.rows import Vocabulary
        >>> vocabulary = Vocabulary().adapt({"sex": ["Male", "Female", "Male"]})
        >>> vocabulary.values
        {'sex': ('Female', 'Male')}
        >>> vocabulary.encode({"sex": ["Female", "Other"]})["sex"].tolist()
        [0, 2]
    """

    def __init__(
        self,
        values: Mapping[str, Sequence[Entry] | None] | None = None,
        *,
        label: Sequence[Entry] | None = None,
        missing: str = "error",
    ) -> None:
        if missing not in _POLICIES:
            raise ValueError(
                f"expected missing to be one of {', '.join(_POLICIES)}, received missing={missing!r}"
            )
        self.missing = missing
        self._values: dict[str, Values | None] = {
            str(name): None if listed is None else _sorted_values(listed, f"attribute {quoted(name)}")
            for name, listed in (values or {}).items()
        }
        self._label = None if label is None else _sorted_values(label, "the label")
        self._open: frozenset[str] = frozenset()
        self._periods: dict[str, Periods] = {}

    @property
    def values(self) -> dict[str, Values | None]:
        """The values of each attribute, sorted; None for numbers that are not listed."""
        return dict(sorted(self._values.items()))

    @property
    def label(self) -> Values | None:
        """The values of the label, sorted; None where they are not known."""
        return self._label

    def listed(self, name: str | None) -> Values | None:
        """The values of an attribute (None: the label); None where they are not listed or not known."""
        return self._label if name is None else self._values.get(name)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing but what missing values mean."""
        return not self._values and self._label is None

    def is_open(self, name: str) -> bool:
        """Whether values that are not listed are ordinary values of the attribute, rather than unknown
        ones."""
        return name in self._open

    def adapt(self, attributes: Any, label: Any = None) -> Vocabulary:
        """Learn the values from data and forget earlier ones, as the preprocessing layers of Keras do.

        Text is listed; numbers are listed up to 1000 distinct ones; columns of more than one dimension are
        skipped.

        Args:
            attributes: a dict of columns, a DataFrame, or a `tf.data.Dataset` (or any iterable of batches) of
                such dicts or of tuples `(dict, label)`.
            label: `(n,)`, optional.

        Returns:
            The vocabulary itself.

        Raises:
            ValueError: a column mixes text and numbers, or has missing entries under `missing="error"`.
        """
        self._values, self._label = {}, None
        return self.update(attributes, label)

    def update(self, attributes: Any, label: Any = None) -> Vocabulary:
        """Add the values that occur in more data; arguments as in `adapt`."""
        if isinstance(attributes, Mapping) or hasattr(attributes, "columns") or attributes is None:
            self._learn(columns_of(attributes), label)
        else:
            for element in elements_of(attributes):
                parts = element if isinstance(element, tuple) else (element, None)
                self._learn(columns_of(parts[0]), parts[1] if len(parts) > 1 else None)
        return self

    def encode(self, attributes: Any, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Encode columns: codes `(n,)` int32 for text, floats `(n,)` for numbers, `(n, k)` for probabilities.

        Args:
            attributes: a dict of columns or a DataFrame. Lists, NumPy and pandas columns give NumPy arrays;
                tensors, text tensors of TensorFlow included, give tensors.
            names: which columns; default: those the vocabulary knows.

        Raises:
            ValueError: a column does not fit the vocabulary, or has missing entries under `missing="error"`.
        """
        columns = columns_of(attributes)
        wanted = [name for name in columns if name in self._values] if names is None else list(names)
        return {name: self._encoded(name, columns[name]) for name in wanted}

    def encode_label(self, label: Any) -> Any:
        """Encode the label in the same way, `(n,)`: codes where its values are text, else floats."""
        return encode_column(label, self._label, self.missing, "the label")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, JSON-able."""
        values = {name: None if listed is None else list(listed) for name, listed in self.values.items()}
        return {
            "values": values,
            "label": None if self._label is None else list(self._label),
            "missing": self.missing,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Vocabulary:
        """The vocabulary that `get_config` described."""
        return cls(**config)

    def completed(
        self, texts: Mapping[str, Sequence[str]], periods: Mapping[str, Periods] | None = None
    ) -> Vocabulary:
        """The vocabulary and the attributes that it does not know: these have the listed texts, and may have
        any other value too. Attributes that are compared with dates by order have their periods as values."""
        whole = Vocabulary(self._values, label=self._label, missing=self.missing)
        for name, words in texts.items():
            whole._values[name] = tuple(words)
        for name, of_dates in (periods or {}).items():
            whole._values[name] = of_dates.values(self.missing)
        whole._periods = dict(periods or {})
        whole._open = self._open | {*texts, *whole._periods}
        return whole

    def is_dated(self, name: str) -> bool:
        """Whether an attribute is compared with dates by order, so that its values are periods."""
        return name in self._periods

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.get_config() == other.get_config()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Vocabulary({json.dumps(self.get_config()['values'])}, missing={self.missing!r})"

    def _encoded(self, name: str, column: Any) -> Any:
        if name in self._periods:
            return self._codes_of_dates(column, self._periods[name])
        if name in self._open and is_matrix(column):
            raise ValueError(
                f"attribute {quoted(name)} is a matrix of probabilities, whose columns are in the order of "
                "the vocabulary, and there is none: give vocabulary=..., or a dict from each value to its "
                "probabilities (n,)"
            )
        return encode_column(column, self._values.get(name), self.missing, f"attribute {quoted(name)}")

    def _codes_of_dates(self, column: Any, periods: Periods) -> Any:
        """The period of each date, `(n,)`: codes of a type of their own, so that no codes of text and no
        numbers are taken for them."""
        what = f"attribute {quoted(periods.name)}"
        if isinstance(column, Mapping) or is_matrix(column):
            raise periods.no_shares(what)
        if is_tensor(column) and concrete(column) is None:
            raise WrongKind(
                f"{what} is compared with dates, which a graph can't read: encode the column beforehand, "
                f"with FairProjection.encode, received a tensor of {dtype_of(column)}"
            )
        read = periods.of(read_column(column, what), what)
        refuse_missing(read, self.missing, what)
        values = periods.values(self.missing)
        return codes_of_column(read, values, self.missing, what).astype(CODES_OF_DATES)

    def _learn(self, columns: dict[str, Any], label: Any) -> None:
        for name, column in columns.items():
            what = f"attribute {quoted(name)}"
            if is_matrix(column):
                continue
            if isinstance(column, Mapping):
                values: Values | None = _sorted_values(column, what)
            else:
                values = self._occurring(read_column(column, what), what)
            if str(name) in self._values:
                values = _joined(self._values[str(name)], values, what)
            self._values[str(name)] = values
        if label is not None and not is_matrix(label):
            values = self._occurring(read_column(label, "the label"), "the label")
            self._label = _joined(self._label, values, "the label") if self._label is not None else values

    def _occurring(self, column: Column, what: str) -> Values | None:
        refuse_missing(column, self.missing, what)
        values: tuple[Entry, ...] = column.distinct()
        if isinstance(column, Numbers) and len(values) > MOST_NUMBERS:
            return None
        if self.missing == "group" and column.missing:
            values = (*values, MISSING_GROUP)
        return _sorted_values(values, what)


def _sorted_values(values: Iterable[Any], what: str) -> Values:
    """The distinct values, text sorted as text and numbers as numbers; the group of missing values comes
    last."""
    values = list(values)
    read = read_column([value for value in values if value != MISSING_GROUP], what)
    missing = [MISSING_GROUP] if len(read) < len(values) else []
    if read.missing:
        raise ValueError(f"expected {what} to list values, received None, NaN or empty text among them")
    if isinstance(read, Words):
        return tuple(sorted([*read.distinct(), *missing]))
    return (*read.distinct(), *missing)


def _joined(old: Values | None, new: Values | None, what: str) -> Values | None:
    if old is None or new is None:
        if has_words(old or new):
            raise WrongKind(f"expected {what} to hold either text or numbers, received both")
        return None
    values = _sorted_values([*old, *new], what)
    return None if len(values) > MOST_NUMBERS and isinstance(values[0], float) else values
