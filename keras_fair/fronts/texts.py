"""The texts whose gaps are axes of a front, and the gaps of predictions.

A text without a bound, `demographic_parity(sex)`, is measured by how far its value is from 0. One with a
bound, `disparate_impact(sex) >= 0.8`, by its violation: how far it is outside its bounds. Where a text makes
several relations, as a quantifier does, the largest of them counts.

Numbers and intervals are those of `keras_fair.audit`. With the interval `[l, h]` of a relation's gap, and
bounds `[a, b]` of it, its distance `d(g) = max(a - g, g - b, 0)` lies between the least and the largest `d`
over `[l, h]`. With intervals of several relations that hold together, the largest distance lies between the
largest lower end and the largest upper end. Bounds that depend on the people are taken as they are on these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_fair.audit.result import SMALL, Audit, AuditedRelation, Interval
from keras_fair.constraints import ConstraintSet, parse, parse_expression
from keras_fair.errors import ConstraintError
from keras_fair.fronts.measured import Measured
from keras_fair.language.functions import Ends
from keras_fair.language.nodes import Range
from keras_fair.rows.ranges import interval as range_of

__all__ = ["FrontText", "measured_texts", "read_texts"]


@dataclass(frozen=True)
class FrontText:
    """One text of a front.

    Attributes:
        name: the text as it was given.
        constraints: one statement: the text itself, or `expression <= 0`.
        bounded: whether the text has a bound of its own.
    """

    name: str
    constraints: ConstraintSet
    bounded: bool

    def held(self, tolerance: str, domain: Ends) -> str:
        """The statement that holds the expression within a tolerance of 0.

        Args:
            tolerance: a number as text, >= 0.
            domain: between which values predictions lie.
        """
        relation = self.constraints.statements[0].relation
        assert not isinstance(relation, Range)
        never_negative = range_of(relation.left, domain)[0] >= 0
        return f"{self.name} <= {tolerance}" if never_negative else f"{self.name} == 0 +- {tolerance}"


def read_texts(texts: Any) -> tuple[FrontText, ...]:
    """The texts of a front.

    Args:
        texts: one expression or statement, or several of them in a list.

    Raises:
        ConstraintError: a text is malformed.
        TypeError, ValueError: there is none, one twice, or one is no single text.
    """
    kinds = (str, ConstraintSet)
    given = [texts] if isinstance(texts, kinds) else texts
    if not isinstance(given, (list, tuple)) or not all(isinstance(text, kinds) for text in given):
        raise TypeError(
            "expected texts as an expression such as 'demographic_parity(sex)', or a list of them, received "
            f"{type(texts).__name__}"
        )
    if not given:
        raise ValueError("expected at least one text, received none")
    read = tuple(map(_read, given))
    names = [text.name for text in read]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"expected each text once, received {name!r} twice")
    return read


def _read(text: str | ConstraintSet) -> FrontText:
    name, bounded = str(text).strip(), True
    if isinstance(text, ConstraintSet):
        parsed = text
    else:
        try:
            parsed, bounded = parse_expression(text), False
        except ConstraintError:
            raise
        except ValueError:  # it has a bound
            parsed = parse(text)
    if len(parsed) != 1:
        raise ValueError(
            f"expected one expression or statement a text, received {len(parsed)} in {name!r}: give a list"
        )
    return FrontText(name, parsed, bounded)


def measured_texts(texts: Sequence[FrontText], audit: Audit) -> dict[str, Measured]:
    """The gap of each text, by its name.

    Args:
        texts: of the front.
        audit: of the statements of all of them, its intervals simultaneous.
    """
    return {
        text.name: _largest([relation for relation in audit if relation.statement == place], text.bounded)
        for place, text in enumerate(texts)
    }


def _largest(relations: Sequence[AuditedRelation], bounded: bool) -> Measured:
    """The largest distance of some relations from their bounds."""
    if not relations:
        return Measured(math.nan, note="it says nothing of these people")
    if any(math.isnan(relation.gap) for relation in relations):
        notes = [relation.note for relation in relations if math.isnan(relation.gap)]
        return Measured(math.nan, note="; ".join(dict.fromkeys(notes)))
    note = _few(relations)
    bounds = [(relation.lower, relation.upper) if bounded else (0.0, 0.0) for relation in relations]
    distances = [_distance(relation.gap, *ends) for relation, ends in zip(relations, bounds, strict=True)]
    worst = max(range(len(relations)), key=distances.__getitem__)
    ends = [
        _image(relation.interval, *each)
        for relation, each in zip(relations, bounds, strict=True)
        if relation.interval is not None
    ]
    interval = relations[worst].interval
    if interval is None or len(ends) < len(relations):
        return Measured(distances[worst], note=note)
    low, high = (max(side) for side in zip(*ends, strict=True))
    return Measured(distances[worst], Interval(low, high, interval.confidence, interval.method), note)


def _few(relations: Sequence[AuditedRelation]) -> str:
    """Which statistics are of few samples, or of none."""
    few = {
        f"{statistic.text} ({statistic.size:g})": None
        for relation in relations
        for statistic in relation.statistics
        if statistic.size < SMALL
    }
    return f"fewer than {SMALL} samples in {', '.join(few)}" if few else ""


def _distance(gap: float, lower: float, upper: float) -> float:
    return max(lower - gap, gap - upper, 0.0)


def _image(interval: Interval, lower: float, upper: float) -> tuple[float, float]:
    """The least and the largest distance over an interval: it is convex, and 0 between the bounds."""
    ends = _distance(interval.low, lower, upper), _distance(interval.high, lower, upper)
    inside = interval.low <= upper and interval.high >= lower
    return (0.0 if inside else min(ends)), max(ends)
