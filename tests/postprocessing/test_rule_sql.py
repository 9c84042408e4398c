"""A rule in SQL gives what the rule gives, to the bit, and NULL where the rule refuses."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_fair as kf
from tests.rule_cases import People, calibration, cases, said

RATES = "spread(P[y >= 0.5 | sex=*]) <= 0.9"


def in_duckdb(expression: str, people: People, types: dict[str, pa.DataType]) -> list[Any]:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is absent: it is in the extra 'test'")
    columns = {name: pa.array([person[name] for person in people], kind) for name, kind in types.items()}
    with duckdb.connect() as connection:
        connection.register("people", pa.table({"place": range(len(people)), **columns}))
        rows = connection.execute(f"SELECT ({expression}) FROM people ORDER BY place").fetchall()
    return [row[0] for row in rows]


def in_sqlite(expression: str, people: People, types: dict[str, pa.DataType]) -> list[Any]:
    names = ", ".join('"' + name.replace('"', '""') + '" COLLATE NOCASE' for name in types)
    marks = ", ".join("?" for _ in types)
    rows = [[_plain(person[name]) for name in types] for person in people]
    connection = sqlite3.connect(":memory:")
    connection.create_function("sqrt", 1, math.sqrt, deterministic=True)  # not every SQLite has it
    try:
        connection.execute(f"CREATE TABLE people ({names})")
        connection.executemany(f"INSERT INTO people VALUES ({marks})", rows)
        found = connection.execute(f"SELECT ({expression}) FROM people ORDER BY rowid").fetchall()
    finally:
        connection.close()
    return [row[0] for row in found]


def _plain(value: Any) -> Any:
    """What SQLite holds: a date is text, and NaN is NULL."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


ENGINES: dict[str, Callable[..., list[Any]]] = {"duckdb": in_duckdb, "sqlite": in_sqlite}


def assert_same(dialect: str, expression: str, people: People, types: Any, expected: Sequence[Any]) -> None:
    found = ENGINES[dialect](expression, people, types)
    if all(isinstance(value, (bool, type(None))) for value in expected):
        found = [None if value is None else bool(value) for value in found]
    assert found == list(expected), expression


