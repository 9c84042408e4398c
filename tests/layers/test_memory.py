"""A layer with a memory: a stream step while training, rows of the batch otherwise."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

import keras_fair as kf
from keras_fair.ops.stream import asked

CONSTRAINT = "E[y | sex=F] == E[y | sex=M] +- 0.02"
VALUES = {"sex": ["F", "M"]}


def layer(**arguments):
    return kf.FairProjection(CONSTRAINT, vocabulary=VALUES, memory=200, **arguments)


def arrivals(count, seed=0):
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, count)
    return np.clip(0.2 + 0.3 * sex + rng.uniform(0, 0.3, count), 0, 1), sex.astype("int32")


def in_a_graph(remembering):
    """Calls in training; outside a graph they take long."""

    def step(y, sex):
        return remembering(y, attributes={"sex": sex}, training=True)

    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(step)
    if keras.config.backend() == "jax":
        import jax

        remembering.build((None,))

        @jax.jit
        def stateless(state, y, sex):
            return remembering.stateless_call([], state, y, attributes={"sex": sex}, training=True)

        def stateful(y, sex):
            out, state = stateless([each.value for each in remembering.non_trainable_variables], y, sex)
            for variable, value in zip(remembering.non_trainable_variables, state, strict=True):
                variable.assign(value)
            return out

        return stateful
    return step


def test_outside_training_each_batch_obeys_by_itself():
    y, sex = arrivals(16)
    plain = kf.FairProjection(CONSTRAINT, vocabulary=VALUES)
    expected = ops.convert_to_numpy(plain(y, attributes={"sex": sex}))
    with_memory = layer()
    with_memory(y, attributes={"sex": sex}, training=True)
    projected = ops.convert_to_numpy(with_memory(y, attributes={"sex": sex}, training=False))
    np.testing.assert_array_equal(projected, expected)


def test_batches_of_one_are_held_together():
    y, sex = arrivals(600)
    step, fair = in_a_graph(layer()), []
    for one in range(len(y)):
        part = slice(one, one + 1)
        out = step(y[part], sex[part])
        fair.append(float(ops.convert_to_numpy(out)[0]))
    last, groups = np.array(fair[-200:]), sex[-200:]
    assert np.mean(y[-200:][groups == 1]) - np.mean(y[-200:][groups == 0]) > 0.25
    assert abs(np.mean(last[groups == 1]) - np.mean(last[groups == 0])) < 0.06


def test_gradient_of_a_step_agrees_with_finite_differences(monkeypatch):
    """No gradient flows through the springs, so the differences are taken with those of the point itself."""
    if keras.config.backend() != "tensorflow":
        pytest.skip("the tape is TensorFlow's; gradients on other backends are tested in tests/ops")
    import tensorflow as tf

    y, sex = arrivals(12)
    first, second = slice(0, 6), slice(6, 12)

    made = []  # the springs of each step at the point itself
    whole = asked.springs

    def the_same_springs(rows, *arguments):
        springs = whole(rows, *arguments)
        if recording:
            made.append(springs)
            return springs
        then = made[len(steps)]
        steps.append(then)
        aimed = dataclasses.replace(springs.aimed, lower=then.aimed.lower, upper=then.aimed.upper)
        return springs._replace(aimed=aimed, stiffness=then.stiffness)

    monkeypatch.setattr(asked, "springs", the_same_springs)
    recording, steps = True, []

    def after(values):
        steps.clear()
        remembering = layer(dtype="float64")
        remembering(y[first], attributes={"sex": sex[first]}, training=True)
        return remembering(values, attributes={"sex": sex[second]}, training=True)

    weights = np.random.default_rng(1).normal(size=6)
    here = tf.constant(y[second])
    with tf.GradientTape() as tape:
        tape.watch(here)
        total = tf.reduce_sum(after(here) * weights)
    gradient = tape.gradient(total, here).numpy()
    recording = False
    assert len(made) == 2
    step = 1e-6
    for place in range(6):
        shift = np.zeros(6)
        shift[place] = step
        ahead, behind = (
            float(np.sum(after(tf.constant(y[second] + sign * shift)).numpy() * weights)) for sign in (1, -1)
        )
        assert gradient[place] == pytest.approx((ahead - behind) / (2 * step), abs=1e-6)


def test_the_memory_is_saved_with_the_model(tmp_path):
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(64, 3)).astype("float32"), "sex": rng.integers(0, 2, 64).astype("int32")}
    label = rng.integers(0, 2, 64)
    base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model = kf.FairModel(base, CONSTRAINT, vocabulary=VALUES, memory=50)
    model.compile("sgd", "binary_crossentropy")
    model.fit(inputs, label, batch_size=8, shuffle=False, verbose=0)
    memory = np.array(ops.convert_to_numpy(model.projection._memory.weight.value))
    assert np.abs(memory).max() > 1.0
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.projection.memory == 50
    again.predict(inputs, verbose=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(again.projection._memory.weight.value), memory)


@pytest.mark.parametrize("memory", [0, -1, 2.5, True, "many"])
def test_other_memories_are_refused(memory):
    with pytest.raises(ValueError, match="expected memory to be None or a whole number >= 1, received"):
        kf.FairProjection(CONSTRAINT, memory=memory)
