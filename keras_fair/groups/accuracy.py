"""What constraints ask of the label besides its groups: an accuracy needs labels from 0 to 1."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from keras_fair.constraints import parse
from keras_fair.errors import ConstraintTypeError
from keras_fair.language.nodes import Mean, Span, Statement
from keras_fair.language.tree import walk

__all__ = ["accuracy_place", "check_accuracy_labels", "outside_message"]


def accuracy_place(statements: Iterable[Statement]) -> Span | None:
    """Where the first accuracy is written, `E[label*y + (1 - label)*(1 - y) | ...]`; None where there is
    none."""
    for statement in statements:
        for node in walk(statement):
            if isinstance(node, Mean) and node.value == _accuracy():
                return node.span
    return None


def check_accuracy_labels(labels: np.ndarray, text: str, place: Span | None) -> None:
    """Refuse labels for which an accuracy has no meaning.

    Args:
        labels: `(n,)` numbers, NaN where one is missing.
        text: of the constraints.
        place: of the accuracy.

    Raises:
        ConstraintTypeError: one lies outside [0, 1].
    """
    wrong = labels[(labels < 0) | (labels > 1)]
    if len(wrong):
        message = f"{outside_message()}, received label={float(wrong[0]):g}"
        raise ConstraintTypeError(message, text=text, span=place)


def outside_message() -> str:
    """What an accuracy asks of labels."""
    return "an accuracy is label*y + (1 - label)*(1 - y): expected labels in [0, 1]"


@lru_cache(maxsize=1)
def _accuracy() -> Any:
    """What `accuracy_parity` takes the mean of."""
    (relation,) = parse("accuracy_parity(a) <= 1")
    return next(node.value for node in walk(relation) if isinstance(node, Mean))
