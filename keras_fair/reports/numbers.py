"""Numbers of an audit as people read them: four decimals, true dashes, counts with their nouns."""

from __future__ import annotations

import math

from keras_fair.audit.result import AuditedRelation, Interval

__all__ = ["allowed", "counted", "interval_text", "metric", "percent", "size_text", "typeset", "value_text"]


def metric(value: float) -> str:
    """A measured number: four decimals where that says enough, a dash where there is none.

    Example:

    >>> [metric(value) for value in (-0.18342, 0.0, 0.00002, 1234.5, float("nan"), float("inf"))]
    ['-0.1834', '0', '2.0e-05', '1,234', '-', 'infinite']
    """
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if value == 0:
        return "0"
    if abs(value) < 5e-5:
        return f"{value:.1e}"
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def typeset(text: str) -> str:
    """A number as print has it: with a true minus sign, and a true dash where there is none."""
    return "–" if text == "-" else text.replace("-", "−")


def percent(share: float) -> str:
    """A share of 1 as a percentage; a dash for NaN."""
    return "-" if math.isnan(share) else f"{100 * share:.1f}%"


def counted(count: float, noun: str) -> str:
    """`1 sample`, `2,000 samples`; sums of probabilities keep a decimal.

    Example:

    >>> counted(1, "sample"), counted(2000, "relation"), counted(12.34, "sample")
    ('1 sample', '2,000 relations', '12.3 samples')
    """
    return f"{size_text(count)} {noun}{'' if count == 1 else 's'}"


def size_text(count: float) -> str:
    """How many: a whole number, or a sum of probabilities with one decimal; a dash for NaN."""
    if math.isnan(count):
        return "-"
    return f"{count:,.0f}" if float(count).is_integer() else f"{count:,.1f}"


def value_text(value: str | float) -> str:
    """A value of an attribute."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def allowed(relation: AuditedRelation) -> str:
    """The bounds of a gap as a person reads them: `±0.02`, `≤ 0.05`, `0.1 to 0.4`."""
    bounds = relation.bounds
    for typed, printed in (("+- ", "±"), ("<=", "≤"), (">=", "≥"), ("...", "to")):
        bounds = bounds.replace(typed, printed)
    return bounds


def interval_text(interval: Interval | None) -> str:
    """`0.0123 to 0.0456`, a dash where there is none."""
    return "-" if interval is None else f"{metric(interval.low)} to {metric(interval.high)}"
