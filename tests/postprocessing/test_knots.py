"""What a threshold makes of scores: the same in every type, in graphs, and for any number of people."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_fair.postprocessing.knots import ThresholdKnots


def ends_and_between(low: float, high: float, decision: float) -> np.ndarray:
    """Thresholds that are ordinary, at the ends, beside them, and none."""
    width = high - low
    inside = [decision, low + 0.2 * width, low + 0.9 * width, low + 1e-6 * width]
    return np.array([*inside, low, high, np.nextafter(high, low), np.inf])[:, None]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize(
    ("domain", "decision"), [((0.0, 1.0), 0.5), ((-2.0, 5.0), 1.0), ((100.0, 200.0), 130.0)]
)
def test_thresholds_go_to_the_decision_and_ends_to_ends(domain, decision, dtype, rng) -> None:
    low, high = domain
    thresholds = ends_and_between(low, high, decision)
    knots = ThresholdKnots(thresholds, np.ones_like(thresholds), decision, domain)
    given = [rng.uniform(low, high, 500), domain, thresholds[np.isfinite(thresholds)]]
    scores = np.sort(np.concatenate(given).astype(dtype))
    for row, (threshold,) in enumerate(thresholds.astype(dtype)):
        moved = knots.apply(scores, np.full(len(scores), row), None)
        assert moved.dtype == dtype
        np.testing.assert_array_equal(moved >= np.asarray(decision, dtype), scores >= threshold)
        assert (np.diff(moved.astype("float64")) >= 0).all()
        if np.isfinite(threshold):
            assert moved[-1] == high
        if low < threshold:
            assert moved[0] == low
        if low + 0.1 * (high - low) < threshold < low + 0.95 * (high - low):
            expected = np.interp(scores.astype("float64"), [low, threshold, high], [low, decision, high])
            assert np.abs(moved - expected).max() <= 20 * float(np.finfo(dtype).eps) * max(-low, high)


def test_one_person_or_many_in_a_compiled_graph(rng) -> None:
    """Compilers take a quotient by one number for all people apart from others."""
    knots = ThresholdKnots(np.array([[0.7709119319915771]]), np.ones((1, 1)), 0.3, (0.0, 1.0))
    scores = rng.random(100).astype("float32")
    weights = {name: keras.ops.convert_to_tensor(array, "float32") for name, array in knots.arrays.items()}

    def apply(scores, weights):
        return knots.apply(scores, keras.ops.zeros(scores.shape, "int32"), None, weights)

    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(apply)
    elif keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(apply, jit_compile=True, autograph=False)
    else:
        pytest.skip("compiles nothing")
    expected = knots.apply(scores, np.zeros(100, dtype=int), None)
    for size in (1, 7, 100):
        moved = compiled(keras.ops.convert_to_tensor(scores[:size]), weights)
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(moved), expected[:size])


def test_lots_mean_the_same_in_every_type(rng) -> None:
    shares = np.array([[0.25, 0.0, 0.75], [0.0, 1.0, 0.0]])
    knots = ThresholdKnots(np.array([[0.2, 0.4, 0.6], [0.1, 0.5, 0.9]]), shares, 0.5, (0.0, 1.0))
    lots, rows = rng.random(4000), np.zeros(4000, dtype=int)
    accepted = [
        knots.apply(np.full(4000, 0.5, dtype), rows, lots.astype(lot_type)) >= 0.5
        for dtype in ("float16", "float32", "float64")
        for lot_type in ("float32", "float64")
    ]
    np.testing.assert_array_equal(accepted[0], lots < 0.25)
    assert all((others == accepted[0]).all() for others in accepted)
    # A threshold without a share is nobody's, where no lots are drawn too.
    alone = ThresholdKnots(knots.thresholds[1:], shares[1:], 0.5, (0.0, 1.0))
    assert not alone.draws_lots
    given = alone.apply(np.array([0.49, 0.5]), np.zeros(2, dtype=int), None)
    assert (given >= 0.5).tolist() == [False, True]


def test_a_lot_next_to_one_is_a_lot_below_one() -> None:
    knots = ThresholdKnots(np.array([[0.2, np.inf]]), np.array([[1.0, 0.0]]), 0.5, (0.0, 1.0))
    lots = np.array([0.0, 0.5, 1 - 2.0**-25, np.nextafter(1.0, 0.0)])
    given = knots.apply(np.full(4, 0.3), np.zeros(4, int), lots)
    assert (given >= 0.5).all()
