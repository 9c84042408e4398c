"""The fault of a person's input: a message for who typed the command, which then ends with exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from keras_fair.errors import ConstraintError

__all__ = ["InputFault", "failing", "faults_of_input"]


class InputFault(Exception):
    """The input of a command is at fault; the message is for the person who typed it."""


@contextmanager
def faults_of_input() -> Iterator[None]:
    """What the library refuses inside is a fault of the input, not of the program."""
    try:
        yield
    except (ConstraintError, ValueError, OSError) as fault:
        raise InputFault(str(fault)) from fault


@contextmanager
def failing(what: str, *kinds: type[Exception], advice: str = "") -> Iterator[None]:
    """What the system refuses inside is told as what could not be done, and why.

    Args:
        what: could not be done, such as `can't read people.csv`.
        kinds: faults that are told so, beside `OSError`.
        advice: the end of the message.
    """
    told: tuple[type[Exception], ...] = (OSError, *kinds)
    try:
        yield
    except told as fault:
        reason = getattr(fault, "strerror", None) or str(fault).partition("\n")[0]
        raise InputFault(f"{what}: {reason}{advice}") from fault
