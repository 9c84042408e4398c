"""A factor whose values are learnt as samples arrive: the state of each sample, the same in every chunk.

New values get new states at the end, so later chunks need not be known. `UNKNOWN` and `MISSING` are counted
from the end, as in every factor, so they stay what they are while values are added.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np

from keras_fair.groups.coding import (
    MISSING,
    MISSING_GROUP,
    UNKNOWN,
    Entry,
    Values,
    codes_of_column,
    encode_column,
    has_words,
    numbers_of,
    refuse_infinite,
    refuse_missing,
)
from keras_fair.groups.demands import Demand
from keras_fair.groups.factors import meant_number, representatives, state_of_number
from keras_fair.groups.membership import shares_of_label
from keras_fair.groups.thresholds import equal_to, interval_codes
from keras_fair.groups.truth import truth_of_comparison
from keras_fair.groups.vocabulary import MOST_NUMBERS
from keras_fair.inputs.arrays import namespace
from keras_fair.inputs.columns import Column, Numbers, Words
from keras_fair.inputs.precision import rounded
from keras_fair.inputs.refusals import WrongKind

__all__ = ["GrowingFactor"]

_FEW = 8

Shares = tuple[tuple[int, ...], np.ndarray]  # states, and the probability of each, `(n, k)`


class GrowingFactor:
    """The states of one subject, learnt as chunks arrive.

    Args:
        demand: how finely its values must be told apart.
        what: what messages call it, such as `attribute 'sex'`.
        listed: its values in a vocabulary; None where they are not listed.
        fixed: whether a vocabulary says what it holds.
        missing: the policy of the vocabulary.
    """

    def __init__(self, demand: Demand, what: str, listed: Values | None, fixed: bool, missing: str) -> None:
        self.demand, self.what, self.fixed, self.missing = demand, what, fixed, missing
        self.cuts = tuple(sorted(demand.cuts))
        self.listed = listed
        if demand.periods is not None:
            self.listed, self.fixed = demand.periods.values(missing), True
        self.kind: str | None = None  # "text" or "numbers", once it is known
        self.entries: list[Entry] = []
        self.place: dict[Entry, int] = {}
        self.distinct: set[float] | None = set() if demand.listed and not fixed else None
        self.saw_missing = False
        if has_words(self.listed):
            self._become("text")
            for value in self.listed or ():
                self._state(value)

    @property
    def size(self) -> int:
        """How many states there are so far, without those of unknown and missing values."""
        return len(self.entries)

    @property
    def values(self) -> Values | None:
        """The values for a vocabulary: those given, or those that occurred; None for numbers not listed."""
        if self.fixed:
            return self.listed
        missing = (MISSING_GROUP,) if self.missing == "group" and self.saw_missing else ()
        if self.kind == "text":
            return tuple(sorted({str(entry) for entry in self.place} | set(missing)))
        return None if self.distinct is None else (*sorted(self.distinct), *missing)

    def entry(self, state: int) -> Entry | None:
        """The value of a state; None where it is unknown or missing."""
        return self.entries[state] if state >= 0 else None

    def codes(self, column: Column) -> np.ndarray:
        """The state of each sample, `(n,)` int.

        Args:
            column: text or numbers.

        Raises:
            ValueError: it holds something else than earlier chunks or the vocabulary, or has missing values
                under the policy "error".
        """
        if self.demand.periods is not None:
            column = self.demand.periods.of(column, self.what)
        refuse_missing(column, self.missing, self.what)
        if self.fixed and has_words(self.listed):
            listed = self.listed or ()
            state_of_code = np.array([*range(len(listed)), UNKNOWN, MISSING])
            return state_of_code[codes_of_column(column, listed, self.missing, self.what)]
        if column.missing == len(column):
            self.saw_missing = self.saw_missing or len(column) > 0
            return np.full(len(column), MISSING, dtype=np.int64)
        if isinstance(column, Numbers):
            return self.codes_of_numbers(column)
        if self.fixed:
            numbers_of(column, self.what)  # says that numbers are expected
        self._become("text")
        states = [self._state(word) for word in column.words]
        missing = MISSING
        if column.missing:
            self.saw_missing = True
            missing = self._state(MISSING_GROUP) if self.missing == "group" else MISSING
        return np.array([*states, missing], dtype=np.int64)[column.codes]

    def codes_of_numbers(self, column: Numbers) -> np.ndarray:
        """The state of each number, `(n,)` int.

        Raises:
            ValueError: some are infinite, or earlier chunks held text.
        """
        self._become("numbers")
        values = numbers_of(column, self.what)
        missing = np.isnan(values) if column.missing else None
        refuse_infinite(values, self.what)
        self.saw_missing = self.saw_missing or missing is not None
        if self.demand.exact:
            return self._codes_of_each(column)
        if self.distinct is not None and not self._all_listed(values):
            self._list(column.distinct())
        block = np.arange(len(self.cuts) + 1)
        codes = interval_codes(values, self.cuts, block, self.what, dtype="int64", passes=True)
        return codes if missing is None else np.where(missing, MISSING, codes)

    def shares(self, column: object) -> Shares:
        """The states and the probability of each, `(n, k)`, of a column of probabilities.

        Args:
            column: a dict from value to `(n,)`, or `(n, k)` in the order of the vocabulary.
        """
        if self.demand.periods is not None:
            raise self.demand.periods.no_shares(self.what)
        values = self.values if self.fixed or self.place or self.distinct else None
        if isinstance(column, Mapping) and not self.fixed:
            words = any(isinstance(value, str) for value in column)
            self._become("text" if words else "numbers")
            for value in column:
                if self.distinct is not None and not words:
                    self.distinct.add(float(value))
                elif words:
                    self._state(str(value))
            values = self.values if words else tuple(sorted(float(value) for value in column))
        shares = np.asarray(encode_column(column, values, self.missing, self.what), dtype="float64")
        if self.kind is None:
            self._become("text" if has_words(values) else "numbers")
        states = [self.state_of(value) for value in values or ()]
        rest = np.maximum(1.0 - shares.sum(axis=1), 0.0)
        if not np.any(rest > 1e-12):
            return tuple(states), shares
        return (*states, UNKNOWN), np.concatenate([shares, rest[:, None]], axis=1)

    def fractional(self, label: Column) -> Shares | None:
        """The states and their probabilities of a label that is a probability of 1; None where it is not.

        It is a probability where some label lies between 0 and 1, and it is compared with 0 and 1 only.
        """
        if has_words(self.listed) or not set(self.listed or (0.0, 1.0)) <= {0.0, 1.0}:
            return None
        if not self.demand.binary and not self.fixed:
            return None
        if isinstance(label, Words) or label.values.dtype.kind != "f":
            return None
        values = label.values.astype("float64", copy=False)
        if not np.any((values > 0) & (values < 1)):
            return None
        refuse_missing(label, self.missing, self.what)
        self._become("numbers")
        outside = (UNKNOWN, UNKNOWN) if self.demand.exact else (self.state_of(-1.0), self.state_of(2.0))
        states = (self.state_of(0.0), self.state_of(1.0), *outside, MISSING)
        parts: dict[int, np.ndarray] = {}
        for state, part in zip(states, shares_of_label(namespace(), values), strict=True):
            if part.any():
                parts[state] = parts[state] + part if state in parts else part
        return tuple(parts), np.stack(list(parts.values()), axis=1)

    def copied(self) -> GrowingFactor:
        """A copy that learns on its own."""
        twin = copy.copy(self)
        twin.entries, twin.place = list(self.entries), dict(self.place)
        twin.distinct = None if self.distinct is None else set(self.distinct)
        return twin

    def learn(self, other: GrowingFactor) -> np.ndarray:
        """Learn the values of another factor; returns the state here of each of its states,
        `(other.size + 2,)`."""
        if other.kind is not None:
            self._become(other.kind)
        self.saw_missing = self.saw_missing or other.saw_missing
        if other.distinct is None:
            self.distinct = None
        elif self.distinct is not None:
            self._list(tuple(sorted(other.distinct)))
        coded = other.kind == "text" or self.demand.exact
        states = [self._state(entry) if coded else state for state, entry in enumerate(other.entries)]
        return np.array([*states, UNKNOWN, MISSING], dtype=np.int64)

    def state_of(self, value: Entry) -> int:
        """The state of one value."""
        if isinstance(value, str) and self.kind == "numbers":
            return MISSING  # the group of missing numbers
        if self.kind == "text" or self.demand.exact or isinstance(value, str):
            return self._state(value)
        return state_of_number(self.cuts, value)

    def truth(self, sign: str, value: Entry) -> np.ndarray:
        """Where a comparison holds, `(size + 2,)` in {0, 1/2, 1}; a state is a place in it."""
        if self.demand.periods is not None:
            return self.demand.periods.truth(sign, str(value), missing=self.missing)
        value = value if self.kind == "text" else meant_number(value)
        return truth_of_comparison(self.entries, sign, value, missing_group=self.missing == "group")

    def _codes_of_each(self, column: Numbers) -> np.ndarray:
        """The state of each number where each distinct one is a state of its own."""
        values, inverse = np.unique(column.values, return_inverse=True)
        there = values == values
        listed = column.decimals(values)
        self._list(listed)
        number_of = {
            rounded(number, column.precision): number
            for number in self.listed or ()
            if not isinstance(number, str)
        }
        states = np.full(len(values), MISSING)
        states[there] = [
            self._state(number_of.get(float(value), decimal))
            for value, decimal in zip(values[there], listed, strict=True)
        ]
        return states[inverse.reshape(-1)]

    def _state(self, entry: Entry) -> int:
        if entry not in self.place:
            self.place[entry] = len(self.entries)
            self.entries.append(entry)
        return self.place[entry]

    def _all_listed(self, values: np.ndarray) -> bool:
        """Whether all numbers are among a few that are known; quicker than looking for distinct ones."""
        if not self.distinct or len(self.distinct) > _FEW:
            return False
        return bool(equal_to(values, sorted(self.distinct), passes=True).all())

    def _list(self, numbers: tuple[float, ...]) -> None:
        if self.distinct is not None:
            self.distinct.update(numbers[: MOST_NUMBERS + 1])
            if len(self.distinct) > MOST_NUMBERS:
                self.distinct = None

    def _become(self, kind: str) -> None:
        if self.kind is None:
            self.kind = kind
            if kind == "numbers" and not self.demand.exact:
                self.entries.extend(representatives(self.cuts))
        elif self.kind != kind:
            raise WrongKind(f"expected {self.what} to hold either text or numbers, received both")
