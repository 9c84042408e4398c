"""What a worker counts: requests, people, times. Plain numbers that the workers' parent adds up."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["BUCKETS", "Counts"]

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds, the upper ends of the buckets of the histogram of times."""


@dataclass
class Counts:
    """Counts since a process began.

    Attributes:
        requests: by status of HTTP.
        people: who were answered.
        unknown: people of a group that a rule doesn't know.
        warnings: of Python, whose texts may hold data and so are not shown.
        buckets: requests by time, one count for each of `BUCKETS` and one for what took longer.
        seconds: of all requests together.
    """

    requests: Counter[int] = field(default_factory=Counter)
    people: int = 0
    unknown: int = 0
    warnings: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, status: int, people: int, seconds: float) -> None:
        """Count a request."""
        self.requests[status] += 1
        self.people += people
        self.seconds += seconds
        self.buckets[bisect_left(BUCKETS, seconds)] += 1

    def merged(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.requests + other.requests,
            self.people + other.people,
            self.unknown + other.unknown,
            self.warnings + other.warnings,
            [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)],
            self.seconds + other.seconds,
        )
