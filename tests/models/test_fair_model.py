"""The model around a base model: which input goes where, labels, and what is stored."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import keras_fair as kf

# JAX computes in single precision unless it is told otherwise.
TOLERANCE = 1e-6 if keras.backend.backend() == "tensorflow" else 1e-5

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
OPPORTUNITY = "equal_opportunity(sex) <= 0.05"
SEX = {"sex": ["Female", "Male"]}

tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="text tensors are TensorFlow's"
)


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2, 80).astype("int32")
    x = rng.normal(size=(80, 3)).astype("float32")
    x[:, 0] += codes
    label = (x[:, 0] + 0.5 * rng.normal(size=80) > 0.5).astype("float32")
    return {"x": x, "codes": codes, "sex": np.array(["Female", "Male"])[codes], "label": label}


def network(name=None) -> keras.Model:
    return keras.Sequential([keras.Input((3,), name=name), keras.layers.Dense(1, activation="sigmoid")])


def gap(y, codes, weight=None) -> float:
    y = np.asarray(y, "float64").reshape(-1)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight, "float64").reshape(-1)
    means = [np.average(y[codes == code], weights=weight[codes == code]) for code in (0, 1)]
    return abs(means[0] - means[1])


class Own(keras.Model):
    """A base model without symbolic inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.score = keras.layers.Dense(1, activation="sigmoid")

    def build(self, shape) -> None:
        self.score.build((None, 3))

    def call(self, inputs):
        return self.score(inputs["features"] if isinstance(inputs, dict) else inputs)


def two_inputs(as_dict: bool) -> keras.Model:
    a, sex = keras.Input((3,), name="a"), keras.Input((1,), name="sex")
    score = keras.layers.Dense(1, activation="sigmoid")(keras.layers.Concatenate()([a, sex]))
    return keras.Model({"a": a, "sex": sex} if as_dict else [a, sex], score)


@pytest.mark.parametrize(
    ("base", "key", "chosen"),
    [
        (network, "x", None),
        (network, "anything", None),
        (lambda: network("features"), "features", None),
        (Own, "x", None),
        (Own, "pixels", "pixels"),
        (Own, "features", ["features"]),
        (lambda: keras.layers.Dense(1, activation="sigmoid"), "x", None),
    ],
)
def test_inputs_find_the_base_model(task, base, key, chosen) -> None:
    model = kf.FairModel(base(), PARITY, vocabulary=SEX, inputs=chosen)
    model.run_eagerly = base is not Own  # a graph takes seconds; one's own class is built in it
    fair = model.predict({key: task["x"], "sex": task["codes"]}, batch_size=80, verbose=0)
    assert gap(fair, task["codes"]) <= 0.02 + TOLERANCE


@pytest.mark.parametrize("as_dict", [True, False])
def test_base_model_may_see_the_attribute_too(task, as_dict) -> None:
    model = kf.FairModel(two_inputs(as_dict), "E[y | sex=0] == E[y | sex=1] +- 0.02")
    model.run_eagerly = not as_dict  # one of them in a graph
    fair = model.predict({"a": task["x"], "sex": task["codes"].astype("float32")}, batch_size=80, verbose=0)
    assert gap(fair, task["codes"]) <= 0.02 + TOLERANCE


def test_constraint_without_attributes_takes_any_inputs(task) -> None:
    model = kf.FairModel(network(), "E[y] <= 0.3")
    assert model.predict(task["x"], batch_size=80, verbose=0).mean() <= 0.3 + TOLERANCE


