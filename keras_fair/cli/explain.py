"""`keras-fair explain`: what constraints say and need, which modes take them, and what data say of them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_fair.cli.inputs import InputFault, faults_of_input, read_constraints, read_table
from keras_fair.cli.start import start_keras
from keras_fair.errors import ConstraintError, ConstraintTypeError, near_names

if TYPE_CHECKING:
    from rich.console import Console

    from keras_fair.audit import Audit, StatisticValue
    from keras_fair.rows.constraint_set import ConstraintSet
    from keras_fair.rows.vocabulary import Vocabulary

__all__ = ["add_parser"]

_MOST_ROWS = 60  # formulas that are printed for one set of constraints
_AFFINE_MODES = ("projection", "monitoring")


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = commands.add_parser(
        "explain",
        help="say what a constraint means",
        description="Print the canonical text of constraints, their rows as formulas, what they need, and "
        "which modes take them; with --data also group sizes and current values.",
    )
    parser.add_argument("constraint", nargs="+", help="a constraint, or @path of a file with constraints")
    parser.add_argument("--data", metavar="FILE", help="a CSV file with a header: one line a sample")
    parser.add_argument("--prediction", metavar="COLUMN", help="the column of --data with the predictions y")
    parser.add_argument("--label", metavar="COLUMN", help="its column with the label (label)")
    parser.add_argument("--json", action="store_true", help="print the tree as JSON, and nothing else")
    parser.set_defaults(command=_explain, prog=parser.prog)


def _explain(options: argparse.Namespace) -> int:
    if options.data is None and (options.prediction or options.label):
        raise InputFault("--prediction and --label name columns of --data, which is not given")
    start_keras()
    constraints = read_constraints(options.constraint)
    if options.json:
        print(constraints.to_json())
        return 0
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    data = None if options.data is None else _Table.read(options, constraints)
    found = None if data is None else _audited(constraints, data)
    _print_meaning(console, constraints, data)
    if data is not None and found is not None:
        _print_values(console, data, found)
    return 0


@dataclass(frozen=True)
class _Table:
    """The columns of --data by their part."""

    path: str
    attributes: dict[str, Any]
    prediction: Any
    label: Any
    vocabulary: Vocabulary
    size: int

    @classmethod
    def read(cls, options: argparse.Namespace, constraints: ConstraintSet) -> _Table:
        """Read the file and learn the values of the attributes."""
        from keras_fair.rows.vocabulary import Vocabulary

        columns = read_table(options.data)
        prediction = _named(columns, options.prediction, "--prediction")
        if prediction is not None and prediction.dtype.kind != "f":
            raise InputFault(
                f"expected numbers in column {options.prediction!r} of {options.data}, found text"
            )
        label = _named(columns, options.label, "--label")
        if label is None and constraints.uses_label:
            label = columns.get("label")
        with faults_of_input():
            wanted = {name: columns[name] for name in constraints.attributes if name in columns}
            vocabulary = Vocabulary(missing="exclude").adapt(wanted, label)
        return cls(options.data, columns, prediction, label, vocabulary, len(next(iter(columns.values()))))


def _named(columns: dict[str, Any], name: str | None, option: str) -> Any:
    if name is not None and name not in columns:
        raise InputFault(f"{option}: there is no column {name!r}{near_names(name, columns)}")
    return None if name is None else columns[name]


def _print_meaning(console: Console, constraints: ConstraintSet, data: _Table | None) -> None:
    from rich.markup import escape

    from keras_fair.language import node_text

    attributes = ", ".join(constraints.attributes) or "none"
    label = "yes" if constraints.uses_label else "no"
    console.print(f"[bold]needs[/] attributes: {escape(attributes)}; label: {label}")
    vocabulary, named = _vocabulary(constraints, data)
    left = _MOST_ROWS
    for place, statement in enumerate(constraints):
        console.print(f"\n[bold]{escape(node_text(statement))}[/]")
        refusal, formulas = _formulas(constraints, place, vocabulary, data)
        if refusal is None:
            console.print(f"  can be used by: {', '.join(_AFFINE_MODES)}, audit")
        else:
            console.print(f"  can be used by: audit only; {escape(refusal.message)}")
        if formulas:
            console.print("  rows:")
        for formula in formulas[:left]:
            console.print(f"    {escape(formula)}")
        if len(formulas) > left:
            console.print(f"    ... and {len(formulas) - left} more rows")
        left = max(left - len(formulas), 0)
        if any(" t" in formula for formula in formulas):
            console.print("  t1, t2, ...: auxiliary scalars that the solver chooses")
    if named:
        console.print(
            f"\nThe values of {escape(', '.join(named))} are not known without data: "
            f"{escape(', '.join(f'{name}_1, {name}_2' for name in named))}, ... stand for them."
        )


def _vocabulary(constraints: ConstraintSet, data: _Table | None) -> tuple[Vocabulary, list[str]]:
    """The values that stars and quantifiers run over; without data stand-ins, and for which attributes."""
    from keras_fair.language.nodes import Attribute, Binder, Comparison, Node, Star
    from keras_fair.language.tree import walk
    from keras_fair.rows.vocabulary import Vocabulary

    if data is not None:
        return data.vocabulary, []
    counts: dict[str, int] = {}
    for statement in constraints:
        for node in walk(statement):
            subject: Node | None = None
            count = 2
            if isinstance(node, Comparison) and isinstance(node.value, Star):
                subject = node.subject
            elif isinstance(node, Binder):
                subject, count = node.domain, max(2, len(node.variables))
            if isinstance(subject, Attribute):
                counts[subject.name] = max(count, counts.get(subject.name, 0))
    values = {name: [f"{name}_{place + 1}" for place in range(count)] for name, count in counts.items()}
    return Vocabulary(values, label=[0, 1]), sorted(values)


def _formulas(
    constraints: ConstraintSet, place: int, vocabulary: Vocabulary, data: _Table | None
) -> tuple[ConstraintTypeError | None, list[str]]:
    """Why affine rows can't hold a statement, or None; and its rows."""
    from keras_fair.rows.formulas import row_formulas

    outputs = _outputs(constraints)
    try:
        found = row_formulas([constraints.statements[place]], constraints.text, vocabulary, outputs)
    except ConstraintTypeError as refusal:
        if "audit" in refusal.message:
            return refusal, []
        raise InputFault(str(refusal)) from refusal
    return None, [row for relation in found for row in relation.rows]


