"""What an audit found: numbers and verdicts, as a dict and as JSON. `keras_fair.reports` writes reports.

Nothing is computed here. A number that cannot be estimated is NaN in Python, `null` in JSON and a dash in the
table; it is never 0.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_fair.errors import near_names
from keras_fair.provided import provided

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

__all__ = [
    "SMALL",
    "Audit",
    "AuditedRelation",
    "GroupScores",
    "Interval",
    "StatisticValue",
    "Verdict",
    "number",
]

SMALL = 10  # a group of fewer samples is called small, and passes nothing


class Verdict(enum.Enum):
    """What an audit says of one relation.

    With intervals: satisfied where the interval of the gap lies inside the bounds, violated where it lies
    wholly outside, undecided where it crosses a bound. Without intervals (`confidence=None`, where the data
    are the whole population): satisfied or violated by the gap itself. Unestimable: the gap has no value, or
    one of its groups is empty, unless the other groups alone violate the relation.
    """

    SATISFIED = "satisfied"
    VIOLATED = "violated"
    UNDECIDED = "undecided"
    UNESTIMABLE = "unestimable"

    @property
    def style(self) -> str:
        """How a terminal shows it."""
        styles = {"satisfied": "green", "violated": "bold red", "undecided": "yellow"}
        return styles.get(self.value, "magenta")


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: its lower end; minus infinity where the data do not bound it.
        high: its upper end, or infinity.
        confidence: in (0, 1), the share of data sets whose interval holds the true value. Where intervals
            are simultaneous it is that of the whole constraint, and this one alone is wider than it says.
        method: how it was made; see `keras_fair.audit.intervals`.
    """

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True)
class StatisticValue:
    """One statistic that a relation is made of, and the group it is taken over.

    Attributes:
        text: its canonical text, such as `E[y | sex=Female]`.
        value: its value; NaN where the group has no weight.
        size: how many samples of the group are counted: those with a weight above 0 and with every value that
            the statistic needs. Where groups are known as probabilities, the sum of these.
        weight: the sum of their weights.
        interval: of its value; None where none was requested or there is none.
    """

    text: str
    value: float
    size: float
    weight: float
    interval: Interval | None = None


@dataclass(frozen=True)
class GroupScores:
    """The distribution of the scores of one group.

    There is one for each value of each attribute that the constraints name, and one for each intersection
    that occurs where a condition or a star combines attributes. Numbers are taken in the bands that the
    conditions tell apart, else in quartiles.

    Attributes:
        attributes: the names of the attributes; empty for everyone.
        values: one for each attribute; of a band its text, such as `25 <= age < 60`.
        size: how many samples of the group have a weight above 0; where groups are known as probabilities,
            the sum of these.
        weight: the sum of their weights.
        mean: the weighted mean of the scores; NaN where the group has no weight.
        counts: the weight in each bin of scores, output 0 where there are several; bins are in `Audit.edges`.
    """

    attributes: tuple[str, ...]
    values: tuple[str | float, ...]
    size: float
    weight: float
    mean: float
    counts: tuple[float, ...]


@dataclass(frozen=True)
class AuditedRelation:
    """One ground relation (quantifiers expanded), measured.

    Attributes:
        name: the name of the statement with the values chosen, or the canonical text; unique in an audit.
        text: canonical text.
        statement: index of the statement it comes from.
        left: the value of the left side; of `lo <= e <= hi` that of `e`.
        right: the value of the right side; NaN for `lo <= e <= hi`.
        gap: left minus right; where one side is a plain number, and in a range, the other side. For a ratio
            `a / b` compared with `r` it is `a - r * b`, as in the rows that enforce it.
        lower: lower bound of the gap, or minus infinity.
        upper: upper bound of the gap, or infinity.
        violation: how far the gap lies outside its bounds, >= 0; NaN where it cannot be estimated.
        verdict: satisfied, violated, undecided or unestimable.
        statistics: the statistics it is made of, in the order of the text.
        interval: of the gap; None where none was requested or there is none.
        note: in words, why it is undecided or unestimable and which groups are empty or small; `""` where
            there is nothing to say.
    """

    name: str
    text: str
    statement: int
    left: float
    right: float
    gap: float
    lower: float
    upper: float
    violation: float
    verdict: Verdict
    statistics: tuple[StatisticValue, ...] = ()
    interval: Interval | None = None
    note: str = ""

    @property
    def bounds(self) -> str:
        """The bounds of the gap as a person writes them: `+- 0.02`, `<= 0.05`, `>= 0`, `0.1 ... 0.4`."""
        if math.isnan(self.lower) or math.isnan(self.upper):
            return "-"
        if math.isinf(self.lower):
            return "-" if math.isinf(self.upper) else f"<= {self.upper:.6g}"
        if math.isinf(self.upper):
            return f">= {self.lower:.6g}"
        if self.lower == -self.upper:
            return f"+- {self.upper:.6g}"
        return f"{self.lower:.6g} ... {self.upper:.6g}"


