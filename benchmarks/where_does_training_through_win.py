"""Where does training through the projection win over correcting predictions afterwards?

Each setting trains the same network free and through the projection. The free one's predictions on the test
people are then projected with the same constraint. Both ways are tuned alike: the learning rate is the one
whose fair predictions on a fifth of the training people have the least loss. Scores are projected with either
divergence, logits and numbers with the Euclidean one. The loss is the log loss (regression: the mean squared
error) on the test people, as one batch and in batches of 64. Three seeds; figures are means, and wins the
seeds in which training through has the lesser loss than correcting afterwards with the same divergence. Names
of settings as arguments run those alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from _timing import table

import keras_fair as kf
from keras_fair import datasets

SEEDS, RATES, BATCH, SMALL = (0, 1, 2), (1e-3, 1e-2), 256, 64
RACES = ["African-American", "Caucasian", "Other"]


class Setting(NamedTuple):
    """What is trained. `values` is empty where the attribute is a number; `logits` are corrected on all
    reals."""

    load: Callable[[], Any]
    attribute: str
    values: list[str]
    constraint: str
    widths: tuple[int, ...]
    epochs: int
    logits: bool = False
    regression: bool = False
    exclude: tuple[str, ...] = ()

    @property
    def domain(self) -> Any:
        return None if self.logits else (0.0, 1.0)

    @property
    def divergences(self) -> tuple[str, ...]:
        return ("euclidean",) if self.logits or self.regression else ("euclidean", "binary_crossentropy")


class Part(NamedTuple):
    """Features (n, k), target (n,), the attribute (n,) as codes or numbers."""

    x: np.ndarray
    label: np.ndarray
    attribute: np.ndarray

    def at(self, places: Any) -> Part:
        return Part(*(column[places] for column in self))


SETTINGS = {
    "adult, scores": Setting(
        datasets.adult.load_data, "sex", ["Female", "Male"], "spread(E[y | sex=*]) <= 0.02", (64, 32), 3
    ),
    "adult, scores, 2 units, sex left out": Setting(
        datasets.adult.load_data,
        "sex",
        ["Female", "Male"],
        "spread(E[y | sex=*]) <= 0.02",
        (2,),
        3,
        exclude=("sex",),
    ),
    "adult, logits": Setting(
        datasets.adult.load_data, "sex", ["Female", "Male"], "spread(E[y | sex=*]) <= 0.05", (64, 32), 3, True
    ),
    "compas, scores, 4 units, small tolerance": Setting(
        datasets.compas.load_data, "race", RACES, "spread(E[y | race=*]) <= 0.005", (4,), 20
    ),
    "compas, logits": Setting(
        datasets.compas.load_data, "race", RACES, "spread(E[y | race=*]) <= 0.05", (16,), 20, True
    ),
    "law_school, scores, 4 units": Setting(
        datasets.law_school.load_data, "race", ["White", "Other"], "spread(E[y | race=*]) <= 0.01", (4,), 5
    ),
    "law_school, logits": Setting(
        datasets.law_school.load_data,
        "race",
        ["White", "Other"],
        "spread(E[y | race=*]) <= 0.05",
        (16,),
        5,
        True,
    ),
    "communities, regression": Setting(
        datasets.communities.load_data,
        "racepctblack",
        [],
        "cov(y, racepctblack) == 0 +- 0.001",
        (16,),
        40,
        regression=True,
    ),
}


def main(names: list[str]) -> None:
    lines = []
    for name in names or SETTINGS:
        setting = SETTINGS[name]
        runs = [_one_seed(setting, seed) for seed in SEEDS]
        for way in runs[0]:
            figures = np.mean([run[way][:3] for run in runs], axis=0)
            worst = max(run[way][3] for run in runs)
            lines.append([name, way, *(f"{figure:.4f}" for figure in figures), f"{worst:.6f}", ""])
            if way.startswith("through"):
                other = way.replace("through", "afterwards")
                won = [sum(run[way][place] < run[other][place] for run in runs) for place in (0, 1)]
                lines[-1][-1] = f"{won[0]}, {won[1]} of {len(SEEDS)}"
        print(f"{name}: done", file=sys.stderr, flush=True)
    head = ["setting", "way", "loss", f"loss, batches of {SMALL}", "accuracy", "largest violation", "wins"]
    table(head, lines)


def _one_seed(setting: Setting, seed: int) -> dict[str, list[float]]:
    """Loss, loss in small batches, accuracy and violation on the test people, by way."""
    train, test = _parts(setting)
    order = np.random.default_rng(seed).permutation(len(train.label))
    held = len(order) // 5
    fit, valid = train.at(order[held:]), train.at(order[:held])
    free = [_trained(setting, fit, seed, rate, None) for rate in RATES]
    found = {}
    for divergence in setting.divergences:

        def loss(y: np.ndarray, divergence: str = divergence) -> float:
            return _loss(setting, _project(setting, divergence, y, valid), valid.label)

        fair = [_trained(setting, fit, seed, rate, divergence) for rate in RATES]
        # A model trained through holds its network's own output; its layer is the same projection.
        for way, models in {"through": fair, "afterwards": free}.items():
            raw = _raw(_least(models, loss, valid), test)
            y = _project(setting, divergence, raw, test)
            parts = [slice(first, first + SMALL) for first in range(0, len(raw), SMALL)]
            small = [_project(setting, divergence, raw[part], test.at(part)) for part in parts]
            losses = [_loss(setting, each, test.label) for each in (y, np.concatenate(small))]
            found[f"{way}, {divergence}"] = [
                *losses,
                _accuracy(setting, y, test.label),
                _violation(setting, y, test),
            ]
    alone = _least(free, lambda y: _loss(setting, y, valid.label), valid)
    raw = _raw(alone, test)
    loss = _loss(setting, raw, test.label)
    found["unconstrained"] = [loss, loss, _accuracy(setting, raw, test.label), _violation(setting, raw, test)]
    return found


def _parts(setting: Setting) -> tuple[Part, Part]:
    train, test = setting.load()
    encoded = datasets.encode(train, test, exclude=list(setting.exclude))

    def part(x: np.ndarray, split: Any) -> Part:
        column = split.attributes[setting.attribute]
        if setting.values:
            # Values that are not named go with the last.
            column = np.array([_place(setting.values, value) for value in column], "int32")
        return Part(x, split.label, column)

    return part(encoded.train, train), part(encoded.test, test)


def _place(values: list[str], value: str) -> int:
    return values.index(value) if value in values else len(values) - 1


def _trained(setting: Setting, fit: Part, seed: int, rate: float, divergence: str | None) -> keras.Model:
    """The network after training by itself, or inside a `FairModel` with a divergence."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(width, activation="relu") for width in setting.widths]
    last = keras.layers.Dense(1, activation=None if setting.logits else "sigmoid")
    base = keras.Sequential([keras.Input((fit.x.shape[1],)), *layers, last])
    loss = "mse" if setting.regression else keras.losses.BinaryCrossentropy(from_logits=setting.logits)
    model: keras.Model = base
    inputs: Any = fit.x
    if divergence is not None:
        vocabulary = {setting.attribute: setting.values} if setting.values else None
        model = kf.FairModel(
            base, setting.constraint, domain=setting.domain, divergence=divergence, vocabulary=vocabulary
        )
        inputs = {"x": fit.x, setting.attribute: fit.attribute}
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(inputs, fit.label, batch_size=BATCH, epochs=setting.epochs, verbose=0)
    return base


