"""`keras-fair run`: two models on one data set, free and fair; a table of what each does, and a picture."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_fair.cli.catalogue import CATALOGUE, REGRESSIONS
from keras_fair.cli.console import terminal
from keras_fair.cli.constraint_texts import read_constraints
from keras_fair.cli.input_fault import InputFault, failing, faults_of_input
from keras_fair.cli.options import add_command, whole_number
from keras_fair.errors import near_names

if TYPE_CHECKING:
    from rich.console import Console

    from keras_fair.comparison import ModelComparison
    from keras_fair.constraints import ConstraintSet
    from keras_fair.datasets import Split

__all__ = ["add_parser"]

_DESCRIPTION = """\
Train two Keras models, one free and one held to constraints, and show what each
does on held-out people, predicted in one batch."""

_EPILOG = """\
exit codes:
  0  the constraints hold for the held-out people
  1  one does not, or can't be estimated    2  faulty input
  3  keras-fair itself failed: a bug

examples:
  keras-fair run

  keras-fair run --constraint "spread(E[y | race=*]) <= 0.03" \\
    --divergence binary_crossentropy

  keras-fair run --dataset adult --data ~/data --epochs 10 --out pictures"""

_DIVERGENCES = ("euclidean", "binary_crossentropy")


def add_parser(commands: Any) -> None:
    """Add the command to `argparse`'s subparsers."""
    parser = add_command(
        commands,
        "run",
        help="train a free and a fair model and compare them",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        decides=True,
    )
    parser.add_argument(
        "--dataset", default="lending", metavar="NAME", help="see `keras-fair datasets` (lending)"
    )
    parser.add_argument(
        "--constraint",
        action="append",
        metavar="TEXT",
        help="a constraint, or @path of a file with some; may be repeated (default: as `datasets` lists)",
    )
    parser.add_argument(
        "--epochs", type=whole_number(1), default=5, metavar="N", help="passes over the data (5)"
    )
    parser.add_argument(
        "--batch-size", type=whole_number(1), default=256, metavar="N", help="people a batch (256)"
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of weights and batches (0)"
    )
    parser.add_argument(
        "--divergence",
        choices=_DIVERGENCES,
        default="euclidean",
        help="what the projection keeps small (euclidean)",
    )
    parser.add_argument(
        "--data", metavar="PATH", help="the file of the data set, or the folder that holds it"
    )
    parser.add_argument("--out", default="run", metavar="FOLDER", help="where the picture is saved (run)")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    begin = time.monotonic()
    if options.dataset in REGRESSIONS:
        raise InputFault(
            f"{options.dataset!r} is a regression, and `keras-fair run` compares classifiers; in Python, "
            f"keras_fair.datasets.{options.dataset}.load_data() gives it"
        )
    if options.dataset not in CATALOGUE:
        near = near_names(options.dataset, CATALOGUE)
        raise InputFault(f"there is no data set named {options.dataset!r}{near}")
    constraints = read_constraints(options.constraint or [CATALOGUE[options.dataset].constraint])
    console = terminal()
    train, test = _loaded(options, constraints)
    folder = _folder(options.out)
    console.print(options.dataset, style="bold", end="")
    console.print(f": {train.size:,} people to learn from, {test.size:,} held out")
    for line in str(constraints).splitlines():
        console.print(f"  {line}")
    comparison = _compared(console, options, constraints, train, test)
    picture = _pictured(folder, options, comparison, test, constraints)
    console.print(_scores(comparison))
    console.print(_constraints(comparison))
    console.print(f"{picture}; {time.monotonic() - begin:.0f} s", soft_wrap=True)
    return _verdict(console, comparison, constraints)


def _folder(out: str) -> Path:
    folder = Path(out).expanduser()
    with failing(f"--out: can't make the folder {out}"):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise InputFault(f"--out: can't write into the folder {out}")
    return folder


