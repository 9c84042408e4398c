"""How the modules of the language say that something is wrong, before the text is at hand.

The rules of the grammar run inside the parser, where nodes and tokens are known but not the whole text.
They raise a `Fault`; `keras_fair.language.parser` turns it into a `ConstraintError`, which shows the text.
"""

from __future__ import annotations

from keras_fair.errors import (
    ConstraintError,
    ConstraintSyntaxError,
    ConstraintTypeError,
    Reason,
)
from keras_fair.language.nodes import Span

__all__ = ["Fault", "MeaningFault", "SyntaxFault"]


class Fault(Exception):
    """Something wrong at a place of the text; it never leaves `keras_fair.language`.

    Args:
        message: as in `ConstraintError`.
        span: the place.
        reason: what kind of fault it is. Default: that of the exception.
    """

    error: type[ConstraintError] = ConstraintError

    def __init__(self, message: str, span: Span, reason: Reason | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.reason = reason

    def in_text(self, text: str) -> ConstraintError:
        """The exception that users see."""
        return self.error(self.message, text=text, span=self.span, reason=self.reason)


class SyntaxFault(Fault):
    """The text does not follow the grammar."""

    error = ConstraintSyntaxError


class MeaningFault(Fault):
    """The text follows the grammar, but has no meaning."""

    error = ConstraintTypeError
