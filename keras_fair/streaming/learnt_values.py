"""The values of attributes in a stream: fixed by a vocabulary, or learnt as they arrive.

Only attributes that a constraint enumerates (`race=*`, `for a in race`) need a list of values; for those a
new value means new rows. As long as one value alone has arrived, a place-holder stands beside it. So
constraints on pairs exist from the first arrival on, and no arrival is missing from the sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.constraints import ConstraintSet
from keras_fair.errors import quoted
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.columns import columns_of, is_matrix, read_column
from keras_fair.language.nodes import (
    Attribute,
    Binder,
    Comparison,
    Label,
    Literal,
    Membership,
    Node,
    Star,
)
from keras_fair.language.tree import walk

__all__ = ["MOST_VALUES", "NOBODY", "LearntValues", "names_nobody"]

MOST_VALUES = 1000  # of one attribute, learnt from arrivals
NOBODY = "(no other value yet)"
_NO_NUMBER = -1.2345678987654e30  # the place-holder beside a number
_NO_NUMBER_SHOWN = "-1.2345678987654e+30"


class LearntValues:
    """The values so far, and what a batch adds to them.

    Args:
        constraints: they say which attributes are enumerated.
        vocabulary: the values; None to learn them, or one without values, whose policy for missing ones
            holds.
        learnt: the vocabulary of a saved state, to go on from.

    Raises:
        ValueError: the policies of both differ.
    """

    def __init__(
        self, constraints: ConstraintSet, vocabulary: Vocabulary | None, learnt: dict[str, Any] | None = None
    ) -> None:
        self.learns = vocabulary is None or vocabulary.is_empty
        self._names, self._label = _enumerated(constraints)
        self._named = _named(constraints, self._names)
        if self.learns and learnt is not None:
            saved = Vocabulary.from_config(_without_nobody(learnt))
            if vocabulary is not None and vocabulary.missing != saved.missing:
                raise ValueError(
                    f"expected missing={saved.missing!r} as in the saved state, received a vocabulary with "
                    f"missing={vocabulary.missing!r}"
                )
            vocabulary = _with_nobody(saved, self._names)
        self.vocabulary = vocabulary or Vocabulary()
        self._values = {name: set(self.vocabulary.values.get(name) or ()) for name in self._names}

    @property
    def config(self) -> dict[str, Any]:
        """The vocabulary for a state, without attributes whose values the constraints alone name."""
        config = self.vocabulary.get_config()
        listed = {name: v for name, v in config["values"].items() if not self.vocabulary.is_open(name)}
        return {**config, "values": listed}

    def learn(self, attributes: Any, label: Any = None) -> bool:
        """Add the values of a batch.

        Args:
            attributes: columns by name; label: `(n,)` labels that are no probabilities, or None.

        Returns:
            Whether one of them was new.

        Raises:
            ValueError: an attribute has more values than can be learnt; then nothing is added.
        """
        if not self.learns or not (self._names or self._label):
            return False
        columns = columns_of(attributes)
        new = {name: columns[name] for name in self._names if name in columns and self._is_new(name, columns)}
        new_label = None
        if self._label:
            known = self.vocabulary.label
            new_label = np.array([0, 1]) if known is None else None
            if label is not None and _has_more(label, "the label", set(known or ())):
                new_label = label
        if not new and new_label is None:
            return False
        grown = Vocabulary.from_config(_without_nobody(self.vocabulary.get_config()))
        grown.update(new, new_label)
        for name in new:
            grown.update({name: _of_the_kind(self._named[name], grown.values[name])})
            values = grown.values[name]
            if values is None or len(values) > MOST_VALUES:
                raise ValueError(
                    f"attribute {quoted(name)} has more than {MOST_VALUES} values, too many to learn: "
                    "give a vocabulary, or compare it with numbers"
                )
        self.vocabulary = _with_nobody(grown, self._names)
        self._values = {name: set(self.vocabulary.values.get(name) or ()) for name in self._names}
        return True

    def _is_new(self, name: str, columns: dict[str, Any]) -> bool:
        column = columns[name]
        if is_matrix(column) or isinstance(column, Mapping):
            return False  # probabilities
        return _has_more(column, f"attribute {quoted(name)}", self._values[name])


def names_nobody(text: str) -> bool:
    """Whether the name of a row or a relation speaks of a place-holder."""
    return NOBODY in text or _NO_NUMBER_SHOWN in text


def _has_more(column: Any, what: str, known: set[Any]) -> bool:
    """Whether a column, which messages call `what`, has a value that is not known."""
    return not set(read_column(column, what).distinct()) <= known


def _without_nobody(config: dict[str, Any]) -> dict[str, Any]:
    values = {
        name: None if listed is None else [value for value in listed if value not in (NOBODY, _NO_NUMBER)]
        for name, listed in config["values"].items()
    }
    return {**config, "values": values}


def _of_the_kind(named: list[Any], values: tuple[Any, ...] | None) -> list[Any]:
    """The values that a text names, as far as they are text or numbers as the column is."""
    return [value for value in named if values and isinstance(value, str) == isinstance(values[0], str)]


def _with_nobody(vocabulary: Vocabulary, names: frozenset[str]) -> Vocabulary:
    """The vocabulary with a place-holder beside what is the only value of its attribute."""
    config = vocabulary.get_config()
    for name in names:
        values = config["values"].get(name)
        if values is not None and len(values) == 1:
            only = values[0]
            config["values"][name] = [only, NOBODY if isinstance(only, str) else _NO_NUMBER]
    return Vocabulary.from_config(config)


def _enumerated(constraints: ConstraintSet) -> tuple[frozenset[str], bool]:
    """The attributes that stars and quantifiers run over, and whether they run over the label."""
    names, label = set(), False
    for statement in constraints:
        for node in walk(statement):
            subject: Node | None = None
            if isinstance(node, Comparison) and isinstance(node.value, Star):
                subject = node.subject
            elif isinstance(node, Binder):
                subject = node.domain
            if isinstance(subject, Attribute):
                names.add(subject.name)
            label = label or isinstance(subject, Label)
    return frozenset(names), label


def _named(constraints: ConstraintSet, names: frozenset[str]) -> dict[str, list[Any]]:
    """The values that the constraints themselves name, of the attributes that they enumerate too.

    `spread(E[y | sex=*]) <= 0.1; E[y | sex=Male] <= 0.5` means the group of men before a man has arrived.
    """
    named: dict[str, list[Any]] = {name: [] for name in names}
    for statement in constraints:
        for node in walk(statement):
            if not isinstance(node, (Comparison, Membership)) or not isinstance(node.subject, Attribute):
                continue
            values = node.values if isinstance(node, Membership) else (node.value,)
            is_value = isinstance(node, Membership) or node.operator in ("=", "!=")
            if is_value and node.subject.name in names:
                named[node.subject.name] += [one.value for one in values if isinstance(one, Literal)]
    return named
