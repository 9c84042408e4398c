"""HTML from nested calls, in which text can't be forgotten to be escaped.

`tag` escapes whatever is not `Markup`, in children and in attributes.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

__all__ = ["Markup", "folded", "fragment", "table", "table_head", "tag"]

_EMPTY = frozenset({"meta", "link", "br", "input"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """One element.

    Args:
        name: of the element.
        children: `Markup` stands as it is, anything else as escaped text; None is left out.
        attributes: `class_` stands for `class`, and `_` for `-`; None and False are left out, True has no
            value.

    Example:

    >>> tag("p", "a < b ", tag("b", "c & d"), class_="note")
    '<p class="note">a &lt; b <b>c &amp; d</b></p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{fragment(*children)}</{name}>")


def fragment(*children: Any) -> Markup:
    """Elements and text one after another, without an element around them."""
    return Markup("".join(_child(child) for child in children if child is not None))


def folded(summary: str, *content: Any) -> Markup:
    """What is there but folded away, behind its summary."""
    return tag("details", tag("summary", summary), *content, class_="more")


def table(caption: str, head: Markup, rows: Iterable[Markup], kind: str) -> Markup:
    """A table below its caption; `kind` is its class."""
    return tag("table", tag("caption", caption), head, tag("tbody", *rows), class_=kind)


def table_head(first: str, chart: Iterable[Any], heads: Iterable[str]) -> Markup:
    """The head of a table whose rows have a name, a chart, numbers, and perhaps a verdict."""
    columns = (
        tag("th", head, scope="col", class_="says" if head == "verdict" else "number") for head in heads
    )
    charts = tag("th", *chart, scope="col", class_="picture")
    return tag("thead", tag("tr", tag("th", first, scope="col"), charts, *columns))


def _child(child: Any) -> str:
    return child if isinstance(child, Markup) else escape(_visible(str(child)))


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(_visible(str(value)))}"'


def _visible(text: str) -> str:
    """Control characters, which HTML does not take, as their pictures; line breaks and tabs as they are."""
    return "".join(chr(0x2400 + ord(each)) if each < " " and each not in "\n\t" else each for each in text)
