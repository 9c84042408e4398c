"""Guarding a TensorFlow graph by assertions, which stop `fit`, and by printing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_fair.layers.checks import Check, all_fine
from keras_fair.ops import Outcome

__all__ = ["compiles_with_xla", "guard", "say_once"]


def guard(name: str, checks: Sequence[Check], outcome: Any, seen: Any) -> None:
    """See `keras_fair.layers.guard`. Not for functions that are compiled with XLA."""
    quiet = tf.logical_and(all_fine(checks), tf.logical_or(tf.equal(outcome, int(Outcome.SOLVED)), seen))

    def speak() -> Any:
        for fault in (fault for check in checks for fault in check.faults):
            tf.debugging.Assert(tf.reduce_all(fault.absent()), [f"{name}: {fault.message}"])
        messages = tf.constant([kind.message for kind in Outcome])
        tf.print(f"keras_fair: {name}: at least one batch:", tf.gather(messages, outcome))
        return tf.constant(0)

    tf.cond(quiet, lambda: tf.constant(0), speak)


def say_once(name: str, message: str, met: Any) -> None:
    """See `keras_fair.layers.guard`. Not for functions that are compiled with XLA."""

    def speak() -> Any:
        tf.print(f"keras_fair: {name}: {message}")
        return tf.constant(0)

    tf.cond(met, speak, lambda: tf.constant(0))


def compiles_with_xla() -> bool:
    """Whether the function being traced is to be compiled with XLA."""
    try:
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:  # not public: where it is gone, do what works in both cases
        return not tf.executing_eagerly()
    return bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))
