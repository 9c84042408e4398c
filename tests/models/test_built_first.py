"""All weights are made before TensorFlow traces the first step, so it traces it once."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import keras_fair as kf

RULES = {
    "arrays": "E[y | sex=1] == E[y | sex=0] +- 0.02",
    "generator": "E[y | sex=1, label=1] == E[y | sex=0, label=1] +- 0.02",
}
N, BATCH = 48, 16


class Counted(kf.FairModel):
    """Counts how often its step is traced."""

    traced = 0

    def train_step(self, *arguments, **keywords):
        self.traced += 1
        return super().train_step(*arguments, **keywords)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX builds so by itself")
@pytest.mark.parametrize("kind", RULES)
def test_the_first_step_is_traced_once(kind: str, rng: np.random.Generator) -> None:
    x = {"x": rng.normal(size=(N, 3)).astype("float32"), "sex": np.arange(N, dtype="int32") % 2}
    label = rng.integers(0, 2, N).astype("float32")

    def batches():
        for start in range(0, N, BATCH):
            part = slice(start, start + BATCH)
            yield {name: column[part] for name, column in x.items()}, label[part]

    guess = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    base = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model = Counted(base, RULES[kind], label_source=guess if kind == "generator" else None)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    if kind == "arrays":
        history = model.fit(x, label, batch_size=BATCH, verbose=0).history
    else:
        history = model.fit(batches(), shuffle=False, steps_per_epoch=N // BATCH, verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert model.traced == 1
    assert sum(model.projection.record().batches.values()) == N // BATCH
