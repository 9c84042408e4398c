"""Random projection problems for the tests, of every kind the solver has to deal with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_fair.rows.linear import LinearRows, rows_from_matrix
from keras_fair.rows.terms import CellFamily, Terms

KINDS = ("two groups", "all pairs", "spread", "bounds", "arbitrary rows", "equal rows", "repeated rows")
SAMPLES = 24
GROUPS = 4


@dataclass(frozen=True)
class Case:
    """Predictions and rows, the rows also as plain arrays."""

    kind: str
    r: np.ndarray
    matrix: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    aux: np.ndarray
    rows: LinearRows

    def violation(self, y: np.ndarray) -> float:
        """The largest violation, with the best auxiliary scalar."""
        values = self.matrix @ y
        if self.aux.shape[1]:
            there = np.isfinite(self.upper)
            return max(0.0, np.ptp(values[there]) - self.upper[there][0]) if there.any() else 0.0
        return float(max(0.0, np.max(values - self.upper), np.max(self.lower - values)))


def make_case(seed: int, kind: str, *, in_cells: bool = True, samples: int = SAMPLES) -> Case:
    """A problem of the kind; about one in ten cannot be met inside [0, 1]."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, GROUPS, samples)
    if rng.random() < 0.2:
        codes = np.minimum(codes, 1)  # groups that nobody belongs to
    if rng.random() < 0.1:
        codes = np.where(np.arange(samples) == 0, GROUPS - 1, 0)  # a group of one
    r = _predictions(rng, codes)
    counts = np.bincount(codes, minlength=GROUPS).astype(float)
    tolerance = float(rng.choice([0.0, 0.01, 0.1]))
    mix, lower, upper, aux = _rows(rng, kind, tolerance)
    empty = np.abs(mix) @ (counts == 0) > 0
    lower, upper = np.where(empty, -np.inf, lower), np.where(empty, np.inf, upper)
    means = np.eye(GROUPS)[:, codes] / np.maximum(counts, 1.0)[:, None]
    matrix = mix @ means
    if in_cells:
        rows = _cell_rows(codes, counts, mix, lower, upper, aux)
    else:
        rows = rows_from_matrix(matrix, lower=lower, upper=upper, aux=aux)
    return Case(kind, r, matrix, lower, upper, aux, rows)


def _predictions(rng: np.random.Generator, codes: np.ndarray) -> np.ndarray:
    shape = rng.integers(4)
    if shape == 0:
        return rng.random(len(codes))
    if shape == 1:
        return np.clip(rng.normal(0.3 + 0.1 * codes, 0.3), 0.0, 1.0)  # many at the bounds
    if shape == 2:
        return np.round(rng.random(len(codes)), 1)  # ties
    return 1.0 / (1.0 + np.exp(-rng.normal(-2.0 + codes, 2.0)))


def _rows(rng: np.random.Generator, kind: str, tolerance: float) -> tuple[np.ndarray, ...]:
    unit = np.eye(GROUPS)
    if kind == "two groups":
        return (unit[:1] - unit[1:2]), np.array([-tolerance]), np.array([tolerance]), np.zeros((1, 0))
    if kind == "all pairs":
        mix = np.array([unit[a] - unit[b] for a in range(GROUPS) for b in range(a)])
        return mix, np.full(len(mix), -tolerance), np.full(len(mix), tolerance), np.zeros((len(mix), 0))
    if kind == "spread":
        return unit, np.zeros(GROUPS), np.full(GROUPS, tolerance), -np.ones((GROUPS, 1))
    if kind == "bounds":
        lower = rng.uniform(0.0, 0.9, GROUPS)
        upper = lower + rng.uniform(0.0, 0.2, GROUPS)
        lower[rng.random(GROUPS) < 0.2] = -np.inf
        return unit, lower, upper, np.zeros((GROUPS, 0))
    count = 6
    mix = rng.normal(size=(count, GROUPS))
    centre = mix @ rng.uniform(0.1, 0.9, GROUPS)
    slack = rng.uniform(0.0, 0.2, count)
    lower, upper = centre - slack, centre + rng.uniform(0.0, 0.2, count)
    if kind == "equal rows":
        lower = upper = centre
        if rng.random() < 0.3:
            lower = upper = rng.normal(size=count)  # more equations than groups: cannot be met
    if kind == "repeated rows":
        mix[3:], lower[3:], upper[3:] = mix[:3], lower[:3], upper[:3]
        mix[5], lower[5], upper[5] = -2.0 * mix[0], -2.0 * upper[0], -2.0 * lower[0]
    if kind == "arbitrary rows":
        lower[rng.random(count) < 0.3] = -np.inf
        upper[rng.random(count) < 0.3] = np.inf
        if rng.random() < 0.2:
            lower, upper = lower + 1.5, upper + 1.5
    return mix, lower, upper, np.zeros((count, 0))


def _cell_rows(
    codes: np.ndarray,
    counts: np.ndarray,
    mix: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    aux: np.ndarray,
) -> LinearRows:
    family = CellFamily(np.eye(GROUPS, GROUPS + 1), codes.astype("int32"), np.ones(len(codes)), disjoint=True)
    return LinearRows(
        terms=Terms((family,), np.zeros(GROUPS), counts, 1),
        weights=mix,
        aux=aux,
        offset=np.zeros(len(mix)),
        lower=lower,
        upper=upper,
        names=tuple(f"row {j}" for j in range(len(mix))),
        active=np.isfinite(lower) | np.isfinite(upper),
        disjoint=bool(np.array_equal(mix, np.eye(GROUPS))),
    )
