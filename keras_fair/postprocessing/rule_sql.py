"""A fitted rule as an expression of SQL: a CASE with a branch for each group.

    CASE WHEN the person can be read THEN
      CASE WHEN group 1 THEN score >= theta_1
           WHEN group 2 THEN score >= theta_2
      END
    END

It says for each row what the rule says, to the bit. Where the rule raises an error for a person, the
expression is NULL, or raises too: for a score that is missing or outside the domain, a value that is missing
where the vocabulary refuses that, an infinite number, and a group that the rule does not know with
`unknown="error"`. No such person falls into another group.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import Domain
from keras_fair.inputs.precision import rounded
from keras_fair.inputs.predictions import domain_slack
from keras_fair.inputs.settings import check_choice
from keras_fair.language.nodes import Attribute
from keras_fair.postprocessing.knots import Knots, ShiftKnots, ThresholdKnots
from keras_fair.postprocessing.service_groups import ServiceGroups
from keras_fair.postprocessing.sql_conditions import axis_of
from keras_fair.postprocessing.sql_dialects import Dialect

__all__ = ["Written", "rule_sql", "written_as"]

_NOT_READ = (
    "the rule has nothing for a person: the score is missing or outside the domain, a value is missing or "
    "cannot be read, or nobody was of this group at calibration"
)


@dataclass(frozen=True)
class Written:
    """How a rule is written.

    Attributes:
        dialect: of the database.
        scores: the column of scores, quoted.
        columns: the column of each attribute, quoted.
        lots: the column of lots, quoted, or None.
        precision: that scores are given in, "float64" or "float32".
        single: the attributes that are given in float32.
        decides: whether decisions are written, or scores.
        raises: whether people that the rule refuses raise an error, or give NULL.
    """

    dialect: Dialect
    scores: str
    columns: Mapping[str, str]
    lots: str | None
    precision: str
    single: Collection[str]
    decides: bool
    raises: bool


def written_as(
    dialect: Dialect,
    *,
    scores: str,
    attributes: Collection[str],
    columns: Mapping[str, str] | None,
    decides: bool,
    lots: str | None,
    draws_lots: bool,
    float32: Collection[str],
    refused: str,
) -> Written:
    """How a rule is written, from the arguments of `FrozenFairness.to_sql`.

    Raises:
        ValueError: they do not fit each other or the rule.
    """
    check_choice("refused", refused, ("null", "error"))
    if refused == "error" and dialect.error is None:
        raise ValueError(f"expected refused='null' for {dialect.name}, which has no errors, received 'error'")
    if draws_lots and lots is None:
        raise ValueError(
            "expected lots, a column of numbers in [0, 1): this rule draws lots, and the same person has to "
            "get the same one each time; rule.layer().lots_of(ids) makes them"
        )
    if lots is not None and not draws_lots:
        raise ValueError(f"expected no lots, received lots={lots!r}: this rule draws none")
    named = {name: (columns or {}).get(name, name) for name in attributes}
    strange = sorted(set(columns or ()) - set(named))
    if strange:
        raise ValueError(f"expected columns of {sorted(named)}, received one of {strange[0]!r}")
    single = {float32} if isinstance(float32, str) else set(float32)
    strange = sorted(single - {scores, *named.values()})
    if strange:
        raise ValueError(f"expected float32 to name columns of the rule, received {strange[0]!r}")
    if not decides and scores in single:
        raise ValueError("expected scores in float64 for output='score': SQL reckons in float64")
    return Written(
        dialect=dialect,
        scores=dialect.column(scores),
        columns={name: dialect.column(column) for name, column in named.items()},
        lots=None if lots is None else dialect.column(lots),
        precision="float32" if scores in single else "float64",
        single=frozenset(name for name, column in named.items() if column in single),
        decides=decides,
        raises=refused == "error",
    )


def rule_sql(
    written: Written,
    groups: ServiceGroups,
    vocabulary: Vocabulary,
    knots: Knots,
    row_of_cell: np.ndarray,
    *,
    domain: Domain,
    decision: float | None,
    leaves_strangers: bool,
) -> str:
    """The expression.

    Args:
        written: how it is written.
        groups: of people.
        vocabulary: its policy for missing values.
        knots: of the rule.
        row_of_cell: `(cells,)` int, the row of the knots of each group, -1 where there is none.
        domain: of scores.
        decision: the `t` of `y >= t`; None for a rule of scores.
        leaves_strangers: whether people of groups without knots keep their score.

    Raises:
        ValueError: thresholds of a column are one number in float32; a date or a text that the dialect can't
            write.
    """
    axes = []
    for subject, block in zip(groups.cluster.subjects, groups.cluster.blocks, strict=True):
        assert isinstance(subject, Attribute)
        factor, column = groups.needs.factors[subject], written.columns[subject.name]
        precision = "float32" if subject.name in written.single else "float64"
        axes.append(axis_of(written.dialect, factor, block, vocabulary.missing, column, precision))
    body = _Body(written, knots, domain, decision)
    error = written.dialect.error if written.raises else None
    refused = "" if error is None else f"ELSE {error(_NOT_READ)}"
    branches = []
    for cell, place in enumerate(np.ndindex(*groups.cluster.sizes) if axes else [()]):
        conditions = [axis.blocks[block] for axis, block in zip(axes, place, strict=True)]
        if row_of_cell[cell] < 0 or None in conditions:
            continue
        told = " AND ".join(condition for condition in conditions if condition) or "TRUE"
        branches.append(f"    WHEN {told} THEN {body.of_row(int(row_of_cell[cell]))}")
    others = f"ELSE {body.left_alone}" if leaves_strangers else refused
    branches = branches or ["    WHEN FALSE THEN NULL"]  # a rule that knows nobody
    branches += [f"    {others}"] if others else []
    readable = [*body.readable, *(axis.readable for axis in axes if axis.readable)]
    end = f"{refused} END" if refused else "END"
    return "\n".join([f"CASE WHEN {' AND '.join(readable)} THEN", "  CASE", *branches, "  END", end])


class _Body:
    """What a rule does to a score."""

    def __init__(self, written: Written, knots: Knots, domain: Domain, decision: float | None) -> None:
        self.written, self.knots, self.decision = written, knots, decision
        self.domain = domain
        dialect = written.dialect
        self.score = written.scores
        slack = domain_slack(written.precision, domain)[0]
        self.readable = [dialect.numeric(written.scores)] if dialect.numeric else []
        if np.isfinite(domain.low):
            self.readable.append(f"{self.score} >= {dialect.number(domain.low - slack)}")
        if np.isfinite(domain.high):
            self.readable.append(f"{self.score} <= {dialect.number(domain.high + slack)}")
        if not np.isfinite(domain.bounds).all():
            self.readable.append(dialect.finite(self.score))
        if written.lots is not None:
            self.lot = written.lots
            self.readable += [f"{self.lot} >= {dialect.number(0.0)}", f"{self.lot} < {dialect.number(1.0)}"]

    @property
    def left_alone(self) -> str:
        """Of a person whose score is left as it is."""
        return self._decided(self.decision) if self.written.decides else self.score

    def of_row(self, row: int) -> str:
        """Of a person of one row of the knots."""
        if isinstance(self.knots, ShiftKnots):
            return self._shifted(float(self.knots.shift[row]), float(self.knots.slope[row]))
        assert isinstance(self.knots, ThresholdKnots)
        ends = np.asarray(self.knots.arrays["cumulative"][row], "float32")
        used = [place for place in range(len(ends)) if place == 0 or ends[place] > ends[place - 1]]
        last = next((place for place in used if ends[place] >= 1), len(ends) - 1)
        used = [place for place in used if place < last and ends[place] > 0]
        parts = [f"WHEN {self._below(ends[place])} THEN {self._at(row, place)}" for place in used]
        return f"CASE {' '.join(parts)} ELSE {self._at(row, last)} END" if parts else self._at(row, last)

    def _below(self, end: np.floating) -> str:
        """Where a lot, rounded to float32, lies below a cumulative share: halfway to its neighbour the even
        one of both is meant."""
        before = np.nextafter(end, np.float32(0))
        middle = self.written.dialect.number((float(before) + float(end)) / 2)
        even = int(np.float32(end).view(np.uint32)) % 2 == 0
        return f"{self.lot} {'<' if even else '<='} {middle}"

    def _at(self, row: int, place: int) -> str:
        assert isinstance(self.knots, ThresholdKnots)
        threshold = float(self.knots.thresholds[row, place])
        if self.written.decides:
            return self._decided(threshold)
        dialect, (low, high) = self.written.dialect, self.domain.bounds
        assert self.decision is not None
        lines = {name: float(array[row, place]) for name, array in self.knots.arrays.items()}

        def line(side: str, least: float, most: float) -> str:
            start, slope = (dialect.number(lines[f"{part}_{side}"]) for part in ("start", "slope"))
            return self._between(f"{slope} * ({self.score} + {start})", least, most)

        last = float(np.nextafter(self.decision, low))
        below = (
            f"WHEN {self.score} <= {dialect.number(low)} THEN {dialect.number(low)} "
            f"ELSE {line('below', low, last)}"
        )
        if np.isinf(threshold):
            return f"CASE {below} END"
        reached = f"{self.score} >= {dialect.number(threshold)}"
        return (
            f"CASE WHEN {reached} AND {self.score} >= {dialect.number(high)} THEN {dialect.number(high)} "
            f"WHEN {reached} THEN {line('above', self.decision, high)} {below} END"
        )

    def _decided(self, threshold: float | None) -> str:
        assert threshold is not None
        if np.isinf(threshold):
            return "FALSE"
        return f"{self.score} >= {self.written.dialect.number(rounded(threshold, self.written.precision))}"

    def _between(self, value: str, low: float, high: float) -> str:
        dialect = self.written.dialect
        if np.isfinite(low):
            value = f"{dialect.greatest}({value}, {dialect.number(low)})"
        return f"{dialect.least}({value}, {dialect.number(high)})" if np.isfinite(high) else value

    def _shifted(self, shift: float, slope: float) -> str:
        assert isinstance(self.knots, ShiftKnots)
        number, (low, high) = self.written.dialect.number, self.knots.domain
        price = f"({number(shift)} + {number(slope)} * {self.score})"
        if self.knots.divergence == "euclidean":
            return self._between(f"{self.score} - {price}", low, high)
        half = f"({number(1.0)} + {price})"
        square = f"{half} * {half} - {number(4.0)} * {price} * {self.score}"
        root = f"sqrt({self.written.dialect.greatest}({square}, {number(0.0)}))"
        zero = number(0.0)
        above = self._quotient(f"{number(2.0)} * {self.score}", f"{half} + {root}")
        other = self._quotient(f"{half} - {root}", f"{number(2.0)} * {price}")
        return f"CASE WHEN {half} > {zero} THEN {above} ELSE {other} END"

    def _quotient(self, numerator: str, denominator: str) -> str:
        """A quotient in [0, 1], with 1 for a denominator of 0."""
        number = self.written.dialect.number
        divided = (
            f"({numerator}) / CASE WHEN {denominator} = {number(0.0)} THEN {number(1.0)} "
            f"ELSE {denominator} END"
        )
        return self._between(divided, 0.0, 1.0)