@pytest.mark.parametrize("dialect", ENGINES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(case=cases(), score=st.booleans())
def test_it_gives_what_the_rule_gives(dialect, case, score) -> None:
    rule, people, types = case
    expected = said(rule, people, decide=not score)
    expression = rule.to_sql(dialect, output="score" if score else None)
    assert_same(dialect, expression, people, types, expected)


def edited(rule: kf.FrozenFairness, **knots: Any) -> kf.FrozenFairness:
    """The rule with other knots."""
    document = json.loads(rule.to_json())
    document["knots"].update(knots)
    return kf.FrozenFairness.from_json(json.dumps(document))


def rule_of(text: str = RATES, names: Sequence[str] = ("sex",), **options: Any) -> kf.FrozenFairness:
    columns = {name: calibration()[name] for name in names}
    rule = kf.FrozenFairness(text, confidence=None, **options)
    return rule.fit(np.linspace(0, 1, 63), columns)


@pytest.mark.parametrize("dialect", ENGINES)
@pytest.mark.parametrize(
    ("divergence", "domain"),
    [
        ("euclidean", (0.0, 1.0)),
        ("euclidean", None),
        ("euclidean", (-2.0, None)),
        ("binary_crossentropy", (0.0, 1.0)),
    ],
)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_scores_are_moved_to_the_same_bits(dialect, divergence, domain, data) -> None:
    rule = rule_of("spread(E[y | sex=*]) <= 0.9", domain=domain, divergence=divergence)
    count = len(rule.groups)
    shifts = st.lists(st.floats(-2, 2), min_size=count, max_size=count)
    slope = 1.0 if divergence == "euclidean" else 0.0
    slopes = data.draw(st.lists(st.floats(-slope, slope), min_size=count, max_size=count))
    rule = edited(rule, shift=data.draw(shifts), slope=slopes)
    person = st.fixed_dictionaries(
        {
            "score": st.one_of(
                st.floats(-3, 3), st.floats(0, 1), st.sampled_from([0.0, 1.0, np.nan, np.inf])
            ),
            "sex": st.sampled_from([*calibration()["sex"][:3], "someone else", ""]),
        }
    )
    people = data.draw(st.lists(person, min_size=1, max_size=12))
    types = {"score": pa.float64(), "sex": pa.string()}
    assert_same(dialect, rule.to_sql(dialect), people, types, said(rule, people, decide=False))


@pytest.mark.parametrize("dialect", ENGINES)
def test_lots_are_a_column(dialect) -> None:
    rule = rule_of(randomise="allowed")
    count = len(rule.groups)
    shares = [[0.25, 0.5, 0.25], [0.1, 0.0, 0.9], [1.0, 0.0, 0.0]] * count
    rule = edited(rule, thresholds=[[0.2, 0.5, None]] * count, shares=shares[:count])
    with pytest.raises(ValueError, match="expected lots, a column of numbers"):
        rule.to_sql(dialect)
    ends = np.float32([0.25, 0.75, 0.1, 1.0]).astype("float64")
    before = np.nextafter(ends.astype("float32"), np.float32(0)).astype("float64")
    halves = (*(ends + before) / 2, *ends)
    near = [value for half in halves for value in (half, np.nextafter(half, 0), np.nextafter(half, 2))]
    lots = np.array([0.0, 0.5, *[lot for lot in near if lot < 1]])
    sexes = list(rule.groups)[:3]
    people = [
        {"score": score, "sex": name.removeprefix("sex="), "lot": lot}
        for name in sexes
        for score in (0.1, 0.2, 0.3, 0.5, 0.6)
        for lot in lots.tolist()
    ]
    columns = {name: [person[name] for person in people] for name in ("score", "sex", "lot")}
    rows = [list(rule.groups).index(f"sex={sex}") for sex in columns["sex"]]
    given = rule.learnt.knots.apply(np.array(columns["score"]), np.array(rows), np.array(columns["lot"]))
    people += [{"score": 0.3, "sex": columns["sex"][0], "lot": lot} for lot in (None, 1.0, -0.1)]
    types = {"score": pa.float64(), "sex": pa.string(), "lot": pa.float64()}
    expected = [*(given >= 0.5).tolist(), None, None, None]
    assert_same(dialect, rule.to_sql(dialect, lots="lot"), people, types, expected)
    layer = rule.layer()
    ids = [f"person {place}" for place in range(30)]
    drawn = [
        {"score": 0.3, "sex": calibration()["sex"][place % 3], "lot": float(lot)}
        for place, lot in enumerate(layer.lots_of(ids))
    ]
    decided = rule.decide([0.3] * 30, {"sex": [person["sex"] for person in drawn]}, ids=ids)
    assert_same(dialect, rule.to_sql(dialect, lots="lot"), drawn, types, decided.tolist())


@pytest.mark.parametrize("dialect", ENGINES)
def test_columns_of_float32_are_compared_as_the_rule_compares_them(dialect) -> None:
    rule = edited(rule_of("P[y >= 0.7 | age < 41.3] <= 0.9", ["age"]), thresholds=[[0.7], [0.1]])
    scores = np.float32([0.7, np.nextafter(np.float32(0.7), np.float32(0)), 0.1, 0.3])
    ages = np.float32([41.3, 20, 41.3, 20])
    ages[3] = np.nextafter(np.float32(41.3), np.float32(0))
    people = [{"score": score, "age": age} for score in scores.tolist() for age in ages.tolist()]
    columns = [np.float32([person[name] for person in people]) for name in ("score", "age")]
    expected = rule.decide(columns[0], {"age": columns[1]}).tolist()
    types = {"score": pa.float32(), "age": pa.float32()}
    assert_same(dialect, rule.to_sql(dialect, float32=("score", "age")), people, types, expected)
    wide = ENGINES[dialect](rule.to_sql(dialect), people, types)
    assert [bool(value) for value in wide] != expected  # what the argument is for
    with pytest.raises(ValueError, match="reckons in float64"):
        rule.to_sql(dialect, float32="score", output="score")
    two = rule_of("P[y >= 0.5 | age < 41.3] <= 0.9\nP[y >= 0.5 | age > 41.300000001] <= 0.9", ["age"])
    with pytest.raises(ValueError, match="differ in float32"):
        two.to_sql(dialect, float32="age")


@pytest.mark.parametrize("dialect", ENGINES)
def test_names_are_quoted(dialect) -> None:
    rule = rule_of()
    names = {"sex": 'se`x"; DROP TABLE people; --', "score": "order by 'x'"}
    expression = rule.to_sql(dialect, scores=names["score"], columns={"sex": names["sex"]})
    people = [{"score": score, "sex": sex} for score in (0.1, 0.9) for sex in calibration()["sex"][:9]]
    renamed = [{names[name]: value for name, value in person.items()} for person in people]
    types = {names["score"]: pa.float64(), names["sex"]: pa.string()}
    assert_same(dialect, expression, renamed, types, said(rule, people))
    with pytest.raises(ValueError, match="columns by name"):
        rule.to_sql(dialect, scores="a\0b")


def test_a_column_that_is_not_there_is_no_text_in_sqlite() -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        in_sqlite(rule_of().to_sql("sqlite"), [{"score": 0.5, "g": "Female"}], {"score": None, "g": None})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.date32(), [date(2024, 5, 31), date(2024, 6, 1), date(2024, 6, 2)]),
        (pa.timestamp("s"), [datetime(2024, 6, 1, 12, 30), datetime(2024, 6, 1, 12, 30, 1)]),
        (pa.timestamp("us", "UTC"), [datetime(2024, 5, 31, 23, 59, 59, tzinfo=timezone.utc)]),
        (pa.timestamp("us", "Europe/Berlin"), [datetime(2024, 5, 31, 23, 59, 59, tzinfo=timezone.utc)]),
    ],
)
def test_dates_and_times_of_duckdb(kind, values) -> None:
    text = "P[y >= 0.5 | day < '2024-06-01'] <= 0.9\nP[y >= 0.5 | day > '2024-06-01T12:30'] <= 0.9"
    rule = edited(rule_of(text, ["day"]), thresholds=[[0.2], [0.5], [0.8]])
    people = [{"score": score, "day": day} for score in (0.1, 0.3, 0.6, 0.9) for day in (*values, None)]
    assert_same("duckdb", rule.to_sql(), people, {"score": pa.float64(), "day": kind}, said(rule, people))


