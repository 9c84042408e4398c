"""What a text asks of a frozen rule, as a statement that is affine in what the rule gives out.

A rule for decisions gives each person a decision `d`, 0 or 1; what a text says of decisions is affine in it:

    P[y >= t | c]                       E[d | c]
    P[y < t | c]                        1 - E[d | c]
    P[label=1 | y >= t, c] >= v         E[(label - v) d | c] >= 0        (a floor on precision)

The statements that come out say `E[y | ...]` where they mean `E[d | ...]`: then rows, groups and labels are
the matter of `keras_fair.rows`, as for scores. A rule for scores takes the text as it stands. A reduction
(`keras_fair.reductions`) gives each person a decision too; what it takes beside is said by its `Taker`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from keras_fair.constraints import ConstraintSet, nodes_of, statement_names
from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.inputs.settings import check_choice
from keras_fair.language.dependence import not_affine
from keras_fair.language.functions import rule_of
from keras_fair.language.nodes import (
    STATISTICS,
    And,
    Arithmetic,
    Attribute,
    Comparison,
    Condition,
    Expression,
    Label,
    Literal,
    Mean,
    Node,
    Number,
    Prediction,
    Range,
    Relation,
    Share,
    Statement,
    Statistic,
)
from keras_fair.language.tree import conjuncts, rebuilt, walk

__all__ = ["FROZEN_RULE", "Meaning", "Taker", "meaning_of"]

_TURNED = {"<=": ">=", ">=": "<=", "==": "=="}


@dataclass(frozen=True)
class Taker:
    """Who is asked for decisions or scores, and how messages speak of it.

    Attributes:
        name: such as `"a frozen rule"`.
        short: such as `"rule"`.
        again: what to do where one is not enough, such as `"learn a rule for each"`.
        columns: whether it takes `y` beside columns, as in `E[y * age | ...]` and `cov(y, age)`.
        only_decides: its `y` is 0 or 1, so that `E[y | ...]` is a rate of decisions too.
    """

    name: str
    short: str
    again: str
    columns: bool = False
    only_decides: bool = False


FROZEN_RULE = Taker("a frozen rule", "rule", "learn a rule for each")


@dataclass(frozen=True)
class Meaning:
    """What a rule is learnt for.

    Attributes:
        constraints: as the text says it.
        rows: the same, affine in what the rule gives out: `y` is the decision, or the score.
        threshold: of the decisions, `y >= threshold`; None for a rule of scores.
        output: which output of a model the text is about.
    """

    constraints: ConstraintSet
    rows: ConstraintSet
    threshold: float | None
    output: int | str | None

    @property
    def decides(self) -> bool:
        """Whether the rule is about decisions."""
        return self.threshold is not None

    def gives_decisions(self, output: str | None) -> bool:
        """Whether decisions are asked of the rule, or scores.

        Args:
            output: `"decision"`, the default of a rule for decisions, or `"score"`.

        Raises:
            ValueError: it is another word, or `"decision"` of a rule of scores.
        """
        outputs = ("decision", "score") if self.decides else ("score",)
        return (outputs[0] if output is None else check_choice("output", output, outputs)) == "decision"


def meaning_of(constraints: ConstraintSet, taker: Taker = FROZEN_RULE) -> Meaning:
    """What a text asks of a rule.

    Args:
        constraints: parsed.
        taker: whom it is asked of.

    Raises:
        ConstraintTypeError: it asks for scores and for decisions, for decisions by two thresholds, or for
            what no rule of this kind can be held to.
    """
    reader = _Reader(constraints.text, taker)
    outputs = {node.output: node for node in nodes_of(constraints) if isinstance(node, Prediction)}
    if len(outputs) > 1:
        raise reader.refused(
            f"{taker.name} is about one output, and the text names two: {taker.again}",
            list(outputs.values())[1],
        )
    names = statement_names(constraints.statements)
    read = [
        replace(statement, relation=reader.relation(statement), name=name)
        for statement, name in zip(constraints.statements, names, strict=True)
    ]
    first_score, first_decision = reader.first_score, reader.first_decision
    if first_score is not None and first_decision is not None and not taker.only_decides:
        raise reader.refused(
            "one rule gives out decisions or scores: this is about decisions, and another statement, or "
            "another part of this one, about the score E[y | ...]; learn two rules",
            first_decision,
        )
    return Meaning(
        constraints,
        ConstraintSet(tuple(read), constraints.text),
        None if first_decision is None else float(first_decision.value.value),  # type: ignore[union-attr]
        next(iter(outputs), None),
    )


class _Reader:
    """Rewrites relations, and remembers the first score and the first decision that it met."""

    def __init__(self, text: str, taker: Taker) -> None:
        self.text = text
        self.taker = taker
        self.first_score: Node | None = None
        self.first_decision: Comparison | None = None

    def refused(self, message: str, node: Node) -> ConstraintTypeError:
        return ConstraintTypeError(message, text=self.text, span=node.span, reason=Reason.MEANING)

    def relation(self, statement: Statement) -> Relation | Range:
        relation = statement.relation
        if not any(isinstance(node, Prediction) for node in walk(relation)):
            raise ConstraintTypeError(
                f"no {self.taker.short} can change this relation: it does not contain y",
                text=self.text,
                span=relation.span,
                reason=Reason.FREE_OF_PREDICTIONS,
            )
        if isinstance(relation, Relation):
            for side, other, sign in (
                (relation.left, relation.right, relation.operator),
                (relation.right, relation.left, _TURNED[relation.operator]),
            ):
                if self._is_precision(side):
                    return self._floor(relation, side, other, sign)
        return self._rewritten(relation)

    def _rewritten(self, node: Any) -> Any:
        if isinstance(node, STATISTICS):
            return self._statistic(node)
        return rebuilt(node, self._rewritten)

    def _statistic(self, node: Statistic) -> Expression:
        why, advice = rule_of(node).not_affine
        if why:
            raise not_affine(node.span, self.text, why, advice)
        if not any(isinstance(part, Prediction) for part in walk(node)):
            return node
        if self._is_precision(node):
            raise self.refused(
                "precisions of groups that are compared are not affine in decisions: give each a floor, as "
                "in P[label=1 | y >= 0.5, sex=*] >= 0.6",
                node,
            )
        if isinstance(node, Share):
            event = self._decision(node.event)
            rate = Mean(Prediction(span=event.span), node.condition, span=node.span)
            if event.operator == ">=":
                return rate
            return Arithmetic("-", Number(1.0, span=node.span), rate, span=node.span)
        alone = isinstance(node, Mean) and not any(isinstance(part, Attribute) for part in walk(node.value))
        if alone or self.taker.columns:
            self.first_score = self.first_score or node
            return self._of_one_output(node)
        raise self.refused(
            f"{self.taker.name} treats people by their group and their score alone: expected E[y | ...] or "
            "P[y >= 0.5 | ...], found y beside a column",
            node,
        )

    def _of_one_output(self, node: Any) -> Any:
        """The tree with `y` in the place of an output of several."""
        if isinstance(node, Prediction):
            return Prediction(span=node.span)
        return rebuilt(node, self._of_one_output)

    def _decision(self, event: Condition) -> Comparison:
        """An event that is a decision, of the one threshold."""
        wrong = "expected a decision of the form y >= 0.5 (or y < 0.5)"
        if not isinstance(event, Comparison) or not isinstance(event.subject, Prediction):
            raise self.refused(f"{wrong}, found an event of another form", event)
        if event.operator not in (">=", "<"):
            raise self.refused(f"{wrong}, found 'y {event.operator} ...'", event)
        if not isinstance(event.value, Literal) or not isinstance(event.value.value, float):
            raise self.refused(f"{wrong}, with a number", event)
        first = self.first_decision
        if first is not None and first.value != event.value:
            raise self.refused(
                f"one {self.taker.short} decides by one threshold, and this is a second one: "
                f"{self.taker.again}",
                event,
            )
        self.first_decision = first or event
        return event

    def _is_precision(self, node: Node) -> bool:
        """Whether this is about those who are accepted."""
        return isinstance(node, (Mean, Share)) and any(
            isinstance(part, Prediction) for part in walk(node.condition or Number(0.0, span=node.span))
        )

    def _floor(self, relation: Relation, side: Any, other: Any, sign: str) -> Relation:
        """`P[label=1 | y >= t, c] >= v` as `E[(label - v) d | c] >= 0`."""
        if not isinstance(other, Number) or sign == "==":
            raise self.refused(
                "precisions that are compared are not affine in decisions: give each a floor, a number, as "
                "in P[label=1 | y >= 0.5, sex=*] >= 0.6",
                side,
            )
        chosen = [part for part in conjuncts(side.condition) if isinstance(part, Comparison)]
        decisions = [part for part in chosen if isinstance(part.subject, Prediction)]
        if len(decisions) != 1 or self._decision(decisions[0]).operator != ">=":
            raise self.refused("expected those who are accepted, as in P[label=1 | y >= 0.5, sex=*]", side)
        (decision,) = decisions
        rest = tuple(part for part in conjuncts(side.condition) if part is not decision)
        condition = None if not rest else rest[0] if len(rest) == 1 else And(rest, span=side.span)
        if any(isinstance(part, Prediction) for part in walk(condition or other)):
            raise self.refused("expected y once among the conditions", side)
        accepted = Prediction(span=decision.span)
        value = Arithmetic("-", self._outcome(side), other, span=side.span)
        gained = Mean(Arithmetic("*", value, accepted, span=side.span), condition, span=side.span)
        return Relation(gained, sign, Number(0.0, span=other.span), span=relation.span)

    def _outcome(self, side: Mean | Share) -> Any:
        """What a precision is the mean of: the label, or one minus it."""
        label = Label(span=side.span)
        if isinstance(side, Mean) and isinstance(side.value, Label):
            return label
        event = side.event if isinstance(side, Share) else None
        if isinstance(event, Comparison) and event.operator == "=" and isinstance(event.subject, Label):
            value = event.value.value if isinstance(event.value, Literal) else None
            if value == 1.0:
                return label
            if value == 0.0:
                return Arithmetic("-", Number(1.0, span=side.span), label, span=side.span)
        raise self.refused(
            "expected a precision about the label, as in P[label=1 | y >= 0.5, sex=*], or E[label | ...]",
            side,
        )
