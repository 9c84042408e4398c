"""The errors for attributes and labels that constraints need and were not given, and the place of an
error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from keras_fair.errors import ConstraintTypeError, Place, Reason, near_names, quoted

__all__ = ["InText", "WrongKind", "label_needed", "no_attribute"]


def no_attribute(name: str, columns: Iterable[str], text: str, span: Place | None) -> ConstraintTypeError:
    """An attribute that the constraints name is not among the columns.

    Args:
        name: of the attribute.
        columns: the names of the given columns.
        text: of the constraints.
        span: where they name it.
    """
    columns = list(columns)
    near = near_names(name, columns) if columns else ", and no attributes were given"
    return ConstraintTypeError(
        f"no attribute named {quoted(name)}{near}", text=text, span=span, reason=Reason.UNKNOWN_NAME
    )


def label_needed(text: str, span: Place | None) -> ConstraintTypeError:
    """The constraints need the label, and there is none.

    Args:
        text: of the constraints.
        span: where they name it.
    """
    return ConstraintTypeError(
        "this needs the label, and none was given: pass label=...",
        text=text,
        span=span,
        reason=Reason.LABEL_NEEDED,
    )


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
