"""The audit on a terminal: a `rich` table, a list where that is too narrow for one, and plain text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from keras_fair.audit.result import number
from keras_fair.reports.wording import advice, smallest_group

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from keras_fair.audit.result import Audit, AuditedRelation

__all__ = ["fitting", "to_table", "to_text"]

_WIDTH = 110  # columns of the table as text; with fewer it leaves no room for the constraints


def to_table(audit: Audit) -> Table:
    """The audit as a `rich` table, one line for each relation; intervals where there are any."""
    from rich.table import Table
    from rich.text import Text

    intervals = any(relation.interval is not None for relation in audit)
    table = Table(title=f"audit of {audit.samples} samples")
    table.add_column("constraint", overflow="fold")
    headings = ("gap", *(["interval"] if intervals else []), "bounds", "violation", "smallest group")
    for heading in headings:
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for relation in audit:
        numbers = _numbers(relation)
        table.add_row(
            Text(relation.name),
            *(numbers.get(heading, "-") for heading in headings),
            Text(relation.verdict.value, style=relation.verdict.style),
        )
    table.caption = _caption(audit)
    return table


def fitting(audit: Audit, width: int) -> Table:
    """The audit as a table, or with the same numbers below each constraint where a table would be too wide.

    Args:
        audit: what to show.
        width: of the terminal, in columns.
    """
    from rich.table import Table
    from rich.text import Text

    if width >= _WIDTH:
        return to_table(audit)
    title = f"audit of {audit.samples} samples"
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for relation in audit:
        numbers = ", ".join(f"{heading} {text}" for heading, text in _numbers(relation).items())
        verdict = Text(relation.verdict.value, style=relation.verdict.style)
        table.add_row(verdict, Text(f"{relation.name}\n{numbers}"))
    table.caption = _caption(audit)
    return table


def _caption(audit: Audit) -> Text | None:
    """What stands below the table, as it is: names in it are no markup."""
    from rich.text import Text

    lines = [line for line in (audit.outside, *audit.notes, advice(audit)) if line]
    return Text("\n".join(lines), style="table.caption") if lines else None


def _numbers(relation: AuditedRelation) -> dict[str, str]:
    """The numbers of a relation, each under its heading; those that there are not are left out."""
    numbers = {"gap": number(relation.gap)}
    if relation.interval is not None:
        numbers["interval"] = f"{relation.interval.low:.4f} ... {relation.interval.high:.4f}"
    numbers["bounds"], numbers["violation"] = relation.bounds, number(relation.violation)
    if relation.statistics:
        numbers["smallest group"] = f"{smallest_group(relation):.6g}"
    return numbers


def to_text(audit: Audit) -> str:
    """The table as text without colours, at most 110 columns wide."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None)
    with console.capture() as capture:
        console.print(to_table(audit))
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())
