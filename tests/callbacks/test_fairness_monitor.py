"""The monitor: whole data sets, in every log, for every callback that comes after it."""

from __future__ import annotations

import csv
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import keras_fair as kf

# JAX computes in single precision by default.
TOLERANCE = 1e-6 if keras.backend.backend() == "tensorflow" else 1e-5

PARITY = "parity: E[y | sex=Female] == E[y | sex=Male] +- 0.02"
SEX = {"sex": ["Female", "Male"]}


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2, 80).astype("int32")
    x = rng.normal(size=(80, 3)).astype("float32")
    x[:, 0] += codes
    label = (x[:, 0] > 0.5).astype("int32")
    return {"x": x, "sex": np.array(["Female", "Male"])[codes], "label": label}


def plain() -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    return model


def gap(y, sex) -> float:
    y = np.asarray(y, "float64").reshape(-1)
    return float(y[sex == "Female"].mean() - y[sex == "Male"].mean())


def test_history_holds_gaps_of_whole_data_sets(task) -> None:
    model, seen = plain(), []
    train, held = slice(0, 50), slice(50, 80)
    monitor = kf.FairnessMonitor(
        PARITY,
        training_data=(task["x"][train], task["label"][train]),
        attributes={"sex": task["sex"][train]},
        validation_data=(task["x"][held], task["label"][held]),
        validation_attributes=pd.DataFrame({"sex": task["sex"][held]}),
        batch_size=7,
    )
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            [gap(model.predict(task["x"][part], verbose=0), task["sex"][part]) for part in (train, held)]
        )
    )
    history = model.fit(task["x"], task["label"], epochs=3, verbose=0, callbacks=[monitor, record]).history
    np.testing.assert_allclose(history["parity_gap"], [both[0] for both in seen], atol=1e-6)
    np.testing.assert_allclose(history["val_parity_gap"], [both[1] for both in seen], atol=1e-6)
    np.testing.assert_allclose(
        history["val_parity_violation"], np.maximum(0, np.abs(history["val_parity_gap"]) - 0.02), atol=1e-9
    )


def test_later_callbacks_see_the_logs(task, tmp_path: Path) -> None:
    model = plain()
    monitor = kf.FairnessMonitor(
        PARITY, validation_data=(task["x"], task["label"]), validation_attributes={"sex": task["sex"]}
    )
    stop = keras.callbacks.EarlyStopping(monitor="val_parity_violation", mode="min", patience=1)
    history = model.fit(
        task["x"],
        task["label"],
        epochs=20,
        verbose=0,
        callbacks=[monitor, stop, keras.callbacks.CSVLogger(tmp_path / "log.csv")],
    ).history
    violations = history["val_parity_violation"]
    assert len(violations) < 20
    assert violations[-1] >= violations[-2] == min(violations)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_parity_gap"]) for row in rows] == pytest.approx(history["val_parity_gap"])


def test_constraints_come_from_the_model(task, capsys) -> None:
    model = kf.FairModel(
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")]),
        PARITY,
        vocabulary=SEX,
    )
    model.compile("sgd", "binary_crossentropy")
    inputs = {"x": task["x"], "sex": task["sex"]}
    data = (inputs, task["label"])
    history = model.fit(
        *data,
        batch_size=40,
        epochs=2,
        verbose=2,
        validation_data=data,
        callbacks=[kf.FairnessMonitor(validation_data=data, batch_size=80)],
    ).history
    assert max(history["val_parity_violation"]) <= TOLERANCE
    assert history["relaxed_batches"] == [0, 0]
    assert history["iteration_limit_batches"] == [0, 0]
    assert "val_parity_violation" in capsys.readouterr().out


def test_every_projection_of_a_model_is_watched(task) -> None:
    x, sex = keras.Input((3,), name="x"), keras.Input((), dtype="int32", name="sex")
    y = keras.layers.Dense(1, activation="sigmoid")(x)
    y = kf.FairProjection("level: E[y | sex=Male] <= 0.4", vocabulary=SEX)(y, attributes={"sex": sex})
    y = kf.FairProjection(PARITY, vocabulary=SEX)(y, attributes={"sex": sex})
    model = keras.Model({"x": x, "sex": sex}, y)
    model.compile("sgd", "binary_crossentropy")
    inputs = {"x": task["x"], "sex": (task["sex"] == "Male").astype("int32")}
    columns = {"sex": task["sex"]}
    monitor = kf.FairnessMonitor(training_data=(inputs, task["label"]), attributes=columns, batch_size=80)
    history = model.fit(
        inputs, task["label"], batch_size=80, epochs=2, verbose=0, callbacks=[monitor]
    ).history
    fair = model.predict(inputs, batch_size=80, verbose=0)
    assert history["parity_gap"][-1] == pytest.approx(gap(fair, task["sex"]), abs=1e-6)
    assert history["level_gap"][-1] == pytest.approx(fair[task["sex"] == "Male"].mean(), abs=1e-6)


