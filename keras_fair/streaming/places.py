"""What `state=` means: a file, or a store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from keras_fair.streaming.saving import InFile, InStore, Saving
from keras_fair.streaming.shared_state import SharedState
from keras_fair.streaming.state_document import NoState, StateDocument, StateError
from keras_fair.streaming.state_file import StateFile
from keras_fair.streaming.stores import Store, opened_store

__all__ = ["Known", "known", "saving_in"]


@dataclass(frozen=True)
class Known:
    """A place whose content the caller asked to go on from."""

    place: StateFile | Store


def known(state: Any) -> tuple[Known, StateDocument]:
    """The place that `state=` means, and what it holds.

    Raises:
        StateError: there is nothing, or it can't be read.
    """
    place = _place(state)
    if isinstance(place, StateFile):
        return Known(place), place.read()
    text = place.load()
    if text is None:
        raise NoState(f"expected a state in {SharedState.named(place)}, found none")
    try:
        return Known(place), StateDocument.read(text)
    except ValueError as fault:
        raise StateError(f"can't use the state in {SharedState.named(place)}: {fault}") from fault


def saving_in(state: Any, save_every: int, sync_every: int, half_life: float, window: int) -> Saving | None:
    """How a stream saves to what `state=` means; None for nowhere.

    Raises:
        StateError: nothing can be saved there.
        ValueError: `save_every` with a store, or `sync_every` without one.
    """
    asked = isinstance(state, Known)
    place = state.place if isinstance(state, Known) else None if state is None else _place(state)
    if place is None or isinstance(place, StateFile):
        if sync_every != 1:
            with_what = "no state" if place is None else "a file, which takes save_every"
            raise ValueError(
                "expected sync_every with a store as state, such as 'sqlite:///state.db', received "
                f"sync_every={sync_every} with {with_what}"
            )
        return None if place is None else InFile(place, save_every, asked)
    if save_every != 1:
        raise ValueError(
            f"expected sync_every with a store as state, received save_every={save_every}, which is for files"
        )
    return InStore(SharedState(place, half_life, window), sync_every, asked)


def _place(state: Any) -> StateFile | Store:
    store = opened_store(state)
    if store is not None:
        return store
    if not isinstance(state, (str, os.PathLike)):
        raise StateError(
            "expected state as a path, 'sqlite:///...', 'redis://...', or an object with load and "
            f"compare_and_swap, received state of type {type(state).__name__}"
        )
    return StateFile(state)
