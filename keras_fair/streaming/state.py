"""What a stream has seen, by name: the form that is saved, merged, and carried over to more values.

A step works on a vector (`keras_fair.ops.stream.state_vector`), whose places depend on the values that have
arrived. Here each number stands under the text of what it measures, so that it means the same in another
process, and after a new value has arrived. The class follows `keras_fair.sums.MergeableSums`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.constraints import parse
from keras_fair.inputs.domain import check_domain
from keras_fair.ops.stream.noise import spread_sums
from keras_fair.ops.stream.pooled import PooledSums
from keras_fair.ops.stream.state_vector import SPREADS, StateLayout
from keras_fair.packing import SumsError, pack, unpack
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.arrivals import Arrivals
from keras_fair.streaming.learnt_values import LearntValues
from keras_fair.streaming.merging import (
    added,
    added_tables,
    averaged_row,
    joined_vocabulary,
    later,
    whole_entries,
)
from keras_fair.streaming.plans import plan_of
from keras_fair.streaming.report import StreamReport, reported
from keras_fair.streaming.state_fields import checked_fields
from keras_fair.streaming.stream_settings import domain_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["StreamState", "checked"]

# The tables of a state, and the parts of the vector that each has under one key.
_TABLES = {
    "terms": ("sums", "weights", *SPREADS),
    "constants": ("constant_sums", "constant_weights"),
    "rows": ("prices", "duals"),
    "outside": ("unknown", "missing"),
}


@dataclass(frozen=True)
class StreamState:
    """Everything that decides what a stream does next. Frozen: what adds or merges returns a new state.

    Attributes:
        constraints: canonical text.
        domain: `"simplex"`, or `[low, high]`.
        outputs: number of outputs.
        vocabulary: what `Vocabulary.get_config` gives.
        arrivals: how many predictions came, never faded.
        moments: arrivals, sums of predictions, of their squares, and of squared moves; faded.
        terms: by text, the sum and the weight, and what says its size and spread, see
            `keras_fair.ops.stream.noise.spread_sums`.
        constants: by text, the sum and the weight.
        rows: by name, the price and the dual.
        outside: by attribute, how many arrivals had an unknown and a missing value.
        waiting: arrivals whose label may still come, see `keras_fair.streaming.delayed`.
    """

    constraints: str
    domain: Any
    outputs: int
    vocabulary: dict[str, Any]
    arrivals: int = 0
    moments: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    terms: dict[str, tuple[float, ...]] = field(default_factory=dict)
    constants: dict[str, tuple[float, ...]] = field(default_factory=dict)
    rows: dict[str, tuple[float, ...]] = field(default_factory=dict)
    outside: dict[str, tuple[float, ...]] = field(default_factory=dict)
    waiting: tuple[dict[str, Any], ...] = ()

    def vector(self, plan: RowPlan) -> np.ndarray:
        """The numbers in the places that a plan gives them; 0 for what only the plan has."""
        layout = StateLayout.of(plan)
        vector = np.zeros(layout.size)
        vector[layout.parts["moments"]] = self.moments
        for name, keys in _keys(plan).items():
            table = getattr(self, name)
            for place, part in enumerate(_TABLES[name]):
                vector[layout.parts[part]] = [table[key][place] if key in table else 0.0 for key in keys]
        return vector

    def with_vector(self, plan: RowPlan, vector: np.ndarray, arrivals: int) -> StreamState:
        """The state after steps under this plan. What only the state has stays as it is."""
        parts = StateLayout.of(plan).split(np.asarray(vector, dtype="float64"))
        tables: dict[str, Any] = {}
        for name, keys in _keys(plan).items():
            rows = zip(*(parts[part].tolist() for part in _TABLES[name]), strict=True)
            tables[name] = {**getattr(self, name), **dict(zip(keys, rows, strict=True))}
        return replace(self, arrivals=arrivals, moments=tuple(parts["moments"].tolist()), **tables)

    def add(
        self, y: Any, attributes: Any = None, label: Any = None, sample_weight: Any = None
    ) -> StreamState:
        """Count predictions as they are, such as those that left before the stream began.

        No prediction is moved, and prices and duals stay. A value that the state has not seen is learnt where
        the constraints enumerate the attribute. Nothing fades.

        Args:
            y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions in the domain.
            attributes: dict of columns `(n,)`, or a DataFrame.
            label: `(n,)` labels, or probabilities of 1; default: the predictions stand in.
            sample_weight: `(n,)` weights of the statistics, >= 0.

        Raises:
            ConstraintError, ValueError: the samples do not fit.
        """
        arrivals = Arrivals.read(
            y, attributes, label, sample_weight, None, check_domain(domain_of(self.domain)), self.outputs
        )
        n = len(arrivals.y)
        if not n:
            return self
        values = self._values()
        values.learn(attributes, arrivals.certain_label)
        plan = self._plan(values)
        batch = arrivals.batch(plan)
        fractional = batch.label is not None and batch.label.dtype.kind == "f"
        measured = plan.measure(batch.columns, batch.label, batch.weight, size=n, fractional_label=fractional)
        change = {
            **vars(PooledSums.of(measured, batch.r)),
            **{name: np.asarray(part) for name, part in spread_sums(plan, measured, batch.r).items()},
            "moments": [n, np.sum(batch.r), np.sum(np.square(batch.r)), 0.0],
            "unknown": [float(measured.unknown.get(name, 0)) for name in plan.attributes],
            "missing": [float(measured.missing.get(name, 0)) for name in plan.attributes],
        }
        vector = StateLayout.of(plan).with_change(self.vector(plan), change)
        return replace(self, vocabulary=values.config).with_vector(plan, vector, self.arrivals + n)

    def merge(self, other: StreamState) -> StreamState:
        """The state of both streams together: sums add up, prices are averaged over the arrivals.

        Raises:
            ValueError: they are of different constraints, domains or numbers of outputs.
        """
        for name in ("constraints", "domain", "outputs"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise ValueError(
                    f"expected states of the same {name} to merge, received {mine!r} and {theirs!r}"
                )
        twice = {entry["id"] for entry in self.waiting} & {entry["id"] for entry in other.waiting}
        if twice:
            raise ValueError(
                "expected ids that wait for a label in one of the streams only, received "
                f"{sorted(twice)[0]!r} in both"
            )
        counts = (self.moments[0], other.moments[0])
        return replace(
            self,
            vocabulary=joined_vocabulary(self.vocabulary, other.vocabulary),
            arrivals=self.arrivals + other.arrivals,
            moments=added(self.moments, other.moments),
            terms=added_tables(self.terms, other.terms),
            constants=added_tables(self.constants, other.constants),
            rows={
                name: averaged_row(self.rows.get(name), other.rows.get(name), counts)
                for name in {**self.rows, **other.rows}
            },
            outside=added_tables(self.outside, other.outside),
            # Each goes on fading by the arrivals of its own stream.
            waiting=(*later(self.waiting, other.arrivals), *later(other.waiting, self.arrivals)),
        )

    def result(self) -> StreamReport:
        """Pooled gaps, violations, duals and arrivals. Before the first arrival there are no relations."""
        return self.report(self._plan(self._values()) if self.arrivals else None)

    def report(self, plan: RowPlan | None, outcomes: Mapping[str, int] | None = None) -> StreamReport:
        """The report, under a plan for the values of this state.

        Args:
            plan: the lowered constraints; None where no value has arrived yet.
            outcomes: how many batches ended in each `Outcome`.
        """
        return StreamReport(
            relations=() if plan is None else reported(plan, self.vector(plan)),
            arrivals=self.arrivals,
            moments=self.moments,
            outside=dict(self.outside),
            outcomes=dict(outcomes or {}),
            waiting=len(self.waiting),
        )

    def to_bytes(self) -> bytes:
        """The state, for another process."""
        return pack("StreamState", self.to_dict())

    @classmethod
    def from_bytes(cls, packed: Buffer) -> StreamState:
        """The state that `to_bytes` gave.

        Raises:
            SumsError: the bytes are damaged, or of something else.
        """
        values, _ = unpack("StreamState", packed)
        try:
            return cls.from_dict(values)
        except ValueError as fault:
            raise SumsError(f"expected the bytes of a stream's state, received others: {fault}") from fault

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **vars(self),
            "moments": list(self.moments),
            **{name: _lists(getattr(self, name)) for name in _TABLES},
            "waiting": list(self.waiting),
        }

    @classmethod
    def from_dict(cls, entries: Any) -> StreamState:
        """The state that `to_dict` gave.

        Raises:
            ValueError: a field is lacking, or holds what no stream writes; it is named.
        """
        lengths = {name: len(parts) for name, parts in _TABLES.items()}
        return cls(**checked_fields(whole_entries(entries), lengths))

    def _values(self) -> LearntValues:
        return LearntValues(parse(self.constraints), None, self.vocabulary)

    def _plan(self, values: LearntValues) -> RowPlan:
        domain = check_domain(domain_of(self.domain))
        return plan_of(parse(self.constraints), values.vocabulary, self.outputs, domain)


def checked(state: StreamState, expected: StreamState) -> StreamState:
    """The state, if it is of the same constraints, domain and outputs.

    Raises:
        ValueError: it is not.
    """
    for name in ("constraints", "domain", "outputs"):
        saved, wanted = getattr(state, name), getattr(expected, name)
        if saved != wanted:
            raise ValueError(f"the state is of other {name}: expected {wanted!r}, found {saved!r}")
    return state


def _keys(plan: RowPlan) -> dict[str, tuple[str, ...]]:
    """The keys that a plan has in each table, in the order of the vector."""
    return {
        "terms": plan.term_keys,
        "constants": plan.constant_keys,
        "rows": plan.names,
        "outside": plan.attributes,
    }


def _lists(table: dict[str, tuple[float, ...]]) -> dict[str, list[float]]:
    return {key: list(numbers) for key, numbers in table.items()}