def test_batches_that_cannot_be_held_are_counted_and_warned_of(task) -> None:
    model = kf.FairModel(
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")]),
        "E[y | sex=Female] >= 0.9\nE[y | sex=Female] <= 0.1",
        vocabulary=SEX,
    )
    model.compile("sgd", "binary_crossentropy")
    inputs = {"x": task["x"], "sex": task["sex"]}
    with pytest.warns(UserWarning, match="The logs count them as|at least one batch"):
        history = model.fit(
            inputs,
            task["label"],
            batch_size=40,
            epochs=2,
            verbose=0,
            validation_data=(inputs, task["label"]),
            callbacks=[kf.FairnessMonitor()],
        ).history
    # In single precision (JAX) the solver may not be sure that it can't be done.
    counts = zip(history["relaxed_batches"], history["iteration_limit_batches"], strict=True)
    assert [sum(both) for both in counts] == [4, 4]


def test_labels_and_criteria(task) -> None:
    model = plain()
    monitor = kf.FairnessMonitor(
        "equal_opportunity(sex) <= 0.05; level: 0.2 <= E[y | sex=Male] <= 0.4",
        validation_data=({"x": task["x"], "sex": task["sex"]}, task["label"]),
    )

    class Features(keras.Model):  # a model whose inputs are a dict with the attribute in it
        def build(self, shapes):
            pass

        def call(self, inputs):
            return model(inputs["x"])

    outer = Features()
    outer.compile("sgd", "binary_crossentropy")
    outer.inner = model
    inputs = {"x": task["x"], "sex": (task["sex"] == "Male").astype("int32")}
    monitor = kf.FairnessMonitor(
        "equal_opportunity(sex) <= 0.05; level: 0.2 <= E[y | sex=1] <= 0.4",
        validation_data=(inputs, task["label"]),
    )
    history = outer.fit(inputs, task["label"], verbose=0, callbacks=[monitor]).history
    positive = task["label"] == 1
    y = model.predict(task["x"], verbose=0)
    key = "val_spread(E[y | sex=*, label=1]) <= 0.05_gap"
    assert history[key][0] == pytest.approx(abs(gap(y[positive], task["sex"][positive])), abs=1e-6)
    assert history["val_level_gap"][0] == pytest.approx(y[task["sex"] == "Male"].mean(), abs=1e-6)


def test_dataset_in_batches(task) -> None:
    model = plain()
    batches = [
        ({"x": task["x"][part], "sex": task["sex"][part]}, task["label"][part])
        for part in (slice(0, 30), slice(30, 80))
    ]

    class FromDict(keras.Model):
        def build(self, shapes):
            pass

        def call(self, inputs):
            return model(inputs["x"])

        def predict_on_batch(self, x):
            return model.predict_on_batch(x["x"])

    outer = FromDict()
    outer.compile("sgd", "mse")
    outer.inner = model
    monitor = kf.FairnessMonitor(PARITY, validation_data=batches)
    history = outer.fit({"x": task["x"]}, task["label"], verbose=0, callbacks=[monitor]).history
    y = model.predict(task["x"], verbose=0)
    assert history["val_parity_gap"][0] == pytest.approx(gap(y, task["sex"]), abs=1e-6)