@pytest.mark.parametrize(
    ("inputs", "chosen", "words"),
    [
        ({"x": 1}, None, ["no attribute named 'sex'", "^"]),
        ({"x": 1, "sx": 1}, None, ["no attribute named 'sex'", "did you mean 'sx'"]),
        (
            {"a": 1, "b": 1, "sex": 1},
            None,
            ["one input for the base model", "['a', 'b', 'sex']", "inputs=..."],
        ),
        ({"x": 1, "sex": 1}, "z", ["expected inputs ['z']", "['sex', 'x']"]),
        (1, None, ["inputs as a dict", "['sex']"]),
    ],
)
def test_inputs_that_do_not_fit(task, inputs, chosen, words) -> None:
    model = kf.FairModel(network(), PARITY, vocabulary=SEX, inputs=chosen)
    columns = {"sex": task["codes"], "sx": task["codes"]}
    given = {key: columns.get(key, task["x"]) for key in inputs} if isinstance(inputs, dict) else task["x"]
    with pytest.raises(ValueError) as fault:  # noqa: PT011
        model.predict(given, verbose=0)
    for word in words:
        assert word in str(fault.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"base_model": "network"}, "base_model='network'"),
        ({"inputs": 3}, "inputs=3"),
        ({"label_source": 3}, "label_source=3"),
        ({"domain": (1, 0)}, "low < high"),
        ({"constraints": ""}, "empty"),
    ],
)
def test_arguments_that_do_not_fit(arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        kf.FairModel(**{"base_model": network(), "constraints": PARITY, **arguments})


@pytest.mark.parametrize("kind", ["list", "array", "objects", "frame"])
def test_text_columns_of_an_adapted_model(task, kind) -> None:
    model = kf.FairModel(network(), "spread(E[y | sex=*]) <= 0.02")
    sex = task["sex"]
    column = {"list": sex.tolist(), "array": sex, "objects": sex.astype(object), "frame": pd.Series(sex)}[
        kind
    ]
    inputs = {"x": task["x"], "sex": column}
    model.adapt(inputs, task["label"])
    model.compile("sgd", "binary_crossentropy", jit_compile=kind == "array")  # text becomes codes before it
    if kind == "array":
        model.fit(inputs, task["label"], batch_size=80, verbose=0, validation_data=(inputs, task["label"]))
    assert gap(model.predict(inputs, batch_size=80, verbose=0), task["codes"]) <= 0.02 + TOLERANCE


@tensorflow_only
def test_text_columns_without_a_vocabulary(task) -> None:
    model = kf.FairModel(network(), PARITY)
    inputs = {"x": task["x"], "sex": task["sex"]}
    model.compile("sgd", "binary_crossentropy")
    model.fit(inputs, task["label"], batch_size=80, verbose=0)
    assert gap(model.predict(inputs, batch_size=80, verbose=0), task["codes"]) <= 0.02 + TOLERANCE


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow has tensors of text")
def test_text_without_a_vocabulary_asks_for_adapt(task) -> None:
    model = kf.FairModel(network(), PARITY)
    with pytest.raises(ValueError, match="call adapt first"):
        model.predict({"x": task["x"], "sex": task["sex"]}, verbose=0)


def test_unknown_text_is_told_before_anything_runs(task) -> None:
    model = kf.FairModel(network(), PARITY, vocabulary=SEX)
    sex = np.append(task["sex"][:-1], "Mle")
    with pytest.raises(ValueError, match="'Mle'; did you mean 'Male'"):
        model.predict({"x": task["x"], "sex": sex}, verbose=0)


class Predictions(keras.metrics.Metric):
    """Keeps what the model predicted in a step."""

    def __init__(self) -> None:
        super().__init__(name="predictions")
        self.last = self.add_weight(shape=(80, 1), initializer="zeros", name="last")

    def update_state(self, label, y, sample_weight=None) -> None:
        self.last.assign(y)

    def result(self):
        return keras.ops.sum(self.last)


def test_labels_reach_the_layer_in_fit_and_evaluate(task) -> None:
    kept, base = Predictions(), network()
    base.set_weights([np.array([[2.0], [0.0], [0.0]]), np.zeros(1)])  # sees the group through its proxy
    model = kf.FairModel(base, OPPORTUNITY, vocabulary=SEX)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=[kept])
    inputs, label, codes = {"x": task["x"], "sex": task["codes"]}, task["label"], task["codes"]
    positive = label == 1

    model.fit(inputs, label, epochs=1, batch_size=80, shuffle=False, verbose=0)
    assert gap(kept.last.numpy()[positive], codes[positive]) <= 0.05 + TOLERANCE
    losses = model.fit(inputs, label, epochs=3, batch_size=80, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.evaluate(inputs, label[:, None], batch_size=80, verbose=0)
    known = kept.last.numpy()
    assert gap(known[positive], codes[positive]) <= 0.05 + TOLERANCE
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(model({"x": task["x"], "sex": codes}, label=label)), known, atol=1e-6
    )
    raw = model.base_model.predict(task["x"], batch_size=80, verbose=0)
    np.testing.assert_allclose(known[~positive], raw[~positive], atol=1e-6)  # others are left alone

    fair = model.predict(inputs, batch_size=80, verbose=0)  # the base model's probability stands in
    assert gap(fair, codes, weight=raw) <= 0.05 + TOLERANCE
    assert np.abs(fair - known).max() > 1e-4