def _least(models: list[keras.Model], loss: Callable[[np.ndarray], float], part: Part) -> keras.Model:
    return min(models, key=lambda model: loss(_raw(model, part)))


def _raw(model: keras.Model, part: Part) -> np.ndarray:
    return model.predict(part.x, batch_size=len(part.x), verbose=0)[:, 0].astype("float64")


def _rows(setting: Setting, part: Part) -> Any:
    column = part.attribute
    vocabulary = None
    if setting.values:
        column = np.array(setting.values)[column]
        vocabulary = kf.Vocabulary({setting.attribute: setting.values})
    return kf.parse(setting.constraint).rows({setting.attribute: column}, vocabulary=vocabulary)


def _project(setting: Setting, divergence: str, raw: np.ndarray, part: Part) -> np.ndarray:
    return kf.project(raw, _rows(setting, part), domain=setting.domain, divergence=divergence).y


def _violation(setting: Setting, y: np.ndarray, part: Part) -> float:
    return float(np.max(np.asarray(_rows(setting, part).violation(y))))


def _loss(setting: Setting, y: np.ndarray, label: np.ndarray) -> float:
    if setting.regression:
        return float(np.mean((y - label) ** 2))
    if setting.logits:
        return float(np.mean(np.logaddexp(0.0, y) - label * y))
    y = np.clip(y, 1e-7, 1.0 - 1e-7)  # as Keras does
    return float(-np.mean(label * np.log(y) + (1.0 - label) * np.log(1.0 - y)))


def _accuracy(setting: Setting, y: np.ndarray, label: np.ndarray) -> float:
    if setting.regression:
        return float("nan")
    return float(np.mean((y >= (0.0 if setting.logits else 0.5)) == (label == 1)))


if __name__ == "__main__":
    main(sys.argv[1:])
