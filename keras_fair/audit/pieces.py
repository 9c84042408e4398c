"""Sums of independent estimates: how the limits of each make the limits of the sum.

`keras_fair.audit.intervals` says which way is taken where, and gives the sources.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras_fair.audit.quantiles import t_quantile

__all__ = ["Piece", "added"]


@dataclass(frozen=True)
class Piece:
    """One of several independent estimates of a sum: its value, limits around it, its error and freedom."""

    value: float
    low: float
    high: float
    error: float
    freedom: float
    rate: bool


def added(pieces: Sequence[Piece], constant: float, alpha: float) -> tuple[float, float, str]:
    """The limits of a sum of independent estimates and a number, and what the way is called.

    Args:
        pieces: one or more.
        constant: the number.
        alpha: one minus the confidence that the limits of the pieces are made for.
    """
    value = constant + sum(piece.value for piece in pieces)
    if len(pieces) == 1:
        method = "clopper-pearson" if pieces[0].rate else "student t"
        return constant + pieces[0].low, constant + pieces[0].high, method
    if not any(piece.rate for piece in pieces):
        error = sum(piece.error for piece in pieces)
        if not error > 0:
            return (value, value, "welch") if error == 0 else (math.nan, math.nan, "welch")
        freedom = error**2 / sum(piece.error**2 / piece.freedom for piece in pieces)
        reach = t_quantile(freedom, alpha) * math.sqrt(error)
        return value - reach, value + reach, "welch"
    below = math.sqrt(sum((piece.value - piece.low) ** 2 for piece in pieces))
    above = math.sqrt(sum((piece.high - piece.value) ** 2 for piece in pieces))
    rates = all(piece.rate for piece in pieces)
    return value - below, value + above, "clopper-pearson, squares added" if rates else "squares added"
