"""Can several server processes hold one pooled gap, and does it survive that they are killed?

Eight processes serve women and men whose scores differ by 0.3, one request at a time, and share one store;
beside them, one process with a file of its own. First they are left alone: what a request takes, and how far
the pooled gap of all that was answered is from its bound of 0.02. Then 200 of them are killed at random
instants: the sums in the store must be those of one process that counts the same predictions.

Redis takes part where `redis-server` and the package `redis` are installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _timing import table

ROOT = Path(__file__).resolve().parents[1]
SHARING = ROOT / "tests" / "streaming" / "sharing.py"
PROCESSES, EACH, KILLS = 8, 250, 200
EACH_KILLED = {1: 1200, 10: 4500}  # arrivals, so many that there is time for all kills

ALONE = """
import sys, time
import keras_fair as kf
from tests.streaming.sharing import PARITY, SEX, arrival, gaps
stream = kf.StreamingFairness(PARITY, vocabulary={"sex": SEX}, state=sys.argv[1], save_every=int(sys.argv[3]))
answered, begun = [], time.perf_counter()
for k in range(int(sys.argv[2])):
    score, sex = arrival(k % 8, k // 8)
    answered.append((k, float(stream.project([score], {"sex": [sex]})[0]), sex))
print(time.perf_counter() - begun, max(gaps(answered)[len(answered) // 10:]), gaps(answered)[-1])
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pace, killed = [], []
        for every in (1, 10, 100):
            said = run("-c", ALONE, f"{folder}/{every}.json", str(PROCESSES * EACH), str(every)).split()
            seconds, largest, gap = map(float, said)
            rate = PROCESSES * EACH / seconds
            pace.append(
                ["a file", "1", every, f"{1e3 / rate:.2f} ms", f"{rate:,.0f}", f"{largest:.4f}", f"{gap:.4f}"]
            )
        for name, place in stores(folder):
            for every in (1, 10, 100):
                found = shared(place(f"pace{every}"), EACH, 0, every)
                rate = found["counted"] / found["seconds"]
                pace.append(
                    [
                        name,
                        str(PROCESSES),
                        every,
                        f"{1e3 * found['seconds a call']:.2f} ms",
                        f"{rate:,.0f}",
                        f"{found['largest gap']:.4f}",
                        f"{abs(found['gap']):.4f}",
                    ]
                )
            for every, each in EACH_KILLED.items():
                found = shared(place(f"kills{every}"), each, KILLS, every)
                apart = max(
                    abs(mine - theirs)
                    for key, numbers in found["expected"].items()
                    for mine, theirs in zip(found["terms"][key], numbers, strict=True)
                )
                counted, there = found["counted"], found["in the store"]
                lost = found["lost with who was killed"]
                killed.append([name, every, found["kills"], counted, there, f"{apart:.1e}", lost])
                if counted != there or apart > 1e-9:
                    raise SystemExit(f"the sums in {name} are not those of one process: {found}")
    heading = [
        "store",
        "processes",
        "exchange every",
        "a request",
        "requests a second",
        "largest gap",
        "at the end",
    ]
    table(heading, [list(map(str, line)) for line in pace])
    heading = [
        "store",
        "exchange every",
        "kills",
        "counted",
        "in the store",
        "sums differ by",
        "lost with the killed",
    ]
    table(heading, [list(map(str, line)) for line in killed])


def stores(folder: str) -> Iterator[tuple[str, Any]]:
    """The stores that are at hand, and how they call a place by a name."""
    yield "SQLite", lambda name: f"sqlite:///{folder}/state.db?name={name}"
    if shutil.which("redis-server") and importlib.util.find_spec("redis"):
        with redis_server() as address:
            yield "Redis", lambda name: f"{address}?name={name}"
    else:
        print("Redis takes no part: redis-server or the package redis is not installed")


@contextmanager
def redis_server() -> Iterator[str]:
    """A server of its own, with its append-only file on."""
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/socket"
        command = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            place,
            "--appendonly",
            "yes",
            "--loglevel",
            "warning",
        ]
        server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            while not Path(place).exists():
                time.sleep(0.05)
            yield f"unix://{place}"
        finally:
            server.terminate()
            server.wait()


def shared(place: str, each: int, kills: int, every: int) -> dict[str, Any]:
    """What processes that share a store say at their end."""
    return json.loads(run(str(SHARING), place, *map(str, (PROCESSES, each, kills, every, 14))))


def run(*arguments: str) -> str:
    """What a program prints; Keras on NumPy, which starts at once."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "KERAS_BACKEND": "numpy"}
    command = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
