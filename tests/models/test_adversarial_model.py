"""Training against an adversary: what it is shown, what it does to predictions, and what is stored."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.errors import ConstraintTypeError
from keras_fair.models.two_optimizers import TwoOptimizers

tensorflow_only = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a step of TensorFlow")


class People(NamedTuple):
    """Features that give the sex away, and a label that depends on it a little."""

    x: np.ndarray
    sex: np.ndarray
    age: np.ndarray
    label: np.ndarray

    def inputs_for(self, text: str) -> dict[str, np.ndarray]:
        """The features and the columns that a text names."""
        columns = {"sex": self.sex, "age": self.age}
        return {"x": self.x, **{name: column for name, column in columns.items() if name in text}}

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        return self.inputs_for("sex")


def people(count: int = 1500, seed: int = 0) -> People:
    rng = np.random.default_rng(seed)
    male = rng.random(count) < 0.5
    age = rng.normal(40.0, 10.0, count).astype("float32")
    ability = rng.normal(size=count)
    x = np.column_stack([ability, male + 0.3 * rng.normal(size=count), (age - 40) / 10]).astype("float32")
    chance = 1 / (1 + np.exp(-2.0 * (ability + 1.3 * male - 0.6 + 0.05 * (age - 40))))
    return People(x, np.where(male, "Male", "Female"), age, (rng.random(count) < chance).astype("float32"))


def base(features: int = 3) -> keras.Model:
    return keras.Sequential([keras.Input((features,)), keras.layers.Dense(1, activation="sigmoid")])


def trained(text: str, strength: float = 4.0, epochs: int = 8, data: People | None = None, **options):
    keras.utils.set_random_seed(0)
    data = people() if data is None else data
    model = kf.AdversarialModel(base(), text, strength=strength, **options)
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(data.inputs_for(text), data.label, batch_size=128, epochs=epochs, verbose=0)
    return model, history


@pytest.fixture(scope="module")
def held_out() -> People:
    return people(3000, seed=1)


def test_predictions_stop_giving_the_group_away(held_out: People) -> None:
    free, _ = trained("independence(sex)", strength=0.0)
    fair, history = trained("independence(sex)")
    before, after = (model.probe(held_out.inputs) for model in (free, fair))
    assert before.lower > 0.65
    assert after.upper < 0.6
    decided = fair.predict(held_out.x, verbose=0)[:, 0] > 0.5
    assert np.mean(decided == held_out.label) > 0.7  # it has not given up on the label
    assert history.history["independence(sex)_adversary_loss"][-1] == pytest.approx(np.log(2), abs=0.03)


def test_the_label_is_seen_where_the_text_says_so(held_out: People) -> None:
    """Under separation each label's predictions are alike, while labels differ, so independence fails."""
    model, _ = trained("separation(sex)", strength=6.0, epochs=12)
    probe = model.probe(held_out.inputs, label=held_out.label)
    assert [each.what for each in probe.comparisons] == [
        f"sex=Female from sex=Male where label={label}" for label in (0, 1)
    ]
    assert probe.auc < 0.66
    free, _ = trained("separation(sex)", strength=0.0)
    assert free.probe(held_out.inputs, label=held_out.label).lower > probe.upper


def test_a_number_is_guessed_as_a_number(held_out: People) -> None:
    free, _ = trained("corr(y, age) == 0", strength=0.0)
    fair, history = trained("corr(y, age) == 0")
    correlations = [
        abs(np.corrcoef(model.predict(held_out.x, verbose=0)[:, 0], held_out.age)[0, 1])
        for model in (free, fair)
    ]
    assert correlations[0] > 0.15
    assert correlations[1] < 0.07
    assert history.history["corr(y, age)_adversary_loss"][-1] == pytest.approx(1.0, abs=0.05)
    assert len(fair.probe(held_out.inputs_for("age")).comparisons) == 3  # above each quartile


