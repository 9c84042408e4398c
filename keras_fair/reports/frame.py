"""Audits as pandas tables, for those who want to count on with the numbers."""

from __future__ import annotations

import math
from typing import Any

from keras_fair.audit.result import Audit, Interval
from keras_fair.reports.wording import group_name, smallest_group

__all__ = ["to_dataframe"]

_INTERVAL = ("interval_low", "interval_high", "confidence", "method")
_NO_INTERVAL = Interval(math.nan, math.nan, math.nan, "")


def to_dataframe(audit: Audit, of: str = "relations") -> Any:
    """One row for each entry; NaN where there is no number, an empty text where there is none.

    Args:
        audit: what was found.
        of: `"relations"`: name, text, statement, left, right, gap, lower, upper, violation, verdict (text),
            interval_low, interval_high, confidence, method, smallest_group, note. `"statistics"`: relation
            (its name), text, value, size, weight and the interval. `"groups"`: group, the columns of the
            attributes (NaN where a group does not go by one), size, weight, mean.

    Raises:
        ImportError: pandas is not installed.
        ValueError: there is no such table.

    Example:

    >>> import keras_fair as kf
    >>> audit = kf.audit("E[y | sex=*] <= 0.5", [0.2, 0.9], {"sex": ["F", "M"]}, confidence=None)
    >>> audit.to_dataframe()[["name", "gap", "verdict"]]
                   name  gap    verdict
    0  E[y | sex=F] <= 0.5  0.2  satisfied
    1  E[y | sex=M] <= 0.5  0.9   violated
    """
    tables = {"relations": _relations, "statistics": _statistics, "groups": _groups}
    if of not in tables:
        raise ValueError(f"expected of to be one of {sorted(tables)}, received of={of!r}")
    try:
        import pandas
    except ImportError as fault:
        raise ImportError("to_dataframe needs pandas: pip install 'keras-fair[pandas]'") from fault
    columns, rows = tables[of](audit)
    return pandas.DataFrame(rows, columns=columns)  # which leaves out what has no column


def _relations(audit: Audit) -> tuple[list[str], list[dict[str, Any]]]:
    rows = [
        {
            **vars(relation),
            "verdict": relation.verdict.value,
            **_interval(relation.interval),
            "smallest_group": smallest_group(relation),
        }
        for relation in audit
    ]
    own = ["name", "text", "statement", "left", "right", "gap", "lower", "upper", "violation", "verdict"]
    return [*own, *_INTERVAL, "smallest_group", "note"], rows


def _statistics(audit: Audit) -> tuple[list[str], list[dict[str, Any]]]:
    rows = [
        {"relation": relation.name, **vars(statistic), **_interval(statistic.interval)}
        for relation in audit
        for statistic in relation.statistics
    ]
    return ["relation", "text", "value", "size", "weight", *_INTERVAL], rows


def _groups(audit: Audit) -> tuple[list[str], list[dict[str, Any]]]:
    own = ["size", "weight", "mean"]
    taken = ["group", *own]
    columns = {name: _beside(name, taken) for group in audit.groups for name in group.attributes}
    rows = [
        {
            "group": group_name(group),
            **{columns[name]: value for name, value in zip(group.attributes, group.values, strict=True)},
            **{name: getattr(group, name) for name in own},
        }
        for group in audit.groups
    ]
    return ["group", *columns.values(), *own], rows


def _beside(name: str, taken: list[str]) -> str:
    """The name of an attribute's column, unlike those that are taken."""
    while name in taken:
        name += "'"
    return name


def _interval(interval: Interval | None) -> dict[str, Any]:
    return dict(zip(_INTERVAL, vars(interval or _NO_INTERVAL).values(), strict=True))
