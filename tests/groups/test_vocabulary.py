"""Vocabularies: learning, encoding, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest

from keras_fair.rows import Vocabulary


@pytest.mark.parametrize(
    "column",
    [
        ["b", "a", "b"],
        np.array(["b", "a", "b"]),
        np.array([b"b", b"a", b"b"]),
        np.array(["b", "a", "b"], dtype=object),
        np.array([["b"], ["a"], ["b"]]),
        ("b", "a", "b"),
    ],
    ids=["list", "str", "bytes", "object", "column", "tuple"],
)
def test_text_is_listed_sorted_and_coded(column: Any) -> None:
    vocabulary = Vocabulary().adapt({"x": column})
    assert vocabulary.values == {"x": ("a", "b")}
    codes = vocabulary.encode({"x": column})["x"]
    assert codes.dtype == np.int32
    assert codes.tolist() == [1, 0, 1]


def test_pandas_columns_and_frames() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "text": ["b", "a", "b"],
            "kind": pd.Categorical(["u", "v", "u"], categories=["v", "u", "w"]),
            "number": [3, 1, 2],
            "whole": pd.array([1, 2, 3], dtype="Int64"),
        }
    )
    vocabulary = Vocabulary().adapt(frame)
    assert vocabulary.values == {
        "kind": ("u", "v"),
        "number": (1.0, 2.0, 3.0),
        "text": ("a", "b"),
        "whole": (1.0, 2.0, 3.0),
    }
    encoded = vocabulary.encode(frame)
    assert encoded["kind"].tolist() == [0, 1, 0]
    assert encoded["number"].tolist() == [3.0, 1.0, 2.0]
    missing = pd.DataFrame({"text": ["a", None, "b"], "whole": pd.array([1, None, 3], dtype="Int64")})
    encoded = Vocabulary({"text": ["a", "b"], "whole": None}, missing="exclude").encode(missing)
    assert encoded["text"].tolist() == [0, 3, 1]
    np.testing.assert_array_equal(encoded["whole"], [1, np.nan, 3])


def test_numbers_sort_as_numbers_and_many_are_not_listed() -> None:
    vocabulary = Vocabulary().adapt(
        {"n": [10, 9, 100, 9], "many": np.arange(4000) / 7, "flag": [True, False] * 2}
    )
    assert vocabulary.values == {"flag": (0.0, 1.0), "many": None, "n": (9.0, 10.0, 100.0)}


def test_adapt_forgets_and_update_adds() -> None:
    vocabulary = Vocabulary({"x": ["a"]}).update({"x": ["c"]}, label=[1])
    assert vocabulary.values == {"x": ("a", "c")}
    assert vocabulary.label == (1.0,)
    assert vocabulary.adapt({"x": ["b"]}).values == {"x": ("b",)}
    assert vocabulary.label is None


def test_batches_of_dicts() -> None:
    batches = [({"x": ["a", "c"]}, [0, 0]), ({"x": ["b", "a"]}, [1, 0])]
    vocabulary = Vocabulary().adapt(batches)
    assert vocabulary.values == {"x": ("a", "b", "c")}
    assert vocabulary.label == (0.0, 1.0)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data")
def test_tf_data() -> None:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(
        ({"x": ["a", "c", "b"], "z": np.ones((3, 2))}, [0, 1, 1])
    ).batch(2)
    vocabulary = Vocabulary().adapt(data)
    assert vocabulary.values == {"x": ("a", "b", "c")}
    assert vocabulary.label == (0.0, 1.0)


def test_config_round_trips_as_json() -> None:
    vocabulary = Vocabulary({"x": ["b", "a"], "n": [2, 1], "m": None}, label=[0, 1], missing="exclude")
    again = Vocabulary.from_config(json.loads(json.dumps(vocabulary.get_config())))
    assert again == vocabulary
    assert again.missing == "exclude"
    assert again != Vocabulary({"x": ["b", "a"]})


def test_values_outside_and_missing_have_codes_of_their_own() -> None:
    column = {"x": ["a", "z", None, "", np.nan]}
    assert Vocabulary({"x": ["a", "b"]}, missing="exclude").encode(column)["x"].tolist() == [0, 2, 3, 3, 3]
    grouped = Vocabulary(missing="group").adapt({"x": ["b", None, "a"]})
    assert grouped.values == {"x": ("a", "b", "missing")}
    assert grouped.encode(column)["x"].tolist() == [0, 3, 2, 2, 2]


def test_probabilities_are_put_in_the_order_of_the_vocabulary() -> None:
    vocabulary = Vocabulary({"x": ["b", "a"]})
    encoded = vocabulary.encode({"x": {"b": [0.25, 0.5], "a": [0.75, 0.25]}})["x"]
    assert encoded.tolist() == [[0.75, 0.25], [0.25, 0.5]]


@pytest.mark.parametrize(
    ("values", "column", "words"),
    [
        (["a", "b"], [1, 2], ["text such as 'a', 'b'", "numbers"]),
        ([1, 2], ["a", "b"], ["numbers", "text such as 'a'"]),
        (None, ["a", "b"], ["numbers", "'a'"]),
        (["a", "b"], ["a", 1], ["either text or numbers"]),
        (["a", "b"], [["a"], ["b"]], ["neither"]),
        (["a", "b"], np.array([["a", "b"]] * 2), ["probabilities", "numbers"]),
        (["a", "b"], "a", ["column of values"]),
        (["a", "b"], np.array([1], dtype="timedelta64[D]"), ["text or numbers"]),
        (["a", "b"], ["a", None], ["1 missing", "exclude", "group"]),
        (["a", "b"], {"a": [0.5], "c": [0.5]}, ["no value 'c'"]),
        (["a", "b"], {"a": [0.9], "b": [0.2]}, ["sums of at most 1"]),
        (["a", "b"], {"a": [0.9, 0.1], "b": [0.2]}, ["one length"]),
        (["a", "b"], np.ones((2, 3)) / 3, ["(n, 2)", "(2, 3)"]),
    ],
)
def test_columns_that_do_not_fit(values: Any, column: Any, words: list[str]) -> None:
    with pytest.raises(ValueError, match="attribute 'x'") as caught:
        Vocabulary({"x": values}).encode({"x": column})
    for word in words:
        assert word in str(caught.value)


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="expected missing to be one of"):
        Vocabulary(missing="drop")
    with pytest.raises(ValueError, match="None, NaN or empty"):
        Vocabulary({"x": ["a", None]})
    with pytest.raises(ValueError, match="dict of columns or a DataFrame"):
        Vocabulary({"x": ["a"]}).encode([1, 2])
    with pytest.raises(ValueError, match="either text or numbers"):
        Vocabulary().adapt({"x": ["a"]}).update({"x": [1]})
