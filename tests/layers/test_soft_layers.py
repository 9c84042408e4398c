"""Layers that add statements to the loss."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.errors import ConstraintTypeError

SEX = np.array(["F", "F", "M", "M"])
Y = np.array([0.2, 0.4, 0.6, 0.8])
TEXT = "E[y | sex=F] == E[y | sex=M] +- 0.1"  # the gap of Y is -0.4


def added(layer: Any, **call: Any) -> float:
    layer(Y, attributes={"sex": SEX}, **call)
    return float(layer.losses[0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"weight": 1.0}, 0.09),
        ({"weight": 10.0}, 0.9),
        ({"scale": 0.1}, 9.0),
        ({"penalty": "linear"}, 0.3),
        ({"penalty": "linear", "scale": 0.1}, 3.0),
        ({"penalty": "huber", "huber_delta": 0.1}, 2 * 0.1 * 0.3 - 0.01),
        ({"penalty": "huber", "huber_delta": 0.5}, 0.09),
        ({"by_size": True}, 0.045),
        ({"weight": keras.optimizers.schedules.PiecewiseConstantDecay([5], [2.0, 1.0])}, 0.18),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_penalties(options: dict[str, Any], expected: float) -> None:
    layer = kf.layers.FairnessPenalty(TEXT, debias=False, **options)
    assert added(layer) == pytest.approx(expected, rel=1e-5)
    assert layer.record().violation == pytest.approx({TEXT: 0.3})


def test_the_weight_of_a_statement_multiplies_its_penalty() -> None:
    layer = kf.layers.FairnessPenalty(f"{TEXT} with weight 3; E[y] <= 0.4", debias=False)
    assert added(layer) == pytest.approx(3 * 0.09 + 0.01)


def test_predictions_pass_unchanged_and_without_attributes_nothing_is_added() -> None:
    layer = kf.layers.FairnessPenalty(TEXT)
    for attributes in ({"sex": SEX}, None, {"age": Y}):
        fair = layer(Y, attributes=attributes)
        np.testing.assert_allclose(keras.ops.convert_to_numpy(fair), Y, atol=1e-7)
    with pytest.raises(ConstraintTypeError, match="no attribute named 'sex'"):
        layer(Y, training=True)


@pytest.mark.parametrize("text", ["equal_opportunity(sex) <= 0.1", "max(E[loss | sex=*]) <= 0.1"])
def test_without_the_label_nothing_is_added_and_training_says_what_is_needed(text: str) -> None:
    layer = kf.layers.FairnessPenalty(text, vocabulary={"sex": ["F", "M"]})
    layer(Y, attributes={"sex": SEX})
    assert not layer.losses
    with pytest.raises(ConstraintTypeError, match="needs the label"):
        layer(Y, attributes={"sex": SEX}, training=True)
    layer(Y, attributes={"sex": SEX}, label=np.array([1, 0, 1, 1]), training=True)
    assert len(layer.losses) == 1


def test_a_decision_counts_and_its_gradient_is_that_of_the_stand_in() -> None:
    """At predictions on the wrong side a little, the strict gap is 1 and the gradient moves both groups."""
    from tests.gradients import gradient_of

    layer = kf.layers.FairnessPenalty("P[y >= 0.5 | sex=F] == P[y >= 0.5 | sex=M]", debias=False)
    y = np.array([0.45, 0.4, 0.6, 0.7])

    def total(y: Any) -> Any:
        layer(y, attributes={"sex": SEX}, training=False)
        return layer.losses[0]

    assert added(layer) == pytest.approx(1.0)
    gradient = gradient_of(total, y.astype("float32"))
    assert np.sign(gradient).tolist() == [-1, -1, 1, 1]


def test_a_memory_pools_batches_and_keeps_the_size_of_the_gradient() -> None:
    layer = kf.layers.FairnessPenalty("E[y | sex=F] == E[y | sex=M]", debias=False, memory=1_000_000)
    for y in ([0.2, 0.2, 0.6, 0.6], [0.4, 0.4, 0.6, 0.6]):
        layer(np.array(y), attributes={"sex": SEX}, training=True)
    assert float(layer.losses[0]) == pytest.approx(0.3**2, rel=1e-4)  # of both batches together


def test_multipliers_rise_at_the_bound_that_is_violated_fall_when_it_holds_and_stay_finite() -> None:
    layer = kf.layers.FairnessLagrangian(TEXT, 1.0, damping=0.0, augmented=0.0, memory=None, most=2.0)
    seen = []
    for gap in (0.4, 0.4, 0.0, 0.0, *[0.9] * 4):
        y = np.array([0.5 - gap / 2, 0.5 - gap / 2, 0.5 + gap / 2, 0.5 + gap / 2])
        layer(np.clip(y, 0, 1), attributes={"sex": SEX}, training=True)
        seen.append(layer.multipliers()[TEXT])
    np.testing.assert_allclose(seen, [-0.3, -0.6, -0.5, -0.4, -1.2, -2.0, -2.0, -2.0], atol=1e-6)
    assert layer.diverged() == [TEXT]
    assert any("diverged" in doubt and "kf.diagnose" in doubt for doubt in layer.doubts())


@pytest.mark.parametrize("kind", ["FairnessPenalty", "FairnessLagrangian"])
def test_a_layer_comes_back_from_its_config_with_every_argument(kind: str) -> None:
    own: dict[str, Any] = {
        "FairnessPenalty": {"weight": 2.0, "penalty": "huber", "scale": 0.1, "huber_delta": 0.3},
        "FairnessLagrangian": {"rate": 0.1, "damping": 3.0, "smoothing": 0.5, "augmented": 2.0, "most": 9.0},
    }[kind]
    shared = {
        "temperature": keras.optimizers.schedules.ExponentialDecay(1.0, 10, 0.9),
        "memory": 77,
        "loss": keras.losses.Huber(),
        "domain": None,
        "vocabulary": {"sex": ["F", "M"]},
        "unknown": "exclude",
        "weight_statistics": False,
        "global_batch": False,
        "name": "mine",
    }
    layer = getattr(kf.layers, kind)(TEXT, **own, **shared)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    for name, value in own.items():
        assert again.get_config()[name] == value


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("FairnessPenalty", {"weight": -1.0}, "weight=-1.0"),
        ("FairnessPenalty", {"weight": "big"}, "weight='big'"),
        ("FairnessPenalty", {"weight": float("nan")}, "weight=nan"),
        ("FairnessPenalty", {"temperature": 0}, "temperature=0"),
        ("FairnessPenalty", {"penalty": "cube"}, "penalty='cube'"),
        ("FairnessPenalty", {"scale": 0}, "scale=0"),
        ("FairnessPenalty", {"huber_delta": -1}, "huber_delta=-1"),
        ("FairnessPenalty", {"memory": 0}, "memory=0"),
        ("FairnessPenalty", {"loss": 3}, "loss=3"),
        ("FairnessPenalty", {"unknown": "maybe"}, "unknown='maybe'"),
        ("FairnessLagrangian", {"rate": 0}, "rate=0"),
        ("FairnessLagrangian", {"damping": -1}, "damping=-1"),
        ("FairnessLagrangian", {"smoothing": 1.0}, "smoothing=1.0"),
        ("FairnessLagrangian", {"augmented": -1}, "augmented=-1"),
        ("FairnessLagrangian", {"most": float("inf")}, "most=inf"),
    ],
    ids=str,
)
def test_wrong_arguments_are_named(kind: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(kf.layers, kind)(TEXT, **options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P[y = 1 | sex=F] <= 0.1", "no stand-in"),
        ("E[label | sex=F] <= 0.1", "does not contain y"),
        ("E[y | sex=F <= 0.1", "expected"),
    ],
)
def test_statements_that_can_t_train_are_refused_at_once(text: str, words: str) -> None:
    with pytest.raises(kf.ConstraintError, match=words):
        kf.layers.FairnessPenalty(text)
