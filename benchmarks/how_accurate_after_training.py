"""How good are fair predictions: trained through the projection, or projected after training?

Adult, a 64-32 network, batches of 256, five epochs, women and men within 0.02 of each other; the test people
are one batch. Three seeds, or as many as are asked for: `how_accurate_after_training.py 8`; each figure is
their mean, the gap the largest.

A log loss of Euclidean projections has a large gradient now and then, so one of the ways gives the optimizer
a `clipnorm`.
"""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
from _adult import CONSTRAINT, VOCABULARY, People, load, network
from _timing import table

import keras_fair as kf
from keras_fair.comparison.scores import scores_of

SEEDS, EPOCHS, BATCH = 3, 5, 256
DIVERGENCES = {"Euclidean": "euclidean", "cross-entropy": "binary_crossentropy"}
CLIPPED = "Euclidean, clipnorm=1"


def main(seeds: int = SEEDS) -> None:
    for title, left_out in {"with sex among the features": [], "without sex": ["sex"]}.items():
        train, test = load(exclude=left_out)
        found: dict[str, list[list[float]]] = {}
        for seed in range(seeds):
            for name, y in _predictions(train, test, seed).items():
                scores = scores_of(y, test.label)
                gap = abs(np.mean(y[test.sex == 0]) - np.mean(y[test.sex == 1]))
                found.setdefault(name, []).append([scores.accuracy, scores.auc, scores.log_loss, gap])
        print(f"the network {title}\n")
        lines = []
        for name, runs in found.items():
            accuracy, auc, log_loss, _ = (f"{figure:.4f}" for figure in np.mean(runs, axis=0))
            least, _, _, _ = np.min(runs, axis=0)
            _, _, most, gap = np.max(runs, axis=0)
            lines.append([name, accuracy, f"{least:.4f}", auc, log_loss, f"{most:.4f}", f"{gap:.6f}"])
        head = ["predictions", "accuracy", "least", "AUC", "log loss", "largest", "largest gap"]
        table(head, lines)


def _predictions(train: People, test: People, seed: int) -> dict[str, np.ndarray]:
    """The test people's predictions by every way, `(n,)` float64."""
    free = _trained(train, seed, None)
    y = free.predict(test.x, batch_size=len(test.label), verbose=0)[:, 0].astype("float64")
    rows = kf.parse(CONSTRAINT).rows({"sex": np.array(VOCABULARY["sex"])[test.sex]})
    predictions = {"unconstrained": y}
    for name, divergence in {**DIVERGENCES, CLIPPED: "euclidean"}.items():
        model = _trained(train, seed, divergence, clipnorm=1.0 if name == CLIPPED else None)
        fair = model.predict(test.inputs, batch_size=len(test.label), verbose=0)
        predictions[f"trained through, {name}"] = fair[:, 0].astype("float64")
    for name, divergence in DIVERGENCES.items():
        predictions[f"projected after training, {name}"] = kf.project(y, rows, divergence=divergence).y
    return predictions


def _trained(train: People, seed: int, divergence: str | None, clipnorm: float | None = None) -> keras.Model:
    """The network after five epochs, unconstrained where no divergence is given."""
    keras.utils.set_random_seed(seed)
    base = network(train.x.shape[1], 64, 32)
    model: keras.Model = base
    inputs: Any = train.x
    if divergence is not None:
        model = kf.FairModel(base, CONSTRAINT, vocabulary=VOCABULARY, divergence=divergence)
        inputs = train.inputs
    model.compile(keras.optimizers.Adam(clipnorm=clipnorm), "binary_crossentropy")
    model.fit(inputs, train.label, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return model


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