@tensorflow_only
def test_the_projected_gradient_is_zhangs() -> None:
    """One step of plain descent from known weights, against the equation of the paper."""
    data = people(64)
    steps = {}
    for projected in (False, True):
        keras.utils.set_random_seed(0)
        model = kf.AdversarialModel(
            base(),
            "independence(sex)",
            strength=0.7,
            ramp=0.0,
            projected_gradient=projected,
            adversary_optimizer=keras.optimizers.SGD(0.0),
        )
        model.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")
        model.adapt(data.inputs)
        model.train_on_batch(data.inputs, data.label)
        keras.utils.set_random_seed(0)
        start = np.concatenate([np.ravel(weight) for weight in base().get_weights()])
        steps[projected] = start - np.concatenate([np.ravel(w) for w in model.base_model.get_weights()])
    keras.utils.set_random_seed(0)
    plain = base()
    start = np.concatenate([np.ravel(weight) for weight in plain.get_weights()])
    plain.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")
    plain.train_on_batch(data.x, data.label)
    task = start - np.concatenate([np.ravel(weight) for weight in plain.get_weights()])
    turned = steps[False] - task
    wanted = task - (task @ turned) / (turned @ turned) * turned + turned
    np.testing.assert_allclose(steps[True], wanted, rtol=1e-3, atol=1e-6)
    assert np.linalg.norm(turned) > 1e-3


def test_several_statements_have_a_network_each_and_intersections_are_groups() -> None:
    data = people(300)
    inputs = {**data.inputs_for("sex, age"), "race": np.where(np.arange(300) % 3, "a", "b")}
    model = kf.AdversarialModel(base(), "independence(race, sex)\ncorr(y, age) == 0; separation(race)")
    model.compile("adam", "binary_crossentropy")
    model.fit(inputs, data.label, verbose=0)
    shapes = [(network.input_shape[1], network.output_shape[1]) for network in model.adversary.networks]
    assert shapes == [(1, 4), (1, 1), (3, 2)]


def test_what_the_networks_get_to_guess() -> None:
    """By a network of one's own that gives constant logits: the loss is the groups' entropy."""
    model = kf.AdversarialModel(
        base(),
        "equal_opportunity(sex)",
        adversary=keras.Sequential([keras.layers.Dense(2, kernel_initializer="zeros", trainable=False)]),
        vocabulary={"sex": ["Female", "Male"]},
        ramp=0.0,
    )
    model.compile("sgd", "binary_crossentropy")
    sex = np.array(["Female", "Female", "Male", "Male"])
    label, weight = np.array([1.0, 0.0, 1.0, 1.0]), np.array([2.0, 5.0, 1.0, 0.0])
    model.train_on_batch({"x": np.ones((4, 3), "float32"), "sex": sex}, label, sample_weight=weight)
    plan = model.adversary.plan(1)
    (answer,) = plan.answers({"sex": np.array([0, 0, 1, 1])}, label, weight, 4).of
    assert keras.ops.convert_to_numpy(answer.weight).tolist() == [2.0, 0.0, 1.0, 0.0]
    assert keras.ops.convert_to_numpy(answer.target)[[0, 2]].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert answer.label is None


def test_predictions_need_no_attributes_and_the_loss_shown_is_the_tasks() -> None:
    data = people(200)
    model, history = trained("independence(sex)", strength=0.0, epochs=1, data=data)
    assert model.predict(data.x, verbose=0).shape == (200, 1)
    y = model.predict(data.x, verbose=0)[:, 0]
    shown = model.evaluate(data.inputs, data.label, verbose=0, return_dict=True)
    entropy = -np.mean(data.label * np.log(y) + (1 - data.label) * np.log(1 - y))
    assert shown["loss"] == pytest.approx(entropy, rel=1e-3)
    assert 0.5 < shown["independence(sex)_adversary_loss"] < 0.8
    assert history.history["loss"][0] < 0.9