@pytest.mark.parametrize("source", ["key", "model"])
def test_other_label_sources(task, source) -> None:
    guess = network()
    inputs = {"x": task["x"], "sex": task["codes"], "guess": guess.predict(task["x"], verbose=0)}
    model = kf.FairModel(
        network(), OPPORTUNITY, vocabulary=SEX, label_source="guess" if source == "key" else guess
    )
    fair = model.predict(inputs, batch_size=80, verbose=0)
    assert gap(fair, task["codes"], weight=inputs["guess"]) <= 0.05 + TOLERANCE
    if source == "model":
        model.compile("sgd", "binary_crossentropy")
        before = guess.get_weights()[0].copy()
        model.fit(inputs, task["label"], batch_size=80, verbose=0)
        np.testing.assert_array_equal(guess.get_weights()[0], before)


def test_labels_that_no_probability_can_stand_in_for(task) -> None:
    model = kf.FairModel(network(), "E[y | sex=Female, label=2] <= 0.5", vocabulary=SEX)
    with pytest.raises(ValueError, match="label_source"):
        model.predict({"x": task["x"], "sex": task["codes"]}, batch_size=80, verbose=0)


@pytest.mark.parametrize("what", ["fit", "evaluate"])
def test_constraints_on_the_label_need_one(task, what) -> None:
    model = kf.FairModel(network(), OPPORTUNITY, vocabulary=SEX)
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(ValueError, match="expected labels y where there are constraints on the label"):
        getattr(model, what)({"x": task["x"], "sex": task["codes"]}, verbose=0)


def test_one_hot_labels_are_classes(task) -> None:
    base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, activation="softmax")])
    model = kf.FairModel(
        base, "E[y[2] | label=2] >= 0.6", domain="simplex", divergence="categorical_crossentropy"
    )
    model.compile("sgd", "categorical_crossentropy", run_eagerly=True)
    label = np.eye(3)[np.arange(80) % 3].astype("float32")
    assert np.isfinite(model.fit(task["x"], label, batch_size=80, verbose=0).history["loss"][0])
    fair = keras.ops.convert_to_numpy(model(task["x"], label=label))
    assert fair[label[:, 2] == 1, 2].mean() >= 0.6 - TOLERANCE


def test_sample_weight_weighs_the_loss_unless_it_is_asked_to_do_more(task) -> None:
    weight = np.random.default_rng(4).uniform(0.1, 2.0, 80).astype("float32")
    inputs, codes = {"x": task["x"], "sex": task["codes"]}, task["codes"]
    seen = []
    start = network()
    for weigh in (False, True):
        kept = Predictions()
        model = kf.FairModel(start, PARITY, vocabulary=SEX, weight_statistics=weigh)
        model.compile("sgd", "binary_crossentropy", metrics=[kept], run_eagerly=True)
        model.evaluate(inputs, task["label"], sample_weight=weight, batch_size=80, verbose=0)
        y = kept.last.numpy()
        assert gap(y, codes, weight if weigh else None) <= 0.02 + TOLERANCE
        seen.append(y)
    assert np.abs(seen[0] - seen[1]).max() > 1e-4


def test_batch_methods(task) -> None:
    model = kf.FairModel(network(), PARITY)
    model.adapt({"sex": task["sex"]})
    model.compile("sgd", "binary_crossentropy")
    inputs = {"x": task["x"], "sex": task["sex"]}
    assert np.isfinite(model.train_on_batch(inputs, task["label"]))
    assert np.isfinite(model.test_on_batch(inputs, task["label"]))
    assert gap(model.predict_on_batch(inputs), task["codes"]) <= 0.02 + TOLERANCE


