"""The command line: `keras-fair explain`, `check`, `audit`, `fit-rule`, `apply`, `drift`, `serve`,
`run` and `datasets`, in modules with `add_parser`.

A command holds no mathematics: it reads arguments, calls the library and prints. Exit codes: 0 all is well, 1
a constraint does not hold, 2 the input is at fault, 3 the program is. So that 1 is always a verdict, no
exception leaves `main`.
"""

from __future__ import annotations

import argparse
import atexit
import errno
import os
import re
import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from keras_fair.cli import (
    audit_command,
    check_command,
    datasets_command,
    drift_command,
    explain_command,
    rule_commands,
    run_command,
    serve_command,
)
from keras_fair.cli.console import any_character, nobody_reads
from keras_fair.cli.input_fault import InputFault
from keras_fair.cli.options import page
from keras_fair.cli.start import quiet_keras

__all__ = ["main", "process"]

_EPILOG = """\
exit codes of every command:
  0  all is well    1  a constraint does not hold    2  faulty input
  3  keras-fair itself failed: a bug, which says nothing of the constraints

examples:
  keras-fair run
  keras-fair explain "spread(E[y | race=*]) <= 0.05"
  keras-fair audit predictions.csv --prediction score \\
    -c "spread(E[y | race=*]) <= 0.05" --html audit.html

`keras-fair COMMAND --help` says more, with examples."""

_SIGNS = re.compile(r"[=<>]=|\[")  # of a constraint, and hardly of the name of a file

_UNFORESEEN = """\
error: this is a bug of keras-fair, or its installation is broken. It says nothing of the constraints: \
none was decided. Please report it with the lines above"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words of the command line; default: those of this process.

    Returns:
        The exit code. Malformed options end the process with exit code 2, as `argparse` does.
    """
    from keras_fair.version import __version__

    parser = page(
        prog="keras-fair", description="Fairness constraints for Keras, written as text.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"keras-fair {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (
        explain_command,
        check_command,
        audit_command,
        rule_commands,
        drift_command,
        serve_command,
        run_command,
        datasets_command,
    ):
        command.add_parser(commands)
    options, unrecognized = parser.parse_known_args(arguments)
    if unrecognized:
        parser.error(_unrecognized(options, unrecognized))
    code = 0
    try:
        with quiet_keras(), any_character():
            code = options.command(options)
            sys.stdout.flush()
    except InputFault as fault:
        print(f"{options.prog}: error: {fault}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        nobody_reads()
        if options.decides:  # it was stopped before it had a verdict, and no verdict is no pass
            return 1
    except KeyboardInterrupt:
        print(f"\n{options.prog}: interrupted", file=sys.stderr)
        return 130
    except Exception as fault:
        if isinstance(fault, OSError) and fault.errno == errno.ENOSPC:
            nobody_reads()  # what is left in the buffer fits no more
            print(f"{options.prog}: error: can't write the output: {fault.strerror}", file=sys.stderr)
            return 2
        traceback.print_exc()
        print(f"{options.prog}: {_UNFORESEEN}", file=sys.stderr)
        return 3
    return code


def _unrecognized(options: argparse.Namespace, words: Sequence[str]) -> str:
    """The message about words that no option takes."""
    message = f"unrecognized arguments: {' '.join(words)}"
    is_audit = options.prog.endswith("audit")
    positional = [*words, *([options.data] if is_audit else [])]
    texts = [word for word in positional if _SIGNS.search(word)]
    if not texts or not hasattr(options, "constraint"):
        return message
    text = shlex.quote(texts[0])
    if not is_audit:
        return f"{message}\nA constraint stands behind --constraint: --constraint {text}"
    file = next((word for word in positional if word not in texts), "FILE")
    return f"{message}\nA constraint stands behind -c: {options.prog} {file} -c {text}"


def process() -> NoReturn:
    """Run the command of this process, and end the process with its exit code.

    Where a file was refused in its middle, threads of pyarrow may still read ahead in it. Python would end
    around them, and now and then they would bring it down with an exit code of their own. So it is not asked.
    """
    try:
        code = main()
    except SystemExit as end:  # of argparse
        code = end.code if isinstance(end.code, int) else 2
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # what argparse printed finds no reader, or no space: no verdict either
        code = code or 2
    os._exit(code)