def test_fit_probes_validation_data_and_says_what_it_finds(capsys: pytest.CaptureFixture) -> None:
    data, other = people(200), people(200, seed=5)
    model = kf.AdversarialModel(base(), "independence(sex)", name="fair")
    model.compile("adam", "binary_crossentropy")
    model.fit(data.inputs, data.label, validation_data=(other.inputs, other.label), verbose=2)
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert line == f"fair: {model.last_probe.text}"
    assert line.startswith("fair: a fresh probe tells sex=Female from sex=Male with AUC ")
    assert model.last_probe.auc == model.probe(other.inputs).auc
    few = people(30, seed=5)
    with pytest.warns(UserWarning, match="fair: validation_data were not probed: expected 20 people"):
        model.fit(data.inputs, data.label, validation_data=(few.inputs, few.label), verbose=0)
    assert model.last_probe is None


def test_training_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    data = people(300)
    model, _ = trained("separation(sex)", epochs=2, data=data, adversary_optimizer="adam")
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, TwoOptimizers)
    for one in (model, loaded):
        one.fit(data.inputs, data.label, batch_size=300, epochs=2, verbose=0)
    for before, after in zip(model.trainable_variables, loaded.trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(before), np.asarray(after), rtol=1e-4, atol=1e-6)
    assert loaded.adversary.get_config() == model.adversary.get_config()
    assert loaded.get_config()["adversary_optimizer"] == model.get_config()["adversary_optimizer"]


def test_the_strength_grows_over_a_third_of_the_batches() -> None:
    model, _ = trained("independence(sex)", strength=3.0, epochs=3, data=people(512))  # 12 batches
    layer = model.adversary
    seen = []
    for batch in range(6):
        layer._ramped_weight.assign([float(batch)])
        seen.append(float(keras.ops.convert_to_numpy(layer._strength_now())))
    assert seen == pytest.approx([0.0, 0.75, 1.5, 2.25, 3.0, 3.0])


def test_two_optimizers_move_their_own_weights() -> None:
    data = people(100)
    model = kf.AdversarialModel(base(), "independence(sex)", adversary_optimizer=keras.optimizers.SGD(0.0))
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    model.adapt(data.inputs)
    model.train_on_batch(data.inputs, data.label)
    before = [np.array(variable) for variable in model.adversary.trainable_variables]
    of_base = np.array(model.base_model.weights[0])
    model.train_on_batch(data.inputs, data.label)
    assert all(
        np.array_equal(old, np.array(new))
        for old, new in zip(before, model.adversary.trainable_variables, strict=True)
    )
    assert not np.array_equal(of_base, np.array(model.base_model.weights[0]))
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.02)
    assert int(keras.ops.convert_to_numpy(model.optimizer.iterations)) == 2
    model.optimizer.learning_rate = 0.5
    assert float(keras.ops.convert_to_numpy(model.optimizer.of_model.learning_rate)) == 0.5


def test_a_column_of_many_numbers_is_no_group() -> None:
    data = people(1200)
    model = kf.AdversarialModel(base(), "independence(age)")
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(ConstraintTypeError, match="ask for corr\\(y, age\\) == 0"):
        model.fit(data.inputs_for("age"), data.label, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": -1.0}, "expected strength"),
        ({"ramp": 2.0}, "expected ramp as a number in"),
        ({"adversary": "large"}, "expected adversary as a Keras model"),
        ({"adversary": [keras.layers.Dense(2), keras.layers.Dense(2)]}, "a list of 1"),
    ],
)
def test_wrong_arguments_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kf.AdversarialModel(base(), "independence(sex)", **options)


def test_an_adversary_of_the_wrong_width_is_refused() -> None:
    data = people(50)
    model = kf.AdversarialModel(base(), "independence(sex)", adversary=keras.layers.Dense(3))
    model.compile("adam", "binary_crossentropy")
    with pytest.raises(ValueError, match="into logits \\(n, 2\\)"):
        model.fit(data.inputs, data.label, verbose=0)


