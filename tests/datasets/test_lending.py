"""The generated loans: the documented gaps are there, and the numbers are always the same."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.datasets import lending, sample_path
from keras_fair.datasets.table import numbers, read_columns


def rate(people, attribute: str, value: str) -> float:
    return float(people.label[people.attributes[attribute] == value].mean())


def test_gaps_between_groups() -> None:
    train, test = lending.load_data()
    for people in (train, test):
        assert 0.14 < rate(people, "sex", "Male") - rate(people, "sex", "Female") < 0.21
        assert 0.12 < rate(people, "race", "White") - rate(people, "race", "Black") < 0.24
        assert 0.12 < rate(people, "race", "White") - rate(people, "race", "Hispanic") < 0.24


def test_race_has_five_values_of_unequal_size() -> None:
    train, _ = lending.load_data()
    races, counts = np.unique(train.attributes["race"], return_counts=True)
    assert races.tolist() == ["Asian", "Black", "Hispanic", "Other", "White"]
    shares = dict(zip(races.tolist(), counts / train.size, strict=True))
    assert 0.02 < shares["Other"] < 0.04
    assert 0.55 < shares["White"] < 0.63


def test_officers_decide_worse_for_women_than_their_repaying_explains() -> None:
    train, _ = lending.load_data()
    woman = train.attributes["sex"] == "Female"
    for repays in (0, 1):
        among = train.attributes["repays"] == repays
        assert train.label[among & woman].mean() < train.label[among & ~woman].mean() - 0.08


def test_proxies_of_sex_and_race() -> None:
    train, _ = lending.load_data()
    woman, black = train.attributes["sex"] == "Female", train.attributes["race"] == "Black"
    care, harbour = train.features["occupation"] == "care", train.features["region"] == "harbour"
    assert care[woman].mean() > 2 * care[~woman].mean()
    assert harbour[black].mean() > 2 * harbour[~black].mean()


def test_outcome_is_no_feature() -> None:
    train, _ = lending.load_data()
    assert "repays" not in train.features
    assert "repays" in train.attributes


def test_seed_fixes_every_number() -> None:
    first, again, other = (lending.load_data(people=500, seed=seed)[0] for seed in (1, 1, 2))
    for name, column in first.features.items():
        np.testing.assert_array_equal(column, again.features[name])
    assert not np.array_equal(first.features["income"], other.features["income"])


@pytest.mark.parametrize("options", [{"people": 1}, {"test_split": 0.0}, {"test_split": 1.5}, {"people": -3}])
def test_wrong_arguments(options: dict) -> None:
    name, value = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"received {name}={value}"):
        lending.load_data(**options)


def test_the_sample_file_holds_the_first_held_out_people() -> None:
    columns = read_columns(sample_path().read_text(encoding="utf-8"))
    _, test = lending.load_data()
    people = test.take(np.arange(1000))
    for name in ("sex", "race"):
        assert columns[name].tolist() == people.attributes[name].tolist()
    np.testing.assert_array_equal(numbers(columns["age"]), people.attributes["age"])
    np.testing.assert_array_equal(numbers(columns["label"]), people.label)
    score = numbers(columns["score"])
    assert score.min() >= 0
    assert score.max() <= 1
    assert np.mean((score >= 0.5) == people.label) > 0.75
