"""A base model and a rule as one model: read, predicted, saved, loaded, exported."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd
import pytest

import keras_fair as kf

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
SIZE = 200

tensorflow_only = pytest.mark.skipif(not ON_TENSORFLOW, reason="SavedModels are TensorFlow's")


class Served(NamedTuple):
    base: keras.Model
    inputs: dict[str, np.ndarray]
    scores: np.ndarray
    rule: kf.FrozenFairness
    expected: np.ndarray


@cache
def example() -> Served:
    """A rule that draws lots, of text and numbers; ids are the places.

    The base model gives one person the bits that she gets in a batch, as not all do.
    """
    rng = np.random.default_rng(4)
    sex, age = rng.choice(["Female", "Male"], SIZE), rng.integers(20, 60, SIZE).astype("float32")
    x = (rng.random((SIZE, 3)) - 0.2 * (sex == "Female")[:, None]).astype("float32")
    columns = keras.Input((3,))
    base = keras.Model(columns, keras.layers.ReLU()(keras.ops.max(columns, axis=1, keepdims=True)))
    scores = base.predict(x, verbose=0, batch_size=SIZE)
    rule = kf.FrozenFairness(
        "spread(P[y >= 0.5 | sex=*, age < 40]) <= 0", confidence=None, randomise="allowed"
    ).fit(scores, {"sex": sex, "age": age})
    served = kf.serve(base, rule)
    lots = served.rule.lots_of(np.arange(SIZE))
    expected = rule(scores, {"sex": sex, "age": age}, ids=np.arange(SIZE))
    return Served(base, {"x": x, "sex": sex, "age": age, "lots": lots}, scores, rule, expected)


def first(inputs, count):
    return {name: column[:count] for name, column in inputs.items()}


def test_predictions_are_those_of_the_rule_one_by_one_and_in_batches() -> None:
    made = example()
    served = kf.serve(made.base, made.rule, name="served")
    assert served.name == "served"
    assert served.rule.draws_lots
    assert not np.array_equal(made.scores, made.expected)
    fair = served.predict(made.inputs, verbose=0, batch_size=64)
    np.testing.assert_array_equal(fair, made.expected)
    sizes = range(1, 17) if ON_TENSORFLOW else (1, 8)
    for size in sizes:
        part = {**first(made.inputs, size), "sex": list(made.inputs["sex"][:size])}
        np.testing.assert_array_equal(served.predict(part, verbose=0), made.expected[:size])
    if ON_TENSORFLOW:
        assert served.predict_function.experimental_get_tracing_count() <= 2
        np.testing.assert_array_equal(served(first(made.inputs, 5)), made.expected[:5])
    frame = pd.DataFrame({name: made.inputs[name] for name in ("sex", "age", "lots")})
    frame[["a", "b", "c"]] = made.inputs["x"]
    served = kf.serve(made.base, made.rule, inputs=["a", "b", "c"])
    np.testing.assert_array_equal(served.predict_on_batch(frame), made.expected)


def test_faults_are_told_before_anything_runs() -> None:
    made = example()
    served, few = kf.serve(made.base, made.rule), first(made.inputs, 3)
    for change, words in (
        ({"sex": ["Female", "Other", "Male"]}, "1 person of a group that nobody was of at calibration"),
        ({"sex": ["Female", None, "Male"]}, "'sex' has 1 missing"),
        ({"sex": None}, "no attribute named 'sex'"),
        ({"lots": None}, "expected lots.*under 'lots', received inputs.*lots_of"),
        ({"lots": np.array([0.1, 0.2, 1.2])}, r"expected lots in \[0, 1\), received lots from 0.1 to 1.2"),
        ({"age": few["age"][:2]}, "expected as many values in all columns"),
        ({"x": None, "z": few["x"], "w": few["x"]}, "expected one input for the base model"),
    ):
        inputs = {name: column for name, column in {**few, **change}.items() if column is not None}
        with pytest.raises(ValueError, match=words):
            served.predict(inputs, verbose=0)
    for train in (served.fit, served.train_on_batch):
        with pytest.raises(ValueError, match="a served model is not trained"):
            train(made.inputs, np.zeros(SIZE))
    with pytest.raises(ValueError, match="expected rule to be a fitted kf.FrozenFairness, received rule='E"):
        kf.serve(made.base, "E[y] <= 0.5")
    with pytest.raises(ValueError, match="expected a rule that was fitted"):
        kf.serve(made.base, kf.FrozenFairness("E[y | sex=Female] <= 0.5"))
    with pytest.raises(ValueError, match="expected base_model to be a Keras model"):
        kf.serve(None, made.rule)
    with pytest.raises(ValueError, match="expected lots under a key of their own, received lots='sex'"):
        kf.serve(made.base, made.rule, lots="sex")


def test_scores_of_the_base_model_outside_the_domain() -> None:
    made = example()
    x = keras.Input((3,), name="x")
    logits = keras.Model(x, keras.ops.sum(x, axis=1, keepdims=True))
    with pytest.raises(ValueError, match=r"expected predictions y in \[0, 1\] .apply a sigmoid"):
        kf.serve(logits, made.rule).predict(made.inputs, verbose=0, batch_size=SIZE)


def test_one_of_several_outputs_and_evaluation() -> None:
    made = example()
    features, other = keras.Input((3,), name="features"), keras.Input((1,), name="other")
    outputs = {"score": made.base(features), "else": keras.layers.Dense(2)(other)}
    base = keras.Model({"features": features, "other": other}, outputs)
    inputs = {**made.inputs, "features": made.inputs["x"], "other": made.inputs["age"][:, None]}
    del inputs["x"]
    served = kf.serve(base, made.rule, output="score")
    served.compile(loss={"score": "binary_crossentropy", "else": "mse"}, metrics={"score": ["accuracy"]})
    fair = served.predict(inputs, verbose=0, batch_size=SIZE)
    np.testing.assert_array_equal(fair["score"], made.expected)
    assert fair["else"].shape == (SIZE, 2)
    label = (made.inputs["age"] < 40).astype("float32")
    labels = {"score": label, "else": np.zeros((SIZE, 2))}
    measured = served.evaluate(inputs, labels, verbose=0, batch_size=SIZE, return_dict=True)
    assert measured["score_accuracy"] == pytest.approx(((made.expected[:, 0] > 0.5) == label).mean())
    with pytest.raises(ValueError, match="expected one of the outputs"):
        kf.serve(base, made.rule).predict(inputs, verbose=0)


LOAD = """
    import sys
    import numpy as np
    import tensorflow as tf

    given = dict(np.load("given.npz"))
    expected = given.pop("expected")
    for kind in ("exported", "saved"):
        served = tf.saved_model.load(kind)
        by_name = served.signatures["serving_default"]
        specs = by_name.structured_input_signature[1]
        assert specs["sex"].dtype == tf.string, specs
        inputs = {name: tf.constant(column, specs[name].dtype) for name, column in given.items()}
        for size in (200, 1, 16):
            part = {name: column[:size] for name, column in inputs.items()}
            np.testing.assert_array_equal(list(by_name(**part).values())[0], expected[:size])
        try:
            by_name(**{**part, "sex": tf.constant(["Other"] * 16)})
        except tf.errors.InvalidArgumentError as fault:
            assert "expected people of groups that the rule knows" in str(fault), fault
        else:
            raise AssertionError("a stranger was served")
    assert not [name for name in sys.modules if name.startswith("keras_fair")]

    import keras
    import keras_fair

    again = keras.models.load_model("model.keras")
    np.testing.assert_array_equal(again.predict(given, verbose=0, batch_size=200), expected)
    again.export("exported again", verbose=False)
    served = tf.saved_model.load("exported again")
    np.testing.assert_array_equal(served.serve(inputs), expected)
"""


@tensorflow_only
def test_exported_for_processes_without_the_package_and_loaded_with_it(tmp_path: Path) -> None:
    import tensorflow as tf

    made = example()
    served = kf.serve(made.base, made.rule)  # it need not be called before
    served.export(tmp_path / "exported", verbose=False)
    tf.saved_model.save(served, str(tmp_path / "saved"))
    served.save(tmp_path / "model.keras")
    np.savez(tmp_path / "given.npz", **made.inputs, expected=made.expected)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LOAD)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_saved_and_loaded_here(tmp_path: Path) -> None:
    made = example()
    served = kf.serve(made.base, made.rule, inputs="features", lots="draws")
    served.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.get_config()["rule"] == made.rule.to_json()
    inputs = {**made.inputs, "features": made.inputs["x"], "draws": made.inputs["lots"]}
    del inputs["x"], inputs["lots"]
    np.testing.assert_array_equal(again.predict(inputs, verbose=0, batch_size=SIZE), made.expected)