def test_a_probe_without_what_it_needs_is_refused() -> None:
    model = kf.AdversarialModel(base(), "separation(sex)", vocabulary={"sex": ["Female", "Male"]})
    data = people(50)
    with pytest.raises(ValueError, match="expected label"):
        model.probe(data.inputs)
    with pytest.raises(ValueError, match="expected the columns"):
        model.probe(data.x, {"race": data.sex}, data.label)
    with pytest.raises(ValueError, match="expected confidence"):
        model.probe(data.inputs, label=data.label, confidence=95)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow has the step")
def test_the_projected_gradient_is_refused_elsewhere() -> None:
    with pytest.raises(ValueError, match="expected projected_gradient=False on this backend"):
        kf.AdversarialModel(base(), "independence(sex)", projected_gradient=True)


def test_a_regression_has_no_log_odds(held_out: People) -> None:
    data = people()
    found = []
    for strength in (0.0, 4.0):
        keras.utils.set_random_seed(0)
        linear = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model = kf.AdversarialModel(linear, "independence(sex)", strength=strength, domain=None)
        model.compile(keras.optimizers.Adam(0.05), "mse")
        wanted = data.x[:, :1] + data.x[:, 1:2]  # below 0 and above 1 too
        model.fit(data.inputs, wanted, batch_size=128, epochs=8, verbose=0)
        found.append(model.probe(held_out.inputs).auc)
    assert found[0] > 0.7
    assert found[1] < 0.65


@tensorflow_only
def test_a_dataset_of_text_trains_too() -> None:
    import tensorflow as tf

    data = people(256)
    model = kf.AdversarialModel(base(), "independence(sex)", vocabulary={"sex": ["Female", "Male"]})
    model.compile("adam", "binary_crossentropy")
    dataset = tf.data.Dataset.from_tensor_slices((data.inputs, data.label)).batch(64)
    history = model.fit(dataset, epochs=3, shuffle=False, verbose=0)
    assert history.history["independence(sex)_adversary_loss"][0] == pytest.approx(np.log(2), abs=0.1)
    assert float(np.asarray(model.adversary._ramp_weight)[0]) == pytest.approx(4.0)


@tensorflow_only
def test_half_precision_and_xla_train_and_are_saved(tmp_path: Path) -> None:
    data, keeps = people(256), keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        score = keras.layers.Dense(1, activation="sigmoid", dtype="float32")
        base_model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), score])
        model = kf.AdversarialModel(base_model, "separation(sex)", strength=2.0)
        model.compile("adam", "binary_crossentropy", jit_compile=True)
        history = model.fit(data.inputs, data.label, epochs=3, verbose=0)
        assert np.isfinite(history.history["separation(sex)_adversary_loss"]).all()
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        loaded.fit(data.inputs, data.label, verbose=0)
        assert isinstance(loaded.optimizer.inner_optimizer, TwoOptimizers)
    finally:
        keras.config.set_dtype_policy(keeps)


def test_a_value_outside_the_vocabulary_is_an_error_or_left_out() -> None:
    data = people(60)
    sex = np.where(np.arange(60) < 5, "Other", data.sex)
    for unknown in ("error", "exclude"):
        model = kf.AdversarialModel(
            base(), "independence(sex)", vocabulary={"sex": ["Female", "Male"]}, unknown=unknown
        )
        model.compile("adam", "binary_crossentropy")
        if unknown == "error":
            with pytest.raises(ValueError, match="outside the vocabulary"):
                model.fit({"x": data.x, "sex": sex}, data.label, verbose=0)
            continue
        model.fit({"x": data.x, "sex": sex}, data.label, verbose=0)
        (answer,) = model.adversary.plan(1).answers({"sex": np.array([2, 0, 1])}, None, None, 3).of
        assert keras.ops.convert_to_numpy(answer.weight).tolist() == [0.0, 1.0, 1.0]
