"""Lone requests: shapes, values learnt as they arrive, wrong input, and what a refused request leaves."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import keras_fair as kf
from keras_fair.streaming.learnt_values import MOST_VALUES
from keras_fair.streaming.state_file import StateError
from tests.streaming.conftest import (
    EXACT,
    OPPORTUNITY,
    PARITY,
    SEX,
    people,
    served,
    state_of,
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_predictions_keep_shape_and_dtype(parity, shape, dtype) -> None:
    y = parity.project(np.full(shape, 0.5, dtype), {"sex": ["Male"]})
    assert isinstance(y, np.ndarray)
    assert (y.shape, y.dtype) == (shape, np.dtype(dtype))


def test_columns_come_in_any_form(parity) -> None:
    for attributes in ({"sex": ["Male"]}, {"sex": np.array([["Male"]])}, pd.DataFrame({"sex": ["Male"]})):
        parity.project(keras.ops.convert_to_tensor([0.5]), attributes)
    assert parity.report().arrivals == 3


def test_nobody_arrives(parity) -> None:
    assert parity.project(np.zeros(0), {"sex": []}).shape == (0,)
    assert parity.report().arrivals == 0


def test_pooled_gap_is_that_of_the_predictions_given(parity) -> None:
    y, sex = people(200)
    fair = served(parity, y, sex)
    audit = kf.audit(PARITY, fair, {"sex": sex}, confidence=None)
    (relation,) = parity.report()
    assert relation.gap == pytest.approx(audit.relations[0].gap, abs=EXACT)
    assert abs(relation.gap) <= 0.035  # 200 people are few: the raw gap is 0.3
    assert relation.smallest_weight == min(np.sum(sex == "Female"), np.sum(sex == "Male"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"y": [0.5, 0.5, 0.5]}, "as many values"),
        ({"y": [1.5]}, r"\[0, 1\]"),
        ({"y": [np.nan]}, "finite predictions"),
        ({"y": ["a"]}, "as numbers of shape"),
        ({"y": [[0.5, 0.5]]}, r"received shape \(1, 2\)"),
        ({"attributes": {}}, "no attribute named 'sex'"),
        ({"attributes": None}, "no attribute named 'sex'"),
        ({"attributes": {"gender": ["Male"]}}, "no attribute named 'sex'"),
        ({"attributes": {"sex": [None]}}, "missing"),
        ({"attributes": {"sex": [1.0]}}, "text such as"),
        ({"attributes": 3}, "dict of columns"),
        ({"label": [1, 0]}, r"label of shape \(1,\)"),
        ({"sample_weight": [-1.0]}, "sample_weight"),
        (
            {"sample_weight": [1e300]},
            r"sample_weight of a stream .* from 1e-30 to 1e\+30, .* such as 1e\+300",
        ),
        ({"sample_weight": [1e-300]}, r"such as 1e-300"),
        ({"ids": ["a"]}, "only where a constraint uses the label"),
    ],
)
def test_a_refused_request_changes_nothing(parity, change, words) -> None:
    y, sex = people(5)
    served(parity, y, sex)
    before = state_of(parity)
    arguments = {"y": [0.5], "attributes": {"sex": ["Male"]}, **change}
    with pytest.raises(ValueError, match=words):
        parity.project(**arguments)
    assert state_of(parity) == before


def test_a_stream_survives_a_wrong_first_request() -> None:
    stream = kf.StreamingFairness(PARITY, vocabulary=SEX)
    assert stream.report().arrivals == 0
    with pytest.raises(ValueError, match="received shape"):
        stream.project(np.zeros((1, 3, 1)), {"sex": ["Male"]})
    with pytest.raises(ValueError, match="the model has 3 outputs"):
        stream.project(np.full((2, 3), 1 / 3), {"sex": ["Male"]})
    assert stream.project([0.5], {"sex": ["Male"]}).shape == (1,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"step": 0}, "step=0"),
        ({"step": True}, "step=True"),
        ({"margin": -1.0}, "margin=-1.0"),
        ({"half_life": 0.0}, "half_life=0.0"),
        ({"half_life": 1.0}, r"half_life to be a number of arrivals > 1, received half_life=1.0"),
        ({"half_life": 1e-300}, "half_life=1e-300"),
        ({"save_every": 0}, "save_every=0"),
        ({"window": -1}, "window=-1"),
        ({"patience": 0.5}, "patience=0.5"),
        ({"divergence": "manhattan"}, "manhattan"),
        ({"domain": (1.0, 0.0)}, "domain"),
        ({"constraints": "E[y | sex=Female] >>= 1"}, "found"),
        ({"constraints": None}, "expected constraints"),
    ],
)
def test_wrong_arguments_say_what_was_expected(arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        kf.StreamingFairness(**{"constraints": PARITY, **arguments}).project([0.5], {"sex": ["Male"]})


def test_values_are_learnt_as_they_arrive() -> None:
    stream = kf.StreamingFairness("spread(E[y | sex=*]) <= 0.02")
    listed = kf.StreamingFairness("spread(E[y | sex=*]) <= 0.02", vocabulary=SEX)
    y, sex = people(40)
    sex[:3] = "Male"
    np.testing.assert_allclose(served(stream, y, sex), served(listed, y, sex), atol=1e-9)
    (relation,), (same,) = stream.report(), listed.report()
    assert (relation.name, relation.smallest_weight) == (same.name, same.smallest_weight)
    assert relation.gap == pytest.approx(same.gap, abs=EXACT)


@pytest.mark.parametrize("condition", ["sex=Male", "sex in {Male}", "sex != Male"])
def test_a_value_that_the_text_names_needs_no_arrival(condition) -> None:
    stream = kf.StreamingFairness(f"spread(E[y | sex=*]) <= 0.02; E[y | {condition}] <= 0.9")
    stream.project([0.5], {"sex": ["Female"]})
    stream.project([0.5], {"sex": ["Male"]})
    assert [relation.smallest_weight for relation in stream.report()] == [1.0, 1.0]


def test_numbers_that_the_text_names_are_values_of_numbers_only() -> None:
    numbers = kf.StreamingFairness("spread(E[y | zip=*]) <= 0.02; E[y | zip != 2] <= 0.9")
    numbers.project([0.5], {"zip": [1]})
    assert state_of(numbers)["stream"]["vocabulary"]["values"] == {"zip": [1.0, 2.0]}
    mixed = kf.StreamingFairness("spread(E[y | zip=*]) <= 0.02; E[y | zip=2] <= 0.9")
    with pytest.raises(ValueError, match="'zip' holds text, and 2 is a number"):
        mixed.project([0.5], {"zip": ["a"]})


@pytest.mark.parametrize("first", ["Male", 3.0])
def test_a_place_holder_is_never_shown(first, tmp_path) -> None:
    text = "for a in group: E[y | group=a] == E[y] +- 0.3"
    stream = kf.StreamingFairness(text, state=tmp_path / "state.json")
    stream.project([0.5], {"group": [first]})
    again = kf.StreamingFairness(text, state=tmp_path / "state.json")
    for one in (stream, again):
        assert [relation.name for relation in one.report()] == [text_of(first)]
    assert list(stream.history["dual"]) == list(stream.history["gap"]) == [text_of(first)]
    assert "no other" not in str(stream.report()) + stream.report().to_json()


def text_of(value) -> str:
    return f"E[y | group={value if isinstance(value, str) else f'{value:g}'}] == E[y] +- 0.3"


def test_a_refused_request_teaches_no_value() -> None:
    stream = kf.StreamingFairness("spread(E[y | sex=*]) <= 0.02")
    stream.project([0.5], {"sex": ["Male"]})
    before = state_of(stream)
    with pytest.raises(ValueError, match="as many values"):
        stream.project([0.5], {"sex": ["Female", "Other"]})
    assert state_of(stream) == before


def test_too_many_values_are_an_error() -> None:
    stream = kf.StreamingFairness("spread(E[y | zip=*]) <= 0.02")
    with pytest.raises(ValueError, match=f"more than {MOST_VALUES} values"):
        stream.project(np.full(1001, 0.5), {"zip": [f"z{k}" for k in range(1001)]})
    assert stream.report().arrivals == 0


def test_unknown_values_are_counted_once(parity) -> None:
    with pytest.warns(UserWarning, match="sex outside the vocabulary is in no group of it.* 'Other'"):
        parity.project([0.4, 0.5], {"sex": ["Male", "Other"]})
    parity.project([0.5, 0.6], {"sex": ["Female", "Other"]})  # said once
    report = parity.report()
    assert report.outside == {"sex": (2.0, 0.0)}
    assert "2 with an unknown value of sex" in str(report)
    assert report.relations[0].smallest_weight == 1.0


def test_a_group_that_nobody_came_into_does_not_look_fair() -> None:
    stream = kf.StreamingFairness("bad: E[y | sex=Femal] == E[y | sex=Male] +- 0.1; good: E[y] <= 0.9")
    assert math.isnan(stream.report().violation)
    stream.project([0.4, 0.5], {"sex": ["Male", "Female"]})
    report = stream.report()
    assert math.isnan(report.violation)
    assert [relation.empty_groups for relation in report] == [("sex=Femal",), ()]
    assert report.to_dict()["violation"] is None
    assert "Nobody is in the group sex=Femal, so 'bad' can't be measured" in str(report)
    many = {"sex": ["Male", "Female"] * 500}
    with pytest.warns(
        UserWarning, match="sex=Femal, so 'bad' can't be .* no sex is 'Femal'; did you mean 'Female'"
    ):
        stream.project([0.5] * 1000, many)
    stream.project([0.5] * 1000, many)  # said once


def test_labels_of_other_codes_are_said_once() -> None:
    stream = kf.StreamingFairness("equal_opportunity(sex) <= 0.1", vocabulary=SEX)
    with pytest.warns(UserWarning, match="Labels lie between 1 and 2, and the constraints ask for label=1"):
        stream.project([0.4, 0.5], {"sex": ["Male", "Female"]}, label=[1, 2])
    stream.project([0.4, 0.5], {"sex": ["Male", "Female"]}, label=[1, 2])


def test_what_is_violated_is_said_also_where_a_group_is_empty() -> None:
    stream = kf.StreamingFairness("E[y | sex=Femal] <= 0.1; E[y] >= 2")
    fair = stream.project([0.5], {"sex": ["Male"]})
    assert stream.report().violation == pytest.approx(2.0 - fair[0], abs=1e-6)


def test_label_must_be_a_probability() -> None:
    stream = kf.StreamingFairness(OPPORTUNITY, vocabulary=SEX)
    with pytest.raises(ValueError, match="probability"):
        stream.project([0.5], {"sex": ["Male"]}, label=[1.5])
    stream.project([0.5], {"sex": ["Male"]}, label=[0.25])
    assert state_of(stream)["stream"]["terms"]
    assert sum(weight for _, weight, *_ in state_of(stream)["stream"]["terms"].values()) == 0.25


def test_a_prediction_stands_in_for_the_label() -> None:
    stream = kf.StreamingFairness(OPPORTUNITY, vocabulary=SEX)
    stream.project([0.625], {"sex": ["Male"]})
    assert sum(weight for _, weight, *_ in state_of(stream)["stream"]["terms"].values()) == 0.625


@pytest.mark.parametrize("policy", ["exclude", "group"])
@pytest.mark.parametrize("text", ["E[y | sex=F] == E[y | sex=M] +- 0.1", "spread(E[y | sex=*]) <= 0.1"])
def test_a_vocabulary_may_say_only_what_missing_values_mean(text: str, policy: str, tmp_path: Path) -> None:
    columns = {"sex": np.array(["F", None, "M"], dtype=object)}
    vocabulary = kf.Vocabulary(missing=policy)
    stream = kf.StreamingFairness(text, vocabulary=vocabulary, state=tmp_path / "stream.json")
    listed = kf.StreamingFairness(text, vocabulary=kf.Vocabulary(missing=policy).adapt(columns))
    for _ in range(3):
        y = np.array([0.2, 0.3, 0.5])
        np.testing.assert_allclose(stream.project(y, columns), listed.project(y, columns), atol=1e-9)
    again = kf.StreamingFairness(text, vocabulary=vocabulary, state=tmp_path / "stream.json")
    again.project(y, columns)
    assert again.report().arrivals == 12
    with pytest.raises(StateError, match=rf"expected missing='{policy}' as in the saved state"):
        kf.StreamingFairness(text, vocabulary=kf.Vocabulary(), state=tmp_path / "stream.json")


@pytest.mark.filterwarnings("ignore:.*Nobody is in the group")  # that is what it is about
@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize("weight", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize(
    "text", [PARITY, "spread(E[y | sex=*]) <= 0.02", "E[y | sex=Female] >= 0.9 * E[y | sex=Male]"]
)
def test_a_group_that_stays_away_fades_to_nothing_and_comes_back(
    text: str, weight: float, guard: bool
) -> None:
    stream = kf.StreamingFairness(text, vocabulary=SEX, half_life=1.5, guard=guard)
    rng = np.random.default_rng(0)
    for sex, times in (("Female", 2), ("Male", 1700), ("Female", 2)):  # 2 ** -(1700 / 1.5) is no number
        for _ in range(times):
            y = stream.project([rng.random()], {"sex": [sex]}, sample_weight=[weight])
            assert 0.0 <= y[0] <= 1.0
        (relation,) = stream.report()
        assert np.isnan(relation.gap) == (sex == "Male" or times == 2 and stream.report().arrivals == 2)
    for terms in state_of(stream)["stream"]["terms"].values():
        assert np.isfinite(terms).all()
    assert np.isfinite(list(state_of(stream)["stream"]["rows"].values())).all()
    assert relation.smallest_weight > weight
