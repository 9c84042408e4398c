"""Labels that come later: which arrivals wait for one, and what the true label changes.

An arrival without a label counts with a probability instead. What it added to the sums is linear in that
probability, so the true label takes its place by adding the difference. Waiting arrivals are kept in their
order. When the window is full, the oldest leave it and keep their probability.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.inputs.columns import is_matrix, read_column
from keras_fair.inputs.predictions import length_of
from keras_fair.ops.stream.noise import spread_sums
from keras_fair.ops.stream.pooled import PooledSums
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.arrivals import label_in_conditions
from keras_fair.streaming.plan_step import Batch

__all__ = ["Waiting", "difference"]

Entry = dict[str, Any]


class Waiting:
    """The arrivals that wait for their label.

    Args:
        window: how many at most.
        entries: those of a saved state.
    """

    def __init__(self, window: int, entries: Sequence[Entry] = ()) -> None:
        self.window = window
        self._entries: dict[str, Entry] = {entry["id"]: dict(entry) for entry in entries}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All waiting arrivals, the oldest first."""
        return tuple(self._entries.values())

    def entries_of(self, plan: RowPlan, arrivals: Any, batch: Batch) -> list[Entry]:
        """Entries for arrivals that are about to be projected.

        Raises:
            ValueError: the constraints need no label, an id waits already, or an attribute is no plain
                column.
        """
        if not plan.uses_label:
            raise ValueError("expected ids only where a constraint uses the label, received ids")
        made = []
        columns = {}
        for name in plan.attributes:
            column = arrivals.attributes[name]
            if is_matrix(column) or isinstance(column, Mapping) or length_of(column) != len(batch.r):
                raise ValueError(f"expected attribute {name!r} to hold one value for each of ids")
            columns[name] = read_column(column, f"attribute {name!r}").entries()
        label = np.zeros(0) if batch.label is None else batch.label
        for place, one in enumerate(arrivals.ids):
            if str(one) in self._entries:
                raise ValueError(f"expected ids that do not wait for a label already, received {one!r}")
            made.append(
                {
                    "id": str(one),
                    "attributes": {name: entries[place] for name, entries in columns.items()},
                    "label": float(label[place]),
                    "weight": 1.0 if batch.weight is None else float(batch.weight[place]),
                }
            )
        return made

    def add(self, entries: list[Entry], y: np.ndarray, arrivals: int) -> None:
        """Let them wait, with the predictions that they got."""
        for entry, prediction in zip(entries, y.tolist(), strict=True):
            self._entries[entry["id"]] = {**entry, "y": prediction, "arrivals": arrivals}
        for old in list(self._entries)[: max(len(self._entries) - self.window, 0)]:
            del self._entries[old]

    def labelled(self, ids: Sequence[Any], labels: Any, plan: RowPlan) -> tuple[list[Entry], np.ndarray]:
        """The arrivals of these ids that still wait, and their labels.

        Raises:
            ValueError: ids and labels differ in length, or a label does not fit.
        """
        names = [str(one) for one in np.asarray(ids).reshape(-1).tolist()]
        if isinstance(labels, np.ma.MaskedArray) and np.ma.getmaskarray(labels).any():
            raise ValueError("expected labels without masked values, received some that are masked")
        values = np.asarray(labels).reshape(-1)
        if len(names) != len(values):
            raise ValueError(f"expected one label for each of ids, received {len(values)} for {len(names)}")
        numbers = np.asarray(plan.vocabulary.encode_label(values))
        if numbers.dtype.kind not in "fiub" or not np.all(np.isfinite(numbers)):
            raise ValueError(
                "expected labels to be finite numbers or values of the vocabulary, received others"
            )
        if plan.binary_label and label_in_conditions(plan) and not np.isin(numbers, (0, 1)).all():
            raise ValueError(f"expected labels that are 0 or 1, received {sorted(set(numbers.tolist()))[:5]}")
        kept = [
            (self._entries[name], number)
            for name, number in zip(names, numbers, strict=True)
            if name in self._entries
        ]
        return [entry for entry, _ in kept], np.array([number for _, number in kept], dtype=numbers.dtype)

    def remove(self, entries: list[Entry]) -> None:
        """Take away arrivals that have their label."""
        for entry in entries:
            self._entries.pop(entry["id"], None)


def difference(
    plan: RowPlan, entries: list[Entry], labels: np.ndarray, arrivals: int, half_life: float
) -> dict[str, np.ndarray]:
    """What the true labels change in the sums, by part of the state.

    Args:
        plan: the lowered constraints.
        entries: the arrivals that waited.
        labels: `(k,)` their true labels.
        arrivals: how many came by now; with `half_life` it says how far each entry has faded.
    """
    if not entries:
        return {}
    y = np.array([entry["y"] for entry in entries], dtype="float64")
    columns = {name: [entry["attributes"][name] for entry in entries] for name in plan.attributes}
    encoded, _ = plan.encode(columns)
    weight = np.array([entry["weight"] for entry in entries])
    if math.isfinite(half_life):
        ages = np.array([arrivals - entry["arrivals"] for entry in entries])
        weight = weight * 0.5 ** (ages / half_life)
    stood_in = np.array([entry["label"] for entry in entries])
    was = plan.measure(encoded, stood_in, weight, size=len(y), fractional_label=plan.binary_label)
    now = plan.measure(encoded, labels, weight, size=len(y), fractional_label=False)
    before, after = spread_sums(plan, was, y), spread_sums(plan, now, y)
    return {
        **vars(PooledSums.of(now, y).plus(PooledSums.of(was, y), times=-1.0)),
        **{name: np.asarray(part - before[name]) for name, part in after.items()},
    }
