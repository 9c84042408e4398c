"""Faults found when constraints meet a vocabulary, a model or a batch: place, and words that must appear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keras_fair.constraints import parse
from keras_fair.errors import ConstraintTypeError
from keras_fair.rows import Vocabulary, lower

COLUMNS: dict[str, Any] = {
    "sex": ["Female", "Male", "Female", "Male"],
    "race": ["a", "b", "c", "a"],
    "age": [20, 30, 40, 50],
    "grade": [1, 2, 3, 1],
}
LABEL = [0, 1, 1, 0]

# text, what the caret points at, words of the message; rows over data at hand
AT_HAND = [
    ("E[y | sx=Female] <= 0.5", "sx", ["no attribute named 'sx'", "did you mean 'sex'"]),
    ("E[y * incom] <= 0.5", "incom", ["no attribute named 'incom'"]),
    ("E[y | sex=Femal] <= 0.5", "Femal", ["'sex' has no value 'Femal'", "did you mean 'Female'"]),
    ("for g in {Female, Mal}: E[y | sex=g] <= 0.5", "Mal}", ["no value 'Mal'", "'Male'"]),
    ("for g in race: E[y | sex=g] <= 0.5", "g] <=", ["'sex' has no value 'a'"]),
    ("for g in rac: E[y] <= E[y | race=g]", "rac:", ["no attribute named 'rac'", "'race'"]),
    ("E[y | sex < 5] <= 0.5", "5]", ["order"]),
    ("E[y | sex=1] <= 0.5", "1]", ["holds text", "1 is a number"]),
    ("E[y | age=old] <= 0.5", "old", ["holds numbers", "'old' is text"]),
    ("E[y | grade=7] <= 0.5", "7", ["'grade' has no value 7", "known: '1', '2', '3'"]),
    ("E[y | grade in {1, 9}] <= 0.5", "9", ["no value 9"]),
    ("cov(y, sex) <= 0.5", "sex", ["'sex'", "numbers"]),
    ("P[y >= 0.5 | sex=Female] <= 0.5", "y >= 0.5", ["audited, not enforced", "kf.audit"]),
    ("E[label | y >= 0.5, sex=Female] <= E[y]", "y >= 0.5", ["audited, not enforced", "kf.audit"]),
    (
        "E[label | sex=Female] == E[label | sex=Male] +- 0.1",
        "E[label",
        ["no prediction can change", "audited"],
    ),
]


@pytest.mark.parametrize(("text", "place", "words"), AT_HAND, ids=[text for text, *_ in AT_HAND])
def test_faults_over_data_at_hand(text: str, place: str, words: list[str]) -> None:
    with pytest.raises(ConstraintTypeError) as caught:
        parse(text).rows(COLUMNS, LABEL)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert caught.value.text is not None
    assert caught.value.span is not None
    if place:
        assert caught.value.span.start == text.index(place)
        assert "^" in message


def test_a_label_that_is_not_given() -> None:
    text = "E[y] <= E[label]"
    with pytest.raises(ConstraintTypeError, match="needs the label") as caught:
        parse(text).rows(COLUMNS)
    assert caught.value.span is not None
    assert caught.value.span.start == text.index("label")


# text, vocabulary, options, what the caret points at, words
LOWERING: list[tuple[str, Any, dict[str, Any], str, list[str]]] = [
    ("spread(E[y | race=*]) <= 0.1", None, {}, "race", ["adapt"]),
    ("for g in race: E[y | race=g] <= 0.1", None, {}, "race", ["adapt"]),
    ("spread(E[y | rce=*]) <= 0.1", {"race": ["a"]}, {}, "rce", ["'rce'", "did you mean 'race'"]),
    ("spread(E[y | age=*]) <= 0.1", {"age": None}, {}, "age", ["no listed values", "numbers"]),
    ("spread(E[y | label=*]) <= 0.1", {"race": ["a"]}, {}, "label", ["label", "adapt"]),
    ("E[y] <= 0.1", None, {"outputs": 3}, "y", ["3 outputs", "y[0]"]),
    ("E[y[3]] <= 0.1", None, {"outputs": 3}, "y[3]", ["no output 3", "the model has 3"]),
    ("E[y[aprove]] <= 0.1", None, {"outputs": ["approve", "deny"]}, "y[", ["did you mean 'approve'"]),
    ("E[y[aprove]] <= 0.1", None, {"outputs": 2}, "y[", ["have no names"]),
    ("E[y | sex=a] / E[y | sex=b] >= 0.8", None, {"domain": None}, "E[y | sex=b]", ["negative", "-inf"]),
    ("E[y | sex=a] / E[y | sex=b] >= 0.8", None, {"domain": (-1, 1)}, "E[y | sex=b]", ["(-1, 1)"]),
    ("E[y | sex=a] / E[y * age] >= 0.8", None, {}, "E[y * age]", ["negative"]),
]


@pytest.mark.parametrize(("text", "values", "options", "place", "words"), LOWERING)
def test_faults_when_lowering(
    text: str, values: Any, options: dict[str, Any], place: str, words: list[str]
) -> None:
    constraints = parse(text)
    vocabulary = None if values is None else Vocabulary(values)
    with pytest.raises(ConstraintTypeError) as caught:
        lower(constraints.statements, text, vocabulary, **options)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.span is not None
    assert caught.value.span.start == text.index(place)


BATCHES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"race": np.zeros(3, "int32")}, {}, ["no attribute named 'sex'"]),
    ({"sex": np.zeros(3, "int32"), "race": np.zeros(4, "int32")}, {}, ["'sex' has 3", "'race' has 4"]),
    ({"sex": np.zeros((3, 4)), "race": np.zeros(3, "int32")}, {}, ["'sex'", "(3, 4)"]),
    ({"sex": np.zeros((3, 2, 2)), "race": np.zeros(3, "int32")}, {}, ["'sex'", "(3, 2, 2)"]),
    ({"sex": np.array(["f", "m", "f"]), "race": np.zeros(3, "int32")}, {}, ["'sex'", "encode"]),
    ({"sex": np.zeros(3), "race": np.zeros(3, "int32")}, {}, ["codes of attribute 'sex'", "float64"]),
    ({"sex": np.array([0, 1, 9]), "race": np.zeros(3, "int32")}, {}, ["codes", "9"]),
    ({"sex": np.full((3, 2), 0.7), "race": np.zeros(3, "int32")}, {}, ["'sex'", "sums of at most 1"]),
    ({"sex": np.full((3, 2), -0.1), "race": np.zeros(3, "int32")}, {}, ["'sex'", "[0, 1]"]),
    ({}, {"sample_weight": [1, 2, -1]}, ["sample_weight", "-1"]),
    ({}, {"sample_weight": [1, 2, np.nan]}, ["sample_weight", "finite"]),
    ({}, {"sample_weight": [1, 2]}, ["sample_weight has 2"]),
    ({}, {"sample_weight": np.ones((3, 2))}, ["sample_weight", "(3, 2)"]),
    ({}, {"label": [0, 1, np.nan]}, ["label", "1 missing"]),
    ({}, {"label": [0, 1]}, ["label has 2"]),
    ({}, {"label": np.ones((3, 2))}, ["label", "(3, 2)"]),
]


@pytest.mark.parametrize(("columns", "options", "words"), BATCHES)
def test_faults_of_a_batch(columns: dict[str, Any], options: dict[str, Any], words: list[str]) -> None:
    text = "E[y | sex=f, label=1] <= E[y | race=a]"
    plan = lower(parse(text).statements, text, Vocabulary({"sex": ["f", "m"], "race": ["a", "b"]}))
    columns = columns or {"sex": np.zeros(3, "int32"), "race": np.zeros(3, "int32")}
    with pytest.raises(ValueError, match=r"(?s).*") as caught:
        plan.evaluate(columns, **{"label": [0, 1, 1], **options})
    for word in words:
        assert word in str(caught.value)


def test_predictions_of_the_wrong_shape() -> None:
    rows = parse("E[y] <= 0.1").rows({"sex": ["f", "m"]})
    with pytest.raises(ValueError, match=r"shape \(n,\).*\(2, 3\)"):
        rows.values(np.ones((2, 3)))


def test_missing_entries_at_hand_are_refused_at_the_attribute() -> None:
    text = "E[y | sex=f] <= 0.1"
    with pytest.raises(ConstraintTypeError, match="1 missing") as caught:
        parse(text).rows({"sex": ["f", None]})
    assert caught.value.span is not None
    assert caught.value.span.start == text.index("sex")


def test_a_number_of_samples_that_nothing_tells() -> None:
    plan = lower(parse("E[y] <= 0.1").statements, "E[y] <= 0.1")
    with pytest.raises(ValueError, match="size"):
        plan.evaluate({})
    assert plan.evaluate({}, size=3).gaps(np.array([0.0, 0.3, 0.6])).tolist() == pytest.approx([0.3])


@pytest.mark.parametrize("domain", [(1, 0), (0,), "box", (0.0, 0.0)])
def test_domains_that_are_none(domain: Any) -> None:
    with pytest.raises(ValueError, match="expected domain"):
        lower(parse("E[y] <= 0.1").statements, "E[y] <= 0.1", domain=domain)


@pytest.mark.parametrize("outputs", [0, ["a", "a"], [], "ab", True])
def test_outputs_that_are_none(outputs: Any) -> None:
    with pytest.raises(ValueError, match="expected outputs"):
        lower(parse("E[y] <= 0.1").statements, "E[y] <= 0.1", outputs=outputs)
