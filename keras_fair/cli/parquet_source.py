"""Parquet files as sources of typed columns, by pyarrow, which is imported when the first one is opened.

The types are those of the file: whole and decimal numbers are numbers, text is text, and booleans are the
texts `True` and `False`, as a CSV file would hold them. Nothing is kept in memory but the batch that is read.
Numbers that name groups and that float64 can't tell apart are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.table_source import MOST_TEXTS, Chunk, Columns, Source, Texts, check_header
from keras_fair.errors import quoted

__all__ = ["ParquetSource"]

_WHOLE = 2**53  # up to here float64 tells all whole numbers apart
_EXACT = 15  # digits that float64 always keeps


class ParquetSource(Source):
    """A Parquet file.

    Args:
        path: the file.
        name: what messages call it.
        missing: texts that stand for no value.

    Raises:
        InputFault: pyarrow is not installed, or the file is broken or has no rows.
    """

    def __init__(self, path: Path, name: str, missing: Collection[str] = ()) -> None:
        try:
            from pyarrow import parquet
        except ModuleNotFoundError as fault:
            raise InputFault(
                f"reading the Parquet file {name} needs pyarrow: pip install 'keras-fair[parquet]'"
            ) from fault
        self.name = name
        self._path = path
        self._missing = frozenset({"", *missing})
        with _faults_of(name):
            self._file = parquet.ParquetFile(path, memory_map=False)
            self._schema = self._file.schema_arrow
        self.header = tuple(self._schema.names)
        check_header(self.header, name)
        if not self._file.metadata.num_rows:
            raise InputFault(f"expected at least one row in {name}, found none")

    def columns(
        self, names: Sequence[str], numbers: Collection[str] = (), groups: Collection[str] = ()
    ) -> Columns:
        """See `Source.columns`."""
        names = list(dict.fromkeys(names))
        kinds = {name: self._kind(name) for name in names}
        for name, kind in kinds.items():
            if name in numbers and kind != "number":
                found = self._schema.field(name).type
                raise InputFault(f"expected numbers in column {quoted(name)} of {self.name}, found {found}")
        return _ParquetColumns(self, kinds, set(groups).difference(numbers))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _kind(self, name: str) -> str:
        """`number`, `boolean` or `text`."""
        from pyarrow import types

        kind = self._schema.field(name).type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if types.is_boolean(kind):
            return "boolean"
        if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
            return "number"
        if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
            return "text"
        raise InputFault(
            f"expected numbers, text or booleans in column {quoted(name)} of {self.name}, found {kind}"
        )

    def batches(self, names: Sequence[str], size: int) -> Iterator[Any]:
        """Batches of `pyarrow`, of at most `size` rows."""
        with _faults_of(self.name):
            yield from self._file.iter_batches(size, columns=list(names), use_threads=False)

    @property
    def rows(self) -> int:
        """How many the file has."""
        return int(self._file.metadata.num_rows)

    @property
    def missing(self) -> frozenset[str]:
        """Texts that stand for no value."""
        return self._missing


class _ParquetColumns(Columns):
    """Columns of a file, read anew whenever they are gone through."""

    def __init__(self, source: ParquetSource, kinds: dict[str, str], groups: Collection[str]) -> None:
        self.size = source.rows
        self._groups = groups
        self.texts = frozenset(name for name, kind in kinds.items() if kind != "number")
        self._source, self._kinds = source, kinds
        self._codes: dict[str, dict[str, int]] = {name: {} for name in self.texts}

    def chunks(self, size: int, names: Collection[str] | None = None) -> Iterator[Chunk]:
        """See `Columns.chunks`."""
        wanted = [name for name in self._kinds if names is None or name in names]
        if not wanted:
            yield from ({} for _ in range(0, self.size, size))
            return
        begin = 0
        for batch in self._source.batches(wanted, size):
            for name, column in zip(wanted, batch.columns, strict=True):
                if name in self._groups and self._kinds[name] == "number":
                    self._refuse_merged(name, column, begin)
            begin += batch.num_rows
            yield {
                name: self._chunk(name, column) for name, column in zip(wanted, batch.columns, strict=True)
            }

    def place(self, row: int) -> str:
        """See `Columns.place`."""
        return f"{self._source.name}, row {row + 1}"

    def _chunk(self, name: str, column: Any) -> np.ndarray | Texts:
        import pyarrow

        kind = self._kinds[name]
        if kind == "number":
            if pyarrow.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            # Thresholds are compared in the precision of the file.
            if not pyarrow.types.is_float32(column.type):
                column = column.cast("float64", safe=False)
            return np.asarray(column.to_numpy(zero_copy_only=False))
        if not pyarrow.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        codes = [self._code(name, entry) for entry in column.dictionary.to_pylist()]
        places = column.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
        return Texts(tuple(self._codes[name]), np.array([*codes, -1], "int32")[places])

    def _refuse_merged(self, name: str, column: Any, begin: int) -> None:
        """Refuse a number that names a group and is not itself in float64."""
        from pyarrow import compute, types

        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        lost: set[Any] = set()
        if types.is_integer(column.type):
            ends = compute.min_max(column).as_py()
            lost = {end for end in ends.values() if end is not None and abs(end) > _WHOLE}
        elif types.is_decimal(column.type) and column.type.precision > _EXACT:
            known = (entry for entry in column.unique().to_pylist() if entry is not None)
            lost = {entry for entry in known if Decimal(repr(float(entry))) != entry}
        if lost:
            entries = column.to_pylist()
            row = next(row for row, entry in enumerate(entries) if entry in lost)
            raise InputFault(
                f"{self.place(begin + row)}: expected numbers that float64 can tell apart in column "
                f"{quoted(name)}, whose values name groups, found {entries[row]}; save the column as text"
            )

    def _code(self, name: str, entry: Any) -> int:
        text = "" if entry is None else str(entry)
        if text in self._source.missing:
            return -1
        known = self._codes[name]
        code = known.setdefault(text, len(known))
        if code >= MOST_TEXTS:
            raise InputFault(
                f"column {quoted(name)} has more than {MOST_TEXTS:,} different texts, such as "
                f"{quoted(text)}; an attribute has few"
            )
        return code


@contextmanager
def _faults_of(name: str) -> Iterator[None]:
    """What pyarrow says of a broken file is a fault of the input."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault).splitlines()[0]
        raise InputFault(f"can't read {name}: {reason}") from fault
