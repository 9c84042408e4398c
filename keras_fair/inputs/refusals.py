"""Faults of a column: what kind of fault, and the place in the constraints that asks for the column."""

from __future__ import annotations

from typing import Any

from keras_fair.errors import ConstraintTypeError, Place, Reason

__all__ = ["InText", "WrongKind"]


class WrongKind(ValueError):
    """A column holds text where numbers are needed, or numbers where text is."""


class InText:
    """Turns a ValueError about a column into one that points at the place in the constraints that asks for
    it."""

    def __init__(self, text: str, span: Place | None) -> None:
        self.text, self.span = text, span

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: Any) -> None:
        if isinstance(fault, ValueError) and not isinstance(fault, ConstraintTypeError):
            reason = Reason.WRONG_KIND if isinstance(fault, WrongKind) else None
            raise ConstraintTypeError(str(fault), text=self.text, span=self.span, reason=reason) from None
