"""Audits, calibration counts, states and rules on Apache Spark.

Workers add their partition up and hand on bytes; these are merged in a tree, and the driver merges the last
few. Partitions come as batches of Arrow, so nothing is copied row by row. keras_fair has to be installed on
the workers, with pyarrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from keras_fair.audit.auditor import Auditor
from keras_fair.audit.result import Audit
from keras_fair.constraints import Constraints, parse
from keras_fair.distributed.pieces import ROWS, Roles, larger_pieces
from keras_fair.inputs.domain import DomainLike

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from keras_fair.postprocessing.calibration_sums import CalibrationSums
    from keras_fair.postprocessing.frozen_fairness import FrozenFairness

__all__ = ["apply", "audit", "auditor", "auditor_of_files", "calibration", "merged"]

_Sums = TypeVar("_Sums")

MERGED_IN = 8


def audit(
    frame: DataFrame,
    constraints: Constraints,
    *,
    y: str | Sequence[str] = "score",
    label: str | None = None,
    sample_weight: str | None = None,
    merge_in: int = MERGED_IN,
    **settings: Any,
) -> Audit:
    """Audit the people of a DataFrame: `auditor(...).result()`.

    Args:
        frame: one row for each person.
        constraints: text, or a parsed `ConstraintSet`.
        y: the column of predictions, or one for each output.
        label, sample_weight: columns, or None.
        merge_in: see `merged`.
        settings: of `kf.Auditor`, such as `vocabulary` and `confidence`.

    Returns:
        The `Audit` of all rows, equal to that of `kf.audit` to rounding.

    Raises:
        ConstraintError: the constraints are malformed, or the data give them no meaning.
        ValueError: a column is not there, or the DataFrame is empty. Faults of values stop the job.
    """
    found = auditor(
        frame, constraints, y=y, label=label, sample_weight=sample_weight, merge_in=merge_in, **settings
    )
    return found.result()


def auditor(
    frame: DataFrame,
    constraints: Constraints,
    *,
    y: str | Sequence[str] = "score",
    label: str | None = None,
    sample_weight: str | None = None,
    merge_in: int = MERGED_IN,
    **settings: Any,
) -> Auditor:
    """The sums of the people of a DataFrame, as an `Auditor` that more can be added to and merged with.

    Arguments and errors are those of `audit`.
    """
    roles = Roles.of(y, label, sample_weight)
    blank = Auditor(constraints, **{"outputs": roles.outputs, **settings})
    return _summed(frame, blank, roles, blank.constraints.attributes, merge_in)


def auditor_of_files(
    session: SparkSession,
    files: Sequence[str],
    constraints: Constraints,
    *,
    y: str | Sequence[str] = "score",
    label: str | None = None,
    sample_weight: str | None = None,
    merge_in: int = MERGED_IN,
    **settings: Any,
) -> Auditor:
    """The sums of people who lie in Parquet files, which workers read by pyarrow.

    Where no DataFrame is needed, this takes much less of the processor than `auditor`: Spark hands out names
    of files, and no rows.

    Args:
        session: of Spark.
        files: paths or addresses that each worker can open, such as `"s3://bucket/people/part-0.parquet"`;
            one file is one task.
        constraints, y, label, sample_weight, merge_in, settings: as of `audit`.

    Raises:
        ConstraintError: the constraints are malformed.
        ValueError: no file is given. Files without a column, and faults of values, stop the job.
    """
    if not files:
        raise ValueError("expected at least one file, received none")
    roles = Roles.of(y, label, sample_weight)
    blank = Auditor(constraints, **{"outputs": roles.outputs, **settings})
    add = partial(
        _added_files, blank=blank.to_bytes(), roles=roles, attributes=tuple(blank.constraints.attributes)
    )
    paths = session.createDataFrame([(str(path),) for path in files], "path string").repartition(len(files))
    total = merged(paths.mapInArrow(add, "sums binary"), Auditor, merge_in=merge_in)
    return blank if total is None else total


def calibration(
    frame: DataFrame,
    constraints: Constraints,
    *,
    scores: str = "score",
    label: str | None = None,
    sample_weight: str | None = None,
    domain: DomainLike = (0.0, 1.0),
    bins: int | None = None,
    merge_in: int = MERGED_IN,
) -> CalibrationSums:
    """The calibration people of a DataFrame as counts; `.fit(rule)` fits a rule on them.

    Args:
        frame: one row for each person.
        constraints: those of the rule.
        scores: the column of scores.
        label, sample_weight: columns, or None.
        domain, bins: see `CalibrationSums`. Without bins the driver holds all different people.
        merge_in: see `merged`.

    Raises:
        ConstraintError: the text is malformed, or none for a rule.
        ValueError: a column is not there. Faults of values stop the job.
    """
    from keras_fair.postprocessing.calibration_sums import CalibrationSums

    blank = CalibrationSums(constraints, domain=domain, bins=bins)
    roles = Roles.of(scores, label, sample_weight)
    return _summed(frame, blank, roles, parse(constraints).attributes, merge_in)


def merged(
    frame: DataFrame, kind: type[_Sums], *, column: str = "sums", merge_in: int = MERGED_IN
) -> _Sums | None:
    """Sums that lie in a DataFrame as bytes, merged in a tree: those of audits, metrics, monitors or streams.

    Args:
        frame: with a column of bytes, as `to_bytes` gives them; rows of NULL are left out.
        kind: whose `from_bytes` reads them, such as `Auditor` or `StreamState`.
        column: its name.
        merge_in: into how many sums workers merge all others before the driver merges these.

    Returns:
        The sums of all; None where there are none.

    Raises:
        ValueError: `merge_in` is below 1. Sums that do not fit each other stop the job.
    """
    if merge_in < 1:
        raise ValueError(f"expected merge_in >= 1, received merge_in={merge_in!r}")
    sums = frame.select(frame[_quoted(column)].alias("sums")).where("sums IS NOT NULL")
    few = sums.repartition(merge_in).mapInArrow(partial(_merged_rows, kind=kind), "sums binary")
    return _merge(kind, (bytes(row["sums"]) for row in few.collect()))


def apply(
    frame: DataFrame,
    rule: FrozenFairness,
    *,
    scores: str = "score",
    columns: Mapping[str, str] | None = None,
    output: str | None = None,
    into: str | None = None,
    lots: str | None = None,
    ids: str | None = None,
    refused: str = "error",
    in_python: bool = False,
) -> DataFrame:
    """The DataFrame with what a rule gives each person.

    By default the rule is an expression of SQL (`rule.to_sql("spark")`), which Spark runs without Python;
    `in_python` calls the rule on each partition. Both give the same.

    Args:
        frame: one row for each person.
        rule: a `FrozenFairness` that was fitted.
        scores: the column of scores.
        columns: the column of each attribute, where it has another name.
        output: `"decision"`, the default of a rule for decisions, or `"score"`.
        into: the name of the new column; default: `accepted` for decisions, `fair` for scores.
        lots: the column of lots, where the rule draws lots and runs in SQL.
        ids: the column of who people are, where the rule draws lots and runs in Python.
        refused: people whom the rule refuses stop the job with `"error"` (default), or get NULL. In Python
            they stop it.
        in_python: whether Python runs it, which loads Keras on the workers.

    Raises:
        ValueError: a column is not there or has the name of the new one; see `FrozenFairness.to_sql`.
    """
    from pyspark.sql import functions, types

    decides = rule.meaning.gives_decisions(output)
    into = ("accepted" if decides else "fair") if into is None else into
    if into in frame.columns:
        raise ValueError(f"expected a new column, received into={into!r}, which is there: give another name")
    named = {name: (columns or {}).get(name, name) for name in rule.attributes}
    single = [
        field.name
        for field in frame.schema
        if isinstance(field.dataType, types.FloatType) and field.name in (scores, *named.values())
    ]
    if not in_python:
        if ids is not None:
            raise ValueError("expected lots, a column of numbers in [0, 1), of a rule in SQL, received ids")
        expression = rule.to_sql(
            "spark", scores=scores, columns=columns, output=output, lots=lots, float32=single, refused=refused
        )
        return frame.withColumn(into, functions.expr(expression))
    if refused != "error":
        raise ValueError("expected refused='error' in Python, which has no other way to say it")
    kind = types.BooleanType() if decides else types.FloatType() if scores in single else types.DoubleType()
    schema = types.StructType([*frame.schema.fields, types.StructField(into, kind)])
    names = frame.columns
    Roles.of(scores, None, ids).wanted(named.values(), names)
    given = partial(
        _ruled_batches,
        rule=rule.to_json(),
        scores=names.index(scores),
        columns={name: names.index(column) for name, column in named.items()},
        ids=None if ids is None else names.index(ids),
        decides=decides,
        names=[*names, into],
    )
    return _numbered(frame, names).mapInArrow(given, schema)


def _summed(frame: DataFrame, blank: Any, roles: Roles, attributes: Iterable[str], merge_in: int) -> Any:
    """All people of a DataFrame, added to sums of nobody."""
    wanted = roles.wanted(attributes, frame.columns)
    add = partial(_added_rows, kind=type(blank), blank=blank.to_bytes(), roles=roles, names=wanted)
    sums = _numbered(frame, wanted).mapInArrow(add, "sums binary")
    total = merged(sums, type(blank), merge_in=merge_in)
    return blank if total is None else total


def _quoted(name: str) -> str:
    """A column by its name, with dots in it or not."""
    return "`" + name.replace("`", "``") + "`"


def _numbered(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Columns under the names 0, 1, ...: `mapInArrow` takes no names with dots or backticks."""
    return frame.select(*(frame[_quoted(name)].alias(str(place)) for place, name in enumerate(names)))


