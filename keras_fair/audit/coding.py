"""A chunk of samples in numbers: the state of each in whatever conditions compare, and its quantities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.audit.cells import Coded
from keras_fair.audit.demands import Demands, Subject
from keras_fair.audit.samples import Chunk, Shown
from keras_fair.audit.states import States
from keras_fair.errors import quoted
from keras_fair.groups.coding import has_columns
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import Numbers

__all__ = ["all_binary", "code", "learnt", "states_for", "without_nan"]


def states_for(demands: Demands, vocabulary: Vocabulary) -> dict[Subject, States]:
    """The states of all that conditions compare, before any sample is seen."""
    known = vocabulary.values
    found = {}
    for subject, demand in demands.subjects.items():
        kind, name = subject
        if kind == "attribute":
            what, given, fixed = f"attribute {quoted(name)}", known.get(name), name in known
        elif kind == "label":
            what, given, fixed = "the label", vocabulary.label, vocabulary.label is not None
        elif kind == "y":
            what, given, fixed = "the predictions", None, False
            demand.listed = False
        else:
            continue
        found[subject] = States(demand, what, given, fixed, vocabulary.missing)
    return found


def code(chunk: Chunk, known: Mapping[Subject, States]) -> dict[Subject, Coded]:
    """The states of all samples of a chunk in all subjects."""
    coded: dict[Subject, Coded] = {}
    demands = chunk.demands
    for subject, demand in demands.subjects.items():
        kind, name = subject
        span = demand.span
        with Shown(chunk.text, span):
            if kind == "present":
                there = ~np.isnan(chunk.numbers(name))
                coded[subject] = Coded(there.astype(np.int64), 2)
                continue
            states, precision = known[subject], chunk.precision(kind, name)
            if kind == "y":
                codes = states.of_numbers(Numbers(chunk.y[:, name]), precision)
                coded[subject] = Coded(codes, states.size)
                continue
            column = chunk.label if kind == "label" else chunk.columns[name]
            if kind == "attribute" and (isinstance(column, dict) or has_columns(column)):
                found, shares = states.shares(column)
                coded[subject] = Coded(None, 0, found, shares)
                continue
            if kind == "label" and (has_columns(column) or isinstance(column, dict)):
                raise ValueError(f"expected the label of shape (n,), received {_shape(column)}")
            soft = states.fractional(column) if kind == "label" else None
            if soft is None:
                codes = states.codes(column, precision)
                coded[subject] = Coded(codes, states.size)
            else:
                coded[subject] = Coded(None, 0, *soft)
    return coded


def learnt(vocabulary: Vocabulary, demands: Demands, known: Mapping[Subject, States]) -> Vocabulary:
    """The vocabulary with the values that occurred."""
    values = dict(vocabulary.values)
    for (kind, name), states in known.items():
        if kind == "attribute":
            values[name] = states.values
    for name in demands.attributes:
        values.setdefault(name, None)
    label = known["label", None].values if ("label", None) in known else vocabulary.label
    return Vocabulary(values, label=label, missing=vocabulary.missing)


def without_nan(value: Any) -> Any:
    """A quantity with 0 where it has no value; the sample is then not among the members of a statistic."""
    if np.ndim(value) == 0:
        return value
    if np.isnan(np.sum(value)):
        return np.where(np.isnan(value), 0.0, value)
    return value


def all_binary(value: Any) -> bool:
    """Whether all values are 0 or 1."""
    head = np.atleast_1d(value)
    if not _binary(head[:256]):
        return False
    return _binary(head)


def _binary(values: np.ndarray) -> bool:
    return bool(np.all((values == 0) | (values == 1)))


def _shape(column: Any) -> str:
    return f"shape={tuple(column.shape)}" if hasattr(column, "shape") else type(column).__name__
