"""The constraints of a command: words of the command line and files, read, joined and parsed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_fair.cli.input_fault import InputFault, failing, faults_of_input
from keras_fair.errors import ConstraintError

if TYPE_CHECKING:
    from keras_fair.constraints import ConstraintSet

__all__ = ["read_constraints"]


def read_constraints(texts: Sequence[str]) -> ConstraintSet:
    """Constraints as they are given on the command line; Keras is not needed.

    Args:
        texts: constraints; `@path` stands for the content of a file.

    Raises:
        InputFault: with the caret under the place, and for a file its line; because there is no such file; or
            because two constraints have one name.
    """
    from keras_fair.constraints import parse

    contents = [_content(text) if text.startswith("@") else text for text in texts]
    for text, content in zip(texts, contents, strict=True):  # one by one: none may be empty
        try:
            parse(content)
        except ConstraintError as fault:
            where = ""
            if text.startswith("@"):
                line = content.count("\n", 0, fault.span.start if fault.span else 0) + 1
                where = f"{text[1:]}, line {line}: "
            raise InputFault(f"{where}{fault}") from fault
    with faults_of_input():
        return parse("\n".join(contents))


def _content(reference: str) -> str:
    path = reference[1:]
    with failing(f"can't read the constraints in {path!r}", UnicodeDecodeError):
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
