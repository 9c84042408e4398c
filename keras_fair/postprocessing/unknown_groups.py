"""What is said of people of groups that a rule doesn't know: nobody was of them at calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_fair.errors import some_of
from keras_fair.inputs.columns import columns_of

__all__ = ["first_values", "known_groups", "left_alone", "nothing_for"]


def nothing_for(cells: np.ndarray, names: Sequence[str], received: str) -> str:
    """The error with `unknown="error"`.

    Args:
        cells: the group of each of these people.
        names: of all groups.
        received: what was given of the first of them, see `first_values`.
    """
    return (
        f"{_count(cells)} of a group that nobody was of at calibration: {_some(cells, names)} (received "
        f'{received}). The rule has nothing for them: fit it on people of all groups, or take '
        'unknown="exclude", which leaves their scores as they are'
    )


def left_alone(cells: np.ndarray, names: Sequence[str], received: str) -> str:
    """The warning with `unknown="exclude"`; arguments as of `nothing_for`."""
    groups = f"{_some(cells, names)}; received {received}"
    return f"{_count(cells)} of a group that the rule doesn't know ({groups}): scores are left as they are"


def first_values(attributes: Any, names: Iterable[str], place: int) -> str:
    """The named attributes of one person, as they were given."""
    columns = columns_of(attributes)
    values = {name: np.asarray(columns[name])[place : place + 1].reshape(-1).tolist()[0] for name in names}
    return ", ".join(f"{name}={_as_text(value)!r}" for name, value in values.items())


def known_groups(names: Sequence[str], row_of_cell: np.ndarray) -> str:
    """The groups that a rule knows, the first five by name."""
    return some_of([name for name, row in zip(names, row_of_cell, strict=True) if row >= 0], 5, "; ")


def _as_text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _count(cells: np.ndarray) -> str:
    return f"{len(cells):,} {'person' if len(cells) == 1 else 'people'}"


def _some(cells: np.ndarray, names: Sequence[str]) -> str:
    return some_of(sorted({names[cell] for cell in cells}), 5, "; ")
