"""A model for each value of a grid, with plain Keras models and with `kf.FairModel`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.fronts.training import people_of
from tests.fronts.made import people

LEARNT, MADE = people(400, seed=1), people(300, seed=2)
TEXT = "demographic_parity(sex)"


def columns(made: Any) -> np.ndarray:
    male = made.attributes["sex"] == "Male"
    return np.stack([np.log(made.y / (1 - made.y)), male], axis=1).astype("float32")


def network(penalty: float = 0.0) -> keras.Model:
    x = keras.Input((2,), name="x")
    regularizer = keras.regularizers.L2(penalty)
    y = keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=regularizer)(x)
    return keras.Model(x, y)


def compiled(model: keras.Model) -> keras.Model:
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    return model


FIT = {"x": columns(LEARNT), "y": LEARNT.label, "epochs": 3, "batch_size": 64}


def made_front() -> kf.Front:
    return kf.Front(TEXT, MADE.attributes, MADE.label)


def test_each_value_has_a_model_that_was_fitted() -> None:
    front = made_front().train(lambda value: compiled(network(value)), [0.0, 1.0], columns(MADE), fit=FIT)
    assert [(point.name, point.setting) for point in front] == [("trained 0", 0.0), ("trained 1", 1.0)]
    for point in front:
        again = point.model.predict(columns(MADE), verbose=0)[:, 0]
        assert np.allclose(point.predictions, again, atol=1e-6)
        assert point.constraints == ""
    first, second = (point.model.layers[-1].kernel.numpy() for point in front)
    assert np.abs(second).sum() < np.abs(first).sum()


def test_values_alone_make_the_difference() -> None:
    front = made_front()
    front.train(lambda value: compiled(network()), ["a", "b"], columns(MADE), fit=FIT)
    front.train(lambda value: compiled(network()), ["c"], columns(MADE), fit=FIT, seed=5, name="seed 5,")
    a, b, c = (point.predictions for point in front)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert front.points[2].name == "seed 5, c"


@pytest.mark.parametrize("way", ["dict", "function", "beside"])
def test_ways_to_fit(way: str) -> None:
    fitted = []

    def fit(model: keras.Model) -> None:
        fitted.append(model)
        model.fit(**FIT, verbose=0)

    def build(value: float) -> Any:
        model = compiled(network(value))
        return (model, fit) if way == "beside" else model

    given = {"dict": FIT, "function": fit, "beside": None}[way]
    front = made_front().train(build, [0.1], columns(MADE), fit=given)
    assert len(fitted) == (way != "dict")
    wanted = made_front().train(lambda value: compiled(network(value)), [0.1], columns(MADE), fit=FIT)
    assert np.array_equal(front["trained 0.1"].predictions, wanted["trained 0.1"].predictions)


def test_tolerances_of_a_fair_model_are_a_grid_and_predicted_in_one_batch() -> None:
    def build(tolerance: float) -> keras.Model:
        text, vocabulary = f"{TEXT} <= {tolerance}", {"sex": ["Female", "Male"]}
        return compiled(kf.FairModel(network(), text, vocabulary=vocabulary))

    inputs = {"x": columns(MADE), "sex": MADE.attributes["sex"]}
    learnt = {**FIT, "x": {"x": columns(LEARNT), "sex": LEARNT.attributes["sex"]}}
    front = made_front().train(build, [0.02, 0.1], inputs, fit=learnt, name="tolerance")
    for point in front:
        assert point.gaps[TEXT].value <= point.setting + 1e-5
    front.correct(front.points[1].predictions, [0.02])
    assert len(front) == 3
    assert front.pick(f"{TEXT} <= 0.0201").setting == pytest.approx(0.02)


def test_models_can_be_let_go() -> None:
    front = made_front()
    front.train(lambda value: compiled(network()), [1], columns(MADE), fit=FIT, keep_models=False)
    assert front["trained 1"].model is None


def test_what_failed_leaves_the_points_before_it() -> None:
    def build(value: int) -> keras.Model:
        if value == 2:
            raise RuntimeError("out of memory")
        return compiled(network())

    front = made_front()
    with pytest.raises(RuntimeError, match="out of memory"):
        front.train(build, [1, 2, 3], columns(MADE), fit=FIT)
    assert [point.name for point in front] == ["trained 1"]


def test_a_model_that_diverged_is_refused() -> None:
    def ruined(model: keras.Model) -> None:
        model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])

    with pytest.raises(ValueError, match="predictions"):
        made_front().train(lambda value: compiled(network()), [1], columns(MADE), fit=ruined)


def test_validation_people_are_one_batch_of_their_inputs() -> None:
    import tensorflow as tf

    x, sex = columns(MADE), MADE.attributes["sex"]
    for inputs in (x, {"x": x, "sex": sex}, {"sex": sex.tolist(), "x": x}, [x, x], (x,)):
        assert people_of(inputs) == len(MADE)
    pipeline = tf.data.Dataset.from_tensor_slices(x).batch(10)
    batches = iter([x])
    assert people_of(pipeline) is people_of(batches) is None
    assert next(batches) is x
    by_pipeline = made_front().train(lambda value: compiled(network()), [1], pipeline, fit=FIT)
    by_array = made_front().train(lambda value: compiled(network()), [1], x, fit=FIT)
    assert by_pipeline["trained 1"].predictions == pytest.approx(by_array["trained 1"].predictions, abs=1e-6)
