"""What a stream warns of once: arrivals with values outside the vocabulary, groups that nobody came into,
labels coded other than 0 and 1.

Neither is an error in service: a person is answered whatever a form holds. Neither may pass in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keras_fair.constraints import ConstraintSet
from keras_fair.errors import near_names, quoted
from keras_fair.inputs.columns import columns_of, is_matrix, read_column
from keras_fair.language.functions import Ends
from keras_fair.rows.nobody import nobody_is_in
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.sample_doubts import doubts_about_labels, label_extent
from keras_fair.streaming.report import StreamReport, vacant_in

__all__ = ["MANY", "Strangers"]

MANY = 1000  # arrivals, after which a group that nobody has come into is worth a warning


class Strangers:
    """Remembers what was said.

    Args:
        outside: by attribute, how many arrivals had an unknown value before this process, and a missing one.
        arrivals: before this process.
    """

    def __init__(self, outside: Mapping[str, tuple[float, ...]], arrivals: int) -> None:
        self._unknown = {name for name, (unknown, _) in outside.items() if unknown}
        self._looked, self._doubted = arrivals >= MANY, False

    def labels(self, constraints: ConstraintSet, domain: Ends, label: Any) -> Iterator[str]:
        """A sentence about the first labels that are probably codes; only the first arrivals are looked at.

        Args:
            constraints: that use the label.
            domain: between which values predictions lie.
            label: `(n,)`, of the last batch.
        """
        if self._doubted or self._looked or label is None or not constraints.uses_label:
            return
        for doubt in doubts_about_labels(constraints, label_extent(label), domain):
            self._doubted = True
            yield doubt

    def due(self, arrivals: int) -> bool:
        """Whether it is time to look for groups that nobody came into."""
        return not self._looked and arrivals >= MANY

    def unknown(self, plan: RowPlan, counts: Mapping[str, float], attributes: Any) -> Iterator[str]:
        """A sentence for each attribute that has an unknown value for the first time.

        Args:
            plan: the constraints.
            counts: by attribute, arrivals with an unknown value.
            attributes: the columns of the last batch, or None where they are not at hand.
        """
        for name, count in counts.items():
            if count and name not in self._unknown:
                self._unknown.add(name)
                known = plan.vocabulary.listed(name) or ()
                values = [value for value in _values(attributes, name) if value not in known]
                received = f" Received {quoted(values[0])}{near_names(values[0], known)}" if values else ""
                yield (
                    f"whoever has a value of {name} outside the vocabulary is in no group of it and is "
                    f"answered as if {name} did not matter; `report()` counts them.{received}"
                )

    def vacant(self, plan: RowPlan, report: StreamReport, attributes: Any) -> Iterator[str]:
        """A sentence about relations that still can't be measured; arguments as in `unknown`."""
        self._looked = True
        vacant = [each for each in vacant_in(report) if not each.measured]
        if not vacant:
            return
        sentence = nobody_is_in(vacant)
        for name in plan.attributes:
            here = _values(attributes, name) if plan.vocabulary.is_open(name) else ()
            absent = [value for value in plan.vocabulary.listed(name) or () if value not in here]
            if here and absent:
                sentence += f" In this batch no {name} is {quoted(absent[0])}{near_names(absent[0], here)}"
        yield sentence


def _values(attributes: Any, name: str) -> tuple[Any, ...]:
    """The values of a column of groups that are certain; none where it is not at hand."""
    columns = {} if attributes is None else columns_of(attributes)
    column = columns.get(name)
    if column is None or is_matrix(column) or isinstance(column, Mapping):
        return ()
    return tuple(read_column(column, f"attribute {quoted(name)}").distinct())