def _added_rows(
    batches: Iterable[pa.RecordBatch], *, kind: Any, blank: bytes, roles: Roles, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """On a worker: the sums of a partition."""
    sums = None
    for table in larger_pieces(batches):
        parts = roles.parts(table.rename_columns(list(names)))
        sums = (kind.from_bytes(blank) if sums is None else sums).add(*parts)
    if sums is not None:
        yield _row(sums.to_bytes())


def _added_files(
    batches: Iterable[pa.RecordBatch], *, blank: bytes, roles: Roles, attributes: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """On a worker: the sums of the files of a partition."""
    from pyarrow import dataset

    auditor = Auditor.from_bytes(blank)
    paths = [path for batch in batches for path in batch.column(0).to_pylist()]
    for path in paths:
        people = dataset.dataset(path, format="parquet")
        wanted = roles.wanted(attributes, people.schema.names)
        read = people.to_batches(columns=wanted, batch_size=ROWS, use_threads=False)
        for table in larger_pieces(read):
            auditor.add(*roles.parts(table))
    if paths:
        yield _row(auditor.to_bytes())


def _merged_rows(batches: Iterable[pa.RecordBatch], *, kind: Any) -> Iterator[pa.RecordBatch]:
    """On a worker: the sums of the sums of a partition."""
    total = _merge(kind, (packed for batch in batches for packed in batch.column(0).to_pylist()))
    if total is not None:
        yield _row(total.to_bytes())


def _merge(kind: Any, packed: Iterable[bytes]) -> Any:
    total = None
    for each in packed:
        sums = kind.from_bytes(each)
        total = sums if total is None else total.merge(sums)
    return total


def _row(packed: bytes) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([packed], pa.binary())], ["sums"])


def _ruled_batches(
    batches: Iterable[pa.RecordBatch],
    *,
    rule: str,
    scores: int,
    columns: Mapping[str, int],
    decides: bool,
    ids: int | None,
    names: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    """On a worker: a partition with what the rule gives each person."""
    import pyarrow as pa

    from keras_fair.postprocessing.frozen_fairness import FrozenFairness

    fitted = FrozenFairness.from_json(rule)
    call = fitted.decide if decides else fitted
    for batch in batches:
        attributes = {name: batch.column(column) for name, column in columns.items()}
        people = None if ids is None else batch.column(ids).to_pylist()
        given = np.asarray(call(batch.column(scores), attributes, ids=people))
        yield pa.RecordBatch.from_arrays([*batch.columns, pa.array(given)], list(names))
