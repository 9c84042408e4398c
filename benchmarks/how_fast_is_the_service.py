"""How much does fairness cost a server, and what does one person wait?

`keras-fair serve` with two workers, asked for one person at a time on 32 connections: by itself, with a
frozen rule, and with a stream in an SQLite file, where nothing is answered before it is saved. The services
run side by side and are asked in turns, so that the load of the machine is that of all three.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _timing import table  # noqa: E402

from tests.serving.client import Outcome, asked  # noqa: E402
from tests.serving.started import PARITY, Service, bodies, made_files, served  # noqa: E402

WORKERS, CONNECTIONS, TURNS, SECONDS = 2, 32, 7, 4.0


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else TURNS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        made_files(folder)
        stream = ["-c", PARITY, "--values", "sex=Female,Male", "--stream"]
        ways = {
            "no correction": ["--uncorrected", "--rule", f"{folder}/rule.json"],
            "a frozen rule": ["--rule", f"{folder}/rule.json"],
            "a stream, SQLite": [*stream, f"sqlite:///{folder}/state.db"],
            "a stream, saved every 100": [*stream, f"sqlite:///{folder}/100.db", "--save-every", "100"],
        }
        shm = "/dev/shm"
        if os.path.isdir(shm):
            place = stack.enter_context(tempfile.TemporaryDirectory(dir=shm))
            ways["a stream, SQLite in memory"] = [*stream, f"sqlite:///{place}/state.db"]
        services = {
            name: stack.enter_context(served(folder, "--workers", str(WORKERS), *options))
            for name, options in ways.items()
        }
        for service in services.values():
            load(service, 1.0)
        found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in services}
        for _ in range(turns):
            for name, service in services.items():
                found[name].append(load(service, SECONDS))
        plain = found["no correction"]
        lines = []
        for name, runs in found.items():
            rate, middle, last = (statistics.median(column) for column in zip(*runs, strict=True))
            pairs = list(zip(runs, plain, strict=True))
            ratios = [statistics.median(mine[k] / other[k] for mine, other in pairs) for k in range(3)]
            lines.append(
                [name, f"{rate:,.0f}", f"{ratios[0]:.2f}", f"{1e3 * middle:.1f} ms", f"{1e3 * last:.1f} ms",
                 f"{ratios[2]:.2f}"]
            )  # fmt: skip
        table(["correction", "requests a second", "of its rate", "p50", "p99", "of its p99"], lines)


def load(service: Service, seconds: float) -> tuple[float, float, float]:
    """Requests a second, and the 50th and 99th of 100 times."""
    times: list[float] = []

    def told(outcome: Outcome) -> None:
        if outcome.status != 200:
            raise SystemExit(f"{outcome.status}: {outcome.answer!r}")
        times.append(outcome.seconds)

    begun = time.perf_counter()
    asyncio.run(
        asked(
            service.port,
            CONNECTIONS,
            itertools.cycle(bodies()),
            lambda: time.perf_counter() - begun < seconds,
            told,
        )
    )
    rate = len(times) / (time.perf_counter() - begun)
    times.sort()
    return rate, times[len(times) // 2], times[int(0.99 * len(times))]


if __name__ == "__main__":
    main()
