"""Who is in which group, in every mode, over columns that are easy to misread; plain NumPy says what is
right.

No two groups have the same mean prediction, so the mean tells who is in a group. Modes that enforce are asked
for `E[y | group] <= 0`, which moves the predictions of the group and no others.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

import keras_fair as kf
from keras_fair.cli import main
from keras_fair.metrics import PooledGap

N = 8
Y = np.array([0.76349, 0.10372, 0.31971, 0.13291, 0.31612, 0.11508, 0.89733, 0.79191])
GROUPS = [[bool(code >> place & 1) for place in range(N)] for code in range(1, 2**N)]
MEANS = np.array([Y[group].mean() for group in GROUPS])  # at least 7e-5 apart
JAX_FLOATS = keras.backend.backend() == "jax"


def members_of(mean: float) -> list[bool]:
    """Who is in a group, by the mean of their predictions."""
    nearest = int(np.argmin(np.abs(MEANS - mean)))
    return GROUPS[nearest] if abs(MEANS[nearest] - mean) < 1e-5 else [False] * N


def rule(condition: str) -> str:
    return f"rule: E[y | {condition}] <= 0"


def part_of(column: Any, where: slice) -> Any:
    if isinstance(column, (pd.Series, pd.DataFrame)):
        return column.iloc[where]
    return column[where]


def by_audit(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    audit = kf.audit(rule(condition), Y, {"g": column}, vocabulary=vocabulary, confidence=None)
    return members_of(audit.relations[0].gap)


def by_auditor(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    auditor = kf.Auditor(rule(condition), vocabulary=vocabulary, confidence=None)
    for where in (slice(0, 3), slice(3, N)):
        auditor.update(Y[where], {"g": part_of(column, where)})
    return members_of(auditor.result().relations[0].gap)


def by_rows(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    rows = kf.parse(rule(condition)).rows({"g": column}, vocabulary=vocabulary)
    return members_of(float(np.asarray(rows.gaps(Y))[0]))


def by_pooled_gap(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    metric = PooledGap(rule(condition), vocabulary=vocabulary)
    for where in (slice(0, 3), slice(3, N)):
        metric.update_state(Y[where], {"g": part_of(column, where)})
    return members_of(metric.result()["rule_gap"])


def by_monitor(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    monitor = kf.FairnessMonitor(
        rule(condition), training_data=(Y[:, None], None), attributes={"g": column}, vocabulary=vocabulary
    )
    monitor.set_model(identity())
    monitor.on_train_begin()
    logs: dict[str, Any] = {}
    monitor.on_epoch_end(0, logs)
    return members_of(logs["rule_gap"])


def by_project(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    rows = kf.parse(rule(condition)).rows({"g": column}, vocabulary=vocabulary)
    return (np.asarray(kf.project(Y, rows).y) < 1e-4).tolist()


def by_layer(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    layer = kf.FairProjection(rule(condition), vocabulary=vocabulary)
    return (np.asarray(layer(Y, attributes={"g": column})) < 1e-4).tolist()


def by_model(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    model = kf.FairModel(identity(), rule(condition), vocabulary=vocabulary)
    # A graph takes seconds, and other packages' containers are arrays of NumPy before one is made.
    model.run_eagerly = not isinstance(column, (np.ndarray, list))
    fair = model.predict({"x": Y[:, None], "g": column}, batch_size=N, verbose=0)
    return (fair[:, 0] < 1e-4).tolist()


def by_stream(column: Any, condition: str, vocabulary: Any = None) -> list[bool]:
    stream = kf.StreamingFairness(rule(condition), vocabulary=vocabulary)
    return (np.abs(np.asarray(stream.project(Y, {"g": column})) - Y) > 1e-6).tolist()


def identity() -> keras.Model:
    return keras.Sequential([keras.Input((1,)), keras.layers.Activation("linear")])


MEASURING = {
    "audit": by_audit,
    "Auditor": by_auditor,
    "rows": by_rows,
    "PooledGap": by_pooled_gap,
    "FairnessMonitor": by_monitor,
}
ENFORCING = {
    "project": by_project,
    "FairProjection": by_layer,
    "FairModel": by_model,
    "StreamingFairness": by_stream,
}
MODES: dict[str, Callable[..., list[bool]]] = {**MEASURING, **ENFORCING}

TENTHS = np.array([0.1, 0.2, 0.3, 0.7, 0.7, 0.9, 0.3, 0.2])
WHOLE = np.array([1, 2, 3, 3, 4, 0, -1, 3])
LARGE = np.array([2**24, 2**24 + 1] * 4)
TRUE = WHOLE > 2
WORDS = np.array(list("aabbccab"))
LEVELS = pd.CategoricalDtype(list("abcd"))
DAYS = np.array(
    [
        "2024-05-31",
        "2024-06-01",
        "2024-06-02",
        "2023-06-01",
        "2024-06-01",
        "9999-12-31",
        "0001-01-01",
        "2025-01-01",
    ],
    "M8[D]",
)
TIMES = np.array(
    ["2024-06-01", "2024-06-01T12:30", "2024-06-01T12:30:00.000001", "2024-06-01T12:29:59.999999"] * 2,
    "M8[us]",
)
ZONED = pd.Series(TIMES).dt.tz_localize("UTC").dt.tz_convert("America/New_York")

# A column of numbers with one decimal, in every container; in each, 0.7 is the 0.7 of the text.
OF_TENTHS = {
    "list": TENTHS.tolist(),
    "float64": TENTHS,
    "float32": TENTHS.astype("float32"),
    "float16": TENTHS.astype("float16"),
    "bfloat16": TENTHS.astype(ml_dtypes.bfloat16),
    "list of float32": list(TENTHS.astype("float32")),
    "(n, 1)": TENTHS.astype("float32")[:, None],
    "masked, nothing hidden": np.ma.array(TENTHS.astype("float32"), mask=[False] * N),
    "pandas float32": pd.Series(TENTHS, dtype="float32"),
    "pandas Float32": pd.Series(TENTHS, dtype="Float32"),
    "pandas float[pyarrow]": pd.Series(TENTHS, dtype="float[pyarrow]"),
    "pandas halffloat[pyarrow]": pd.Series(TENTHS.astype("float16"), dtype=pd.ArrowDtype(pa.float16())),
    "pandas category": pd.Series(TENTHS).astype("category"),
    "polars Float32": pl.Series(TENTHS, dtype=pl.Float32),
    "pyarrow float": pa.array(TENTHS, pa.float32()),
    "pyarrow chunks": pa.chunked_array(
        [pa.array(TENTHS[:3], pa.float32()), pa.array(TENTHS[3:], pa.float32())]
    ),
    "tensor": "tensor",
}
OF_WHOLE = {
    "list": WHOLE.tolist(),
    "int8": WHOLE.astype("int8"),
    "int32": WHOLE.astype("int32"),
    "int64": WHOLE,
    "float16": WHOLE.astype("float16"),
    "pandas Int64": pd.Series(WHOLE, dtype="Int64"),
    "polars": pl.Series(WHOLE),
    "pyarrow": pa.array(WHOLE),
}
OF_WORDS = {
    "list": WORDS.tolist(),
    "U": WORDS,
    "S": WORDS.astype("S"),
    "bytes": [word.encode() for word in WORDS],
    "object": WORDS.astype(object),
    "pandas": pd.Series(WORDS),
    "pandas string": pd.Series(WORDS, dtype="string"),
    "category with a level that nobody has": pd.Series(WORDS).astype(LEVELS),
    "polars": pl.Series(WORDS.tolist()),
    "polars Enum": pl.Series(WORDS.tolist(), dtype=pl.Enum(list("abcd"))),
    "pyarrow": pa.array(WORDS.tolist()),
    "pyarrow dictionary": pa.array(WORDS.tolist()).dictionary_encode(),
}
OF_DAYS = {
    "datetime64": DAYS,
    "list of date": DAYS.tolist(),
    "list of datetime64": list(DAYS),
    "object": DAYS.astype(object),
    "masked": np.ma.array(DAYS, mask=[False] * N),
    "pandas": pd.Series(DAYS.astype("M8[s]")),
    "pandas category": pd.Series(DAYS.astype("M8[s]")).astype("category"),
    "pandas date32[pyarrow]": pd.Series(DAYS.tolist(), dtype="date32[pyarrow]"),
    "polars": pl.Series(DAYS),
    "pyarrow date32": pa.array(DAYS),
    "pyarrow date64": pa.array(DAYS.tolist(), pa.date64()),
    "pyarrow dictionary": pa.array(DAYS).dictionary_encode(),
    "text": DAYS.astype(str),
    "text with times": [f"{day} 00:00:00Z" for day in DAYS],
    "bytes": DAYS.astype("S"),
    "pandas string": pd.Series(DAYS.astype(str), dtype="string"),
    "pandas category of text": pd.Series(DAYS.astype(str)).astype("category"),
    "polars text": pl.Series(DAYS.astype(str).tolist()),
    "pyarrow text": pa.array(DAYS.astype(str).tolist()),
}
OF_TIMES = {
    "datetime64[us]": TIMES,
    "datetime64[ns]": TIMES.astype("M8[ns]"),
    "list of datetime": TIMES.tolist(),
    "pandas": pd.Series(TIMES),
    "pandas with a zone": ZONED,
    "list of Timestamp": list(ZONED),
    "pandas category with a zone": ZONED.astype("category"),
    "pandas timestamp[pyarrow]": pd.Series(TIMES, dtype="timestamp[us][pyarrow]"),
    "polars": pl.Series(TIMES),
    "polars with a zone": pl.Series(TIMES).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
    "pyarrow": pa.array(TIMES),
    "pyarrow with a zone": pa.array(TIMES).cast(pa.timestamp("ns", "Asia/Tokyo")),
    "text": [str(time) for time in TIMES],
    "text with offsets": [time.isoformat() for time in ZONED],
}
HALF_PAST = np.datetime64("2024-06-01T12:30")
CASES = [
    *((f"days, {name}", column, "g >= '2024-06-01'", DAYS[1] <= DAYS) for name, column in OF_DAYS.items()),
    *(
        (f"times, {name}", column, "g > '2024-06-01T14:30+02:00'", TIMES > HALF_PAST)
        for name, column in OF_TIMES.items()
    ),
    *(
        (f"time, {name}", column, "g = '2024-06-01 12:30'", TIMES == HALF_PAST)
        for name, column in OF_TIMES.items()
        if not name.startswith("text")  # where nothing is compared by order, text is text
    ),
    ("days between", DAYS, "'2024-06-01' <= g < '2025-01-01'", (DAYS[1] <= DAYS) & (DAYS[-1] > DAYS)),
    (
        "days but",
        DAYS.astype(str),
        "g > '2024-05-31', g != '2024-06-01T00:00', not g in {'9999-12-31', '2023-06-01'}",
        (DAYS[0] < DAYS) & (DAYS[1] != DAYS) & (DAYS[5] != DAYS),
    ),
    ("day, text", DAYS.astype(str), "g = '2024-06-01'", DAYS[1] == DAYS),
    *((f"tenths, {name}", column, "g >= 0.7", TENTHS >= 0.7) for name, column in OF_TENTHS.items()),
    *((f"tenth, {name}", column, "g = 0.7", TENTHS == 0.7) for name, column in OF_TENTHS.items()),
    ("tenths but", TENTHS.astype("float32"), "not g in {0.7, 0.1}", ~np.isin(TENTHS, [0.7, 0.1])),
    *((f"whole, {name}", column, "g >= 2.5", WHOLE >= 2.5) for name, column in OF_WHOLE.items()),
    ("whole, equal", WHOLE, "g = 3", WHOLE == 3),
    ("whole, far beyond its type", WHOLE.astype("int8"), "g < 300", WHOLE < 300),
    ("large whole", LARGE, "g = 16777217", LARGE == 16777217),
    ("unsigned", np.abs(WHOLE).astype("uint8"), "g > 2", np.abs(WHOLE) > 2),
    ("truths", TRUE, "g = True", TRUE),
    ("truths as numbers", TRUE, "g = 1", TRUE),
    ("truths of a list", TRUE.tolist(), "g = True", TRUE),
    *((f"words, {name}", column, "g = a", WORDS == "a") for name, column in OF_WORDS.items()),
]
# Modes that compile something for each case are asked about each kind once.
KINDS = [
    case
    for case in CASES
    if case[0]
    in {
        "tenths, float64",
        "tenth, float32",
        "tenth, float16",
        "tenths, bfloat16",
        "tenths, pandas Float32",
        "tenths, polars Float32",
        "tenths, tensor",
        "tenths but",
        "whole, int8",
        "whole, pandas Int64",
        "large whole",
        "truths",
        "words, U",
        "words, category with a level that nobody has",
        "words, pyarrow dictionary",
        "days, datetime64",
        "days, list of date",
        "days, pandas category",
        "days, text with times",
        "times, pandas with a zone",
        "times, polars",
        "times, text",
        "time, datetime64[ns]",
        "days but",
    }
]


# On other backends the same code decides who is in a group; what differs there is the width of a float.
IN_SINGLE = {
    "tenths, float64",
    "tenth, float32",
    "tenths, bfloat16",
    "large whole",
    "truths",
    "words, U",
    "days, datetime64",
    "times, text",
    "days but",
}
KINDS = [case for case in KINDS if not JAX_FLOATS or case[0] in IN_SINGLE]
if keras.backend.backend() == "torch":  # text, which a model without a vocabulary reads in a graph
    KINDS = [case for case in KINDS if case[0] != "time, datetime64[ns]"]


def column_of(column: Any) -> Any:
    if isinstance(column, str):
        return keras.ops.convert_to_tensor(TENTHS.astype("float32"))
    return column


@pytest.mark.parametrize("mode", MEASURING)
@pytest.mark.parametrize(
    ("column", "condition", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_who_is_measured(column: Any, condition: str, expected: np.ndarray, mode: str) -> None:
    vocabulary = {"g": ["a", "b", "c"]} if condition == "g = a" and mode in ("PooledGap", "Auditor") else None
    vocabulary = None if vocabulary is None else kf.Vocabulary(vocabulary)
    assert MODES[mode](column_of(column), condition, vocabulary) == expected.tolist()


@pytest.mark.parametrize("mode", ENFORCING)
@pytest.mark.parametrize(
    ("column", "condition", "expected"), [c[1:] for c in KINDS], ids=[c[0] for c in KINDS]
)
def test_who_is_moved(column: Any, condition: str, expected: np.ndarray, mode: str) -> None:
    vocabulary = {"g": ["a", "b", "c"]} if condition == "g = a" else None
    assert MODES[mode](column_of(column), condition, vocabulary) == expected.tolist()


@pytest.mark.parametrize("mode", MODES)
def test_values_that_were_learnt_in_one_precision_are_found_in_another(mode: str) -> None:
    learnt = kf.Vocabulary().adapt({"g": TENTHS})
    assert (
        MODES[mode](TENTHS.astype("float32"), "g in {0.2, 0.9}", learnt)
        == np.isin(TENTHS, [0.2, 0.9]).tolist()
    )
    learnt = kf.Vocabulary().adapt({"g": TENTHS.astype("float32")})
    assert learnt.values["g"] == (0.1, 0.2, 0.3, 0.7, 0.9)
    assert MODES[mode](TENTHS, "g in {0.2, 0.9}", learnt) == np.isin(TENTHS, [0.2, 0.9]).tolist()


HIDDEN = [False] * 3 + [True] + [False] * 4
MISSING = {
    "masked float32": np.ma.array(TENTHS.astype("float32"), mask=HIDDEN),
    "masked int": np.ma.array((10 * TENTHS).round().astype(int), mask=HIDDEN),
    "NaN": np.where(HIDDEN, np.nan, TENTHS),
    "None": [None if hidden else number for number, hidden in zip(TENTHS.tolist(), HIDDEN, strict=True)],
    "pandas Float32": pd.Series(np.where(HIDDEN, np.nan, TENTHS), dtype="Float32"),
    "pandas Int64": pd.Series((10 * TENTHS).round(), dtype="Int64").mask(pd.Series(HIDDEN)),
    "polars": pl.Series([None if hidden else number for number, hidden in zip(TENTHS, HIDDEN, strict=True)]),
    "pyarrow": pa.array(TENTHS, pa.float32(), mask=np.array(HIDDEN)),
}


@pytest.mark.parametrize("mode", MEASURING)
@pytest.mark.parametrize("name", MISSING)
def test_missing_entries_follow_the_policy(name: str, mode: str) -> None:
    column, bound = MISSING[name], "7" if "int" in name.lower() else "0.7"
    below = (TENTHS < 0.7) & ~np.array(HIDDEN)
    excluding = kf.Vocabulary({"g": None}, missing="exclude")
    assert MODES[mode](column, f"not g >= {bound}", excluding) == below.tolist()
    with pytest.raises(ValueError, match="'g' has 1 missing value"):
        MODES[mode](column, f"not g >= {bound}")


GONE = [None if hidden else day for day, hidden in zip(DAYS.tolist(), HIDDEN, strict=True)]
MISSING_DAYS = {
    "list": GONE,
    "NaT": np.where(HIDDEN, np.datetime64("NaT"), DAYS),
    "masked": np.ma.array(DAYS, mask=HIDDEN),
    "pandas": pd.Series(np.where(HIDDEN, np.datetime64("NaT"), DAYS.astype("M8[s]"))),
    "pandas date32[pyarrow]": pd.Series(GONE, dtype="date32[pyarrow]"),
    "polars": pl.Series(GONE),
    "pyarrow": pa.array(GONE),
    "text": ["" if day is None else str(day) for day in GONE],
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MISSING_DAYS)
def test_missing_dates_follow_the_policy(name: str, mode: str) -> None:
    if mode in ENFORCING and name not in ("NaT", "text"):  # these compile something for each case
        pytest.skip("read as in the modes that measure")
    before = (DAYS[1] > DAYS) & ~np.array(HIDDEN)
    column, condition = MISSING_DAYS[name], "not g >= '2024-06-01'"
    assert MODES[mode](column, condition, kf.Vocabulary({"g": None}, missing="exclude")) == before.tolist()
    group = kf.Vocabulary({"g": None}, missing="group")
    neither = (
        "(g = missing and not g < '2024-06-01') or g = '2024-06-02'"  # whether a missing date is before it
    )
    assert MODES[mode](column, neither, group) == (DAYS[2] == DAYS).tolist()
    assert MODES[mode](column, "g = missing or g >= '2024-06-01'", group) == (~before).tolist()
    with pytest.raises(ValueError, match="'g' has 1 missing value"):
        MODES[mode](column, condition)


@pytest.mark.parametrize("mode", ENFORCING)
def test_missing_entries_are_moved_by_the_policy(mode: str) -> None:
    column, below = MISSING["masked float32"], (TENTHS < 0.7) & ~np.array(HIDDEN)
    excluding = kf.Vocabulary({"g": None}, missing="exclude")
    assert MODES[mode](column, "not g >= 0.7", excluding) == below.tolist()
    with pytest.raises(ValueError, match="'g' has 1 missing value"):
        MODES[mode](column, "not g >= 0.7")


TWICE = pd.DataFrame([[1.0, 2.0]] * N, columns=["g", "g"])
REFUSED = [
    ("beyond 2^53", np.array([2**53, 2**53 + 1] * 4), "g = 9007199254740992", "2\\^53"),
    ("beyond 2^53, list", [2**53 + 1, 1] * 4, "g = 1", "2\\^53"),
    ("beyond 2^53, unsigned", np.array([2**63, 1] * 4, dtype="uint64"), "g = 1", "2\\^53"),
    ("beyond 2^53, pandas", pd.Series([2**60, None] * 4, dtype="Int64"), "g = 1", "2\\^53"),
    ("beyond 2^53, polars", pl.Series([2**60, 1] * 4), "g = 1", "2\\^53"),
    ("beyond 2^53, pyarrow", pa.array([2**60, 1] * 4), "g = 1", "2\\^53"),
    ("no UTF-8", np.array([b"\xff", b"\xfe"] * 4, dtype=object), "g = a", "UTF-8"),
    ("no UTF-8, fixed width", np.array([b"\xff", b"\xfe"] * 4), "g = a", "UTF-8"),
    (
        "float32 that merges thresholds",
        LARGE.astype("float32"),
        "g in {16777216, 16777217}",
        "one number in float32",
    ),
    ("text and numbers", ["a", 1.0] * 4, "g = a", "either text or numbers"),
    ("dates and numbers", [DAYS[0], 1.0] * 4, "g = a", "either text or numbers"),
    (
        "numbers for dates",
        WHOLE,
        "g >= '2024-06-01'",
        "expected dates such as '2024-06-01'.*numbers such as 1",
    ),
    ("text for dates", ["2024-06-01", "soon"] * 4, "g >= '2024-06-01'", "received 'soon' in row 1"),
    ("no day", ["2024-02-30"] * 8, "g >= '2024-06-01'", "received '2024-02-30' in row 0"),
    ("a far year", np.array(["20000-01-01"] * 8, "M8[D]"), "g >= '2024-06-01'", "years 1 to 9999"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("column", "condition", "words"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_columns_that_would_merge_groups_are_refused(
    column: Any, condition: str, words: str, mode: str
) -> None:
    with pytest.raises(ValueError, match=words):
        MODES[mode](column, condition)


def test_a_column_that_keras_would_merge_is_refused() -> None:
    with pytest.raises(ValueError, match="one number in float32, in which Keras holds it"):
        by_model(LARGE.astype("float64"), "g = 16777217")
    if JAX_FLOATS:
        with pytest.raises(ValueError, match="one number in float32"):
            by_layer(LARGE.astype("float64"), "g = 16777217")
        with pytest.raises(ValueError, match="up to 2147483647"):
            by_layer(np.array([2**31, 1] * 4), "g = 1")
    else:
        assert by_layer(LARGE.astype("float64"), "g = 16777217") == (LARGE == 16777217).tolist()


# What is wrong is not the column alone: two columns of one name, rows in another order, masked predictions.

FRAME = pd.DataFrame({"g": WORDS})
SHUFFLED = FRAME.iloc[::-1]
LABEL = np.array([0, 1] * 4)
ALL_MODES = {
    "audit": lambda y, columns, **more: kf.audit(rule("g = a"), y, columns, **more),
    "Auditor": lambda y, columns, **more: kf.Auditor(rule("g = a")).update(y, columns, **more),
    "FairProjection": lambda y, columns, **more: kf.FairProjection(rule("g = a"))(
        y, attributes=columns, **more
    ),
    "StreamingFairness": lambda y, columns, **more: kf.StreamingFairness(rule("g = a")).project(
        y, columns, **more
    ),
    "PooledGap": lambda y, columns, **more: PooledGap(rule("g = a")).update_state(y, columns, **more),
}


@pytest.mark.parametrize("mode", ALL_MODES)
def test_two_columns_of_one_name_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="two columns named 'g'"):
        ALL_MODES[mode](Y, TWICE)


def test_two_columns_of_one_name_are_refused_where_there_are_no_predictions() -> None:
    with pytest.raises(ValueError, match="two columns named 'g'"):
        kf.parse(rule("g = a")).rows(TWICE)
    with pytest.raises(ValueError, match="two columns named 'g'"):
        kf.Vocabulary().adapt(TWICE)
    with pytest.raises(ValueError, match="two columns named 'g'"):
        kf.FairModel(identity(), rule("g >= 1")).predict(TWICE, verbose=0)


@pytest.mark.parametrize("mode", ALL_MODES)
def test_rows_in_another_order_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="same entries in another order"):
        ALL_MODES[mode](pd.Series(Y), SHUFFLED)
    with pytest.raises(ValueError, match="same entries in another order"):
        ALL_MODES[mode](pd.Series(Y), {"g": SHUFFLED["g"]})
    with pytest.raises(ValueError, match="same entries in another order"):
        ALL_MODES[mode](Y, FRAME, label=pd.Series(LABEL).iloc[::-1])


def test_rows_in_another_order_are_refused_where_there_are_no_predictions() -> None:
    parsed = kf.parse(rule("g = a"))
    with pytest.raises(ValueError, match="label in the order of attributes.*in another order"):
        parsed.rows(FRAME, label=pd.Series(LABEL).iloc[::-1])
    with pytest.raises(ValueError, match="sample_weight in the order of attributes.*in another order"):
        parsed.rows(FRAME, sample_weight=pd.Series(np.ones(N)).iloc[::-1])


@pytest.mark.parametrize("late", ["input", "y", "sample_weight", "validation"])
def test_keras_models_refuse_rows_in_another_order(late: str) -> None:
    label = pd.Series(LABEL.astype("float32"))
    backwards = label.iloc[::-1]
    x = {"features": pd.Series(np.asarray(Y, dtype="float32")), "g": pd.Series(np.ones(N, dtype="float32"))}
    model = kf.FairModel(identity(), rule("g >= 1"))
    model.compile(optimizer="sgd", loss="mse")
    given = {
        "input": {"x": {**x, "g": x["g"].iloc[::-1]}, "y": label},
        "y": {"x": x, "y": backwards},
        "sample_weight": {"x": x, "y": label, "sample_weight": pd.Series(np.ones(N)).iloc[::-1]},
        "validation": {"x": x, "y": label, "validation_data": (x, backwards)},
    }[late]
    with pytest.raises(ValueError, match="same entries in another order"):
        model.fit(**given, verbose=0)


def test_rows_that_belong_together_by_position_are_taken() -> None:
    other_people = SHUFFLED.set_axis(range(100, 100 + N))
    assert kf.audit(rule("g = a"), pd.Series(Y), other_people, confidence=None).samples == N
    assert kf.audit(rule("g = a"), pd.Series(Y), {"g": SHUFFLED["g"].to_numpy()}).samples == N


@pytest.mark.parametrize("mode", ALL_MODES)
def test_masked_predictions_and_weights_are_refused(mode: str) -> None:
    hidden = np.ma.array(Y, mask=HIDDEN)
    with pytest.raises(ValueError, match="predictions y without masked values"):
        ALL_MODES[mode](hidden, {"g": WORDS})
    with pytest.raises(ValueError, match="sample_weight without masked values"):
        ALL_MODES[mode](Y, {"g": WORDS}, sample_weight=np.ma.array(np.ones(N), mask=HIDDEN))


def test_masked_weights_are_refused_by_rows() -> None:
    with pytest.raises(ValueError, match="sample_weight without masked values"):
        kf.parse(rule("g = a")).rows({"g": WORDS}, sample_weight=np.ma.array(np.ones(N), mask=HIDDEN))


def learnt_by(stream: kf.StreamingFairness, path: Path) -> list[Any]:
    stream.save(path)
    (state,) = json.loads(path.read_text(encoding="utf-8"))["body"]["streams"].values()
    return state["vocabulary"]["values"]["g"]


def test_streams_learn_no_value_that_a_mask_hides(tmp_path: Path) -> None:
    stream = kf.StreamingFairness("spread(E[y | g=*]) <= 0.1")
    hidden = [False] * (N - 1) + [True]
    with pytest.raises(ValueError, match="'g' has 1 missing value"):
        stream.project(Y, {"g": np.ma.array(["a", "b"] * 3 + ["a", "z"], mask=hidden)})
    stream.project(Y, {"g": WORDS})
    assert learnt_by(stream, tmp_path / "words.json") == ["a", "b", "c"]
    numbers = kf.StreamingFairness("spread(E[y | g=*]) <= 0.1")
    numbers.project(Y, {"g": TENTHS.astype("float32")})
    assert learnt_by(numbers, tmp_path / "numbers.json") == [0.1, 0.2, 0.3, 0.7, 0.9]


def test_masked_labels_follow_the_policy() -> None:
    label = np.ma.array(LABEL, mask=HIDDEN)
    text = "rule: E[y | label=1] <= 0"
    with pytest.raises(ValueError, match="the label has 1 missing value"):
        kf.audit(text, Y, {}, label)
    with pytest.raises(ValueError, match="the label has 1 missing value"):
        kf.parse(text).rows({}, label)
    excluding = kf.Vocabulary(missing="exclude")
    expected = ((LABEL == 1) & ~np.array(HIDDEN)).tolist()
    audit = kf.audit(text, Y, {}, label, vocabulary=excluding, confidence=None)
    assert members_of(audit.relations[0].gap) == expected
    assert members_of(float(kf.parse(text).rows({}, label, vocabulary=excluding).gaps(Y)[0])) == expected


@pytest.mark.parametrize("number", ["float32", "float16"])
def test_scores_of_few_digits_meet_the_threshold_of_the_text(number: str) -> None:
    given = {
        "array": TENTHS.astype(number),
        "DataFrame column": pd.DataFrame({"score": TENTHS.astype(number)})["score"],
        "polars": pl.Series(TENTHS.astype("float32"), dtype=pl.Float32),
        "pyarrow": pa.array(TENTHS.astype(number)),
        "tensor": keras.ops.convert_to_tensor(TENTHS.astype(number)),
        "pandas Float32": pd.Series(TENTHS, dtype="Float32"),
        "pandas float[pyarrow]": pd.Series(TENTHS, dtype="float[pyarrow]"),
    }
    for container, scores in given.items():
        audit = kf.audit("P[y >= 0.7] <= 1", scores, {}, confidence=None)
        assert audit.relations[0].gap == pytest.approx(np.mean(TENTHS >= 0.7)), container


@pytest.mark.parametrize("number", ["float64", "float32", "float16"])
def test_the_command_line_reads_parquet_in_its_own_precision(number: str, tmp_path: Path) -> None:
    table = pa.table({"score": pa.array(TENTHS.astype(number)), "g": pa.array(TENTHS.astype(number))})
    parquet.write_table(table, tmp_path / "people.parquet")
    text = "P[y >= 0.7] <= 1; P[g >= 0.7] <= 1"
    arguments = ["audit", str(tmp_path / "people.parquet"), "--prediction", "score", "-c", text]
    main([*arguments, "--json", str(tmp_path / "audit.json")])
    audit = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    expected = pytest.approx(np.mean(TENTHS >= 0.7))
    assert [relation["gap"] for relation in audit["relations"]] == [expected, expected]


ACCURACY = "accuracy_parity(g) <= 0.5"
SIGNS = np.where(LABEL == 1, 1.0, -1.0)


def test_an_accuracy_refuses_labels_outside_0_to_1() -> None:
    words = "expected labels in \\[0, 1\\]"
    columns = {"g": WORDS}
    vocabulary = kf.Vocabulary({"g": ["a", "b", "c"]})
    with pytest.raises(ValueError, match=words):
        kf.audit(ACCURACY, Y, columns, SIGNS)
    with pytest.raises(ValueError, match=words):
        kf.parse(ACCURACY).rows(columns, SIGNS)
    with pytest.raises(ValueError, match=words):
        PooledGap(ACCURACY, vocabulary=vocabulary).update_state(Y, columns, SIGNS)
    with pytest.raises(ValueError, match=words):
        kf.FairProjection(ACCURACY, vocabulary=vocabulary)(Y, attributes=columns, label=SIGNS)
    with pytest.raises(ValueError, match=words):
        kf.StreamingFairness(ACCURACY, vocabulary=vocabulary).project(Y, columns, label=SIGNS)
    base = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    model = kf.FairModel(base, ACCURACY, vocabulary=vocabulary)
    model.compile("sgd", "mse")
    with pytest.raises(Exception, match=words):  # TensorFlow and JAX stop a graph with errors of their own
        model.fit({"x": Y[:, None], "g": WORDS}, SIGNS, batch_size=N, verbose=0)


def test_what_text_and_numbers_are_told_to_be() -> None:
    with pytest.raises(ValueError, match="'g' holds numbers, and '1' is text; write 1, without quotes"):
        kf.audit(rule("g = '1'"), Y, {"g": WHOLE})
    with pytest.raises(ValueError, match="'g' holds numbers, and '1' is text; write 1, without quotes"):
        kf.parse(rule("g = '1'")).rows({"g": WHOLE})
    answers = np.where(LABEL == 1, "yes", "no")
    for refusing in (
        lambda: kf.audit("E[y | label=1] <= 0", Y, {}, answers),
        lambda: kf.parse("E[y | label=1] <= 0").rows({}, answers),
        lambda: kf.parse("E[label - y] <= 0").rows({}, answers),
        lambda: kf.audit("E[label - y] <= 0", Y, {}, answers),
    ):
        with pytest.raises(ValueError, match="label.*text.*encode"):
            refusing()


def test_names_that_only_look_the_same_are_pointed_out() -> None:
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"
    people = {"g": [decomposed, "Ann"] * 4}
    for refusing in (
        lambda: kf.audit(f"E[y | g='{composed}'] <= 1", Y, people),
        lambda: kf.parse(f"E[y | g='{composed}'] <= 1").rows(people),
        lambda: kf.audit(f"E[y | `{composed}`=1] <= 1", Y, {decomposed: WHOLE}),
    ):
        with pytest.raises(ValueError, match="NFC"):
            refusing()


def test_a_level_that_nobody_has_is_no_group() -> None:
    text = "spread(E[y | g=*]) <= 1"
    columns = {
        "words": WORDS,
        "category": pd.Series(WORDS).astype(LEVELS),
        "Enum": pl.Series(WORDS.tolist(), dtype=pl.Enum(list("abcd"))),
        "dictionary": pa.DictionaryArray.from_arrays(
            pa.array(["abcd".index(word) for word in WORDS]), pa.array(list("abcd"))
        ),
    }
    for name, column in columns.items():
        audit = kf.audit(text, Y, {"g": column}, confidence=None)
        assert audit.satisfied, name
        assert [group.values for group in audit.groups] == [("a",), ("b",), ("c",)], name
        assert bool(kf.parse(text).rows({"g": column}).estimable[0]), name
        with pytest.raises(ValueError, match="'g' has no value 'd'"):
            kf.audit("E[y | g=d] <= 1", Y, {"g": column})
        with pytest.raises(ValueError, match="'g' has no value 'd'"):
            kf.parse("E[y | g=d] <= 1").rows({"g": column})
    declared = kf.Vocabulary({"g": list("abcd")})
    audit = kf.audit(text, Y, {"g": WORDS}, vocabulary=declared, confidence=None)
    assert audit.relations[0].verdict.value == "unestimable"


# A truth that is missing is neither True nor False, in every container.
TRUTHS = [True, None, False, True, None, False, True, False]
OF_TRUTHS = {
    "list": TRUTHS,
    "object": np.array(TRUTHS, dtype=object),
    "masked": np.ma.array([entry is True for entry in TRUTHS], mask=[entry is None for entry in TRUTHS]),
    "pandas boolean": pd.Series(TRUTHS, dtype="boolean"),
    "pandas category": pd.Series(pd.Categorical(TRUTHS)),
    "pandas bool[pyarrow]": pd.Series(TRUTHS, dtype="bool[pyarrow]"),
    "polars": pl.Series(TRUTHS),
    "pyarrow": pa.array(TRUTHS),
    "pyarrow dictionary": pa.DictionaryArray.from_arrays(
        pa.array([0, None, 1, 0, None, 1, 0, 1]), pa.array([True, False])
    ),
}


@pytest.mark.parametrize("mode", ["audit", "rows"])
@pytest.mark.parametrize("container", OF_TRUTHS)
def test_a_missing_truth_is_in_no_group(container: str, mode: str) -> None:
    vocabulary = kf.Vocabulary(missing="exclude").adapt({"g": OF_TRUTHS[container]})
    members = MODES[mode](OF_TRUTHS[container], "g = True", vocabulary)
    assert members == [entry is True for entry in TRUTHS]