@dataclass(frozen=True)
class Audit:
    """The outcome of `keras_fair.audit`. `print` shows it as a table.

    Attributes:
        relations: one for each ground relation, in the order of the text.
        samples: how many samples were audited.
        slack: violations up to this much count as rounding.
        unknown: by attribute, how many samples have a value outside the vocabulary (none of its groups).
        missing: by attribute, how many samples have no value; for `"label"` likewise where the constraints
            use it. (A column of that name is then written "`label`", as in the language.)
        confidence: of the intervals, where a statement names none of its own; None where there are none.
        simultaneous: whether the intervals of one quantified constraint hold together.
        seed: of the bootstrap.
        edges: of the bins of `GroupScores.counts`, ascending; the last bin holds its upper edge too.
        groups: the distribution of the scores of each group.
        statements: the canonical text of each statement; `AuditedRelation.statement` is a place in it.
        notes: what is odd about the samples, a sentence each: values of an attribute that differ only in
            case or spaces, predictions above 1 whose means have bounds below 1.
    """

    relations: tuple[AuditedRelation, ...]
    samples: int
    slack: float = 1e-6
    unknown: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    confidence: float | None = 0.95
    simultaneous: bool = False
    seed: int = 0
    edges: tuple[float, ...] = ()
    groups: tuple[GroupScores, ...] = ()
    statements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[AuditedRelation]:
        return iter(self.relations)

    def __len__(self) -> int:
        return len(self.relations)

    def __getitem__(self, name: str) -> AuditedRelation:
        for relation in self.relations:
            if relation.name == name:
                return relation
        near = near_names(name, [relation.name for relation in self.relations])
        raise KeyError(f"no relation named {name!r}{near}")

    @property
    def satisfied(self) -> bool:
        """Whether every relation is satisfied; one that cannot be estimated is not, nor is a statement of
        which there is none."""
        verdicts = {relation.verdict for relation in self.relations}
        return verdicts <= {Verdict.SATISFIED} and not self.unmeasured

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Statements that say nothing of these samples, such as one on all pairs of groups where one is."""
        measured = {relation.statement for relation in self.relations}
        return tuple(text for place, text in enumerate(self.statements) if place not in measured)

    def with_verdict(self, verdict: Verdict) -> tuple[AuditedRelation, ...]:
        """The relations with this verdict."""
        return tuple(relation for relation in self.relations if relation.verdict is verdict)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain Python values: NaN and infinity become None, verdicts their names."""
        return _plain(asdict(self))

    def to_json(self) -> str:
        """`to_dict` as a JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def table(self) -> Table:
        """The audit as a `rich` table, one line for each relation."""
        return provided("to_table")(self)

    def to_dataframe(self, of: str = "relations") -> Any:
        """A pandas DataFrame with one row for each of the `"relations"`, `"statistics"` or `"groups"`.

        Raises:
            ImportError: pandas is not installed.
            ValueError: there is no such table.
        """
        return provided("to_dataframe")(self, of)

    def metrics(self) -> dict[str, float]:
        """Its numbers by name, such as `parity/gap`, for tools that log metrics; see
        `keras_fair.reports.metrics`."""
        return provided("to_metrics")(self)

    def to_markdown(self, card: bool = False) -> str:
        """A report in Markdown; as the section of a model card with `card=True`."""
        return provided("to_card" if card else "to_markdown")(self)

    def to_html(self, path: str | Path | None = None) -> str:
        """A report as one HTML page that needs nothing else, no network either; also written to `path`."""
        return provided("to_html")(self, path)

    @property
    def outside(self) -> str:
        """A note on samples that are in no group of an attribute; empty where there are none."""
        notes = [f"{count} with an unknown value of {name}" for name, count in self.unknown.items() if count]
        notes += [f"{count} without a value of {name}" for name, count in self.missing.items() if count]
        return "" if not notes else f"In no group: {', '.join(notes)}."

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield provided("fitting")(self, options.max_width)

    def __str__(self) -> str:
        return provided("to_text")(self)


def number(value: float) -> str:
    """A measured number as tables show it: six decimals, a dash where there is none.

    Example:

    >>> number(-0.01999999), number(float("nan"))
    ('-0.020000', '-')
    """
    return "-" if math.isnan(value) else f"{value:.6f}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, Verdict):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
