"""From tokens to nodes: one method for each rule of `fairness.lark`, called inside the LALR parser.

No concrete tree is built in between. Each method gets what its rule matched (tokens and finished nodes) and
returns a node; its span runs from the first to the last of them. What can be said about a rule alone is
checked here; what needs the whole statement is left to `keras_fair.language.check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from lark import Token

from keras_fair.errors import quoted
from keras_fair.language.calls import Keyword, correlation, dependence, split
from keras_fair.language.comparisons import OPERATORS, ComparisonRules, Items
from keras_fair.language.criteria import CriterionCall, Definition
from keras_fair.language.decisions import Decided, check_decision
from keras_fair.language.faults import MeaningFault, SyntaxFault
from keras_fair.language.functions import DEPENDENCES, FUNCTIONS, STATISTIC_RULES
from keras_fair.language.nodes import (
    Arithmetic,
    Attribute,
    Binder,
    Condition,
    Correlation,
    Dependence,
    Function,
    Label,
    Literal,
    Negative,
    Number,
    Prediction,
    Range,
    Relation,
    Statement,
    Statistic,
)
from keras_fair.language.quantifiers import Quantifier, check_variables
from keras_fair.language.words import name_of, number_of, span_of, spanned, text_of

__all__ = ["Builder"]

_MOST_OUTPUTS = 1_000_000

_STATISTICS: dict[str, Any] = {rule.name: kind for kind, rule in STATISTIC_RULES.items()}


class Builder(ComparisonRules):
    """The rules of the grammar, but for those of conditions, which are in `ComparisonRules`."""

    # Statements

    def statements(self, items: Items) -> tuple[Any, ...]:
        return tuple(items[::2])

    def statement(self, items: Items) -> Statement:
        name, quantifier, relation, decision, *terms = items
        if decision is not None:
            relation = Decided(relation, decision, span=spanned([relation, decision]))
        if quantifier is not None:
            check_variables(quantifier, relation)
        return Statement(
            relation,
            () if quantifier is None else quantifier.binders,
            None if name is None else name.value,
            _only(terms, "confidence"),
            _only(terms, "weight"),
            span=spanned([item for item in items if item is not None]),
        )

    def name(self, items: Items) -> Literal:
        return Literal(name_of(items[0]), span=span_of(items[0]))

    def decision(self, items: Items) -> Condition:
        check_decision(items[1])
        return replace(items[1], span=spanned(items))

    def confidence(self, items: Items) -> Keyword:
        level = number_of(items[-1])
        if not 0 < level < 1:
            percent = f"; did you mean {items[-1]}%?" if 1 < level < 100 else ""
            raise MeaningFault(
                f"a confidence lies between 0 and 1 (between 0% and 100%), found {items[-1]}{percent}",
                span_of(items[-1]),
            )
        return Keyword("confidence", Number(level, span=span_of(items[-1])), span=spanned(items))

    def weight(self, items: Items) -> Keyword:
        weight = number_of(items[-1])
        if len(items) == 4 or not weight > 0:
            written = "".join(map(str, items[2:]))
            raise MeaningFault(f"a weight lies above 0, found {written}", spanned(items[2:]))
        return Keyword("weight", Number(weight, span=span_of(items[-1])), span=spanned(items))

    # Quantifiers

    def quantifier(self, items: Items) -> Quantifier:
        binders, variables = zip(*items[1::2], strict=True)
        return Quantifier(binders, tuple(chain(*variables)), spanned(items))

    def binder(self, items: Items) -> tuple[Binder, tuple[Token, ...]]:
        variables = tuple(items[:-2:2])
        return Binder(tuple(map(str, variables)), items[-1], span=spanned(items)), variables

    # Relations

    def two_sides(self, items: Items) -> Relation:
        operator = "==" if items[1].type == "EQUALS" else OPERATORS[items[1].type]
        tolerance = items[4].value if len(items) == 5 else None
        return Relation(items[0], operator, items[2], tolerance, span=spanned(items))

    def tolerance(self, items: Items) -> Number:
        value = number_of(items[-1])
        if len(items) == 2:
            raise MeaningFault(f"a tolerance is not negative, found -{items[-1]}", spanned(items))
        return Number(value, span=span_of(items[0]))

    def range(self, items: Items) -> Range:
        lower, operand, upper = items[::2] if items[1].type == "AT_MOST" else items[::-2]
        return Range(lower, operand, upper, span=spanned(items))

    def interval(self, items: Items) -> Range:
        return Range(items[3], items[0], items[5], span=spanned(items))

    # Arithmetic

    def number(self, items: Items) -> Number:
        return Number(number_of(items[0]), span=span_of(items[0]))

    def label(self, items: Items) -> Label:
        return Label(span=span_of(items[0]))

    def attribute(self, items: Items) -> Attribute:
        return Attribute(name_of(items[0]), span=span_of(items[0]))

    def prediction(self, items: Items) -> Prediction:
        return Prediction(self._output(items[2]) if len(items) == 4 else None, span=spanned(items))

    def _output(self, token: Token) -> int | str:
        if token.type == "STRING":
            return text_of(token)
        if token.type != "NUMBER":
            return name_of(token)
        if not token.isdigit():
            raise SyntaxFault(
                f"outputs are counted 0, 1, 2, ... or named, as in y[approve]; found {quoted(token)}",
                span_of(token),
            )
        if len(token) > len(str(_MOST_OUTPUTS)) or int(token) >= _MOST_OUTPUTS:
            raise MeaningFault(
                f"there is no output {quoted(token)}: outputs are counted 0, 1, 2, ...", span_of(token)
            )
        return int(token)

    def group(self, items: Items) -> Any:
        return replace(items[1], span=spanned(items))

    def negative(self, items: Items) -> Negative:
        return Negative(items[1], span=spanned(items))

    def arithmetic(self, items: Items) -> Arithmetic:
        return Arithmetic(str(items[1]), items[0], items[2], span=spanned(items))

    # Statistics and functions

    def statistic(self, items: Items) -> Statistic:
        return _STATISTICS[items[0]](*items[2:-1:2], span=spanned(items))

    def keyword(self, items: Items) -> Keyword:
        return Keyword(str(items[0]), items[2], span=spanned(items))

    def named_call(self, items: Items) -> CriterionCall | Correlation | Dependence | Function:
        name, span = str(items[0]), spanned(items)
        bar = items[-3] if len(items) > 4 and getattr(items[-3], "type", "") == "BAR" else None
        condition = None if bar is None else items[-2]
        arguments = tuple(items[2 : -1 if bar is None else -3 : 2])
        if name == "corr":
            return correlation(arguments, condition, span)
        if name in DEPENDENCES:
            return dependence(name, arguments, condition, span)
        plain, keywords = split(arguments)
        if name in FUNCTIONS and bar is None and not keywords:
            return self.call(items)
        return CriterionCall(
            name, plain, keywords, span_of(items[0]), None if bar is None else span_of(bar), span=span
        )

    def call(self, items: Items) -> Function:
        name, operands = str(items[0]), tuple(items[2::2])
        most = FUNCTIONS[name].most
        if most is not None and len(operands) > most:
            raise MeaningFault(
                f"{name}(...) takes {most} expression{'s' * (most > 1)}, found {len(operands)}",
                operands[most].span,
            )
        return Function(name, operands, span=spanned(items))

    # The standard library

    definitions = statements

    def definition(self, items: Items) -> Definition:
        bound = str(items[5]) if len(items) == 8 else None
        return Definition(str(items[0]), str(items[2]), bound, items[-1])


def _only(terms: Sequence[Keyword], word: str) -> float | None:
    """The number behind `with confidence` or `with weight`."""
    found = [term for term in terms if term.word == word]
    if len(found) > 1:
        raise MeaningFault(f"a {word} is given twice", found[1].span)
    return found[0].value.value if found else None  # type: ignore[attr-defined]
