"""What a constraint depends on: whether on the predictions, and whether in a way that rows can hold.

A statistic is affine in `y` if neither its event nor its condition asks about `y`. `P[y >= 0.5 |
sex=Female]` (a decision rate) and `E[label | y >= 0.5]` (a predictive value) are not; they can be audited,
not enforced by affine rows.
"""

from __future__ import annotations

from keras_fair.language.nodes import (
    Comparison,
    Covariance,
    Mean,
    Membership,
    Node,
    Prediction,
    Share,
    Span,
    Statement,
)
from keras_fair.language.tree import walk

__all__ = ["audit_only", "on_prediction"]


def on_prediction(node: Node) -> bool:
    """Whether anything in a tree depends on `y`.

    Args:
        node: a statement or a part of one. A statement where this is False can be audited, but no
            prediction can
            change it.

    Example:

    >>> from keras_fair.language import on_prediction, parse_statements
    >>> [on_prediction(each) for each in parse_statements("E[y] <= 0.2; E[label] <= 0.2")]
    [True, False]
    """
    return any(isinstance(part, Prediction) for part in walk(node))


def audit_only(statement: Statement) -> tuple[Span, str] | None:
    """Where and why a constraint can be audited but not be held by affine rows.

    Args:
        statement: a checked statement.

    Returns:
        The span of the first event or condition on `y`, and the reason as part of a sentence; None where
        every statistic is affine in `y`.

    Example:

    >>> from keras_fair.language import audit_only, parse_statements
    >>> audit_only(parse_statements("P[y >= 0.5 | sex=Female] <= 0.2")[0])
    (Span(start=2, end=10), 'the share of decisions with this event is not affine in y')
    """
    for node in walk(statement):
        if isinstance(node, Share):
            place = _on_prediction(node.event)
            if place is not None:
                return place, "the share of decisions with this event is not affine in y"
        if isinstance(node, (Mean, Share, Covariance)) and node.condition is not None:
            place = _on_prediction(node.condition)
            if place is not None:
                return place, "a group that is chosen by y makes this statistic not affine in y"
    return None


def _on_prediction(condition: Node) -> Span | None:
    for node in walk(condition):
        if isinstance(node, (Comparison, Membership)) and isinstance(node.subject, Prediction):
            return node.span
    return None
