"""What stands in the parentheses of a name: attributes, values, and `y=...` or `label=...`.

    equal_opportunity(sex, y=y[income], label=income)     a criterion, see `keras_fair.language.criteria`
    independence(sex, race, y=y[1] | age < 25)            a statistic of a whole distribution
    corr(y, age | sex=Female)                             a statistic of two values
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_fair.errors import near_names, quoted
from keras_fair.language.faults import MeaningFault, SyntaxFault
from keras_fair.language.functions import DEPENDENCES
from keras_fair.language.nodes import (
    Attribute,
    Condition,
    Correlation,
    Dependence,
    Label,
    Node,
    Prediction,
    Span,
)

__all__ = ["Keyword", "attributes_of", "correlation", "dependence", "split", "stand_ins_of"]

_WORDS = ("y", "label")


@dataclass(frozen=True, slots=True)
class Keyword(Node):
    """`y=value` or `label=column` among the arguments of a call. No finished tree holds one."""

    word: str
    value: Node


def split(arguments: Sequence[Node]) -> tuple[tuple[Any, ...], tuple[Keyword, ...]]:
    """The arguments that are no keywords, and those that are."""
    plain: tuple[Any, ...] = tuple(each for each in arguments if not isinstance(each, Keyword))
    return plain, tuple(each for each in arguments if isinstance(each, Keyword))


def attributes_of(name: str, arguments: Sequence[Node], span: Span) -> tuple[Attribute, ...]:
    """The attributes of a call.

    Args:
        name: what is called.
        arguments: those that are no keywords.
        span: of the call.

    Raises:
        MeaningFault: one is no attribute, or is named twice; or there is none.
    """
    as_in = f"{quoted(name)} takes the names of attributes, as in {name}(sex, race)"
    attributes: list[Attribute] = []
    for argument in arguments:
        if not isinstance(argument, Attribute):
            raise MeaningFault(as_in, argument.span)
        if argument in attributes:
            raise MeaningFault(f"the attribute {quoted(argument.name)} is named twice", argument.span)
        attributes.append(argument)
    if not attributes:
        raise MeaningFault(as_in, span)
    return tuple(attributes)


def stand_ins_of(name: str, keywords: Sequence[Keyword], knows_label: bool) -> dict[str, Any]:
    """What a call puts in the place of `y` and of `label`, by these words.

    Args:
        name: what is called.
        keywords: as written.
        knows_label: whether what is called says something of the label.

    Raises:
        MeaningFault: another word, a word twice, a label that is no column, or one that nothing asks for.
    """
    found: dict[str, Any] = {}
    for keyword in keywords:
        if keyword.word not in _WORDS:
            near = near_names(keyword.word, _WORDS) if len(keyword.word) > 2 else ""
            raise MeaningFault(
                f"{quoted(name)} takes the names of attributes, y=... and label=..., found "
                f"{quoted(keyword.word)}=...{near if 'mean' in near else ''}",
                keyword.span,
            )
        if keyword.word in found:
            raise MeaningFault(f"{keyword.word}=... is given twice", keyword.span)
        if keyword.word == "label":
            if not knows_label:
                raise MeaningFault(f"{quoted(name)} says nothing of the label", keyword.span)
            if not isinstance(keyword.value, (Attribute, Label)):
                raise MeaningFault(
                    "in place of the label stands the name of a column, as in label=income",
                    keyword.value.span,
                )
        found[keyword.word] = keyword.value
    return found


def dependence(name: str, arguments: Sequence[Node], condition: Condition | None, span: Span) -> Dependence:
    """A statistic of a whole distribution, one of `functions.DEPENDENCES`.

    Raises:
        MeaningFault: an argument is no attribute, or a keyword is wrong.
    """
    plain, keywords = split(arguments)
    given_label = DEPENDENCES[name].given_label
    stand_ins = stand_ins_of(name, keywords, given_label)
    attributes = attributes_of(name, plain, span)
    label = stand_ins.get("label", Label(span=span)) if given_label else None
    if label in attributes:
        raise MeaningFault(f"the attribute {quoted(label.name)} is named twice", label.span)
    value = stand_ins.get("y", Prediction(span=span))
    return Dependence(name, value, attributes, label, condition, span=span)


def correlation(arguments: Sequence[Node], condition: Condition | None, span: Span) -> Correlation:
    """`corr(left, right | condition)`.

    Raises:
        SyntaxFault: there are not two values.
    """
    if len(arguments) != 2 or any(isinstance(each, Keyword) for each in arguments):
        place = next((each.span for each in arguments if isinstance(each, Keyword)), None)
        place = place or (arguments[2].span if len(arguments) > 2 else span)
        raise SyntaxFault("corr(...) takes two values, as in corr(y, age | sex=Female)", place)
    left, right = split(arguments)[0]
    return Correlation(left, right, condition, span=span)