def _outputs(constraints: ConstraintSet) -> Any:
    """As many outputs, or such names, as the constraints speak of."""
    from keras_fair.language.nodes import Prediction
    from keras_fair.language.tree import walk

    nodes = (node for statement in constraints for node in walk(statement))
    found = [node.output for node in nodes if isinstance(node, Prediction)]
    names = sorted({output for output in found if isinstance(output, str)})
    if names:
        return names
    return 1 + max((output for output in found if isinstance(output, int)), default=0)


def _print_values(console: Console, data: _Table, found: Audit) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{data.path}: {data.size} samples")
    table.add_column("statistic", overflow="fold")
    table.add_column("samples", justify="right")
    table.add_column("value", justify="right")
    statistics = {each.text: each for relation in found for each in relation.statistics}
    for statistic in statistics.values():
        size, value = _known(statistic, data.prediction is not None)
        table.add_row(Text(statistic.text), size, value)
    console.print()
    console.print(table)
    if data.prediction is None:
        console.print("Values of statistics in y, and verdicts, need --prediction COLUMN.")
        console.print(found.outside, markup=False)
    else:
        console.print(found.table())


def _known(statistic: StatisticValue, predicted: bool) -> tuple[str, str]:
    """The size and the value of a statistic as text; a dash for what needs predictions that are not there."""
    from keras_fair.language import on_prediction
    from keras_fair.rows.constraint_set import parse

    size = f"{statistic.size:.6g}"
    value = f"{statistic.value:.6g}" if statistic.size > 0 else "-"
    node: Any = parse(f"{statistic.text} >= 0").statements[0].relation.left  # type: ignore[union-attr]
    if not predicted and on_prediction(node):
        value = "-"
        if node.condition is not None and on_prediction(node.condition):
            size = "-"
    return size, value


def _audited(constraints: ConstraintSet, data: _Table) -> Audit:
    import numpy as np

    from keras_fair.audit import audit

    y = np.zeros(data.size) if data.prediction is None else data.prediction
    with faults_of_input():
        try:
            return audit(constraints, y, data.attributes, data.label, vocabulary=data.vocabulary)
        except ConstraintError as fault:
            raise InputFault(f"{data.path}: {fault}") from fault
