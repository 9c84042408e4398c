"""What a stream has seen, by name: the form that is saved, merged, and carried over to more values.

A step works on a vector (`keras_fair.ops.stream.state_vector`), whose places depend on the values that are
known. Here each number stands under the text of what it measures, so that it means the same in another
process, and after a new value has arrived."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from keras_fair.ops.stream.state_vector import StateLayout
from keras_fair.rows.plan import RowPlan

__all__ = ["StreamState"]

_TERM = ("sums", "weights", "reach")
_CONSTANT = ("constant_sums", "constant_weights")
_ROW = ("prices", "duals")
_OUTSIDE = ("unknown", "missing")


@dataclass(frozen=True)
class StreamState:
    """Everything that decides what a stream does next.

    Attributes:
        constraints: canonical text.
        domain: `"simplex"`, or `[low, high]`.
        outputs: number of outputs.
        vocabulary: what `Vocabulary.get_config` gives.
        arrivals: how many predictions came, never faded.
        moments: arrivals, sums of predictions, of their squares, and of squared moves; faded.
        terms: by text, the sum, the weight, and the sum of absolute coefficients.
        constants: by text, the sum and the weight.
        rows: by name, the price and the dual.
        outside: by attribute, how many arrivals had an unknown and a missing value.
        waiting: arrivals whose label may still be told, see `keras_fair.streaming.delayed`.
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
        """The numbers in the places that a plan gives them; 0 for what it knows and the state does not."""
        parts = StateLayout.of(plan).parts
        found = np.zeros(parts["duals"].stop)
        found[parts["moments"]] = self.moments
        for names, keys, known in _groups(plan, self):
            table = np.array([known.get(key, (0.0,) * len(names)) for key in keys], dtype="float64")
            for place, name in enumerate(names):
                found[parts[name]] = table[:, place] if len(keys) else 0.0
        return found

    def with_vector(self, plan: RowPlan, vector: np.ndarray, arrivals: int) -> StreamState:
        """The state after steps under this plan. What the plan does not know stays as it is."""
        parts = StateLayout.of(plan).split(np.asarray(vector, dtype="float64"))
        changed = []
        for names, keys, known in _groups(plan, self):
            columns = np.stack([parts[name] for name in names], axis=1)
            changed.append(
                {**known, **{k: tuple(row) for k, row in zip(keys, columns.tolist(), strict=True)}}
            )
        terms, constants, rows, outside = changed
        return replace(
            self,
            arrivals=arrivals,
            moments=tuple(parts["moments"].tolist()),
            terms=terms,
            constants=constants,
            rows=rows,
            outside=outside,
        )

    def merged(self, other: StreamState) -> StreamState:
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
            vocabulary=_joined_vocabulary(self.vocabulary, other.vocabulary),
            arrivals=self.arrivals + other.arrivals,
            moments=_added(self.moments, other.moments),
            terms=_all_added(self.terms, other.terms),
            constants=_all_added(self.constants, other.constants),
            rows={
                name: _averaged(self.rows.get(name), other.rows.get(name), counts)
                for name in {**self.rows, **other.rows}
            },
            outside=_all_added(self.outside, other.outside),
            # Each goes on fading by the arrivals of its own stream.
            waiting=(*_later(self.waiting, other.arrivals), *_later(other.waiting, self.arrivals)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "constraints": self.constraints,
            "domain": self.domain,
            "outputs": self.outputs,
            "vocabulary": self.vocabulary,
            "arrivals": self.arrivals,
            "moments": list(self.moments),
            **{name: _lists(getattr(self, name)) for name in ("terms", "constants", "rows", "outside")},
            "waiting": list(self.waiting),
        }

    @classmethod
    def from_dict(cls, given: Any) -> StreamState:
        """The state that `to_dict` gave.

        Raises:
            ValueError: something is lacking, or is not what it should be.
        """
        if not isinstance(given, Mapping):
            raise ValueError(f"expected a state as an object, found {type(given).__name__}")
        expected = {
            "constraints": str,
            "outputs": int,
            "vocabulary": dict,
            "arrivals": int,
            "moments": list,
            **dict.fromkeys(("terms", "constants", "rows", "outside"), dict),
            "waiting": list,
        }
        for name, kind in expected.items():
            if not isinstance(given.get(name), kind):
                raise ValueError(
                    f"expected {name!r} to be of type {kind.__name__}, found {given.get(name)!r:.60}"
                )
        lengths = {"terms": 3, "constants": 2, "rows": 2, "outside": 2}
        tables = {name: _numbers(name, given[name], length) for name, length in lengths.items()}
        moments = _numbers("moments", {"moments": given["moments"]}, 4)["moments"]
        return cls(
            constraints=given["constraints"],
            domain=given.get("domain"),
            outputs=given["outputs"],
            vocabulary=given["vocabulary"],
            arrivals=given["arrivals"],
            moments=moments,
            waiting=tuple(given["waiting"]),
            **tables,
        )


def _groups(plan: RowPlan, state: StreamState) -> list[tuple[tuple[str, ...], tuple[str, ...], dict]]:
    """The parts that are kept under the same keys, these keys, and what the state has under them."""
    return [
        (_TERM, plan.term_keys, state.terms),
        (_CONSTANT, plan.constant_keys, state.constants),
        (_ROW, plan.names, state.rows),
        (_OUTSIDE, plan.attributes, state.outside),
    ]


def _added(left: tuple[float, ...], right: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _all_added(left: dict[str, tuple], right: dict[str, tuple]) -> dict[str, tuple]:
    """Sums by key; a key that one of them lacks counts nothing there."""
    both = {**left, **right}
    return {key: _added(left[key], right[key]) if key in left and key in right else both[key] for key in both}


def _averaged(left: tuple | None, right: tuple | None, counts: tuple[float, float]) -> tuple[float, ...]:
    """The price of a row in both streams, by arrivals, and the sum of its duals, which grow with them."""
    left, right = left or (0.0, 0.0), right or (0.0, 0.0)
    total = max(sum(counts), 1.0)
    return ((left[0] * counts[0] + right[0] * counts[1]) / total, left[1] + right[1])


def _later(waiting: tuple[dict[str, Any], ...], arrivals: int) -> list[dict[str, Any]]:
    return [{**entry, "arrivals": entry["arrivals"] + arrivals} for entry in waiting]


def _joined_vocabulary(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    if left["missing"] != right["missing"]:
        raise ValueError(
            "expected states with the same policy for missing values to merge, "
            f"received {left['missing']!r} and {right['missing']!r}"
        )
    values = dict(left["values"])
    for name, found in right["values"].items():
        mine = values.get(name, found)
        values[name] = None if mine is None or found is None else _union(mine, found)
    labels = [known for known in (left["label"], right["label"]) if known is not None]
    return {"values": values, "label": _union(*labels) if labels else None, "missing": left["missing"]}


def _union(*lists: list[Any]) -> list[Any]:
    return list(dict.fromkeys(value for values in lists for value in values))


def _lists(table: dict[str, tuple[float, ...]]) -> dict[str, list[float]]:
    return {key: list(numbers) for key, numbers in table.items()}


def _numbers(name: str, table: dict[str, Any], length: int) -> dict[str, tuple[float, ...]]:
    """Entries as tuples of finite numbers."""
    for key, numbers in table.items():
        fine = isinstance(numbers, list) and len(numbers) == length
        if not fine or not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
            raise ValueError(
                f"expected {length} finite numbers under {name!r}, {key!r}, found {numbers!r:.60}"
            )
    return {key: tuple(float(n) for n in numbers) for key, numbers in table.items()}
