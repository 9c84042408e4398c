"""What an adversary guesses and what it sees, as it follows from the text.

    independence(A), mutual_information(A), demographic_parity(A)     A, from the prediction
    separation(A), equalized_odds(A)                                  A, from the prediction and the label
    equal_opportunity(A)                                              A, from the prediction, where label=1
    corr(y, A) == 0, cov(y, A) == 0                                   the number A, from the prediction

`A` are attributes, of several their intersections. A predictor that no adversary beats makes A independent of
what the adversary sees. So the bound of a statement plays no part: how much is asked for is the strength.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from keras_fair.constraints import Constraints, ConstraintSet, parse
from keras_fair.errors import ConstraintSyntaxError, ConstraintTypeError, Reason
from keras_fair.language import node_text
from keras_fair.language.nodes import (
    And,
    Attribute,
    Comparison,
    Condition,
    Correlation,
    Covariance,
    Dependence,
    Function,
    Label,
    Mean,
    Node,
    Number,
    Prediction,
    Range,
    Star,
    Statement,
)
from keras_fair.language.tree import conjuncts, walk
from keras_fair.rows.assemble import unique_names

__all__ = ["Sight", "parse_spoken", "sights_of"]

_TAKEN = (
    "an adversary guesses attributes, so it takes independence(A), mutual_information(A), "
    "demographic_parity(A), separation(A), equalized_odds(A) and equal_opportunity(A), and for numbers "
    "corr(y, A) == 0 and cov(y, A) == 0"
)


@dataclass(frozen=True)
class Sight:
    """What the adversary of one statement guesses, and from what.

    Attributes:
        name: of the statement, or its text without the bound.
        attributes: that it guesses; of several, their intersections.
        number: whether it guesses the one attribute as a number, else as a group.
        prediction: that it sees.
        sees_label: whether it sees the label too.
        condition: the samples that it sees; None for all.
        weight: of the statement.
    """

    name: str
    attributes: tuple[Attribute, ...]
    number: bool
    prediction: Prediction
    sees_label: bool
    condition: Condition | None
    weight: float


def parse_spoken(text: Constraints) -> ConstraintSet:
    """Parse statements, or expressions without a bound such as `independence(sex)`, one a line or between
    `;`; these mean `expression <= 0`.

    Raises:
        ConstraintError: the text is malformed.
    """
    if isinstance(text, (list, tuple)) and text and all(isinstance(part, str) for part in text):
        text = "\n".join(text)
    try:
        return parse(text)
    except ConstraintSyntaxError as fault:
        assert isinstance(text, str)
        lines = [line for line in re.split(r"[;\n]", text) if line.strip()]
        bounded = []
        for line in lines:
            try:
                parse(line)
                bounded.append(line)
            except ConstraintSyntaxError:
                bounded.append(f"{line} <= 0")
        try:
            return parse("\n".join(bounded))
        except ConstraintSyntaxError:
            raise fault from None


def sights_of(constraints: ConstraintSet) -> tuple[Sight, ...]:
    """What the adversary of each statement guesses and sees.

    Raises:
        ConstraintTypeError: a statement asks for something else than independence of attributes.
    """
    statements, text = constraints.statements, constraints.text
    left = [getattr(statement.relation, "left", statement.relation) for statement in statements]
    names = unique_names(
        [statement.name or node_text(asked) for statement, asked in zip(statements, left, strict=True)]
    )
    return tuple(
        _sight(statement, name, text) for statement, name in zip(statements, names, strict=True)
    )


def _sight(statement: Statement, name: str, text: str) -> Sight:
    relation = statement.relation
    if statement.binders:
        raise _refused("for ... in", statement.binders[0], text)
    if isinstance(relation, Range) or not isinstance(relation.right, Number) or relation.operator == ">=":
        raise _refused("this relation", relation, text)
    weight = 1.0 if statement.weight is None else statement.weight
    asked: Any = relation.left
    if isinstance(asked, Function) and asked.name == "abs" and len(asked.operands) == 1:
        asked = asked.operands[0]
    if isinstance(asked, (Covariance, Correlation)):
        number, prediction = _number_and_prediction(asked, text)
        given = _without_prediction(asked.condition, text)
        return Sight(name, (number,), True, prediction, False, given, weight)
    if isinstance(asked, Dependence):
        if not isinstance(asked.value, Prediction):
            raise _refused("another value than y", asked.value, text)
        if isinstance(asked.label, Attribute):
            raise _refused("another label than label", asked.label, text)
        given = _without_prediction(asked.condition, text)
        sees_label = asked.label is not None
        return Sight(name, asked.attributes, False, asked.value, sees_label, given, weight)
    means = [_MeanOfGroups.of(mean, text) for mean in _spreads(asked, text)]
    first = means[0]
    if len(means) == 1:
        given = _all([*first.labels, *first.others])
        return Sight(name, first.attributes, False, first.prediction, False, given, weight)
    alike = all(
        (mean.attributes, mean.prediction, mean.others) == (first.attributes, first.prediction, first.others)
        and len(mean.labels) == 1
        for mean in means
    )
    if not alike or len({mean.labels for mean in means}) < len(means):
        raise _refused("this maximum", asked, text)
    return Sight(name, first.attributes, False, first.prediction, True, _all(first.others), weight)


def _spreads(asked: Any, text: str) -> list[Mean]:
    """The means that a `spread`, or the largest of several, is of."""
    is_max = isinstance(asked, Function) and asked.name == "max"
    parts: tuple[Any, ...] = asked.operands if is_max else (asked,)
    means = []
    for part in parts:
        is_spread = isinstance(part, Function) and part.name == "spread" and len(part.operands) == 1
        if not is_spread or not isinstance(part.operands[0], Mean):
            raise _refused("something else", part, text)
        means.append(part.operands[0])
    return means


class _MeanOfGroups(NamedTuple):
    """What a mean such as `E[y | A=*, label=1]` is of: the attributes with a star, and the other conditions,
    those that hold the label fixed apart."""

    attributes: tuple[Attribute, ...]
    prediction: Prediction
    labels: tuple[Condition, ...]
    others: tuple[Condition, ...]

    @classmethod
    def of(cls, mean: Mean, text: str) -> _MeanOfGroups:
        if not isinstance(mean.value, Prediction):
            raise _refused("another mean than that of y", mean.value, text)
        attributes: list[Attribute] = []
        labels, others = list[Condition](), list[Condition]()
        for part in conjuncts(_without_prediction(mean.condition, text)):
            if not isinstance(part, Comparison):
                others.append(part)
            elif not isinstance(part.value, Star):
                fixed = isinstance(part.subject, Label) and part.operator == "="
                (labels if fixed else others).append(part)
            elif isinstance(part.subject, Attribute):
                attributes.append(part.subject)
            else:
                raise _refused("groups of the label", part, text)
        if not attributes:
            raise _refused("a mean of no groups", mean, text)
        return cls(tuple(attributes), mean.value, tuple(labels), tuple(others))


def _number_and_prediction(asked: Covariance | Correlation, text: str) -> tuple[Attribute, Prediction]:
    left, right = asked.left, asked.right
    if isinstance(left, Attribute) and isinstance(right, Prediction):
        left, right = right, left
    if not isinstance(left, Prediction) or not isinstance(right, Attribute):
        raise _refused("this, which is not of y and one attribute", asked, text)
    return right, left


def _without_prediction(condition: Condition | None, text: str) -> Condition | None:
    for part in () if condition is None else walk(condition):
        if isinstance(part, Prediction):
            raise _refused("samples chosen by y", part, text)
    return condition


def _all(parts: Sequence[Condition]) -> Condition | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return And(tuple(parts), span=parts[0].span)


def _refused(received: str, node: Node, text: str) -> ConstraintTypeError:
    return ConstraintTypeError(
        f"{_TAKEN}; received {received}", text=text, span=node.span, reason=Reason.MEANING
    )
