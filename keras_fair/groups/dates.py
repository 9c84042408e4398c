"""Columns that conditions compare with dates by order: the periods between these dates.

    when < '2024-06-01', when >= '2024-09-01'   ->   before June | June to August | from September on

A sample is coded by its period as it is by a word, so codes are exact in every backend, whatever the
resolution of the dates. The periods follow from the text alone. Dates that a column holds are never listed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from keras_fair.errors import quoted
from keras_fair.groups.coding import MISSING_GROUP, Values
from keras_fair.groups.thresholds import CUTS, interval_text
from keras_fair.inputs.columns import Column, Numbers, Words
from keras_fair.inputs.dates import EXAMPLES, date_text
from keras_fair.inputs.refusals import WrongKind
from keras_fair.language.dates import ORDERED, compared_values, dated_columns
from keras_fair.language.nodes import Attribute, Literal, Statement

__all__ = ["CODES_OF_DATES", "Periods", "periods_of"]

CODES_OF_DATES = "int16"


@dataclass(frozen=True)
class Periods:
    """The periods that the dates of a text tell apart in one column.

    Args:
        name: of the column.
        cuts: sorted; `(date, 0)` lies just before a date, `(date, 1)` just after it.
    """

    name: str
    cuts: tuple[tuple[str, int], ...]

    def values(self, missing: str) -> Values:
        """What each period is called, such as `when < 2024-06-01`; and the group of missing dates, if the
        policy makes one."""
        return (*self._periods, *([MISSING_GROUP] if missing == "group" else []))

    def place_of(self, text: str) -> int | None:
        """The place among the periods of a date; None for other text."""
        date = date_text(text)
        return None if date is None else bisect_right(self.cuts, (date, 0))

    @property
    def _periods(self) -> tuple[str, ...]:
        return tuple(interval_text(self.name, self.cuts, place) for place in range(len(self.cuts) + 1))

    def of(self, column: Column, what: str) -> Words:
        """The period of each sample, as a word.

        Args:
            column: dates, or text that is dates.
            what: what the column is called in messages.

        Raises:
            WrongKind: it holds something else.
        """
        if isinstance(column, Numbers):
            if column.missing < len(column):
                number = column.entries()[int(np.argmax(column.values == column.values))]
                raise WrongKind(f"{_expected(what)}, received numbers such as {number:g}")
            return Words((), np.full(len(column), -1))
        periods = [self.place_of(word) for word in column.words]
        if None in periods:
            place = periods.index(None)
            row = int(np.argmax(column.codes == place))
            raise WrongKind(f"{_expected(what)}, received {quoted(column.words[place])} in row {row}")
        return Words(self._periods, np.array([*periods, -1], dtype=np.int64)[column.codes])

    def no_shares(self, what: str) -> WrongKind:
        """What is raised where a column, which messages call `what`, gives probabilities."""
        return WrongKind(f"{_expected(what)}, received probabilities")

    def truth(self, sign: str, date: str, *, missing: str) -> np.ndarray:
        """Where a comparison holds, in {0, 1/2, 1}: in each of `values(missing)`, then outside them, then
        where no date is known.

        Args:
            sign: one of `= != < <= > >=`.
            date: one that the text compares the column with; or the group of missing dates.
            missing: the policy of the vocabulary.
        """
        instant, negated = date_text(date), sign in ("<", "<=", "!=")
        places = np.arange(len(self.cuts) + 1)
        holds = places < 0
        if instant is not None:
            passed = [places > self.cuts.index((instant, above)) for above in CUTS[sign]]
            holds = passed[0] & ~passed[1] if len(passed) == 2 else passed[0]
        truth = (holds != negated).astype("float64").tolist()
        if missing == "group":
            truth.append(0.5 if sign in ORDERED else float((instant is None) != negated))
        return np.array([*truth, 0.5, 0.5])


def periods_of(statements: Iterable[Statement]) -> dict[str, Periods]:
    """The periods of each column that statements compare with dates by order."""
    statements = tuple(statements)
    cuts: dict[str, set[tuple[str, int]]] = {name: set() for name in dated_columns(statements)}
    for statement in statements if cuts else ():
        for subject, sign, value in compared_values(statement):
            if isinstance(subject, Attribute) and subject.name in cuts and isinstance(value, Literal):
                date = date_text(str(value.value))
                cuts[subject.name].update((date, above) for above in CUTS[sign] if date is not None)
    return {name: Periods(name, tuple(sorted(of_name))) for name, of_name in cuts.items()}


def _expected(what: str) -> str:
    return f"{what} is compared with dates: expected dates such as {EXAMPLES}"
