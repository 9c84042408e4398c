"""The part of the page on groups: score distributions, sizes, and intersections as a heat map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from keras_fair.audit.result import SMALL, Audit, GroupScores
from keras_fair.reports.markup import Markup, folded, fragment, table, table_head, tag
from keras_fair.reports.numbers import (
    counted,
    metric,
    percent,
    size_text,
    typeset,
    value_text,
)
from keras_fair.reports.wording import group_name, have_weights, shares_of

__all__ = ["distributions", "heat_maps", "sizes"]

_OPEN_PICTURES = 12  # distributions of one attribute that are not folded away
_MOST_PICTURES = 120  # that are drawn at all; a page with thousands is read by nobody
_MOST_VALUES = 100  # rows and columns of a heat map
_MOST_ROWS = 20
_SHADES = 6

Groups = Sequence[GroupScores]


def distributions(audit: Audit) -> Markup:
    """Small multiples: for each set of attributes the scores of each of its groups, on one scale."""
    parts = [
        tag(
            "p",
            "Each picture shows how the scores of one group are spread, as shares of the group. The outline "
            "is all groups of the row together, the upright line the mean. Pictures of small groups are "
            "drawn lower where their bars would not fit.",
            class_="lead",
        )
    ]
    for attributes, groups in _by_attributes(audit):
        pictures = _pictures(groups, audit.edges)
        parts.append(tag("h3", _title(attributes)))
        parts.append(tag("div", *pictures[:_OPEN_PICTURES], class_="multiples"))
        if rest := pictures[_OPEN_PICTURES:]:
            parts.append(folded(counted(len(rest), "smaller group"), tag("div", *rest, class_="multiples")))
        if left := len(groups) - len(pictures):
            parts.append(_left_out("No picture", f"{counted(left, 'group')} with fewer samples than these"))
    return fragment(*parts)


def sizes(audit: Audit) -> Markup:
    """A table for each set of attributes: how many samples each group has, and its mean score."""
    parts = []
    for attributes, groups in _by_attributes(audit):
        weighted = have_weights(groups)
        heads = ("share", "samples", *(["weight"] if weighted else []), "mean score")
        head = table_head("group", [tag("span", "share as a bar", class_="unseen")], heads)
        shares = shares_of(groups)
        rows = [_size_row(group, share, weighted) for group, share in zip(groups, shares, strict=True)]
        title = f"Groups of {_title(attributes)}"
        parts.append(table(title, head, rows[:_MOST_ROWS], "sizes"))
        if rest := rows[_MOST_ROWS:]:
            continued = table(f"{title}, continued", head, rest, "sizes")
            parts.append(folded(counted(len(rest), "more group"), continued))
    return fragment(*parts)


def heat_maps(audit: Audit) -> Markup | None:
    """A heat map of mean scores for each set of two or more attributes; None where there is no such set."""
    maps = [
        _heat_map(attributes, groups) for attributes, groups in _by_attributes(audit) if len(attributes) > 1
    ]
    return fragment(*maps) if maps else None


def _by_attributes(audit: Audit) -> list[tuple[tuple[str, ...], list[GroupScores]]]:
    """The groups of each set of attributes, smaller sets first, in the order of the audit."""
    places = {key: place for place, key in enumerate(dict.fromkeys(each.attributes for each in audit.groups))}
    ordered = sorted(audit.groups, key=lambda each: (len(each.attributes), places[each.attributes]))
    return [(key, list(groups)) for key, groups in groupby(ordered, key=lambda each: each.attributes)]


def _title(attributes: tuple[str, ...]) -> str:
    return " × ".join(attributes) or "everyone"


def _value_name(group: GroupScores) -> str:
    """The values of a group, below a heading that names the attributes."""
    return ", ".join(map(value_text, group.values)) or "everyone"


def _pictures(groups: Groups, edges: tuple[float, ...]) -> list[Markup]:
    """One picture a group, the largest first where not all are shown at once, and at most _MOST_PICTURES."""
    together = _shares(np.sum([group.counts for group in groups], axis=0))
    if len(groups) > _OPEN_PICTURES:
        groups = sorted(groups, key=lambda group: -group.weight)[:_MOST_PICTURES]
    shares = {id(group): _shares(group.counts) for group in groups}
    fitted = [shares[id(group)] for group in groups if group.size >= SMALL] + [together]
    scale = max(_highest(each) for each in fitted) or 1.0
    return [_picture(group, shares[id(group)], together, scale, edges) for group in groups]


def _shares(counts: Sequence[float] | np.ndarray) -> np.ndarray:
    counts = np.asarray(counts, "float64")
    total = counts.sum()
    return counts / total if total > 0 else np.zeros_like(counts)


def _highest(shares: np.ndarray) -> float:
    return float(shares.max(initial=0.0))


def _places(bins: int, edges: tuple[float, ...]) -> list[float]:
    """Where each edge of the bins stands in a picture that is as wide as there are bins."""
    if len(edges) != bins + 1 or not edges[-1] > edges[0]:
        return [float(place) for place in range(bins + 1)]
    return [bins * (edge - edges[0]) / (edges[-1] - edges[0]) for edge in edges]


def _picture(
    group: GroupScores, shares: np.ndarray, together: np.ndarray, scale: float, edges: tuple[float, ...]
) -> Markup:
    bins, highest = len(shares), _highest(shares)
    lower = highest > scale  # a small group, of which a few bars hold nearly all
    scale = max(scale, highest)
    places = _places(bins, edges)
    bars = "".join(
        f"M{left + 0.06:.2f} 100V{100 - 100 * share / scale:.1f}H{max(right - 0.06, left + 0.06):.2f}V100Z"
        for left, right, share in zip(places, places[1:], shares, strict=False)
        if share > 0
    )
    outline = "M0 100" + "".join(
        f"V{100 - 100 * share / scale:.1f}H{right:.6g}"
        for right, share in zip(places[1:], together, strict=True)
    )
    drawn = [tag("path", d=bars, class_="bars"), tag("path", d=f"{outline}V100", class_="outline")]
    if not math.isnan(group.mean) and edges and edges[-1] > edges[0]:
        place = bins * min(max((group.mean - edges[0]) / (edges[-1] - edges[0]), 0.0), 1.0)
        drawn.append(tag("line", x1=f"{place:.2f}", x2=f"{place:.2f}", y1=0, y2=100, class_="mean"))
    name = group_name(group)
    label = f"Scores of {name}: mean {metric(group.mean)}, {counted(group.size, 'sample')}"
    tallest = f", highest bar {percent(highest)}" + (" (drawn lower)" if lower else "") if highest else ""
    return tag(
        "figure",
        tag("figcaption", tag("b", _value_name(group)), _remark(group)),
        tag(
            "svg",
            *drawn,
            viewBox=f"0 0 {bins} 100",
            preserveAspectRatio="none",
            role="img",
            aria_label=label,
            class_="histogram",
        ),
        tag(
            "div",
            tag("span", _end(edges, 0)),
            tag("span", _end(edges, -1)),
            class_="ends",
            aria_hidden="true",
        ),
        tag("p", f"mean {typeset(metric(group.mean))}, {counted(group.size, 'sample')}{tallest}"),
    )


def _end(edges: tuple[float, ...], place: int) -> str:
    return typeset(f"{edges[place]:.4g}") if edges else ""


def _remark(group: GroupScores) -> Markup | None:
    if group.size >= SMALL:
        return None
    return tag("span", "small group" if group.size else "no samples", class_="note")


def _size_row(group: GroupScores, share: float, weighted: bool) -> Markup:
    width = 0.0 if math.isnan(share) else 100 * share
    bar = tag(
        "svg",
        tag("rect", width="100%", height=12, class_="track"),
        tag("rect", width=f"{width:.2f}%", height=12, class_="size"),
        width="100%",
        height=12,
        aria_hidden="true",
    )
    return tag(
        "tr",
        tag("th", _value_name(group), _remark(group), scope="row"),
        tag("td", bar, class_="picture"),
        tag("td", percent(share), class_="number", data_label="share"),
        tag("td", size_text(group.size), class_="number", data_label="samples"),
        tag("td", metric(group.weight), class_="number", data_label="weight") if weighted else None,
        tag("td", typeset(metric(group.mean)), class_="number", data_label="mean score"),
    )


def _heat_map(attributes: tuple[str, ...], groups: Groups) -> Markup:
    """Rows are values of all attributes but one, columns those of the one with the fewest values; where there
    are more than _MOST_VALUES of either, those with the greatest weight."""
    values = [
        list(dict.fromkeys(group.values[place] for group in groups)) for place in range(len(attributes))
    ]
    across = min(range(len(attributes)), key=lambda place: (len(values[place]), -place))
    down = [place for place in range(len(attributes)) if place != across]
    cells = {(tuple(group.values[place] for place in down), group.values[across]): group for group in groups}
    rows = _heaviest((row, group.weight) for (row, _), group in cells.items())
    columns = _heaviest((column, group.weight) for (_, column), group in cells.items())
    means = [group.mean for group in groups if not math.isnan(group.mean)]
    low, high = min(means, default=0.0), max(means, default=1.0)

    def cell(row: tuple[str | float, ...], column: str | float) -> Markup:
        group = cells.get((row, column))
        if group is None or group.size == 0:
            return tag("td", "–", tag("small", "no samples"), class_="none")
        shade = 0 if high <= low or math.isnan(group.mean) else (group.mean - low) / (high - low)
        size = counted(group.size, "sample") + (", small" if group.size < SMALL else "")
        kind = f"heat{min(int(shade * _SHADES), _SHADES - 1)}"
        return tag("td", tag("b", typeset(metric(group.mean))), tag("small", size), class_=kind)

    corner = f"{' × '.join(attributes[place] for place in down)} \\ {attributes[across]}"
    head = tag(
        "tr",
        tag("th", corner, scope="col"),
        *(tag("th", value_text(each), scope="col") for each in columns),
    )
    body = [
        tag(
            "tr",
            tag("th", ", ".join(map(value_text, row)), scope="row"),
            *(cell(row, column) for column in columns),
        )
        for row in rows
    ]
    title = f"Mean score by {_title(attributes)}, from {metric(low)} (palest) to {metric(high)} (strongest)"
    heat = table(title, tag("thead", head), body, "heat")
    name = f"Heat map of {_title(attributes)}"
    scroll = tag("div", heat, class_="scroll", tabindex=0, role="region", aria_label=name)
    shown = sum((row, column) in cells for row in rows for column in columns)
    if not (left := len(groups) - shown):
        return scroll
    return fragment(
        scroll, _left_out("Not on the map", f"{counted(left, 'group')}, of values with little weight")
    )


def _left_out(what: str, groups: str) -> Markup:
    return tag("p", f"{what}: {groups}. The table of group sizes has all groups.", class_="lead")


def _heaviest(weights: Iterable[tuple[Any, float]]) -> list[Any]:
    """The _MOST_VALUES values of the greatest weight, in the order in which they come."""
    totals: dict[Any, float] = {}
    for value, weight in weights:
        totals[value] = totals.get(value, 0.0) + weight
    kept = set(sorted(totals, key=lambda value: -totals[value])[:_MOST_VALUES])
    return [value for value in totals if value in kept]
