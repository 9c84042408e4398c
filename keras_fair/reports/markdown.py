"""An audit as Markdown (tables as GitHub writes them), and the pieces of it that a model card shares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from keras_fair.audit.result import Audit, AuditedRelation, GroupScores
from keras_fair.reports.numbers import (
    allowed,
    counted,
    interval_text,
    metric,
    percent,
    size_text,
)
from keras_fair.reports.wording import (
    advice,
    caveats,
    group_name,
    headline,
    named,
    parameters,
    sentence_of,
    shares_of,
    smallest_group,
    statement_results,
    summary,
    worst_first,
)

__all__ = [
    "caveat_lines",
    "code",
    "constraint_lines",
    "group_table",
    "plain",
    "relation_table",
    "statistic_table",
    "to_markdown",
]

_MOST_ROWS = 50
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def to_markdown(audit: Audit) -> str:
    """The report of an audit in Markdown; see `keras_fair.audit.Audit.to_markdown`."""
    lines = ["## Fairness audit", "", f"**{headline(audit)}.** {summary(audit)}", ""]
    if words := advice(audit):
        lines += [plain(words), ""]
    if len(audit):
        lines += ["### Constraints", "", *constraint_lines(audit), ""]
        lines += ["### Gaps", "", *relation_table(worst_first(audit.relations)), ""]
        lines += ["### Values behind them", "", *statistic_table(audit), ""]
    if audit.groups:
        lines += ["### Groups", "", *group_table(audit.groups, audit.groups), ""]
    if limits := list(caveat_lines(audit)):
        lines += ["### Caveats", "", *limits, ""]
    lines += ["### How it was measured", ""]
    lines += [f"- {plain(name)}: {plain(text)}" for name, text in parameters(audit).items()]
    return "\n".join(lines) + "\n"


def constraint_lines(audit: Audit) -> Iterator[str]:
    """Each constraint as text and in words, numbered."""
    for number, result in enumerate(statement_results(audit), start=1):
        if result.text:
            yield f"{number}. {code(result.text)}  "
            yield f"   {plain(sentence_of(result.text))}"
        else:
            yield f"{number}. {counted(len(result.relations), 'relation')}"


def relation_table(relations: Sequence[AuditedRelation]) -> list[str]:
    """A line for each relation."""
    heads = ("relation", "gap", "interval", "allowed", "violation", "smallest group", "verdict")
    rows = [
        (
            code(each.name, cell=True),
            metric(each.gap),
            interval_text(each.interval),
            allowed(each),
            metric(each.violation),
            size_text(smallest_group(each)),
            each.verdict.value,
        )
        for each in relations
    ]
    return _table(heads, ":--, --:, --:, --:, --:, --:, :--", rows)


def statistic_table(audit: Audit) -> list[str]:
    """A line for each statistic."""
    statistics = {each.text: each for relation in audit for each in relation.statistics}
    rows = [
        (
            code(each.text, cell=True),
            metric(each.value),
            interval_text(each.interval),
            size_text(each.size),
        )
        for each in statistics.values()
    ]
    return _table(("statistic", "value", "interval", "samples"), ":--, --:, --:, --:", rows)


def group_table(shown: Sequence[GroupScores], groups: Sequence[GroupScores]) -> list[str]:
    """A line for each group that is shown, which are some of all groups; shares are of all groups of the same
    attributes."""
    shares = {id(each): share for each, share in zip(groups, shares_of(groups), strict=True)}
    rows = [
        (
            plain(group_name(each)),
            size_text(each.size),
            percent(shares[id(each)]),
            metric(each.mean),
        )
        for each in shown
    ]
    return _table(("group", "samples", "share", "mean score"), ":--, --:, --:, --:", rows)


def caveat_lines(audit: Audit) -> Iterator[str]:
    """A line for each caveat."""
    for sentence, items in caveats(audit):
        yield f"- {sentence} {plain(named(items))}".rstrip()


def code(text: str, *, cell: bool = False) -> str:
    """Text as code; in the cell of a table with its bars escaped, as GitHub asks.

    Example:

    >>> print(code("E[y | `a-b`=1]"))
    `` E[y | `a-b`=1] ``
    """
    text = _line(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{fence}{space}{text.replace('|', chr(92) + '|') if cell else text}{space}{fence}"


def plain(text: str) -> str:
    """Text in which nothing is taken for Markdown or HTML.

    Example:

    >>> print(plain("a*b <i>"))
    a\\*b \\<i\\>
    """
    return _SPECIAL.sub(r"\\\1", _line(text))


def _line(text: str) -> str:
    """Text on one line, without control characters."""
    return "".join(each if each.isprintable() else " " for each in text)


def _table(heads: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, sides.split(", "), *rows[:_MOST_ROWS]]
    table = [f"| {' | '.join(cells)} |" for cells in lines]
    if len(rows) > _MOST_ROWS:
        table += ["", f"The first {_MOST_ROWS} of {len(rows):,} are shown."]
    return table
