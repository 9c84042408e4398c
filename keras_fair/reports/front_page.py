"""A front as one interactive HTML page: no request leaves it, and it is readable without its script too.

The picture and the sliders are the script's, `front_page.js`. It computes nothing that the front does not
say: it compares the numbers of the points with the tolerances of the sliders, as `Front.pick` does. Its hash
stands in the page's policy, so that no other script runs there. The same front gives the same page, to the
byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path
from typing import Any

from keras_fair.fronts.front import Front
from keras_fair.fronts.measured import Measured, plain
from keras_fair.fronts.points import FrontPoint
from keras_fair.language.functions import EVERYTHING
from keras_fair.reports.head import packaged, page_head
from keras_fair.reports.markup import Markup, fragment, tag
from keras_fair.reports.numbers import counted, metric, typeset

__all__ = ["front_page"]

_STEPS = 200  # of a slider


def front_page(front: Front, path: str | Path | None = None) -> str:
    """The page of a front; see `keras_fair.Front.to_html`."""
    points = front.points
    script = packaged("front_page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    title = f"Front: {counted(len(points), 'point')}, {len(front.undominated)} undominated"
    body = tag(
        "body",
        tag("header", _summary(front, title)),
        tag(
            "main",
            tag(
                "section",
                tag("h2", "Choose", id="choose-title"),
                tag("noscript", tag("p", "Choosing needs this page's script; the table below does not.")),
                _controls(front),
                id="choose",
                aria_labelledby="choose-title",
            ),
            tag(
                "section",
                tag("h2", "All points", id="points-title"),
                _table(front, points),
                id="points",
                aria_labelledby="points-title",
            ),
            tag(
                "section",
                tag("h2", "How it was measured", id="parameters-title"),
                *(tag("p", sentence, class_="lead") for sentence in _sentences(front)),
                id="parameters",
                aria_labelledby="parameters-title",
            ),
        ),
        tag("script", Markup(_json(_numbers(front, points))), type="application/json", id="numbers"),
        tag("script", Markup(script)),
    )
    head = page_head(title, "page.css", "front_page.css", script=f"'sha256-{digest}'")
    page = f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
    if path is not None:
        Path(path).write_text(page, encoding="utf-8")
    return page


def _summary(front: Front, title: str) -> Markup:
    unknown = [point for point in front if point.unknown]
    parts = [
        tag("p", "What accuracy and fairness cost each other; smaller is better everywhere", class_="about"),
        tag("h1", title),
        tag("p", f"Gaps: {', '.join(front.texts)}. Scores: {', '.join(front.objectives)}.", class_="summary"),
    ]
    if unknown:
        names = "; ".join(f"{point.name}: {', '.join(point.unknown)}" for point in unknown)
        parts.append(tag("p", f"Not estimable, so never undominated: {names}"))
    return tag("div", *parts, class_="verdict value")


def _controls(front: Front) -> Markup:
    """The sliders and choices, hidden until the script has them work, and what they lead to."""
    sliders = [
        tag(
            "label",
            tag("span", tag("code", text), " at most ", tag("output", "any", for_=f"text{place}")),
            tag(
                "input",
                type="range",
                id=f"text{place}",
                min=0,
                max=_STEPS,
                value=_STEPS,
                step=1,
                data_text=place,
                aria_label=f"largest gap of {text}",
            ),
            class_="slider",
        )
        for place, text in enumerate(front.texts)
    ]
    prefer = _choice("prefer", "Prefer the least", front.objectives)
    axes = fragment(_choice("across", "Across", front.texts), _choice("along", "Along", front.objectives))
    sure = tag(
        "label",
        tag("input", type="checkbox", id="sure"),
        " the whole interval counts, not the gap alone",
        class_="check",
    )
    return tag(
        "div",
        tag(
            "form",
            *sliders,
            tag("div", prefer, sure if front.confidence is not None else None, class_="choices"),
            id="controls",
            class_="plain controls",
        ),
        tag("div", id="picked", class_="plain picked", role="status", aria_live="polite"),
        tag("div", axes, class_="choices"),
        tag(
            "figure",
            tag("div", id="chart", class_="chart"),
            tag("p", id="named", class_="named", aria_hidden="true"),
            tag("figcaption", _legend(), class_="legend"),
            class_="plain",
        ),
        id="interactive",
        hidden=True,
    )


def _choice(name: str, label: str, options: tuple[str, ...]) -> Markup:
    listed = [tag("option", option, value=place) for place, option in enumerate(options)]
    return tag("label", f"{label} ", tag("select", *listed, id=name))


def _legend() -> Markup:
    parts = [
        ("undominated", "undominated in all gaps and scores"),
        ("dominated", "dominated"),
        ("chosen", "the best within the sliders"),
    ]
    marks = (
        tag(
            "span",
            tag("svg", tag("circle", cx=8, cy=8, r=5, class_=kind), width=16, height=16, aria_hidden="true"),
            f" {words} ",
        )
        for kind, words in parts
    )
    return fragment(*marks, tag("span", "Whiskers are intervals. Hover or focus a point to read it."))


def _table(front: Front, points: tuple[FrontPoint, ...]) -> Markup:
    heads = [*front.objectives, *front.texts]
    rows = []
    for place, point in enumerate(points):
        cells = [
            tag("td", _cell(each), class_="number") for each in (*point.scores.values(), *point.gaps.values())
        ]
        on = "yes" if point.undominated else "no"
        name = tag("th", point.name, scope="row")
        rows.append(tag("tr", name, tag("td", on), *cells, id=f"point{place}"))
    head = tag(
        "tr",
        tag("th", "point", scope="col"),
        tag("th", "undominated", scope="col"),
        *(tag("th", name, scope="col", class_="number") for name in heads),
    )
    caption = tag("caption", "Every point: its scores and gaps, with their intervals")
    return tag(
        "div",
        tag("table", caption, tag("thead", head), tag("tbody", *rows)),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label="All points",
    )


def _cell(each: Measured) -> Markup:
    shown = typeset(metric(each.value))
    if each.interval is None:
        return fragment(shown, tag("small", f" {each.note}") if math.isnan(each.value) else None)
    return fragment(shown, tag("small", f" {typeset(metric(each.low))} to {typeset(metric(each.high))}"))


def _sentences(front: Front) -> list[str]:
    said = [
        "A gap is how far the value of its text is from 0; of a text with a bound, how far it is outside of "
        "it. Where a text makes several relations the largest counts.",
        "A point is undominated if no other one is at least as good in all gaps and scores and better in "
        "one.",
        "The choice uses up the people that it was made on: audit the chosen point on others.",
    ]
    if front.confidence is not None:
        level = f"{100 * front.confidence:g}%"
        said.insert(1, f"Intervals are those of keras_fair.audit, at {level}, each point by itself.")
    notes = dict.fromkeys(each.note for point in front for each in point.gaps.values() if each.note)
    return [*said, *notes]


def _numbers(front: Front, points: tuple[FrontPoint, ...]) -> dict[str, Any]:
    """What the script reads."""
    largest = [max((_reach(point.gaps[text]) for point in points), default=0.0) for text in front.texts]
    return {
        "texts": list(front.texts),
        "tolerances": [_rounded_up(each) for each in largest],
        "statements": list(front.statements(EVERYTHING)),
        "objectives": list(front.objectives),
        "steps": _STEPS,
        "points": [
            {
                "name": point.name,
                "undominated": point.undominated,
                "constraints": point.constraints,
                "scores": [_ends(each) for each in point.scores.values()],
                "gaps": [_ends(each) for each in point.gaps.values()],
                "small": [bool(each.note) for each in point.gaps.values()],
            }
            for point in points
        ],
    }


def _ends(each: Measured) -> list[float | None]:
    return [plain(each.value), plain(each.low), plain(each.high)]


def _reach(each: Measured) -> float:
    return max((number for number in (each.value, each.high) if math.isfinite(number)), default=0.0)


def _rounded_up(number: float) -> float:
    """The end of a slider: one or two digits, not below the number; 1 where that is 0."""
    if number <= 0:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(number)) - 1)
    return float(f"{math.ceil(number / step) * step:.6g}")


def _json(numbers: dict[str, Any]) -> str:
    """JSON that ends no script, whatever it holds."""
    text = json.dumps(numbers, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