def test_group_without_anybody_is_nan_and_warned_of_once(task) -> None:
    model = plain()
    monitor = kf.FairnessMonitor(
        PARITY,
        vocabulary=SEX,
        validation_data=(task["x"], task["label"]),
        validation_attributes={"sex": ["Male"] * 80},
    )
    with pytest.warns(UserWarning, match="val_parity_gap can't be estimated") as warned:
        history = model.fit(task["x"], task["label"], epochs=2, verbose=0, callbacks=[monitor]).history
    assert len([each for each in warned if each.category is UserWarning]) == 1
    assert np.all(np.isnan(history["val_parity_gap"]))
    assert np.all(np.isnan(history["val_parity_violation"]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "constraints=None"),
        ({"constraints": PARITY}, "training_data or validation_data"),
        ({"constraints": PARITY, "validation_attributes": {}}, "received attributes alone"),
        ({"constraints": PARITY, "validation_data": 3}, "received int"),
        ({"constraints": PARITY, "validation_data": (np.zeros((80, 3)), None)}, "attributes \\['sex'\\]"),
        (
            {
                "constraints": PARITY,
                "validation_data": (np.zeros((80, 3)),),
                "validation_attributes": {"sex": ["Female"] * 79 + ["Mal"]},
            },
            "did you mean 'Mal'",
        ),
    ],
)
def test_arguments_that_do_not_fit(task, arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        plain().fit(task["x"], task["label"], verbose=0, callbacks=[kf.FairnessMonitor(**arguments)])


def watched(task, **options) -> kf.FairnessMonitor:
    return kf.FairnessMonitor(
        PARITY,
        validation_data=(task["x"], task["label"]),
        validation_attributes={"sex": task["sex"]},
        **options,
    )


def test_attributes_of_another_length_are_told_before_training(task) -> None:
    monitor = kf.FairnessMonitor(
        PARITY,
        validation_data=(task["x"], task["label"]),
        validation_attributes={"sex": task["sex"][:10]},
    )
    model = plain()
    with pytest.raises(ValueError, match="input 'x' has 80, attribute 'sex' has 10, label has 80"):
        model.fit(task["x"], task["label"], verbose=0, callbacks=[monitor])
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("key", ["val_parity_gap", "val_parity_violation"])
def test_callbacks_that_watch_come_after(task, key: str) -> None:
    stop = keras.callbacks.EarlyStopping(key, mode="min")
    with pytest.raises(ValueError, match=f"FairnessMonitor before EarlyStopping, which watches '{key}'"):
        plain().fit(task["x"], task["label"], verbose=0, callbacks=[stop, watched(task)])
    model = plain()
    history = model.fit(task["x"], task["label"], verbose=0, callbacks=[watched(task), stop]).history
    assert key in history
    other = keras.callbacks.EarlyStopping("loss")
    model.fit(task["x"], task["label"], verbose=0, callbacks=[other, watched(task)])


def test_callbacks_that_write_the_logs_come_after(task, tmp_path) -> None:
    table = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    for writer in (keras.callbacks.TensorBoard(tmp_path), table):
        with pytest.raises(ValueError, match=r"FairnessMonitor before \w+, which writes the logs"):
            plain().fit(task["x"], task["label"], verbose=0, callbacks=[writer, watched(task)])
    table.csv_file.close()


def test_one_of_several_outputs_is_measured(task) -> None:
    x = keras.Input((3,))
    outputs = {
        "amount": keras.layers.Dense(1, name="amount")(x),
        "approve": keras.layers.Dense(1, activation="sigmoid", name="approve")(x),
    }
    model = keras.Model(x, outputs)
    model.compile("sgd", {"amount": "mse", "approve": "binary_crossentropy"})
    labels = {"amount": task["x"][:, 0], "approve": task["label"]}
    monitor = kf.FairnessMonitor(
        PARITY, validation_data=(task["x"], labels), validation_attributes={"sex": task["sex"]}
    )
    with pytest.raises(ValueError, match=r"one of the outputs \['amount', 'approve'\]"):
        model.fit(task["x"], labels, verbose=0, callbacks=[monitor])
    history = model.fit(task["x"], labels, verbose=0, callbacks=[watched(task, output="approve")]).history
    fair = model.predict(task["x"], verbose=0)["approve"]
    places = keras.Model(x, list(outputs.values()))
    places.compile("sgd", ["mse", "binary_crossentropy"])
    by_place = kf.FairnessMonitor(
        PARITY,
        output=1,
        validation_data=(task["x"], list(labels.values())),
        validation_attributes={"sex": task["sex"]},
    )
    assert (
        "val_parity_gap"
        in places.fit(task["x"], list(labels.values()), verbose=0, callbacks=[by_place]).history
    )
    everyone = kf.FairnessMonitor("all: E[y] <= 1", validation_data=(task["x"],))
    assert plain().fit(task["x"], task["label"], verbose=0, callbacks=[everyone]).history["val_all_gap"]
    assert history["val_parity_gap"][-1] == pytest.approx(gap(fair, task["sex"]), abs=TOLERANCE)
