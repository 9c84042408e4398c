"""Inside a graph: a failed check stops the batch, and a projection that did not reach its rows is reported.

Plain Python can't raise from inside a graph, so each backend does what it can: TensorFlow stops at an
assertion and prints, JAX calls back to the host. XLA on TensorFlow has neither assertions nor text; there the
layer counts in its record, which `FairModel` and `FairnessMonitor` look at.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from keras import backend

from keras_fair.layers.checks import Check

__all__ = [
    "compiles_with_xla",
    "exported_as",
    "guard",
    "refuse_export",
    "refuse_text_under_xla",
    "say_once",
    "told_last",
]

_EXPORTERS = {f"keras.src.export.{name}": name for name in ("litert", "onnx", "openvino", "torch")}


def guard(name: str, checks: Sequence[Check], outcome: Any, seen: Any) -> None:
    """Stop where a check fails; print or warn where a projection ends in a new way.

    Args:
        name: of the layer.
        checks: of the batch.
        outcome: () int, an `Outcome`.
        seen: () bool, whether an earlier batch ended so; each outcome is reported once.
    """
    if backend.backend() == "tensorflow":
        from keras_fair.layers.guard_tensorflow import guard as guard_here
    elif backend.backend() == "jax":
        from keras_fair.layers.guard_jax import guard as guard_here
    else:  # other backends run eagerly, where faults are errors at once
        return
    guard_here(name, checks, outcome, seen)


def say_once(name: str, message: str, met: Any) -> None:
    """Print or warn inside a graph.

    Args:
        name: of the layer.
        message: what is said.
        met: () bool, whether there is a reason to say it, and it was not said before.
    """
    if backend.backend() == "tensorflow":
        from keras_fair.layers.guard_tensorflow import say_once as say_here
    elif backend.backend() == "jax":
        from keras_fair.layers.guard_jax import say_once as say_here
    else:  # see `guard`
        return
    say_here(name, message, met)


def compiles_with_xla() -> bool:
    """Whether this is inside a function that TensorFlow compiles with XLA, where text has no place."""
    if backend.backend() != "tensorflow":
        return False
    from keras_fair.layers.guard_tensorflow import compiles_with_xla as compiles_here

    return compiles_here()


def refuse_text_under_xla(name: str) -> None:
    """Raise ValueError where text would have to be read by XLA; `name` is that of the layer."""
    if compiles_with_xla():
        raise ValueError(
            f"{name}: attributes of text can't be read under jit_compile=True, because XLA has no text: "
            "encode them beforehand with Vocabulary.encode, and give the layer that vocabulary"
        )


@contextmanager
def told_last(name: str) -> Iterator[None]:
    """Let a fault that stopped a graph be the last that is said, not a line amid those of the backend.

    Args:
        name: of the layer whose checks stop it.

    Raises:
        ValueError: with the message of the check that failed.
    """
    try:
        yield
    except Exception as error:
        fault = re.search(rf"{re.escape(name)}: (expected .*|attribute `.*)", str(error))
        if fault is None or isinstance(error, ValueError):
            raise
        raise ValueError(_without_frame(fault.group(1))) from error


def _without_frame(line: str) -> str:
    """A message without the bracket in which TensorFlow puts what an assertion says."""
    return line[:-1] if line.count("]") > line.count("[") and line.endswith("]") else line


def exported_as() -> str | None:
    """The format that Keras traces a layer for, where it is one without assertions, text and float64:
    `"onnx"`, `"litert"`, `"openvino"` or `"torch"`; else None.

    Keras tells a layer nothing of the format. So the callers say which it is.
    """
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") not in _EXPORTERS:
        frame = frame.f_back  # type: ignore[assignment]
    return None if frame is None else _EXPORTERS[frame.f_globals["__name__"]]


def refuse_export(name: str, constraints: object) -> None:
    """Raise ValueError where Keras traces the layer for a format that cannot hold the projection; it would
    write files that nothing can load.

    Args:
        name: of the layer.
        constraints: that it holds.
    """
    kind = exported_as()
    if kind is not None:
        raise ValueError(
            f"{name}: format={kind!r} can't hold a projection, which solves {str(constraints)!r} for the "
            "whole batch. Export with format='tf_saved_model'; or export the model without its projection "
            "and correct its predictions with keras_fair.project or a stream; or fit a kf.FrozenFairness on "
            "its predictions, which treats each person alone: kf.serve(model, rule) can be exported"
        )
