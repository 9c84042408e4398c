"""The argument `margin` of the layer: held, kept in the configuration, and not counted in reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import backend

import keras_fair as kf

TEXT = "parity: E[y | sex=Female] == E[y | sex=Male] +- 0.1"
SEX = np.array(["Female", "Male"] * 32)
Y = np.clip(np.random.default_rng(0).uniform(0.1, 0.6, 64) + 0.3 * (SEX == "Male"), 0, 1)
VALUES = {"sex": ["Female", "Male"]}
NEAR = 1e-5 if backend.backend() == "jax" else 1e-6


def gap(y: Any) -> float:
    y = np.asarray(y).reshape(-1)
    return float(y[SEX == "Male"].mean() - y[SEX == "Female"].mean())


@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
@pytest.mark.parametrize("margin", [0.04, {"parity": 0.04}])
def test_a_layer_holds_its_margin_as_the_tightened_text_does(margin: Any, divergence: str) -> None:
    layer = kf.FairProjection(TEXT, margin=margin, divergence=divergence)
    by_hand = kf.FairProjection(TEXT.replace("0.1", "0.06"), divergence=divergence)
    fair = np.asarray(layer(Y, {"sex": SEX}))
    np.testing.assert_allclose(fair, np.asarray(by_hand(Y, {"sex": SEX})), atol=NEAR)
    assert gap(fair) == pytest.approx(0.06, abs=NEAR)


def test_the_record_is_of_the_text() -> None:
    """A finite price leaves the gap past the moved bound, but within that of the text."""
    layer = kf.FairProjection(TEXT, margin=0.04, stiffness=2000.0)
    fair = layer(Y, {"sex": SEX})
    assert 0.0601 < gap(fair) < 0.1
    assert max(layer.record().violation.values()) == 0.0
    without = kf.FairProjection(TEXT.replace("0.1", "0.06"), stiffness=2000.0)
    without(Y, {"sex": SEX})
    assert max(without.record().violation.values()) > 1e-4


@pytest.mark.parametrize("margin", [0.04, {"parity": 0.04}, {}])
def test_the_margin_is_in_the_configuration(margin: Any) -> None:
    layer = kf.FairProjection(TEXT, margin=margin, vocabulary=VALUES)
    config = layer.get_config()
    assert config["margin"] == margin
    again = kf.FairProjection.from_config(config)
    assert again.margin == margin
    np.testing.assert_allclose(
        np.asarray(again(Y, {"sex": SEX})), np.asarray(layer(Y, {"sex": SEX})), atol=1e-7
    )


def test_a_configuration_of_an_older_version_has_no_margin() -> None:
    config = kf.FairProjection(TEXT, margin=0.04).get_config()
    del config["margin"]
    assert kf.FairProjection.from_config(config).margin == 0.0


@pytest.mark.parametrize("margin", [-0.1, float("nan"), True, "0.1", {"parity": -1.0}, {"parity": None}])
def test_malformed(margin: Any) -> None:
    with pytest.raises(ValueError, match="expected margin >= 0 and finite"):
        kf.FairProjection(TEXT, margin=margin)


def test_unknown_names_and_margins_without_room() -> None:
    with pytest.raises(ValueError, match="'partiy'; did you mean 'parity'"):
        kf.FairProjection(TEXT, margin={"partiy": 0.01})
    with pytest.raises(ValueError, match="'parity' lie 0.2 apart, received margin=0.2"):
        kf.FairProjection(TEXT, margin=0.2)


def base() -> keras.Model:
    """A model that gives what it gets."""
    inputs = keras.Input((1,))
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(inputs))


def test_a_saved_model_keeps_its_margin(tmp_path: Path) -> None:
    model = kf.FairModel(base(), TEXT, margin={"parity": 0.04}, vocabulary=VALUES)
    inputs = {"x": Y[:, None], "sex": model.projection.encode({"sex": SEX})["sex"]}
    fair = model.predict(inputs, batch_size=64, verbose=0)
    assert gap(fair) == pytest.approx(0.06, abs=NEAR)
    assert model.get_config()["margin"] == {"parity": 0.04}
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.projection.margin == {"parity": 0.04}
    np.testing.assert_allclose(again.predict(inputs, batch_size=64, verbose=0), fair, atol=1e-6)


def test_logs_of_fit_are_of_the_text() -> None:
    """The gap that `fit` logs is the one that was held; its violation counts from the bound of the text."""
    model = kf.FairModel(base(), TEXT, margin=0.04, vocabulary=VALUES)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    inputs = {"x": Y[:, None], "sex": model.projection.encode({"sex": SEX})["sex"]}
    logs = model.fit(inputs, Y[:, None], batch_size=64, epochs=1, verbose=0).history
    assert logs["parity_gap"][0] == pytest.approx(-0.06, abs=NEAR)
    assert logs["parity_violation"] == [0.0]


def test_a_memory_aims_inside_by_the_margin() -> None:
    gaps = []
    for margin in (0.0, 0.04):
        layer = kf.FairProjection(TEXT, margin=margin, memory=64, vocabulary=VALUES)
        for _ in range(40):
            fair = layer(Y, {"sex": SEX}, training=True)
        gaps.append(gap(fair))
    assert gaps[1] == pytest.approx(gaps[0] - 0.04, abs=5e-3)
