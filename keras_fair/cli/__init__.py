"""The command line: `keras-fair run`, `explain` and `datasets`, each a module with `add_parser`.

A command holds no mathematics: it reads arguments, calls the library and prints. Exit codes: 0 all is well, 1
a constraint does not hold, 2 the input is at fault.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from keras_fair.cli import datasets, explain, run
from keras_fair.cli.inputs import InputFault

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words of the command line; default: those of this process.

    Returns:
        The exit code. Malformed options end the process with exit code 2, as `argparse` does.
    """
    parser = argparse.ArgumentParser(
        prog="keras-fair", description="Fairness constraints for Keras, written as text."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (run, explain, datasets):
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except InputFault as fault:
        print(f"{options.prog}: error: {fault}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"\n{options.prog}: interrupted", file=sys.stderr)
        return 130
