"""`keras-fair fit-rule` and `keras-fair apply`: a frozen rule learnt from a file, and used on another."""

from __future__ import annotations

import argparse
import csv
import io
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from keras_fair.cli.column_use import ColumnUse
from keras_fair.cli.constraint_texts import read_constraints
from keras_fair.cli.distinct_values import CHUNK
from keras_fair.cli.input_fault import InputFault, faults_of_input
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
from keras_fair.cli.rule_file import read_rule, rule_samples
from keras_fair.cli.table_samples import TableChunk, TableSamples
from keras_fair.cli.table_source import MOST_TEXTS, Source, TooManyTexts
from keras_fair.errors import quoted

__all__ = ["add_parser"]

_FIT = """\
Learn a rule from calibration people in a file: one threshold, or one shift, for
each group, that meets the constraints for new people with a stated probability.
The people must not be those that the model was trained on."""

_FIT_EPILOG = """\
exit codes:
  0  the rule was learnt and written
  1  there is no such rule: too few people for the promise, or constraints that
     no rule meets; nothing was written
  2  faulty input: constraints, table or options; nothing was written
  3  keras-fair itself failed: a bug

example:
  keras-fair fit-rule scores.csv --prediction score --label repaid \\
    -c "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05" --out rule.json"""

_APPLY = """\
Use a rule that fit-rule wrote on the people of another file: a CSV table with
their scores after the rule and, of a rule for decisions, who is accepted."""

_APPLY_EPILOG = """\
exit codes:
  0  the table was written
  2  faulty input: rule, table or options; nothing was written
  3  keras-fair itself failed: a bug

example:
  keras-fair apply rule.json new.csv --prediction score --out decided.csv"""


def add_parser(commands: Any) -> None:
    """Add the commands to `argparse`'s subparsers."""
    fit = add_command(
        commands, "fit-rule", help="learn a rule with a promise from a file", description=_FIT,
        epilog=_FIT_EPILOG, decides=True,
    )  # fmt: skip
    add_table(fit, option=False)
    add_constraints(fit)
    rule = fit.add_argument_group("the rule")
    rule.add_argument("--out", metavar="FILE", required=True, help="where the rule is written, as JSON")
    rule.add_argument(
        "--confidence",
        type=share,
        default=0.95,
        metavar="SHARE",
        help="of the promise, where a constraint does not say; none: no promise (0.95)",
    )
    rule.add_argument(
        "--utility",
        choices=("implied", "accuracy", "balanced_accuracy"),
        default="implied",
        help="what decisions maximise (implied: the costs under which y >= t is best)",
    )
    rule.add_argument(
        "--randomise",
        choices=("never", "ties", "allowed"),
        default="never",
        help="whether lots are drawn: never, among equal scores, or wherever it helps (never)",
    )
    rule.add_argument("--weight-bound", type=float, metavar="NUMBER", help="the most that a person can weigh")
    rule.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of the split and of lots (0)"
    )
    fit.set_defaults(command=_fit)

    apply = add_command(
        commands, "apply", help="use a rule on a file", description=_APPLY, epilog=_APPLY_EPILOG
    )
    apply.add_argument("rule", metavar="RULE", help="a file that fit-rule wrote")
    add_table(apply, option=False, of_rule=True)
    apply.add_argument("--ids", metavar="COLUMN", help="who people are, for rules that draw lots")
    apply.add_argument(
        "--out", metavar="FILE", required=True, help="the CSV that is written; - for standard output"
    )
    apply.set_defaults(command=_apply)


