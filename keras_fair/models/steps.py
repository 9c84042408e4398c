"""The labels of the step that is running, for the call inside it.

Keras calls a model with its inputs only, in `train_step` and `test_step` too; the batch that these are given
holds the labels. The context of the thread holds them while the step runs. What is known of the whole run
lies there too; replicas of `tf.distribute` have threads of their own, which look it up by the model.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import keras

from keras_fair.layers.global_batch import is_replica

__all__ = ["Step", "current_step", "labels_to_come", "own_step", "running", "step_of"]


class Step(NamedTuple):
    """A step of training or evaluation. `sample_weight` is None where it holds weights of classes."""

    model: Any
    label: Any
    sample_weight: Any


class _Run(NamedTuple):
    """A run over data; see `running`."""

    labels: bool = False
    class_weights: bool = False


_step: contextvars.ContextVar[Step | None] = contextvars.ContextVar("keras_fair_step", default=None)
_run: contextvars.ContextVar[_Run] = contextvars.ContextVar("keras_fair_run", default=_Run())  # noqa: B039
_runs: WeakKeyDictionary[Any, _Run] = WeakKeyDictionary()


def current_step(model: Any) -> Step | None:
    """The step of this model that is running."""
    step = _step.get()
    return step if step is not None and step.model is model else None


@contextmanager
def step_of(model: Any, *arguments: Any, **keywords: Any) -> Iterator[None]:
    """Run a step. The arguments are those of `train_step`; on every backend the batch is the last one."""
    batch = keywords["data"] if "data" in keywords else arguments[-1]
    _, label, weight = keras.utils.unpack_x_y_sample_weight(batch)
    token = _step.set(Step(model, label, None if _run_of(model).class_weights else weight))
    try:
        yield
    finally:
        _step.reset(token)


def labels_to_come(model: Any) -> bool:
    """Whether a call without labels is one of those by which `fit` and `evaluate` learn shapes beforehand."""
    return _run_of(model).labels


def own_step(name: str) -> str:
    """What is wrong with a `train_step` or `test_step` of the user's that passes no labels."""
    return (
        f"expected a label where there are constraints on it, received a call without one in a {name} of "
        "your own: predictions would stand in for the labels. Call self(x, label=y, "
        f"training={name == 'train_step'}), or super().{name}(data)"
    )


@contextmanager
def running(model: Any, *, labels: bool, class_weights: bool = False) -> Iterator[None]:
    """Run over data.

    Args:
        model: that runs.
        labels: whether with labels (`fit`, `evaluate`) or without (`predict`).
        class_weights: whether the weights of a step are those of classes, which are for the loss only.
    """
    run, before = _Run(labels, class_weights), _runs.get(model, _Run())
    token, _runs[model] = _run.set(run), run
    try:
        yield
    finally:
        _run.reset(token)
        _runs[model] = before


def _run_of(model: Any) -> _Run:
    return _runs.get(model, _Run()) if is_replica() else _run.get()
