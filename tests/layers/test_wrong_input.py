"""Wrong input: every fault is an error whose words name it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import keras_fair as kf

# JAX computes in single precision unless it is told otherwise.
TOLERANCE = 1e-6 if keras.backend.backend() == "tensorflow" else 1e-5

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
Y = np.array([0.2, 0.4, 0.6, 0.8], "float32")
SEX = np.array(["Female", "Female", "Male", "Male"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"constraints": ""}, ["empty"]),
        ({"constraints": "  # nothing\n"}, ["empty"]),
        ({"domain": (1.0, 0.0)}, ["low < high", "domain=(1.0, 0.0)"]),
        ({"domain": "sphere"}, ["'simplex'", "domain='sphere'"]),
        ({"divergence": "hinge"}, ["euclidean", "divergence='hinge'"]),
        ({"divergence": "binary_crossentropy", "domain": None}, ["domain=(0, 1)"]),
        ({"stiffness": 0.0}, ["stiffness > 0", "stiffness=0.0"]),
        ({"stiffness": float("nan")}, ["stiffness > 0"]),
        ({"unknown": "ignore"}, ["exclude", "unknown='ignore'"]),
        ({"vocabulary": ["Female"]}, ["Vocabulary", "vocabulary=['Female']"]),
    ],
)
def test_arguments_of_the_constructor(arguments, words) -> None:
    with pytest.raises(ValueError) as fault:  # noqa: PT011
        kf.FairProjection(**{"constraints": PARITY, **arguments})
    for word in words:
        assert word in str(fault.value)


@pytest.mark.parametrize(
    ("y", "attributes", "words"),
    [
        (Y, {}, ["no attribute named 'sex'", PARITY, "        ^"]),
        (Y, {"sx": SEX}, ["no attribute named 'sex'", "did you mean 'sx'?"]),
        (Y, {"sex": SEX[:3]}, ["as many values", "'sex' has 3", "predictions has 4"]),
        (
            Y,
            {"sex": np.array(["Female", "Male", None, "Male"], object)},
            ["'sex' has 1 missing", "missing='exclude'"],
        ),
        (
            Y,
            {"sex": np.array([0.0, 1.0, 1.0, 1.0])},
            ["'sex' to hold text such as 'Female'", "received numbers"],
        ),
        (Y, {"sex": np.array([0, 1, 1, 1])}, ["'sex' to hold text", "integers", "Vocabulary"]),
        (np.array([0.2, np.nan, 0.6, 0.8]), {"sex": SEX}, ["finite predictions", "1 that are NaN"]),
        (np.array([-3.0, 0.4, 0.6, 2.5]), {"sex": SEX}, ["in [0, 1]", "-3 to 2.5", "sigmoid", "domain=None"]),
        (Y.reshape(2, 2, 1), {"sex": SEX}, ["(n, outputs)", "shape=(2, 2, 1)"]),
        ({"sex": SEX}, None, ["under 'y'", "['sex']"]),
    ],
)
def test_arguments_of_a_call(y, attributes, words) -> None:
    with pytest.raises(ValueError) as fault:  # noqa: PT011
        kf.FairProjection(PARITY)(y, attributes=attributes)
    for word in words:
        assert word in str(fault.value)


def test_value_outside_the_vocabulary() -> None:
    layer = kf.FairProjection(PARITY, vocabulary={"sex": ["Female", "Male"]})
    sex = np.array(["Female", "Femal", "Male", "Male"])
    with pytest.raises(kf.ConstraintTypeError) as fault:
        layer(Y, attributes={"sex": sex})
    for word in (
        "1 values outside the vocabulary",
        "'Femal'",
        "did you mean 'Female'",
        "unknown='exclude'",
        "^",
    ):
        assert word in str(fault.value)
    tolerant = kf.FairProjection(PARITY, vocabulary={"sex": ["Female", "Male"]}, unknown="exclude")
    fair = np.asarray(tolerant(Y, attributes={"sex": sex}))
    assert fair[1] == Y[1]
    assert abs(fair[0] - fair[2:].mean()) <= 0.02 + TOLERANCE


def test_number_outside_the_vocabulary() -> None:
    layer = kf.FairProjection("for s in school: E[y | school=s] <= 0.5", vocabulary={"school": [1, 2]})
    with pytest.raises(kf.ConstraintTypeError, match="1 values outside the vocabulary, such as '3"):
        layer(Y, attributes={"school": np.array([1.0, 1.0, 2.0, 3.0])})


def test_value_that_the_vocabulary_lacks_is_refused_in_the_constraint() -> None:
    layer = kf.FairProjection("E[y | sex=Femal] <= 0.5", vocabulary={"sex": ["Female", "Male"]})
    with pytest.raises(kf.ConstraintTypeError, match="did you mean 'Female'"):
        layer(Y, attributes={"sex": SEX})


def test_nan_in_a_numeric_attribute() -> None:
    layer = kf.FairProjection("E[y | age < 30] <= 0.5")
    with pytest.raises(kf.ConstraintTypeError, match=r"'age' has 1 missing values"):
        layer(Y, attributes={"age": np.array([20.0, np.nan, 30.0, 40.0])})


@pytest.mark.parametrize("text", ["spread(E[y | sex=*]) <= 0.1", "for g in sex: E[y | sex=g] <= 0.5"])
def test_values_that_are_not_known_ask_for_adapt(text) -> None:
    with pytest.raises(kf.ConstraintTypeError, match="learn them from data first, with adapt"):
        kf.FairProjection(text)(Y, attributes={"sex": SEX})


def test_label_that_is_lacking() -> None:
    layer = kf.FairProjection("E[y | sex=Female, label=1] <= 0.5")
    with pytest.raises(kf.ConstraintTypeError, match="needs the label") as fault:
        layer(Y, attributes={"sex": SEX})
    assert "^" in str(fault.value)


def test_all_in_one_dict_and_apart_at_once() -> None:
    with pytest.raises(ValueError, match="all inputs in one dict or all as separate"):
        kf.FairProjection(PARITY)({"y": Y, "sex": SEX}, label=Y)


def test_simplex_needs_vectors_that_add_up() -> None:
    layer = kf.FairProjection("E[y[0] | sex=Female] <= 0.5", domain="simplex")
    with pytest.raises(ValueError, match="add up to 1"):
        layer(np.full((4, 2), 0.3), attributes={"sex": SEX})
    with pytest.raises(ValueError, match=r"simplex.*shape=\(4, 1\)"):
        kf.FairProjection("E[y] <= 0.5", domain="simplex")(Y[:, None])


def test_encode_needs_a_vocabulary() -> None:
    with pytest.raises(ValueError, match="adapt layer='fair' first"):
        kf.FairProjection(PARITY, name="fair").encode({"sex": SEX})
