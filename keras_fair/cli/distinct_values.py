"""The distinct values of columns in a whole table, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from keras_fair.cli.table_source import Columns, Texts

__all__ = ["CHUNK", "distinct_values"]

CHUNK = 262_144  # samples at a time


def distinct_values(columns: Columns, names: Collection[str]) -> dict[str, list[Any]]:
    """The values that occur, sorted, and None at the end if a row has none.

    Args:
        columns: the table.
        names: of the columns. Of numbers no more are listed than tell a vocabulary that there are too many.
    """
    from keras_fair.groups.vocabulary import MOST_NUMBERS

    values: dict[str, set[Any]] = {name: set() for name in names}
    absent = dict.fromkeys(names, False)
    if names:
        for chunk in columns.chunks(CHUNK, names):
            for name, column in chunk.items():
                if isinstance(column, Texts):
                    codes = np.unique(column.codes).tolist()
                    values[name].update(column.categories[code] for code in codes if code >= 0)
                    absent[name] |= -1 in codes
                else:
                    numbers = column[~np.isnan(column)]
                    absent[name] |= len(numbers) < len(column)
                    if len(values[name]) <= MOST_NUMBERS:
                        values[name].update(np.unique(numbers)[: MOST_NUMBERS + 1].tolist())
    return {name: [*sorted(entries), *([None] if absent[name] else [])] for name, entries in values.items()}
