"""Exported models: SavedModels that a process without the package loads, and formats that are refused."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_fair as kf

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="SavedModels are TensorFlow's"
)

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
AGES = "E[y | age >= 40] == E[y | age < 40] +- 0.02"
SIZE = 48


def network() -> keras.Model:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])


def people() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {
        "x": rng.normal(size=(SIZE, 3)).astype("float32"),
        "sex": rng.choice(["Female", "Male"], SIZE).astype(object),
        "age": rng.integers(20, 60, SIZE).astype("float32"),
    }


def numeric() -> tuple[keras.Model, list[str]]:
    return kf.FairModel(network(), AGES), ["x", "age"]


def text() -> tuple[keras.Model, list[str]]:
    return kf.FairModel(network(), PARITY), ["x", "sex"]


def codes() -> tuple[keras.Model, list[str]]:
    return kf.FairModel(network(), PARITY, vocabulary={"sex": ["Female", "Male"]}), ["x", "codes"]


def functional() -> tuple[keras.Model, list[str]]:
    x, sex = keras.Input((3,), name="x"), keras.Input((), name="sex", dtype="string")
    score = keras.layers.Dense(1, activation="sigmoid")(x)
    return keras.Model({"x": x, "sex": sex}, kf.FairProjection(PARITY)(score, attributes={"sex": sex})), [
        "x",
        "sex",
    ]


LOAD = """
    import sys
    import numpy as np
    import tensorflow as tf

    for kind in ("numeric", "text", "codes", "functional"):
        given = dict(np.load(f"{kind}.npz"))
        served = tf.saved_model.load(kind)
        for size in (16, 5):
            inputs = {
                name.removeprefix("in_"): tf.constant(column[:size])
                for name, column in given.items()
                if name.startswith("in_")
            }
            expected = given[f"expected_{size}"]
            np.testing.assert_allclose(served.serve(inputs), expected, atol=1e-6)
            by_name = served.signatures["serving_default"](**inputs)
            np.testing.assert_allclose(list(by_name.values())[0], expected, atol=1e-6)
    assert not [name for name in sys.modules if name.startswith("keras_fair")]
"""


def test_four_kinds_are_served_without_the_package(tmp_path: Path) -> None:
    for make in (numeric, text, codes, functional):
        model, names = make()
        columns = people()
        columns["codes"] = (columns["sex"] == "Male").astype("int32")
        inputs = {"sex" if name == "codes" else name: columns[name] for name in names}
        expected = {}
        for size in (16, 5):
            part = {name: column[:size] for name, column in inputs.items()}
            expected[f"expected_{size}"] = model.predict(part, batch_size=size, verbose=0)
        model.export(tmp_path / make.__name__, verbose=False)
        stored = {
            f"in_{name}": column.astype(str) if column.dtype == object else column
            for name, column in inputs.items()
        }
        np.savez(tmp_path / f"{make.__name__}.npz", **stored, **expected)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LOAD)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_loaded_model_is_exported_as_it_was(tmp_path: Path) -> None:
    import tensorflow as tf

    columns = people()
    inputs = {"x": columns["x"], "sex": columns["sex"]}
    model = kf.FairModel(network(), PARITY)
    model.adapt({"sex": columns["sex"]})
    expected = model.predict(inputs, batch_size=SIZE, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    again.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    # Text is served, though the model gets codes.
    given = {"x": columns["x"], "sex": tf.constant(columns["sex"].astype(str))}
    np.testing.assert_allclose(served.serve(given), expected, atol=1e-6)


def test_a_model_that_was_only_called(tmp_path: Path) -> None:
    import tensorflow as tf

    columns = people()
    inputs = {"x": columns["x"], "sex": columns["sex"].astype(str)}
    model = kf.FairModel(network(), PARITY)
    expected = np.asarray(model(inputs))
    with pytest.raises(kf.ConstraintTypeError, match="no attribute named 'sex'"):
        model({"x": columns["x"]})  # a call that fails leaves nothing behind
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    given = {name: tf.constant(column) for name, column in inputs.items()}
    np.testing.assert_allclose(served.serve(given), expected, atol=1e-6)


@pytest.mark.parametrize("make", [text, functional])
def test_tensorflow_saves_it_too(make, tmp_path: Path) -> None:
    import tensorflow as tf

    model, names = make()
    inputs = {name: people()[name] for name in names}
    expected = model.predict(inputs, batch_size=SIZE, verbose=0)
    tf.saved_model.save(model, str(tmp_path / "saved"))
    signature = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"]
    given = {
        name: tf.constant(inputs["sex"].astype(str) if spec.dtype == tf.string else inputs["x"])
        for name, spec in signature.structured_input_signature[1].items()
    }
    np.testing.assert_allclose(list(signature(**given).values())[0], expected, atol=1e-6)


@pytest.mark.parametrize(("make", "kind"), [(text, "onnx"), (functional, "litert")])
def test_formats_that_cannot_hold_a_solver_are_refused(make, kind, tmp_path: Path) -> None:
    model, names = make()
    if make is text:  # a functional model knows its inputs without being called
        model({name: people()[name].astype(str if name == "sex" else "float32") for name in names})
    path = tmp_path / {"onnx": "model.onnx", "litert": "model.tflite"}[kind]
    with pytest.raises(ValueError, match=f"format='{kind}' can't hold a projection.*tf_saved_model"):
        model.export(path, format=kind, verbose=False)
    assert not path.exists()


def test_a_second_derivative_in_a_graph_stops_it() -> None:
    import tensorflow as tf

    columns = people()
    layer = kf.FairProjection(PARITY)
    codes = (columns["sex"] == "Male").astype("float32")
    layer = kf.FairProjection("E[y | g=0] == E[y | g=1] +- 0.02")

    @tf.function
    def curvature(y):
        with tf.GradientTape() as outer:
            outer.watch(y)
            with tf.GradientTape() as inner:
                inner.watch(y)
                loss = tf.reduce_sum(layer(y, attributes={"g": codes}) ** 2)
            slope = tf.reduce_sum(inner.gradient(loss, y) ** 2)
        return outer.gradient(slope, y)

    y = tf.constant(np.random.default_rng(0).uniform(size=SIZE), "float32")
    with pytest.raises(tf.errors.InvalidArgumentError, match="second derivatives"):
        curvature(y)
