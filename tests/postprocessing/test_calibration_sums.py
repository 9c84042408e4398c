"""Calibration people as counts: whatever the pieces, the rule is one that is fitted on the people."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_fair as kf
from keras_fair.errors import ConstraintTypeError
from keras_fair.packing import SumsError, pack
from keras_fair.postprocessing.calibration_sums import CalibrationSums
from keras_fair.sums import MergeableSums

RATES = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.1"
TEXTS = {
    "rates": RATES,
    "labels": "P[y >= 0.5 | sex=Female, label=1] >= 0.2",
    "numbers": "P[y >= 0.5 | age < 30] >= 0.1",
    "dates": "P[y >= 0.5 | day < '2024-02-01'] >= 0.1",
    "scores": "E[y | sex=Female] == E[y | sex=Male] +- 0.05",
}


def people(n: int = 900, seed: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(n) < 0.4, "Female", "Male")
    score = np.clip(rng.normal(np.where(sex == "Female", 0.45, 0.55), 0.2), 0, 1)
    return {
        "score": score,
        "sex": sex,
        "age": rng.integers(18, 80, n),
        "day": np.array("2024-01-01", "M8[D]") + rng.integers(0, 60, n),
        "label": (rng.random(n) < score).astype("int64"),
        "weight": rng.integers(1, 4, n).astype("float64"),
    }


def added(text: str, of: dict[str, Any], *, weighted: bool = False, **options: Any) -> CalibrationSums:
    attributes = {name: of[name] for name in ("sex", "age", "day")}
    weight = of["weight"] if weighted else None
    return CalibrationSums(text, **options).add(of["score"], attributes, of["label"], weight)


def part(of: dict[str, Any], chosen: Any) -> dict[str, Any]:
    return {name: column[chosen] for name, column in of.items()}


def document(rule: kf.FrozenFairness) -> dict[str, Any]:
    return json.loads(rule.to_json())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_rule_of_the_counts_is_that_of_the_people(text, weighted) -> None:
    of = people()
    total = added(text, part(of, slice(0, 300)), weighted=weighted)
    total = added(text, part(of, slice(300, 900)), weighted=weighted).merge(total)
    found = total.fit(kf.FrozenFairness(text, confidence=None))
    attributes = {name: of[name] for name in ("sex", "age", "day")}
    expected = kf.FrozenFairness(text, confidence=None)
    expected.fit(of["score"], attributes, of["label"], of["weight"] if weighted else None)
    assert total.people == 900
    given, wanted = document(found), document(expected)
    assert given["row_of_cell"] == wanted["row_of_cell"]
    for name in ("thresholds", "shift"):
        if name in wanted["knots"]:
            np.testing.assert_allclose(given["knots"][name], wanted["knots"][name], rtol=0, atol=1e-9)
    assert given["measured"] == pytest.approx(wanted["measured"])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    cuts=st.lists(st.integers(0, 900), max_size=4),
    order=st.randoms(use_true_random=False),
    mixed=st.randoms(use_true_random=False),
)
def test_pieces_and_their_order_change_nothing(cuts, order, mixed) -> None:
    of = people()
    everyone = list(range(900))
    mixed.shuffle(everyone)
    ends = [0, *sorted(cuts), 900]
    shards = [
        added(RATES, part(of, np.array(everyone[low:high], int)))
        for low, high in zip(ends[:-1], ends[1:], strict=True)
    ]
    order.shuffle(shards)
    total = CalibrationSums(RATES)
    for shard in shards:
        total = total.merge(CalibrationSums.from_bytes(shard.to_bytes()))
    assert total.to_bytes() == added(RATES, of).to_bytes()


def test_a_promise_is_the_same_whatever_the_pieces() -> None:
    of = people(6000)
    whole = added(RATES, of).fit(kf.FrozenFairness(RATES))
    pieces = [added(RATES, part(of, slice(start, None, 3))) for start in (2, 0, 1)]
    merged = pieces[0].merge(pieces[1]).merge(pieces[2]).fit(kf.FrozenFairness(RATES))
    assert merged.to_json() == whole.to_json()
    assert merged.promise.people == 6000


def test_bins_round_scores_down_and_bound_the_counts() -> None:
    of = people(5000)
    lone = CalibrationSums(RATES, bins=32).add(of["score"], {"sex": of["sex"]})
    assert lone.kinds <= 2 * 33
    rounded = lone.rounded(of["score"])
    assert (rounded <= of["score"]).all()
    assert (of["score"] - rounded < 1 / 32).all()
    np.testing.assert_array_equal(lone.rounded(rounded), rounded)
    expected = kf.FrozenFairness(RATES, confidence=None).fit(rounded, {"sex": of["sex"]})
    assert lone.fit(kf.FrozenFairness(RATES, confidence=None)).groups == expected.groups
    other = CalibrationSums("E[y | sex=Female] >= -1", domain=(-2.0, 1.0), bins=10)
    np.testing.assert_allclose(other.rounded([-2.0, -1.71, 0.99, 1.0]), [-2.0, -2.0, 0.7, 1.0], atol=1e-12)
    for wrong in (0, 2.5, True):
        with pytest.raises(ValueError, match="expected bins > 0"):
            CalibrationSums(RATES, bins=wrong)
    with pytest.raises(ValueError, match="expected bins > 0"):
        CalibrationSums("E[y | sex=Female] >= -1", domain=None, bins=3)


def test_columns_keep_what_the_rule_asks_of_them() -> None:
    text = "P[y >= 0.5 | age < 41.3] >= 0.1"
    ages = np.float32([41.3, 41.2, 30.0, np.nan])
    policy = kf.Vocabulary(missing="exclude")
    scores = [0.1, 0.4, 0.6, 0.8]
    _, attributes, _, _ = CalibrationSums(text).add(scores, {"age": ages}).expanded()
    assert attributes["age"].type == pa.float32()
    total = CalibrationSums(text).add(scores, {"age": ages})
    found = total.fit(kf.FrozenFairness(text, confidence=None, vocabulary=policy))
    expected = kf.FrozenFairness(text, confidence=None, vocabulary=policy).fit(scores, {"age": ages})
    assert found.groups == expected.groups
    empty = pa.array([None, None], pa.int32())  # a piece in which nobody's age is known
    for first, then in ((ages.astype("float64"), empty), (empty, ages.astype("float64"))):
        both = CalibrationSums(text).add([0.5] * len(first), {"age": first})
        assert both.add([0.5] * len(then), {"age": then}).people == 6


def test_it_follows_the_protocol_of_sums() -> None:
    of = people(60)
    total, other = added(RATES, part(of, slice(0, 30))), added(RATES, part(of, slice(30, 60)))
    assert isinstance(total, MergeableSums)
    before = other.to_bytes()
    again = pickle.loads(pickle.dumps(total))
    assert again.merge(CalibrationSums(RATES)).to_bytes() == total.to_bytes()
    assert CalibrationSums(RATES).merge(total).to_bytes() == total.to_bytes()
    assert again.merge(other).people == 60
    assert other.to_bytes() == before
    assert total.people == 30
    assert total.result()["people"].to_pylist() == [1] * 30


def test_what_does_not_fit_is_refused_and_changes_nothing() -> None:
    of = people(30)
    total = added(RATES, of)
    before = total.to_bytes()
    sex = {"sex": of["sex"]}
    with pytest.raises(ConstraintTypeError, match="no attribute named 'sex'"):
        total.add(of["score"], {"age": of["age"]}, of["label"])
    with pytest.raises(ValueError, match="expected pieces with the same columns"):
        total.add(of["score"], sex)
    with pytest.raises(ValueError, match="expected pieces with the same columns"):
        total.add(of["score"], {"sex": np.arange(30)}, of["label"])
    with pytest.raises(ValueError, match="expected predictions"):
        total.add(of["score"] + 2, sex, of["label"])
    with pytest.raises(ValueError, match="as many values"):
        total.add(of["score"], sex, of["label"][:3])
    for stranger in (CalibrationSums(TEXTS["labels"]), CalibrationSums(RATES, bins=3), kf.Auditor(RATES)):
        with pytest.raises(ValueError, match="the same constraints, domain and bins"):
            total.merge(stranger)
    with pytest.raises(ValueError, match="a rule of the same constraints"):
        total.fit(kf.FrozenFairness(TEXTS["labels"]))
    assert total.to_bytes() == before
    with pytest.raises(ValueError, match="expected at least one person"):
        CalibrationSums(RATES).result()
    with pytest.raises(ConstraintTypeError):
        CalibrationSums("cov(y, age) <= 0.1")
    values = {"constraints": RATES, "domain": [0, 1], "bins": None}
    counts = {"counts": np.frombuffer(b"no counts", "uint8")}
    for packed in (b"", pack("Auditor", values), pack("CalibrationSums", values, counts)):
        with pytest.raises(SumsError):
            CalibrationSums.from_bytes(packed)
