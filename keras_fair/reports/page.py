"""One self-contained HTML page: no script, no request, readable in light and dark, on paper and on a phone.

The same audit gives the same page, to the byte: it holds no clock and no random names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keras_fair.audit.result import Audit, Verdict
from keras_fair.reports.group_scores import distributions, heat_maps, sizes
from keras_fair.reports.head import page_head
from keras_fair.reports.markup import Markup, folded, fragment, tag
from keras_fair.reports.numbers import allowed, counted, interval_text, metric, typeset
from keras_fair.reports.statements import badge, constraint_cards
from keras_fair.reports.wording import (
    ORDER,
    advice,
    caveats,
    headline,
    limits,
    parameters,
    sentence_of,
    statement_results,
    summary,
    worst_first,
)

__all__ = ["to_html"]

_MOST_ITEMS = 10  # of a caveat that are not folded away


def to_html(audit: Audit, path: str | Path | None = None) -> str:
    """The page of an audit; see `keras_fair.audit.Audit.to_html`."""
    sections = list(_sections(audit))
    links = [tag("a", title, href=f"#{name}") for name, title, _ in sections]
    body = tag(
        "body",
        tag("header", _verdict(audit), tag("nav", *links, aria_label="Sections") if links else None),
        tag(
            "main",
            *(
                tag(
                    "section",
                    tag("h2", title, id=f"{name}-title"),
                    content,
                    id=name,
                    aria_labelledby=f"{name}-title",
                )
                for name, title, content in sections
            ),
        ),
    )
    head = page_head(f"Fairness audit: {headline(audit)}", "page.css")
    page = f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
    if path is not None:
        Path(path).write_text(page, encoding="utf-8")
    return page


def _verdict(audit: Audit) -> Markup:
    """What a reader in a hurry needs: does it hold, how much of it, and what is worst."""
    worst = worst_first(audit.relations)[:1]
    kind = worst[0].verdict.value if worst else Verdict.UNESTIMABLE.value
    statements = len({relation.statement for relation in audit})
    about = f"{counted(audit.samples, 'sample')}, {counted(statements, 'constraint')}, "
    parts = [
        tag("p", f"Fairness audit of {about}{counted(len(audit), 'relation')}", class_="about"),
        tag("h1", headline(audit)),
        tag("p", summary(audit), class_="summary"),
        tag("p", words) if (words := advice(audit)) else None,
        _bar(audit),
    ]
    if worst and worst[0].verdict is not Verdict.SATISFIED:
        relation = worst[0]
        gap = f"The gap is {typeset(metric(relation.gap))}, allowed is {typeset(allowed(relation))}."
        if relation.interval is not None:
            level = f"{100 * relation.interval.confidence:g}%"
            gap += f" The {level} interval of the gap is {typeset(interval_text(relation.interval))}."
        if relation.verdict is Verdict.UNESTIMABLE:
            gap = relation.note or "It can't be estimated on these samples."
        first = "Furthest past its bound: " if relation.verdict is Verdict.VIOLATED else "Foremost: "
        strong = None if len(audit) == 1 else tag("strong", first)
        parts.append(tag("p", strong, sentence_of(relation.text), " ", gap, class_="worst"))
    return tag("div", *parts, class_=f"verdict {kind}")


def _bar(audit: Audit) -> Markup | None:
    """How the verdicts divide the relations: a bar and a legend with the numbers."""
    if not len(audit):
        return None
    pieces, entries, left = [], [], 0.0
    for verdict in ORDER:
        count = len(audit.with_verdict(verdict))
        width = 100 * count / len(audit)
        if count:
            x, y = f"{left:.3f}%", f"{width:.3f}%"
            pieces.append(tag("rect", x=x, width=y, height=10, class_=verdict.value))
        left += width
        entries.append(tag("li", tag("b", f"{count:,}"), badge(verdict)))
    bar = tag("svg", *pieces, width="100%", height=10, class_="divided", aria_hidden="true")
    return fragment(bar, tag("ul", *entries, class_="tiles"))


def _sections(audit: Audit) -> Iterator[tuple[str, str, Markup]]:
    """The parts of the page: an anchor, a title, what stands there."""
    if len(audit):
        yield "constraints", "Constraints", constraint_cards(audit)
    if audit.groups:
        yield "scores", "Scores by group", distributions(audit)
        yield "sizes", "Group sizes", sizes(audit)
        if (maps := heat_maps(audit)) is not None:
            yield "intersections", "Intersections", maps
    yield "caveats", "Caveats", _caveats(audit)
    yield "parameters", "How it was measured", _parameters(audit)


def _caveats(audit: Audit) -> Markup:
    parts = []
    for sentence, items in caveats(audit):
        shown = [tag("li", item) for item in items]
        parts.append(tag("p", sentence))
        if shown:
            parts.append(tag("ul", *shown[:_MOST_ITEMS], class_="items"))
        if rest := shown[_MOST_ITEMS:]:
            parts.append(folded(f"{len(rest):,} more", tag("ul", *rest, class_="items")))
    parts += [tag("p", sentence) for sentence in limits(audit)]
    return fragment(*parts)


def _parameters(audit: Audit) -> Markup:
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", text)) for name, text in parameters(audit).items()
    ]
    table = tag("table", tag("caption", "Parameters of the audit", class_="unseen"), tag("tbody", *rows))
    texts = [result.text for result in statement_results(audit) if result.text]
    parts = [tag("div", table, class_="plain")]
    if texts:
        parts += [tag("h3", "The constraints as text"), tag("pre", tag("code", "\n".join(texts)), tabindex=0)]
    return fragment(*parts)
