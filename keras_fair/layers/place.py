"""The place of a constraint error, kept while it passes through Keras."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from keras_fair.errors import ConstraintError

__all__ = ["place_kept"]


@contextmanager
def place_kept() -> Iterator[None]:
    """Keep the place of a constraint error while it passes through Keras.

    Keras replaces every error in a call by one made of its first argument and the call's arguments, without
    the line and the caret. It does not change an error that is marked as already having the arguments.
    """
    try:
        yield
    except ConstraintError as error:
        error._keras_call_info_injected = True  # type: ignore[attr-defined]
        raise
