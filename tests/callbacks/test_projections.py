"""Which projections of a model callbacks see."""

from __future__ import annotations

import keras
import pytest

import keras_fair as kf
from keras_fair.callbacks.projections import projections

TEXT = "E[y] <= 0.5"


class Holder(keras.layers.Layer):
    """A layer of a user that holds a projection."""

    def __init__(self, projection: kf.FairProjection) -> None:
        super().__init__()
        self.projection = projection

    def call(self, y):
        return self.projection(y)


def test_projections_of_inner_models_and_layers_each_once() -> None:
    one, two, three = (kf.FairProjection(TEXT, name=name) for name in ("one", "two", "three"))
    inner = keras.Sequential([keras.Input((1,)), one, Holder(two)])
    model = keras.Sequential([keras.Input((1,)), inner, one, three])
    assert {layer.name for layer in projections(model)} == {"one", "two", "three"}
    assert len(projections(model)) == 3
    assert projections(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])) == []


def test_two_projections_of_one_name_have_no_stream() -> None:
    same = [kf.FairProjection(TEXT, name="same") for _ in range(2)]
    model = keras.Sequential([keras.Input((1,)), Holder(same[0]), Holder(same[1])])
    stream = kf.StreamingFairness()
    with pytest.raises(ValueError, match="received 'same' twice"), stream.attached(model):
        pass
