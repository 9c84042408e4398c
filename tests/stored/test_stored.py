"""Files that version 0.1.0 wrote: every later version reads them and goes on from them.

Projections are those of 0.1.0. The springs of streams are not: from the same sums they hold gaps with less.
"""

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
from keras_fair.ops.stream.state_vector import StateLayout

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


NEXT = {"race": ["a", "b", "c"], "age": [25.0, 40.0, 50.0]}, [0.9, 0.1, 0.5], [1.0, 0.0, 1.0]


def check_going_on(stream: kf.StreamingFairness, expected: dict[str, Any]) -> None:
    """Three more arrivals: the gaps are those of all answers, the ones of 0.1.0 and the new ones."""
    attributes, y, label = NEXT
    fair = stream.project(y, attributes, label=label)
    assert np.all((fair >= 0.0) & (fair <= 1.0))
    came, labels = expected["stream_arrivals"], [one[3] for one in expected["stream_arrivals"]]
    columns = {
        "race": [one[1] for one in came] + attributes["race"],
        "age": np.array([one[2] for one in came] + attributes["age"]),
    }
    answers = np.concatenate([expected["stream_answers"], fair])
    text = stream._keeper.kept.states()["stream"].constraints
    audit = kf.audit(text, answers, columns, np.array([*labels, *label]).astype(int), confidence=None)
    report = stream.report()
    assert report.arrivals == len(answers)
    for relation in audit.relations:
        assert report[relation.name].gap == pytest.approx(relation.gap, abs=1e-9 if DOUBLE else 1e-5)


def test_a_stream_goes_on_from_its_state(state_file, expected) -> None:
    stream = kf.StreamingFairness.load(state_file)
    arrivals, answers = expected["stream_arrivals"], np.array(expected["stream_answers"])
    assert stream.report().arrivals == len(arrivals) == len(answers)
    check_going_on(stream, expected)
    assert kf.StreamingFairness.load(state_file).report().arrivals == len(arrivals) + 3


def test_a_state_that_lacks_spreads_takes_those_of_all(state_file) -> None:
    body = json.loads(state_file.read_text(encoding="utf-8"))["body"]["streams"]["stream"]
    arrivals, first, second, _ = body["moments"]
    terms = kf.StreamingFairness.load(state_file)._keeper.kept.states()
    for name, numbers in terms["stream"].terms.items():
        reach = body["terms"][name][2]  # all weights were one, so it is a number of people
        expected = [*body["terms"][name], reach, reach * first / arrivals, reach * second / arrivals]
        np.testing.assert_allclose(numbers, expected, rtol=1e-12)


def test_the_constructor_takes_the_state_too(state_file, expected) -> None:
    text = json.loads(state_file.read_text(encoding="utf-8"))["body"]["streams"]["stream"]["constraints"]
    check_going_on(kf.StreamingFairness(text, state=state_file), expected)


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
    layout = StateLayout.of(model.projection._built_plan)
    vector = ops.convert_to_numpy(model.projection._memory.weight.value)
    kept = np.ones(layout.size, dtype=bool)
    for part in ("squares", "firsts", "seconds"):  # what 0.1.0 had not
        kept[layout.parts[part]] = False
    np.testing.assert_array_equal(vector[kept], stored)
    assert np.all(vector[layout.parts["squares"]] >= vector[layout.parts["reach"]] * (1 - 1e-12))
