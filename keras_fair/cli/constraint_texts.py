"""The constraints of a command: words of the command line and files, read, joined and parsed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_fair.cli.input_fault import InputFault, faults_of_input
from keras_fair.errors import ConstraintError

if TYPE_CHECKING:
    from keras_fair.constraints import ConstraintSet

__all__ = ["joined_constraints", "read_texts"]


def read_texts(texts: Sequence[str]) -> list[str]:
    """Constraints as they are given on the command line, seen to follow the grammar; Keras is not needed.

    Args:
        texts: constraints; `@path` stands for the content of a file.

    Returns:
        Their contents.

    Raises:
        InputFault: with the caret under the place, and for a file its line; or because there is no such file.
    """
    from keras_fair.language import parse_statements

    contents = [_content(text) if text.startswith("@") else text for text in texts]
    for text, content in zip(texts, contents, strict=True):  # one by one: none may be empty
        try:
            parse_statements(content)
        except ConstraintError as fault:
            where = ""
            if text.startswith("@"):
                line = content.count("\n", 0, fault.span.start if fault.span else 0) + 1
                where = f"{text[1:]}, line {line}: "
            raise InputFault(f"{where}{fault}") from fault
    return contents


def joined_constraints(contents: Sequence[str]) -> ConstraintSet:
    """What `read_texts` gave, as one set of constraints.

    Raises:
        InputFault: two of them have one name.
    """
    from keras_fair.constraints import parse

    with faults_of_input():
        return parse("\n".join(contents))


def _content(reference: str) -> str:
    path = reference[1:]
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise InputFault(f"can't read the constraints in {path!r}: {reason}") from fault
