"""`keras-fair check`: whether constraints are well formed, fit a table, and can be used as intended."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from keras_fair.cli.console import nobody_reads, terminal, write_report
from keras_fair.cli.constraint_texts import read_constraints
from keras_fair.cli.input_fault import InputFault, faults_of_input
from keras_fair.cli.options import (
    add_command,
    add_constraints,
    add_table,
    constraint_texts,
    open_data,
)
from keras_fair.cli.table_audit import tried
from keras_fair.cli.table_samples import TableSamples
from keras_fair.errors import MODES
from keras_fair.rows.doubts import doubts_about
from keras_fair.rows.modes import Use, stand_ins, use_of

if TYPE_CHECKING:
    from keras_fair.constraints import ConstraintSet

__all__ = ["add_parser"]

_DESCRIPTION = """\
Say yes or no: constraints are well formed, the modes that are asked for take
them, and with --data a table has their columns and values. Nothing is measured."""

_EPILOG = """\
modes:
  projection  a layer holds them on every batch
  monitoring  a callback logs their gaps in `fit`
  streaming   they are held over arrivals one by one
  audit       they are measured on predictions; takes every constraint

  Predictions of the first three lie from 0 to 1, or where --domain says.

exit codes:
  0  yes    1  a mode that --mode names does not take a constraint
  2  faulty input: a malformed constraint, a missing column, an unknown value
  3  keras-fair itself failed: a bug

examples:
  keras-fair check -c "E[y | sex=Female] >= 0.8 * E[y | sex=Male]"

  keras-fair check fairness.fair limits.fair --mode projection

  keras-fair check --constraints fairness.fair --data predictions.csv \\
    --prediction score --label repaid --json"""


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = add_command(
        commands,
        "check",
        help="say whether constraints are well formed and fit a table",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        decides=True,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="a file with constraints, which is checked by itself"
    )
    add_constraints(parser)
    parser.add_argument(
        "--mode",
        action="append",
        choices=MODES,
        default=[],
        help="a use that every constraint must allow; may be repeated (audit)",
    )
    add_table(parser, option=True)
    parser.add_argument("--json", action="store_true", help="print JSON, faults too")
    parser.set_defaults(command=_check)


def _check(options: argparse.Namespace) -> int:
    """Each file by itself, and all that options name together; the exit code is the largest."""
    if not options.files:
        return _check_together(options)
    if options.constraint or options.constraints or options.json and len(options.files) > 1:
        other = "--json" if options.json else "-c or --constraints"
        raise InputFault(f"files are checked each by itself: expected no {other} beside them")
    codes = []
    for file in options.files:
        if not Path(file).exists():
            raise InputFault(f"there is no file {file!r}; a constraint is --constraint {quote(file)}")
        if len(options.files) > 1:
            terminal(soft_wrap=True).print(f"{file}:", markup=False)
        codes.append(_check_together(argparse.Namespace(**{**vars(options), "constraints": [file]})))
    return max(codes)


def _check_together(options: argparse.Namespace) -> int:
    try:
        answer = _checked(options)
    except InputFault as fault:
        if options.json:
            write_report(json.dumps({"ok": False, "fault": str(fault)}, ensure_ascii=False, indent=2))
        raise
    try:
        _print(answer, options)
        sys.stdout.flush()
    except BrokenPipeError:  # the answer stands, whoever reads it
        nobody_reads()
    return int(not answer["ok"])


def _print(answer: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        write_report(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    console = terminal(soft_wrap=True)
    for each in answer["constraints"]:
        refused = [mode for mode in options.mode if mode not in each["modes"]]
        console.print("no " if refused else "yes", style="bold red" if refused else "green", end="  ")
        console.print(each["text"])
        console.print(f"     can be used by: {', '.join(each['modes'])}")
        if each["refusal"]:
            console.print(f"     not by the others: {each['refusal']}")
    needs = ", ".join(answer["attributes"]) or "none"
    console.print(f"needs attributes: {needs}; label: {'yes' if answer['label'] else 'no'}")
    if answer["samples"] is not None:
        console.print(f"{options.data}: {answer['samples']:,} samples have what is needed")
    for note in answer["notes"]:
        console.print(f"note: {note}")


def _checked(options: argparse.Namespace) -> dict[str, Any]:
    """What `--json` prints."""
    texts = constraint_texts(options)
    if options.data is None and (options.prediction or options.label or options.weight):
        raise InputFault("--prediction, --label and --weight name columns of --data, which is not given")
    constraints = read_constraints(texts)
    size: int | None = None
    notes: tuple[str, ...] = ()
    if options.data is None:
        vocabulary, _ = stand_ins(constraints)
        notes = doubts_about(constraints.statements, options.domain or (0.0, 1.0))
    else:
        with open_data(options) as source:
            samples = TableSamples(source, constraints, options)
            size, vocabulary = samples.size, samples.vocabulary()
            notes = tried(constraints, samples, vocabulary)
    with faults_of_input():
        uses = [use_of(constraints, place, vocabulary, options.domain) for place in range(len(constraints))]
    return {
        "ok": all(mode in use.modes for use in uses for mode in options.mode),
        "attributes": list(constraints.attributes),
        "label": constraints.uses_label,
        "samples": size,
        "notes": list(notes),
        "constraints": [_entry(constraints, place, use) for place, use in enumerate(uses)],
    }


def _entry(constraints: ConstraintSet, place: int, use: Use) -> dict[str, Any]:
    from keras_fair.language import node_text

    return {
        "text": node_text(constraints.statements[place]),
        "modes": list(use.modes),
        "refusal": None if use.refusal is None else use.refusal.message,
    }
