"""The published data sets: group counts and rates, and the quirks of each file. Needs the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_fair import datasets
from keras_fair.datasets import Split

PUBLISHED = tuple(name for name in datasets.names() if name != "lending")


def everyone(parts: tuple[Split, Split]) -> Split:
    train, test = parts
    return Split(
        {name: np.concatenate([train.features[name], test.features[name]]) for name in train.features},
        np.concatenate([train.label, test.label]),
        {name: np.concatenate([train.attributes[name], test.attributes[name]]) for name in train.attributes},
    )


COUNTS = [
    ("german", {}, "sex", "Male", 690, 499),
    ("german", {}, "sex", "Female", 310, 201),
    ("german", {}, "age_group", "over_25", 810, 590),
    ("german", {}, "age_group", "up_to_25", 190, 110),
    ("compas", {}, "race", "African-American", 3175, 1661),
    ("compas", {}, "race", "Caucasian", 2103, 822),
    ("law_school", {}, "race", "White", 18716, 18087),
    ("law_school", {}, "race", "Black", 1343, 1045),
    ("bank", {"version": "additional"}, "age_group", "from_25_to_60", 39210, 3970),
    ("bank", {"version": "additional"}, "age_group", "other_ages", 1978, 670),
    ("bank", {"version": "full"}, "age_group", "from_25_to_60", 43214, 4580),
    ("bank", {"version": "full"}, "age_group", "other_ages", 1997, 709),
    ("credit_card", {}, "sex", "Male", 11888, 2873),
    ("credit_card", {}, "sex", "Female", 18112, 3763),
]


@pytest.mark.parametrize(("name", "options", "attribute", "value", "rows", "positive"), COUNTS)
def test_counts(data_folder: Path, name, options, attribute, value, rows, positive) -> None:
    people = everyone(datasets.load(name, data_folder, **options))
    member = people.attributes[attribute] == value
    assert (int(member.sum()), int(people.label[member].sum())) == (rows, positive)


@pytest.mark.parametrize(
    ("part", "sex", "rows", "positive"),
    [
        (0, "Male", 21790, 6662),
        (0, "Female", 10771, 1179),
        (1, "Male", 10860, 3256),
        (1, "Female", 5421, 590),
    ],
)
def test_counts_of_adult(data_folder: Path, part: int, sex: str, rows: int, positive: int) -> None:
    people = datasets.adult.load_data(data_folder)[part]
    member = people.attributes["sex"] == sex
    assert (int(member.sum()), int(people.label[member].sum())) == (rows, positive)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("adult", 48842),
        ("bank", 41188),
        ("communities", 1994),
        ("compas", 6172),
        ("credit_card", 30000),
        ("german", 1000),
        ("law_school", 22407),
    ],
)
def test_columns_are_whole(data_folder: Path, name: str, size: int) -> None:
    train, test = datasets.load(name, data_folder)
    assert train.size + test.size == size
    for people in (train, test):
        assert people.label.dtype == np.float32
        if name == "communities":
            assert 0.0 <= people.label.min() < people.label.max() <= 1.0
        else:
            assert set(np.unique(people.label)) == {0.0, 1.0}
        for column in (*people.features.values(), *people.attributes.values()):
            assert column.shape == (people.size,)
            assert column.dtype == np.float32 or column.dtype.kind == "U"
        for attribute, column in people.attributes.items():
            missing = np.isnan(column) if column.dtype.kind == "f" else column == ""
            assert not missing.any(), attribute
        for column in people.features.values():
            if column.dtype.kind == "U":
                assert not any(value != value.strip() or value in ("?", "NA") for value in np.unique(column))


@pytest.mark.parametrize("name", PUBLISHED)
def test_encodes(data_folder: Path, name: str) -> None:
    train, test = datasets.load(name, data_folder)
    x_train, x_test, names = datasets.encode(train, test, exclude=list(train.attributes))
    assert x_train.shape == (train.size, len(names))
    assert x_test.shape == (test.size, len(names))
    assert np.isfinite(x_train).all()
    assert np.isfinite(x_test).all()
    assert not [column for column in names if column.split("=")[0] in train.attributes]


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "adult"])
def test_splits_are_seeded(data_folder: Path, name: str) -> None:
    first, again, other = (datasets.load(name, data_folder, test_split=0.3, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first[0].label, again[0].label)
    assert not np.array_equal(first[0].label, other[0].label)
    assert first[1].size == round(0.3 * (first[0].size + first[1].size))


def test_adult(data_folder: Path) -> None:
    train, test = datasets.adult.load_data(data_folder)
    assert (train.size, test.size) == (32561, 16281)
    missing = {
        name: (int((train.features[name] == "").sum()), int((test.features[name] == "").sum()))
        for name in ("workclass", "occupation", "native_country")
    }
    assert missing == {"workclass": (1836, 963), "occupation": (1843, 966), "native_country": (583, 274)}
    assert "fnlwgt" not in train.features
    assert train.attributes["fnlwgt"].min() > 0
    assert {"income", "education"}.isdisjoint(train.features)


def test_compas_has_no_outcome_and_no_name_among_its_columns(data_folder: Path) -> None:
    people = everyone(datasets.compas.load_data(data_folder))
    assert set(people.features) == {
        "age",
        "c_charge_degree",
        "juv_fel_count",
        "juv_misd_count",
        "juv_other_count",
        "priors_count",
        "race",
        "sex",
    }
    high = people.attributes["decile_score"] >= 5
    counts = {
        race: int(high[people.attributes["race"] == race].sum()) for race in ("African-American", "Caucasian")
    }
    assert counts == {"African-American": 1829, "Caucasian": 696}


def test_german_column_nine_is_only_sex(data_folder: Path) -> None:
    people = everyone(datasets.german.load_data(data_folder))
    assert "personal_status" not in people.features
    assert set(np.unique(people.features["sex"])) == {"Female", "Male"}


def test_credit_card_codes(data_folder: Path) -> None:
    people = everyone(datasets.credit_card.load_data(data_folder))
    assert "id" not in people.features
    assert int((people.attributes["marriage"] == "other").sum()) == 323 + 54
    assert int((people.attributes["education"] == "other").sum()) == 123 + 14 + 280 + 51
    assert {"pay_0", "pay_2"} < set(people.features)


@pytest.mark.parametrize("version", ["additional", "full"])
def test_bank(data_folder: Path, version: str) -> None:
    people = everyone(datasets.bank.load_data(data_folder, version=version))
    assert {"duration", "y"}.isdisjoint(people.features)
    assert "duration" in datasets.bank.load_data(data_folder, version=version, duration=True)[0].features
    contacted = people.features["pdays"][~np.isnan(people.features["pdays"])]
    assert 0 < len(contacted) < 0.25 * people.size
    assert contacted.min() >= 0
    assert contacted.max() < 999


def test_bank_with_an_unknown_version(data_folder: Path) -> None:
    with pytest.raises(ValueError, match="received version='ful'; did you mean 'full'"):
        datasets.bank.load_data(data_folder, version="ful")


def test_law_school(data_folder: Path) -> None:
    people = everyone(datasets.law_school.load_data(data_folder))
    unknown = {name: int((people.attributes[name] == "unknown").sum()) for name in ("race", "sex")}
    assert unknown == {"race": 16, "sex": 5}
    outcomes = {
        "bar",
        "bar1",
        "bar2",
        "bar_passed",
        "bar1_yr",
        "bar2_yr",
        "dnn_bar_pass_prediction",
        "age",
        "grad",
    }
    assert outcomes.isdisjoint(people.features)


def test_communities(data_folder: Path) -> None:
    everywhere = everyone(datasets.communities.load_data(data_folder))
    assert round(float(everywhere.label.mean()), 4) == 0.2380
    assert len(everywhere.features) == 122
    outside = {"violentcrimesperpop", "state", "county", "community", "communityname", "fold"}
    assert outside.isdisjoint(everywhere.features)
    missing = {name: int(np.isnan(column).sum()) for name, column in everywhere.features.items()}
    assert missing.pop("otherpercap") == 1
    assert sorted(count for count in missing.values() if count) == [1675] * 22
    assert sorted(everywhere.attributes) == ["racepctasian", "racepctblack", "racepcthisp", "racepctwhite"]
    for column in everywhere.attributes.values():
        assert column.min() >= 0
        assert column.max() <= 1
        assert column.std() > 0.1


def test_folds_of_communities_are_the_published_ones(data_folder: Path) -> None:
    sizes = []
    for fold in range(1, 11):
        train, test = datasets.communities.load_data(data_folder, fold=fold)
        assert train.size + test.size == 1994
        sizes.append(test.size)
    assert sum(sizes) == 1994
    assert min(sizes) >= 199
    with pytest.raises(ValueError, match="1 to 10, received fold=11"):
        datasets.communities.load_data(data_folder, fold=11)
