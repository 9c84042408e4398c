"""What can still be read from predictions: a fresh classifier guesses the attribute on held-out people.

    P(A | y) by logistic regression on hinges of the ranks of y, fitted on one half
    AUC on the other half, with DeLong's interval

The optimal guess from one number depends on y through P(A | y) only, so hinges at many ranks come close to
the best there is, whatever its shape. Several comparisons (groups, values of the label) are each held to
`1 - (1 - confidence) / comparisons`, so the interval of the worst one covers (Bonferroni).

Where one side always lies above the other, DeLong's variance is 0. Of m people on the smaller side, m
disjoint pairs are then all in order, which has probability at most AUC^m; the interval ends where that is as
improbable as asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

__all__ = ["Comparison", "Probe", "TooFew", "area_with_interval", "probe_scores"]

_HINGES, _RIDGE, _STEPS = 12, 1.0, 30
_LEAST = 10  # people on each side of each half


class TooFew(ValueError):
    """There are too few people to probe predictions."""


@dataclass(frozen=True)
class Comparison:
    """One attribute's group against the rest, told apart by the prediction.

    Attributes:
        what: the group, and the value of the label among whose samples it is asked for.
        auc: of the fresh classifier on people whom it wasn't fitted on.
        lower, upper: of the interval of this AUC.
        people: how many there are on each side, in the half that is measured.
    """

    what: str
    auc: float
    lower: float
    upper: float
    people: tuple[int, int]


@dataclass(frozen=True)
class Probe:
    """How well a fresh classifier reads the attributes from held-out predictions.

    Attributes:
        auc: of the comparison in which it is largest; 0.5 is guessing.
        lower, upper: of the interval for the largest AUC of these classifiers over people like these.
        confidence: of that interval, over all comparisons together.
        comparisons: each of them.
        skipped: comparisons with too few people on one side.
        text: all this in a sentence.
    """

    auc: float
    lower: float
    upper: float
    confidence: float
    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return self.text


def probe_scores(
    asked: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]], *, confidence: float, seed: int
) -> Probe:
    """Probe predictions.

    Args:
        asked: for each comparison its name, the scores `(n,)`, whom to tell apart `(n,)` bool, and who takes
            part `(n,)` bool.
        confidence: of the interval over all comparisons, in (0, 1).
        seed: of the halves.

    Raises:
        TooFew: no comparison has 10 people on each side of each half.
    """
    rng = np.random.default_rng(seed)
    halves, skipped = [], []
    for what, scores, target, taking_part in asked:
        y, a = scores[taking_part], target[taking_part]
        fitted = np.zeros(len(y), dtype=bool)
        for side in (False, True):  # as many of each side in both halves
            of_side = rng.permutation(np.flatnonzero(a == side))
            fitted[of_side[: len(of_side) // 2]] = True
        if min(int(a[fitted].sum()), int((~a[fitted]).sum())) < _LEAST:
            skipped.append(what)
            continue
        halves.append((what, y, a, fitted))
    if not halves:
        raise TooFew(
            f"expected {2 * _LEAST} people or more in a group and outside it, to probe predictions; received "
            f"fewer for each of {skipped}"
        )
    each = 1.0 - (1.0 - confidence) / len(halves)
    comparisons = []
    for what, y, a, fitted in halves:
        guess = _fitted_guess(y[fitted], a[fitted], y[~fitted])
        above, below = guess[a[~fitted]], guess[~a[~fitted]]
        auc, lower, upper = area_with_interval(above, below, each)
        comparisons.append(Comparison(what, auc, lower, upper, (len(above), len(below))))
    worst = max(comparisons, key=lambda comparison: comparison.auc)
    lower = max(comparison.lower for comparison in comparisons)
    upper = max(comparison.upper for comparison in comparisons)
    together = "" if len(comparisons) == 1 else f", the worst of {len(comparisons)}, all together"
    text = (
        f"a fresh probe tells {worst.what} with AUC {worst.auc:.3f} [{lower:.3f}, {upper:.3f}] "
        f"({confidence:.0%} interval{together}; {sum(worst.people)} held-out people)"
    )
    if skipped:
        text += f"; too few people for {', '.join(skipped)}"
    return Probe(worst.auc, lower, upper, confidence, tuple(comparisons), tuple(skipped), text)


def area_with_interval(
    above: np.ndarray, below: np.ndarray, confidence: float
) -> tuple[float, float, float]:
    """The AUC and its interval (DeLong, DeLong and Clarke-Pearson, 1988; by ranks: Sun and Xu, 2014).

    Args:
        above, below: the guesses `(m,)` for those who are in the group and `(n,)` for the others.
        confidence: in (0, 1).
    """
    m, n = len(above), len(below)
    ranks = stats.rankdata(np.concatenate([above, below]))
    of_above = (ranks[:m] - stats.rankdata(above)) / n
    of_below = 1.0 - (ranks[m:] - stats.rankdata(below)) / m
    auc = float(of_above.mean())
    variance = of_above.var(ddof=1) / m + of_below.var(ddof=1) / n
    alpha = 1.0 - confidence
    if variance == 0.0:
        least = (alpha / 2) ** (1 / min(m, n))
        return auc, least if auc > 0.5 else 0.0, 1.0 if auc >= 0.5 else 1.0 - least
    wide = float(stats.norm.isf(alpha / 2) * np.sqrt(variance))
    return auc, max(auc - wide, 0.0), min(auc + wide, 1.0)


def _fitted_guess(y: np.ndarray, target: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The guessed log-odds of `target`, a function of y, at other values of y."""
    order = np.sort(y)
    columns, others = _hinges(order, y), _hinges(order, asked)
    coefficients = np.zeros(columns.shape[1])
    penalty = np.full(columns.shape[1], _RIDGE)
    penalty[0] = 1e-6
    wanted = target.astype("float64")
    for _ in range(_STEPS):  # Newton's steps for the logistic loss with a ridge
        share = 1.0 / (1.0 + np.exp(-np.clip(columns @ coefficients, -30.0, 30.0)))
        gradient = columns.T @ (share - wanted) + penalty * coefficients
        curvature = (columns * (share * (1.0 - share))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        coefficients = coefficients - step
        if np.max(np.abs(step)) < 1e-6:
            break
    return np.asarray(others @ coefficients)


def _hinges(order: np.ndarray, y: np.ndarray) -> Any:
    """1, the rank of y among `order`, and how far it lies above each of some ranks."""
    rank = (np.searchsorted(order, y, "left") + np.searchsorted(order, y, "right")) / (2 * len(order))
    knots = np.linspace(0.0, 1.0, _HINGES + 2)[1:-1]
    return np.column_stack([np.ones(len(y)), rank - 0.5, *(np.maximum(rank - knot, 0.0) for knot in knots)])
