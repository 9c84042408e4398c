"""Small models on real data, one for each kind of constraint: they learn, and their rows hold.

Each trains for seconds on a part of a public data set, and is then asked for held-out people in one batch.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair import datasets
from keras_fair.datasets import Split

HELD = 1e-6


class Part(NamedTuple):
    """One part of a data set as a Keras model takes it; the features hold none of the attributes."""

    inputs: dict[str, np.ndarray]
    label: np.ndarray


def parts(train: Split, test: Split, *attributes: str, at_most: int = 4000) -> tuple[Part, Part]:
    """The first people of both parts, with these attributes."""
    train, test = train.take(slice(0, at_most)), test.take(slice(0, at_most))
    left_out = [name for name in attributes if name in train.features]
    matrices = datasets.encode(train, test, exclude=left_out)
    return tuple(
        Part({"x": x, **{name: split.attributes[name] for name in attributes}}, split.label)
        for x, split in ((matrices.train, train), (matrices.test, test))
    )


def network(features: int, outputs: int = 1, activation: str | None = "sigmoid") -> keras.Model:
    layers = [keras.layers.Dense(32, activation="relu"), keras.layers.Dense(outputs, activation=activation)]
    return keras.Sequential([keras.Input((features,), name="x"), *layers])


def trained(train: Part, constraints: str, loss: str, *, known: tuple[Part, ...], **of_model) -> tuple:
    """A fair model and its history. The vocabulary knows the values in all parts.

    It runs eagerly: to compile nothing is quicker where there are few steps.
    """
    learning_rate = of_model.pop("learning_rate", 3e-3)
    outputs, activation = of_model.pop("outputs", 1), of_model.pop("activation", "sigmoid")
    epochs, batch_size = of_model.pop("epochs", 3), of_model.pop("batch_size", 256)
    base = network(train.inputs["x"].shape[1], outputs, activation)
    model = kf.FairModel(base, constraints, **of_model)
    columns = {
        name: np.concatenate([part.inputs[name] for part in known]) for name in train.inputs if name != "x"
    }
    model.adapt(columns, np.concatenate([part.label for part in known]))
    metrics = [] if loss == "mse" else ["accuracy"]
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=metrics, run_eagerly=True)
    history = model.fit(train.inputs, train.label, epochs=epochs, batch_size=batch_size, verbose=0).history
    assert np.all(np.isfinite(history["loss"]))
    assert history["loss"][-1] < history["loss"][0]
    return model, history


def predicted(model: keras.Model, part: Part) -> np.ndarray:
    y = model.predict(part.inputs, batch_size=len(part.label), verbose=0)
    return np.asarray(y, dtype="float64")


def means(y: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """The mean of `y` in every combination of values that occurs."""
    _, group = np.unique(np.stack([column.astype(str) for column in columns]), axis=1, return_inverse=True)
    return np.array([y[group == code].mean() for code in range(group.max() + 1)])


def test_compas_every_race(data_folder: Path) -> None:
    train, test = parts(*datasets.compas.load_data(data_folder), "race")
    model, _ = trained(train, "spread(E[y | race=*]) <= 0.05", "binary_crossentropy", known=(train, test))
    y = predicted(model, test)[:, 0]
    groups = means(y, test.inputs["race"])
    assert len(groups) == 6
    assert np.ptp(groups) <= 0.05 + HELD
    assert np.mean((y >= 0.5) == test.label) > 0.62


def test_compas_intersections(data_folder: Path) -> None:
    train, test = parts(*datasets.compas.load_data(data_folder), "race", "sex")
    text = "spread(E[y | race=*, sex=*]) <= 0.05"
    model, _ = trained(train, text, "binary_crossentropy", known=(train, test))
    y = predicted(model, test)[:, 0]
    groups = means(y, test.inputs["race"], test.inputs["sex"])
    assert len(groups) >= 10
    assert np.ptp(groups) <= 0.05 + HELD
    assert np.mean((y >= 0.5) == test.label) > 0.62


def test_compas_equalized_odds_in_fit(data_folder: Path) -> None:
    """By the labels of the batch in `fit` and `evaluate`, by the base model's probability in `predict`."""
    train, test = parts(*datasets.compas.load_data(data_folder), "sex")
    text = "equalized_odds(sex) <= 0.05"
    model, history = trained(train, text, "binary_crossentropy", known=(train, test))
    assert history["accuracy"][-1] > 0.6
    model.projection.reset_record()
    loss, accuracy = model.evaluate(test.inputs, test.label, batch_size=len(test.label), verbose=0)
    assert np.isfinite(loss)
    assert accuracy > 0.6
    assert max(model.projection.record().violation.values()) <= HELD
    with_labels = np.asarray(model(test.inputs, label=test.label), dtype="float64")[:, 0]
    for label in (0, 1):
        chosen = test.label == label
        assert np.ptp(means(with_labels[chosen], test.inputs["sex"][chosen])) <= 0.05 + HELD
    y = predicted(model, test)[:, 0]
    share = np.asarray(model.base_model(test.inputs["x"]), dtype="float64")[:, 0]
    for weight in (share, 1 - share):
        of_sex = [
            np.average(y[member], weights=weight[member])
            for member in (test.inputs["sex"] == "Female", test.inputs["sex"] == "Male")
        ]
        assert abs(np.subtract(*of_sex)) <= 0.05 + HELD
    assert np.mean((y >= 0.5) == test.label) > 0.62


