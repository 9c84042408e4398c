"""How long does one batch take, forward, and forward and backward, against the other projection layers?

Ours is `FairProjection` in a `tf.function`, with and without `jit_compile`; the ratios are those of the
faster one. Beside them stand the time and the ratio of the compiled program called by itself, and the time
of a compiled function that adds two vectors: what a call costs that does next to nothing. The answers are
compared with cvxpy and Clarabel, so that speed isn't bought with a wrong answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np
import tensorflow as tf
from _arrays import Batch, draw
from _ours import COMPILED, backward_pass, forward_pass
from _rivals import Rivals
from _timing import Timed, calls, first_call, in_turns, shown, table

CONCRETE, EMPTY = "its concrete function", "an empty tf.function"
ROUNDS, OURS_A_TURN, THEIRS_A_TURN = 15, 30, 2
THEIRS: dict[str, dict[str, Any]] = {
    "fairness_training": {"competitor": "fairness_training"},
    "cvxpylayers": {"competitor": "cvxpylayers", "fixed_groups": False},
    "cvxpylayers, fixed groups": {"competitor": "cvxpylayers", "fixed_groups": True},
}


def main() -> None:
    lines: list[list[str]] = []
    accuracies: list[list[str]] = []
    with Rivals() as rivals:
        for size, groups in ((256, 2), (1024, 2), (2000, 2), (2000, 7)):
            batch = draw(size, groups)
            path = rivals.store(
                f"{size}-{groups}", predictions=batch.predictions, codes=batch.codes, upstream=batch.upstream
            )
            asked = {
                name: {**how, "arrays": path, "tolerance": batch.tolerance}
                for name, how in THEIRS.items()
                if groups == 2 or name != "fairness_training"  # it knows two groups
            }
            for backward in (False, True):
                turns: dict[str, Timed] = {
                    name: rivals.turn(THEIRS_A_TURN, backward=backward, **how) for name, how in asked.items()
                }
                first = {}
                for name, jit_compile in COMPILED.items():
                    run = (backward_pass if backward else forward_pass)(batch, jit_compile)
                    first[name] = first_call(run)
                    turns[name] = calls(run, OURS_A_TURN)
                program = (backward_pass if backward else forward_pass)(batch, True, concrete=True)
                turns |= {CONCRETE: calls(program, OURS_A_TURN), EMPTY: calls(_empty(batch), OURS_A_TURN)}
                what = "forward and backward" if backward else "forward"
                lines.append(_line(what, batch, in_turns(turns, ROUNDS), first))
            answers = {name: rivals.answer(backward=False, **how) for name, how in asked.items()}
            accuracies += _accuracies(batch, {"ours": forward_pass(batch, True)(), **answers})
    ratios = [f"{name} / ours" for name in THEIRS]
    ours = [*COMPILED, CONCRETE, EMPTY]
    ratios.append(f"fairness_training / {CONCRETE}")
    table(["pass", "predictions", "groups", *ours, *THEIRS, *ratios, "first call"], lines)
    table(["predictions", "groups", "answer of", "gap - tolerance", "distance from Clarabel"], accuracies)


def _line(what: str, batch: Batch, median: dict[str, float], first: dict[str, float]) -> list[str]:
    fastest = min(COMPILED, key=median.__getitem__)
    times = [shown(median[name]) + (" *" if name == fastest else "") for name in COMPILED]
    times += [shown(median[CONCRETE]), shown(median[EMPTY])]
    theirs = [shown(median[name]) if name in median else "-" for name in THEIRS]
    ratios = [f"{median[name] / median[fastest]:.0f}x" if name in median else "-" for name in THEIRS]
    known = "fairness_training" in median
    ratios.append(f"{median['fairness_training'] / median[CONCRETE]:.0f}x" if known else "-")
    size = f"{len(batch.predictions):,}"
    return [what, size, str(batch.groups), *times, *theirs, *ratios, shown(first[fastest])]


def _empty(batch: Batch) -> Callable[[], np.ndarray]:
    @tf.function(jit_compile=True)
    def add(y: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        return y + upstream

    y, upstream = tf.constant(batch.predictions, "float32"), tf.constant(batch.upstream, "float32")
    return lambda: add(y, upstream).numpy()


def _accuracies(batch: Batch, answers: dict[str, np.ndarray]) -> list[list[str]]:
    reference = _clarabel(batch)
    lines = []
    for name, y in answers.items():
        means = [float(np.mean(y[batch.codes == code], dtype="float64")) for code in range(batch.groups)]
        beyond = max(means) - min(means) - batch.tolerance
        distance = float(np.max(np.abs(y - reference)))
        lines.append([f"{len(y):,}", str(batch.groups), name, f"{beyond:+.1e}", f"{distance:.1e}"])
    return lines


def _clarabel(batch: Batch) -> np.ndarray:
    """The exact projection, in float64."""
    y = cp.Variable(len(batch.predictions))
    means = cp.hstack([cp.mean(y[np.flatnonzero(batch.codes == code)]) for code in range(batch.groups)])
    rows = [y >= 0, y <= 1, cp.max(means) - cp.min(means) <= batch.tolerance]
    objective = cp.Minimize(cp.sum_squares(y - batch.predictions.astype("float64")))
    tight = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
    cp.Problem(objective, rows).solve(solver=cp.CLARABEL, **tight)
    return np.asarray(y.value)


if __name__ == "__main__":
    main()