def _loaded(options: argparse.Namespace, constraints: ConstraintSet) -> tuple[Split, Split]:
    """The people, seen to be such that the constraints have a meaning for them."""
    from keras_fair import datasets
    from keras_fair.comparison import checked_vocabulary

    with faults_of_input():
        train, test = datasets.load(options.dataset, options.data)
        checked_vocabulary(train, test, constraints)
    return train, test


def _compared(
    console: Console, options: argparse.Namespace, constraints: ConstraintSet, train: Split, test: Split
) -> ModelComparison:
    from keras_fair.comparison import compare

    batches = options.epochs * -(-train.size // options.batch_size)
    with _progress(console, batches) as advance:
        return compare(
            train,
            test,
            constraints,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            divergence=options.divergence,
            on_batch=advance,
        )


@contextmanager
def _progress(console: Console, batches: int) -> Iterator[Callable[[str], None]]:
    """A bar for each model; what it yields is called after every batch."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("batches"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        tasks = {
            name: progress.add_task(f"training the {name} model", total=batches) for name in ("free", "fair")
        }
        yield lambda name: progress.advance(tasks[name])


def _pictured(
    folder: Path,
    options: argparse.Namespace,
    comparison: ModelComparison,
    test: Split,
    constraints: ConstraintSet,
) -> str:
    try:
        from keras_fair.comparison.picture import save_picture

        path = folder / f"{options.dataset}.png"
        title = f"{options.dataset}: {test.size:,} held-out people, scores before and after"
        save_picture(path, comparison, test, constraints, title)
    except ModuleNotFoundError as fault:
        if fault.name != "matplotlib":
            raise
        return "no picture, for matplotlib is not installed: pip install 'keras-fair[plot]'"
    return f"picture: {path}"


def _scores(comparison: ModelComparison) -> Any:
    from rich.table import Table

    table = Table(title="held-out people")
    table.add_column("")
    table.add_column("free", justify="right")
    table.add_column("fair", justify="right")
    free, fair = comparison.free.scores, comparison.fair.scores
    for heading, before, after in (
        ("accuracy", free.accuracy, fair.accuracy),
        ("AUC", free.auc, fair.auc),
        ("log loss", free.log_loss, fair.log_loss),
    ):
        table.add_row(heading, f"{before:.4f}", f"{after:.4f}")
    return table


def _constraints(comparison: ModelComparison) -> Any:
    from rich.table import Table
    from rich.text import Text

    from keras_fair.audit.result import number

    table = Table(title="constraints: gaps on held-out people, pooled in one batch")
    table.add_column("constraint", overflow="fold")
    for heading in ("allowed", "free", "fair"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("fair model", no_wrap=True)
    for before, after in zip(comparison.free.audit, comparison.fair.audit, strict=True):
        table.add_row(
            Text(after.name),
            after.bounds,
            number(before.gap),
            number(after.gap),
            Text(after.verdict.value, style=after.verdict.style),
        )
    return table


def _verdict(console: Console, comparison: ModelComparison, constraints: ConstraintSet) -> int:
    from keras_fair.audit import Verdict

    audit = comparison.fair.audit
    unestimable = audit.with_verdict(Verdict.UNESTIMABLE)
    for relation in unestimable:
        console.print(f"can't be estimated on the held-out people: {relation.name}")
    violated = audit.with_verdict(Verdict.VIOLATED)
    for relation in violated:
        console.print(
            f"violated by the fair model on held-out people, by {relation.violation:.6g}: {relation.name}",
            style="bold red",
            soft_wrap=True,
        )
    if violated and comparison.relaxed:
        console.print(
            "No predictions in [0, 1] meet all constraints for these people; these violate them least."
        )
    elif violated and constraints.uses_label:
        console.print(
            "The constraints use the label, which is not known when predicting: there they hold for the "
            "model's own probabilities of the label, and for the labels only as far as these are right."
        )
    return 1 if violated or unestimable else 0
