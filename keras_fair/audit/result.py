"""What an audit found: numbers and verdicts, as a table, as a dict and as JSON.

Nothing is computed here. A number that cannot be estimated is NaN in Python, `null` in JSON and a dash in the
table; it is never 0.
"""

from __future__ import annotations

import enum
import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Audit", "AuditedRelation", "StatisticValue", "Verdict", "number"]

_TABLE_WIDTH = 110  # columns, where the audit is printed as text


class Verdict(enum.Enum):
    """What an audit says of one relation."""

    SATISFIED = "satisfied"
    VIOLATED = "violated"
    UNESTIMABLE = "unestimable"

    @property
    def style(self) -> str:
        """How a terminal shows it."""
        return {"satisfied": "green", "violated": "bold red", "unestimable": "yellow"}[self.value]


@dataclass(frozen=True)
class StatisticValue:
    """One statistic that a relation is made of, and the group it is taken over.

    Attributes:
        text: its canonical text, such as `E[y | sex=Female]`.
        value: its value; NaN where the group has no weight.
        size: how many samples are in the group; where groups are known as probabilities, their sum.
        weight: the sum of the sample weights in the group.
    """

    text: str
    value: float
    size: float
    weight: float


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
        verdict: satisfied, violated or unestimable.
        statistics: the statistics it is made of, in the order of the text.
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
        missing: by attribute, how many samples have no value.
    """

    relations: tuple[AuditedRelation, ...]
    samples: int
    slack: float = 1e-6
    unknown: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[AuditedRelation]:
        return iter(self.relations)

    def __len__(self) -> int:
        return len(self.relations)

    def __getitem__(self, name: str) -> AuditedRelation:
        for relation in self.relations:
            if relation.name == name:
                return relation
        raise KeyError(name)

    @property
    def satisfied(self) -> bool:
        """Whether every relation is satisfied; one that cannot be estimated is not."""
        return all(relation.verdict is Verdict.SATISFIED for relation in self.relations)

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
        from rich.table import Table
        from rich.text import Text

        table = Table(title=f"audit of {self.samples} samples")
        table.add_column("constraint", overflow="fold")
        for heading in ("gap", "bounds", "violation", "smallest\ngroup"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        for relation in self.relations:
            sizes = [statistic.size for statistic in relation.statistics]
            table.add_row(
                Text(relation.name),
                number(relation.gap),
                relation.bounds,
                number(relation.violation),
                f"{min(sizes):.6g}" if sizes else "-",
                Text(relation.verdict.value, style=relation.verdict.style),
            )
        table.caption = self.outside or None
        return table

    @property
    def outside(self) -> str:
        """A note on samples that are in no group of an attribute; empty where there are none."""
        notes = [f"{count} with an unknown value of {name}" for name, count in self.unknown.items() if count]
        notes += [f"{count} without a value of {name}" for name, count in self.missing.items() if count]
        return "" if not notes else f"In no group: {', '.join(notes)}."

    def __rich__(self) -> Table:
        return self.table()

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=_TABLE_WIDTH, color_system=None)
        with console.capture() as capture:
            console.print(self.table())
        return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


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
