"""How long does a front of 20 corrections take, against the same projections begun afresh, and against cvxpy?

Scores of a logistic regression for the test people of Adult, two texts, 20 tolerances. A front is made whole:
rows, projections, gaps and scores with their intervals. Beside it stand its projections alone, warm (each
begins from the duals before it, over the same rows), the same cold, the same as a user would ask for them one
by one (`kf.project` of each text), and cvxpy with Clarabel, which solves five of the tolerances. All are
processor seconds, the median of turns; answers are compared with Clarabel's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import cvxpy as cp
import numpy as np
from _timing import table
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import keras_fair as kf
from keras_fair.rows.margins import with_tolerances

TOLERANCES = np.linspace(0.0, 0.19, 20)
BY_CVXPY = TOLERANCES[::4]
ROUNDS = 5
TEXTS = {
    "parity of sex and of race": ["demographic_parity(sex)", "demographic_parity(race)"],
    "parity and opportunity of sex": ["demographic_parity(sex)", "equal_opportunity(sex)"],
    "equalized odds of sex, parity of race": ["equalized_odds(sex)", "demographic_parity(race)"],
}


def main() -> None:
    train, test = kf.datasets.adult.load_data()
    x = kf.datasets.encode(train, test, exclude=["sex", "race"])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x.train, train.label)
    y = model.predict_proba(x.test)[:, 1].astype("float64")
    columns, label = {name: test.attributes[name] for name in ("sex", "race")}, test.label
    print(f"{len(y):,} people, {len(TOLERANCES)} tolerances\n")
    times, answers = [], []
    for name, texts in TEXTS.items():
        rows = kf.parse([f"{text} <= 0" for text in texts]).rows(columns, label)
        held = [with_tolerances(rows, [tolerance] * 2) for tolerance in TOLERANCES[::-1]]

        def front(texts: list[str] = texts) -> kf.Front:
            return kf.Front(texts, columns, label).correct(y, TOLERANCES)

        def warm(held: list[kf.LinearRows] = held) -> list[kf.Projection]:
            found: list[kf.Projection] = []
            for each in held:
                found.append(kf.project(y, each, start=found[-1].duals if found else None))
            return found

        def cold(held: list[kf.LinearRows] = held) -> list[kf.Projection]:
            return [kf.project(y, each) for each in held]

        def one_by_one(texts: list[str] = texts) -> list[kf.Projection]:
            asked = ["; ".join(f"{text} <= {each}" for text in texts) for each in TOLERANCES[::-1]]
            return [kf.project(y, text, columns, label) for text in asked]

        first = processor(front)
        ways = {"front": front, "warm": warm, "cold": cold, "one by one": one_by_one}
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, run in ways.items():
                seconds[way].append(processor(run))
        median = {way: statistics.median(taken) for way, taken in seconds.items()}
        passes = [sum(each.iterations for each in run()) for run in (warm, cold)]
        problem = Clarabel(rows, y)
        by_cvxpy = processor(lambda problem=problem: [problem.answer(each) for each in BY_CVXPY])
        by_cvxpy *= len(TOLERANCES) / len(BY_CVXPY)
        times.append(
            [
                name,
                f"{first:.2f} s",
                f"{median['front']:.2f} s",
                f"{median['warm']:.2f} s, {passes[0]}",
                f"{median['cold']:.2f} s, {passes[1]}",
                f"{median['one by one']:.2f} s",
                f"{by_cvxpy:.1f} s",
                f"{median['warm'] / median['cold']:.2f}",
                f"{median['front'] / median['one by one']:.2f}",
                f"{by_cvxpy / median['warm']:.0f}x",
            ]
        )
        exact = {each: problem.answer(each) for each in BY_CVXPY}
        pairs = list(zip(TOLERANCES[::-1], warm(), cold(), strict=True))
        solved = [(one.y, exact[each]) for each, one, _ in pairs if each in exact]
        far = max(np.abs(ours - theirs).max() for ours, theirs in solved)
        moved = max(((ours - y) ** 2).sum() / ((theirs - y) ** 2).sum() - 1 for ours, theirs in solved)
        over = max(max(each.violation.max() for each in pair[1:]) for pair in pairs)
        apart = max(np.abs(one.y - other.y).max() for _, one, other in pairs)
        answers.append([name, f"{apart:.1e}", f"{over:.1e}", f"{far:.1e}", f"{moved:+.1e}"])
    table(
        ["texts", "front, the first", "front", "projections, warm: time, passes", "cold: time, passes",
         "kf.project, one by one", "cvxpy", "warm / cold", "front / one by one", "cvxpy / warm"],
        times,
    )  # fmt: skip
    table(
        ["texts", "largest difference of warm and cold", "largest violation",
         "difference of warm and Clarabel", "squares moved, over Clarabel's, less 1"],
        answers,
    )  # fmt: skip


def processor(run: Callable[[], object]) -> float:
    """Processor seconds of one call, all threads together."""
    start = time.process_time()
    run()
    return time.process_time() - start


class Clarabel:
    """The same projection in cvxpy, made once for all tolerances, as a parameter."""

    def __init__(self, rows: kf.LinearRows, y: np.ndarray) -> None:
        self._y, self._t = cp.Variable(len(y)), cp.Variable(rows.aux.shape[1])
        self._tolerance = cp.Parameter(nonneg=True)
        values = rows.matrix @ self._y + rows.aux @ self._t + rows.offset
        bounds = [self._y >= 0, self._y <= 1]
        for place in range(len(rows)):
            moves = rows.moves[:, place] * self._tolerance
            if np.isfinite(rows.lower[place]):
                bounds.append(values[place] >= rows.lower[place] - moves[0])
            if np.isfinite(rows.upper[place]):
                bounds.append(values[place] <= rows.upper[place] + moves[1])
        self._problem = cp.Problem(cp.Minimize(cp.sum_squares(self._y - y)), bounds)

    def answer(self, tolerance: float) -> np.ndarray:
        self._tolerance.value = tolerance
        tight = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
        self._problem.solve(solver=cp.CLARABEL, **tight)
        return np.asarray(self._y.value)


if __name__ == "__main__":
    main()
