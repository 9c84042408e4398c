"""How well do small batches train: each made fair by itself, or together with a memory of those before?

Adult, a 64-32 network, batches of 8 and 16, two epochs, women and men within 0.02 of each other; the test
people are one batch, projected the same way for all. Three seeds; each figure is their mean, the gap the
largest.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from _adult import CONSTRAINT, VOCABULARY, People, load, network
from _timing import table

import keras_fair as kf
from keras_fair.comparison.scores import scores_of

SEEDS, EPOCHS, BATCHES = (0, 1, 2), 2, (8, 16)
WAYS: dict[str, int | None] = {"rows of each batch": None, "memory of 500": 500, "memory of 2,000": 2000}


def main() -> None:
    for title, left_out in {"with sex among the features": [], "without sex": ["sex"]}.items():
        train, test = load(exclude=left_out)
        lines = []
        for batch in BATCHES:
            for name, memory in WAYS.items():
                runs = [_scores(train, test, seed, batch, memory) for seed in SEEDS]
                accuracy, auc, log_loss, _ = np.mean(runs, axis=0)
                worst = max(run[3] for run in runs)
                lines.append(
                    [f"{batch}", name, f"{accuracy:.4f}", f"{auc:.4f}", f"{log_loss:.4f}", f"{worst:.6f}"]
                )
        print(f"the network {title}\n")
        table(["batch", "trained with", "accuracy", "AUC", "log loss", "largest gap"], lines)


def _scores(train: People, test: People, seed: int, batch: int, memory: int | None) -> list[float]:
    """Accuracy, AUC, log loss and gap of the test people."""
    keras.utils.set_random_seed(seed)
    base = network(train.x.shape[1], 64, 32)
    model: Any = kf.FairModel(base, CONSTRAINT, vocabulary=VOCABULARY, memory=memory)
    model.compile(keras.optimizers.Adam(clipnorm=1.0), "binary_crossentropy")
    model.fit(train.inputs, train.label, batch_size=batch, epochs=EPOCHS, verbose=0)
    fair = model.predict(test.inputs, batch_size=len(test.label), verbose=0)[:, 0].astype("float64")
    scores = scores_of(fair, test.label)
    gap = abs(np.mean(fair[test.sex == 0]) - np.mean(fair[test.sex == 1]))
    return [scores.accuracy, scores.auc, scores.log_loss, gap]


if __name__ == "__main__":
    main()
