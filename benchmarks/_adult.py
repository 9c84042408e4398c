"""Adult as the benchmarks use it: a matrix, labels, sex as a code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_fair import datasets

__all__ = ["CONSTRAINT", "VOCABULARY", "People", "load", "network"]

tf.get_logger().setLevel("ERROR")  # several models are compiled here, on purpose

CONSTRAINT = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
VOCABULARY = {"sex": ["Female", "Male"]}


class People(NamedTuple):
    """Features (n, k), label (n,), sex (n,) as codes of `VOCABULARY`."""

    x: np.ndarray
    label: np.ndarray
    sex: np.ndarray

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """What `FairModel` takes."""
        return {"x": self.x, "sex": self.sex}


def load(*, exclude: Sequence[str] = ()) -> tuple[People, People]:
    """The training and the test people."""
    train, test = datasets.adult.load_data()
    encoded = datasets.encode(train, test, exclude=exclude)

    def people(x: np.ndarray, split: datasets.Split) -> People:
        return People(x, split.label, (split.attributes["sex"] == "Male").astype("int32"))

    return people(encoded.train, train), people(encoded.test, test)


def network(features: int, *widths: int) -> keras.Sequential:
    """A network of relu layers with a sigmoid at its end."""
    layers = [keras.layers.Dense(width, activation="relu") for width in widths]
    return keras.Sequential([keras.Input((features,)), *layers, keras.layers.Dense(1, activation="sigmoid")])
