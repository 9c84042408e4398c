"""What is said of people of groups that a rule doesn't know: nobody was of them at calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_fair.errors import some_of

__all__ = ["known_groups", "left_alone", "nothing_for"]


def nothing_for(cells: np.ndarray, names: Sequence[str], received: str = "") -> str:
    """The error with `unknown="error"`.

    Args:
        cells: the group of each of these people.
        names: of all groups.
        received: the attributes of the first of them, where they are known as they were given.
    """
    shown = f" (received {received})" if received else ""
    return (
        f"{_count(cells)} of a group that nobody was of at calibration: {_some(cells, names)}{shown}. "
        "The rule has nothing for them: fit it on people of all groups, or take "
        'unknown="exclude", which leaves their scores as they are'
    )


def left_alone(cells: np.ndarray, names: Sequence[str], received: str = "") -> str:
    """The warning with `unknown="exclude"`; arguments as of `nothing_for`."""
    shown = f"; received {received}" if received else ""
    who = f"{_count(cells)} of a group that the rule doesn't know ({_some(cells, names)}{shown})"
    return f"{who}: scores are left as they are"


def known_groups(names: Sequence[str], row_of_cell: np.ndarray) -> str:
    """The groups that a rule knows, the first five by name."""
    return some_of([name for name, row in zip(names, row_of_cell, strict=True) if row >= 0], 5, "; ")


def _count(cells: np.ndarray) -> str:
    return f"{len(cells):,} {'person' if len(cells) == 1 else 'people'}"


def _some(cells: np.ndarray, names: Sequence[str]) -> str:
    return some_of(sorted({names[cell] for cell in cells}), 5, "; ")
