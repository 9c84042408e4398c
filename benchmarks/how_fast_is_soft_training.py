"""What a step of training costs with a penalty or with multipliers, over a step of the same network without.

Adult's features, a 64-32 network, batches of 256; decision rates of both sexes, and equalized odds.
Alternated, processor time of whole epochs after a first one that compiles.

    python benchmarks/how_fast_is_soft_training.py
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from _adult import VOCABULARY, load, network

import keras_fair as kf

TEXTS = {
    "parity": "spread(P[y >= 0.5 | sex=*]) <= 0.02",
    "odds": "equalized_odds(sex) <= 0.02 at y >= 0.5",
}
ROUNDS = 7


def models(text: str) -> dict[str, Any]:
    train, _ = load(exclude=["sex"])
    vocabulary = kf.Vocabulary(VOCABULARY, label=[0, 1])
    layers = {
        "plain": None,
        "penalty": kf.layers.FairnessPenalty(text, 10.0, vocabulary=vocabulary),
        "penalty, memory": kf.layers.FairnessPenalty(text, 10.0, memory=4000, vocabulary=vocabulary),
        "Lagrangian": kf.layers.FairnessLagrangian(text, vocabulary=vocabulary),
    }
    made = {}
    for name, layer in layers.items():
        base = network(train.x.shape[1], 64, 32)
        model = base if layer is None else kf.FairModel(base, layer)
        model.compile("adam", "binary_crossentropy")
        inputs = train.x if layer is None else train.inputs
        made[name] = lambda model=model, inputs=inputs: model.fit(
            inputs, train.label, batch_size=256, epochs=1, verbose=0
        )
    return made


def main() -> None:
    warnings.simplefilter("ignore")
    columns = ("statement", "layer", "processor time over plain, median", "least", "most")
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for kind, text in TEXTS.items():
        epochs = models(text)
        for run in epochs.values():
            run()
        ratios: dict[str, list[float]] = {name: [] for name in epochs}
        for _ in range(ROUNDS):
            taken = {}
            for name, run in epochs.items():
                start = time.process_time()
                run()
                taken[name] = time.process_time() - start
            for name, seconds in taken.items():
                ratios[name].append(seconds / taken["plain"])
        for name, found in ratios.items():
            numbers = " | ".join(f"{each:.2f}" for each in (np.median(found), min(found), max(found)))
            print(f"| {kind} | {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
