"""The same task in the three styles of Keras, so that every stage is tested in each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import keras_fair as kf

SEX = {"sex": ["Female", "Male"]}
PEOPLE = 64  # one compiled program serves batches of all sizes up to this


class Task(NamedTuple):
    """Features that tell the group, codes of the group, labels."""

    x: np.ndarray
    sex: np.ndarray
    label: np.ndarray

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        return {"x": self.x, "sex": self.sex}

    def part(self, selected: Any) -> Task:
        return Task(self.x[selected], self.sex[selected], self.label[selected])


@pytest.fixture(scope="module")
def task() -> Task:
    rng = np.random.default_rng(7)
    sex = rng.integers(0, 2, PEOPLE).astype("int32")
    x = rng.normal(size=(PEOPLE, 3)).astype("float32")
    x[:, 0] += sex
    label = (x[:, 0] + 0.5 * rng.normal(size=PEOPLE) > 0.5).astype("int32")
    return Task(x, sex, label)


def network() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def functional(constraints: str) -> keras.Model:
    x, sex = keras.Input((3,), name="x"), keras.Input((), dtype="int32", name="sex")
    fair = kf.FairProjection(constraints, vocabulary=SEX)(network()(x), attributes={"sex": sex})
    return keras.Model({"x": x, "sex": sex}, fair)


def wrapped(constraints: str) -> keras.Model:
    return kf.FairModel(network(), constraints, vocabulary=SEX)


@keras.saving.register_keras_serializable(package="tests")
class Subclassed(keras.Model):
    """A model of one's own around the layer."""

    def __init__(self, constraints: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.constraints = constraints
        self.hidden = keras.layers.Dense(8, activation="relu")
        self.score = keras.layers.Dense(1, activation="sigmoid")
        self.fair = kf.FairProjection(constraints, vocabulary=SEX)

    def build(self, shapes: Any) -> None:
        self.hidden.build((None, 3))
        self.score.build((None, 8))
        self.fair.build((None, 1))

    def call(self, inputs: Any) -> Any:
        return self.fair(self.score(self.hidden(inputs["x"])), attributes={"sex": inputs["sex"]})

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "constraints": self.constraints}


STYLES: dict[str, Callable[[str], keras.Model]] = {
    "functional": functional,
    "wrapped": wrapped,
    "subclassed": Subclassed,
}


@pytest.fixture(params=STYLES)
def style(request: pytest.FixtureRequest) -> Callable[[str], keras.Model]:
    return STYLES[request.param]
