"""How often does the solver give up, and is it ever wrong?

Small problems of every kind that is hard: bounds at the edge of what the domain allows, rows that contradict
each other in part, repeated rows, saturated predictions, objective weights over many decades, soft rows, some
of them very stiff, a spread's auxiliary scalar; under both divergences. Each answer of `kf.project` is
checked by itself, with the optimality conditions of the problem, and compared with cvxpy and Clarabel.

    .venv/bin/python benchmarks/how_often_does_the_solver_give_up.py [problems] [first]
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from _timing import table

import keras_fair as kf
from keras_fair.rows.linear import rows_from_matrix

PROBLEMS = 3300
KINDS = (
    "feasible",
    "at the edge",
    "just beyond the edge",
    "contradictory in part",
    "repeated rows",
    "spread",
)
TIGHT = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10, "max_iter": 300}
# Conditions are met to this, relative to the numbers that they are sums of.
EXACT = 1e-6


@dataclass(frozen=True)
class Problem:
    """One projection on [0, 1] as plain arrays."""

    kind: str
    r: np.ndarray
    matrix: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    aux: np.ndarray | None
    weights: np.ndarray
    stiffness: np.ndarray
    divergence: str

    @property
    def reach(self) -> np.ndarray:
        """(m,) how far each row can move."""
        return np.abs(self.matrix).sum(axis=1)

    def project(self) -> Any:
        rows = rows_from_matrix(self.matrix, lower=self.lower, upper=self.upper, aux=self.aux)
        return kf.project(
            self.r,
            rows,
            divergence=self.divergence,
            sample_weight=self.weights,
            stiffness=self.stiffness,
        )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PROBLEMS
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    ended: dict[str, Counter] = {kind: Counter() for kind in KINDS}
    faults, seconds = [], 0.0
    for seed in range(first, first + count):
        problem = make(seed)
        start = time.process_time()
        answer = problem.project()
        seconds += time.process_time() - start
        outcome = answer.outcome.name
        ended[problem.kind][outcome] += 1
        wrong = judge(problem, answer)
        if outcome == "SOLVED" and wrong:
            faults.append([str(seed), problem.kind, outcome, f"not optimal: {wrong}"])
        if outcome != "SOLVED":
            faults += unsolved(seed, problem, answer, wrong)
    outcomes = [outcome.name for outcome in kf.Outcome]
    table(["kind", *outcomes], [[kind, *(str(ended[kind][name]) for name in outcomes)] for kind in KINDS])
    table(["problem", "kind", "outcome", "what Clarabel says"], faults)
    print(f"{count} problems, {seconds:.1f} s of our solver, {len(faults)} to explain")


def make(seed: int) -> Problem:
    """A problem; `seed` decides all of it."""
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    n, m = int(rng.integers(1, 13)), int(rng.integers(1 + (kind == "contradictory in part"), 7))
    if rng.random() < 0.5:  # means of groups that overlap, less others
        member = rng.random((2, m, n)) < 0.5
        means = member / np.maximum(member.sum(axis=2, keepdims=True), 1)
        matrix = means[0] - (means[1] if rng.random() < 0.5 else 0.0)
    else:
        matrix = rng.normal(size=(m, n)) * (rng.random((m, n)) < 0.8)
    r = _predictions(rng, n)
    inside = matrix @ rng.random(n)
    corner = np.maximum(matrix, 0.0).sum(axis=1), np.minimum(matrix, 0.0).sum(axis=1)
    slack = rng.choice([0.0, 1e-9, 0.01, 0.1], size=m)
    lower, upper, aux = inside - slack, inside + rng.choice([1e-9, 0.02, np.inf], size=m), None
    if kind in ("at the edge", "just beyond the edge"):
        # The first row asks for its very most, or almost, and so moves everything that is in it to a corner.
        beyond = float(rng.choice([1e-12, 1e-9, 1e-6, 1e-3])) * (1.0 if kind.startswith("just") else -1.0)
        vertex = (matrix[0] > 0).astype(float)
        inside = matrix @ (vertex if rng.random() < 0.5 else np.where(matrix[0] == 0, r, vertex))
        lower, upper = inside - slack, inside + 0.5
        lower[0], upper[0] = corner[0][0] + beyond, np.inf
    elif kind == "contradictory in part":
        matrix[-1] = matrix[0]
        lower[-1], upper[-1] = upper[0] + 0.1, np.inf
        if not np.isfinite(upper[0]):
            upper[0] = inside[0]
            lower[-1] = upper[0] + float(rng.choice([1e-8, 1e-4, 0.1]))
    elif kind == "repeated rows":
        matrix, lower, upper = (np.concatenate([part, part]) for part in (matrix, lower, upper))
        matrix[m:] *= -3.0
        lower[m:], upper[m:] = -3.0 * upper[m:], -3.0 * lower[m:]
    elif kind == "spread":
        aux = -np.ones((m, 1))
        lower, upper = np.zeros(m), np.full(m, float(rng.choice([0.0, 0.01, 0.1])))
    weights = np.ones(n)
    decades = int(rng.choice([0, 0, 1, 3, 6, 12]))
    if decades:
        weights = 10.0 ** rng.uniform(-decades / 2, decades / 2, n)
    stiffness = np.full(len(matrix), np.inf)
    if rng.random() < 0.25:
        soft = rng.random(len(matrix)) < 0.5
        stiffness[soft] = rng.choice([1.0, 100.0, 1e6, 1e11], size=int(soft.sum()))
    divergence = "binary_crossentropy" if rng.random() < 0.5 else "euclidean"
    return Problem(kind, r, matrix, lower, upper, aux, weights, stiffness, divergence)


def _predictions(rng: np.random.Generator, n: int) -> np.ndarray:
    shape = rng.integers(4)
    if shape == 0:
        return rng.random(n)
    if shape == 1:
        return np.clip(rng.normal(0.5, 0.5, n), 0.0, 1.0)  # many exactly 0 and 1
    if shape == 2:
        near = 10.0 ** rng.uniform(-16, -3, n)
        return np.where(rng.random(n) < 0.5, near, 1.0 - near)
    return 1.0 / (1.0 + np.exp(-rng.normal(0.0, 4.0, n)))


def judge(problem: Problem, answer: Any) -> str:
    """What of the optimality conditions fails, empty where all hold."""
    y, lam = answer.y, answer.duals
    soft = np.isfinite(problem.stiffness)
    price = problem.matrix.T @ lam
    parts = np.abs(problem.matrix.T) @ np.abs(lam)
    r, w = problem.r, problem.weights
    faults = []
    if problem.divergence == "euclidean":
        slope, size = w * (y - r) + price, w + parts
        off = np.abs(y - np.clip(y - slope / size, 0.0, 1.0)) * size
    else:
        # times y (1 - y), where the slope of the cross-entropy is a number at both ends
        slope = w * (y - r) + price * y * (1 - y)
        size = w + parts
        off = np.abs(slope)
        off = np.where((r == 1) & (y == 1), np.maximum(price - w, 0), off)
        off = np.where((r == 0) & (y == 0), np.maximum(-price - w, 0), off)
    if np.any(off > EXACT * size):
        faults.append(f"slope {np.max(off / size):.1e}")
    values = problem.matrix @ y - np.where(soft, lam / problem.stiffness, 0.0)
    if problem.aux is not None:
        t = _scalar(problem, values)
        values = values + problem.aux[:, 0] * t
        if abs(problem.aux[:, 0] @ lam) > EXACT * np.abs(lam).sum() + 1e-9 * w.max():
            faults.append(f"scalar {problem.aux[:, 0] @ lam:.1e} of {np.abs(lam).sum():.1e}")
    reach = problem.reach + 1e-3 * problem.reach.max() + 1e-3
    outside = np.maximum(np.maximum(values - problem.upper, problem.lower - values), 0.0) / reach
    if outside.max() > 1e-8:
        faults.append(f"rows {outside.max():.1e}")
    held = np.where(lam > 0, problem.upper - values, np.where(lam < 0, values - problem.lower, 0.0))
    pulled = np.abs(lam) > EXACT * np.abs(lam).max() + 1e-9 * w.max()
    if np.any(np.abs(held[pulled]) > EXACT * reach[pulled]):
        faults.append("complementarity")
    return ", ".join(faults)


def _scalar(problem: Problem, values: np.ndarray) -> float:
    """The scalar that suits a spread's rows best."""
    return float(values.max() - problem.upper[0] + values.min()) / 2.0


