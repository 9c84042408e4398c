"""CSV files as sources of typed columns, by pyarrow, in memory that does not grow with the file.

What a column is needed for decides how it is read (`keras_fair.cli.column_use`): as numbers at once, or as
texts. Only the columns that are needed are kept, and these on disk: 8 bytes a number and 4 bytes a text.
Missing are empty entries, `nan` among numbers, and what the caller lists. Blanks around an entry are no part
of it. Where pyarrow can't read the file, Python's `csv` module goes through it once and says the line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow
from pyarrow import csv

from keras_fair.cli.column_use import ColumnUse
from keras_fair.cli.csv_columns import CsvColumns, no_number, number_in
from keras_fair.cli.csv_file import CsvFile, IrregularQuotes
from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.table_source import Columns, Source, TooManyTexts

__all__ = ["CsvSource"]

_BLOCK = 1 << 20  # bytes that pyarrow looks at together, which hold at least one record
_LARGEST_BLOCK = 1 << 28


class CsvSource(Source):
    """A CSV file.

    Args:
        file: its records.
        missing: entries that stand for no value, beside the empty one.
    """

    def __init__(self, file: CsvFile, missing: Collection[str] = ()) -> None:
        self.name, self.header = file.name, file.header
        self._file = file
        self._missing = frozenset({"", *missing})
        self._columns: list[CsvColumns] = []
        self._block = _BLOCK

    def columns(self, uses: Mapping[str, ColumnUse], *, normalize: bool = False) -> Columns:
        """See `Source.columns`."""
        texts = {name for name, use in uses.items() if use.listed}
        crowded: dict[str, TooManyTexts] = {}
        while True:
            columns = CsvColumns(uses, texts, self._missing, self.place, crowded, normalize=normalize)
            self._columns.append(columns)
            try:
                for batch in self._batches(list(uses), texts):
                    columns.add(batch)
                columns.finish()
            except IrregularQuotes:
                self._file.rewrite()
            except TooManyTexts as fault:
                if not columns.are_numbers(fault.column):
                    raise
                crowded[fault.column] = fault
            except pyarrow.ArrowInvalid as fault:
                self._refuse_records(uses)
                if texts != set(uses):
                    texts = set(uses)  # blanks around entries that stand for no value, for one
                elif self._block < _LARGEST_BLOCK:
                    self._block *= 16  # a record is longer
                else:
                    raise InputFault(f"can't read {self.name}: {fault}") from fault
            else:
                if not columns.size:
                    raise self._no_records()
                return columns
            self._columns.pop().close()

    def close(self) -> None:
        """Delete the temporary files."""
        for columns in self._columns:
            columns.close()
        self._columns = []
        self._file.close()

    def place(self, row: int) -> str:
        """The line at which a row begins."""
        return f"{self.name}, line {self._file.line(row)}"

    def _batches(self, names: list[str], texts: Collection[str]) -> Iterator[Any]:
        """The columns, texts as dictionaries; the first column of the file where none is needed."""
        types = {
            str(self.header.index(name)): pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
            if name in texts
            else pyarrow.float64()
            for name in names
        } or {"0": pyarrow.string()}
        with self._file.content() as (content, separator):
            reader = csv.open_csv(
                content,
                csv.ReadOptions(
                    use_threads=False,
                    block_size=self._block,
                    column_names=[str(place) for place in range(len(self.header))],
                ),
                csv.ParseOptions(
                    delimiter=separator, newlines_in_values=True, invalid_row_handler=_skip_blank_lines
                ),
                csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=sorted(self._missing),
                    strings_can_be_null=True,
                ),
            )
            with reader:
                yield from reader

    def _refuse_records(self, uses: Mapping[str, ColumnUse]) -> None:
        """Raise what is wrong with the records, with the line of the first that is at fault; if any is."""
        numbers = {name: self.header.index(name) for name, use in uses.items() if not use.listed}
        row = -1
        for row, (line, record) in enumerate(self._file.records()):
            for name, place in numbers.items():
                if number_in(record[place], uses[name], self._missing) is None:
                    fault = no_number(name, uses[name], record[place], others=row > 0)
                    raise InputFault(f"{self.name}, line {line}: {fault}")
        if row < 0:
            raise self._no_records()

    def _no_records(self) -> InputFault:
        return InputFault(f"expected a header and at least one line in {self.name}, found the header only")


def _skip_blank_lines(row: Any) -> str:
    """What pyarrow is to do with a record of too few or too many entries."""
    text = row.text.strip().removeprefix('"').removesuffix('"').strip()
    return "skip" if row.actual_columns == 1 and not text else "error"
