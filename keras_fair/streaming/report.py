"""What a stream reports: pooled gaps against their bounds, duals, weights and arrivals."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.errors import near_names
from keras_fair.ops.stream.pooled import PooledSums
from keras_fair.ops.stream.state_vector import StateLayout
from keras_fair.rows.nobody import Vacant, nobody_is_in, vacant_relations
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.learnt_values import names_nobody
from keras_fair.streaming.watch import SLACK

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["RelationReport", "StreamReport", "reported", "vacant_in"]

_TABLE_WIDTH = 110


@dataclass(frozen=True)
class RelationReport:
    """One relation over all arrivals.

    Attributes:
        name: of the relation.
        gap: its pooled value, NaN where a group is empty.
        lower, upper: its bounds.
        violation: how far the gap is outside its bounds, >= 0, or NaN.
        dual: the largest dual of its rows, with its sign.
        price: the largest price of its rows: the slow mean of dual / arrivals.
        smallest_weight: the least weight of a group that it compares.
        empty_groups: those that nobody is in so far, such as `sex=Femal`.
    """

    name: str
    gap: float
    lower: float
    upper: float
    violation: float
    dual: float
    price: float
    smallest_weight: float
    empty_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class StreamReport:
    """What `StreamingFairness.report` gives. `print` shows a table.

    Attributes:
        relations: in the order of the text.
        arrivals: how many predictions came.
        moments: arrivals, sums of predictions, of squares, of squared moves; faded where there is a
            half-life.
        outside: by attribute, arrivals with an unknown and with a missing value: they are in no group of it.
        outcomes: how many batches ended in each `Outcome` since this process began.
        waiting: arrivals whose label may still come.
    """

    relations: tuple[RelationReport, ...]
    arrivals: int
    moments: tuple[float, ...]
    outside: dict[str, tuple[float, ...]]
    outcomes: dict[str, int]
    waiting: int = 0

    def __iter__(self) -> Iterator[RelationReport]:
        return iter(self.relations)

    def __getitem__(self, name: str) -> RelationReport:
        for relation in self.relations:
            if relation.name == name:
                return relation
        near = near_names(name, [relation.name for relation in self.relations])
        raise KeyError(f"no relation named {name!r}{near}")

    @property
    def violation(self) -> float:
        """The largest violation; NaN where a relation can't be measured and no other one is violated."""
        largest = max((r.violation for r in self.relations if not math.isnan(r.violation)), default=0.0)
        unknown = not self.arrivals or any(math.isnan(relation.violation) for relation in self.relations)
        return math.nan if unknown and largest <= SLACK else largest

    @property
    def mean_squared_move(self) -> float:
        """By how much predictions were moved, squared, on average."""
        return self.moments[3] / self.moments[0] if self.moments[0] else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values; NaN and infinity become None."""
        plain = _plain(asdict(self))
        return {**plain, "violation": _plain(self.violation), "mean_squared_move": self.mean_squared_move}

    def to_json(self) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def table(self) -> Table:
        """The report as a `rich` table, one line a relation."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title=f"stream of {self.arrivals} arrivals")
        table.add_column("constraint", overflow="fold")
        for heading in ("pooled gap", "bounds", "violation", "dual", "smallest\ngroup"):
            table.add_column(heading, justify="right", no_wrap=True)
        for relation in self.relations:
            table.add_row(
                Text(relation.name),
                _number(relation.gap),
                f"{_bound(relation.lower)} ... {_bound(relation.upper)}",
                Text(_number(relation.violation), style="bold red" if relation.violation > SLACK else ""),
                f"{relation.dual:.4g}",
                f"{relation.smallest_weight:.6g}",
            )
        notes = self._notes()
        table.caption = Text(notes, style="table.caption") if notes else None
        return table

    def __rich__(self) -> Table:
        return self.table()

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=_TABLE_WIDTH, color_system=None)
        with console.capture() as capture:
            console.print(self.table())
        return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())

    def _notes(self) -> str:
        notes = []
        for name, (unknown, missing) in self.outside.items():
            notes += [f"{unknown:.6g} with an unknown value of {name}"] if unknown else []
            notes += [f"{missing:.6g} without a value of {name}"] if missing else []
        text = f"In no group: {', '.join(notes)}. " if notes else ""
        if self.waiting:
            text += f"{self.waiting} wait for their label. "
        return (text + nobody_is_in(vacant_in(self))).strip()


def vacant_in(report: StreamReport) -> list[Vacant]:
    """The relations of a report with groups that nobody is in so far; none before the first arrival."""
    if not report.arrivals:
        return []
    return [
        Vacant(relation.name, relation.empty_groups, not math.isnan(relation.gap))
        for relation in report
        if relation.empty_groups or math.isnan(relation.gap)
    ]


def reported(plan: RowPlan, vector: np.ndarray) -> tuple[RelationReport, ...]:
    """The relations of a plan over all arrivals. Those that speak of a place-holder are left out."""
    parts = StateLayout.of(plan).split(vector)
    rows = PooledSums.of_state(parts).rows(plan)
    used = np.asarray(rows.weights) != 0
    gaps, violations = rows.gaps(np.zeros(0)), rows.relation_violation(np.zeros(0))
    vacant = {each.relation: each.groups for each in vacant_relations(rows)}
    reports = []
    for index, relation in enumerate(plan.relations):
        estimable = bool(rows.estimable[index])
        if names_nobody(relation.text) and not estimable:
            continue
        members = list(relation.rows)
        terms = used[members].any(axis=0)
        reports.append(
            RelationReport(
                name=relation.name,
                gap=float(gaps[index]) if estimable else math.nan,
                lower=float(rows.gap_lower[index]),
                upper=float(rows.gap_upper[index]),
                violation=float(violations[index]) if estimable else math.nan,
                dual=_largest(parts["duals"][members]),
                price=_largest(parts["prices"][members]),
                smallest_weight=float(np.min(parts["weights"][terms], initial=np.inf)),
                empty_groups=tuple(g for g in vacant.get(relation.name, ()) if not names_nobody(g)),
            )
        )
    return tuple(reports)


def _largest(values: np.ndarray) -> float:
    return float(values[np.argmax(np.abs(values))]) if len(values) else 0.0


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.6f}"


def _bound(value: float) -> str:
    return "" if math.isinf(value) or math.isnan(value) else f"{value:.6g}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
