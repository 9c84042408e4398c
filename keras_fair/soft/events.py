"""Conditions that ask about `y`, taken apart: what is asked of `y`, and what of everything else.

    y >= 0.5 and sex=Female     ->     where y >= 0.5 is true: sex=Female;   where it is false: nobody

With k different comparisons of `y`, a condition is a sum over the 2^k cases of their truths: in each case
what is left of it is free of `y`, and cases exclude each other. So the membership of a sample is a sum of
products, which stays one between 0 and 1 where each comparison is replaced by a probability.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.truth import Given
from keras_fair.language.nodes import (
    And,
    Comparison,
    Condition,
    Membership,
    Node,
    Not,
    Or,
    Prediction,
)
from keras_fair.language.tree import walk

__all__ = ["MOST_EVENTS", "Case", "Quantile", "cases_of"]

MOST_EVENTS = 6  # different comparisons of y in one condition: 64 cases


@dataclass(frozen=True, slots=True)
class Quantile(Node):
    """A threshold that a batch says: below it lies this share of the predictions."""

    share: float


@dataclass(frozen=True)
class Case:
    """One way in which the comparisons of `y` in a condition can turn out.

    Args:
        events: the comparisons, each with its truth.
        rest: what the condition then asks of everything else; None: nothing.
    """

    events: tuple[tuple[Comparison, bool], ...]
    rest: Given


def cases_of(condition: Given, text: str) -> tuple[Case, ...]:
    """The cases in which a condition can hold.

    Args:
        condition: without stars and variables; None holds for everyone.
        text: of the constraints.

    Raises:
        ConstraintTypeError: it compares `y` in a way that has no stand-in, or in too many ways.
    """
    events: dict[Comparison, None] = {}
    for node in () if condition is None else walk(condition):
        if isinstance(node, (Comparison, Membership)) and isinstance(node.subject, Prediction):
            if isinstance(node, Membership) or node.operator in ("=", "!="):
                raise ConstraintTypeError(
                    "whether y equals a value has no stand-in with a gradient: compare y with a threshold, "
                    "as in y >= 0.5",
                    text=text,
                    span=node.span,
                    reason=Reason.NOT_AFFINE,
                    modes=("audit",),
                )
            events[node] = None
    if len(events) > MOST_EVENTS:
        raise ConstraintTypeError(
            f"this condition compares y in {len(events)} ways, more than {MOST_EVENTS}",
            text=text,
            span=None if condition is None else condition.span,
            reason=Reason.TOO_MANY,
        )
    found = []
    for truths in itertools.product((True, False), repeat=len(events)):
        truth = dict(zip(events, truths, strict=True))
        rest = True if condition is None else _rest(condition, truth)
        if rest is not False:
            found.append(Case(tuple(truth.items()), None if rest is True else rest))
    return tuple(found)


def _rest(condition: Condition, truth: dict[Comparison, bool]) -> Condition | bool:
    """What is left of a condition where comparisons of `y` are true or false."""
    if isinstance(condition, Comparison) and condition in truth:
        return truth[condition]
    if isinstance(condition, Not):
        operand = _rest(condition.operand, truth)
        if isinstance(operand, bool):
            return not operand
        return condition if operand is condition.operand else Not(operand=operand, span=condition.span)
    if isinstance(condition, (And, Or)):
        decides = isinstance(condition, Or)  # True decides `or`, False decides `and`
        parts = [_rest(operand, truth) for operand in condition.operands]
        if decides in [part for part in parts if isinstance(part, bool)]:
            return decides
        left = tuple(part for part in parts if not isinstance(part, bool))
        if not left:
            return not decides
        return left[0] if len(left) == 1 else type(condition)(operands=left, span=condition.span)
    return condition
