"""A frozen rule as a person uses it: fitted, asked one by one, audited, stored, and given wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
from keras import ops

import keras_fair as kf
from keras_fair.postprocessing.knots import ThresholdKnots, lots_of
from tests.applicants import applicants

PARITY = "spread(P[y >= 0.5 | sex=*]) <= 0.05"
RULES: list[tuple[str, dict[str, Any]]] = [
    (PARITY, {}),
    ("equalized_odds(sex) <= 0.08 at y >= 0.5", {"randomise": "allowed", "confidence": None}),
    ("spread(P[y >= 0.3 | sex=*, district=*]) <= 0.2", {"confidence": None, "utility": "balanced_accuracy"}),
    ("P[y >= 0.5] <= 0.2; P[label=1 | y >= 0.5] >= 0.6", {"utility": [[0, 1], [3, 0]]}),
    ("spread(E[y | sex=*]) <= 0.05", {"divergence": "binary_crossentropy"}),
    ("equalized_odds(sex) <= 0.1", {"confidence": None}),
]


@pytest.mark.parametrize(("text", "options"), RULES)
def test_rules_in_service(text: str, options: dict[str, Any], tmp_path: Path) -> None:
    people, new = applicants(3000, 1), applicants(400, 2)
    rule = kf.FrozenFairness(text, **options).fit(*people)
    ids = [f"person {place}" for place in range(400)]
    given = rule(new.scores, new.attributes, ids=ids)
    one_by_one = [
        rule(new.scores[i : i + 1], {k: v[i : i + 1] for k, v in new.attributes.items()}, ids=ids[i : i + 1])
        for i in range(400)
    ]
    np.testing.assert_array_equal(given, np.concatenate(one_by_one))
    single = new.scores.astype("float32")
    assert rule(single[:, None], pd.DataFrame(new.attributes), ids=ids).dtype == np.float32
    assert rule(single[:, None], new.attributes, ids=ids).shape == (400, 1)
    if rule.meaning.threshold is not None:
        accepted = rule.decide(new.scores, new.attributes, ids=ids)
        np.testing.assert_array_equal(accepted, given >= rule.meaning.threshold)
        shares = kf.audit("P[y >= 0.5] <= 1" if "0.3" not in text else "P[y >= 0.3] <= 1", given, {})
        assert shares.relations[0].gap == pytest.approx(accepted.mean())
    path = tmp_path / "rule.json"
    rule.save(path)
    other = kf.FrozenFairness.load(path)
    np.testing.assert_array_equal(other(new.scores, new.attributes, ids=ids), given)
    assert other.promise == rule.promise
    assert str(other) == str(rule)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("text", "options"), RULES)
def test_nobody_is_harmed_by_a_higher_score(text: str, options: dict[str, Any]) -> None:
    rule = kf.FrozenFairness(text, **options).fit(*applicants(3000, 1))
    scores = np.linspace(0, 1, 2001)
    for sex in ("Female", "Male"):
        for district in ("East", "North", "West"):
            columns = {"sex": np.full(2001, sex), "district": np.full(2001, district)}
            for person in ("a", "b", "c"):  # the lot is the person's, whatever the score
                given = rule(scores, columns, ids=[person] * 2001)
                assert (np.diff(given) >= 0).all()
                assert given.min() >= 0
                assert given.max() <= 1


def test_the_audit_agrees_with_the_rule() -> None:
    people = applicants(3000, 1)
    for text in (
        PARITY,
        "equalized_odds(sex) <= 0.05 at y >= 0.5",
        "disparate_impact(district) >= 0.8 at y >= 0.5",
    ):
        rule = kf.FrozenFairness(text, confidence=None).fit(*people)
        for dtype in ("float64", "float32"):
            given = rule(people.scores.astype(dtype), people.attributes)
            found = kf.audit(text, given, people.attributes, people.label, confidence=None)
            assert all(relation.violation <= 1e-9 for relation in found)


def test_utilities() -> None:
    people = applicants(2000, 1)
    free = "P[y >= 0.5] <= 1"

    def share(**options: Any) -> float:
        rule = kf.FrozenFairness(free, confidence=None, **options)
        worth = options.pop("worth", None)
        return float(rule.fit(*people, utility=worth).decide(people.scores, {}).mean())

    with pytest.warns(UserWarning, match="holds whatever"):
        accuracy = share(utility="accuracy")
    with pytest.warns(UserWarning, match="holds whatever"):
        generous = share(utility=[[0, 1], [5, 0]])
    with pytest.warns(UserWarning, match="holds whatever"):
        balanced = share(utility="balanced_accuracy")
    assert accuracy < balanced
    assert accuracy < generous
    with pytest.warns(UserWarning, match="holds whatever"):
        rule = kf.FrozenFairness(free, confidence=None).fit(
            *people, utility=np.where(people.scores > 0.9, 1.0, -1.0)
        )
    assert rule.decide([0.89, 0.91], {}).tolist() == [False, True]
    with pytest.warns(
        UserWarning, match="holds whatever"
    ):  # without labels scores are taken for probabilities
        rule = kf.FrozenFairness(free, confidence=None).fit(people.scores, people.attributes)
    assert rule.decide([0.49, 0.51], {}).tolist() == [False, True]


def test_lots_are_the_persons_own() -> None:
    lots = lots_of([f"p{place}" for place in range(20_000)])
    assert lots.min() >= 0
    assert lots.max() < 1
    assert abs(lots.mean() - 0.5) < 0.01
    np.testing.assert_array_equal(lots_of(["p3"]), lots[3:4])
    assert (lots_of(["p3"], seed=1) != lots[3]).all()
    knots = ThresholdKnots(np.array([[0.2, 0.6]]), np.array([[0.25, 0.75]]), 0.5, (0.0, 1.0))
    given = knots.apply(np.full(20_000, 0.4), np.zeros(20_000, dtype=int), lots)
    assert (given >= 0.5).mean() == pytest.approx(0.25, abs=0.01)


def test_people_of_unknown_groups() -> None:
    people = applicants(1000, 1)
    rule = kf.FrozenFairness(PARITY, confidence=None).fit(*people)
    with pytest.raises(
        ValueError, match=r"1 person of a group that nobody was of at calibration: .*received sex='Diverse'"
    ):
        rule([0.4], {"sex": ["Diverse"]})
    lenient = kf.FrozenFairness(PARITY, confidence=None, unknown="exclude").fit(*people)
    with pytest.warns(UserWarning, match="left as they are"):
        assert lenient([0.4], {"sex": ["Diverse"]}).tolist() == [0.4]


def test_groups_are_shown() -> None:
    rule = kf.FrozenFairness(PARITY, confidence=None).fit(*applicants(1000, 1))
    assert set(rule.groups) == {"sex=Female", "sex=Male"}
    assert "sex=Female: accepts scores from" in str(rule)
    assert "people: 1,000" in str(rule)
    new = applicants(50, 2)
    names = rule.groups_of(new.scores, new.attributes)
    assert names.tolist() == [f"sex={value}" for value in new.attributes["sex"]]
    assert rule.groups_of([0.4], {"sex": ["Diverse"]})[0] not in rule.groups
    moved = str(kf.FrozenFairness("spread(E[y | sex=*]) <= 0.01", confidence=None).fit(*applicants(1000, 1)))
    assert ": score plus 0." in moved
    assert ": score less 0." in moved


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"confidence": 1.5}, "confidence=1.5"),
        ({"utility": "acuracy"}, "utility='acuracy'"),
        ({"utility": [1, 2]}, "2 x 2 cost matrix"),
        ({"randomise": "yes"}, "randomise='yes'"),
        ({"method": "magic"}, "method='magic'"),
        ({"domain": None}, "finite ends"),
        ({"domain": (0, 0.4)}, "inside the domain"),
        ({"domain": "simplex"}, "simplex"),
        ({"weight_bound": -1}, "weight_bound"),
        ({"seed": -1}, "seed"),
        ({"unknown": "maybe"}, "unknown='maybe'"),
    ],
)
def test_wrong_settings(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kf.FrozenFairness(PARITY, **options)


def test_wrong_people() -> None:
    people = applicants(1000, 1)
    rule = kf.FrozenFairness(PARITY, confidence=None)
    with pytest.raises(ValueError, match="was fitted"):
        rule([0.5], {"sex": ["Male"]})
    cases: list[tuple[tuple[Any, ...], str]] = [
        ((people.scores * 2, people.attributes), r"in \[0, 1\]"),
        ((people.scores[:5], people.attributes), "as many values"),
        ((people.scores, {}), "no attribute named 'sex'"),
        ((people.scores, people.attributes, people.label * 3), "label"),
        ((people.scores, people.attributes, people.label[:9]), "label"),
        ((people.scores, people.attributes, np.where(people.label == 1, "yes", "no")), "text: encode it"),
        (([], {"sex": []}), "at least one person"),
    ]
    for arguments, words in cases:
        with pytest.raises(ValueError, match=words):
            rule.fit(*arguments)
    with pytest.raises(kf.ConstraintTypeError, match="needs the label"):
        kf.FrozenFairness("equalized_odds(sex) <= 0.1 at y >= 0.5").fit(people.scores, people.attributes)
    with pytest.raises(ValueError, match="utility"):
        rule.fit(*people, utility=[1.0, 2.0])
    with pytest.raises(ValueError, match="ids"):
        kf.FrozenFairness(
            "equalized_odds(sex) <= 0.02 at y >= 0.5", confidence=None, randomise="allowed"
        ).fit(*people)(people.scores, people.attributes)
    fitted = kf.FrozenFairness(PARITY, confidence=None).fit(*people)
    before = fitted(people.scores, people.attributes)
    with pytest.raises(ValueError, match="finite"):
        fitted.fit(np.full(1000, np.nan), people.attributes)
    np.testing.assert_array_equal(fitted(people.scores, people.attributes), before)
    with pytest.raises(ValueError, match="scores"):
        kf.FrozenFairness("E[y] <= 0.5", confidence=None).fit(people.scores, {}).decide([0.5], {})


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", '{"format": "keras_fair.rule", "version": 9}',
     '{"format": "keras_fair.rule", "version": 1, "knots": {"kind": "x"}}'],
)  # fmt: skip
def test_damaged_documents(document: str) -> None:
    with pytest.raises(ValueError, match="JSON document of a rule"):
        kf.FrozenFairness.from_json(document)


def test_a_file_stays_what_it_is(tmp_path: Path) -> None:
    rule = kf.FrozenFairness(PARITY, confidence=None).fit(*applicants(500, 1))
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    rule.save(link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert kf.FrozenFairness.load(target).groups == rule.groups
    assert sorted(tmp_path.iterdir()) == [link, target]
    with pytest.raises(FileNotFoundError):
        rule.save(tmp_path / "nowhere" / "rule.json")


@pytest.mark.parametrize("domain", [(0.0, None), (None, 1.0), None, (0.0, 2.0)])
def test_domains_come_back(domain: Any) -> None:
    people = applicants(300, 1)
    rule = kf.FrozenFairness("spread(E[y | sex=*]) <= 0.05", confidence=None, domain=domain)
    loaded = kf.FrozenFairness.from_json(rule.fit(people.scores, people.attributes).to_json())
    assert loaded.domain == rule.domain


def test_tensors_are_decided_in_their_own_type() -> None:
    rule = kf.FrozenFairness("P[y >= 0.5] <= 0.4", confidence=None).fit(*applicants(500, 1))
    for dtype in ("float16", "bfloat16", "float32"):
        scores = ops.cast(np.linspace(0, 1, 1001), dtype)
        given = rule(scores, {})
        assert given.dtype == scores.dtype
        (knots,) = rule.groups.values()
        accepted = ops.convert_to_numpy(ops.cast(given, "float32")) >= 0.5
        theta = ops.convert_to_numpy(ops.cast(ops.cast(knots["thresholds"][0], dtype), "float32"))
        np.testing.assert_array_equal(accepted, ops.convert_to_numpy(ops.cast(scores, "float32")) >= theta)


def test_only_what_tells_groups_is_asked_in_service() -> None:
    people = applicants(500, 1)
    columns = {**people.attributes, "income": people.scores}
    rule = kf.FrozenFairness("E[y | sex=Female] <= E[income] + 0.2", confidence=None)
    rule.fit(people.scores, columns)
    assert rule([0.5], {"sex": ["Female"]}).shape == (1,)


def test_ids_have_to_be_in_the_order_of_scores() -> None:
    people = applicants(500, 1, atoms=6)
    text = "spread(P[y >= 0.5 | sex=*]) <= 0.001; 0.2 <= P[y >= 0.5] <= 0.4"
    rule = kf.FrozenFairness(text, confidence=None, randomise="ties").fit(*people)
    scores = pd.Series(people.scores)
    with pytest.raises(ValueError, match="order"):
        rule(scores, people.attributes, ids=pd.Series(range(500)).sort_values(ascending=False))
    np.testing.assert_array_equal(lots_of([3, 4]), lots_of([3.0, 4.0]))


@pytest.mark.parametrize("text", ["spread(P[y >= 0.5 | sex=*]) <= 0.1", "spread(E[y | sex=*]) <= 0.1"])
@pytest.mark.parametrize("confidence", [None, 0.95])
@pytest.mark.parametrize(
    ("sex", "values", "weight", "who"),
    [
        (["F"] * 120, ["F", "M"], None, "sex=M"),
        (["F"] * 120, None, None, "a group"),
        (["F", "M"] * 60, None, [1.0, 0.0] * 60, "sex=M"),
        (pyarrow.array([None] * 120, pyarrow.string()), ["F", "M"], None, "sex="),
    ],
    ids=["one value of two", "one value", "one with a weight", "no values"],
)
def test_where_nothing_is_compared_nothing_is_learnt(
    text: str, confidence: float | None, sex: Any, values: list[str] | None, weight: Any, who: str
) -> None:
    vocabulary = None if values is None else kf.Vocabulary({"sex": values}, missing="exclude")
    rule = kf.FrozenFairness(text, confidence=confidence, vocabulary=vocabulary, weight_bound=1.0)
    with pytest.raises(ValueError, match=f"found nobody: Nobody is in .*{who}"):
        rule.fit([0.2, 0.7, 0.3] * 40, {"sex": sex}, None, weight)
