"""What all pictures share: how Matplotlib is reached, colours, the style, and text made safe for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

__all__ = ["COLORS", "DASHES", "INK", "legend_below", "plain", "pyplot", "shortened", "styled"]

# Okabe and Ito: told apart by the colour-blind too
COLORS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#333333"
DASHES = (0, (4, 2))
BAND = "#009E73"
_LONGEST = 56  # characters of a name in a picture
_LINE = 112  # characters beside each other under a picture 10 inches wide


def pyplot() -> Any:
    """`matplotlib.pyplot`, imported now.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed; the message says how to install it.
    """
    try:
        import matplotlib.pyplot
    except ModuleNotFoundError as fault:
        if fault.name != "matplotlib":
            raise
        message = "pictures need Matplotlib: pip install 'keras-fair[plot]'"
        raise ModuleNotFoundError(message, name="matplotlib") from fault
    return matplotlib.pyplot


def styled() -> AbstractContextManager[Any]:
    """Plain axes in dark grey, for what is drawn inside."""
    sides = {f"axes.spines.{side}": False for side in ("top", "right")}
    ink = {"axes.edgecolor": INK, "axes.labelcolor": INK, "text.color": INK, "axes.titlesize": 11}
    return pyplot().rc_context({"font.size": 10, **sides, **ink})


def plain(text: str) -> str:
    """Text in which Matplotlib sees no formula.

    Example:

    >>> print(plain("income < $20, not $30"))
    income < \\$20, not \\$30
    """
    return text.replace("$", r"\$")


def shortened(name: str, longest: int = _LONGEST) -> str:
    """A name that fits into a picture, as plain text: the middle of a long one is left out."""
    if len(name) > longest:
        name = f"{name[: longest // 2]} … {name[-(longest // 2 - 3) :]}"
    return plain(name)


def legend_below(figure: Any, handles: Sequence[Any], names: Sequence[str]) -> None:
    """One legend for all panels, in as many columns as fit."""
    columns = max(1, min(len(names), _LINE // (max(map(len, names), default=1) + 8)))
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False)
