"""Audits as pandas tables, for those who want to count on with the numbers."""

from __future__ import annotations

from typing import Any

from keras_fair.audit.result import Audit, Interval

__all__ = ["to_dataframe"]

_INTERVAL = ("interval_low", "interval_high", "confidence", "method")


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
    return pandas.DataFrame(rows, columns=columns)


def _relations(audit: Audit) -> tuple[list[str], list[dict[str, Any]]]:
    own = ["name", "text", "statement", "left", "right", "gap", "lower", "upper", "violation"]
    rows = [
        {
            **{name: getattr(relation, name) for name in own},
            "verdict": relation.verdict.value,
            **_interval(relation.interval),
            "smallest_group": min((each.size for each in relation.statistics), default=float("nan")),
            "note": relation.note,
        }
        for relation in audit
    ]
    return [*own, "verdict", *_INTERVAL, "smallest_group", "note"], rows


def _statistics(audit: Audit) -> tuple[list[str], list[dict[str, Any]]]:
    own = ["text", "value", "size", "weight"]
    rows = [
        {
            "relation": relation.name,
            **{name: getattr(statistic, name) for name in own},
            **_interval(statistic.interval),
        }
        for relation in audit
        for statistic in relation.statistics
    ]
    return ["relation", *own, *_INTERVAL], rows


def _groups(audit: Audit) -> tuple[list[str], list[dict[str, Any]]]:
    from keras_fair.reports.wording import group_name

    attributes = list(dict.fromkeys(name for group in audit.groups for name in group.attributes))
    own = ["size", "weight", "mean"]
    columns = ["group", *(_beside(name, ["group", *own]) for name in attributes), *own]
    rows = [
        {
            "group": group_name(group),
            **{
                _beside(name, ["group", *own]): value
                for name, value in zip(group.attributes, group.values, strict=True)
            },
            **{name: getattr(group, name) for name in own},
        }
        for group in audit.groups
    ]
    return columns, rows


def _beside(name: str, taken: list[str]) -> str:
    """The name of an attribute's column, unlike those that are taken."""
    while name in taken:
        name += "'"
    return name


def _interval(interval: Interval | None) -> dict[str, Any]:
    if interval is None:
        return dict(zip(_INTERVAL, (float("nan"), float("nan"), float("nan"), ""), strict=True))
    numbers = (interval.low, interval.high, interval.confidence, interval.method)
    return dict(zip(_INTERVAL, numbers, strict=True))
