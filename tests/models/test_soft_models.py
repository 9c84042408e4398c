"""Models whose weights a layer of constraints trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_fair as kf

N = 1200
RATES = "spread(P[y >= 0.5 | sex=*]) <= 0.02"


def people(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], N, p=[0.4, 0.6])
    x = rng.normal(size=(N, 4)).astype("float32")
    x[:, 3] += 1.0 * (sex == "Male")
    chance = 1 / (1 + np.exp(-(1.5 * x[:, 0] + x[:, 1] + 0.7 * x[:, 3] - 0.5)))
    return x, sex, (rng.random(N) < chance).astype("float32")


def base() -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    return keras.Sequential([keras.Input((4,)), *layers])


def fitted(layer: Any, epochs: int = 12, **compiled: Any) -> tuple[Any, Any]:
    x, sex, label = people()
    model = kf.FairModel(base(), layer)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", **compiled)
    history = model.fit({"x": x, "sex": sex}, label, batch_size=200, epochs=epochs, verbose=0)
    return model, history


def gap(y: np.ndarray, sex: np.ndarray) -> float:
    (relation,) = kf.audit(RATES, y[:, 0], {"sex": sex}).relations
    return float(relation.gap)


@pytest.fixture(scope="module")
def plain_gap() -> float:
    x, sex, label = people()
    model = base()
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    model.fit(x, label, batch_size=200, epochs=12, verbose=0)
    return gap(model.predict(x, verbose=0), sex)


@pytest.mark.filterwarnings("ignore:.*were still growing")
@pytest.mark.parametrize(
    "layer",
    [
        lambda: kf.layers.FairnessPenalty(RATES, 30.0, memory=1000),
        lambda: kf.layers.FairnessLagrangian(RATES, 0.1, memory=1000),
    ],
    ids=["penalty", "lagrangian"],
)
def test_decisions_become_equal_and_attributes_are_not_needed_any_more(
    layer: Any, plain_gap: float, tmp_path: Path
) -> None:
    x, sex, label = people()
    model, history = fitted(layer())
    y = model.predict(x, verbose=0)  # an array: no attributes
    assert plain_gap > 0.1
    assert gap(y, sex) < 0.05
    assert ((y[:, 0] >= 0.5) == label).mean() > 0.7
    np.testing.assert_array_equal(model.predict({"x": x}, verbose=0), y)
    logged = history.history[f"{RATES}_gap"]
    assert logged[-1] < logged[0]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), y, atol=1e-6)
    if isinstance(model.fairness, kf.layers.FairnessLagrangian):
        assert history.history[f"{RATES}_multiplier"][-1] > 0
        assert again.fairness.get_config() == model.fairness.get_config()
    again.compile(loss="binary_crossentropy")
    for each in (model, again):
        evaluated = each.evaluate({"x": x, "sex": sex}, label, verbose=0, return_dict=True)
        assert evaluated[f"{RATES}_gap"] == pytest.approx(gap(y, sex), abs=1e-6)


def test_multipliers_are_saved_with_the_model(tmp_path: Path) -> None:
    model, _ = fitted(kf.layers.FairnessLagrangian(RATES, 0.1), epochs=2)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x, sex, label = people()
    again({"x": x[:8], "sex": sex[:8]})
    again.fairness(np.full(8, 0.5, "float32"), attributes={"sex": sex[:8]})
    assert again.fairness.multipliers() == pytest.approx(model.fairness.multipliers())


def test_labels_are_needed_in_training_only() -> None:
    x, sex, label = people()
    model, _ = fitted(kf.layers.FairnessPenalty("equalized_odds(sex) <= 0.02 at y >= 0.5", 5.0), epochs=1)
    assert model.predict(x, verbose=0).shape == (N, 1)
    with pytest.raises(ValueError, match="labels y"):
        model.fit({"x": x, "sex": sex}, verbose=0)
    with pytest.raises(ValueError, match="'sex'"):
        model.fit({"x": x}, label, verbose=0)
    with pytest.raises(ValueError, match="'sex'"):
        model.fit(x, label, verbose=0)


def test_unknown_values_are_refused_as_everywhere() -> None:
    x, sex, label = people()
    model, _ = fitted(kf.layers.FairnessPenalty(RATES), epochs=1)
    with pytest.raises(ValueError, match="outside the vocabulary"):
        model.fit({"x": x, "sex": np.where(sex == "Male", "male", sex)}, label, verbose=0)


def test_arguments_of_the_layer_are_refused_beside_it() -> None:
    with pytest.raises(ValueError, match="memory, margin.*FairnessPenalty"):
        kf.FairModel(base(), kf.layers.FairnessPenalty(RATES), memory=10, margin=0.1)


def test_batches_without_a_group_are_counted_and_said() -> None:
    x, sex, label = people()
    sex = np.where(np.arange(N) < 5, "Female", "Male")
    model = kf.FairModel(base(), kf.layers.FairnessPenalty(RATES))
    model.compile("adam", "binary_crossentropy")
    with pytest.warns(UserWarning, match="of 12 batches nobody was in a group of"):
        model.fit({"x": x, "sex": sex}, label, batch_size=100, epochs=1, verbose=0)


def test_statements_that_can_t_be_met_together_are_named() -> None:
    text = "low: P[y >= 0.5 | sex=Female] <= 0.1; high: P[y >= 0.5 | sex=Female] >= 0.9"
    with pytest.warns(UserWarning, match="'low', 'high' (were still growing|have diverged)|multipliers of"):
        fitted(kf.layers.FairnessLagrangian(text, 0.5, memory=None), epochs=8)


@pytest.mark.parametrize("compiled", [True, False], ids=["xla", "graph"])
def test_schedules_move_in_fit(compiled: bool) -> None:
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([6], [0.0, 50.0])
    model, history = fitted(
        kf.layers.FairnessPenalty(RATES, schedule, debias=False), epochs=2, jit_compile=compiled
    )
    losses = history.history["loss"]
    assert losses[1] > losses[0]  # the penalty came in the second epoch
    assert float(keras.ops.convert_to_numpy(model.fairness._scheduled.steps.value)[0]) == 12


def test_the_worst_group_s_loss_in_a_regression() -> None:
    x, sex, _ = people()
    label = (x[:, 0] + 2.0 * (sex == "Female") * x[:, 1]).astype("float32")
    text = "max(E[loss | sex=*]) <= 0.1"
    worst = {}
    for weight in (0.0, 5.0):
        keras.utils.set_random_seed(1)
        network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model = kf.FairModel(network, kf.layers.FairnessPenalty(text, weight, penalty="linear", domain=None))
        model.compile(keras.optimizers.Adam(0.05), "mean_squared_error")
        model.fit({"x": x, "sex": sex}, label, batch_size=200, epochs=15, verbose=0)
        loss = np.square(model.predict(x, verbose=0)[:, 0] - label)
        worst[weight] = max(loss[sex == value].mean() for value in ("Female", "Male"))
    assert worst[5.0] < 0.9 * worst[0.0]


def test_in_a_functional_model_the_attributes_are_inputs() -> None:
    x, sex, label = people()
    inputs = {"x": keras.Input((4,), name="x"), "sex": keras.Input((1,), name="sex", dtype="int32")}
    y = keras.layers.Dense(1, activation="sigmoid")(inputs["x"])
    layer = kf.layers.FairnessPenalty(RATES, 50.0, memory=1000, vocabulary={"sex": ["Female", "Male"]})
    model = keras.Model(inputs, layer(y, attributes={"sex": inputs["sex"]}))
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    codes = (sex == "Male").astype("int32")
    model.fit({"x": x, "sex": codes}, label, batch_size=200, epochs=8, verbose=0)
    assert sum(layer.record().batches.values()) == 48
    assert gap(model.predict({"x": x, "sex": codes}, verbose=0), sex) < 0.06
