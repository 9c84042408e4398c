"""Constraints in plain words, for people who do not read the language.

    E[y | sex=Female] == E[y | sex=Male] +- 0.02
    -> The mean prediction among those with sex = Female and the mean prediction among those with sex = Male
       must differ by no more than 0.02.

Words say what the tree says and no more. Arithmetic inside `E[...]` beyond a difference stays a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_fair.language.fold import Algebra, fold
from keras_fair.language.functions import FUNCTIONS, rule_of
from keras_fair.language.lexicon import listed, print_number
from keras_fair.language.nodes import (
    STATISTICS,
    And,
    Arithmetic,
    Attribute,
    Binder,
    Comparison,
    Condition,
    Dependence,
    Function,
    Label,
    Literal,
    Membership,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Prediction,
    Range,
    Relation,
    Star,
    Statement,
    Statistic,
    ValueSet,
    Variable,
)
from keras_fair.language.printer import node_text
from keras_fair.language.tree import conjuncts

__all__ = ["in_words"]

_COMPARED = {"=": "=", "!=": "other than", "<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_OF_DATES = {"<": "before", "<=": "on or before", ">": "after", ">=": "on or after"}
_OPPOSITE = {"=": "!=", "!=": "="}


def in_words(node: Statement | Relation | Range) -> str:
    """What must hold, as one English sentence.

    Args:
        node: a statement, or the relation of one.

    Example:

    >>> from keras_fair.language import parse_statements
    >>> from keras_fair.language.prose import in_words
    >>> print(in_words(parse_statements("spread(E[y | race=*]) <= 0.05")[0]))
    The difference between the highest and the lowest mean prediction across the groups of race must be at
    most 0.05.
    """
    if not isinstance(node, Statement):
        return _sentence(_relation(node))
    relation = _relation(node.relation)
    if node.binders:
        relation = f"for {', and '.join(map(_binder, node.binders))}: {relation}"
    if node.confidence is not None:
        relation += f", with a confidence of {100 * node.confidence:.6g}%"
    if node.weight is not None:
        relation += f", with a weight of {print_number(node.weight)}"
    return _sentence(relation)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _binder(node: Binder) -> str:
    if isinstance(node.domain, ValueSet):
        domain = listed([_value(value) for value in node.domain.values], "and")
    else:
        domain = _subject(node.domain)
    if len(node.variables) == 1:
        return f"every value {node.variables[0]} of {domain}"
    return f"all different values {listed(node.variables, 'and')} of {domain}"


def _relation(node: Relation | Range) -> str:
    if isinstance(node, Range):
        bounds = f"{_expression(node.lower)} and {_expression(node.upper)}"
        return f"{_expression(node.operand)} must lie between {bounds}"
    left, right = _expression(node.left), _expression(node.right)
    if node.operator != "==":
        return f"{left} must be {_COMPARED[node.operator]} {right}"
    if not node.tolerance:
        return f"{left} must equal {right}"
    tolerance = print_number(node.tolerance)
    if isinstance(node.right, Number):
        return f"{left} must lie within {tolerance} of {right}"
    return f"{left} and {right} must differ by no more than {tolerance}"


def _expression(node: Node) -> str:
    return fold(node, _WORDS)


class _Words(Algebra[str]):
    """The words of expressions and of conditions."""

    def number(self, node: Number) -> str:
        return print_number(node.value)

    def negative(self, node: Negative, operand: str) -> str:
        return f"minus {operand}"

    def arithmetic(self, node: Arithmetic, left: str, right: str) -> str:
        left, right = (
            f"({words})" if isinstance(side, Arithmetic) else words
            for side, words in ((node.left, left), (node.right, right))
        )
        if node.operator == "/":
            return f"the ratio of {left} to {right}"
        return f"{left} {({'+': 'plus', '-': 'minus', '*': 'times'})[node.operator]} {right}"

    def statistic(self, node: Statistic) -> str:
        return f"the {_noun(node)} {_scope(node.condition)}"

    def function(self, node: Function, operands: Sequence[str]) -> str:
        rule = FUNCTIONS[node.name]
        inner = node.operands[0]
        if not rule.collects:
            if rule.of_difference and isinstance(inner, Arithmetic) and inner.operator == "-":
                return rule.of_difference.format(_expression(inner.left), _expression(inner.right))
            return rule.of_several.format(operands[0])
        if (single := _starred(node.operands)) is not None:
            return rule.among_groups.format(f"{_noun(single)} {_over(single)}")
        if len(node.operands) == 1 and isinstance(inner, Function) and not FUNCTIONS[inner.name].collects:
            single = _starred(inner.operands)
            if single is not None:  # "the absolute value of {}", of each group
                each = FUNCTIONS[inner.name].of_several.format(f"the {_noun(single)} {_over(single)}")
                return rule.among_groups.format(each.removeprefix("the "))
        several = "; ".join(f"({place}) {words}" for place, words in enumerate(operands, start=1))
        return rule.of_several.format(several)

    def comparison(self, node: Comparison) -> str:
        return _comparison(node, node.operator)

    def membership(self, node: Membership) -> str:
        return f"{_subject(node.subject)} one of {listed([_value(each) for each in node.values], 'or')}"

    def negation(self, node: Not, operand: str) -> str:
        inner = node.operand
        if isinstance(inner, Comparison) and inner.operator in _OPPOSITE:
            return _comparison(inner, _OPPOSITE[inner.operator])
        return f"not ({operand})"

    def conjunction(self, node: And, operands: Sequence[str]) -> str:
        return _joined(node.operands, operands)

    def disjunction(self, node: Or, operands: Sequence[str]) -> str:
        return " or ".join(operands)


_WORDS = _Words()


def _starred(operands: Sequence[Any]) -> Statistic | None:
    """The one statistic with stars that a function of expressions is taken over, if that is all it has."""
    if len(operands) != 1 or not isinstance(operands[0], STATISTICS):
        return None
    return operands[0] if _split(operands[0].condition)[0] else None


def _noun(node: Statistic) -> str:
    rule = rule_of(node)
    values = [getattr(node, name) for name in rule.values]
    plain = all(isinstance(value, (Label, Attribute)) or _measure(value) == "prediction" for value in values)
    words = [_measure(value) for value in values] + [
        fold(getattr(node, name), _WORDS) for name in rule.events
    ]
    if isinstance(node, Dependence):
        groups = _groups([_subject(each) for each in node.attributes])
        words.append(f"the {groups.replace('group', 'groups', 1)}")
        words += [] if node.label is None else [_subject(node.label)]
    return (rule.words if plain else rule.words_of_formula or rule.words).format(*words)


def _measure(node: Any) -> str:
    if isinstance(node, (Prediction, Label, Attribute)):
        return _subject(node)
    if isinstance(node, Arithmetic) and node.operator == "-":
        sides = (node.left, node.right)
        if all(isinstance(side, (Prediction, Label, Attribute)) for side in sides):
            return f"{_subject(node.left)} minus {_subject(node.right)}"
    return node_text(node)


def _subject(node: Any) -> str:
    if isinstance(node, Prediction):
        return "prediction" if node.output is None else f"prediction {node_text(node)}"
    return "label" if isinstance(node, Label) else str(node.name)


def _split(condition: Condition | None) -> tuple[list[str], list[Condition]]:
    """The attributes whose groups are gone through, and the conditions beside them."""
    stars, rest = [], []
    for part in conjuncts(condition):
        if isinstance(part, Comparison) and isinstance(part.value, Star):
            stars.append(_subject(part.subject))
        else:
            rest.append(part)
    return stars, rest


def _scope(condition: Condition | None) -> str:
    stars, rest = _split(condition)
    parts = []
    if stars:
        parts.append(f"in each {_groups(stars)}")
    if rest:
        parts.append(f"among those with {_all(rest)}")
    return " ".join(parts) or "among all samples"


def _over(node: Statistic) -> str:
    stars, rest = _split(node.condition)
    beside = f"among those with {_all(rest)} " if rest else ""
    return f"{beside}across the {_groups(stars).replace('group', 'groups', 1)}"


def _groups(stars: Sequence[str]) -> str:
    return f"{'combined ' if len(stars) > 1 else ''}group of {listed(stars, 'and')}"


def _all(conditions: Sequence[Condition]) -> str:
    words = [fold(each, _WORDS) for each in conditions]
    return words[0] if len(words) == 1 else _joined(conditions, words)


def _joined(conditions: Sequence[Condition], words: Sequence[str]) -> str:
    return " and ".join(
        f"({text})" if isinstance(each, Or) else text for each, text in zip(conditions, words, strict=True)
    )


def _comparison(node: Comparison, operator: str) -> str:
    subject, value = _subject(node.subject), _value(node.value)
    if isinstance(node.subject, Prediction) and operator not in _OPPOSITE:
        return f"a {subject} {'of ' * (operator in ('<=', '>='))}{_COMPARED[operator]} {value}"
    is_date = isinstance(node.value, Literal) and isinstance(node.value.value, str)
    words = _OF_DATES if is_date and operator in _OF_DATES else _COMPARED
    return f"{subject} {words[operator]} {value}"


def _value(node: Literal | Variable | Star) -> str:
    if isinstance(node, Star):
        return "each value"
    if isinstance(node, Variable):
        return node.name
    return print_number(node.value) if isinstance(node.value, float) else node.value
