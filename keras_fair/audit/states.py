"""The state of each sample in what conditions ask for, as a small number, the same in every chunk.

    0  missing      1  a value outside the vocabulary      2 ...  values, or intervals between thresholds

New values get new numbers as they arrive, so nothing has to be known of later chunks. A state stands for all
that conditions can ask of it: `truth` says where a comparison holds, in Kleene's logic (0 false, 1/2 not
known, 1 true), as in `keras_fair.groups.factors`.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_fair.audit.demands import SubjectDemand
from keras_fair.groups.coding import MISSING_GROUP, Entry, Values, encode_column, has_words, refuse_missing
from keras_fair.groups.vocabulary import MOST_NUMBERS
from keras_fair.inputs.columns import Numbers, Words, read_column

__all__ = ["MISSING", "UNKNOWN", "States"]

MISSING, UNKNOWN = 0, 1  # states
_FIRST = 2
_FEW = 8

_COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


class States:
    """The states of one subject, learnt as chunks arrive.

    Args:
        demand: how finely it must be told apart.
        what: what messages call it, such as `attribute 'sex'`.
        given: its values in a vocabulary; None where they are not listed.
        fixed: whether a vocabulary says what it holds.
        missing: the policy of the vocabulary.
    """

    def __init__(
        self, demand: SubjectDemand, what: str, given: Values | None, fixed: bool, missing: str
    ) -> None:
        self.demand, self.what, self.fixed, self.missing = demand, what, fixed, missing
        self.cuts = tuple(sorted(demand.cuts))
        self.given = None if given is None else tuple(dict.fromkeys(self._meant(entry) for entry in given))
        numbers = [entry for entry in self.given or () if not isinstance(entry, str)]
        self._written = tuple(dict.fromkeys([*(cut for cut, _ in self.cuts), *numbers]))
        self.kind: str | None = None  # "text" or "numbers", once it is known
        self.entries: list[Entry | None] = [None, None]
        self.place: dict[Entry, int] = {}
        self.distinct: set[float] | None = set() if demand.listed and not fixed else None
        self.saw_missing = False
        if has_words(self.given):
            self._be("text")
            for value in self.given or ():
                self._code(value)

    @property
    def size(self) -> int:
        """How many states there are so far."""
        return len(self.entries)

    @property
    def values(self) -> Values | None:
        """The values for a vocabulary: those given, or those that occurred; None for numbers not listed."""
        if self.fixed:
            return self.given
        missing = (MISSING_GROUP,) if self.missing == "group" and self.saw_missing else ()
        if self.kind == "text":
            return tuple(sorted({str(entry) for entry in self.place} | set(missing)))
        return None if self.distinct is None else (*sorted(self.distinct), *missing)

    def codes(self, column: Any, precision: type[np.generic] | None = None) -> np.ndarray:
        """The state of each sample, `(n,)` int.

        Args:
            column: `(n,)`, text or numbers.
            precision: of numbers that were not given in float64.

        Raises:
            ValueError: it holds something else than earlier chunks or the vocabulary, or lacks values under
                the policy "error".
        """
        if self.fixed and has_words(self.given):
            found = np.asarray(encode_column(column, self.given, self.missing, self.what))
            size = len(self.given or ())
            return np.array([*range(_FIRST, _FIRST + size), UNKNOWN, MISSING])[found]
        read = read_column(column, self.what)
        refuse_missing(read, self.missing, self.what)
        if isinstance(read, Words):
            if not read.words:  # nothing but missing entries
                self.saw_missing = self.saw_missing or len(read.codes) > 0
                return np.zeros(len(read.codes), dtype=np.int64)
            if self.fixed:
                encode_column(column, self.given, self.missing, self.what)  # says that numbers are expected
            self._be("text")
            return self._words(read)
        if read.missing == len(read.values):
            self.saw_missing = self.saw_missing or len(read.values) > 0
            return np.zeros(len(read.values), dtype=np.int64)
        self._be("numbers")
        return self.of_numbers(read, precision)

    def of_numbers(self, read: Numbers, precision: type[np.generic] | None = None) -> np.ndarray:
        """The state of each number.

        In a precision lower than that of float64 a number is compared with what a written number rounds to.
        It then stands for the written one, which leaves all other comparisons as they are.
        """
        self._be("numbers")
        values = read.values.astype("float64", copy=False)
        if precision is not None:
            for written in self._written:
                rounded = _rounded(written, precision)
                if rounded != written:
                    values = np.where(values == rounded, written, values)
        there = ~np.isnan(values) if read.missing else None
        if np.isinf(values).any():
            count = int(np.isinf(values).sum())
            raise ValueError(f"expected {self.what} to hold finite numbers, received {count} infinite")
        if there is not None:
            self.saw_missing = True
        if self.demand.exact:
            found, inverse = np.unique(values, return_inverse=True)
            self._list(found)
            codes = np.array([MISSING if value != value else self._code(float(value)) for value in found])
            return codes[inverse]
        if self.distinct is not None and not self._all_known(values):
            self._list(np.unique(values))
        codes = np.full(len(values), _FIRST, dtype=np.int64)
        for cut, above in self.cuts:
            codes += values > cut if above else values >= cut
        return codes if there is None else np.where(there, codes, MISSING)

    def shares(self, column: Any) -> tuple[tuple[int, ...], np.ndarray]:
        """The states and the probability of each, `(n, k)`, of a column of probabilities.

        Args:
            column: a dict from value to `(n,)`, or `(n, k)` in the order of the vocabulary.
        """
        values = self.values if self.fixed or self.place or self.distinct else None
        if isinstance(column, Mapping) and not self.fixed:
            words = any(isinstance(value, str) for value in column)
            self._be("text" if words else "numbers")
            for value in column:
                if self.distinct is not None and not words:
                    self.distinct.add(float(value))
                elif words:
                    self._code(str(value))
            values = self.values if words else tuple(sorted(float(value) for value in column))
        shares = np.asarray(encode_column(column, values, self.missing, self.what), dtype="float64")
        if self.kind is None:
            self._be("text" if has_words(values) else "numbers")
        codes = [self.code_of(value) for value in values or ()]
        rest = np.maximum(1.0 - shares.sum(axis=1), 0.0)
        if not np.any(rest > 1e-12):
            return tuple(codes), shares
        return (*codes, UNKNOWN), np.concatenate([shares, rest[:, None]], axis=1)

    def fractional(self, label: Any) -> tuple[tuple[int, ...], np.ndarray] | None:
        """The states and their probabilities of a label that is a probability of 1; None where it is none.

        It is one where some label lies between 0 and 1, and all that it is compared with is 0 or 1.
        """
        if has_words(self.given) or not set(self.given or (0.0, 1.0)) <= {0.0, 1.0}:
            return None
        if not self.demand.binary and not self.fixed:
            return None
        read = read_column(label, self.what)
        if isinstance(read, Words) or read.values.dtype.kind != "f":
            return None
        values = read.values.astype("float64", copy=False)
        if not np.any((values > 0) & (values < 1)):
            return None
        refuse_missing(read, self.missing, self.what)
        self._be("numbers")
        inside = (values >= 0) & (values <= 1)
        one = np.where(inside, np.nan_to_num(values), 0.0)
        missing = np.isnan(values)
        parts = {
            self.code_of(0.0): inside - one,
            self.code_of(1.0): one,
            UNKNOWN: (~inside & ~missing) * 1.0,
            MISSING: missing * 1.0,
        }
        states = tuple(code for code, share in parts.items() if share.any())
        return states, np.stack([parts[code] for code in states], axis=1)

    def copied(self) -> States:
        """What is known so far, apart from this."""
        found = copy.copy(self)
        found.entries, found.place = list(self.entries), dict(self.place)
        found.distinct = None if self.distinct is None else set(self.distinct)
        return found

    def learn(self, other: States) -> np.ndarray:
        """Know what another one knows; the codes here of its codes, `(other.size,)`."""
        if other.kind is not None:
            self._be(other.kind)
        self.saw_missing = self.saw_missing or other.saw_missing
        if other.distinct is None:
            self.distinct = None
        elif self.distinct is not None:
            self._list(np.array(sorted(other.distinct)))
        codes = [MISSING, UNKNOWN]
        for code in range(_FIRST, other.size):
            entry = other.entries[code]
            coded = other.kind == "text" or self.demand.exact or isinstance(entry, str)
            codes.append(self._code(entry) if coded and entry is not None else code)
        return np.array(codes, dtype=np.int64)

    def code_of(self, value: Entry) -> int:
        """The state of one value."""
        if self.kind == "text" or self.demand.exact or isinstance(value, str):
            return self._code(value)
        return _FIRST + sum(value > cut if above else value >= cut for cut, above in self.cuts)

    def truth(self, sign: str, value: Entry) -> np.ndarray:
        """Where a comparison holds, `(size,)` in {0, 1/2, 1}."""
        truth = np.full(self.size, 0.5)
        negated = sign == "!="
        grouped = self.missing == "group"
        if self.kind == "text" or isinstance(value, str):
            for code in range(_FIRST, self.size):
                truth[code] = float((self.entries[code] == value) != negated)
            if grouped and self.kind != "text":
                truth[MISSING] = float((value == MISSING_GROUP) != negated)
            return truth
        for code in range(_FIRST, self.size):
            entry = self.entries[code]
            if isinstance(entry, float):
                truth[code] = float(_COMPARE[sign](entry, value))
        if grouped:
            truth[MISSING] = float(negated)
        return truth

    def _words(self, read: Words) -> np.ndarray:
        codes = [self._code(word) for word in read.words]
        missing = MISSING
        if read.missing:
            self.saw_missing = True
            missing = self._code(MISSING_GROUP) if self.missing == "group" else MISSING
        return np.array([*codes, missing], dtype=np.int64)[read.codes]

    def _code(self, entry: Entry) -> int:
        if entry not in self.place:
            self.place[entry] = len(self.entries)
            self.entries.append(entry)
        return self.place[entry]

    def _all_known(self, values: np.ndarray) -> bool:
        """Whether all numbers are among a few that are known; quicker than looking for distinct ones."""
        if not self.distinct or len(self.distinct) > _FEW:
            return False
        known = np.zeros(len(values), dtype=bool)
        for number in self.distinct:
            known |= values == number
        return bool(known.all())

    def _meant(self, entry: Entry) -> Entry:
        """A value of a vocabulary; one that was learnt in lower precision as the text writes it."""
        written = () if isinstance(entry, str) else dict.fromkeys(cut for cut, _ in self.cuts)
        lower = (np.float32, np.float16)
        return next((cut for cut in written if entry in [_rounded(cut, one) for one in lower]), entry)

    def _list(self, numbers: np.ndarray) -> None:
        if self.distinct is not None:
            self.distinct.update(float(number) for number in numbers[: MOST_NUMBERS + 1] if number == number)
            if len(self.distinct) > MOST_NUMBERS:
                self.distinct = None

    def _be(self, kind: str) -> None:
        if self.kind is None:
            self.kind = kind
            if kind == "numbers" and not self.demand.exact:
                self.entries.extend(_representatives([cut for cut, _ in self.cuts]))
        elif self.kind != kind:
            raise ValueError(f"expected {self.what} to hold either text or numbers, received both")


def _rounded(number: float, precision: type[np.generic]) -> float:
    """A number in another precision; itself where it is too large for that."""
    with np.errstate(over="ignore"):
        found = float(precision(number))
    return found if np.isfinite(found) else number


def _representatives(places: list[float]) -> list[float]:
    """A number within each interval between thresholds."""
    if not places:
        return [0.0]
    between = [
        low if low == high else low / 2 + high / 2 for low, high in zip(places, places[1:], strict=False)
    ]
    return [-np.inf, *between, np.inf]
