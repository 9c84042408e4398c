"""Parquet files as sources of typed columns, by pyarrow.

The types are those of the file: whole and decimal numbers are numbers, text is text, dates are the texts that
`keras_fair.inputs.dates` makes of them, and booleans are the texts `True` and `False`, as a CSV file would
hold them. Numbers keep their precision, so that thresholds are compared in it. Nothing is kept in memory but
the batch that is read. Numbers that name groups and that float64 can't tell apart are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import compute, parquet, types

from keras_fair.cli.column_use import ColumnUse
from keras_fair.cli.input_fault import InputFault, failing, faults_of_input
from keras_fair.cli.table_source import (
    TRUTH,
    ColumnChunks,
    Columns,
    Source,
    TextCodes,
    Texts,
    array_of,
    check_header,
    is_boolean,
    no_date,
)
from keras_fair.errors import quoted
from keras_fair.inputs.columns import read_column
from keras_fair.inputs.precision import LARGEST_WHOLE

__all__ = ["ParquetSource"]

_EXACT = 15  # digits that float64 always keeps
_ROWS = 262_144  # that are looked at together


class ParquetSource(Source):
    """A Parquet file.

    Args:
        path: the file.
        name: what messages call it.
        missing: texts that stand for no value.

    Raises:
        InputFault: the file is broken or has no rows.
    """

    def __init__(self, path: Path, name: str, missing: Collection[str] = ()) -> None:
        self.name = name
        self.missing = frozenset({"", *missing})
        with failing(f"can't read {name}", pyarrow.ArrowException):
            self._file = parquet.ParquetFile(path, memory_map=False)
            self._schema = self._file.schema_arrow
        self.rows = int(self._file.metadata.num_rows)
        self.header = tuple(self._schema.names)
        check_header(self.header, name)
        if not self.rows:
            raise InputFault(f"expected at least one row in {name}, found none")

    def columns(self, uses: Mapping[str, ColumnUse], *, normalize: bool = False) -> Columns:
        """See `Source.columns`."""
        kinds = {}
        for name, use in uses.items():
            kind = kinds[name] = self._kind(name)
            if use.truth and (kind == "boolean" or (kind == "text" and self._is_boolean(name))):
                kinds[name] = "truth"
            elif (use.numbers and kind != "number") or (use.periods and kind not in ("text", "date")):
                needed = "dates" if use.periods else "numbers"
                raise InputFault(
                    f"expected {needed} in column {quoted(name)} of {self.name}, "
                    f"found {self._schema.field(name).type}{use.asked}"
                )
        codes = {
            name: TextCodes(name, self.missing, uses[name].spelled if normalize else None, uses[name].periods)
            for name, kind in kinds.items()
            if kind != "number"
        }
        return _ParquetColumns(self, kinds, codes, uses)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def batches(self, names: Sequence[str], size: int) -> Iterator[Any]:
        """Batches of `pyarrow`, of at most `size` rows."""
        with failing(f"can't read {self.name}", pyarrow.ArrowException):
            yield from self._file.iter_batches(size, columns=list(names), use_threads=False)

    def _kind(self, name: str) -> str:
        """`number`, `boolean`, `date` or `text`."""
        kind = self._schema.field(name).type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if types.is_boolean(kind):
            return "boolean"
        if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
            return "number"
        if types.is_date(kind) or types.is_timestamp(kind):
            return "date"
        if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
            return "text"
        raise InputFault(
            f"expected numbers, text, dates or booleans in column {quoted(name)} of {self.name}, found {kind}"
        )

    def _is_boolean(self, name: str) -> bool:
        """Whether a column of text holds nothing but `true` and `false`."""
        texts: set[Any] = set()
        for batch in self.batches([name], _ROWS):
            texts.update(batch.column(0).unique().to_pylist())
            if not is_boolean(texts - self.missing - {None}):
                return False
        return True


class _ParquetColumns(Columns):
    """Columns of a file, read anew whenever they are gone through.

    Args:
        source: the file.
        kinds: `number`, `boolean`, `text`, `date`, or `truth`: texts and booleans that stand for 1 and 0.
        codes: of those that are no numbers.
        uses: what each of them is needed for.
    """

    def __init__(
        self,
        source: ParquetSource,
        kinds: Mapping[str, str],
        codes: dict[str, TextCodes],
        uses: Mapping[str, ColumnUse],
    ) -> None:
        self.size = source.rows
        self.codes = codes
        self._source, self._kinds, self._uses = source, kinds, uses

    def chunks(self, size: int, names: Collection[str] | None = None) -> Iterator[ColumnChunks]:
        """See `Columns.chunks`."""
        wanted = [name for name in self._kinds if names is None or name in names]
        if not wanted:
            yield from ({} for _ in range(0, self.size, size))
            return
        begin = 0
        for batch in self._source.batches(wanted, size):
            yield {
                name: self._numbers(name, column, begin)
                if name not in self.codes
                else self._texts(name, column, begin)
                for name, column in zip(wanted, batch.columns, strict=True)
            }
            begin += batch.num_rows

    def place(self, row: int) -> str:
        """See `Columns.place`."""
        return f"{self._source.name}, row {row + 1}"

    def _numbers(self, name: str, column: Any, begin: int) -> np.ndarray:
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if self._uses[name].listed:
            self._refuse_merged(name, column, begin)
        if not types.is_floating(column.type):
            column = column.cast("float64", safe=False)
        return array_of(column, np.nan)

    def _texts(self, name: str, column: Any, begin: int) -> np.ndarray | Texts:
        if not types.is_dictionary(column.type):
            column = column.dictionary_encode()
        text_codes = self.codes[name]
        texts: list[Any] = column.dictionary.to_pylist()
        if self._kinds[name] == "date":
            with faults_of_input():
                texts = read_column(column.dictionary, f"column {quoted(name)}").entries()
        codes = text_codes.of(texts, column.indices)
        if text_codes.no_date is not None:
            row = begin + int(np.argmax(codes == text_codes[text_codes.no_date]))
            raise InputFault(f"{self.place(row)}: {no_date(name, self._uses[name], text_codes.no_date)}")
        if self._kinds[name] == "truth":
            return np.array([*(TRUTH[text.lower()] for text in text_codes), np.nan])[codes]
        return Texts(tuple(text_codes), codes)

    def _refuse_merged(self, name: str, column: Any, begin: int) -> None:
        """Refuse a number that names a group and is not itself in float64."""
        lost: set[Any] = set()
        if types.is_integer(column.type):
            ends = compute.min_max(column).as_py()
            lost = {end for end in ends.values() if end is not None and abs(end) > LARGEST_WHOLE}
        elif types.is_decimal(column.type) and column.type.precision > _EXACT:
            entries = (entry for entry in column.unique().to_pylist() if entry is not None)
            lost = {entry for entry in entries if Decimal(repr(float(entry))) != entry}
        if lost:
            entries = column.to_pylist()
            row = next(row for row, entry in enumerate(entries) if entry in lost)
            raise InputFault(
                f"{self.place(begin + row)}: expected numbers that float64 can tell apart in column "
                f"{quoted(name)}, whose values name groups, found {entries[row]}; save the column as text"
            )
