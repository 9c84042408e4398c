"""What the tests of streams share: people of two groups whose predictions differ, served one by one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_fair as kf

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
SEX = {"sex": ["Female", "Male"]}
OPPORTUNITY = "E[y | sex=Female, label=1] == E[y | sex=Male, label=1] +- 0.02"
# JAX computes in single precision by default.
EXACT = 1e-9 if keras.backend.backend() != "jax" else 1e-5


def people(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and the sex that they go with."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2, n)
    y = np.clip(0.3 + 0.3 * codes + 0.2 * rng.normal(size=n), 0.0, 1.0)
    return y, np.array(SEX["sex"])[codes]


def served(stream: Any, y: np.ndarray, sex: np.ndarray, **more: Any) -> np.ndarray:
    """Fair predictions, one request each."""
    answers = [
        stream.project(
            y[i : i + 1],
            {"sex": sex[i : i + 1].tolist()},
            **{name: column[i : i + 1] for name, column in more.items()},
        )
        for i in range(len(y))
    ]
    return np.concatenate(answers)


def state_of(stream: Any) -> dict[str, Any]:
    """All that is saved, as plain values."""
    return {name: state.to_dict() for name, state in stream._keeper.kept.states().items()}


@pytest.fixture
def parity() -> kf.StreamingFairness:
    """A fresh stream for two groups; all of them share their compiled programs."""
    return kf.StreamingFairness(PARITY, vocabulary=SEX)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis server that runs for these tests alone."""
    redis = pytest.importorskip("redis", reason="the package redis is not installed")
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no redis-server here: apt-get install redis-server")
    folder = Path(tempfile.mkdtemp(prefix="keras_fair"))  # the path of a socket must be short
    place = folder / "socket"
    server = subprocess.Popen([program, "--port", "0", "--unixsocket", str(place), "--save", ""], cwd=folder)
    try:
        deadline = time.monotonic() + 30.0
        while True:
            try:
                redis.Redis(unix_socket_path=str(place)).ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.05)
        yield f"unix://{place}"
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder)
