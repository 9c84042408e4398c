"""On Spark: the same audits, calibration counts and decisions as in one process."""

from __future__ import annotations

import sys
from datetime import date, datetime, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

import keras_fair as kf
from keras_fair.streaming import StreamState
from tests.distributed.people import AUDITED, RATES, columns, rows
from tests.rule_cases import cases, said

pytestmark = [
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def people(spark) -> Any:
    """The people as a DataFrame in four partitions."""
    return spark.createDataFrame(rows(columns())).repartition(4).cache()


def attributes(*names: str) -> dict[str, np.ndarray]:
    return {name: columns()[name] for name in names}


def gaps(audit: Any) -> dict[str, float]:
    return {
        f"{relation.name} {name}": getattr(relation, name)
        for relation in audit
        for name in ("gap", "violation", "lower", "upper")
    }


def test_an_audit_says_what_it_says_in_one_process(people) -> None:
    all_of = columns()
    expected = kf.audit(
        AUDITED, all_of["score"], attributes("sex", "age", "race"), all_of["label"], all_of["weight"]
    )
    found = kf.distributed.spark.audit(people, AUDITED, label="label", sample_weight="weight")
    assert gaps(found) == pytest.approx(gaps(expected), rel=1e-9, abs=1e-12)
    assert found.samples == 1500
    assert [str(relation.verdict) for relation in found] == [str(relation.verdict) for relation in expected]


def test_sums_go_on_from_each_other(people, spark) -> None:
    early = kf.distributed.spark.auditor(people.where("age < 40"), "E[y | sex=Female] >= 0.5")
    late = kf.distributed.spark.auditor(people.where("age >= 40"), "E[y | sex=Female] >= 0.5", merge_in=1)
    expected = kf.audit("E[y | sex=Female] >= 0.5", columns()["score"], attributes("sex"))
    assert gaps(early.merge(late).result()) == pytest.approx(gaps(expected))
    packed = [(bytearray(one.to_bytes()),) for one in (early, late)]
    stored = spark.createDataFrame([*packed, (None,)], "`a.b` binary")
    total = kf.distributed.spark.merged(stored, kf.Auditor, column="a.b")
    assert total is not None
    assert total.samples == early.samples + late.samples
    assert kf.distributed.spark.merged(stored.limit(0), kf.Auditor, column="a.b") is None


def test_workers_read_files_themselves(spark, tmp_path) -> None:
    from pyarrow import parquet

    files = []
    for place in range(3):
        chosen = {name: column[place::3] for name, column in columns().items()}
        files.append(str(tmp_path / f"part {place}.parquet"))
        parquet.write_table(pa.table(chosen), files[-1])
    options = {"label": "label", "sample_weight": "weight"}
    found = kf.distributed.spark.auditor_of_files(spark, files, AUDITED, **options)
    all_of = columns()
    expected = kf.audit(
        AUDITED, all_of["score"], attributes("sex", "age", "race"), all_of["label"], all_of["weight"]
    )
    assert gaps(found.result()) == pytest.approx(gaps(expected), rel=1e-9, abs=1e-12)
    with pytest.raises(Exception, match="expected a column 'gender'"):
        kf.distributed.spark.auditor_of_files(spark, files, "E[y | gender=F] >= 0.1")
    with pytest.raises(ValueError, match="at least one file"):
        kf.distributed.spark.auditor_of_files(spark, [], AUDITED)


def test_states_of_streams_are_merged(spark) -> None:
    text = str(kf.parse("E[y | sex=Female] == E[y | sex=Male] +- 0.05"))
    empty = StreamState(text, [0.0, 1.0], 1, kf.Vocabulary().get_config())
    parts = [empty.add(columns(200, seed)["score"], {"sex": columns(200, seed)["sex"]}) for seed in range(3)]
    stored = spark.createDataFrame([(bytearray(part.to_bytes()),) for part in parts], "sums binary")
    total = kf.distributed.spark.merged(stored, StreamState)
    assert total is not None
    expected = parts[0].merge(parts[1]).merge(parts[2]).result()
    assert total.result().arrivals == 600
    assert [row.gap for row in total.result()] == pytest.approx([row.gap for row in expected])


def test_an_audit_loads_no_keras_on_the_workers(people) -> None:
    from keras_fair.distributed import spark as engine
    from keras_fair.distributed.pieces import Roles

    blank = kf.Auditor("E[y | sex=Female] >= 0.5").to_bytes()
    add, columns_of_frame = engine._added_rows, people.columns

    def loaded(batches: Any) -> Any:
        import pyarrow as pa

        names = columns_of_frame
        list(add(batches, kind=kf.Auditor, blank=blank, roles=Roles.of("score", None, None), names=names))
        found = sorted({"keras", "tensorflow", "cvxpy"} & set(sys.modules))
        yield pa.RecordBatch.from_arrays([pa.array([",".join(found)])], ["loaded"])

    assert {row["loaded"] for row in people.mapInArrow(loaded, "loaded string").collect()} == {""}


def test_several_outputs_and_odd_names(spark) -> None:
    made = {"a.b": [0.2, 0.8], "c`d": [0.8, 0.2], "sex": ["F", "M"]}
    frame = spark.createDataFrame(list(zip(*made.values(), strict=True)), list(made))
    found = kf.distributed.spark.audit(frame, "E[y[0] | sex=F] >= 0.1", y=["a.b", "c`d"])
    assert found.relations[0].gap == pytest.approx(0.2)


def test_what_is_not_there_is_named_before_a_job_runs(people, spark) -> None:
    with pytest.raises(ValueError, match="expected a column 'gender'"):
        kf.distributed.spark.audit(people, "E[y | gender=F] >= 0.1")
    with pytest.raises(ValueError, match="merge_in >= 1"):
        kf.distributed.spark.audit(people, "E[y | sex=Female] >= 0.1", merge_in=0)
    with pytest.raises(ValueError, match="at least one sample"):
        kf.distributed.spark.audit(people.limit(0), "E[y | sex=Female] >= 0.1")


def test_a_rule_is_fitted_on_merged_counts(people) -> None:
    all_of = columns()
    total = kf.distributed.spark.calibration(people, RATES, label="label")
    assert (total.people, total.kinds < 300) == (1500, True)
    found = total.fit(kf.FrozenFairness(RATES, confidence=None))
    expected = kf.FrozenFairness(RATES, confidence=None)
    expected.fit(all_of["score"], attributes("sex"), all_of["label"])
    assert found.groups == expected.groups


@pytest.mark.parametrize("in_python", [False, True])
def test_a_rule_gives_each_person_what_it_gives_in_one_process(people, in_python) -> None:
    all_of = columns()
    rule = kf.FrozenFairness(RATES, confidence=None).fit(all_of["score"], attributes("sex"))
    given = kf.distributed.spark.apply(people, rule, in_python=in_python).toArrow()
    decided = rule.decide(given["score"], {"sex": given["sex"]})
    np.testing.assert_array_equal(given["accepted"].to_numpy(), decided)
    single = people.selectExpr("cast(score + 0.3 as float) / 2 as risk", "sex as gender").selectExpr(
        "cast(risk as float) as risk", "gender"
    )
    given = kf.distributed.spark.apply(
        single, rule, scores="risk", columns={"sex": "gender"}, into="ok", in_python=in_python
    ).toArrow()
    decided = rule.decide(given["risk"], {"sex": given["gender"]})
    np.testing.assert_array_equal(given["ok"].to_numpy(), decided)


@pytest.mark.parametrize("in_python", [False, True])
def test_scores_are_moved_to_the_same_bits(people, in_python) -> None:
    text = "E[y | sex=Female] == E[y | sex=Male] +- 0.01"
    for divergence in ("euclidean", "binary_crossentropy"):
        rule = kf.FrozenFairness(text, confidence=None, divergence=divergence)
        rule.fit(columns()["score"], attributes("sex"))
        given = kf.distributed.spark.apply(people, rule, in_python=in_python).toArrow()
        expected = rule(given["score"], {"sex": given["sex"]})
        np.testing.assert_array_equal(given["fair"].to_numpy(), expected)


@pytest.mark.parametrize("in_python", [False, True])
def test_a_rule_for_scores_gives_no_decisions(people, in_python) -> None:
    rule = kf.FrozenFairness("E[y | sex=Female] == E[y | sex=Male] +- 0.05", confidence=None)
    rule.fit([0.2, 0.6, 0.4, 0.9], {"sex": ["Female", "Female", "Male", "Male"]})
    with pytest.raises(ValueError, match="expected output to be one of"):
        kf.distributed.spark.apply(people, rule, output="decision", in_python=in_python)


@pytest.mark.parametrize("in_python", [False, True])
def test_whom_the_rule_refuses_stops_the_job(spark, in_python) -> None:
    rule = kf.FrozenFairness(RATES, confidence=None).fit(columns()["score"], attributes("sex"))
    strangers = spark.createDataFrame([(0.9, "Female"), (0.9, "Alien")], ["score", "sex"])
    with pytest.raises(Exception, match="nobody was of|the rule has nothing"):
        kf.distributed.spark.apply(strangers, rule, in_python=in_python).collect()
    if not in_python:
        given = kf.distributed.spark.apply(strangers, rule, refused="null").collect()
        assert [row["accepted"] for row in given] == [True, None]
    with pytest.raises(ValueError, match="expected a new column"):
        kf.distributed.spark.apply(strangers, rule, into="sex", in_python=in_python)


def in_spark(spark: Any, expression: str, people: list[dict[str, Any]], kinds: dict[str, str]) -> list[Any]:
    def plain(value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else value

    schema = ", ".join(["place int", *(f"`{name}` {kind}" for name, kind in kinds.items())])
    made = [(place, *(plain(person[name]) for name in kinds)) for place, person in enumerate(people)]
    frame = spark.createDataFrame(made, schema).selectExpr("place", f"({expression}) AS given")
    return [row["given"] for row in sorted(frame.collect(), key=lambda row: row["place"])]


NOON = datetime(2024, 6, 1, 12, 30, tzinfo=timezone.utc)
KINDS = {"score": "double", "sex": "string", "age": "double", "ok": "boolean", "day": "timestamp_ntz"}


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_rules_in_sql_give_what_rules_give(spark, case) -> None:
    rule, people, types = case
    kinds = {name: KINDS[name] for name in types}
    for output, decide in (("decision", True), ("score", False)):
        expression = rule.to_sql("spark", output=output)
        assert in_spark(spark, expression, people, kinds) == said(rule, people, decide=decide), expression


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("date", [date(2024, 5, 31), date(2024, 6, 1), date(2024, 6, 2)]),
        ("timestamp_ntz", [NOON.replace(tzinfo=None), datetime(2024, 6, 1, 12, 30, 0, 1)]),
        ("timestamp", [datetime(2024, 5, 31, 23, 59, tzinfo=timezone.utc), NOON]),
    ],
)
def test_dates_and_times_of_spark_in_any_time_zone(spark, kind, values) -> None:
    text = "P[y >= 0.5 | day < '2024-06-01'] <= 0.9\nP[y >= 0.5 | day > '2024-06-01T12:30'] <= 0.9"
    days = [datetime(2024, 1, 1), datetime(2024, 6, 1), datetime(2025, 1, 1)] * 20
    rule = kf.FrozenFairness(text, confidence=None).fit(np.linspace(0, 1, 60), {"day": days})
    thresholds = sorted(each for group in rule.groups.values() for each in group["thresholds"])
    people = [{"score": score, "day": day} for score in thresholds for day in (*values, None)]
    found = in_spark(spark, rule.to_sql("spark"), people, {"score": "double", "day": kind})
    assert found == said(rule, people)
