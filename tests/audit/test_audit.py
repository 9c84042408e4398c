"""Audits against direct computations, and against the rows that enforce the same text."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from keras_fair.audit import Verdict, audit
from keras_fair.constraints import parse
from keras_fair.errors import ConstraintTypeError
from keras_fair.rows import Vocabulary

N = 400


@pytest.fixture
def people(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "sex": rng.choice(["Female", "Male"], N),
        "race": rng.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1]),
        "age": rng.integers(18, 80, N).astype("float32"),
    }


@pytest.fixture
def y(rng: np.random.Generator) -> np.ndarray:
    return rng.random(N)


@pytest.fixture
def label(rng: np.random.Generator) -> np.ndarray:
    return (rng.random(N) < 0.4).astype("float32")


AFFINE = """
E[y | sex=Female] == E[y | sex=Male] +- 0.02
0.3 == E[y | race=a] +- 0.01
E[y] == 0.5 +- 0.01
spread(E[y | race=*]) <= 0.05
spread(E[y | race=*, sex=*]) <= 0.08
for g in race: E[y | race=g] == E[y] +- 0.05
for a, b in race: E[y | race=a] == E[y | race=b] +- 0.01
for a, b in race: E[y | race=a] >= 0.8 * E[y | race=b]
for a, b in sex and c in label: E[y | sex=a, label=c] == E[y | sex=b, label=c] +- 0.05
E[y | age < 25] >= E[y | 25 <= age < 60] - 0.1
E[y | race in {a, b} and not (sex=Male)] >= 0.2
for g in sex: E[label - y | sex=g] == 0 +- 0.01
E[y | sex=Female] == E[label | sex=Female] +- 0.03
cov(y, age) == 0 +- 0.5
cov(y - label, age | sex=Male) <= 0.1
0.1 <= E[y | race=c] <= 0.4
E[y] in [E[label] - 0.1, E[label] + 0.1]
equalized_odds(race, sex) <= 0.05
disparate_impact(race) >= 80%
mean_residual(race) <= 0.1
E[y | race=a] / E[y | race=b] >= 80%
1.25 >= E[y | race=a] / E[y | race=b]
E[y | sex=Female] / P[label=1 | sex=Female] >= 0.8
E[y | race=*, sex=*] <= 0.5
0.2 >= abs(E[y | sex=Female] - E[y | sex=Male])
for a, b in race: abs(E[y | race=a] - E[y | race=b]) <= 0.1
E[(y - label) * age / 40] <= 0.1
"""


@pytest.mark.parametrize("text", AFFINE.strip().splitlines())
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_the_rows(text, weighted, people, y, label, rng) -> None:
    weight = rng.random(N) if weighted else None
    rows = parse(text).rows(people, label, sample_weight=weight)
    found = audit(text, y, people, label, weight)
    assert [relation.text for relation in found] == [relation.text for relation in rows.relations]
    np.testing.assert_allclose([r.gap for r in found], rows.gaps(y), atol=1e-12)
    np.testing.assert_allclose([r.lower for r in found], rows.gap_lower, atol=1e-12)
    np.testing.assert_allclose([r.upper for r in found], rows.gap_upper, atol=1e-12)
    np.testing.assert_allclose([r.violation for r in found], rows.relation_violation(y), atol=1e-12)


def test_groups_known_as_probabilities_agree_with_the_rows(y, rng) -> None:
    shares = rng.dirichlet([1, 2, 3], N)
    columns = {"race": dict(zip("abc", shares.T, strict=True)), "sex": rng.choice(["Female", "Male"], N)}
    text = "spread(E[y | race=*, sex=*]) <= 0.05; E[y | not race=a] <= 0.2"
    rows = parse(text).rows(columns)
    found = audit(text, y, columns)
    np.testing.assert_allclose([r.gap for r in found], rows.gaps(y), atol=1e-12)
    women = columns["sex"] == "Female"
    assert found.relations[0].statistics[0].size == pytest.approx(shares[women, 0].sum())


def test_a_label_known_as_a_probability_agrees_with_the_rows(people, y, rng) -> None:
    label = rng.random(N)
    text = "equalized_odds(sex) <= 0.05; E[label - y | sex=Male] <= 0.1"
    vocabulary = Vocabulary({"sex": ["Female", "Male"]}, label=[0, 1])
    rows = parse(text).rows(people, label, vocabulary=vocabulary)
    found = audit(text, y, people, label, vocabulary=vocabulary)
    np.testing.assert_allclose([r.gap for r in found], rows.gaps(y), atol=1e-12)


def test_decision_rates_and_predictive_values(people, y, label) -> None:
    women, men = people["sex"] == "Female", people["sex"] == "Male"
    text = """
    rate: P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.02
    precision: E[label | y >= 0.5, sex=Female] >= 0.7
    errors: P[y >= 0.5 and label=0 or y < 0.5 and label=1 | sex=Male] <= 0.4
    truth: E[label | sex=Female] == E[label | sex=Male] +- 0.1
    sure: cov(y, age | y > 0.9) <= 1
    """
    found = audit(text, y, people, label)
    assert found["rate"].gap == pytest.approx(np.mean(y[women] >= 0.5) - np.mean(y[men] >= 0.5))
    assert found["precision"].gap == pytest.approx(label[women & (y >= 0.5)].mean())
    assert found["precision"].statistics[0].size == np.sum(women & (y >= 0.5))
    assert found["errors"].gap == pytest.approx(np.mean((y[men] >= 0.5) != (label[men] == 1)))
    assert found["truth"].gap == pytest.approx(label[women].mean() - label[men].mean())
    sure = y > 0.9
    assert found["sure"].gap == pytest.approx(np.cov(y[sure], people["age"][sure], bias=True)[0, 1])


def test_a_column_named_y_is_not_the_prediction(y) -> None:
    column = np.arange(N) % 2
    found = audit("P[y >= 0.5 | `y`=1] >= 0", y, {"y": column})
    assert found.relations[0].gap == pytest.approx(np.mean(y[column == 1] >= 0.5))


def test_several_outputs(people, rng) -> None:
    y = rng.dirichlet([1, 1, 1], N)
    found = audit("E[y[1] + y[2]] <= 0.5; P[y[0] > 0.5] <= 0.1", y, people)
    assert found.relations[0].gap == pytest.approx((1 - y[:, 0]).mean())
    assert found.relations[1].gap == pytest.approx((y[:, 0] > 0.5).mean())
    assert audit("E[y[b]] <= 1", y, people, outputs=["a", "b", "c"]).relations[0].gap == pytest.approx(
        y[:, 1].mean()
    )


def test_the_empty_group_is_unestimable_and_not_fair(y) -> None:
    vocabulary = Vocabulary({"sex": ["Female", "Male"]})
    men = {"sex": np.full(N, "Male")}
    found = audit("E[y | sex=Female] == E[y | sex=Male] +- 0.02", y, men, vocabulary=vocabulary)
    (relation,) = found
    assert relation.verdict is Verdict.UNESTIMABLE
    assert math.isnan(relation.gap)
    assert not found.satisfied
    assert found.to_dict()["relations"][0]["gap"] is None


def test_unknown_and_missing_values_are_counted(y) -> None:
    sex = np.array(["Female", "Male", "", "Other"] * (N // 4))
    vocabulary = Vocabulary({"sex": ["Female", "Male"]}, missing="exclude")
    found = audit("E[y | sex=Female] == E[y | sex=Male] +- 0.02", y, {"sex": sex}, vocabulary=vocabulary)
    assert (found.unknown, found.missing) == ({"sex": N // 4}, {"sex": N // 4})
    assert "In no group: 100 with an unknown value of sex, 100 without a value of sex." in str(found)


def test_a_missing_coefficient_leaves_the_sample_out(y) -> None:
    hours = np.where(np.arange(N) % 4 == 0, np.nan, 2.0)
    found = audit("E[y * hours] <= 1", y, {"hours": hours}, vocabulary=Vocabulary(missing="exclude"))
    assert found.relations[0].gap == pytest.approx(2 * y[np.arange(N) % 4 != 0].mean())


def test_prints_as_a_table_and_as_json(people, y, label) -> None:
    found = audit("parity: spread(E[y | race=*]) <= 0.0001; E[y] <= 1", y, people, label, confidence=None)
    text = str(found)
    assert "parity" in text
    assert "violated" in text
    assert "satisfied" in text
    assert max(map(len, text.splitlines())) <= 110
    document = json.loads(found.to_json())
    assert document["relations"][0]["verdict"] == "violated"
    assert document["relations"][0]["lower"] is None
    assert [s["text"] for s in document["relations"][0]["statistics"]] == [
        f"E[y | race={race}]" for race in "abc"
    ]
    assert [r.name for r in found.with_verdict(Verdict.VIOLATED)] == ["parity"]
    with pytest.raises(KeyError):
        found["nothing"]


def test_rounding_is_no_violation(people) -> None:
    y = np.where(people["sex"] == "Female", 0.5, 0.52 + 5e-7)
    text = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
    assert audit(text, y, people, confidence=None).satisfied
    assert not audit(text, y, people, confidence=None, slack=1e-7).satisfied


@pytest.mark.parametrize(
    ("text", "words", "caret"),
    [
        ("E[y | sx=Female] <= 0.2", "no attribute named 'sx'; did you mean 'sex'?", 6),
        ("E[y | sex=Femal] <= 0.2", "'sex' has no value 'Femal'; did you mean 'Female'", 10),
        ("P[y >= 0.5 | label=1] <= 0.2", "needs the label", 13),
        ("P[y[1] >= 0.5] <= 0.2", "no output 1", 2),
        ("E[y * sex] <= 0.2", "'sex'", 6),
        ("P[sex < 3 | y > 0.1] <= 0.2", "has no order", 8),
    ],
)
def test_faults_point_at_the_text(text, words, caret, people, y) -> None:
    with pytest.raises(ConstraintTypeError) as fault:
        audit(text, y, people)
    assert words in str(fault.value)
    assert str(fault.value).splitlines()[-1].index("^") - 2 == caret


@pytest.mark.parametrize(
    ("y", "arguments", "words"),
    [
        ([0.1, np.nan], {}, "1 that are NaN"),
        (["a", "b"], {}, "as numbers"),
        (np.zeros((2, 2, 2)), {}, r"shape \(2, 2, 2\)"),
        ([], {}, r"shape \(0,\)"),
        ([0.1, 0.2, 0.3], {}, "'sex' has 2.*predictions has 3"),
        ([0.1, 0.2], {"sample_weight": [1, -1]}, "sample_weight"),
        ([0.1, 0.2], {"slack": -1}, "slack=-1"),
        ([0.1, 0.2], {"outputs": ["a", "b"]}, "shape"),
    ],
)
def test_malformed_data(y, arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        audit("E[y | sex=F] <= 0.2", y, {"sex": ["F", "M"]}, **arguments)
