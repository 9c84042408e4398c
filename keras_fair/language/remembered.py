"""Hashes of trees, found once and kept: trees are looked up often, and their hash is that of all below."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["Remembering", "remembers_hash"]

_N = TypeVar("_N")


class Remembering:
    """Has a place for what `hash` said once."""

    __slots__ = ("_hash",)


def remembers_hash(kind: type[_N]) -> type[_N]:
    """Makes a class of nodes walk the tree under a node once, however often its hash is asked for.

    The hash is no field, so it is neither compared nor pickled: that of a text differs between processes.
    """
    walked = kind.__hash__

    def remembered(self: _N) -> int:
        try:
            return self._hash  # type: ignore[attr-defined]
        except AttributeError:
            object.__setattr__(self, "_hash", walked(self))
            return self._hash  # type: ignore[attr-defined]

    kind.__hash__ = remembered  # type: ignore[method-assign, assignment]
    return kind
