"""`... at y >= 0.5`: a relation about scores, said of the decisions that they lead to.

    demographic_parity(sex) <= 0.05 at y >= 0.5     ->     spread(P[y >= 0.5 | sex=*]) <= 0.05

Each `E[y | ...]` becomes the share of those with the decision, and `E[y[k] | ...]` that of those for whom
output k decides so. Where the decision names an output itself, it is about that one. A mean in which y is
part of a larger value has no such share and is refused, as is a statistic of two values, or of a whole
distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras_fair.language.faults import MeaningFault
from keras_fair.language.functions import rule_of
from keras_fair.language.nodes import (
    STATISTICS,
    Condition,
    Mean,
    Node,
    Prediction,
    Range,
    Relation,
    Share,
)
from keras_fair.language.tree import comparisons, rebuilt, walk

__all__ = ["Decided", "check_decision", "decided"]


@dataclass(frozen=True, slots=True)
class Decided(Node):
    """`relation at decision` as written, before it is rewritten. No finished tree holds one."""

    relation: Relation | Range
    decision: Condition


def check_decision(decision: Condition) -> None:
    """Check that a decision depends on one prediction and on nothing else.

    Raises:
        MeaningFault: it asks about something else, or about two outputs.
    """
    subjects = [subject for subject, _, _ in comparisons(decision)]
    for subject in subjects:
        if not isinstance(subject, Prediction):
            raise MeaningFault("a decision is about the prediction, as in at y >= 0.5", subject.span)
        if subject != subjects[0]:
            raise MeaningFault("a decision is about one output, found two", subject.span)


def decided(node: Decided) -> Relation | Range:
    """The relation with decisions in the place of scores.

    Args:
        node: with its criteria expanded.

    Raises:
        MeaningFault: y stands where no decision can, or nowhere.
    """
    (output, *_) = (subject for subject, _, _ in comparisons(node.decision))
    any_output = output == Prediction(span=output.span)

    def replaced(part: Any) -> Any:
        if isinstance(part, Mean) and isinstance(part.value, Prediction):
            if any_output:
                return Share(_about(part.value, node.decision), part.condition, span=part.span)
            if part.value in (output, Prediction(span=output.span)):
                return Share(node.decision, part.condition, span=part.span)
        if isinstance(part, STATISTICS):
            for name in rule_of(part).values:
                for inner in walk(getattr(part, name)):
                    if isinstance(inner, Prediction):
                        raise MeaningFault(
                            "'at' puts a decision in the place of y in E[y | ...], and this is of another "
                            "value: write what is meant with P[...], as in P[y >= 0.5 | ...]",
                            part.span,
                        )
        return rebuilt(part, replaced)

    relation: Relation | Range = replaced(node.relation)
    if relation == node.relation:
        raise MeaningFault(
            "'at' puts a decision in the place of y in E[y | ...], and there is no E[y | ...] here",
            node.decision.span,
        )
    return relation


def _about(output: Prediction, decision: Any) -> Any:
    """The decision by one output."""
    if isinstance(decision, Prediction):
        return Prediction(output.output, span=decision.span)
    return rebuilt(decision, lambda part: _about(output, part))
