"""Guarding compiled JAX by calling back to the host, only when there is something to say."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from keras_fair.layers.checks import Check, all_fine
from keras_fair.ops import Outcome

__all__ = ["guard", "say_once"]


def guard(name: str, checks: Sequence[Check], outcome: Any, seen: Any) -> None:
    """See `keras_fair.layers.guard`. An error raised on the host reaches the caller as one of JAX."""
    faults = [fault for check in checks for fault in check.faults]
    messages = [fault.message for fault in faults]

    def speak(fine: Any, outcome: Any) -> None:
        failed = [message for message, held in zip(messages, np.asarray(fine), strict=True) if not held]
        if failed:
            raise ValueError(f"{name}: {failed[0]}")
        warnings.warn(f"{name}: at least one batch: {Outcome(int(outcome)).message}", stacklevel=2)

    def absent() -> Any:
        return jax.numpy.stack([jax.numpy.all(fault.absent()) for fault in faults])

    quiet = jax.numpy.logical_and(
        all_fine(checks), jax.numpy.logical_or(jax.numpy.equal(outcome, int(Outcome.SOLVED)), seen)
    )
    jax.lax.cond(
        quiet,
        lambda outcome: None,
        lambda outcome: jax.debug.callback(speak, absent(), outcome),
        outcome,
    )


def say_once(name: str, message: str, met: Any) -> None:
    """See `keras_fair.layers.guard`."""

    def speak() -> None:
        warnings.warn(f"{name}: {message}", stacklevel=2)

    jax.lax.cond(met, lambda: jax.debug.callback(speak), lambda: None)
