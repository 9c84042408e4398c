"""The samples of a table: which column is the prediction, the label, the weight, and which are attributes.

Columns are looked up before anything is computed. Then the samples come in chunks, in the form that an audit
takes; every number is looked at on its way, so that a fault is told with its line.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_fair.cli.column_use import uses_of
from keras_fair.cli.distinct_values import CHUNK, distinct_values
from keras_fair.cli.input_fault import InputFault, faults_of_input
from keras_fair.cli.table_source import Source, Texts
from keras_fair.errors import ConstraintTypeError, near_names, quoted
from keras_fair.language.dates import dated_columns

if TYPE_CHECKING:
    from keras_fair.constraints import ConstraintSet
    from keras_fair.groups.vocabulary import Vocabulary

__all__ = ["LARGEST", "TableChunk", "TableSamples"]

_MOST_JOINED = 8  # values that a note names
LARGEST = 1e30  # the audit squares products of up to four of these: prediction, attribute, label, weight


class TableChunk(NamedTuple):
    """A chunk of samples.

    Attributes:
        y: `(n,)`, or `(n, outputs)` where there are several; None where no prediction was named.
        attributes: columns `(n,)`.
        label: `(n,)` or None.
        weight: `(n,)` or None.
    """

    y: np.ndarray | None
    attributes: dict[str, Any]
    label: Any
    weight: np.ndarray | None


class TableSamples:
    """The samples of a table, for one set of constraints.

    Args:
        source: the table.
        constraints: what its columns are needed for.
        options: with `prediction`, a list or None, `label`, `weight`, `domain`, `missing` and `normalize`.
        with_label: whether labels are read; default: where the constraints use them.
        needs_label: whether the label must be there where the constraints use it.

    Attributes:
        name: of the file.
        columns: those that are needed.
        attributes: the names of the attributes.
        predictions: the columns of the predictions, in order; may be empty.
        label: the column of the label, or None where the constraints do not use it.
        weight: the column of the weights, or None.
        domain: where predictions must lie.
        missing: what an attribute without a value means, a policy of `Vocabulary`.

    Raises:
        InputFault: a column is missing or unfit.
    """

    def __init__(
        self,
        source: Source,
        constraints: ConstraintSet,
        options: argparse.Namespace,
        *,
        with_label: bool | None = None,
        needs_label: bool = True,
    ) -> None:
        self.name = source.name
        self.attributes = constraints.attributes
        self._dated = dated_columns(constraints)
        self.predictions = tuple(source.require(name, "--prediction") for name in options.prediction or ())
        label = None if options.label is None else source.require(options.label, "--label")
        self.weight = None if options.weight is None else source.require(options.weight, "--weight")
        needs_label = needs_label and with_label is not False
        if constraints.uses_label and label is None and needs_label:
            there = "label" in source.header
            raise InputFault(
                "the constraints use the label: say which column it is, "
                + ("--label label" if there else f"--label COLUMN\n  {source.listed}")
            )
        _require_attributes(constraints, source)
        self.label = label if (constraints.uses_label if with_label is None else with_label) else None
        self.domain: tuple[float, float] | None = options.domain
        self.missing: str = options.missing
        uses = uses_of(constraints, self.predictions, self.label, self.weight)
        self.columns = source.columns(uses, normalize=options.normalize)

    @property
    def size(self) -> int:
        """How many there are."""
        return self.columns.size

    @property
    def _grouping(self) -> tuple[str, ...]:
        """The columns that tell groups: the attributes, and the label where there is one."""
        return (*self.attributes, *([] if self.label is None else [self.label]))

    def joined(self) -> tuple[str, ...]:
        """Which texts were joined by `--normalize`, a sentence a column; known when the samples were gone
        through."""
        notes = []
        for name, codes in self.columns.codes.items():
            sets = [
                f"{', '.join(map(quoted, others))} as {quoted(text)}" for text, others in codes.joined.items()
            ]
            if sets:
                more = f"; and {len(sets) - _MOST_JOINED} more" if len(sets) > _MOST_JOINED else ""
                notes.append(f"Texts of {name} were joined: {'; '.join(sets[:_MOST_JOINED])}{more}.")
        return tuple(notes)

    def vocabulary(self) -> Vocabulary:
        """The values of the attributes and of the label, from one pass through the table; not of columns that
        are compared with dates by order.

        Raises:
            InputFault: an attribute has no value in some line, and the policy is `error`.
        """
        from keras_fair.groups.vocabulary import Vocabulary

        occurring = distinct_values(self.columns, self._grouping)
        if self.missing == "error" and any(None in values for values in occurring.values()):
            for _ in self.parts():  # ends at the line
                pass
        label = None if self.label is None else occurring[self.label]
        with faults_of_input():
            return Vocabulary(missing=self.missing).update(
                {name: occurring[name] for name in self.attributes if name not in self._dated}, label
            )

    def parts(self, size: int = CHUNK) -> Iterator[TableChunk]:
        """The samples, `size` at a time.

        Raises:
            InputFault: a number is missing or out of range, or an attribute has no value, with the line.
        """
        begin = 0
        for chunk in self.columns.chunks(size):
            y = [self._checked(chunk[name], name, begin, self.domain) for name in self.predictions]
            weight = None
            if self.weight is not None:
                weight = self._checked(chunk[self.weight], self.weight, begin, (0.0, np.inf))
            predictions = None if not y else y[0] if len(y) == 1 else np.stack(y, axis=1)
            attributes = {name: chunk[name] for name in self.attributes}
            for name in self._grouping:
                if not isinstance(chunk[name], Texts):
                    self._checked(chunk[name], name, begin, missing=True)
                if self.missing == "error":
                    self._refuse_missing(chunk[name], name, begin)
            label: Any = None if self.label is None else chunk[self.label]
            begin += len(next(iter(chunk.values()))) if chunk else size
            yield TableChunk(predictions, attributes, label, weight)

    def _refuse_missing(self, column: np.ndarray | Texts, name: str, begin: int) -> None:
        absent = column.codes < 0 if isinstance(column, Texts) else np.isnan(column)
        if absent.any():
            place = self.columns.place(begin + int(np.argmax(absent)))
            raise InputFault(
                f"{place}: no value in column {quoted(name)}; say what that means: --missing exclude (in no "
                "group) or --missing group (a group of their own)"
            )

    def _checked(
        self,
        column: Any,
        name: str,
        begin: int,
        domain: tuple[float, float] | None = None,
        *,
        missing: bool = False,
    ) -> np.ndarray:
        """A column of numbers, seen to lie in the domain and to be such that an audit can square them.

        It keeps the precision of the file, in which thresholds are compared.
        """
        entries = np.asarray(column)
        numbers = entries.astype("float64", copy=False)
        wrong = np.isinf(numbers) if missing else ~np.isfinite(numbers)
        expected = "a finite number"
        if not wrong.any() and domain is not None:
            wrong = (numbers < domain[0]) | (numbers > domain[1])
            expected = f"a number from {domain[0]:g} to {domain[1]:g}"
            if domain[1] == np.inf:
                expected = f"a number >= {domain[0]:g}"
        if not wrong.any():
            wrong = np.abs(numbers) > LARGEST
            expected = f"a number from {-LARGEST:g} to {LARGEST:g}"
        if wrong.any():
            row = int(np.argmax(wrong))
            received = "no value" if np.isnan(numbers[row]) else f"{numbers[row]:g}"
            place = self.columns.place(begin + row)
            raise InputFault(f"{place}: expected {expected} in column {quoted(name)}, found {received}")
        return entries


def _require_attributes(constraints: ConstraintSet, source: Source) -> None:
    from keras_fair.constraints import nodes_of
    from keras_fair.language.nodes import Attribute

    for node in nodes_of(constraints):
        if isinstance(node, Attribute) and node.name not in source.header:
            fault = ConstraintTypeError(
                f"{source.name} has no column {quoted(node.name)}{near_names(node.name, source.header)}",
                text=constraints.text,
                span=node.span,
            )
            raise InputFault(f"{fault}\n  {source.listed}")
