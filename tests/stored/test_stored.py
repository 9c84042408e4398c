"""Files that version 0.1.0 wrote: every later version reads them and goes on as that one did."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import ops

import keras_fair as kf

STORED = Path(__file__).parent
DOUBLE = keras.backend.backend() != "jax"  # JAX computes in single precision unless it is told otherwise


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What 0.1.0 answered, and for which input."""
    return json.loads((STORED / "expected_0_1_0.json").read_text(encoding="utf-8"))


@pytest.fixture
def state_file(tmp_path) -> Path:
    """A copy, for a stream writes to the file that it was loaded from."""
    return Path(shutil.copy(STORED / "stream_0_1_0.json", tmp_path / "stream.json"))


def test_a_stream_goes_on_from_its_state(state_file, expected) -> None:
    stream = kf.StreamingFairness.load(state_file)
    report = stream.report()
    arrivals, answers = expected["stream_arrivals"], np.array(expected["stream_answers"])
    assert report.arrivals == len(arrivals) == len(answers)
    audit = kf.audit(
        "E[y | age < 30] == E[y] +- 0.05",
        answers,
        {"age": np.array([age for _, _, age, _ in arrivals])},
        confidence=None,
    )
    gap = report["E[y | age < 30] == E[y] +- 0.05"].gap
    assert gap == pytest.approx(audit.relations[0].gap, abs=1e-9)
    attributes = {"race": ["a", "b", "c"], "age": [25.0, 40.0, 50.0]}
    y = stream.project([0.9, 0.1, 0.5], attributes, label=[1.0, 0.0, 1.0])
    np.testing.assert_allclose(y, expected["stream_next"], rtol=0, atol=1e-9 if DOUBLE else 1e-5)
    assert kf.StreamingFairness.load(state_file).report().arrivals == len(arrivals) + 3


def test_the_constructor_takes_the_state_too(state_file, expected) -> None:
    text = json.loads(state_file.read_text(encoding="utf-8"))["body"]["streams"]["stream"]["constraints"]
    stream = kf.StreamingFairness(text, state=state_file)
    attributes = {"race": ["a", "b", "c"], "age": [25.0, 40.0, 50.0]}
    y = stream.project([0.9, 0.1, 0.5], attributes, label=[1.0, 0.0, 1.0])
    np.testing.assert_allclose(y, expected["stream_next"], rtol=0, atol=1e-9 if DOUBLE else 1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="it reads text in its graph")
def test_a_fair_model_predicts_as_it_did(expected) -> None:
    model = keras.saving.load_model(STORED / "fair_model_0_1_0.keras")
    people = {
        "x": np.array(expected["x"], "float32"),
        "sex": np.array(expected["sex"]),
        "age": np.array(expected["age"], "float32"),
    }
    y = model.predict(people, batch_size=64, verbose=0)
    np.testing.assert_allclose(y.reshape(-1), np.ravel(expected["predictions"]), rtol=0, atol=1e-6)
    with zipfile.ZipFile(STORED / "fair_model_0_1_0.keras") as content:
        weights = h5py.File(io.BytesIO(content.read("model.weights.h5")), "r")
    stored = np.array(weights["layers/fair_projection/vars/memory"])
    assert model.projection.memory == 200
    assert np.abs(stored).max() > 1.0
    np.testing.assert_array_equal(ops.convert_to_numpy(model.projection._memory.weight.value), stored)
