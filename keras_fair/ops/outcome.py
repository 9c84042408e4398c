"""How a projection ended."""

from __future__ import annotations

import enum

__all__ = ["Outcome"]


class Outcome(enum.IntEnum):
    """How a projection ended. `message` says it in a sentence."""

    SOLVED = 0
    RELAXED = 1
    ITERATION_LIMIT = 2

    @property
    def message(self) -> str:
        """The outcome in a sentence."""
        return _MESSAGES[self]


_MESSAGES = {
    Outcome.SOLVED: "all rows hold.",
    Outcome.RELAXED: (
        "no predictions inside the domain meet all rows; these violate them least, in the sum of squares. "
        "`violation` says which rows are violated and by how much."
    ),
    Outcome.ITERATION_LIMIT: (
        "the iteration limit was reached; rows hold to `residual`, relative to how far each can move."
    ),
}
