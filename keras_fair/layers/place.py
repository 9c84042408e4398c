"""The place of a constraint error, kept while it passes through Keras."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from keras_fair.errors import ConstraintError

__all__ = ["place_kept"]


@contextmanager
def place_kept() -> Iterator[None]:
    """Keep the place of a constraint error while it passes through Keras.

    Keras makes every error in a call anew from its first argument, with the call's arguments added, which
    would lose the line and the caret. An error that says it has them is let through.
    """
    try:
        yield
    except ConstraintError as error:
        error._keras_call_info_injected = True  # type: ignore[attr-defined]
        raise
