"""What does training through the projection cost, a step fair over a step unconstrained?

A step is what `fit` runs for a batch, without its callbacks: forward, loss, backward, Adam. Each of the
two is taken with and without `jit_compile`, and the ratio is between the faster ones. An epoch of `fit` is
timed too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from _adult import CONSTRAINT, VOCABULARY, People, load, network
from _rivals import Rivals
from _timing import Timed, calls, first_call, in_turns, shown, table

import keras_fair as kf

ROUNDS = 15
COMPILED = {"fit": False, "fit, jit_compile": True}


def main() -> None:
    train, _ = load()
    features = train.x.shape[1]
    with Rivals() as rivals:
        for widths, size, repeats in (((64, 32), 256, 20), ((1500, 1500, 400), 2000, 2)):
            batch = People(*(column[:size] for column in train))
            turns: dict[str, Timed] = {}
            first = {}
            for name, jit_compile in COMPILED.items():
                for kind in ("unconstrained", "fair"):
                    model = _model(network(features, *widths), kind == "fair", jit_compile)
                    step = _step(model, batch)
                    first[f"{kind} {name}"] = first_call(step)
                    turns[f"{kind} {name}"] = calls(step, repeats)
            if widths == (64, 32):
                x = np.concatenate([batch.sex[:, None], batch.x], axis=1).astype("float32")
                path = rivals.store("adult", x=x, label=batch.label)
                for kind in ("unconstrained", "fair"):
                    asked: dict[str, Any] = {"competitor": "training_step", "arrays": path, "tolerance": 0.02}
                    asked["fair"] = kind == "fair"
                    turns[f"{kind} fairness_training"] = rivals.turn(5, **asked)
            median = in_turns(turns, ROUNDS)
            parameters = network(features, *widths).count_params()
            print(f"network {'-'.join(map(str, widths))}, {parameters:,} parameters, batch {size:,}\n")
            _print(median, first)
    _epochs(train)


def _model(base: keras.Model, fair: bool, jit_compile: bool) -> keras.Model:
    model = kf.FairModel(base, CONSTRAINT, vocabulary=VOCABULARY) if fair else base
    model.compile("adam", "binary_crossentropy", jit_compile=jit_compile)
    return model


def _step(model: keras.Model, batch: People) -> Callable[[], float]:
    """One step of `fit` on the batch."""
    inputs = batch.inputs if isinstance(model, kf.FairModel) else batch.x
    model(inputs)
    model.optimizer.build(model.trainable_variables)
    model.make_train_function()
    steps = iter(tf.data.Dataset.from_tensors((inputs, batch.label)).cache().repeat())
    return lambda: float(model.train_function(steps)["loss"])


def _print(median: dict[str, float], first: dict[str, float]) -> None:
    kinds = ("unconstrained", "fair")
    ours = {kind: min((f"{kind} {name}" for name in COMPILED), key=median.__getitem__) for kind in kinds}
    names = [name.removeprefix("fair ") for name in median if name.startswith("fair ")]
    lines = []
    for name in names:
        free, fair = median[f"unconstrained {name}"], median[f"fair {name}"]
        compiling = shown(first[f"fair {name}"]) if f"fair {name}" in first else "-"
        lines.append([name, shown(free), shown(fair), f"{fair / free:.2f}", compiling])
    free, fair = median[ours["unconstrained"]], median[ours["fair"]]
    lines.append(["the faster of ours", shown(free), shown(fair), f"{fair / free:.2f}", "-"])
    table(["a training step", "unconstrained", "fair", "fair / unconstrained", "first fair step"], lines)


def _epochs(train: People) -> None:
    """Whole epochs of `fit`, as a user sees them, and what the gaps in the logs take of them."""
    features = train.x.shape[1]
    models = {
        (kind, name): _model(network(features, 64, 32), kind == "fair", jit_compile)
        for name, jit_compile in COMPILED.items()
        for kind in ("unconstrained", "fair")
    }

    def epoch(kind: str, model: keras.Model) -> float:
        start = time.perf_counter()
        model.fit(train.inputs if kind == "fair" else train.x, train.label, batch_size=256, verbose=0)
        return time.perf_counter() - start

    def timed(kind: str, model: keras.Model) -> Timed:
        return lambda: [epoch(kind, model)]

    turns = {f"{kind} {name}": timed(kind, model) for (kind, name), model in models.items()}
    silent = _model(network(features, 64, 32), True, False)
    silent.projection._pools = False  # nothing is pooled for the logs
    turns["without gaps"] = timed("fair", silent)
    median = in_turns(turns, 5)
    print("an epoch of fit on Adult, 64-32 network, batch 256\n")
    without = median.pop("without gaps")
    _print(median, {})
    print(f"with gaps in the logs over without: {median['fair fit'] / without:.3f}")


if __name__ == "__main__":
    main()