def unsolved(seed: int, problem: Problem, answer: Any, wrong: str) -> list[list[str]]:
    """What Clarabel says of a problem that was not solved, where it says other than we do."""
    outcome = answer.outcome.name
    least = least_violation(problem)
    hard = ~np.isfinite(problem.stiffness)
    ours = float(np.sqrt(np.sum(_outside(problem, answer.y)[hard] ** 2)))
    if outcome == "RELAXED":
        if ours <= least + 1e-6 * (1.0 + least):
            return []
        return [[str(seed), problem.kind, outcome, f"least violation {least:.1e}, ours {ours:.1e}"]]
    y = clarabel(problem)
    if y is None:
        return [
            [str(seed), problem.kind, outcome, f"least violation {least:.1e}, ours {ours:.1e}, no answer"]
        ]
    apart = float(np.abs(y - answer.y).max())
    return [
        [
            str(seed),
            problem.kind,
            outcome,
            f"an answer {apart:.1e} from ours; least violation {least:.1e}, ours {ours:.1e}; {wrong}",
        ]
    ]


def _outside(problem: Problem, y: np.ndarray) -> np.ndarray:
    values = problem.matrix @ y
    if problem.aux is not None:
        values = values - (values.max() + values.min() - problem.upper[0]) / 2.0
    return np.maximum(np.maximum(values - problem.upper, problem.lower - values), 0.0)


