"""`keras-fair audit`: predictions in a file against constraints; a table, reports, an exit code for gates."""

from __future__ import annotations

import argparse
import json
import math
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from keras_fair.cli.console import nobody_reads, terminal
from keras_fair.cli.constraint_texts import read_constraints
from keras_fair.cli.distinct_values import CHUNK
from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.options import (
    add_command,
    add_constraints,
    add_table,
    constraint_texts,
    open_data,
    share,
    whole_number,
)
from keras_fair.cli.outputs import Output, check_distinct
from keras_fair.cli.table_audit import audited
from keras_fair.cli.table_samples import TableSamples

if TYPE_CHECKING:
    from keras_fair.audit import Audit, Verdict

__all__ = ["add_parser"]

_DESCRIPTION = """\
Measure constraints on predictions in a file: for each its gap with a confidence
interval, and whether it is satisfied. The file may be larger than memory."""

_EPILOG = """\
exit codes:
  0  every constraint is satisfied, with the confidence asked for
  1  one is violated; or undecided (the interval crosses the bound: too few
     samples to tell); or unestimable (a group has no samples)
  2  faulty input: constraints, table or options; nothing was measured
  3  keras-fair itself failed: a bug; nothing was decided

  `--allow undecided` lets undecided ones pass, which also lets pass gaps that
  are past their bound by less than chance explains. `--allow unestimable` lets
  those pass that were not measured at all: nobody is in two groups at once, or
  in a range. A value that no line has is a fault: it may be misspelt. Violated
  ones never pass.

examples:
  keras-fair audit predictions.csv --prediction score \\
    -c "E[y | sex=Female] == E[y | sex=Male] +- 0.05"

  keras-fair audit predictions.parquet --constraints fairness.fair \\
    --prediction score --label repaid --weight weight \\
    --html audit.html --json audit.json

  query-the-database | keras-fair audit - --prediction score \\
    -c "disparate_impact(race) >= 80%" --allow undecided --json -"""

_MOST_NOTES = 20  # lines
_REPORTS = ("html", "markdown", "json", "metrics")


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = add_command(
        commands,
        "audit",
        help="measure predictions in a file, and gate on the outcome",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        decides=True,
    )
    add_table(parser, option=False)
    add_constraints(parser)
    reports = parser.add_argument_group("reports", "FILE may be - for the standard output.")
    reports.add_argument("--html", metavar="FILE", help="write one self-contained page")
    reports.add_argument("--markdown", metavar="FILE", help="write Markdown")
    reports.add_argument("--card", action="store_true", help="the Markdown is a section of a model card")
    reports.add_argument("--json", metavar="FILE", help="write all numbers")
    reports.add_argument("--metrics", metavar="FILE", help="write the main numbers by name, as JSON")
    verdict = parser.add_argument_group("the verdict")
    verdict.add_argument(
        "--confidence",
        type=share,
        default=0.95,
        metavar="SHARE",
        help="of the intervals, where a constraint does not say; none: the samples are all the people there "
        "are, and gaps are judged as they stand (0.95)",
    )
    verdict.add_argument(
        "--simultaneous",
        action="store_true",
        help="intervals that hold together for all rows of a quantified constraint",
    )
    verdict.add_argument(
        "--allow",
        action="append",
        choices=("undecided", "unestimable"),
        default=[],
        help="a verdict that does not end with exit code 1; may be repeated",
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of the bootstrap (0)")
    parser.add_argument(
        "--chunk-size",
        type=whole_number(1),
        default=CHUNK,
        metavar="N",
        help=f"samples in memory at a time ({CHUNK})",
    )
    parser.set_defaults(command=_audit)


def _audit(options: argparse.Namespace) -> int:
    texts = constraint_texts(options)
    if options.card and not options.markdown:
        raise InputFault("--card says what --markdown FILE writes, which is not given")
    with ExitStack() as stack:
        outputs = {
            name: stack.enter_context(Output(getattr(options, name), f"--{name}"))
            for name in _REPORTS
            if getattr(options, name) is not None
        }
        files = [text[1:] for text in texts if text.startswith("@")]
        check_distinct(list(outputs.values()), [options.data, *files])
        source = stack.enter_context(open_data(options))
        if not options.prediction:
            raise InputFault(
                f"say which column holds the predictions: --prediction COLUMN\n  {source.listed}"
            )
        constraints = read_constraints(texts)
        from keras_fair.audit import Verdict

        samples = TableSamples(source, constraints, options)
        audit = audited(
            constraints,
            samples,
            confidence=options.confidence,
            simultaneous=options.simultaneous,
            seed=options.seed,
            chunk_size=options.chunk_size,
        )
        silent = audit.unmeasured
        counts = {verdict: len(audit.with_verdict(verdict)) for verdict in Verdict}
        counts[Verdict.UNESTIMABLE] += len(silent)
        passing = {Verdict.SATISFIED, *(Verdict(name) for name in options.allow)}
        stopping = {verdict.value for verdict in Verdict if counts[verdict] and verdict not in passing}
        try:
            # The standard output comes last: its reader may be gone.
            for name, output in sorted(outputs.items(), key=lambda pair: pair[1].to_terminal):
                output.write(_report(name, audit, options))
            errors = any(output.to_terminal for output in outputs.values())
            console = terminal(errors=errors, soft_wrap=True)
            console.print(audit, soft_wrap=False)
            for line in _notes(audit):
                console.print(line)
            for text in silent:
                console.print(f"nothing to measure, for too few groups occur: {text}")
            for name, output in outputs.items():
                if not output.to_terminal:
                    console.print(f"{name}: {output.path}")
            console.print(_summary(audit, counts, stopping))
            sys.stdout.flush()
        except BrokenPipeError:  # the verdict stands, whoever reads it
            nobody_reads()
    return int(bool(stopping))


def _report(name: str, audit: Audit, options: argparse.Namespace) -> str:
    if name == "html":
        return audit.to_html()
    if name == "markdown":
        return audit.to_markdown(card=options.card)
    if name == "metrics":
        known = {key: value if math.isfinite(value) else None for key, value in audit.metrics().items()}
        return json.dumps(known, indent=2)
    return audit.to_json()


def _notes(audit: Audit) -> list[str]:
    """Why relations are not satisfied, where the audit has a word on it: small and empty groups, for one."""
    notes = [f"{each.verdict.value}: {each.name}: {each.note}" for each in audit if each.note]
    more = len(notes) - _MOST_NOTES
    return notes if more <= 0 else [*notes[:_MOST_NOTES], f"... and {more} more; --json FILE has all"]


def _summary(audit: Audit, counts: dict[Verdict, int], stopping: set[str]) -> str:
    """One line: the counts of the verdicts, and which of them make the exit code 1."""
    from keras_fair.reports.wording import ORDER, is_point

    listed = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in ORDER if counts[verdict])
    result = f"{'not passed' if stopping else 'passed'}: {listed}"
    if "violated" in stopping:
        return result
    points = sum(is_point(relation, audit.slack) for relation in audit)
    advice = []
    if "undecided" in stopping:
        if points:
            advice.append("an equality needs a tolerance to be confirmed, such as +- 0.02")
        advice.append("--allow undecided lets them pass")
    if "unestimable" in stopping:
        advice.append("nothing says that what can't be measured is fair")
        advice.append("--allow unestimable lets it pass")
    return "; ".join([result, *advice])
