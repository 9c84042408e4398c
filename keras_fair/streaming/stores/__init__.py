"""Stores: where several processes keep one state. A store keeps a text, and swaps it for another.

    load()                          the text, None where there is none yet
    compare_and_swap(before, after) put `after` in the place of `before`, if that is still what is kept

Nothing else is asked of a store, so whatever can do these two things atomically is one. What the text says,
and that nothing is counted twice, is `keras_fair.streaming.shared_state`'s.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from keras_fair.streaming.state_document import StateError

__all__ = ["Store", "opened_store"]


@runtime_checkable
class Store(Protocol):
    """Where processes that hold one stream together keep its state.

    A call that fails raises. It may have been carried out all the same, such as where the answer of a server
    was lost: the next call finds out.

    Example:
        >>> class InMemory:
        ...     def __init__(self):
        ...         self.text = None
        ...     def load(self):
        ...         return self.text
        ...     def compare_and_swap(self, before, after):
        ...         if self.text != before:
        ...             return False
        ...         self.text = after
        ...         return True
        >>> from keras_fair.streaming.stores import Store
        >>> isinstance(InMemory(), Store)
        True
    """

    def load(self) -> str | None:
        """The text that is kept, None where there is none yet."""

    def compare_and_swap(self, before: str | None, after: str) -> bool:
        """Keep `after`, if what is kept is `before` (None: nothing), in one step that no other can enter.

        Returns:
            Whether it was.
        """


def opened_store(place: Any) -> Store | None:
    """The store that `state=` means; None where it means a file.

    Args:
        place: `"sqlite:///..."`, `"redis://..."`, an object with `load` and `compare_and_swap`, or a path.

    Raises:
        StateError: an address of another kind, or a store that can't be used.
    """
    if not isinstance(place, str):
        return place if isinstance(place, Store) else None
    if "://" not in place:
        return None
    scheme = place.partition("://")[0]
    if scheme == "sqlite":
        from keras_fair.streaming.stores.sqlite_store import SqliteStore

        return SqliteStore(place)
    if scheme in ("redis", "rediss", "unix"):
        from keras_fair.streaming.stores.redis_store import RedisStore

        return RedisStore(place)
    raise StateError(
        "expected state as a path, 'sqlite:///...', 'redis://...', or an object with load and "
        f"compare_and_swap, received state={place!r}"
    )