def _fit(options: argparse.Namespace) -> int:
    texts = constraint_texts(options)
    with ExitStack() as stack:
        output = stack.enter_context(Output(options.out, "--out"))
        check_distinct([output], [options.data, *(text[1:] for text in texts if text.startswith("@"))])
        source = stack.enter_context(open_data(options))
        constraints = read_constraints(texts)
        samples = TableSamples(source, constraints, options, with_label=options.label is not None)
        from keras_fair.groups.vocabulary import Vocabulary
        from keras_fair.postprocessing.decision_rule import Unmet
        from keras_fair.postprocessing.frozen_fairness import FrozenFairness
        from keras_fair.postprocessing.promise import Unpromised

        with faults_of_input():
            rule = FrozenFairness(
                constraints,
                confidence=options.confidence,
                utility=options.utility,
                randomise=options.randomise,
                domain=options.domain or (0.0, 1.0),
                vocabulary=Vocabulary(missing=options.missing),
                weight_bound=options.weight_bound,
                seed=options.seed,
            )
        people = _people(samples, source)
        try:
            with faults_of_input(), _told() as doubts:
                rule.fit(people.y, people.attributes, people.label, people.weight)
        except InputFault as fault:
            if isinstance(fault.__cause__, (Unmet, Unpromised)):
                print(f"{options.prog}: no rule: {fault}", file=sys.stderr)
                return 1
            raise
        output.write(rule.to_json())
    notes = [*samples.joined(), *doubts]
    if options.out != "-":
        print("\n".join([str(rule), *notes]))
    else:
        for note in notes:
            print(f"{options.prog}: {note}", file=sys.stderr)
    return 0


def _apply(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        output = stack.enter_context(Output(options.out, "--out"))
        check_distinct([output], [options.data, options.rule])
        rule = read_rule(options.rule)
        source = stack.enter_context(open_data(options))
        samples = rule_samples(source, rule, options, with_label=False)
        taken = sorted({"fair_score", "accepted"} & {*samples.attributes, *samples.predictions, options.ids})
        if taken:
            raise InputFault(f"{samples.name}: {quoted(taken[0])} is a column of the output too: rename it")
        people = _people(samples, source)
        ids = None if options.ids is None else _ids(source, options.ids)
        with faults_of_input(), _told() as doubts:
            given = np.asarray(rule(people.y, people.attributes, ids=ids))
        table: dict[str, Any] = {} if ids is None else {options.ids: ids}
        table |= people.attributes
        table |= {samples.predictions[0]: people.y, "fair_score": given}
        if rule.meaning.threshold is not None:
            table["accepted"] = (given >= np.asarray(rule.meaning.threshold, given.dtype)).astype(int)
        output.write(_csv(table))
    for note in (*samples.joined(), *doubts):
        print(f"{options.prog}: {note}", file=sys.stderr)
    return 0


def _ids(source: Source, column: str) -> np.ndarray:
    """Who people are, as texts or numbers."""
    name = source.require(column, "--ids")
    try:
        columns = source.columns({name: ColumnUse(listed=True)}, normalize=False)
        return np.concatenate([np.asarray(chunk[name]) for chunk in columns.chunks(CHUNK)])
    except TooManyTexts as fault:
        raise InputFault(
            f"--ids: more than {MOST_TEXTS:,} different texts in column {quoted(name)}: give the file in "
            "parts, or numbers"
        ) from fault


def _people(samples: TableSamples, source: Source) -> TableChunk:
    """All people of a table at once.

    Raises:
        InputFault: it has none, or not one column of scores.
    """
    if len(samples.predictions) != 1:
        raise InputFault(f"say which column holds the scores: --prediction COLUMN\n  {source.listed}")
    parts = list(samples.parts())
    if not sum(len(part.y) for part in parts if part.y is not None):
        raise InputFault(f"{samples.name}: expected at least one person")

    def joined(columns: Sequence[Any]) -> Any:
        return None if columns[0] is None else np.concatenate([np.asarray(column) for column in columns])

    return TableChunk(
        joined([part.y for part in parts]),
        {name: joined([part.attributes[name] for part in parts]) for name in samples.attributes},
        joined([part.label for part in parts]),
        joined([part.weight for part in parts]),
    )


def _csv(table: Mapping[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    columns = [
        ["" if entry is None else entry for entry in np.asarray(column).tolist()] for column in table.values()
    ]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


@contextmanager
def _told() -> Iterator[list[str]]:
    """The warnings inside as sentences, after it."""
    doubts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield doubts
    doubts += [str(warning.message) for warning in caught]