@tensorflow_only
def test_dataset_of_text(task) -> None:
    import tensorflow as tf

    inputs = {"x": task["x"], "sex": task["sex"]}
    batches = tf.data.Dataset.from_tensor_slices((inputs, task["label"])).batch(32)
    model = kf.FairModel(network(), "spread(E[y | sex=*]) <= 0.02")
    model.adapt(batches)
    assert model.projection.vocabulary.values == {"sex": ("Female", "Male")}
    model.compile("sgd", "binary_crossentropy")
    model.fit(batches, shuffle=False, verbose=0)
    fair = model.predict(batches, verbose=0)
    assert gap(fair[:32], task["codes"][:32]) <= 0.02 + TOLERANCE


@tensorflow_only
def test_faults_that_xla_cannot_stop_are_an_error_afterwards(task) -> None:
    model = kf.FairModel(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]), PARITY, vocabulary=SEX)
    model.compile("sgd", "mse", jit_compile=True)
    inputs = {"x": 100 * task["x"], "sex": task["codes"]}
    with pytest.raises(ValueError, match=r"in \[0, 1\].*without jit_compile=True"):
        model.predict(inputs, batch_size=80, verbose=0)


def test_config_round_trips_with_other_than_default_values() -> None:
    model = kf.FairModel(
        two_inputs(True),
        "fair: " + PARITY,
        domain=(-2.0, 2.0),
        vocabulary=kf.Vocabulary(SEX, missing="exclude"),
        stiffness=3.0,
        label_source=network(),
        inputs=["a", "sex"],
        output="score",
        weight_statistics=False,
        weight_objective=False,
        unknown="exclude",
        memory=40,
        global_batch=False,
        margin=0.01,
        name="model",
        dtype="mixed_bfloat16",
    )
    config = model.get_config()
    again = kf.FairModel.from_config(config)
    assert again.get_config() == config
    defaults = kf.FairModel(network(), PARITY).get_config()
    assert [name for name in config if config[name] == defaults[name]] == ["trainable", "divergence"]


def test_saved_model_is_loaded_in_a_new_process(task, tmp_path: Path) -> None:
    model = kf.FairModel(network(), OPPORTUNITY, label_source=network())
    model.adapt({"sex": task["sex"]}, task["label"])
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    inputs = {"x": task["x"], "sex": task["codes"]}
    model.fit(inputs, task["label"], batch_size=80, verbose=0)
    model.save(tmp_path / "model.keras")
    expected = model.predict(inputs, batch_size=80, verbose=0)
    np.savez(tmp_path / "given.npz", **inputs, label=task["label"], expected=expected)
    code = """
        import keras, numpy as np
        import keras_fair
        given = dict(np.load("given.npz"))
        expected, label = given.pop("expected"), given.pop("label")
        model = keras.models.load_model("model.keras")
        np.testing.assert_allclose(model.predict(given, batch_size=80, verbose=0), expected, atol=1e-7)
        text = {"x": given["x"], "sex": np.array(["Female", "Male"])[given["sex"]]}
        model.fit(text, label, batch_size=80, verbose=0)
        assert int(model.optimizer.iterations) == 2, model.optimizer.iterations
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_misspelt_value_is_told_after_fit(task) -> None:
    model = kf.FairModel(network(), "E[y | sex=Femal] == E[y | sex=Male] +- 0.02", vocabulary=None)
    model.adapt({"sex": np.array(["Femal", "Female", "Male"])})
    model.compile(optimizer="adam", loss="binary_crossentropy")
    with pytest.warns(UserWarning, match="nobody belonged to the groups of .*Femal"):
        model.fit({"x": task["x"], "sex": task["sex"]}, task["label"], batch_size=40, verbose=0)


def test_layers_of_the_base_model_know_when_they_are_trained():
    seen = []

    class Listener(keras.layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    base = keras.Sequential([keras.Input((3,)), Listener(), keras.layers.Dense(1, activation="sigmoid")])
    model = kf.FairModel(base, "E[y | sex=a] == E[y | sex=b] +- 0.1", vocabulary={"sex": ["a", "b"]})
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    inputs = {"x": np.ones((4, 3), "float32"), "sex": np.array([0, 1, 0, 1])}
    seen.clear()
    model.fit(inputs, np.array([0, 1, 1, 0]), verbose=0)
    assert True in seen
    seen.clear()
    model.predict(inputs, verbose=0)
    assert set(seen) == {False}
