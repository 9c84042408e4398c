"""Layers that are only built: weights are made, and nothing is computed."""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["building", "is_built_only"]

_only: contextvars.ContextVar[bool] = contextvars.ContextVar("keras_fair_building", default=False)


@contextmanager
def building() -> Iterator[None]:
    """Projections of this thread give their inputs back."""
    token = _only.set(True)
    try:
        yield
    finally:
        _only.reset(token)


def is_built_only() -> bool:
    """Whether that is so at the moment."""
    return _only.get()
