"""Methods of an early room whose work is done in a later one.

Imports go one way: `constraints` comes before `rows`, and `audit` before `reports`. Still a user writes
`parse(text).rows(...)` and `audit(...).to_html()`. So the class has the method, with its signature and its
documentation, and asks here for the function that does the work. Only the package itself, which comes after
all rooms, says where each of them is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["provide", "provided"]

_PLACES: dict[str, str] = {}


def provide(places: Mapping[str, str]) -> None:
    """Say where functions are.

    Args:
        places: from a name to the place of a function, such as `keras_fair.reports.page:to_html`.
    """
    _PLACES.update(places)


def provided(name: str) -> Callable[..., Any]:
    """The function of this name; its module is imported when it is first asked for."""
    module, function_name = _PLACES[name].split(":")
    return getattr(importlib.import_module(module), function_name)