def clarabel(problem: Problem) -> np.ndarray | None:
    """Its answer, or None where it has none."""
    y = cp.Variable(len(problem.r))
    objective: Any
    if problem.divergence == "euclidean":
        objective = cp.sum(cp.multiply(problem.weights / 2.0, cp.square(y - problem.r)))
    else:
        objective = -cp.sum(
            cp.multiply(problem.weights * problem.r, cp.log(y))
            + cp.multiply(problem.weights * (1.0 - problem.r), cp.log(1.0 - y))
        )
    soft = np.isfinite(problem.stiffness)
    rows = _rows(problem, y)
    if soft.any():
        slack = cp.Variable(len(problem.matrix))
        price = np.where(soft, problem.stiffness, 0.0)
        objective = objective + cp.sum(cp.multiply(price / 2.0, cp.square(slack)))
        rows = rows + cp.multiply(soft.astype(float), slack)
    return _solved(objective, _bounded(problem, rows) + [y >= 0, y <= 1], y)


def least_violation(problem: Problem) -> float:
    """The root of the least sum of squares over the hard rows; nan where Clarabel does not say."""
    y = cp.Variable(len(problem.r))
    amount = cp.Variable(len(problem.matrix))
    hard = ~np.isfinite(problem.stiffness)
    rows = _bounded(problem, _rows(problem, y) + amount)
    if _solved(cp.norm(amount[hard]) if hard.any() else 0, rows + [y >= 0, y <= 1], y) is None:
        return float("nan")
    return float(np.linalg.norm(amount.value[hard]))


def _rows(problem: Problem, y: Any) -> Any:
    rows = problem.matrix @ y
    return rows if problem.aux is None else rows + problem.aux @ cp.Variable(1)


def _bounded(problem: Problem, rows: Any) -> list[Any]:
    above, below = np.isfinite(problem.upper), np.isfinite(problem.lower)
    constraints = [rows[above] <= problem.upper[above]] if above.any() else []
    return constraints + ([rows[below] >= problem.lower[below]] if below.any() else [])


def _solved(objective: Any, constraints: list[Any], y: Any) -> np.ndarray | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the status says the same
        try:
            problem = cp.Problem(cp.Minimize(objective), constraints)
            problem.solve(solver="CLARABEL", **TIGHT)
        except cp.SolverError:
            return None
    return None if problem.status not in ("optimal", "optimal_inaccurate") else np.asarray(y.value)


if __name__ == "__main__":
    main()
