"""Dates: their one form, the periods that a text tells apart, and codes of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_fair as kf
from keras_fair.groups.dates import periods_of
from keras_fair.inputs.columns import read_column
from keras_fair.inputs.dates import date_text, text_of_date
from keras_fair.language import parse_statements

FORMS = [
    ("2024-06-01", "2024-06-01"),
    ("2024-06-01T00:00", "2024-06-01"),
    ("2024-06-01 00:00:00.000Z", "2024-06-01"),
    ("2024-06-01T12:30:00+00:00", "2024-06-01T12:30"),
    ("2024-06-01T12:00:00", "2024-06-01T12:00"),
    ("2024-06-01T12:30:15", "2024-06-01T12:30:15"),
    ("2024-06-01T12:30:15.1234567890", "2024-06-01T12:30:15.123456789"),
    ("2024-06-01T00:00:00.5", "2024-06-01T00:00:00.5"),
    ("2024-06-01T01:30+02:00", "2024-05-31T23:30"),
    ("2024-12-31 20:00-0530", "2025-01-01T01:30"),
    ("2024-06-01T01:30+02", "2024-05-31T23:30"),
    ("0001-01-01", "0001-01-01"),
    ("9999-12-31T23:59:59.999999999", "9999-12-31T23:59:59.999999999"),
    *[(text, None) for text in ("", "2024", "2024-06", "2024-6-1", "20240601", "2024-02-30", "2023-02-29")],
    *[(text, None) for text in ("0000-01-01", "0001-01-01T00:00+01:00", "2024-06-01T24:00", "2024-06-01T12")],
    *[(text, None) for text in ("2024-06-01Z", "2024-06-01T12:30+24:00", "2024-06-01T12:60", " 2024-06-01")],
    ("\u0662\u0660\u0662\u0664-06-01", None),
]


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_the_one_form_of_a_date(text: str, form: str | None) -> None:
    assert date_text(text) == form
    assert form is None or date_text(form) == form


zones = st.none() | st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=zones)


@settings(derandomize=True, deadline=None)
@given(times, times)
def test_texts_sort_as_the_instants_do(first: datetime, second: datetime) -> None:
    instants = [time if time.tzinfo else time.replace(tzinfo=timezone.utc) for time in (first, second)]
    texts = [text_of_date(time) for time in (first, second)]
    assert (texts[0] < texts[1]) == (instants[0] < instants[1])
    assert (texts[0] == texts[1]) == (instants[0] == instants[1])
    assert [date_text(time.isoformat()) for time in (first, second)] == texts
    naive = [time.astimezone(timezone.utc).replace(tzinfo=None) for time in instants]
    assert read_column(np.array(naive, "M8[us]"), "g").entries() == texts
    assert read_column([first, second], "g").entries() == texts


def test_nanoseconds_are_told_apart() -> None:
    when = np.array(["2024-06-01T00:00:00.000000000", "2024-06-01T00:00:00.000000001"], "M8[ns]")
    rows = kf.parse("E[y | when > '2024-06-01'] <= 0; E[y | when <= '2024-06-01'] <= 0").rows({"when": when})
    assert np.asarray(rows.gaps([0.2, 0.8])).tolist() == pytest.approx([0.8, 0.2])


def test_periods_follow_from_the_whole_text() -> None:
    text = (
        "E[y | when >= '2024-06-01', x=1] <= 1; for t in {'2023-01-01', '2024-06-01'}: E[y | when < t] <= 1; "
        "E[y | when='2025-01-01 00:00'] <= 1; E[y | other='2026-01-01'] <= 1"
    )
    (periods,) = periods_of(parse_statements(text)).values()
    assert periods.values("error") == (
        "when < 2023-01-01",
        "2023-01-01 <= when < 2024-06-01",
        "2024-06-01 <= when < 2025-01-01",
        "when = 2025-01-01",
        "when > 2025-01-01",
    )


DAYS = np.datetime64("2024-01-01") + np.arange(0, 360, 6)
LATE = np.datetime64("2024-06-01") <= DAYS
RULE = "gap: E[y | when >= '2024-06-01'] == E[y | when < '2024-06-01'] +- 0.01"
Y = np.random.default_rng(0).random(len(DAYS)) * 0.5 + 0.4 * LATE


def gap(y: Any) -> float:
    return float(np.asarray(y).reshape(-1)[LATE].mean() - np.asarray(y).reshape(-1)[~LATE].mean())


def test_an_audit_in_parts_names_its_periods_in_order() -> None:
    text = f"{RULE}; E[y | when='2024-01-13'] <= 1"
    parts = [kf.Auditor(text).update(Y[part], {"when": DAYS[part]}) for part in (slice(0, 9), slice(9, None))]
    merged = kf.Auditor.from_bytes(parts[1].to_bytes()).merge(parts[0]).result()
    assert merged.relations[0].gap == pytest.approx(gap(Y))
    assert merged.relations[1].gap == pytest.approx(Y[2])
    assert [(group.values[0], group.size) for group in merged.groups] == [
        ("when < 2024-01-13", 2),
        ("when = 2024-01-13", 1),
        ("2024-01-13 < when < 2024-06-01", 23),
        ("when >= 2024-06-01", 34),
    ]


def test_a_stream_goes_on_with_dates(tmp_path: Path) -> None:
    stream = kf.StreamingFairness(RULE)
    stream.project(Y[::2], {"when": DAYS[::2]})
    stream.save(tmp_path / "state.json")
    later = kf.StreamingFairness.load(tmp_path / "state.json")
    texts = {"when": DAYS[1::2].astype(str)}
    assert later.project(Y[1::2], texts).tolist() == stream.project(Y[1::2], {"when": DAYS[1::2]}).tolist()


def model() -> kf.FairModel:
    base = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    return kf.FairModel(base, RULE)


def test_a_model_takes_dates_from_first_to_last(tmp_path: Path) -> None:
    fair = model()
    fair.compile("sgd", "binary_crossentropy")
    people = pd.DataFrame({"x": 4 * Y - 2, "when": pd.Series(DAYS.astype("M8[s]")).dt.tz_localize("UTC")})
    fair.fit(people, LATE.astype("float32"), batch_size=20, epochs=1, verbose=0)
    predicted = fair.predict(people, batch_size=len(Y), verbose=0)
    assert abs(gap(predicted)) < 0.0101
    assert fair.projection.vocabulary == kf.Vocabulary()
    codes = fair.projection.encode({"when": DAYS})
    assert codes["when"].dtype == "int16"
    forms = [DAYS.astype(str).tolist(), DAYS.tolist(), codes["when"]]
    fair.save(tmp_path / "fair.keras")
    loaded = keras.models.load_model(tmp_path / "fair.keras")
    for column in forms:
        again = loaded.predict({"x": people["x"].to_numpy(), "when": column}, batch_size=len(Y), verbose=0)
        assert again.tolist() == predicted.tolist()


@pytest.mark.parametrize("column", [np.arange(len(Y)), np.arange(len(Y)) / 7, ["soon"] * len(Y)])
def test_a_model_refuses_what_is_no_date_before_its_graph(column: Any) -> None:
    with pytest.raises(ValueError, match="(?s)expected dates such as.*when >= '2024-06-01'.*\\^"):
        model().predict({"x": Y, "when": column}, verbose=0)


def test_inside_a_graph_a_column_has_to_be_encoded() -> None:
    layer = kf.FairProjection(RULE)
    y, when = keras.Input((1,)), keras.Input((), dtype="float32")
    graph = keras.Model([y, when], layer(y, attributes={"when": when}))
    words = "a graph can't read: encode.*FairProjection.encode.*float32"
    if keras.backend.backend() == "torch":  # it is not in a graph there
        words = "expected dates such as.*received numbers"
    with pytest.raises(ValueError, match=f"(?s){words}.*\\^"):
        graph.predict([Y[:, None], np.arange(len(Y), dtype="float32")], verbose=0)
    coded = keras.Input((), dtype="int16")
    graph = keras.Model([y, coded], kf.FairProjection(RULE)(y, attributes={"when": coded}))
    predicted = graph.predict(
        [Y[:, None], layer.encode({"when": DAYS})["when"]], batch_size=len(Y), verbose=0
    )
    assert gap(predicted) == pytest.approx(0.01, abs=1e-5)


def test_codes_of_something_else_are_no_codes_of_dates() -> None:
    few = np.array(["2024-01-01", "2024-12-01"] * 4)
    codes = kf.Vocabulary().adapt({"when": few}).encode({"when": few})["when"]
    assert codes.dtype == "int32"
    with pytest.raises(ValueError, match="expected dates such as .*received numbers"):
        kf.FairProjection(RULE)(Y[:8], attributes={"when": codes})


@pytest.mark.parametrize("form", [dict, np.asarray])
def test_probabilities_of_dates_are_refused(form: Any) -> None:
    shares = {"2024-01-01": np.full(8, 0.5), "2024-12-01": np.full(8, 0.5)}
    column = shares if form is dict else np.stack(list(shares.values()), axis=1)
    for refusing in (
        lambda: kf.audit(RULE, Y[:8], {"when": column}),
        lambda: kf.parse(RULE).rows({"when": column}),
        lambda: kf.FairProjection(RULE)(Y[:8], attributes={"when": column}),
    ):
        with pytest.raises(ValueError, match="expected dates such as .*received probabilities"):
            refusing()


def test_there_is_a_group_of_missing_dates_only_where_the_policy_makes_one() -> None:
    text = "E[y | when >= '2024-06-01' or when=missing] <= 1"
    for refusing in (
        lambda: kf.audit(text, Y, {"when": DAYS}),
        lambda: kf.parse(text).rows({"when": DAYS}),
    ):
        with pytest.raises(
            ValueError, match="(?s)'when' has no group of missing dates.*missing='group'.*\\^"
        ):
            refusing()


def test_a_day_that_a_column_lacks_is_no_value_of_it() -> None:
    with pytest.raises(ValueError, match="'when' has no value '2024-06-01'; did you mean '2024-06-"):
        kf.audit("E[y | when='2024-06-01'] <= 1", Y, {"when": DAYS})
    audit = kf.audit("E[y | when='2024-06-02'] <= 1; E[y | when < '2023-01-01'] <= 1", Y, {"when": DAYS})
    assert [relation.verdict.value for relation in audit.relations] == ["unestimable", "unestimable"]
