"""The terminal that commands print to, and a reader of it that goes away early, such as `head`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["nobody_reads", "terminal"]

_WIDTH = 110  # columns of a table in a file or a log


def terminal(*, errors: bool = False, soft_wrap: bool = False) -> Console:
    """A `rich` console on the standard output.

    Args:
        errors: print to the standard error instead.
        soft_wrap: whether long lines are left to the terminal.
    """
    from rich.console import Console

    class Terminal(Console):
        """A console that lets BrokenPipeError through: rich would end the process with exit code 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    options: dict[str, Any] = {"highlight": False, "soft_wrap": soft_wrap}
    if "COLUMNS" not in os.environ and not (sys.stderr if errors else sys.stdout).isatty():
        options["width"] = _WIDTH
    return Terminal(stderr=errors, **options)


def nobody_reads() -> None:
    """The reader of the standard output is gone: what is still printed goes nowhere, without a complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
