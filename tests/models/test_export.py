"""Exported models: SavedModels that a process without the package loads, and formats that are refused."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

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
    said = f"format='{kind}' can't hold a projection.*'E.y . sex=.*tf_saved_model.*FrozenFairness"
    with pytest.raises(ValueError, match=said):
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


RULES = {
    "thresholds": ("demographic_parity(sex) <= 0.1 at y >= 0.5", {}),
    "shifts": ("E[y | sex=Female] == E[y | sex=Male] +- 0.05", {}),
    "cross-entropy": (
        "E[y | sex=Female] == E[y | sex=Male] +- 0.05", {"divergence": "binary_crossentropy"},
    ),
    "numbers": ("spread(P[y >= 0.5 | sex=*, age >= 40]) <= 0.1", {}),
    "lots": ("demographic_parity(sex) <= 0 at y >= 0.5", {"randomise": "allowed"}),
}  # fmt: skip


def ruled(text: str, options: dict) -> tuple[Any, dict[str, np.ndarray], np.ndarray]:
    """A served model, its inputs with codes, and what it gives."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["Female", "Male"], 400)
    x = (rng.normal(size=(400, 4)) + 0.2 * (sex == "Male")[:, None]).astype("float32")
    base = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    columns = {"sex": sex, "age": rng.integers(18, 80, 400).astype("float32")}
    rule = kf.FrozenFairness(text, confidence=None, **options)
    served = kf.serve(base, rule.fit(base.predict(x, verbose=0), columns))
    inputs = {"x": x, **served.rule.encode({"sex": sex})}
    inputs |= {"age": columns["age"]} if "age" in served.rule.attributes else {}
    inputs |= {"lots": served.rule.lots_of(range(400)).astype("float32")} if served.rule.draws_lots else {}
    given = {name: np.asarray(column) for name, column in inputs.items()}
    return served, given, served.predict(inputs, batch_size=400, verbose=0)


def check_runs(run: Any, inputs: dict[str, np.ndarray], expected: np.ndarray, decides: bool) -> None:
    """A file gives what the model gives, for all and for one, and NaN where the model would refuse."""
    found = run(inputs)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    if decides:
        np.testing.assert_array_equal(found >= np.float32(0.5), expected >= np.float32(0.5))
    one = {name: column[:1] for name, column in inputs.items()}
    np.testing.assert_allclose(run(one), expected[:1], atol=1e-6)
    unknown = {**inputs, "sex": inputs["sex"].copy()}
    unknown["sex"][3] = 2
    found = run(unknown)
    assert np.isnan(found[3]).all()
    np.testing.assert_allclose(np.delete(found, 3, 0), np.delete(expected, 3, 0), atol=1e-6)


@pytest.mark.filterwarnings("ignore:In the future `np.:FutureWarning")  # Keras looks whether NumPy is old
@pytest.mark.parametrize("kind", RULES)
def test_a_rule_in_onnx_gives_what_it_gives_here(kind, tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx", reason="Keras writes ONNX by tf2onnx, which is not installed")
    onnxruntime = pytest.importorskip("onnxruntime")
    served, inputs, expected = ruled(*RULES[kind])
    path = str(tmp_path / "model.onnx")
    served.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    assert {each.name for each in session.get_inputs()} == set(inputs)
    check_runs(lambda given: session.run(None, given)[0], inputs, expected, "y >=" in RULES[kind][0])


@pytest.mark.parametrize("kind", RULES)
def test_a_rule_in_litert_gives_what_it_gives_here(kind, tmp_path: Path) -> None:
    interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed")
    served, inputs, expected = ruled(*RULES[kind])
    path = str(tmp_path / "model.tflite")
    served.export(path, format="litert", verbose=False)
    run = interpreters.Interpreter(path).get_signature_runner()
    check_runs(lambda given: next(iter(run(**given).values())), inputs, expected, "y >=" in RULES[kind][0])


def test_formats_without_text_ask_for_codes(tmp_path: Path) -> None:
    served, _, _ = ruled(*RULES["thresholds"])
    signature = [{"x": keras.InputSpec(shape=(None, 4), dtype="float32", name="x"),
                  "sex": keras.InputSpec(shape=(None,), dtype="string", name="sex")}]  # fmt: skip
    with pytest.raises(ValueError, match=r"format='litert' has no text: expected codes .*'spread\("):
        served.export(tmp_path / "model.tflite", "litert", signature, verbose=False)
