"""How a projection ended."""

from __future__ import annotations

import enum

__all__ = ["Outcome"]


class Outcome(enum.IntEnum):
    """How a projection ended. `message` says it in a sentence.

    `RELAXED` is proven each time it is said (`keras_fair.ops.projection.certificate`): the root of the sum of
    squared violations, in the rows' own units, is at most a ten-thousandth (in float32 a hundredth) of itself
    above the least that the domain allows, or by what counts as met. The rows are those the solver sees: a
    `spread` is one row for each group, measured to the band that suits them best, and rows with a finite
    stiffness do not count. An unbounded domain is covered as far as 1,000 times (in float32 10 times) the
    range of the predictions. A category of probability zero keeps it under the cross-entropy, so there it
    counts as outside the domain.

    Of the two things that an answer should be, within its rows and the closest that is, `ITERATION_LIMIT`
    lacks the first and `NOT_CLOSEST` only the second: its rows hold.
    """

    SOLVED = 0
    RELAXED = 1
    ITERATION_LIMIT = 2
    NOT_CLOSEST = 3

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)

    @property
    def message(self) -> str:
        """The outcome in a sentence."""
        return _MESSAGES[self]


_MESSAGES = {
    Outcome.SOLVED: "all rows hold.",
    Outcome.RELAXED: (
        "no predictions inside the domain meet all rows; these violate them least, in the sum of squares "
        "over rows: the root of that sum is proven to be above the least possible by at most `residual`, "
        "relative to itself. `violation` says which rows are violated and by how much."
    ),
    Outcome.ITERATION_LIMIT: (
        "the rows were not met, and it is not proven that they cannot be, nor that these predictions violate "
        "them least. They are outside their bounds by at most `residual`, relative to how far each can move."
    ),
    Outcome.NOT_CLOSEST: (
        "all rows hold, but the solver came to its limit before these predictions were the closest that meet "
        "them: its conditions are off by `residual`, relative to how far predictions can move."
    ),
}
