"""How far below the plain model's is the worst group's loss, in a regression whose text bounds it?

Communities: violent crimes from the census; a community is in the group of a race whose (scaled) share is at
least a half, black before hispanic, else in the others. The text `max(E[loss | group=*]) <= 0` is a linear
penalty on the worst group's mean squared error, of weight 1, on a linear model; all people are one batch.

    python benchmarks/how_low_is_the_worst_groups_loss.py
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import keras
import numpy as np

import keras_fair as kf
from keras_fair import datasets

TEXT = "max(E[loss | group=*]) <= 0"
STEPS = 300


def group_of(shares: Mapping[str, np.ndarray]) -> np.ndarray:
    large = [np.asarray(shares[name]) >= 0.5 for name in ("racepctblack", "racepcthisp")]
    return np.select(large, ["black", "hispanic"], "other")


def main() -> None:
    warnings.simplefilter("ignore")
    train, test = datasets.communities.load_data()
    x, x_test, _ = datasets.encode(train, test)
    people = {"train": (x, train), "test": (x_test, test)}
    print("| decay | weight | people | loss | worst group's loss |\n| --- | --- | --- | --- | --- |")
    for decay in (0.001, 0.01):
        for weight in (0.0, 1.0):
            keras.utils.set_random_seed(0)
            dense = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(decay))
            base = keras.Sequential([keras.Input((x.shape[1],)), dense])
            model = kf.FairModel(base, kf.layers.FairnessPenalty(TEXT, weight, penalty="linear", domain=None))
            rate = keras.optimizers.schedules.CosineDecay(0.01, STEPS)
            model.compile(keras.optimizers.Adam(rate), "mean_squared_error", jit_compile=True)
            inputs = {"x": x, "group": group_of(train.attributes)}
            model.fit(inputs, train.label, batch_size=len(x), epochs=STEPS, verbose=0)
            for name, (features, split) in people.items():
                error = np.square(base.predict(features, verbose=0)[:, 0] - split.label)
                group = group_of(split.attributes)
                worst = max(error[group == each].mean() for each in np.unique(group))
                print(f"| {decay} | {weight:g} | {name} | {error.mean():.4f} | {worst:.4f} |", flush=True)


if __name__ == "__main__":
    main()
