"""The terminal that commands print to: what it can't show, and a reader that leaves early, such as `head`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["any_character", "nobody_reads", "terminal", "write_report"]

_WIDTH = 110  # columns of a table in a file or a log


def terminal(*, errors: bool = False, soft_wrap: bool = False) -> Console:
    """A `rich` console on the standard output, to which text is text: no markup, no emoji as in `:x:`.

    Args:
        errors: print to the standard error instead.
        soft_wrap: whether long lines are left to the terminal.
    """
    from rich.console import Console

    class Terminal(Console):
        """A console that lets BrokenPipeError through: rich would end the process with exit code 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    by_itself = "COLUMNS" in os.environ or (sys.stderr if errors else sys.stdout).isatty()
    width = None if by_itself else _WIDTH
    return Terminal(
        stderr=errors, width=width, highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap
    )


@contextmanager
def any_character() -> Iterator[None]:
    """Meanwhile the standard output shows a replacement for what its encoding lacks, where it would fail."""
    output: Any = sys.stdout
    errors = getattr(output, "errors", None)
    if not hasattr(output, "reconfigure") or errors not in ("strict", "surrogateescape"):
        yield
        return
    output.reconfigure(errors="replace")
    try:
        yield
    finally:
        with suppress(OSError, ValueError):  # what it held back can't be written, or it is closed
            output.reconfigure(errors=errors)


def write_report(text: str) -> None:
    """Write a report or JSON to the standard output, in UTF-8 whatever the encoding of the terminal is.

    Args:
        text: with or without a line break at its end.
    """
    if not text.endswith("\n"):
        text += "\n"
    output = getattr(sys.stdout, "buffer", None)
    if output is None:  # a text in memory stands in for it
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    output.write(text.encode("utf-8", errors="replace"))


def nobody_reads() -> None:
    """The reader of the standard output is gone: what is still printed goes nowhere, without a complaint."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
