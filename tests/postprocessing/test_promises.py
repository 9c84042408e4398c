"""What is promised, by which way, what it rests on, and what is said where nothing can be promised."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.postprocessing.monotone_path import Path, choose_on_path, path_points
from keras_fair.postprocessing.promise import Unpromised
from keras_fair.postprocessing.promised_rows import one_sided
from keras_fair.postprocessing.row_tests import RowTest
from tests.applicants import applicants

PARITY = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"
FITTED = [
    (PARITY, "monotone path", "the exact test of two rates"),
    ("equalized_odds(sex) <= 0.1 at y >= 0.5", "monotone path", "the exact test of two rates"),
    ("disparate_impact(sex) >= 0.7 at y >= 0.5", "monotone path", "the exact test of two rates"),
    ("P[y >= 0.5 | sex=Female] >= 0.15", "monotone path", "the binomial test"),
    (
        "P[y >= 0.5 | district=East] == P[y >= 0.5 | district=West] +- 0.1",
        "monotone path",
        "the exact test of two rates",
    ),
    ("spread(P[y >= 0.5 | district=*]) <= 0.1", "split and test", "the exact test of two rates"),
    ("P[y >= 0.5] <= 0.25; P[label=1 | y >= 0.5, sex=*] >= 0.5", "split and test", "betting on means"),
    ("P[y >= 0.5 | sex=Female] == P[y >= 0.5] +- 0.1", "split and test", "a confidence bound for each mean"),
    ("spread(E[y | sex=*]) <= 0.05", "monotone path", "betting on means"),
    ("equalized_odds(sex) <= 0.1", "split and test", "betting on means"),
]


@pytest.mark.parametrize(("text", "method", "test"), FITTED)
def test_promised_rules(text: str, method: str, test: str) -> None:
    people, new = applicants(6000, 1), applicants(60_000, 2)
    rule = kf.FrozenFairness(text).fit(*people)
    assert rule.promise is not None
    assert rule.promise.method == method
    assert test in rule.promise.tests
    assert rule.promise.confidence == 0.95
    assert rule.promise.people + rule.promise.learnt_from == 6000
    assert (rule.promise.learnt_from > 0) == (method == "split and test")
    found = kf.audit(text, rule(new.scores, new.attributes), new.attributes, new.label, confidence=None)
    assert max(relation.violation for relation in found) <= 0.01  # fixed seeds; chance is in the benchmark
    assert "drawn like the calibration people" in str(rule.promise)
    assert str(rule.promise) in " ".join(str(rule).split())


def test_confidence_of_the_text_counts() -> None:
    people = applicants(6000, 1)
    rule = kf.FrozenFairness(PARITY + " with confidence 99%").fit(*people)
    assert rule.promise is not None
    assert rule.promise.confidence == 0.99
    less, more = (kf.FrozenFairness(PARITY, confidence=each).fit(*people) for each in (0.6, 0.99))
    gaps = [kf.audit(PARITY, each(people.scores, people.attributes), people.attributes).relations[0].gap
            for each in (less, more)]  # fmt: skip
    assert abs(gaps[0]) > abs(gaps[1])
    assert kf.FrozenFairness(PARITY + " with confidence 99%", confidence=None).fit(*people).promise is None


def test_shares_of_broken_promises() -> None:
    """Of 40 draws from known populations at most 5% and what chance adds; the benchmark has 1,000 a cell."""
    population = applicants(30_000, 9)
    rng = np.random.default_rng(0)
    for text, n in ((PARITY.replace("0.05", "0.09"), 700), ("spread(E[y | sex=*]) <= 0.06", 500)):
        broken = 0
        for _ in range(20):
            drawn = population.part(rng.integers(0, 30_000, n))
            try:
                rule = kf.FrozenFairness(text).fit(*drawn)
            except Unpromised:
                continue
            given = rule(population.scores, population.attributes)
            (relation,) = kf.audit(text, given, population.attributes, confidence=None)
            broken += relation.violation > 0
        assert broken <= 4  # 1 expected at most; 5 or more of 20 has probability 0.003


class Steps(Path):
    """A path whose points pass where they are told to."""

    def __init__(self, passes: dict[int, np.ndarray], gains: np.ndarray) -> None:
        self._passes, self._gains = passes, gains

    def __len__(self) -> int:
        return len(self._gains)

    def passes(self, test: int, place: int, level: float) -> bool:
        return bool(self._passes[test][place])

    def gains(self, places: np.ndarray) -> np.ndarray:
        return self._gains[places]


def test_a_path_is_left_at_the_first_failure() -> None:
    gains = np.arange(9.0)
    passes = np.array([1, 1, 1, 0, 1, 1, 1, 1, 1], dtype=bool)
    falling = np.array([-1])
    assert choose_on_path(Steps({0: passes}, -gains), [], falling, 0.05) == 4
    assert choose_on_path(Steps({0: passes}, gains), [], falling, 0.05) == 8
    assert choose_on_path(Steps({0: passes}, -gains), [], np.array([1]), 0.05) == 0
    assert choose_on_path(Steps({0: ~passes}, -gains), [], falling, 0.05) is None


def test_paths_move_groups_apart_and_end_in_both() -> None:
    points = path_points(np.array([100, 50, 300]), np.array([0, 2]))
    assert (np.diff(points[:, 0]) > 0).all()
    assert (np.diff(points[:, 2]) < 0).all()
    assert (points[len(points) // 2] == 0).all()
    np.testing.assert_allclose(points[:, 0], -3 * points[:, 2])
    assert (points[:, 1] == 0).all()
    assert np.abs(points[-1, [0, 2]]).min() >= 1.0


def test_points_that_accept_the_same_people_are_tested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    tested = RowTest.passes_counts

    def passes_counts(self: RowTest, hits: tuple[int, ...], level: float) -> bool:
        asked.append((self.row.bound, tuple(self.row.weights), hits, level))
        return tested(self, hits, level)

    monkeypatch.setattr(RowTest, "passes_counts", passes_counts)
    kf.FrozenFairness(PARITY.replace("0.05", "0.15")).fit(*applicants(400, 1))
    assert 100 < len(asked) == len(set(asked))


def test_inequalities_between_pairs() -> None:
    sex = {"sex": ["a", "b", "c"]}
    pairs = one_sided(kf.parse("spread(E[y | sex=*]) <= 0.1").rows(sex))
    assert len(pairs) == 6
    assert {each.bound for each in pairs} == {0.1}
    assert all(sorted(each.weights.tolist()) == [-1.0, 0.0, 1.0] for each in pairs)
    ratios = one_sided(kf.parse("min(E[y | sex=*]) >= 0.8 * max(E[y | sex=*])").rows(sex))
    found = {tuple(np.round(each.weights / np.abs(each.weights).max(), 9).tolist()) for each in ratios}
    assert (0.8, -1.0, 0.0) in found
    assert (0.0, 0.8, -1.0) in found


@pytest.mark.parametrize(
    ("text", "n", "words"),
    [
        (PARITY, 300, r"300 people are too few .* About [\d,]+ people .* tolerance wider by 0\.\d+"),
        ("spread(P[y >= 0.5 | district=*]) <= 0.03", 400, "of whom 70% are tested"),
        ("P[label=1 | y >= 0.5] >= 0.999", 400, r"are needed\. confidence=None"),
        ("E[y | sex=Female] == E[y | sex=Male]", 500, "an equality without a tolerance"),
        ("P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male]", 500, "an equality without a tolerance"),
        ("E[y | sex=Female] <= E[label | sex=Female] + 0.1", 500, "measured on these people"),
        ("mean_residual(sex) <= 0.2", 500, "measured on these people"),
    ],
)
def test_what_is_not_promised_is_said(text: str, n: int, words: str) -> None:
    with pytest.raises(Unpromised, match=words):
        kf.FrozenFairness(text).fit(*applicants(n, 1))


def test_the_number_that_is_needed_is_about_right() -> None:
    with pytest.raises(Unpromised) as caught:
        kf.FrozenFairness(PARITY).fit(*applicants(400, 1))
    needed = int(str(caught.value).split("About ")[1].split(" people")[0].replace(",", ""))
    promised = []
    for factor in (0.6, 1.4):
        count = 0
        for seed in range(12):
            try:
                kf.FrozenFairness(PARITY).fit(*applicants(int(factor * needed), 100 + seed))
            except Unpromised:
                continue
            count += 1
        promised.append(count)
    assert promised[0] <= 6
    assert promised[1] >= 6


def test_weights_need_a_bound() -> None:
    people = applicants(4000, 1)
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 4000)
    with pytest.raises(Unpromised, match="weight_bound"):
        kf.FrozenFairness(PARITY).fit(*people, weight)
    with pytest.raises(ValueError, match="weight_bound=1"):
        kf.FrozenFairness(PARITY, weight_bound=1.0).fit(*people, weight)
    rule = kf.FrozenFairness(PARITY.replace("0.05", "0.1"), weight_bound=1.5).fit(*people, weight)
    assert rule.promise is not None
    assert rule.promise.tests == ("betting on means",)


def test_a_rule_that_accepts_nobody_is_said() -> None:
    people = applicants(500, 3)
    with pytest.warns(UserWarning, match="accepts nobody"):
        kf.FrozenFairness("P[y >= 0.5] <= 0.0001", confidence=None).fit(*people)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kf.FrozenFairness("P[y >= 0.5] <= 0.3", confidence=None).fit(*people)


def test_relations_of_empty_groups_are_not_promised() -> None:
    people = applicants(4000, 1)
    vocabulary = kf.Vocabulary({"sex": ["Diverse", "Female", "Male"]})
    text = "P[y >= 0.5 | sex=Female] <= 0.4; P[y >= 0.5 | sex=Diverse] <= 0.4"
    with pytest.warns(UserWarning, match="sex=Diverse"):
        rule = kf.FrozenFairness(text, vocabulary=vocabulary).fit(*people)
    assert rule.promise is not None
    assert rule.promise.refused == ("P[y >= 0.5 | sex=Diverse] <= 0.4",)
    assert "Not promised" in str(rule.promise)
    assert kf.FrozenFairness.from_json(rule.to_json()).promise == rule.promise
    with pytest.raises(ValueError, match="nobody was of at calibration"):
        rule([0.5], {"sex": ["Diverse"]})


def test_people_of_one_score_are_named() -> None:
    people = applicants(4000, 1, atoms=5)
    with pytest.raises(kf.Unpromised, match=r'have the score 0\.\d.*randomise="ties"'):
        kf.FrozenFairness(PARITY).fit(*people)
    promised = kf.FrozenFairness(PARITY.replace("0.05", "0.1"), randomise="ties").fit(*people).promise
    assert promised is not None
    with pytest.warns(UserWarning, match="0 and 1 alone.*look like decisions"):
        kf.FrozenFairness("0.1 <= P[y >= 0.5] <= 0.4", confidence=None).fit(
            np.round(people.scores), people.attributes, people.label
        )


def test_nothing_is_promised_that_was_not_tested() -> None:
    """One person of a group is learnt from, so nobody of it is left to test."""
    people = applicants(4000, 1)
    people.attributes["district"][:] = np.where(people.attributes["district"] == "West", "East", "North")
    people.attributes["district"][0] = "Isle"
    for text in ("spread(P[y >= 0.5 | district=*]) <= 1 - 0.4", "P[y >= 0.5 | district=*] <= 0.9"):
        with pytest.raises(kf.Unpromised, match="nobody of district=Isle is left to test"):
            kf.FrozenFairness(text, method="split and test").fit(*people)


def test_weights_leave_labels_two_numbers() -> None:
    people = applicants(3000, 1)
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 3000)
    weight[:50] = 0.0
    rule = kf.FrozenFairness("P[label=1 | y >= 0.5] >= 0.4", weight_bound=1.5).fit(*people, weight)
    assert rule.promise is not None


def test_worth_of_each_person_is_not_walked_along_a_path() -> None:
    people = applicants(4000, 1)
    rule = kf.FrozenFairness(PARITY.replace("0.05", "0.15")).fit(*people, utility=people.scores - 0.8)
    assert rule.promise is not None
    assert rule.promise.method == "split and test"
    with pytest.raises(ValueError, match="method='monotone path'"):
        kf.FrozenFairness(PARITY, method="monotone path").fit(*people, utility=people.scores - 0.8)
