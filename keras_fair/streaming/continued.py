"""A stream that goes on: from a file, or from two streams.

Both give the arguments of the constructor of `StreamingFairness`; what the caller wants to differ comes on
top of them.
"""

from __future__ import annotations

from typing import Any

from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.streaming.keeper import Keeper
from keras_fair.streaming.places import known
from keras_fair.streaming.saving import InStore
from keras_fair.streaming.state import StreamState
from keras_fair.streaming.stream_settings import domain_of

__all__ = ["merged", "saved_arguments"]


def saved_arguments(path: Any) -> dict[str, Any]:
    """The arguments that a saved state goes on with.

    Raises:
        StateError: there is no such state, or it is damaged.
    """
    place, document = known(path)
    states, settings = document.states, dict(document.settings)
    learns = settings.pop("learns", True)
    arguments = {**settings, "state": place}
    if len(states) == 1:
        (state,) = states.values()
        arguments |= {"constraints": state.constraints, "domain": domain_of(state.domain)}
        if not learns:
            arguments["vocabulary"] = Vocabulary.from_config(state.vocabulary)
    return arguments


def merged(one: Keeper, other: Keeper) -> tuple[dict[str, Any], dict[str, StreamState]]:
    """The arguments that two streams go on with as one, those of the first, and the states of both.

    Raises:
        ValueError: they are of different constraints or layers.
    """
    first, second = sorted(
        (one, other), key=id
    )  # always in the same order: no two merges wait for each other
    with first.lock, second.lock:
        if isinstance(one.saving, InStore) and one.saving.shares_with(other.saving):
            raise ValueError(
                f"expected streams of their own to merge, received two that share {one.saving}: there they "
                "are one already"
            )
        mine, theirs = one.kept.constraints, other.kept.constraints
        if mine is not None and theirs is not None and mine != theirs:
            raise ValueError(
                "expected streams of the same constraints to merge, received "
                f"{str(mine)!r} and {str(theirs)!r}"
            )
        settings = one.kept.settings
        learns = settings.pop("learns")
        arguments = {
            **settings,
            "constraints": theirs if mine is None else mine,
            "domain": one.kept.rule.domain,
            "vocabulary": None if learns else one.kept.vocabulary,
            "on_violation": one.watch.hook,
            "patience": one.watch.patience,
        }
        return arguments, _merged_states(one.kept.states(), other.kept.states())


def _merged_states(mine: dict[str, StreamState], theirs: dict[str, StreamState]) -> dict[str, StreamState]:
    """The states of two streams together. A stream without arrivals adds nothing. A state that is alone on
    both sides belongs together under any name."""
    if not mine or not theirs:
        return {**mine, **theirs}
    if len(mine) == len(theirs) == 1:
        ((name, left),), (right,) = mine.items(), theirs.values()
        return {name: left.merge(right)}
    if set(mine) != set(theirs):
        raise ValueError(f"expected streams of the same layers, received {sorted(mine)} and {sorted(theirs)}")
    return {name: state.merge(theirs[name]) for name, state in mine.items()}
