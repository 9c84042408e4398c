"""What a constraint depends on: whether on the predictions, and whether in a way that rows can hold.

A statistic is affine in `y` if neither its event nor its condition asks about `y`. `P[y >= 0.5 |
sex=Female]` (a decision rate) and `E[label | y >= 0.5]` (a predictive value) are not; they can be audited,
not enforced by affine rows. Nor are a correlation, and a statistic of a whole distribution such as
`independence(sex)`.
"""

from __future__ import annotations

from keras_fair.errors import AUDIT, ConstraintTypeError, Reason
from keras_fair.language.functions import rule_of
from keras_fair.language.nodes import (
    STATISTICS,
    Comparison,
    Membership,
    Node,
    Prediction,
    Share,
    Span,
)
from keras_fair.language.tree import walk

__all__ = ["audit_only", "not_affine", "on_prediction"]

_OF_EVENT = "the share of decisions with this event is not affine in y"
_OF_GROUP = "a group that is chosen by y makes this statistic not affine in y"
_OF_DATA = "rows take means, shares and covariances of data as constants, and no other statistic"
_USUAL_ADVICE = (
    "constrain the score itself, as in E[y | ...], train with kf.layers.FairnessPenalty or "
    "FairnessLagrangian, or learn a rule with kf.FrozenFairness"
)


def on_prediction(node: Node) -> bool:
    """Whether anything in a tree depends on `y`.

    Args:
        node: a statement or a part of one. A statement where this is False can be audited, but no prediction
            can change it.

    Example:

    >>> from keras_fair.language import on_prediction, parse_statements
    >>> [on_prediction(each) for each in parse_statements("E[y] <= 0.2; E[label] <= 0.2")]
    [True, False]
    """
    return any(isinstance(part, Prediction) for part in walk(node))


def audit_only(node: Node) -> tuple[Span, str] | None:
    """Where and why a constraint can be audited but not be held by affine rows.

    Args:
        node: a checked statement, or a part of one.

    Returns:
        The span of the first event or condition on `y`, or of the first statistic that no row can hold, and
        the reason as part of a sentence; None where every statistic is affine in `y`.

    Example:

    >>> from keras_fair.language import audit_only, parse_statements
    >>> audit_only(parse_statements("P[y >= 0.5 | sex=Female] <= 0.2")[0])
    (Span(start=2, end=10), 'the share of decisions with this event is not affine in y')
    """
    for statistic in walk(node):
        if not isinstance(statistic, STATISTICS):
            continue
        why = rule_of(statistic).not_affine[0]
        if why:
            return statistic.span, why if on_prediction(statistic) else _OF_DATA
        event = statistic.event if isinstance(statistic, Share) else None
        for condition, why in ((event, _OF_EVENT), (statistic.condition, _OF_GROUP)):
            for part in walk(condition) if condition is not None else ():
                if isinstance(part, (Comparison, Membership)) and isinstance(part.subject, Prediction):
                    return part.span, why
    return None


def not_affine(span: Span, text: str, why: str, advice: str = "") -> ConstraintTypeError:
    """The refusal of a statistic that an audit can measure and no affine row can hold.

    Args:
        span: the event or the condition on `y`, or the statistic.
        text: the text of the constraints.
        why: as `audit_only` says it.
        advice: what to constrain in its place; default: the score.
    """
    return ConstraintTypeError(
        f"{why} (to enforce it, {advice or _USUAL_ADVICE})",
        text=text,
        span=span,
        reason=Reason.NOT_AFFINE,
        modes=AUDIT,
    )
