"""The distributions of scores by group that come with an audit."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.audit import GroupScores, audit
from keras_fair.rows import Vocabulary


def by_name(groups: tuple[GroupScores, ...]) -> dict[tuple, GroupScores]:
    return {(group.attributes, group.values): group for group in groups}


def test_each_value_and_each_intersection_that_a_condition_asks_for(rng: np.random.Generator) -> None:
    y, weight = rng.random(500), rng.random(500)
    sex, race = rng.choice(["Female", "Male"], 500), rng.choice(["a", "b", "c"], 500)
    text = "E[y | sex=Female] <= 1; spread(E[y | race=*, sex=*]) <= 1"
    found = audit(text, y, {"sex": sex, "race": race}, sample_weight=weight)
    assert found.edges == pytest.approx(np.linspace(0, 1, 21))
    groups = by_name(found.groups)
    assert len(groups) == 2 + 3 + 6
    for (names, values), group in groups.items():
        chosen = np.ones(500, dtype=bool)
        for name, value in zip(names, values, strict=True):
            chosen &= {"sex": sex, "race": race}[name] == value
        assert group.size == chosen.sum()
        assert group.weight == pytest.approx(weight[chosen].sum())
        assert group.mean == pytest.approx(np.average(y[chosen], weights=weight[chosen]))
        counts, _ = np.histogram(y[chosen], found.edges, weights=weight[chosen])
        assert group.counts == pytest.approx(counts)
    assert [group.values for group in found.groups[:2]] == [("Female",), ("Male",)]


def test_numbers_are_taken_in_the_bands_of_the_conditions(rng: np.random.Generator) -> None:
    age = rng.integers(18, 80, 300)
    found = audit("E[y | age < 25] <= 1; E[y | 25 <= age <= 60] <= 1", rng.random(300), {"age": age})
    sizes = {group.values[0]: group.size for group in found.groups}
    assert sizes == {
        "age < 25": np.sum(age < 25),
        "25 <= age <= 60": np.sum((age >= 25) & (age <= 60)),
        "age > 60": np.sum(age > 60),
    }
    assert [group.values[0] for group in found.groups] == ["age < 25", "25 <= age <= 60", "age > 60"]


def test_numbers_in_arithmetic_are_taken_in_quarters(rng: np.random.Generator) -> None:
    age = rng.integers(18, 80, 4000)
    found = audit("cov(y, age) == 0 +- 1", rng.random(4000), {"age": age})
    assert [group.size / 4000 for group in found.groups] == pytest.approx([0.25] * 4, abs=0.03)
    first, *_, last = [group.values[0] for group in found.groups]
    assert first.startswith("age < ")
    assert last.startswith("age >= ")
    assert found.groups[0].size == np.sum(age < int(first.removeprefix("age < ")))


def test_a_number_that_is_equal_to_one_is_a_band_of_its_own() -> None:
    found = audit("E[y | grade=3] <= 1", [0.1, 0.2, 0.3, 0.4], {"grade": [1, 3, 3, 5]})
    assert {group.values[0]: group.size for group in found.groups} == {
        "grade < 3": 1,
        "grade = 3": 2,
        "grade > 3": 1,
    }
    found = audit("E[y | grade=*] <= 1", [0.1, 0.2, 0.3, 0.4], {"grade": [1, 3, 3, 5]})
    assert {group.values[0]: group.size for group in found.groups} == {1.0: 1, 3.0: 2, 5.0: 1}


def test_scores_at_the_ends_and_far_away() -> None:
    found = audit("E[y | sex=a] <= 1", [0.0, 1.0, 1.0, 0.05], {"sex": ["a"] * 4})
    assert (found.groups[0].counts[0], found.groups[0].counts[1], found.groups[0].counts[-1]) == (1, 1, 2)
    found = audit("E[y | sex=a] <= 1", [-1000.0, 2000.0, 3.0], {"sex": ["a"] * 3})
    assert len(found.edges) <= 42
    assert sum(found.groups[0].counts) == 3
    found = audit("E[y | sex=a] <= 9", [5.0, 5.0], {"sex": ["a", "a"]})
    assert sum(found.groups[0].counts) == 2


@pytest.mark.parametrize(
    ("low", "high", "ends", "width"),
    [
        (0, 100, (0, 100), 2.5),
        (0.7, 99.2, (0, 100), 2.5),
        (0, 10, (0, 10), 0.25),
        (0, 1000, (0, 1000), 40),
        (300, 850, (300, 860), 20),
        (-50, 50, (-50, 50), 2.5),
        (0, 10_000, (0, 10_000), None),
        (-3.3, 31_234.5, (-3.3, 31_234.5), None),
        (0, 2, (0, 2), 0.05),
    ],
)
def test_bins_of_scores_end_where_the_scores_do_or_at_round_numbers(low, high, ends, width) -> None:
    y = np.linspace(low, high, 401)
    found = audit("E[y | sex=a] <= 1", y, {"sex": ["a"] * len(y)})
    assert (found.edges[0], found.edges[-1]) == ends
    assert len(found.edges) <= 41
    steps = np.diff(found.edges)
    if width is not None:
        np.testing.assert_allclose(steps, width)
    np.testing.assert_allclose(steps[1:-1], steps[1])
    counts, _ = np.histogram(y, found.edges)
    assert sum(found.groups[0].counts) == len(y)
    assert np.abs(np.cumsum(counts) - np.cumsum(found.groups[0].counts)).max() <= 1  # rounding at an edge


def test_missing_and_unknown_values_make_no_group_unless_asked() -> None:
    sex = np.array(["Female", "Male", "", "Other"] * 5)
    y = np.linspace(0, 1, 20)
    vocabulary = Vocabulary({"sex": ["Female", "Male"]}, missing="exclude")
    found = audit("E[y | sex=*] <= 1", y, {"sex": sex}, vocabulary=vocabulary)
    assert [group.values for group in found.groups] == [("Female",), ("Male",)]
    found = audit("E[y | sex=*] <= 1", y, {"sex": sex}, vocabulary=Vocabulary(missing="group"))
    assert [group.values[0] for group in found.groups] == ["Female", "Male", "Other", "missing"]
    assert [relation.statistics[0].size for relation in found] == [5, 5, 5, 5]
