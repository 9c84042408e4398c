"""Rules and people that are easy to misread, for the tests that run a rule in SQL and on Spark."""

from __future__ import annotations

import functools
import json
import warnings
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

import keras_fair as kf

__all__ = ["COLUMN_TYPES", "TEXTS", "VALUES", "People", "calibration", "cases", "said"]

VALUES = ["Female", "it's", 'a"b', "back\\slash", "; -- x", "ü%_ \u2603", "Missing", "a OR b", "new\nline"]
DAYS = [
    datetime(2024, 5, 31, 23, 59, 59),
    datetime(2024, 6, 1),
    datetime(2024, 6, 1, 12, 30),
    datetime(2025, 1, 1),
]
TEXTS = {
    "text": "spread(P[y >= 0.5 | sex=*]) <= 0.9",
    "one text": "P[y >= 0.5 | sex=Female] <= 0.9",
    "numbers": "P[y >= 0.5 | age < 30] <= 0.9\nP[y >= 0.5 | age > 41.3 or age = 35] <= 0.9",
    "other numbers": "P[y >= 0.5 | age != 30] <= 0.9\nP[y >= 0.5 | age <= 41.3] <= 0.9",
    "both": "spread(P[y >= 0.5 | sex=*, age < 30]) <= 0.9",
    "booleans": "spread(P[y >= 0.5 | ok=*]) <= 0.9",
    "dates": "P[y >= 0.5 | day < '2024-06-01'] <= 0.9\nP[y >= 0.5 | day > '2024-06-01T12:30'] <= 0.9",
    "everyone": "P[y >= 0.5] <= 0.9",
}
COLUMN_TYPES = {"sex": pa.string(), "age": pa.float64(), "ok": pa.bool_(), "day": pa.timestamp("us")}

People = list[dict[str, Any]]


def said(rule: kf.FrozenFairness, people: People, *, decide: bool = True) -> list[Any]:
    """What the rule says of each person alone; None where it refuses."""
    found: list[Any] = []
    for person in people:
        attributes = {name: [value] for name, value in person.items() if name != "score"}
        score = np.array([np.nan if person["score"] is None else person["score"]])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*the rule doesn't know")
            try:
                given = (rule.decide if decide else rule)(score, attributes)[0]
            except ValueError:
                found.append(None)
                continue
        found.append(bool(given) if decide else float(given))
    return found


def calibration() -> dict[str, Any]:
    """People of all groups."""
    n = 63
    return {
        "sex": [VALUES[place % len(VALUES)] for place in range(n)],
        "age": [float((25, 30, 35, 41.3, 45, 50, 60)[place % 7]) for place in range(n)],
        "ok": [place % 2 == 0 for place in range(n)],
        "day": [DAYS[place % len(DAYS)] for place in range(n)],
    }


@functools.lru_cache(maxsize=100)
def fitted(text: str, missing: str, unknown: str) -> str:
    """The document of a rule that was learnt from these people."""
    columns = calibration()
    if missing != "error":
        columns = {name: [None, *column[1:]] for name, column in columns.items()}
    scores = np.linspace(0, 1, len(columns["sex"]))
    vocabulary = kf.Vocabulary(missing=missing)
    rule = kf.FrozenFairness(text, confidence=None, unknown=unknown, vocabulary=vocabulary)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rule.fit(scores, columns).to_json()


def rules(draw: Any, text: str, missing: str, unknown: str) -> tuple[kf.FrozenFairness, list[float]]:
    """A rule of a text with any thresholds, some groups of which nobody was; and its thresholds."""
    document = json.loads(fitted(text, missing, unknown))
    count = len(document["knots"]["thresholds"])
    number = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, None, 0.1 + 0.2]))
    thresholds = [draw(number) for _ in range(count)]
    document["knots"]["thresholds"] = [[threshold] for threshold in thresholds]
    document["knots"]["shares"] = [[1.0]] * count
    if draw(st.booleans()):
        place = draw(st.integers(0, len(document["row_of_cell"]) - 1))
        document["row_of_cell"][place] = -1
    finite = [threshold for threshold in thresholds if threshold is not None]
    return kf.FrozenFairness.from_json(json.dumps(document)), finite


@st.composite
def cases(draw: Any) -> tuple[kf.FrozenFairness, People, dict[str, pa.DataType]]:
    """A rule and people near its thresholds, of all kinds that the rule may meet."""
    text = draw(st.sampled_from(sorted(TEXTS)))
    missing = draw(st.sampled_from(["error", "exclude", "group"]))
    rule, thresholds = rules(draw, TEXTS[text], missing, draw(st.sampled_from(["error", "exclude"])))
    ends = [(each, np.nextafter(each, 2), np.nextafter(each, -1)) for each in (*thresholds, 0.5)]
    near = [float(value) for values in ends for value in values]
    scores = st.one_of(
        st.sampled_from(near), st.floats(-1e-6, 1 + 1e-6), st.sampled_from([None, np.nan, np.inf, -0.1, 1.5])
    )
    ages = [value for age in (30.0, 41.3) for value in (age, np.nextafter(age, 0), np.nextafter(age, 99))]
    no_ages = [None, np.nan, np.inf, -np.inf, -3.0]
    kinds = {
        "sex": st.sampled_from([*VALUES, "female", "someone else", "missing", "", None]),
        "age": st.one_of(st.sampled_from([35.0, *ages]), st.floats(0, 90), st.sampled_from(no_ages)),
        "ok": st.sampled_from([True, False, None]),
        "day": st.sampled_from([*DAYS, datetime(1, 1, 1), datetime(2024, 6, 1, 12, 30, 1), None]),
    }
    used = [name for name in kinds if name in TEXTS[text]]
    person = st.fixed_dictionaries({"score": scores, **{name: kinds[name] for name in used}})
    people = draw(st.lists(person, min_size=1, max_size=12))
    return rule, people, {"score": pa.float64(), **{name: COLUMN_TYPES[name] for name in used}}
