"""Groups that nobody is in, and what that means for the relations that compare them, in words.

A relation that can't be measured asks for nothing, so no prediction violates it. It is not held either, and
whoever reports it says so: a misspelt value, or a threshold that nobody reaches, must not look like fairness.
A `spread`, a maximum or a minimum goes on with the groups that are left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_fair.errors import quoted, some_of
from keras_fair.inputs.arrays import concrete
from keras_fair.rows.linear import LinearRows, relations_of_rows

__all__ = ["Vacant", "can_be_measured", "in_no_group", "nobody_is_in", "vacant_relations"]

_MOST_NAMED = 5  # groups, and relations, that a sentence names


class Vacant(NamedTuple):
    """A relation with groups that nobody is in.

    Attributes:
        relation: its name.
        groups: the conditions of its empty groups, such as `sex=Femal`; none where it lacks something else,
            such as labels in a group.
        measured: whether it can be measured by the groups that are left.
    """

    relation: str
    groups: tuple[str, ...]
    measured: bool


def vacant_relations(rows: LinearRows) -> list[Vacant]:
    """The relations that have empty groups or can't be estimated, in order.

    Args:
        rows: made from constraints, over samples whose values are at hand; of rows without constraints none.
    """
    if rows.gap is None or not rows.groups:
        return []
    used = np.asarray(concrete(rows.weights)) != 0
    empty = np.asarray(concrete(rows.terms.weights)) <= 0
    vacant = []
    for relation, measured in zip(rows.relations, np.asarray(concrete(rows.estimable)), strict=True):
        terms = np.flatnonzero(used[list(relation.rows)].any(axis=0) & empty)
        if len(terms) or not measured:
            groups = dict.fromkeys(rows.groups[term] for term in terms if rows.groups[term])
            vacant.append(Vacant(relation.name, tuple(groups), bool(measured)))
    return vacant


def can_be_measured(rows: LinearRows) -> np.ndarray:
    """Of each row whether its relation can be estimated, `(m,)` bool."""
    if rows.gap is None:
        return np.ones(len(rows), dtype=bool)
    return np.asarray(concrete(rows.estimable))[relations_of_rows(rows.relations, len(rows))]


def nobody_is_in(vacant: Sequence[Vacant]) -> str:
    """The sentences about relations with empty groups; `""` where there are none.

    Example:
        >>> print(nobody_is_in([Vacant("parity", ("sex=Femal",), measured=False)]))
        Nobody is in the group sex=Femal, so 'parity' can't be measured: it is neither held nor violated.
        >>> print(nobody_is_in([Vacant("spread", ("sex=Diverse",), measured=True)]))
        Nobody is in the group sex=Diverse, so 'spread' compares the other groups alone.
    """
    lost, kept = ([each for each in vacant if each.measured is measured] for measured in (False, True))
    sentences = []
    if lost:
        they = "it is" if len(lost) == 1 else "they are"
        sentences.append(f"{_why(lost)} can't be measured: {they} neither held nor violated.")
    if kept:
        sentences.append(
            f"{_why(kept)} {'compares' if len(kept) == 1 else 'compare'} the other groups alone."
        )
    return " ".join(sentences)


def in_no_group(unknown: Mapping[str, Any]) -> str:
    """The sentences about samples with unknown values; `""` where there are none.

    Args:
        unknown: by attribute, how many samples have a value outside the vocabulary.

    Example:
        >>> print(in_no_group({"sex": 1, "race": 0}))
        1 sample has a value of sex outside the vocabulary: it is in no group of sex.
    """
    sentences = []
    for name, number in unknown.items():
        count = round(float(np.asarray(concrete(number))))
        if count:
            they = "sample has a value" if count == 1 else "samples have a value"
            are = "it is" if count == 1 else "they are"
            sentences.append(f"{count} {they} of {name} outside the vocabulary: {are} in no group of {name}.")
    return " ".join(sentences)


def _why(vacant: Sequence[Vacant]) -> str:
    """Who is lacking, and in which relations: the first part of a sentence."""
    groups = list(dict.fromkeys(group for each in vacant for group in each.groups))
    which = (
        f"the group{'s' if len(groups) > 1 else ''} {some_of(groups, _MOST_NAMED, '; ')}"
        if groups
        else "a group"
    )
    return f"Nobody is in {which}, so {some_of([quoted(each.relation) for each in vacant], _MOST_NAMED)}"
