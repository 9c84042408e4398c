"""The part of the page on constraints: a card for each, with its words, its gaps and the values behind them.

A card shows the worst relations; the rest is folded away but stays on the page. Where there are many
constraints, those that hold are closed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from keras_fair.audit.result import (
    Audit,
    AuditedRelation,
    Interval,
    StatisticValue,
    Verdict,
)
from keras_fair.reports.markup import Markup, folded, fragment, table, table_head, tag
from keras_fair.reports.numbers import (
    allowed,
    counted,
    interval_text,
    metric,
    size_text,
    typeset,
)
from keras_fair.reports.strips import Axis, mark, strip
from keras_fair.reports.wording import (
    ORDER,
    StatementResult,
    have_weights,
    sentence_of,
    smallest_group,
    statement_results,
)

__all__ = ["badge", "constraint_cards"]

_MOST_ROWS = 12  # rows of a table that are not folded away
_MOST_OPEN = 12  # cards that are open from the start


def constraint_cards(audit: Audit) -> Markup:
    """A card for each statement of the audit."""
    results = statement_results(audit)
    few = len(results) <= _MOST_OPEN
    left = _MOST_OPEN
    cards = []
    for result in results:
        is_open = few or (left > 0 and result.verdict is not Verdict.SATISFIED)
        left -= is_open
        cards.append(_card(result, is_open))
    return fragment(_legend(), *cards)


def badge(verdict: Verdict, words: str = "") -> Markup:
    """A verdict: its mark and its name."""
    picture = tag("svg", mark(verdict), viewBox="-9 -9 18 18", width=15, height=15, aria_hidden="true")
    return tag("span", picture, words or verdict.value, class_=f"badge {verdict.value}")


def _legend() -> Markup:
    entries = [tag("li", badge(verdict)) for verdict in ORDER]
    band = tag(
        "svg", tag("rect", width=26, height=14, class_="band"), width=26, height=14, aria_hidden="true"
    )
    whisker = tag(
        "svg",
        tag("path", d="M1 7H25M1 3V11M25 3V11", class_="whisker value"),
        width=26,
        height=14,
        aria_hidden="true",
    )
    entries += [tag("li", band, "allowed"), tag("li", whisker, "interval")]
    return fragment(
        tag(
            "p",
            "A constraint on several groups is several relations. The gap of a relation is its left side "
            "minus its right side; it is to lie in the allowed band. The worst relations come first.",
            class_="lead",
        ),
        tag("ul", *entries, class_="legend", aria_label="Marks of the charts"),
    )


def _card(result: StatementResult, is_open: bool) -> Markup:
    relations = result.relations
    title = result.text or counted(len(relations), "relation")
    count = Counter(each.verdict for each in relations)
    counts = (f"{count[verdict]:,} {verdict.value}" for verdict in ORDER if count[verdict])
    words = badge(result.verdict, result.verdict.value if len(relations) == 1 else ", ".join(counts))
    words_of = tag("p", sentence_of(result.text), class_="words") if result.text else None
    parts = (words_of, _relations(relations, title), _statistics(relations))
    heading = tag("h3", tag("code", title))
    return tag(
        "details", tag("summary", heading, words), *parts, class_=f"card {result.verdict.value}", open=is_open
    )


def _relations(relations: Sequence[AuditedRelation], title: str) -> Markup:
    numbers = [number for each in relations for number in (each.gap, each.lower, each.upper)]
    axis = Axis.of([*numbers, *_interval_ends(relations)], zero=True)

    def row(relation: AuditedRelation) -> Markup:
        whole = relation.name == title or (len(relations) == 1 and relation.name != relation.text)
        name = "the constraint" if whole else tag("code", relation.name)
        past = f"past by {metric(relation.violation)}" if relation.violation > 0 else None
        picture = strip(
            axis, relation.gap, relation.interval, relation.verdict, relation.lower, relation.upper
        )
        row = tag(
            "tr",
            tag("th", name, scope="row"),
            tag("td", picture, class_="picture"),
            _cell(metric(relation.gap), "gap", _ends(relation.interval)),
            _cell(allowed(relation), "allowed", past),
            _cell(size_text(smallest_group(relation)), "smallest group"),
            tag("td", badge(relation.verdict), class_="says"),
        )
        if not relation.note:
            return row
        return fragment(row, tag("tr", tag("td", relation.note, colspan=2 + len(heads)), class_="note"))

    heads = ("gap and interval", "allowed", "smallest group", "verdict")
    return _folded("Gaps", "relation", axis, heads, relations, row, "relations")


def _statistics(relations: Sequence[AuditedRelation]) -> Markup | None:
    statistics = {each.text: each for relation in relations for each in relation.statistics}
    if not statistics or all(_is_own_value(relation) for relation in relations):
        return None
    entries = tuple(statistics.values())
    axis = Axis.of([*(each.value for each in entries), *_interval_ends(entries)], zero=False)
    weighted = have_weights(entries)

    def row(statistic: StatisticValue) -> Markup:
        return tag(
            "tr",
            tag("th", tag("code", statistic.text), scope="row"),
            tag("td", strip(axis, statistic.value, statistic.interval), class_="picture"),
            _cell(metric(statistic.value), "value", _ends(statistic.interval)),
            _cell(size_text(statistic.size), "samples"),
            _cell(metric(statistic.weight), "weight") if weighted else None,
        )

    heads = ("value and interval", "samples", *(["weight"] if weighted else []))
    return _folded("Values behind the gaps", "statistic", axis, heads, entries, row, "values")


def _is_own_value(relation: AuditedRelation) -> bool:
    """Whether the gap is the value of the one statistic, so that it needs no second line."""
    values = [statistic.value for statistic in relation.statistics]
    return values == [relation.gap] or (len(values) == 1 and math.isnan(values[0]))


def _folded(
    caption: str,
    first: str,
    axis: Axis,
    heads: Sequence[str],
    entries: Sequence[Any],
    row: Callable[[Any], Markup],
    noun: str,
) -> Markup:
    """A table of the first entries, and one of the others that is folded away."""
    heading = table_head(first, (tag("span", "chart", class_="unseen"), axis.picture()), heads)
    most = _MOST_ROWS if len(entries) > _MOST_ROWS + 3 else len(entries)
    rest = entries[most:]
    if not rest:
        return table(caption, heading, map(row, entries), "strips")
    more = f"{len(rest):,} more {noun}"
    shown = table(f"{caption}: {most} of {len(entries):,}", heading, map(row, entries[:most]), "strips")
    return fragment(shown, folded(more, table(f"{caption}: {more}", heading, map(row, rest), "strips")))


def _interval_ends(entries: Sequence[AuditedRelation] | Sequence[StatisticValue]) -> list[float]:
    return [end for each in entries if each.interval for end in (each.interval.low, each.interval.high)]


def _ends(interval: Interval | None) -> str | None:
    return None if interval is None else interval_text(interval)


def _cell(text: str, label: str, below: str | None = None) -> Markup:
    """A number, and what belongs to it in small print below."""
    small = () if below is None else (" ", tag("small", typeset(below)))
    return tag("td", typeset(text), *small, class_="number", data_label=label)
