"""Choosing one point: the best one that meets a text on the validation people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from keras_fair.audit.result import Audit, Verdict
from keras_fair.constraints import Constraints, ConstraintSet, parse, parse_expression
from keras_fair.errors import ConstraintSyntaxError
from keras_fair.fronts.points import FrontPoint
from keras_fair.language.nodes import Range

__all__ = ["NoPointMeets", "check_prefer", "picked", "read_statements"]

_MOST_NAMED = 3  # points that a refusal names


class NoPointMeets(ValueError):
    """No point of a front meets the text; the message names those that come nearest."""


def read_statements(text: Constraints) -> ConstraintSet:
    """The statements that a point must meet.

    Raises:
        ConstraintError: the text is malformed.
        ValueError: it is an expression without a bound.
    """
    try:
        return parse(text)
    except ConstraintSyntaxError:
        if isinstance(text, str) and _is_expression(text):
            raise ValueError(
                f"expected a statement with a bound to pick by, such as '{text.strip()} <= 0.03', received "
                f"{text!r}"
            ) from None
        raise


def _is_expression(text: str) -> bool:
    try:
        (statement,) = parse_expression(text)
    except ValueError:
        return False
    return not isinstance(statement.relation, Range)


def check_prefer(prefer: str | None, objectives: Sequence[str]) -> str:
    """The name of the objective to prefer by; the first where none is named.

    Raises:
        ValueError: there is none of this name.
    """
    if prefer is None:
        return objectives[0]
    if prefer not in objectives:
        raise ValueError(f"expected prefer to be one of {list(objectives)}, received prefer={prefer!r}")
    return prefer


def picked(
    points: Sequence[FrontPoint],
    audits: Sequence[Audit],
    text: str,
    prefer: str,
    sure: bool,
) -> FrontPoint:
    """The best point that meets the text.

    Args:
        points: to choose from.
        audits: of the statements on what each predicts; with intervals if `sure`.
        text: of the statements, for a refusal.
        prefer: the objective that is to be least; ties go to the other scores, then to the gaps.
        sure: whether every verdict must be *satisfied*, rather than every gap within its bounds.

    Raises:
        NoPointMeets: there is none.
    """
    meeting = [
        point
        for point, audit in zip(points, audits, strict=True)
        if audit.satisfied and not math.isnan(point.scores[prefer].value)
    ]
    if meeting:
        return min(meeting, key=lambda point: _order(point, prefer))
    distances = sorted(
        (
            (_beyond(audit, sure), point.scores[prefer].value, point.name)
            for point, audit in zip(points, audits, strict=True)
        ),
        key=lambda each: tuple(math.inf if math.isnan(number) else number for number in each[:2]),
    )
    known = [each for each in distances if not math.isnan(each[0])]
    asked = f"{text!r}" + (", with the whole interval" if sure else "")
    if not points:
        raise NoPointMeets(f"no point meets {asked}: the front has no points; correct, train or add first")
    if not known:
        raise NoPointMeets(
            f"no point meets {asked}: of {len(points)} points none can be estimated; {_why(audits[0])}"
        )
    near = "; ".join(
        f"{name!r} misses by {beyond:.4g} ({prefer} {score:.4g})"
        for beyond, score, name in known[:_MOST_NAMED]
    )
    what = "the end of its interval furthest from a bound counts" if sure else "the gap counts"
    raise NoPointMeets(f"no point of {len(points)} meets {asked}. Nearest ({what}): {near}")


def _order(point: FrontPoint, prefer: str) -> tuple[float, ...]:
    rest = (math.inf if math.isnan(number) else number for number in point.numbers)
    return point.scores[prefer].value, *rest


def _beyond(audit: Audit, sure: bool) -> float:
    """How far the worst relation is outside its bounds; NaN where one can't be estimated."""
    if audit.unmeasured:
        return math.nan
    worst = 0.0
    for relation in audit:
        if relation.verdict is Verdict.UNESTIMABLE:
            return math.nan
        ends = [relation.gap]
        if sure:
            if relation.interval is None:
                return math.nan
            ends = [relation.interval.low, relation.interval.high]
        worst = max(worst, *(max(relation.lower - end, end - relation.upper) for end in ends))
    return worst


def _why(audit: Audit) -> str:
    notes = [relation.note for relation in audit if relation.note]
    return notes[0] if notes else "the text says nothing of these people"
