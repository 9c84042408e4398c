"""How much can an adversary hide, and what does it cost: can sex still be read from predictions that were
trained not to show it?

Adult without sex among the features, a 64-32 network, batches of 256, ten epochs, Adam with a rate that falls
from 0.001 to 0; adversaries have two layers of 32 and five times that rate. Each way has a few strengths. A
quarter of the training people choose among them: the most accurate one from whose predictions a fresh probe
reads sex with an AUC of at most 0.54 there, else the one with the lowest. Test people give the figures. One
seed and all ways, or as many seeds and those ways as are asked for: `how_much_can_an_adversary_hide.py 3
fairlearn`. fairlearn takes a minute for each strength, the others four seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from _adult import People, load, network
from _timing import table
from fairlearn.adversarial import AdversarialFairnessClassifier
from scipy import stats

import keras_fair as kf
from keras_fair.models.probe import Probe, probe_scores

EPOCHS, BATCH, GOAL = 10, 256, 0.54
NAMES = np.array(["Female", "Male"])
Scores = Callable[[np.ndarray], np.ndarray]


class Way(NamedTuple):
    """A way to train, and the strengths it is tried with."""

    train: Callable[[People, float, int], Scores]
    strengths: tuple[float, ...]


def main(seeds: int = 1, only: str = "") -> None:
    people, test = load(exclude=["sex"])
    ways = {
        "no adversary": Way(_adversary, (0.0,)),
        "kf.AdversarialModel": Way(_adversary, (3.0, 6.0, 10.0, 20.0)),
        "the same, projected_gradient": Way(_projected, (1.0, 3.0, 6.0, 10.0)),
        "fairlearn AdversarialFairnessClassifier": Way(_fairlearn, (3.0, 10.0, 1.0, 30.0)),
    }
    lines = []
    for name, way in ways.items():
        if only not in name:
            continue
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(len(people.label))
            fitted, choosing = (_part(people, half) for half in np.split(order, [len(order) * 3 // 4]))
            start = time.perf_counter()
            found = []
            for strength in way.strengths:
                found.append((strength, *_tried(way, strength, fitted, choosing, test, seed)))
                print(f"{name} {strength:g}: chosen by {found[-1][1]}, test {found[-1][2]}", flush=True)
            seconds = (time.perf_counter() - start) / len(found)
            strength, _, final = min(found, key=lambda each: _worse(each[1]))
            lines.append([name, f"{strength:g}", *final.shown, f"{seconds:.0f}"])
    print()
    head = ["way", "strength", "accuracy", "balanced", "probe's AUC", "interval", "independence(sex)", "s"]
    table(head, lines)


def _worse(chosen: Measured) -> tuple[float, float]:
    """Less is better: first how far the AUC is above the goal, then the accuracy."""
    return max(chosen.auc - GOAL, 0.0), -chosen.accuracy


class Measured(NamedTuple):
    """Predictions of some people, measured."""

    accuracy: float
    balanced: float
    auc: float
    probe: Probe
    distance: float

    @property
    def shown(self) -> list[str]:
        between = f"{self.probe.lower:.3f} to {self.probe.upper:.3f}"
        first = [f"{self.accuracy:.4f}", f"{self.balanced:.4f}", f"{self.auc:.3f}"]
        return [*first, between, f"{self.distance:.3f}"]

    def __str__(self) -> str:
        return " ".join(self.shown)


def _tried(
    way: Way, strength: float, fitted: People, choosing: People, test: People, seed: int
) -> tuple[Measured, Measured]:
    keras.utils.set_random_seed(seed)
    scores = way.train(fitted, strength, seed)
    return _measured(scores(choosing.x), choosing), _measured(scores(test.x), test)


def _measured(y: np.ndarray, people: People) -> Measured:
    y = np.asarray(y, "float64").reshape(-1)
    right = (y >= 0.5) == (people.label == 1)
    balanced = np.mean([right[people.label == value].mean() for value in (0, 1)])
    men = people.sex == 1
    probe = probe_scores([("sex", y, men, np.ones(len(y), dtype=bool))], confidence=0.95, seed=0)
    distance = stats.ks_2samp(y[men], y[~men]).statistic  # which independence(sex) is, for two groups
    return Measured(float(right.mean()), float(balanced), probe.auc, probe, float(distance))


def _part(people: People, places: np.ndarray) -> People:
    return People(people.x[places], people.label[places], people.sex[places])


def _inputs(people: People) -> dict[str, np.ndarray]:
    return {"x": people.x, "sex": NAMES[people.sex]}


def _fitted(model: Any, people: People) -> Scores:
    model.compile(_optimizer(people), "binary_crossentropy")
    model.fit(_inputs(people), people.label, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return lambda x: model.predict(x, batch_size=4096, verbose=0)


def _optimizer(people: People) -> Any:
    steps = EPOCHS * -(-len(people.label) // BATCH)
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps))


def _adversary(people: People, strength: float, seed: int, **options: Any) -> Scores:
    base = network(people.x.shape[1], 64, 32)
    return _fitted(kf.AdversarialModel(base, "independence(sex)", strength=strength, **options), people)


def _projected(people: People, strength: float, seed: int) -> Scores:
    return _adversary(people, strength, seed, projected_gradient=True)


def _fairlearn(people: People, strength: float, seed: int) -> Scores:
    model = AdversarialFairnessClassifier(
        backend="tensorflow",
        predictor_model=[64, "relu", 32, "relu"],
        adversary_model=[32, "relu", 32, "relu"],
        alpha=strength,
        predictor_optimizer=lambda model: _optimizer(people),
        adversary_optimizer=lambda model: keras.optimizers.Adam(5e-3, global_clipnorm=1.0),
        epochs=EPOCHS,
        batch_size=BATCH,
        shuffle=True,
        random_state=seed,
    )
    model.fit(people.x, people.label, sensitive_features=people.sex)
    return lambda x: model._raw_predict(x)  # predictions before the threshold have no public name


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:])
