"""`keras-fair drift`: whether what a frozen rule promised still holds among the people of a file."""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.cli.console import nobody_reads, terminal
from keras_fair.cli.distinct_values import CHUNK
from keras_fair.cli.input_fault import InputFault, failing, faults_of_input
from keras_fair.cli.options import add_command, add_table, open_data, share
from keras_fair.cli.outputs import Output, check_distinct
from keras_fair.cli.rule_file import read_rule, rule_samples
from keras_fair.cli.table_samples import TableSamples
from keras_fair.cli.table_source import Texts
from keras_fair.errors import some_of

if TYPE_CHECKING:
    from keras_fair.postprocessing.drift_monitor import DriftMonitor
    from keras_fair.postprocessing.drift_report import DriftReport
    from keras_fair.postprocessing.frozen_fairness import FrozenFairness

__all__ = ["add_parser"]

_DESCRIPTION = """\
Watch what a frozen rule promised. The people of a file, in the order of its
lines, are evidence for or against each promised inequality; with --state it
goes on where the last file ended. An alarm is false with probability at most
--alpha, however many files there are."""

_EPILOG = """\
exit codes:
  0  no alarm
  1  an alarm, now or in an earlier file: a promised inequality does not hold
  2  faulty input: rule, table, state or options; the state is as it was
  3  keras-fair itself failed: a bug; nothing was decided

  Lines are arrivals: each person once, and no file that is sorted by score.
  Where labels come later, give the file without them first, and then the lines
  that have one, with --late.

examples:
  keras-fair drift rule.json monday.csv --prediction score --state drift.bin

  keras-fair drift rule.json labels.csv --prediction score --label repaid \\
    --late --state drift.bin --json drift.json"""


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = add_command(
        commands,
        "drift",
        help="watch whether a rule's promise still holds",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        decides=True,
    )
    parser.add_argument("rule", metavar="RULE", help="a rule that FrozenFairness.save wrote")
    add_table(parser, option=False, of_rule=True)
    group = parser.add_argument_group("the watch")
    group.add_argument("--state", metavar="FILE", help="what was observed so far; made if it is not there")
    group.add_argument("--alpha", type=share, metavar="SHARE", help="of all inequalities together (0.01)")
    group.add_argument(
        "--run-length",
        action="store_true",
        help="1 / alpha is the mean number of observations up to a false alarm, 100000 by default",
    )
    group.add_argument("--late", action="store_true", help="these people were observed before, without label")
    group.add_argument(
        "--allow",
        action="append",
        choices=("unwatched",),
        default=[],
        help="watch the others where a relation can't be watched",
    )
    group.add_argument("--json", metavar="FILE", help="write all numbers; - is the standard output")
    parser.set_defaults(command=_drift)


def _drift(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        outputs = [stack.enter_context(Output(options.json, "--json"))] if options.json is not None else []
        kept = [] if options.state is None else [options.state]
        check_distinct(outputs, [options.data, options.rule, *kept])
        monitor = _monitor(options, _rule(options))
        source = stack.enter_context(open_data(options))
        needs_label = options.late and monitor.needs_label
        _observe(monitor, rule_samples(source, monitor.rule, options, needs_label=needs_label), options)
        if options.state is not None:
            with failing(f"--state: can't write {options.state}"):
                monitor.save(options.state)
        report = monitor.report()
        try:
            for output in outputs:
                output.write(json.dumps(report.to_dict(), indent=2))
            errors = any(output.to_terminal for output in outputs)
            _print(report, errors)
            sys.stdout.flush()
        except BrokenPipeError:  # the verdict stands, whoever reads it
            nobody_reads()
    return int(bool(report.alarms))


def _rule(options: argparse.Namespace) -> FrozenFairness:
    rule = read_rule(options.rule)
    if rule.learnt.knots.draws_lots:
        raise InputFault(f"{options.rule} draws lots by the ids of people: use kf.DriftMonitor in Python")
    return rule


def _monitor(options: argparse.Namespace, rule: FrozenFairness) -> DriftMonitor:
    """That of the state, or a new one."""
    from keras_fair.postprocessing.drift_monitor import DriftMonitor

    kind = "average run length" if options.run_length else "false alarm probability"
    unwatchable = "exclude" if options.allow else "error"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the report says it
        with faults_of_input():
            monitor = DriftMonitor(rule, options.alpha, kind=kind, unwatchable=unwatchable)
    if options.state is None or not Path(options.state).exists():
        return monitor
    with failing(f"--state: can't go on with {options.state}", ValueError):
        found = DriftMonitor.load(options.state, rule=rule)
    if options.alpha is not None and not math.isclose(options.alpha, found.alpha):
        raise InputFault(f"{options.state} was begun with --alpha {found.alpha:g}, not {options.alpha:g}")
    if kind != found.kind:
        raise InputFault(f"{options.state} was begun for the {found.kind}: --run-length must be the same")
    return found


def _observe(monitor: DriftMonitor, samples: TableSamples, options: argparse.Namespace) -> None:
    with warnings.catch_warnings(), faults_of_input():
        warnings.simplefilter("ignore", UserWarning)  # the report counts those whom the rule doesn't know
        for part in samples.parts(CHUNK):
            label = part.label
            known = None if label is None else _known(label)
            if known is None or known.all():
                monitor.observe(part.y, part.attributes, label, late=options.late)
                continue
            if not options.late:
                monitor.observe(part.y, part.attributes)
            if known.any():
                assert part.y is not None
                attributes = {name: np.asarray(column)[known] for name, column in part.attributes.items()}
                monitor.observe(part.y[known], attributes, np.asarray(label)[known], late=True)


def _known(label: Any) -> np.ndarray:
    return label.codes >= 0 if isinstance(label, Texts) else ~np.isnan(np.asarray(label, "float64"))


def _print(report: DriftReport, errors: bool) -> None:
    console = terminal(errors=errors, soft_wrap=True)
    console.print(str(report))
    for alarm in report.alarms:
        console.print(f"alarm: {alarm}")
    if report.alarms:
        names = list(dict.fromkeys(alarm.relation for alarm in report.alarms))
        console.print(f"not passed: {some_of(names, 5, '; ')}")
    else:
        console.print("passed: no alarm")
