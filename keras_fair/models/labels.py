"""Labels as constraints read them, and what stands in for them where there are none.

A prediction `p` of `P(label=1 | x)` stands in as fractional membership: the sample belongs to `label=1` with
weight `p` and to `label=0` with `1 - p`, and in arithmetic (`label - y`) it is the label's expectation. A
group's statistic is then the expectation of what it would be with labels, as far as `p` is calibrated.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_fair.language.nodes import Label
from keras_fair.layers.call_arguments import ranked
from keras_fair.rows.plan import RowPlan

__all__ = ["can_stand_in", "class_of", "stand_in"]


def class_of(label: Any) -> Any:
    """A label as one number per sample: the index of the class where it is given as one-hot vectors.

    Raises:
        ValueError: the label is not one tensor.
    """
    if not hasattr(label, "shape"):
        raise ValueError(f"expected one label tensor, received {type(label).__name__}")
    label = ranked(label)
    return ops.argmax(label, axis=-1) if len(label.shape) == 2 and label.shape[1] not in (None, 1) else label


def can_stand_in(plan: RowPlan, guess: Any) -> bool:
    """Whether predictions say enough about the label: one a sample, and conditions ask for 0 and 1 only."""
    one_output = len(guess.shape) == 1 or guess.shape[1] == 1
    return one_output and (not _in_conditions(plan) or plan.binary_label)


def stand_in(plan: RowPlan, guess: Any) -> Any:
    """What stands in for the label; no gradient flows through it.

    Args:
        plan: the constraints.
        guess: predictions of the label, `(n,)` or `(n, 1)`.

    Raises:
        ValueError: there is not one a sample, or conditions ask for other values than 0 and 1.
    """
    if not can_stand_in(plan, guess):
        raise ValueError(
            "expected a label of 0 and 1 where its probability stands in for it, received constraints on "
            "other values, or several outputs: name an input that holds the label with label_source"
        )
    guess = ops.stop_gradient(guess)
    return ops.clip(guess, 0.0, 1.0) if _in_conditions(plan) else guess


def _in_conditions(plan: RowPlan) -> bool:
    return any(isinstance(subject, Label) for subject in plan.factors)
