"""Audits, calibration counts, states and rules in Apache Beam pipelines.

    people | beam.CombineGlobally(AuditFn("E[y | sex=F] == E[y | sex=M] +- 0.02"))  ->  one Audit
    people | beam.CombinePerKey(AuditFn(...))                                       ->  one Audit for each key
    people | beam.ParDo(RuleFn(rule))                                               ->  people with decisions

An element holds one person, a dict from column to value, or a piece of the data: a dict of columns, a
DataFrame, or a table or record batch of pyarrow. Pieces are quicker by far; `beam.BatchElements` makes lists
of rows, which are taken too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np

from keras_fair.audit.auditor import Auditor
from keras_fair.audit.result import Audit
from keras_fair.constraints import Constraints
from keras_fair.distributed.pieces import Roles, table_of_rows
from keras_fair.inputs.columns import columns_of
from keras_fair.inputs.domain import DomainLike

__all__ = ["AuditFn", "AuditorFn", "CalibrationFn", "MergeFn", "RuleFn"]

_WAITING = 4096  # rows that wait to be added together


class _SumsFn(beam.CombineFn):
    """Adds people to sums. An accumulator is the sums as bytes, and rows that wait."""

    def __init__(self, blank: Any, roles: Roles) -> None:
        super().__init__()
        self.kind, self.blank, self.roles = type(blank), blank.to_bytes(), roles

    def create_accumulator(self) -> tuple[Any, list[Any]]:
        return self.kind.from_bytes(self.blank), []

    def add_input(self, accumulator: tuple[Any, list[Any]], element: Any) -> tuple[Any, list[Any]]:
        sums, waiting = accumulator
        if _is_row(element, self.roles.y[0]):
            waiting.append(element)
            return self._added(sums, waiting) if len(waiting) >= _WAITING else (sums, waiting)
        piece = table_of_rows(element) if isinstance(element, list) else element
        return sums.add(*self.roles.parts(piece)), waiting

    def merge_accumulators(self, accumulators: Iterable[tuple[Any, list[Any]]]) -> tuple[Any, list[Any]]:
        total = self.kind.from_bytes(self.blank)
        for sums, waiting in accumulators:
            total = total.merge(self._added(sums, waiting)[0])
        return total, []

    def compact(self, accumulator: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        return self._added(*accumulator)

    def extract_output(self, accumulator: tuple[Any, list[Any]]) -> Any:
        return self._added(*accumulator)[0]

    def _added(self, sums: Any, waiting: list[Any]) -> tuple[Any, list[Any]]:
        """The sums with the rows that waited."""
        return (sums.add(*self.roles.parts(table_of_rows(waiting))) if waiting else sums), []


class AuditorFn(_SumsFn):
    """The sums of all people, as a `kf.Auditor` that more can be merged with.

    Args:
        constraints: text, or a parsed `ConstraintSet`.
        y: the column of predictions, or one for each output.
        label, sample_weight: columns, or None.
        settings: of `kf.Auditor`, such as `vocabulary` and `confidence`.

    Raises:
        ConstraintError: the constraints are malformed.
        ValueError: another argument is malformed. Faults of the data stop the pipeline.
    """

    def __init__(
        self,
        constraints: Constraints,
        *,
        y: str | Sequence[str] = "score",
        label: str | None = None,
        sample_weight: str | None = None,
        **settings: Any,
    ) -> None:
        roles = Roles.of(y, label, sample_weight)
        super().__init__(Auditor(constraints, **{"outputs": roles.outputs, **settings}), roles)


class AuditFn(AuditorFn):
    """An `Audit` of all people; arguments and errors as of `AuditorFn`. Without people it fails."""

    def extract_output(self, accumulator: tuple[Any, list[Any]]) -> Audit:
        return super().extract_output(accumulator).result()


class CalibrationFn(_SumsFn):
    """Calibration people as counts, a `CalibrationSums`; its `fit(rule)` fits a rule on them.

    Args:
        constraints: those of the rule.
        scores: the column of scores.
        label, sample_weight: columns, or None.
        domain, bins: see `CalibrationSums`.
    """

    def __init__(
        self,
        constraints: Constraints,
        *,
        scores: str = "score",
        label: str | None = None,
        sample_weight: str | None = None,
        domain: DomainLike = (0.0, 1.0),
        bins: int | None = None,
    ) -> None:
        from keras_fair.postprocessing.calibration_sums import CalibrationSums

        blank = CalibrationSums(constraints, domain=domain, bins=bins)
        super().__init__(blank, Roles.of(scores, label, sample_weight))


class MergeFn(beam.CombineFn):
    """Merges sums: those of audits, metrics, monitors or streams.

    Elements are such sums, or the bytes that `to_bytes` gave. The output is the sums of all, or None where
    there are none.

    Args:
        kind: their class, such as `Auditor` or `StreamState`.
    """

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def create_accumulator(self) -> Any:
        return None

    def add_input(self, total: Any, element: Any) -> Any:
        if element is None:
            return total
        if total is not None and isinstance(element, self.kind):
            return total.merge(element)
        # What is merged into is a copy: elements are never changed.
        packed = element.to_bytes() if isinstance(element, self.kind) else element
        sums = self.kind.from_bytes(packed)
        return sums if total is None else total.merge(sums)

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        total = self.create_accumulator()
        for sums in accumulators:
            total = self.add_input(total, sums)
        return total

    def extract_output(self, total: Any) -> Any:
        return total


class RuleFn(beam.DoFn):
    """Gives people what a rule gives them: a new column, or for a row a new key.

    Args:
        rule: a `FrozenFairness` that was fitted. Workers load it once.
        scores: the column of scores.
        columns: the column of each attribute, where it has another name.
        output: `"decision"`, the default of a rule for decisions, or `"score"`.
        into: the name of what is new; default: `accepted` for decisions, `fair` for scores.
        ids: the column of who people are, where the rule draws lots.

    Returns:
        Elements of the form that came: rows, lists of rows, dicts of columns, DataFrames, tables.

    Raises:
        ValueError: an argument does not fit the rule. A person whom the rule refuses stops the pipeline.
    """

    def __init__(
        self,
        rule: Any,
        *,
        scores: str = "score",
        columns: Mapping[str, str] | None = None,
        output: str | None = None,
        into: str | None = None,
        ids: str | None = None,
    ) -> None:
        super().__init__()
        self.decides = rule.meaning.gives_decisions(output)
        self.document, self.scores, self.ids = rule.to_json(), scores, ids
        self.columns = {name: (columns or {}).get(name, name) for name in rule.attributes}
        self.into = ("accepted" if self.decides else "fair") if into is None else into
        self._rule: Any = None

    def setup(self) -> None:
        from keras_fair.postprocessing.frozen_fairness import FrozenFairness

        self._rule = FrozenFairness.from_json(self.document)

    def process(self, element: Any) -> Iterator[Any]:
        if _is_row(element, self.scores):
            yield {**element, self.into: self._given([element])[0].item()}
        elif isinstance(element, list):
            given = self._given(element).tolist() if element else []
            yield [{**row, self.into: each} for row, each in zip(element, given, strict=True)]
        else:
            yield _with_column(element, self.into, self._given(element))

    def _given(self, people: Any) -> np.ndarray:
        """What the rule gives, `(n,)`."""
        columns = table_of_rows(people) if isinstance(people, list) else columns_of(people)
        Roles((self.scores,), None, self.ids).wanted(self.columns.values(), list(columns))
        attributes = {name: columns[column] for name, column in self.columns.items()}
        call = self._rule.decide if self.decides else self._rule
        ids = None if self.ids is None else columns[self.ids]
        return np.asarray(call(columns[self.scores], attributes, ids=ids)).reshape(-1)


def _is_row(element: Any, name: str) -> bool:
    """Whether an element is one person: a dict whose score is a number."""
    if not isinstance(element, Mapping):
        return False
    score = element.get(name)
    return score is None or np.ndim(score) == 0


def _with_column(piece: Any, name: str, values: np.ndarray) -> Any:
    """A piece with one column more; the piece itself stays as it is."""
    if isinstance(piece, Mapping):
        return {**piece, name: values}
    if hasattr(piece, "append_column"):  # pyarrow
        return piece.append_column(name, [values] if hasattr(piece, "combine_chunks") else values)
    if hasattr(piece, "with_columns"):  # polars
        import polars

        return piece.with_columns(polars.Series(name, values))
    return piece.assign(**{name: values})
