"""The layer that turns a gradient round: values, gradients, schedules, saving."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.layers.gradient_reversal import gradient_reversed


def moved(strength: object, steps: int = 1) -> list[float]:
    """How far a weight in front of the layer moves in each step of plain descent on what it passes on."""
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    reversal = kf.layers.GradientReversal(strength)
    model = keras.Sequential([keras.Input((1,)), dense, reversal])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda _, y: y)
    course = [0.0]
    for _ in range(steps):
        model.train_on_batch(np.ones((4, 1), "float32"), np.ones((4, 1), "float32"))
        course.append(float(np.asarray(dense.kernel)[0, 0]))
    return np.diff(course).tolist()


def test_values_are_the_same_to_the_last_bit() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)).astype("float32") * 1e6
    y = keras.ops.convert_to_numpy(kf.layers.GradientReversal(0.3)(x))
    assert np.array_equal(x, y)


@pytest.mark.parametrize("strength", [0.0, 0.5, 3])
def test_the_gradient_is_turned_round(strength: float) -> None:
    assert moved(strength) == pytest.approx([strength])  # descent on y = w: without it w moves by -1


def test_a_schedule_counts_training_batches_only() -> None:
    ramp = keras.optimizers.schedules.PolynomialDecay(0.0, 2, end_learning_rate=1.0)
    assert moved(ramp, steps=4) == pytest.approx([0.0, 0.5, 1.0, 1.0])
    layer = kf.layers.GradientReversal(ramp)
    layer(np.ones((2, 1)))
    assert float(np.asarray(layer.weights[0])[0]) == 0.0


def test_a_schedule_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    ramp = keras.optimizers.schedules.PolynomialDecay(0.0, 4, end_learning_rate=1.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1), kf.layers.GradientReversal(ramp)])
    model.compile("sgd", "mse")
    model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert float(np.asarray(loaded.layers[-1].weights[0])[0]) == 3.0
    assert loaded.layers[-1].strength.get_config() == ramp.get_config()


@pytest.mark.parametrize("strength", [0.25, keras.optimizers.schedules.ExponentialDecay(1.0, 5, 0.5)])
def test_config_goes_round(strength: object) -> None:
    layer = kf.layers.GradientReversal(strength, name="turned")
    again = kf.layers.GradientReversal.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == "turned"


@pytest.mark.parametrize("strength", [-1.0, float("nan"), "much", True, None])
def test_a_wrong_strength_is_refused(strength: object) -> None:
    with pytest.raises(ValueError, match="expected strength as a finite number >= 0 or"):
        kf.layers.GradientReversal(strength)


def test_half_precision_stays_half() -> None:
    x = keras.ops.cast(np.ones((2, 2)), "float16")
    assert keras.backend.standardize_dtype(gradient_reversed(x, 2.0).dtype) == "float16"
