"""How the parts of two streams' states become those of one, and an earlier state one of today.

`StreamState` puts them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.ops.stream.earlier import EARLIER_NUMBERS, earlier_spreads

__all__ = ["added", "added_tables", "averaged_row", "joined_vocabulary", "later", "whole_entries"]

_MOMENTS = 4
_LARGEST = 1e100  # a number beyond this is damage


def added(left: tuple[float, ...], right: tuple[float, ...]) -> tuple[float, ...]:
    """The sums of two streams, place by place."""
    return tuple(a + b for a, b in zip(left, right, strict=True))


def added_tables(left: dict[str, tuple], right: dict[str, tuple]) -> dict[str, tuple]:
    """Sums by key. A key that only one of them has keeps its sums."""
    both = {**left, **right}
    return {key: added(left[key], right[key]) if key in left and key in right else both[key] for key in both}


def averaged_row(left: tuple | None, right: tuple | None, counts: tuple[float, float]) -> tuple[float, ...]:
    """A row's price, averaged over the arrivals of both streams, and the sum of its duals, which grow with
    the arrivals."""
    left, right = left or (0.0, 0.0), right or (0.0, 0.0)
    total = max(sum(counts), 1.0)
    return ((left[0] * counts[0] + right[0] * counts[1]) / total, left[1] + right[1])


def later(waiting: tuple[dict[str, Any], ...], arrivals: int) -> list[dict[str, Any]]:
    """Those who wait for a label, as if so many arrivals had come before their stream began."""
    return [{**entry, "arrivals": entry["arrivals"] + arrivals} for entry in waiting]


def whole_entries(entries: Any) -> Any:
    """The entries of a saved state; where an earlier version wrote them, with what its terms lack. What is
    malformed is left as it is, for who checks it."""
    if not isinstance(entries, Mapping):
        return entries
    terms, moments, outputs = (entries.get(name) for name in ("terms", "moments", "outputs"))
    fine = isinstance(moments, list) and len(moments) == _MOMENTS and all(map(_is_number, moments))
    if not fine or not isinstance(terms, dict) or type(outputs) is not int or outputs < 1:
        return entries

    def whole(numbers: Any) -> Any:
        earlier = isinstance(numbers, list) and len(numbers) == EARLIER_NUMBERS
        if not earlier or not all(map(_is_number, numbers)):
            return numbers
        with np.errstate(all="ignore"):  # what is beyond all measure is refused by who checks it
            lacking = earlier_spreads(np.array([float(numbers[2])]), moments, outputs)
        return [*numbers, *(float(part[0]) for part in lacking.values())]

    return {**entries, "terms": {name: whole(numbers) for name, numbers in terms.items()}}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _LARGEST


def joined_vocabulary(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """The values of both, from what `Vocabulary.get_config` gave.

    Raises:
        ValueError: they treat missing values differently.
    """
    if left["missing"] != right["missing"]:
        raise ValueError(
            "expected states with the same policy for missing values to merge, "
            f"received {left['missing']!r} and {right['missing']!r}"
        )
    values = dict(left["values"])
    for name, theirs in right["values"].items():
        mine = values.get(name, theirs)
        values[name] = None if mine is None or theirs is None else _union(mine, theirs)
    labels = [values_of for values_of in (left["label"], right["label"]) if values_of is not None]
    return {"values": values, "label": _union(*labels) if labels else None, "missing": left["missing"]}


def _union(*lists: list[Any]) -> list[Any]:
    return list(dict.fromkeys(value for values in lists for value in values))
