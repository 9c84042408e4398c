"""`keras-fair explain`: what constraints say and need, which modes take them, and what data say of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from keras_fair.cli.console import terminal, write_report
from keras_fair.cli.constraint_texts import read_constraints
from keras_fair.cli.input_fault import InputFault, faults_of_input
from keras_fair.cli.options import (
    add_command,
    add_constraints,
    add_table,
    constraint_texts,
    open_data,
)
from keras_fair.cli.table_audit import audited
from keras_fair.cli.table_samples import TableSamples
from keras_fair.rows.modes import stand_ins, use_of

if TYPE_CHECKING:
    from rich.console import Console

    from keras_fair.audit import Audit, StatisticValue
    from keras_fair.constraints import ConstraintSet
    from keras_fair.groups.vocabulary import Vocabulary

__all__ = ["add_parser"]

_MOST_ROWS = 60  # formulas that are printed for one set of constraints

_DESCRIPTION = """\
Print the canonical text of constraints, their rows as formulas, what they need,
and which modes take them; with --data also group sizes and current values."""

_EPILOG = """\
exit codes:
  0  explained    2  faulty input    3  keras-fair itself failed: a bug

examples:
  keras-fair explain "disparate_impact(race) >= 80%"

  keras-fair explain @fairness.fair --data predictions.csv --prediction score

  keras-fair explain "equalized_odds(sex) <= 0.05" --json

`keras-fair check` answers yes or no, for a pipeline."""


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = add_command(
        commands, "explain", help="say what a constraint means", description=_DESCRIPTION, epilog=_EPILOG
    )
    add_constraints(parser, positional=True)
    add_table(parser, option=True, missing="exclude")
    parser.add_argument("--json", action="store_true", help="print the tree as JSON, and nothing else")
    parser.set_defaults(command=_explain)


def _explain(options: argparse.Namespace) -> int:
    texts = constraint_texts(options)
    if options.data is None and (options.prediction or options.label or options.weight):
        raise InputFault("--prediction, --label and --weight name columns of --data, which is not given")
    constraints = read_constraints(texts)
    if options.json:
        write_report(constraints.to_json())
        return 0
    console = terminal(soft_wrap=True)
    if options.data is None:
        _print_meaning(console, constraints, None, options.domain)
        return 0
    with open_data(options) as source:
        if options.label is None and constraints.uses_label and "label" in source.header:
            options.label = "label"
        samples = TableSamples(source, constraints, options)
        vocabulary = samples.vocabulary()
        audit = audited(constraints, samples)
    _print_meaning(console, constraints, vocabulary, options.domain)
    _print_values(console, samples, audit)
    return 0


def _print_meaning(
    console: Console,
    constraints: ConstraintSet,
    known: Vocabulary | None,
    domain: tuple[float, float] | None,
) -> None:
    from keras_fair.language import node_text
    from keras_fair.language.prose import in_words

    attributes = ", ".join(constraints.attributes) or "none"
    label = "yes" if constraints.uses_label else "no"
    console.print("needs", style="bold", end="")
    console.print(f" attributes: {attributes}; label: {label}")
    vocabulary, named = stand_ins(constraints) if known is None else (known, [])
    left = _MOST_ROWS
    for place, statement in enumerate(constraints):
        console.print(f"\n{node_text(statement)}", style="bold")
        console.print(f"  {in_words(statement)}")
        with faults_of_input():
            use = use_of(constraints, place, vocabulary, domain)
        refusal = "" if use.refusal is None else f" only; {use.refusal.message}"
        console.print(f"  can be used by: {', '.join(use.modes)}{refusal}")
        if use.rows:
            console.print("  rows:")
        for row in use.rows[:left]:
            console.print(f"    {row}")
        if len(use.rows) > left:
            console.print(f"    ... and {len(use.rows) - left} more rows")
        left = max(left - len(use.rows), 0)
        if any(" t" in row for row in use.rows):
            console.print("  t1, t2, ...: auxiliary scalars that the solver chooses")
    if named:
        console.print(
            f"\nThe values of {', '.join(named)} are not known without data: "
            f"{', '.join(f'{name}_1, {name}_2' for name in named)}, ... stand for them."
        )


def _print_values(console: Console, samples: TableSamples, audit: Audit) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{samples.name}: {samples.size} samples")
    table.add_column("statistic", overflow="fold")
    table.add_column("samples", justify="right")
    table.add_column("value", justify="right")
    statistics = {each.text: each for relation in audit for each in relation.statistics}
    for statistic in statistics.values():
        size, value = _known(statistic, bool(samples.predictions))
        table.add_row(Text(statistic.text), size, value)
    console.print()
    console.print(table)
    if not samples.predictions:
        console.print("Values of statistics in y, and verdicts, need --prediction COLUMN.")
        console.print("\n".join([audit.outside, *audit.notes]))
    else:
        console.print(audit)


def _known(statistic: StatisticValue, predicted: bool) -> tuple[str, str]:
    """The size and the value of a statistic as text; a dash for what needs predictions that are not there."""
    from keras_fair.constraints import parse
    from keras_fair.language import on_prediction

    size = f"{statistic.size:.6g}"
    value = f"{statistic.value:.6g}" if statistic.size > 0 else "-"
    node: Any = parse(f"{statistic.text} <= 0").statements[0].relation.left  # type: ignore[union-attr]
    if not predicted and on_prediction(node):
        value = "-"
        if node.condition is not None and on_prediction(node.condition):
            size = "-"
    return size, value
