"""The verdict on a relation, and the words that go with it.

    satisfied    the interval of the gap lies within the bounds
    violated     it lies wholly outside
    undecided    it crosses a bound, or there is no interval, or a group is small, or the interval of what it
                 divides by holds 0, or a group shows no scatter
    unestimable  the gap has no value, or one of its groups is empty

Without intervals the gap itself decides. Nothing is known about an empty group. So a relation that names one,
or enumerates one in a `max`, `min` or `spread`, is violated where the other groups alone violate it;
otherwise it is unestimable. (One more argument never brings a `max`, `min` or `spread` back within its
bound.) Where a bound depends on the data, its distance from the gap has an interval of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras_fair.audit.expressions import GapForm, RelationValue, is_number
from keras_fair.audit.intervals import Intervals
from keras_fair.audit.result import SMALL, Interval, StatisticValue, Verdict
from keras_fair.language import node_text
from keras_fair.language.nodes import Arithmetic, Expression, Negative, Statistic

__all__ = ["ALIKE", "Margins", "decide", "margins_of"]

ALIKE = 100  # nor does one of fewer samples whose values are all the same while those of others differ

_MOST_NAMED = 5  # groups that a note names

_Ends = tuple[float, float]


@dataclass(frozen=True)
class Margins:
    """Intervals of a relation.

    Args:
        gap: of the gap.
        above_lower: of the gap minus its lower bound; None where there is no interval or no bound.
        below_upper: of the upper bound minus the gap; likewise.
        doubtful: the texts of the divisors that may be 0.
    """

    gap: Interval | None
    above_lower: _Ends | None
    below_upper: _Ends | None
    doubtful: tuple[str, ...] = ()


def margins_of(
    form: GapForm, value: RelationValue, intervals: Intervals, alpha: float, confidence: float
) -> Margins:
    """The intervals of a relation whose gap can be estimated.

    Args:
        form: its gap and bounds.
        value: their values.
        intervals: of its statistics.
        alpha: one minus the confidence that each is made for.
        confidence: the confidence that the intervals state.
    """
    gap = form.gap
    if form.sign_of is not None and intervals.value(form.sign_of) < 0:
        gap = Negative(operand=gap, span=gap.span)
    interval = intervals.of(gap, alpha, confidence)

    def distance(bound: Expression, number: float, sign: float) -> _Ends | None:
        if math.isinf(number):
            return None
        if is_number(bound):
            if interval is None:
                return None
            ends = (sign * (interval.low - number), sign * (interval.high - number))
            return min(ends), max(ends)
        pair = (gap, bound) if sign > 0 else (bound, gap)
        between = Arithmetic(operator="-", left=pair[0], right=pair[1], span=gap.span)
        of = intervals.of(between, alpha, confidence)
        return None if of is None else (of.low, of.high)

    doubtful: dict[Expression, None] = {}
    if form.sign_of is not None and intervals.may_be_0(form.sign_of, alpha, confidence):
        doubtful[form.sign_of] = None
    for part in (form.gap, form.lower, form.upper):
        doubtful.update(dict.fromkeys(intervals.doubtful_divisors(part, alpha, confidence)))
    return Margins(
        interval,
        distance(form.lower, value.lower, 1.0),
        distance(form.upper, value.upper, -1.0),
        tuple(map(node_text, doubtful)),
    )


def decide(
    value: RelationValue,
    statistics: Sequence[Statistic],
    measured: Sequence[StatisticValue],
    margins: Margins | None,
    unseen: Sequence[Statistic],
    confidence: float | None,
    slack: float,
) -> tuple[Verdict, str]:
    """The verdict, and a note; `""` where there is nothing to say.

    Args:
        value: of the relation.
        statistics: that it is made of.
        measured: their values.
        margins: its intervals; None where none were requested.
        unseen: the statistics of small groups that show no scatter, so that their intervals are too narrow.
        confidence: of the intervals.
        slack: how far outside its bounds the gap may lie.
    """
    pairs = list(zip(statistics, measured, strict=True))
    empty = [pair for pair in pairs if pair[1].size <= 0]
    small = [pair for pair in pairs if 0 < pair[1].size < SMALL]
    lacking = [statistic.text for statistic in measured if math.isnan(statistic.value) and statistic.size > 0]
    notes = []
    if empty:
        notes.append(f"no samples in {_groups_of(empty)}")
    if small:
        notes.append(f"few samples in {_groups_of(small)}")
    if lacking:
        notes.append(f"no value of {_joined(lacking)}")
    incomplete = bool(empty or lacking)
    if math.isnan(value.violation):
        return Verdict.UNESTIMABLE, "; ".join(notes if incomplete else [*notes, "the gap has no value"])
    if confidence is None or margins is None:
        verdict = Verdict.UNESTIMABLE if incomplete else Verdict.SATISFIED
        return (Verdict.VIOLATED if value.violation > slack else verdict), "; ".join(notes)
    sides = [
        ends
        for ends, bound in ((margins.above_lower, value.lower), (margins.below_upper, value.upper))
        if not math.isinf(bound)
    ]
    known = [ends for ends in sides if ends is not None]
    without = len(known) < len(sides)
    if margins.doubtful:
        notes.append(f"it divides by {_joined(margins.doubtful)}, which may be 0 or of the other sign")
    if unseen:
        hidden = set(unseen)
        same = [pair for pair in pairs if pair[0] in hidden]
        notes.append(f"all values are the same in {_groups_of(same)}, too few to show how they scatter")
    if margins.doubtful or unseen:
        return Verdict.UNESTIMABLE if incomplete else Verdict.UNDECIDED, "; ".join(notes)
    if not without and any(high < -slack for _, high in known):
        return Verdict.VIOLATED, "; ".join(notes)
    if incomplete:
        return Verdict.UNESTIMABLE, "; ".join(notes)
    if without:
        return Verdict.UNDECIDED, "; ".join([*notes, "too few samples for an interval"])
    if all(low >= -slack for low, _ in known):
        return Verdict.UNDECIDED if notes else Verdict.SATISFIED, "; ".join(notes)
    if value.upper - value.lower <= 2 * slack:
        notes.append("no sample is large enough to confirm an equality without a tolerance")
    else:
        notes.append(f"the {100 * confidence:g}% interval crosses a bound")
    return Verdict.UNDECIDED, "; ".join(notes)


def _groups_of(pairs: Sequence[tuple[Statistic, StatisticValue]]) -> str:
    """The groups of some statistics, each once; the first few by name."""
    sizes = {statistic.condition: measured.size for statistic, measured in pairs}
    names = []
    for condition, size in itertools.islice(sizes.items(), _MOST_NAMED):
        group = "all" if condition is None else node_text(condition)
        names.append(f"'{group}'" + (f" ({size:.4g})" if size > 0 else ""))
    return _joined(names, len(sizes))


def _joined(names: Sequence[str], count: int | None = None) -> str:
    """The first few of some names, and how many more there are."""
    more = (len(names) if count is None else count) - len(names[:_MOST_NAMED])
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more else "")