def test_dates_of_sqlite_are_text_of_one_of_two_forms() -> None:
    text = "P[y >= 0.5 | day < '2024-06-01'] <= 0.9\nP[y >= 0.5 | day > '2024-06-01T12:30'] <= 0.9"
    rule = edited(rule_of(text, ["day"], unknown="exclude"), thresholds=[[0.2], [0.5], [0.8]])
    read = ["2024-05-31", "2024-06-01", "2024-06-02", "2024-06-01 12:30:00", "2024-06-01T12:30:01"]
    refused = ["2024-02-30", "1.6.2024", "2024-06-01 12:30:00.5", "2024-06-01T12:30:00Z", "", 20240601]
    refused += ["2024-06-01x", "0000-06-01", "2024-06-01 24:00:00"]
    people = [{"score": 0.6, "day": day} for day in read]
    others = [{"score": 0.6, "day": day} for day in refused]
    expected = [*said(rule, people), *[None] * len(refused)]
    assert expected[:3] == [True, True, False]
    assert_same("sqlite", rule.to_sql("sqlite"), [*people, *others], {"score": None, "day": None}, expected)


def test_columns_of_sqlite_hold_what_the_rule_reads() -> None:
    rule = rule_of(unknown="exclude")
    people = [{"score": 0.9, "sex": 1}, {"score": "x", "sex": "Female"}, {"score": 0.9, "sex": b"Female"}]
    assert_same("sqlite", rule.to_sql("sqlite"), people, {"score": None, "sex": None}, [None, None, None])


def test_duckdb_can_raise_an_error_for_whom_the_rule_refuses() -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is absent: it is in the extra 'test'")
    expression, types = rule_of().to_sql(refused="error"), {"score": pa.float64(), "sex": pa.string()}
    fine = {"score": 0.9, "sex": "Female"}
    assert in_duckdb(expression, [fine, fine], types) == [True, True]
    for wrong in ({**fine, "score": 1.5}, {**fine, "sex": "Alien"}, {**fine, "sex": None}):
        with pytest.raises(duckdb.Error, match="the rule has nothing for a person"):
            in_duckdb(expression, [fine, wrong], types)
    with pytest.raises(ValueError, match="has no errors"):
        rule_of().to_sql("sqlite", refused="error")


def test_many_groups_are_branches_side_by_side() -> None:
    text = "spread(P[y >= 0.5 | sex=*, age=*]) <= 0.9\nP[y >= 0.5 | ok=True] <= 0.9"
    with pytest.warns(UserWarning, match="accepts nobody"):
        rule = rule_of(text, ["sex", "age", "ok"], unknown="exclude")
    count = len(rule.groups)
    assert count > 50
    rule = edited(rule, thresholds=[[place / count] for place in range(count)], shares=[[1.0]] * count)
    people = [
        {"score": 0.4, "sex": sex, "age": age, "ok": ok}
        for sex in set(calibration()["sex"])
        for age in {25.0, 41.3, 60.0}
        for ok in (True, False)
    ]
    types = {"score": pa.float64(), "sex": pa.string(), "age": pa.float64(), "ok": pa.bool_()}
    for dialect in ENGINES:
        assert_same(dialect, rule.to_sql(dialect), people, types, said(rule, people))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dialect": "oracle"}, "expected dialect to be one of"),
        ({"output": "probability"}, "expected output to be one of"),
        ({"refused": "skip"}, "expected refused to be one of"),
        ({"columns": {"gender": "g"}}, "received one of 'gender'"),
        ({"float32": "age"}, "received 'age'"),
        ({"lots": "lot"}, "this rule draws none"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, message) -> None:
    with pytest.raises(ValueError, match=message):
        rule_of().to_sql(**arguments)


def test_what_sql_cannot_write_is_refused() -> None:
    columns = {"sex": ["a", "a", "b\0", "b\0"]}
    rule = kf.FrozenFairness(RATES, confidence=None).fit([0.2, 0.8, 0.3, 0.7], columns)
    with pytest.raises(ValueError, match="no text in UTF-8"):
        rule.to_sql()
    with pytest.raises(ValueError, match="was fitted"):
        kf.FrozenFairness(RATES).to_sql()
