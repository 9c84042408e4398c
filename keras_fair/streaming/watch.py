"""Calls a hook when a violation lasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["SLACK", "Watch"]

SLACK = 1e-6  # a violation up to this much is rounding


class Watch:
    """Calls a hook for relations that stay violated.

    Args:
        hook: called with the name of the relation, the arrivals and the violation, or None.
        patience: for how many arrivals a violation may last.
    """

    def __init__(self, hook: Callable[[str, int, float], Any] | None, patience: int) -> None:
        self.hook, self.patience = hook, patience
        self._since: dict[tuple[str, str], int] = {}
        self._called: set[tuple[str, str]] = set()

    def look(self, stream: str, violations: Mapping[str, float], arrivals: int) -> None:
        """Look at the violations of a stream after a batch. If the hook raises, the caller gets the error;
        the state is safe by then."""
        if self.hook is None:
            return
        for name, violation in violations.items():
            key = (stream, name)
            if violation <= SLACK:
                self._since.pop(key, None)
                self._called.discard(key)
                continue
            since = self._since.setdefault(key, arrivals)
            if arrivals - since > self.patience and key not in self._called:
                self._called.add(key)
                self.hook(name, arrivals, violation)
