"""Data sets by name."""

from __future__ import annotations

import numpy as np
import pytest

from keras_fair import datasets


def test_load_passes_options_on() -> None:
    train, test = datasets.load("lending", people=100, test_split=0.3)
    assert (train.size, test.size) == (70, 30)
    direct, _ = datasets.lending.load_data(people=100, test_split=0.3)
    np.testing.assert_array_equal(train.features["income"], direct.features["income"])


@pytest.mark.parametrize(
    ("name", "advice"),
    [("adlt", "did you mean 'adult'"), ("Compas", "did you mean 'compas'"), ("x", "known: 'adult'")],
)
def test_unknown_name(name: str, advice: str) -> None:
    with pytest.raises(ValueError, match=f"received name='{name}'; {advice}"):
        datasets.load(name)


def test_lending_takes_no_path() -> None:
    with pytest.raises(ValueError, match="lending, which is generated, received path='somewhere'"):
        datasets.load("lending", "somewhere")


def test_every_name_has_a_module() -> None:
    for name in datasets.names():
        assert callable(getattr(datasets, name).load_data)
