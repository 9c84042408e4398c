"""Features as matrices: fitted on the training people alone."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair.datasets import Split, encode


def people(**features: list) -> Split:
    columns = {
        name: np.array(values, dtype=np.str_ if isinstance(values[0], str) else np.float32)
        for name, values in features.items()
    }
    size = len(next(iter(columns.values())))
    return Split(columns, np.zeros(size, np.float32), {"age_group": np.array(["old"] * size)})


def test_numbers_are_standardised_with_the_training_moments() -> None:
    x_train, x_test, names = encode(people(age=[20.0, 40.0]), people(age=[30.0, 70.0]))
    assert names == ("age",)
    assert x_train.dtype == x_test.dtype == np.float32
    np.testing.assert_allclose(x_train[:, 0], [-1, 1])
    np.testing.assert_allclose(x_test[:, 0], [0, 4])


def test_text_is_one_hot_over_the_training_values() -> None:
    x_train, x_test, names = encode(people(job=["b", "a", ""]), people(job=["a", "new"]))
    assert names == ("job=missing", "job=a", "job=b")
    np.testing.assert_array_equal(x_train, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(x_test, [[0, 1, 0], [0, 0, 0]])


def test_a_missing_number_is_average_and_marked() -> None:
    x_train, x_test, names = encode(people(age=[20.0, 40.0, np.nan]), people(age=[np.nan]))
    assert names == ("age", "age=missing")
    np.testing.assert_allclose(x_train, [[-1, 0], [1, 0], [0, 1]])
    np.testing.assert_allclose(x_test, [[0, 1]])


def test_columns_that_never_vary_are_left_out() -> None:
    train = people(age=[20.0, 40.0], same=[3.0, 3.0], word=["a", "a"], lost=[np.nan, np.nan])
    assert encode(train, train).names == ("age",)


@pytest.mark.parametrize("exclude", ["sex", ["sex"], ("sex", "age_group")])
def test_exclude(exclude: object) -> None:
    train = people(age=[20.0, 40.0], sex=["Female", "Male"])
    assert encode(train, train, exclude=exclude).names == ("age",)


def test_exclude_of_an_unknown_name() -> None:
    train = people(age=[20.0, 40.0], sex=["Female", "Male"])
    with pytest.raises(ValueError, match="received exclude='sx'; did you mean 'sex'"):
        encode(train, train, exclude=["sx"])


def test_nothing_left() -> None:
    train = people(age=[20.0, 40.0])
    with pytest.raises(ValueError, match=r"expected a feature to be left, received exclude=\['age'\]"):
        encode(train, train, exclude="age")


def test_take_keeps_columns_together() -> None:
    part = people(age=[20.0, 40.0, 60.0]).take(np.array([2, 0]))
    assert part.size == 2
    assert part.features["age"].tolist() == [60.0, 20.0]
    features, label, attributes = part
    assert features is part.features
    assert label is part.label
    assert attributes is part.attributes
