"""Pieces of a large data set: which of their columns are what, and pieces of a size that is quick to add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.errors import near_names, quoted
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.predictions import number_array

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ROWS", "Roles", "larger_pieces", "table_of_rows"]

ROWS = 262_144  # people that are added together


@dataclass(frozen=True)
class Roles:
    """Which columns are predictions, label and weights; all others may be attributes.

    Attributes:
        y: the column of each output.
        label, sample_weight: or None.
    """

    y: tuple[str, ...]
    label: str | None
    sample_weight: str | None

    @classmethod
    def of(cls, y: str | Sequence[str], label: str | None, sample_weight: str | None) -> Roles:
        """From arguments.

        Raises:
            ValueError: `y` names no column.
        """
        names = (y,) if isinstance(y, str) else tuple(y)
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"expected y as the name of a column, or of several, received y={y!r}")
        return cls(names, label, sample_weight)

    @property
    def outputs(self) -> tuple[str, ...] | None:
        """What `Auditor` calls the outputs; None where there is one."""
        return self.y if len(self.y) > 1 else None

    @property
    def named(self) -> list[str]:
        """All of them."""
        return [*self.y, *(name for name in (self.label, self.sample_weight) if name is not None)]

    def wanted(self, attributes: Iterable[str], present: Sequence[str]) -> list[str]:
        """The columns that are needed, each once.

        Raises:
            ValueError: one of them is not there.
        """
        names = list(dict.fromkeys([*self.named, *attributes]))
        lacking = [name for name in names if name not in present]
        if lacking:
            raise ValueError(
                f"expected a column {quoted(lacking[0])}, received {list(present)}"
                f"{near_names(lacking[0], present)}"
            )
        return names

    def parts(self, piece: Any) -> tuple[Any, dict[str, Any], Any, Any]:
        """Predictions, attributes, label and weights of a piece: a dict of columns, a DataFrame or a table.

        Raises:
            ValueError: a column is not there.
        """
        columns = columns_of(piece)
        self.wanted((), list(columns))
        outputs = [columns[name] for name in self.y]
        y = outputs[0]
        if len(outputs) > 1:
            y = np.stack([number_array(output, "predictions y")[0] for output in outputs], axis=1)
        label = None if self.label is None else columns[self.label]
        weight = None if self.sample_weight is None else columns[self.sample_weight]
        return y, columns, label, weight


def larger_pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Record batches, which Spark makes small, in tables of about `ROWS` rows."""
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting)


def table_of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns.

    Raises:
        ValueError: rows have different keys.
    """
    names = list(rows[0])
    for row in rows:
        if row.keys() != rows[0].keys():
            raise ValueError(f"expected rows with the same keys, received {names} and {list(row)}")
    return {name: [row[name] for row in rows] for name in names}
