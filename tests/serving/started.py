"""A service in processes of its own, for tests and benchmarks: its files, its port, its workers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["PARITY", "ROOT", "Service", "bodies", "made_files", "people", "scored", "served"]

ROOT = Path(__file__).resolve().parents[2]
PARITY = "parity: E[y | sex=Female] == E[y | sex=Male] +- 0.02"
FEATURES = 16


class Service:
    """A running service.

    Attributes:
        port: where it listens.
        process: the parent of the workers.
        said: lines of its log.
    """

    def __init__(self, process: subprocess.Popen[str], port: int, said: list[str]) -> None:
        self.process, self.port, self.said = process, port, said

    def workers(self) -> list[int]:
        """The workers by their numbers as processes, the oldest first."""
        command = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line.split(None, 1) for line in listed.stdout.splitlines()]
        return sorted(int(pid) for pid, command in lines if "spawn_main" in command)

    def stop(self) -> int:
        """Stop it in order; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def served(folder: str, *options: str, **environment: str) -> Iterator[Service]:
    """A service that answers."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = ["serve", f"{folder}/model.keras", "--port", "0", *options]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "keras_fair", *words],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            found = re.search(r"serving at http://[^:]+:(\d+)", line)
            if found:
                break
        else:
            raise SystemExit("".join(said))
        # Read on, so that it never waits for a reader.
        reader = threading.Thread(target=said.extend, args=(process.stderr,), daemon=True)
        reader.start()
        yield Service(process, int(found[1]), said)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        process.stderr.close()


def made_files(folder: str) -> None:
    """A model and a rule in a folder.

    The model has 16 features, 64 and 32 units, and scores that differ between women and men.
    """
    import keras

    import keras_fair as kf

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    x, sex = people(6000)
    label = x.mean(axis=1) + np.random.default_rng(1).normal(0, 0.3, len(x)) > 0.15
    model.compile("adam", "binary_crossentropy")
    model.fit(x, label, epochs=3, verbose=0)
    model.save(f"{folder}/model.keras")
    scores = model.predict(x, verbose=0)
    rule = kf.FrozenFairness("demographic_parity(sex) <= 0.1 at y >= 0.5").fit(scores, {"sex": sex})
    rule.save(f"{folder}/rule.json")


def people(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features `(size, 16)`, and sex; men have larger ones."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], size)
    return rng.normal(0.3 * (sex == "Male")[:, None], 1.0, (size, FEATURES)).astype("float32"), sex


def bodies(size: int = 5000, seed: int = 5) -> list[bytes]:
    """Requests of one person each."""
    x, sex = people(size, seed)
    made: list[dict[str, Any]] = [
        {"x": [round(float(each), 4) for each in row], "sex": str(who)}
        for row, who in zip(x, sex, strict=True)
    ]
    return [json.dumps(each).encode() for each in made]


def scored(folder: str, size: int = 5000, seed: int = 5) -> dict[bytes, float]:
    """The requests of `bodies`, and the scores of the model."""
    import keras

    requests = bodies(size, seed)
    x = np.array([json.loads(body)["x"] for body in requests], "float32")
    scores = keras.models.load_model(f"{folder}/model.keras").predict(x, batch_size=size, verbose=0)
    return dict(zip(requests, scores[:, 0].tolist(), strict=True))
