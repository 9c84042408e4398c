"""What one token says (a number, a name, text), and where tokens and nodes stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lark import Token

from keras_fair.errors import quoted
from keras_fair.language.faults import MeaningFault, SyntaxFault
from keras_fair.language.lexicon import unquote
from keras_fair.language.nodes import Span

__all__ = ["name_of", "number_of", "span_of", "spanned", "text_of"]


def span_of(item: Any) -> Span:
    """Where a token or a node stands."""
    return Span(item.start_pos or 0, item.end_pos or 0) if isinstance(item, Token) else item.span


def spanned(items: Sequence[Any]) -> Span:
    """From the start of the first of `items`, which are tokens and nodes, to the end of the last."""
    return Span(span_of(items[0]).start, span_of(items[-1]).end)


def number_of(token: Token) -> float:
    """The number that a NUMBER token stands for; `2%` is 0.02."""
    percent = token.endswith("%")
    number = float(token[:-1]) / 100 if percent else float(token)
    if math.isinf(number):
        raise MeaningFault(f"the number {quoted(token)} is too large", span_of(token))
    return number


def text_of(token: Token) -> str:
    """The text that a STRING or QUOTED_NAME token stands for."""
    try:
        return unquote(token)
    except ValueError as error:
        raise SyntaxFault(str(error), span_of(token)) from None


def name_of(token: Token) -> str:
    """The name that a NAME or QUOTED_NAME token stands for."""
    if token.type == "NAME":
        return token.value
    name = text_of(token)
    if not name:
        raise SyntaxFault("expected a name between the backticks, found nothing", span_of(token))
    return name
