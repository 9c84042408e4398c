"""How long does a request take in a stream, and what does streaming add to `predict`?

Lone requests of Adult people through `StreamingFairness.project`, with its state in a file that is written
every 1,000 requests, in turns with fairness_training's inference for one person; ours also in processor time,
which other work on the machine does not change as much. Then `predict` over a
million rows in batches of 4,096, streamed and not, in turns, and the largest memory of a process that does
the one or the other over a quarter of a million rows and over a million.
"""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from _adult import network
from _rivals import Rivals
from _stream import SEX, random_order
from _timing import Timed, first_call, in_turns, shown, table

import keras_fair as kf

ROUNDS, REQUESTS, THEIRS = 7, 1000, 30
ROWS, BATCH, FEATURES = 1_000_000, 4096, 32


def main() -> None:
    requests()
    predictions()
    memory()


def requests() -> None:
    """Lone requests, ours and theirs."""
    people = random_order(0)
    with Rivals() as rivals, tempfile.TemporaryDirectory() as folder:
        path = rivals.store(
            "people", score=people.score.astype("float32"), codes=(people.sex == "Male").astype("int32")
        )
        theirs = rivals.turn(THEIRS, competitor="fairness_training_request", arrays=path, tolerance=0.02)
        streams = {
            "ours, saved every 1,000": kf.StreamingFairness(
                SEX, state=Path(folder) / "stream.json", save_every=1000
            ),
            "ours, not saved": kf.StreamingFairness(SEX),
        }
        first, turns = {}, {"fairness_training": _mean(theirs)}
        processor_turns = {}
        for name, stream in streams.items():
            run = _requests(stream, people.score, people.sex)
            first[name] = first_call(run) + first_call(run)  # the second has both sexes, so new rows
            turns[name] = _mean(_many(run, REQUESTS))
            processor_turns[name] = _mean(_many(run, REQUESTS, time.process_time))
        seconds, processor = in_turns(turns, ROUNDS), in_turns(processor_turns, ROUNDS)
    reference = seconds["fairness_training"]
    lines = [
        [
            name,
            shown(taken),
            f"{reference / taken:.1f}x",
            *(shown(found[name]) if name in found else "-" for found in (processor, first)),
        ]
        for name, taken in seconds.items()
    ]
    table(["a request", "time", "faster", "processor", "first two requests"], lines)


def predictions() -> None:
    """`predict` over many rows, streamed and not."""
    lines = []
    for jit_compile in (False, True):
        runs = {streamed: _predict(streamed, jit_compile) for streamed in (False, True)}
        first = {streamed: first_call(run) for streamed, run in runs.items()}
        turns = {f"{streamed}": _many(run, 1) for streamed, run in runs.items()}
        seconds = in_turns(turns, ROUNDS)
        lines.append(
            [
                "predict, jit_compile" if jit_compile else "predict",
                shown(seconds["False"]),
                shown(seconds["True"]),
                f"{seconds['True'] / seconds['False']:.2f}",
                shown(first[True]),
            ]
        )
    table([f"{ROWS:,} rows", "not streamed", "streamed", "streamed / not", "first, streamed"], lines)


def memory() -> None:
    """The largest memory of processes of their own, whose rows are made as they go."""
    lines = []
    for streamed in (False, True):
        found = []
        for rows in (ROWS // 4, ROWS):
            command = [sys.executable, __file__, str(rows), str(int(streamed))]
            answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found.append(int(answer.split()[-1]) / 1024)
        more = f"{found[1] - found[0]:+.1f} MiB"
        lines.append(["streamed" if streamed else "not streamed", *(f"{m:,.0f} MiB" for m in found), more])
    table(["predict", f"{ROWS // 4:,} rows", f"{ROWS:,} rows", "more"], lines)


def one_process(rows: int, streamed: bool) -> None:
    """Predict in this process, and print its largest resident memory in KiB."""
    # Predictions are thrown away: what `predict` returns grows with the rows, streamed or not.
    batch = _batch(BATCH)
    model = _model(False)
    batches = tf.data.Dataset.from_tensors(batch).repeat(64)
    stream = kf.StreamingFairness()
    with stream.attached(model) if streamed else nullcontext():
        done = 0
        while done < rows:
            model.predict(batches, verbose=0)
            done += 64 * BATCH
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _predict(streamed: bool, jit_compile: bool) -> Callable[[], Any]:
    model, rows = _model(jit_compile), _batch(ROWS)
    callbacks = [kf.StreamingFairness()] if streamed else []
    return lambda: model.predict(rows, batch_size=BATCH, verbose=0, callbacks=callbacks)


def _model(jit_compile: bool) -> kf.FairModel:
    model = kf.FairModel(network(FEATURES, 64, 32), SEX, vocabulary={"sex": ["Female", "Male"]})
    model.compile(loss="binary_crossentropy", jit_compile=jit_compile)
    return model


def _batch(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    sex = rng.integers(0, 2, rows).astype("int32")
    x = rng.normal(size=(rows, FEATURES)).astype("float32")
    x[:, 0] += sex
    return {"x": x, "sex": sex}


def _requests(stream: kf.StreamingFairness, score: np.ndarray, sex: np.ndarray) -> Callable[[], Any]:
    """One person after another, without an end; the first two are of different sexes."""
    order = [0, int(np.argmax(sex != sex[0])), *range(len(score))]
    places = itertools.cycle(order)

    def run() -> Any:
        place = next(places)
        return stream.project(score[place : place + 1], {"sex": sex[place : place + 1]})

    return run


def _many(run: Callable[[], Any], times: int, clock: Callable[[], float] = time.perf_counter) -> Timed:
    def turn() -> list[float]:
        start = clock()
        for _ in range(times):
            run()
        return [(clock() - start) / times]

    return turn


def _mean(turn: Timed) -> Timed:
    """One figure a turn, so that rare slow requests (a state is written) count with the others."""
    return lambda: [float(np.mean(turn()))]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        one_process(int(sys.argv[1]), sys.argv[2] == "1")
    else:
        main()
