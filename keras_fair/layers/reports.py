"""After a batch is projected: faults stop it, a missed row gives a warning, and everything is recorded."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from keras_fair.inputs.arrays import concrete
from keras_fair.layers.checks import (
    Check,
    all_fine,
    check_missing_codes,
    check_unknown_numbers,
    graph_checks,
    holds_codes,
)
from keras_fair.layers.guard import compiles_with_xla, guard, guard_eagerly
from keras_fair.layers.record import RecordWeight
from keras_fair.ops import Domain, Outcome
from keras_fair.rows.plan import RowPlan

__all__ = ["Ended", "Reports", "Seen", "nobody_in"]


class Seen(Protocol):
    """What was measured on a batch: which rows could be, and who could not be read."""

    @property
    def active(self) -> Any: ...
    @property
    def unknown(self) -> Mapping[str, Any]: ...
    @property
    def missing(self) -> Mapping[str, Any]: ...


class Ended(Protocol):
    """How a batch ended: an `Outcome` as () int, and the violation of each row."""

    @property
    def outcome(self) -> Any: ...
    @property
    def violation(self) -> Any: ...


class Reports:
    """The reports of one layer.

    Args:
        name: of the layer.
        plan: its constraints.
        domain: of its predictions.
        refuse_unknown: whether a value outside the vocabulary is an error.
        literal: whether there is no vocabulary, so that a misspelt value in the constraints is not noticed.
        record: where batches are recorded.
    """

    def __init__(
        self,
        name: str,
        plan: RowPlan,
        domain: Domain,
        *,
        refuse_unknown: bool,
        literal: bool,
        record: RecordWeight,
    ) -> None:
        self.name, self.plan, self.domain = name, plan, domain
        self.refuse_unknown, self.literal, self.record = refuse_unknown, literal, record
        self._warned: set[Outcome] = set()
        self._warned_inactive = False

    def add(
        self,
        y: Any,
        columns: Mapping[str, Any],
        rows: Seen,
        projection: Ended,
        weight: Any = None,
        label: Any = None,
    ) -> None:
        """Add one batch.

        Args:
            y: predictions before the projection.
            columns: encoded columns, as received.
            rows: of the batch.
            projection: onto them, or how the batch ended otherwise.
            weight: `(n,)` weights of the samples where they are used, or None.
            label: `(n,)` as received, or None.

        Raises:
            ConstraintTypeError: outside a graph, where a number is outside the vocabulary.
        """
        fine = None

        def checks() -> list[Check]:
            return graph_checks(
                y,
                self.domain,
                self.plan,
                rows,
                columns,
                weight,
                label=label,
                refuse_unknown=self.refuse_unknown,
            )

        if concrete(y) is not None:
            if self.refuse_unknown:
                check_unknown_numbers(self.plan, rows, columns)
            check_missing_codes(self.plan, rows)
            guard_eagerly(self.name, checks)
            self._warn(Outcome(int(projection.outcome)))
            self._warn_of_inactive(concrete(rows.active), columns)
        elif compiles_with_xla():
            fine = all_fine(checks())
        else:
            guard(self.name, checks(), projection.outcome, self.record.seen(projection.outcome))
        self.record.add(projection, rows.active, fine)

    def _warn(self, outcome: Outcome) -> None:
        if outcome is not Outcome.SOLVED and outcome not in self._warned:
            self._warned.add(outcome)
            warnings.warn(f"{self.name}: at least one batch: {outcome.message}", stacklevel=6)

    def _warn_of_inactive(self, active: np.ndarray | None, columns: Mapping[str, Any]) -> None:
        """Warn once, outside a graph, of empty groups in a batch with values that no constraint names."""
        if not self.literal or active is None or active.all() or self._warned_inactive:
            return
        sizes = {name: len(values or ()) for name, values in self.plan.vocabulary.values.items()}
        coded = [name for name, column in columns.items() if holds_codes(self.plan, name, column)]
        if any(np.any(concrete(columns[name]) == sizes[name]) for name in coded):
            self._warned_inactive = True
            names = [name for name, there in zip(self.plan.names, active, strict=True) if not there]
            warnings.warn(f"{self.name}: in at least one batch {nobody_in(names)}", stacklevel=6)


def nobody_in(rows: Sequence[str]) -> str:
    """The message for rows whose groups are empty: a misspelt value must not look like a constraint that
    holds."""
    return (
        f"nobody belonged to the groups of {', '.join(map(repr, rows[:5]))}"
        f"{' and others' if len(rows) > 5 else ''}: nothing was enforced there. Check the spelling of "
        "values, or call adapt with the data first: it refuses values that do not occur"
    )