def test_law_school_grades_in_three_classes(data_folder: Path) -> None:
    train, test = datasets.law_school.load_data(data_folder)
    train, test = train.take(slice(0, 4000)), test.take(slice(0, 3000))
    low, high = np.nanquantile(train.features["zgpa"], [1 / 3, 2 / 3])

    def graded(people: Split) -> Split:
        grades = people.features["zgpa"]
        grade = np.where(grades < low, 0, np.where(grades < high, 1, 2)).astype("float32")
        own = {"lsat", "ugpa", "fam_inc", "tier", "study", "sex", "race"}
        features = {name: column for name, column in people.features.items() if name in own}
        return Split(features, grade, people.attributes).take(~np.isnan(grades))

    train, test = parts(graded(train), graded(test), "race")
    text = "for k in race: E[y[2] | race=k] == E[y[2]] +- 0.05; E[y[0] | race=Black] <= 0.4"
    model, history = trained(
        train,
        text,
        "sparse_categorical_crossentropy",
        known=(train, test),
        outputs=3,
        activation="softmax",
        domain="simplex",
        divergence="categorical_crossentropy",
    )
    y = predicted(model, test)
    np.testing.assert_allclose(y.sum(axis=1), 1.0, atol=HELD)
    assert y.min() >= -HELD
    assert np.abs(means(y[:, 2], test.inputs["race"]) - y[:, 2].mean()).max() <= 0.05 + HELD
    assert y[test.inputs["race"] == "Black", 0].mean() <= 0.4 + HELD
    assert history["accuracy"][-1] > 0.4
    assert np.mean(y.argmax(axis=1) == test.label) > 0.4


@pytest.mark.parametrize("domain", [(0.0, 1.0), None])
def test_communities_regression_with_continuous_attributes(data_folder: Path, domain) -> None:
    shares = ("racepctblack", "racepctwhite")
    train, test = parts(*datasets.communities.load_data(data_folder, fold=1), *shares)
    text = "cov(y, racepctblack) == 0 +- 0.005; cov(y, racepctwhite) == 0 +- 0.005"
    activation = None if domain is None else "sigmoid"
    learning = {"epochs": 12, "learning_rate": 1e-2}
    known = (train, test)
    model, _ = trained(train, text, "mse", known=known, domain=domain, activation=activation, **learning)
    y = predicted(model, test)[:, 0]
    free = np.asarray(model.base_model(test.inputs["x"]), dtype="float64")[:, 0]
    for share in shares:
        column = test.inputs[share].astype("float64")

        def covariance(of: np.ndarray, column: np.ndarray = column) -> float:
            return float(np.mean(of * column) - of.mean() * column.mean())

        assert abs(covariance(y)) <= 0.005 + HELD
        assert abs(covariance(test.label.astype("float64"))) > 0.02
    assert np.abs(y - free).max() > 0
    assert np.mean((y - test.label) ** 2) < np.var(test.label)
