"""The rules of the grammar for conditions: from tokens to `Comparison`, `Membership`, `And`, `Or` and `Not`.

A comparison is written with the column on either side (`age >= 25`, `25 <= age`) or in the middle
(`25 <= age < 60`). Here it is turned so that the column comes first, and chains become `And`.
"""

from __future__ import annotations

from typing import Any

from lark import Token

from keras_fair.errors import quoted
from keras_fair.inputs.dates import date_text
from keras_fair.language.faults import MeaningFault, SyntaxFault
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Label,
    Literal,
    Membership,
    Not,
    Or,
    Prediction,
    Span,
    Star,
    ValueSet,
    Variable,
)
from keras_fair.language.tree import flat
from keras_fair.language.words import number_of, span_of, spanned, text_of

__all__ = ["OPERATORS", "ComparisonRules", "Items"]

OPERATORS = {
    "EQUALS": "=",
    "ASSIGN": "=",
    "DIFFERS": "!=",
    "BELOW": "<",
    "AT_MOST": "<=",
    "ABOVE": ">",
    "AT_LEAST": ">=",
}
"""What the terminals of comparisons say."""

_TURNED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

_SUBJECTS = (Attribute, Label, Prediction)

Items = list[Any]
"""What a rule matched: tokens, nodes, and the small records of `keras_fair.language.builder`."""

Side = Any
"""One side of a comparison: a NAME token (a column or a value: the other side tells), or a node."""


class ComparisonRules:
    """Rules whose names are those of `fairness.lark`."""

    def any_of(self, items: Items) -> Or:
        return Or(flat(items[::2], Or), span=spanned(items))

    def all_of(self, items: Items) -> And:
        return And(flat(items[::2], And), span=spanned(items))

    def negated(self, items: Items) -> Not:
        return Not(items[1], span=spanned(items))

    def comparison(self, items: Items) -> Comparison:
        left, operator, right = items[0], OPERATORS[items[1].type], items[2]
        if _is_subject(left):
            return _comparison(left, operator, right)
        if _is_subject(right):
            return _comparison(right, _TURNED[operator], left)
        raise SyntaxFault("expected a column, 'label' or 'y' on one side of the comparison", span_of(left))

    def chain(self, items: Items) -> And:
        first, second = OPERATORS[items[1].type], OPERATORS[items[3].type]
        left, middle, right = items[::2]
        if first[0] not in "<>":
            raise SyntaxFault(
                f"expected ',', 'and', 'or' or the end of the condition, found {quoted(items[3])}",
                span_of(items[3]),
            )
        if second[0] != first[0]:
            raise SyntaxFault(
                f"expected two comparisons in one direction, as in 25 <= age < 60, found {quoted(items[1])} "
                f"and {quoted(items[3])}",
                span_of(items[3]),
            )
        if not _is_subject(middle):
            raise SyntaxFault("expected a column, 'label' or 'y' between two bounds", span_of(middle))
        bounds = [_comparison(middle, _TURNED[first], left), _comparison(middle, second, right)]
        if first[0] == ">":
            bounds.reverse()
        return _between(bounds[0], bounds[1], spanned(items))

    def membership(self, items: Items) -> Membership | Not:
        inside = Membership(_subject(items[0]), items[-1].values, span=spanned(items))
        return Not(inside, span=inside.span) if len(items) == 4 else inside

    def between(self, items: Items) -> And | Not:
        lower, upper = _value(items[-4]), _value(items[-2])
        subject, span = _subject(items[0]), spanned(items)
        inside = _between(
            Comparison(subject, ">=", lower, span=span), Comparison(subject, "<=", upper, span=span), span
        )
        return Not(inside, span=span) if items[1].type == "NOT" else inside

    def value_set(self, items: Items) -> ValueSet:
        values: Any = tuple(_value(item) for item in items[1::2])
        seen = set()
        for value in values:
            if value in seen:
                raise MeaningFault("a value stands twice in the set", value.span)
            seen.add(value)
        return ValueSet(values, span=spanned(items))

    def variable(self, items: Items) -> Variable:
        return Variable(str(items[0]), span=span_of(items[0]))

    def star(self, items: Items) -> Star:
        return Star(span=span_of(items[0]))

    def quoted(self, items: Items) -> Literal:
        return Literal(text_of(items[0]), span=span_of(items[0]))

    def literal(self, items: Items) -> Literal:
        number = number_of(items[-1])
        # Adding 0.0 keeps -0 from being another value than 0.
        return Literal(-number + 0.0 if len(items) == 2 else number, span=spanned(items))


def _comparison(subject: Side, operator: str, value: Side) -> Comparison:
    column, compared = _subject(subject), _value(value)
    start, end = sorted((column.span, compared.span), key=lambda span: span.start)
    return Comparison(column, operator, compared, span=Span(start.start, end.end))


def _between(lower: Comparison, upper: Comparison, span: Span) -> And:
    if isinstance(lower.value, Literal) and isinstance(upper.value, Literal):
        low, high = lower.value.value, upper.value.value
        strict = ">" in (lower.operator, upper.operator) or "<" in (lower.operator, upper.operator)
        if isinstance(low, float) and isinstance(high, float):
            if low > high or (low == high and strict):
                raise MeaningFault("no number lies between these bounds; write the smaller one first", span)
        elif isinstance(low, str) and isinstance(high, str):
            first, last = date_text(low), date_text(high)
            if first and last and (first > last or (first == last and strict)):
                raise MeaningFault("no date lies between these bounds; write the earlier one first", span)
    return And((lower, upper), span=span)


def _is_subject(side: Side) -> bool:
    return isinstance(side, (Token, *_SUBJECTS))


def _subject(side: Side) -> Attribute | Label | Prediction:
    if isinstance(side, Token):
        return Attribute(side.value, span=span_of(side))
    if not isinstance(side, _SUBJECTS):
        raise SyntaxFault("expected a column, 'label' or 'y' before the comparison", span_of(side))
    return side


def _value(side: Side) -> Literal | Variable | Star:
    if isinstance(side, Token):
        return Literal(side.value, span=span_of(side))
    if isinstance(side, Attribute):
        raise SyntaxFault(
            f"expected a value, found the column {quoted(side.name)}; a value with other characters than "
            "letters, digits, '_' and '.' is written in quotes",
            side.span,
        )
    if isinstance(side, (Label, Prediction)):
        raise SyntaxFault(
            f"expected a value, found {'label' if isinstance(side, Label) else 'y'}; a condition compares a "
            "column with a value, not with another column",
            side.span,
        )
    return side
