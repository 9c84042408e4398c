"""fit, evaluate, predict, save and load, in the three styles of Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

# JAX computes in single precision unless it is told otherwise.
TOLERANCE = 1e-6 if keras.backend.backend() == "tensorflow" else 1e-5

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"


def gap(y, task) -> float:
    y = np.asarray(y, "float64")[:, 0]
    return abs(y[task.sex == 0].mean() - y[task.sex == 1].mean())


def test_whole_life(style, task, tmp_path: Path) -> None:
    model = style(PARITY)
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(  # batches of 24, 24 and 16
        task.inputs, task.label, epochs=4, batch_size=24, verbose=0, validation_data=(task.inputs, task.label)
    ).history
    assert history["loss"][-1] < history["loss"][0]
    loss, accuracy = model.evaluate(task.inputs, task.label, batch_size=24, verbose=0)
    assert 0.5 < accuracy <= 1
    assert np.isfinite(loss)
    fair = model.predict(task.inputs, batch_size=64, verbose=0)
    assert gap(fair, task) <= 0.02 + TOLERANCE
    in_parts = model.predict(task.inputs, batch_size=24, verbose=0)
    for part in (slice(0, 24), slice(24, 48), slice(48, 64)):
        assert gap(in_parts[part], task.part(part)) <= 0.02 + TOLERANCE
    path = tmp_path / "model.keras"
    model.save(path)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(task.inputs, batch_size=64, verbose=0), fair, atol=1e-7)
    resumed = loaded.fit(task.inputs, task.label, epochs=1, batch_size=24, verbose=0).history
    assert resumed["loss"][0] < history["loss"][0]
    model.save_weights(tmp_path / "model.weights.h5")
    again = style(PARITY)
    again.predict(task.inputs, batch_size=24, verbose=0)
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(again.predict(task.inputs, batch_size=64, verbose=0), fair, atol=1e-7)


def test_unusual_batches(style, task) -> None:
    model = style(PARITY)
    model.compile("sgd", "binary_crossentropy")
    one = task.part(slice(0, 1))
    men = task.part(task.sex == 1)
    # Both groups are seen before, so that a batch without one is no sign of a misspelt value.
    model.fit(task.inputs, task.label, batch_size=64, verbose=0)
    for odd in (one, men):
        assert np.isfinite(model.fit(odd.inputs, odd.label, batch_size=64, verbose=0).history["loss"][0])
        assert np.isfinite(model.evaluate(odd.inputs, odd.label, batch_size=64, verbose=0))
        assert model.predict(odd.inputs, batch_size=64, verbose=0).shape == (len(odd.x), 1)
    alone = model.predict(task.inputs, batch_size=1, verbose=0)
    assert gap(alone, task) > 0.02  # nothing to compare in a batch of one, and nothing is changed


def test_jit_compile(style, task) -> None:
    model = style(PARITY)
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", jit_compile=True)
    losses = model.fit(task.inputs, task.label, epochs=4, batch_size=64, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert np.isfinite(model.evaluate(task.inputs, task.label, batch_size=64, verbose=0))
    assert gap(model.predict(task.inputs, batch_size=64, verbose=0), task) <= 0.02 + TOLERANCE


@pytest.fixture
def mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


def test_mixed_precision(style, task, mixed_precision) -> None:
    model = style(PARITY)
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    losses = model.fit(task.inputs, task.label, epochs=2, batch_size=64, verbose=0).history["loss"]
    assert np.all(np.isfinite(losses))
    fair = model.predict(task.inputs, batch_size=64, verbose=0)
    assert str(fair.dtype) == "bfloat16"
    assert gap(fair, task) <= 0.02 + 4e-3  # rounding of the single predictions to bfloat16
