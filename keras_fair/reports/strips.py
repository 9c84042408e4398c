"""Dot-and-whisker strips: one SVG a line, on one axis a table.

Positions are percentages of the strip's width, so a strip fits any screen, and marks and text keep their
size. A strip repeats numbers that stand beside it in the table, so it is hidden from screen readers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from keras_fair.audit.result import Interval, Verdict
from keras_fair.reports.markup import Markup, fragment, tag
from keras_fair.reports.numbers import typeset

__all__ = ["Axis", "mark", "strip"]

_HEIGHT = 26
_MIDDLE = _HEIGHT / 2
_MARGIN = 3.0  # percent of the width, on either side
_TICKS = 4


@dataclass(frozen=True)
class Axis:
    """What the numbers of a table span, and round numbers on it.

    Args:
        low, high: the ends.
        ticks: round numbers between them.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, numbers: Iterable[float], *, zero: bool) -> Axis:
        """An axis that holds all finite numbers, and zero where asked and not far off."""
        finite = [number for number in numbers if math.isfinite(number)] or [0.0, 1.0]
        low, high = min(finite), max(finite)
        if zero and (low <= 0 <= high or min(abs(low), abs(high)) <= 2 * (high - low)):
            low, high = min(low, 0.0), max(high, 0.0)
        if not high > low:
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        if not math.isfinite(high - low):
            low, high = low / 4, high / 4
        return cls(low, high, _round_numbers(low, high))

    def place(self, number: float) -> float:
        """Where a number lies on the strip, in percent of its width; beyond the ends at the edge."""
        inside = min(max((number - self.low) / (self.high - self.low), -1.0), 2.0)
        return min(max(_MARGIN + (100 - 2 * _MARGIN) * inside, 0.0), 100.0)

    def picture(self) -> Markup:
        """The axis itself: its ticks with their numbers."""
        marks = []
        for tick in self.ticks:
            place = self.place(tick)
            anchor = "start" if place < 8 else "end" if place > 92 else "middle"
            x = _percent(place)
            marks.append(tag("line", x1=x, x2=x, y1=15, y2=20, class_="tick"))
            marks.append(tag("text", typeset(f"{tick:g}"), x=x, y=11, text_anchor=anchor))
        return tag("svg", *marks, class_="axis", width="100%", height=20, aria_hidden="true")


def strip(
    axis: Axis,
    value: float,
    interval: Interval | None,
    verdict: Verdict | None = None,
    lower: float = -math.inf,
    upper: float = math.inf,
) -> Markup:
    """One value with its interval, before the band in which it is allowed.

    Args:
        axis: of the table.
        value: where the dot stands; NaN for none.
        interval: the whisker, or None.
        verdict: of the relation, which gives the dot its shape; None for a statistic.
        lower, upper: bounds of the value; infinite or NaN ones are not drawn.
    """
    drawn = [*_band(axis, lower, upper), *(_line(axis, tick, "grid") for tick in axis.ticks)]
    style = "value" if verdict is None else verdict.value
    if interval is not None and not math.isnan(interval.low) and not math.isnan(interval.high):
        drawn.append(_whisker(axis, interval, style))
    if not math.isnan(value):
        drawn.append(
            tag(
                "svg",
                mark(verdict),
                x=_percent(axis.place(value)),
                y=_MIDDLE,
                overflow="visible",
                class_=style,
            )
        )
    return tag("svg", *drawn, class_="strip", width="100%", height=_HEIGHT, aria_hidden="true")


def mark(verdict: Verdict | None) -> Markup:
    """The mark of a verdict around the origin: each has a shape of its own, so colour says nothing alone."""
    if verdict is Verdict.VIOLATED:
        return tag("path", d="M0-6.5 6.5 0 0 6.5-6.5 0Z", class_="mark")
    if verdict is Verdict.UNDECIDED:
        return tag("circle", r=4.5, class_="mark hollow")
    if verdict is Verdict.UNESTIMABLE:
        return tag("path", d="M-4.5-4.5 4.5 4.5M-4.5 4.5 4.5-4.5", class_="mark hollow")
    return tag("circle", r=5, class_="mark")


def _band(axis: Axis, lower: float, upper: float) -> Iterable[Markup]:
    if math.isnan(lower) or math.isnan(upper) or (math.isinf(lower) and math.isinf(upper)):
        return
    left = 0.0 if math.isinf(lower) else axis.place(lower)
    right = 100.0 if math.isinf(upper) else axis.place(upper)
    if right > left:
        yield tag("rect", x=_percent(left), width=_percent(right - left), y=0, height=_HEIGHT, class_="band")
    for bound in dict.fromkeys(bound for bound in (lower, upper) if math.isfinite(bound)):
        yield _line(axis, bound, "bound")


def _line(axis: Axis, number: float, kind: str) -> Markup:
    x = _percent(axis.place(number))
    return tag("line", x1=x, x2=x, y1=0, y2=_HEIGHT, class_=f"{kind} zero" if number == 0 else kind)


def _whisker(axis: Axis, interval: Interval, style: str) -> Markup:
    left, right = _percent(axis.place(interval.low)), _percent(axis.place(interval.high))
    ends = (
        tag("line", x1=x, x2=x, y1=_MIDDLE - 4, y2=_MIDDLE + 4, class_=f"whisker {style}")
        for x in (left, right)
    )
    across = tag("line", x1=left, x2=right, y1=_MIDDLE, y2=_MIDDLE, class_=f"whisker {style}")
    return fragment(across, *ends)


def _percent(place: float) -> str:
    return f"{place:.2f}%"


def _round_numbers(low: float, high: float) -> tuple[float, ...]:
    """About `_TICKS` multiples of 1, 2 or 5 times a power of ten, inside `[low, high]`."""
    step = 10.0 ** math.floor(math.log10((high - low) / _TICKS))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= _TICKS + 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step))) + 1
    return tuple(round(number * step, digits) + 0.0 for number in range(first, last + 1))
