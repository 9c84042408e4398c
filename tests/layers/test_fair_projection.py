"""The layer by itself: what it returns, what it takes, what it remembers, how it is stored."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

import keras_fair as kf

# JAX computes in single precision unless it is told otherwise.
TOLERANCE = 1e-6 if keras.backend.backend() == "tensorflow" else 1e-5

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
SEX = {"sex": ["Female", "Male"]}
DOUBLE = str(keras.backend.standardize_dtype(ops.convert_to_tensor(np.zeros(1)).dtype)) == "float64"


def gap(y, sex, weight=None) -> float:
    y, sex = np.asarray(y, "float64").reshape(len(sex)), np.asarray(sex)
    weight = np.ones(len(y)) if weight is None else weight
    means = [np.average(y[sex == value], weights=weight[sex == value]) for value in ("Female", "Male")]
    return abs(means[0] - means[1])


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
def test_rows_hold(batch, shape, divergence) -> None:
    layer = kf.FairProjection(PARITY, divergence=divergence)
    y = batch.y.reshape(shape).clip(0.01, 0.99)
    fair = layer(y, attributes={"sex": batch.sex})
    assert fair.shape == y.shape
    assert keras.backend.standardize_dtype(fair.dtype) == "float32"
    assert gap(y, batch.sex) > 0.2
    assert gap(fair, batch.sex) <= 0.02 + TOLERANCE
    assert np.asarray(fair).min() >= 0
    assert np.asarray(fair).max() <= 1


def test_softmax_stays_on_the_simplex(batch) -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(64, 3)) + np.eye(3)[batch.codes]
    y = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    layer = kf.FairProjection("E[y[1] | sex=Female] == E[y[1] | sex=Male] +- 0.02", domain="simplex")
    fair = np.asarray(layer(y.astype("float32"), attributes={"sex": batch.sex}))
    assert gap(fair[:, 1], batch.sex) <= 0.02 + TOLERANCE
    np.testing.assert_allclose(fair.sum(axis=1), 1.0, atol=1e-6)


def test_every_way_to_hand_in_columns_gives_the_same(batch) -> None:
    expected = np.asarray(kf.FairProjection(PARITY)(batch.y, attributes={"sex": batch.sex}))
    sex = batch.sex
    columns = {
        "list": {"sex": sex.tolist()},
        "objects": {"sex": sex.astype(object)},
        "column": {"sex": sex[:, None]},
        "frame": pd.DataFrame({"sex": sex, "age": 30}),
        "categorical": {"sex": pd.Series(sex).astype("category")},
        "codes": {"sex": batch.codes},
        "codes as tensor": {"sex": ops.convert_to_tensor(batch.codes)},
    }
    for name, attributes in columns.items():
        layer = kf.FairProjection(PARITY, vocabulary=SEX)
        np.testing.assert_allclose(np.asarray(layer(batch.y, attributes=attributes)), expected, err_msg=name)
    in_one = kf.FairProjection(PARITY)({"y": batch.y, "sex": batch.sex})
    np.testing.assert_allclose(np.asarray(in_one), expected)


def test_groups_as_probabilities(batch) -> None:
    shares = np.stack([1 - 0.8 * batch.codes, 0.8 * batch.codes], axis=1)
    layer = kf.FairProjection(PARITY, vocabulary=SEX)
    fair = np.asarray(layer(batch.y, attributes={"sex": shares}), "float64")
    female, male = (np.average(fair, weights=shares[:, k]) for k in (0, 1))
    assert abs(female - male) <= 0.02 + TOLERANCE


def test_numeric_attribute(batch) -> None:
    age = np.where(batch.codes == 1, 60.0, 20.0).astype("float32")
    layer = kf.FairProjection("E[y | age < 30] == E[y | age >= 30] +- 0.02")
    assert gap(layer(batch.y, attributes={"age": age}), batch.sex) <= 0.02 + TOLERANCE


@pytest.mark.parametrize("samples", [0, 1])
def test_smallest_batches_pass_through(samples) -> None:
    layer = kf.FairProjection(PARITY)
    y = np.full(samples, 0.7, "float32")
    fair = layer(y, attributes={"sex": np.array(["Male"] * samples)})
    np.testing.assert_array_equal(np.asarray(fair), y)


def test_batch_with_one_group_passes_through(batch) -> None:
    layer = kf.FairProjection(PARITY)
    fair = layer(batch.y, attributes={"sex": ["Male"] * len(batch.y)})
    np.testing.assert_array_equal(np.asarray(fair), batch.y)
    assert layer.record().active == {PARITY: 0}


def test_sample_weights_of_statistics_and_of_objective_are_chosen_apart(batch) -> None:
    weight = np.random.default_rng(2).uniform(0.1, 3.0, len(batch.y))

    def fair(statistics, objective):
        layer = kf.FairProjection(
            PARITY, weight_statistics=statistics, weight_objective=objective, domain=None
        )
        return np.asarray(layer(batch.y, attributes={"sex": batch.sex}, sample_weight=weight), "float64")

    assert gap(fair(True, False), batch.sex, weight) <= 0.02 + TOLERANCE
    assert gap(fair(True, True), batch.sex, weight) <= 0.02 + TOLERANCE
    assert gap(fair(False, True), batch.sex) <= 0.02 + TOLERANCE
    for statistics, objective in ((True, True), (False, False)):
        moved = fair(statistics, objective) - batch.y
        for code in (0, 1):  # the weights cancel, each group is shifted by one number
            assert np.ptp(moved[batch.codes == code]) < 1e-6
    moved = (fair(False, True) - batch.y) * weight  # heavy samples are moved less
    assert np.ptp(moved[batch.codes == 0]) < 1e-5
    unweighted = kf.FairProjection(PARITY, domain=None)(batch.y, attributes={"sex": batch.sex})
    np.testing.assert_allclose(fair(False, False), np.asarray(unweighted), atol=1e-7)


def test_weight_of_zero_takes_no_part(batch) -> None:
    weight = np.where(np.arange(len(batch.y)) < 10, 0.0, 1.0)
    layer = kf.FairProjection(PARITY)
    fair = np.asarray(layer(batch.y, attributes={"sex": batch.sex}, sample_weight=weight))
    np.testing.assert_array_equal(fair[:10], batch.y[:10])
    assert gap(fair[10:], batch.sex[10:]) <= 0.02 + TOLERANCE


def test_finite_stiffness_leaves_part_of_the_gap(batch) -> None:
    fair = kf.FairProjection(PARITY, stiffness=20.0)(batch.y, attributes={"sex": batch.sex})
    assert 0.021 < gap(fair, batch.sex) < gap(batch.y, batch.sex) - 0.05


def test_label_conditions(batch) -> None:
    layer = kf.FairProjection("equal_opportunity(sex) <= 0.05", vocabulary=SEX)
    fair = np.asarray(layer(batch.y, attributes={"sex": batch.sex}, label=batch.label))
    held = batch.label == 1
    assert gap(fair[held], batch.sex[held]) <= 0.05 + TOLERANCE
    np.testing.assert_array_equal(fair[~held], batch.y[~held])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_mixed_precision(batch, policy) -> None:
    layer = kf.FairProjection(PARITY, dtype=policy)
    low = "bfloat16" if policy == "mixed_bfloat16" else "float16"
    fair = layer(ops.cast(batch.y, low), attributes={"sex": batch.sex})
    expected = "float32" if policy == "float32" else low
    assert keras.backend.standardize_dtype(fair.dtype) == expected
    assert gap(ops.convert_to_numpy(ops.cast(fair, "float32")), batch.sex) <= 0.02 + (
        1e-6 if policy == "float32" else 2e-3
    )


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras has no float64 sums on PyTorch")
def test_what_came_in_as_float64_goes_out_as_float64() -> None:
    jax = importlib.import_module("jax") if keras.backend.backend() == "jax" else None
    with nullcontext() if jax is None else jax.enable_x64(True):
        y = ops.convert_to_tensor(np.array([0.1, 0.5, 0.7, 0.9]))
        fair = kf.FairProjection(PARITY, dtype="float64")(y, attributes={"sex": ["Female", "Male"] * 2})
        assert keras.backend.standardize_dtype(fair.dtype) == "float64"
        assert gap(fair, ["Female", "Male"] * 2) <= 0.02 + 1e-9


def test_attributes_keep_their_precision_under_mixed_precision() -> None:
    layer = kf.FairProjection("E[y | gain < 70001] <= 0.5", dtype="mixed_float16")
    gain = np.array([70000.0, 70002.0], "float32")  # both are infinite in float16
    fair = layer(ops.cast([0.9, 0.9], "float16"), attributes={"gain": gain})
    np.testing.assert_allclose(ops.convert_to_numpy(ops.cast(fair, "float32")), [0.5, 0.9], atol=1e-3)


def test_what_cannot_be_held_is_told_once_and_recorded(batch) -> None:
    layer = kf.FairProjection("high: E[y | sex=Female] >= 0.9\nlow: E[y | sex=Female] <= 0.1")
    # In single precision (JAX as it is by default) the solver may not be sure that it can't be done.
    words = "no predictions inside the domain meet all rows" if DOUBLE else "no predictions|iteration limit"
    with pytest.warns(UserWarning, match=words):
        fair = layer(batch.y, attributes={"sex": batch.sex})
    layer(batch.y, attributes={"sex": batch.sex})  # warnings are errors here: a second one would fail
    female = np.asarray(fair)[batch.codes == 0].mean()
    assert female == pytest.approx(0.5, abs=1e-4 if DOUBLE else 2e-3)
    record = layer.record()
    assert record.batches[kf.Outcome.SOLVED] == 0
    assert sum(record.batches.values()) == 2
    assert record.batches[kf.Outcome.RELAXED] == 2 or not DOUBLE
    assert record.violation == pytest.approx({"high": 0.4, "low": 0.4}, abs=1e-4 if DOUBLE else 2e-3)
    assert record.active == {"high": 2, "low": 2}
    layer.reset_record()
    assert sum(layer.record().batches.values()) == 0


def test_a_misspelt_value_is_told_once(batch) -> None:
    layer = kf.FairProjection("E[y | sex=Femal] == E[y | sex=Male] +- 0.02")
    with pytest.warns(UserWarning, match="nobody belonged to the groups of 'E.y . sex=Femal"):
        layer(batch.y, attributes={"sex": batch.sex})
    layer(batch.y, attributes={"sex": batch.sex})  # warnings are errors here: a second one would fail
    assert set(layer.record().active.values()) == {0}


def test_adapt_learns_the_values(batch) -> None:
    layer = kf.FairProjection("spread(E[y | sex=*]) <= 0.02")
    layer.adapt({"sex": batch.sex, "id": np.arange(len(batch.sex))})
    assert layer.vocabulary.values == {"sex": ("Female", "Male")}
    assert gap(layer(batch.y, attributes={"sex": batch.sex}), batch.sex) <= 0.02 + TOLERANCE
    with pytest.raises(ValueError, match="before the layer is first called"):
        layer.adapt({"sex": batch.sex})


def test_adapt_from_batches(batch) -> None:
    layer = kf.FairProjection("for c in label: E[y | sex=Female, label=c] <= 0.5")
    halves = [
        ({"sex": batch.sex[part], "id": batch.codes[part]}, batch.label[part])
        for part in (slice(32), slice(32, 64))
    ]
    layer.adapt(halves)
    assert layer.vocabulary.values == {"sex": ("Female", "Male")}
    assert layer.vocabulary.label == (0.0, 1.0)


@pytest.mark.parametrize("memory", [None, 50])
def test_codes_of_missing_values_are_refused_unless_it_was_said_what_they_mean(memory: int | None) -> None:
    codes, y = np.array([0, 1, 3, 1], "int32"), np.array([0.1, 0.4, 0.6, 0.9], "float32")  # 3: no value
    layer = kf.FairProjection(PARITY, vocabulary=SEX, memory=memory)
    with pytest.raises(kf.ConstraintTypeError, match="'sex' has 1 missing values.*missing='exclude'"):
        layer(y, attributes={"sex": codes}, training=True)
    said = kf.FairProjection(PARITY, vocabulary=kf.Vocabulary(SEX, missing="exclude"), memory=memory)
    assert np.isfinite(np.asarray(said(y, attributes={"sex": codes}, training=True))).all()


def full_layer() -> kf.FairProjection:
    return kf.FairProjection(
        "parity: E[y|sex=Female]==E[y|sex=Male]+-2%",
        domain=(-1, float("inf")),
        vocabulary=kf.Vocabulary({"sex": ["Male", "Female", "Other"]}, label=[0, 1], missing="exclude"),
        stiffness=12.5,
        weight_statistics=False,
        weight_objective=False,
        unknown="exclude",
        margin=0.01,
        memory=300,
        global_batch=False,
        name="fair",
        dtype="mixed_bfloat16",
    )


def test_config_round_trips_with_other_than_default_values() -> None:
    layer = full_layer()
    config = layer.get_config()
    assert config["constraints"] == "parity: E[y | sex=Female] == E[y | sex=Male] +- 0.02"
    again = kf.FairProjection.from_config(config)
    assert again.get_config() == config
    assert (again.name, again.dtype_policy.name) == ("fair", "mixed_bfloat16")
    defaults = kf.FairProjection(PARITY).get_config()
    assert [name for name, value in config.items() if name in defaults and defaults[name] == value] == [
        "trainable",
        "divergence",
    ]


def test_serialized_layer_comes_back() -> None:
    layer = full_layer()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    assert again.constraints == layer.constraints


def test_functional_model_is_cloned_saved_and_loaded(batch, tmp_path: Path) -> None:
    inputs = {"y": keras.Input((1,), name="y"), "sex": keras.Input((), dtype="int32", name="sex")}
    fair = kf.FairProjection(PARITY, vocabulary=SEX)(inputs["y"], attributes={"sex": inputs["sex"]})
    model = keras.Model(inputs, fair)
    given = {"y": batch.y[:, None], "sex": batch.codes}
    expected = model.predict(given, batch_size=64, verbose=0)
    assert gap(expected, batch.sex) <= 0.02 + TOLERANCE
    np.testing.assert_allclose(
        keras.models.clone_model(model).predict(given, batch_size=64, verbose=0), expected
    )
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "given.npz", **given, expected=expected)
    code = """
        import keras_fair, keras, numpy as np
        given = dict(np.load("given.npz"))
        expected = given.pop("expected")
        model = keras.models.load_model("model.keras")
        np.testing.assert_allclose(model.predict(given, batch_size=64, verbose=0), expected)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_dict_inputs_in_a_sequential_model(batch) -> None:
    given = {"y": batch.y[:, None], "sex": batch.codes}
    model = keras.Sequential([kf.FairProjection(PARITY, vocabulary=SEX), keras.layers.Rescaling(2.0)])
    fair = model.predict(given, batch_size=64, verbose=0)
    assert gap(fair / 2, batch.sex) <= 0.02 + TOLERANCE


def test_plan_is_lowered_once(batch) -> None:
    layer = kf.FairProjection(PARITY)
    assert layer.plan() is layer.plan()
    with pytest.raises(ValueError, match="was not"):
        layer.record()
