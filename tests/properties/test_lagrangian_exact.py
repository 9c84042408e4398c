"""A Lagrangian against the exact solution of a convex problem: its weights and its multipliers."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import keras
import numpy as np
import pytest

import keras_fair as kf

TEXT = "E[y | group=a] == E[y | group=b] +- 0.1"
DECAY = 0.005


def people() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b"], 400, p=[0.3, 0.7])
    x = rng.normal(size=(400, 3))
    x[:, 0] += 1.0 * (group == "b")
    chance = 1 / (1 + np.exp(x[:, 1] - 1.5 * x[:, 0]))
    return x, group, (rng.random(400) < chance).astype("float64")


def exact() -> tuple[np.ndarray, float]:
    """The weights and the multiplier, positive at the upper bound."""
    x, group, label = people()
    weights, bias = cp.Variable(3), cp.Variable()
    logits = x @ weights + bias
    means = {name: cp.sum(logits[group == name]) / np.sum(group == name) for name in ("a", "b")}
    bounds = [means["a"] - means["b"] <= 0.1, means["b"] - means["a"] <= 0.1]
    loss = cp.sum(cp.logistic(logits) - cp.multiply(label, logits)) / len(label)
    cp.Problem(cp.Minimize(loss + DECAY * cp.sum_squares(weights)), bounds).solve(solver=cp.CLARABEL)
    return weights.value, float(bounds[0].dual_value - bounds[1].dual_value)


@pytest.fixture
def double() -> Any:
    keras.backend.set_floatx("float64")
    yield
    keras.backend.set_floatx("float32")


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="float64 in layers")
def test_weights_and_multipliers_are_those_of_the_exact_solution(double: Any) -> None:
    import tensorflow as tf

    x, group, label = people()
    keras.utils.set_random_seed(0)
    layer = kf.layers.FairnessLagrangian(
        TEXT, 0.3, damping=3.0, memory=None, domain=None, vocabulary={"group": ["a", "b"]}
    )
    dense = keras.layers.Dense(1, dtype="float64")
    inputs, codes = tf.constant(x), tf.constant((group == "b").astype("int32"))
    dense(inputs), layer(tf.constant(x[:, :1]), attributes={"group": codes}, training=False)
    rate = 0.5

    @tf.function(jit_compile=True)
    def step() -> None:
        with tf.GradientTape() as tape:
            logits = layer(dense(inputs), attributes={"group": codes}, training=True)
            loss = keras.losses.binary_crossentropy(label[:, None], logits, from_logits=True)
            total = tf.reduce_mean(loss) + DECAY * tf.reduce_sum(tf.square(dense.kernel)) + layer.losses[-1]
        for weight, slope in zip(
            dense.trainable_variables, tape.gradient(total, dense.trainable_variables), strict=True
        ):
            weight.assign(weight - rate * slope)

    for _ in range(1500):
        step()
    weights, multiplier = exact()
    np.testing.assert_allclose(dense.get_weights()[0][:, 0], weights, rtol=1e-4)
    assert layer.multipliers()[TEXT] == pytest.approx(multiplier, rel=1e-4)
