"""Whether columns that belong together have their rows in one order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["check_order"]


def check_order(columns: Mapping[str, Any]) -> None:
    """Refuse pandas objects whose rows have different orders.

    Columns are paired by position. Where two indexes have the same entries in different orders, rows of
    different people would be paired.

    Args:
        columns: the objects that belong together, by their names in messages; objects without an index are
            skipped.

    Raises:
        ValueError: two indexes hold the same entries in different orders.
    """
    first: tuple[str, Any] | None = None
    for what, column in columns.items():
        if isinstance(column, (np.ndarray, list, tuple)) or column is None:
            continue
        index: Any = getattr(column, "index", None)
        if not hasattr(index, "equals") or not hasattr(index, "sort_values"):
            continue
        if first is None:
            first = (what, index)
        elif len(index) == len(first[1]) and not index.equals(first[1]) and _same_entries(index, first[1]):
            raise ValueError(
                f"expected {what} in the order of {first[0]}, received an index with the same entries in "
                "another order: bring both into one order, for example with .loc[other.index], or pass "
                ".to_numpy() where the rows belong together by position"
            )


def _same_entries(index: Any, other: Any) -> bool:
    if not index.is_unique or not other.is_unique:
        return False
    try:
        return bool(index.sort_values().equals(other.sort_values()))
    except TypeError:  # entries that have no order
        return set(index) == set(other)
