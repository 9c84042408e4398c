"""Docstrings as Markdown: `Call arguments:`, as Keras has them, become a list, and examples become code."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["Readable"]

_EXAMPLE = re.compile(r"^Example:\n+((?:(?: {4}.*)?(?:\n|\Z))+)?", re.MULTILINE)
_DOCTEST = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Readable(griffe.Extension):
    """Rewrites docstrings before they are read as sections."""

    def on_instance(self, *, obj: griffe.Object | griffe.Alias, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if isinstance(obj, griffe.Object) and obj.docstring is not None:
            obj.docstring.value = readable(obj.docstring.value)


def readable(docstring: str) -> str:
    """The docstring with its examples in fences, and its call arguments in a section that is known."""
    text = docstring.replace("\nCall arguments:\n", "\nOther Parameters: Call arguments\n")
    text = _EXAMPLE.sub(lambda found: f"**Example**\n\n{_dedented(found[1] or '')}", text)
    return _DOCTEST.sub(lambda found: f"```pycon\n{found[0]}\n```", text)


def _dedented(block: str) -> str:
    return re.sub(r"^ {4}", "", block, flags=re.MULTILINE)
