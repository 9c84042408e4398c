"""Guarding a TensorFlow graph by assertions, which stop `fit`, and by printing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_fair.layers.checks import Check
from keras_fair.ops import Outcome

__all__ = ["compiles_with_xla", "guard"]


def guard(name: str, checks: Sequence[Check], outcome: Any, seen: Any) -> None:
    """See `keras_fair.layers.guard`. Not for functions that are compiled with XLA."""
    fine = tf.reduce_all(tf.stack([check.fine for check in checks]))
    quiet = tf.logical_and(fine, tf.logical_or(tf.equal(outcome, int(Outcome.SOLVED)), seen))

    def speak() -> Any:
        for check in checks:
            tf.debugging.Assert(check.fine, [f"{name}: {check.message}"])
        messages = tf.constant([kind.message for kind in Outcome])
        tf.print(f"keras_fair: {name}: at least one batch:", tf.gather(messages, outcome))
        return tf.constant(0)

    tf.cond(quiet, lambda: tf.constant(0), speak)


def compiles_with_xla() -> bool:
    """Whether the function being traced is to be compiled with XLA."""
    try:
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:  # not public: where it is gone, do what works in both cases
        return not tf.executing_eagerly()
    return bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))
