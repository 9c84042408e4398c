"""Times taken in turns, and tables.

On a shared machine a slow minute would be one competitor's bad luck. So the competitors take turns, a few
calls each, and what is reported is the median over all turns.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["Timed", "calls", "first_call", "in_turns", "shown", "table"]

Timed = Callable[[], Sequence[float]]


def calls(function: Callable[[], Any], repeats: int) -> Timed:
    """A turn of `repeats` calls, each timed, in seconds."""

    def turn() -> list[float]:
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
        return seconds

    return turn


def first_call(function: Callable[[], Any]) -> float:
    """Seconds of one call, the first, which traces and compiles."""
    return calls(function, 1)()[0]


def in_turns(turns: Mapping[str, Timed], rounds: int) -> dict[str, float]:
    """The median seconds of a call of each competitor, after one round that is not counted.

    Every other round goes backwards, so that nobody always follows the same one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, turn in list(turns.items())[:: -1 if number % 2 else 1]:
            taken = turn()
            if number:
                seconds[name] += taken
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def shown(seconds: float) -> str:
    """Seconds as milliseconds with three digits.

    Example:

    >>> shown(0.0123456), shown(1.5)
    ('12.3 ms', '1,500 ms')
    """
    milliseconds = 1e3 * seconds
    digits = 3 if milliseconds < 1 else 2 if milliseconds < 10 else 1 if milliseconds < 100 else 0
    return f"{milliseconds:,.{digits}f} ms"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    columns = list(zip(head, *lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    for cells in (head, ["-" * width for width in widths], *lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |")
    print(flush=True)
