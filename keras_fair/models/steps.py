"""The labels of the step that is running, for the call inside it.

Keras calls a model with its inputs only, in `train_step` and `test_step` too; the batch that these are given
holds the labels. The context of the thread holds them while the step runs.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras

__all__ = ["Step", "current_step", "labels_to_come", "own_step", "running", "step_of"]


class Step(NamedTuple):
    """A step of training or evaluation. `sample_weight` is None where it holds weights of classes."""

    model: Any
    label: Any
    sample_weight: Any


_step: contextvars.ContextVar[Step | None] = contextvars.ContextVar("keras_fair_step", default=None)
_labels: contextvars.ContextVar[bool] = contextvars.ContextVar("keras_fair_labels", default=False)
_class_weights: contextvars.ContextVar[bool] = contextvars.ContextVar("keras_fair_classes", default=False)


def current_step(model: Any) -> Step | None:
    """The step of this model that is running."""
    step = _step.get()
    return step if step is not None and step.model is model else None


@contextmanager
def step_of(model: Any, *arguments: Any, **keywords: Any) -> Iterator[None]:
    """Run a step. The arguments are those of `train_step`; on every backend the batch is the last one."""
    batch = keywords["data"] if "data" in keywords else arguments[-1]
    _, label, weight = keras.utils.unpack_x_y_sample_weight(batch)
    token = _step.set(Step(model, label, None if _class_weights.get() else weight))
    try:
        yield
    finally:
        _step.reset(token)


def labels_to_come() -> bool:
    """Whether a call without labels is one of those by which `fit` and `evaluate` learn shapes beforehand."""
    return _labels.get()


def own_step(name: str) -> str:
    """What is wrong with a `train_step` or `test_step` of the user's that passes no labels."""
    return (
        f"expected a label where there are constraints on it, received a call without one in a {name} of "
        "your own: predictions would stand in for the labels. Call self(x, label=y, "
        f"training={name == 'train_step'}), or super().{name}(data)"
    )


@contextmanager
def running(*, labels: bool, class_weights: bool = False) -> Iterator[None]:
    """Run over data.

    Args:
        labels: whether with labels (`fit`, `evaluate`) or without (`predict`).
        class_weights: whether the weights of a step are those of classes, which are for the loss only.
    """
    tokens = _labels.set(labels), _class_weights.set(class_weights)
    try:
        yield
    finally:
        _labels.reset(tokens[0])
        _class_weights.reset(tokens[1])
