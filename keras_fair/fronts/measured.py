"""One number of a point, with its interval: a score, or the gap of a text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from keras_fair.audit.result import Interval

__all__ = ["Measured", "plain"]


@dataclass(frozen=True)
class Measured:
    """A number that is better the smaller it is.

    Attributes:
        value: on the validation people; NaN where it can't be estimated.
        interval: of the value among all people that these are drawn from; None where there is none.
        note: why there is no value, or which groups are small; `""` where there is nothing to say.
    """

    value: float
    interval: Interval | None = None
    note: str = ""

    @property
    def low(self) -> float:
        """The lower end of the interval; NaN where there is none."""
        return math.nan if self.interval is None else self.interval.low

    @property
    def high(self) -> float:
        """The upper end of the interval; NaN where there is none."""
        return math.nan if self.interval is None else self.interval.high

    def to_dict(self) -> dict[str, Any]:
        """As plain Python values; None for what is no finite number."""
        return {
            "value": plain(self.value),
            "low": plain(self.low),
            "high": plain(self.high),
            "method": "" if self.interval is None else self.interval.method,
            "note": self.note,
        }


def plain(number: float) -> float | None:
    """A number as JSON takes it: None where it is not finite."""
    return float(number) if math.isfinite(number) else None
