"""What do a million predictions cost, and two hundred groups?

A pass is NumPy's `clip(r - a*s, 0, 1)` over float64 arrays of the same length: what a correction costs that
knows the answer already. Time a prediction is compared with that of a batch of ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from _arrays import Batch, draw
from _ours import COMPILED, forward_pass
from _timing import calls, first_call, in_turns, shown, table

ROUNDS = 11
SIZES = (10_000, 100_000, 1_000_000)
GROUPS = (2, 20, 200)


def main() -> None:
    _predictions()
    _groups()


def _predictions() -> None:
    median: dict[tuple[int, str], float] = {}
    first: dict[int, float] = {}
    for size in SIZES:
        batch = draw(size)
        runs = {name: forward_pass(batch, jit_compile, "float64") for name, jit_compile in COMPILED.items()}
        first[size] = first_call(runs["tf.function, jit_compile"])
        repeats = max(1, 200_000 // size)
        turns = {name: calls(run, repeats) for name, run in runs.items()}
        times = in_turns({**turns, "pass": calls(_pass_of(batch), repeats)}, ROUNDS)
        median.update({(size, name): seconds for name, seconds in times.items()})
    lines = []
    for size in SIZES:
        ours = min(COMPILED, key=lambda name: median[size, name])
        fewest = min(median[SIZES[0], name] for name in COMPILED)
        growth = median[size, ours] / fewest
        lines.append(
            [
                f"{size:,}",
                *(shown(median[size, name]) + (" *" if name == ours else "") for name in COMPILED),
                shown(median[size, "pass"]),
                f"{median[size, ours] / median[size, 'pass']:.1f}",
                f"{growth / (size / SIZES[0]):.2f}",
                shown(first[size]),
            ]
        )
    head = ["predictions, two groups", *COMPILED, "one pass", "passes", "time a prediction, against 10,000"]
    table([*head, "first call, compiled"], lines)


def _pass_of(batch: Batch) -> Callable[[], np.ndarray]:
    r, a = batch.predictions.astype("float64"), batch.codes - 0.5
    return lambda: np.clip(r - a * 0.1, 0.0, 1.0)


def _groups() -> None:
    turns, first = {}, {}
    for groups in GROUPS:
        batch = draw(100_000, groups)
        for name, jit_compile in COMPILED.items():
            run = forward_pass(batch, jit_compile, "float64")
            first[groups, name] = first_call(run)
            turns[f"{groups} {name}"] = calls(run, 2)
    median = in_turns(turns, ROUNDS)
    fewest = min(median[f"{GROUPS[0]} {name}"] for name in COMPILED)
    lines = []
    for groups in GROUPS:
        ours = min(COMPILED, key=lambda name: median[f"{groups} {name}"])
        times = [shown(median[f"{groups} {name}"]) + (" *" if name == ours else "") for name in COMPILED]
        ratio = f"{median[f'{groups} {ours}'] / fewest:.2f}"
        lines.append([str(groups), *times, ratio, shown(first[groups, ours])])
    table(["groups, 100,000 predictions", *COMPILED, f"against {GROUPS[0]} groups", "first call"], lines)


if __name__ == "__main__":
    main()
