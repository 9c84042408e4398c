"""Loops and choices over records of arrays, such as the state of an iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from keras_fair.ops.dispatch import all_numpy, ops

__all__ = ["choose", "iterate"]

State = TypeVar("State")


def iterate(unfinished: Callable[[State], Any], advance: Callable[[State], State], first: State) -> State:
    """The first state for which `unfinished` no longer holds, each made from the last by `advance`.

    Args:
        unfinished: gives a () bool.
        advance: gives a state of the same structure, shapes and dtypes.
        first: an array or a tensor, or nested named tuples of them without None.
    """
    (last,) = ops.while_loop(unfinished, lambda state: (advance(state),), (first,))
    return last


def choose(condition: Any, chosen: State, other: State) -> State:
    """`chosen` where the () bool `condition` holds, else `other`; both are computed."""
    if all_numpy(condition):
        return chosen if condition else other
    from keras import tree

    return tree.map_structure(lambda one, two: ops.where(condition, one, two), chosen, other)
