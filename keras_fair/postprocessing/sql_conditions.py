"""Who is in a group, as conditions of SQL: of one attribute at a time, words, numbers and dates.

Groups are those of `keras_fair.groups`: an attribute has states, and states treated alike are a block.
Here each block becomes a condition on the column, in which a missing value is in the block that the policy of
the vocabulary puts it in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_fair.groups.coding import MISSING, MISSING_GROUP, UNKNOWN
from keras_fair.groups.factors import Factor
from keras_fair.groups.thresholds import Cut
from keras_fair.inputs.precision import rounded
from keras_fair.postprocessing.sql_dialects import Dialect

__all__ = ["Axis", "axis_of"]


@dataclass(frozen=True)
class Axis:
    """The conditions of one attribute.

    Attributes:
        blocks: where each block of its states is; None where nobody can be, empty where everyone is.
        readable: where the attribute has a value that the rule reads; empty where always.
    """

    blocks: list[str | None]
    readable: str


def axis_of(
    dialect: Dialect, factor: Factor, block: np.ndarray, missing: str, column: str, precision: str
) -> Axis:
    """The conditions of one attribute.

    Args:
        dialect: of the database.
        factor: the states of the attribute.
        block: `(states,)` int, which states are treated alike.
        missing: the policy of the vocabulary.
        column: of the attribute, quoted.
        precision: that its numbers are given in.

    Raises:
        ValueError: thresholds are one number in this precision; a date that the dialect can't write.
    """
    if factor.periods is not None:
        return _dates(dialect, factor, block, missing, column)
    if factor.cuts is None:
        return _words(dialect, factor, block, missing, column)
    return _numbers(dialect, factor, factor.cuts, block, missing, column, precision)


def _words(dialect: Dialect, factor: Factor, block: np.ndarray, missing: str, column: str) -> Axis:
    """Empty text is missing, as NULL is."""
    text, values = dialect.as_text(column), [str(value) for value in factor.values or ()]
    grouped = missing == "group" and MISSING_GROUP in values
    at_missing = int(block[values.index(MISSING_GROUP)]) if grouped else int(block[MISSING])
    conditions: list[str | None] = []
    for place in range(int(block.max()) + 1):
        inside = [value for value, of in zip(values, block, strict=False) if of == place]
        outside = [value for value, of in zip(values, block, strict=False) if of != place]
        if block[UNKNOWN] == place:
            # The empty text is left to the condition of missing values.
            told = f"{text} NOT IN ({', '.join(map(dialect.text, ['', *outside]))})"
            parts = [told]
        else:
            parts = [_one_of(dialect, text, inside)] if inside else []
        if at_missing == place and missing != "error":
            parts.append(f"{column} IS NULL OR {text} = ''")
        conditions.append(_either(parts))
    readable = [dialect.textual(column)] if dialect.textual else []
    readable += [f"{text} <> ''"] if missing == "error" else []
    return Axis(conditions, " AND ".join(readable))


def _one_of(dialect: Dialect, text: str, values: list[str]) -> str:
    listed = [dialect.text(value) for value in values]
    return f"{text} = {listed[0]}" if len(listed) == 1 else f"{text} IN ({', '.join(listed)})"


def _numbers(
    dialect: Dialect,
    factor: Factor,
    cuts: tuple[Cut, ...],
    block: np.ndarray,
    missing: str,
    column: str,
    precision: str,
) -> Axis:
    """Comparisons are in float64, in which thresholds of that precision are the same numbers."""
    truths = {value for value in factor.values or () if not isinstance(value, str)} <= {0.0, 1.0}
    number = dialect.as_number(column) if factor.values and truths else column
    places, aboves = [rounded(cut, precision) for cut, _ in cuts], [above for _, above in cuts]
    if len(set(places)) < len({cut for cut, _ in cuts}):
        raise ValueError(f"expected thresholds of {column} that differ in {precision}, received {cuts}")
    gaps = [f"{number} IS NULL", *([dialect.nan(number)] if dialect.nan else [])]
    # NaN is the largest number to some databases. Where it is not refused, it may pass no threshold here.
    passes = [dialect.finite(number)] if missing != "error" and dialect.nan else []
    conditions: list[str | None] = []
    for place in range(int(block.max()) + 1):
        parts = []
        for first, last in _runs(np.flatnonzero(block[: len(cuts) + 1] == place)):
            if first == last and 0 < first < len(cuts) and cuts[first - 1][0] == cuts[first][0]:
                parts.append(f"{number} = {dialect.number(places[first])}")
                continue
            ends = []
            if first:
                sign = ">" if aboves[first - 1] else ">="
                ends.append(f"{number} {sign} {dialect.number(places[first - 1])}")
            if last < len(cuts):
                ends.append(f"{number} {'<=' if aboves[last] else '<'} {dialect.number(places[last])}")
            else:
                ends += passes
            parts.append(" AND ".join(ends or [f"{number} IS NOT NULL"]))
        if block[MISSING] == place and missing != "error":
            parts += gaps
        conditions.append(_either(parts))
    readable = [dialect.numeric(column)] if dialect.numeric else []
    finite = dialect.finite(number)
    readable.append(finite if missing == "error" else f"({' OR '.join([*gaps, finite])})")
    return Axis(conditions, " AND ".join(readable))


def _dates(dialect: Dialect, factor: Factor, block: np.ndarray, missing: str, column: str) -> Axis:
    assert factor.periods is not None
    cuts, instant = factor.periods.cuts, f"({dialect.instant(column)})"
    moments = [dialect.moment(date) for date, _ in cuts]
    values = list(factor.values or ())
    grouped = missing == "group" and MISSING_GROUP in values
    at_missing = int(block[values.index(MISSING_GROUP)]) if grouped else int(block[MISSING])
    conditions: list[str | None] = []
    for place in range(int(block.max()) + 1):
        parts = []
        for first, last in _runs(np.flatnonzero(block[: len(cuts) + 1] == place)):
            ends = []
            if first:
                ends.append(f"{instant} {'>' if cuts[first - 1][1] else '>='} {moments[first - 1]}")
            if last < len(cuts):
                ends.append(f"{instant} {'<=' if cuts[last][1] else '<'} {moments[last]}")
            parts.append(" AND ".join(ends) or f"{instant} IS NOT NULL")
        if at_missing == place and missing != "error":
            parts.append(dialect.no_date(column))
        conditions.append(_either(parts))
    there = f"{instant} IS NOT NULL"
    return Axis(conditions, there if missing == "error" else f"({dialect.no_date(column)} OR {there})")


def _runs(places: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last of each run of neighbours."""
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > 1)
    firsts, lasts = places[np.r_[0, breaks + 1]], places[np.r_[breaks, len(places) - 1]]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def _either(parts: list[str]) -> str | None:
    """Conditions joined by OR, in parentheses; None where there is none."""
    if not parts:
        return None
    if len(parts) == 1 and " OR " not in parts[0]:
        return parts[0]
    return f"({' OR '.join(f'({part})' if ' AND ' in part else part for part in parts)})"
