"""The exponentiated gradient over classifiers, each step followed by the exact mixture of those found.

    min over mixtures q   max over lambda >= 0, sum lambda <= B     error(q) + lambda' (g(q) - b)

The player of the multipliers moves by the exponentiated gradient; the other answers with the classifier that
a weighted fit finds. After each answer a linear program mixes the classifiers found so far as well as they
can be mixed, and its duals are priced by one more fit, which bounds the game's value from below as far as
the fit is the best there is. Source: Agarwal et al. (2018), Algorithm 1, with the linear program that
fairlearn adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

__all__ = ["Answer", "Settings", "Solution", "exponentiated_gradient"]

_FEWEST = 5  # steps, before the gap may end them: fits are not the best answers, so it can be too small
_SAME = 1e-10  # an answer joins the others where it lowers the Lagrangian by more


class Answer(NamedTuple):
    """What the game sees of a classifier: its error, and the left sides of the inequalities, `(R,)`."""

    error: float
    values: np.ndarray


@dataclass(frozen=True)
class Settings:
    """How the game is played.

    Attributes:
        multiplier_bound: B, what the multipliers sum to at most.
        learning_rate: of the exponentiated gradient, in units of 1 / B.
        gap: the duality gap that ends the game.
        max_iter: so many steps at most.
    """

    multiplier_bound: float
    learning_rate: float
    gap: float
    max_iter: int


@dataclass(frozen=True)
class Solution:
    """A mixture of the answers.

    Attributes:
        shares: of the answers, >= 0, with sum 1.
        multipliers: `(R,)`, of the inequalities.
        gap: what the mixture's Lagrangian is above the best lower bound, at most.
        steps: how many were taken.
    """

    shares: np.ndarray
    multipliers: np.ndarray
    gap: float
    steps: int


def exponentiated_gradient(
    known: Sequence[Answer],
    bounds: np.ndarray,
    answer: Callable[[np.ndarray], Answer],
    settings: Settings,
    *,
    keep: Callable[[], None],
) -> Solution:
    """Play the game.

    Args:
        known: answers that are there before the first step; the shares begin with theirs.
        bounds: `(R,)`, b.
        answer: the best classifier at given multipliers, `(R,)`.
        settings: how.
        keep: called after an answer that joins the others.

    Raises:
        RuntimeError: the solver of the linear program failed.
    """
    answers = list(known)
    upper_sum, rate = settings.multiplier_bound, settings.learning_rate / settings.multiplier_bound
    exponents, lower, steps = np.zeros(len(bounds)), -np.inf, 0
    mixture = _Mixture(answers, bounds, upper_sum)
    for steps in range(1, settings.max_iter + 1):
        largest = max(0.0, float(exponents.max()))
        powers = np.exp(exponents - largest)
        moved = _join(answers, upper_sum * powers / (np.exp(-largest) + powers.sum()), answer, bounds, keep)
        mixture = _Mixture(answers, bounds, upper_sum)
        _join(answers, mixture.multipliers, answer, bounds, keep)
        lower = max(lower, min(_lagrangian(each, mixture.multipliers, bounds) for each in answers))
        if mixture.value - lower <= settings.gap and steps >= _FEWEST:
            break
        exponents += rate * (moved.values - bounds)
    if len(mixture.shares) < len(answers):
        mixture = _Mixture(answers, bounds, upper_sum)
    return Solution(mixture.shares, mixture.multipliers, max(0.0, mixture.value - lower), steps)


def _join(
    answers: list[Answer],
    multipliers: np.ndarray,
    answer: Callable[[np.ndarray], Answer],
    bounds: np.ndarray,
    keep: Callable[[], None],
) -> Answer:
    """The best answer at these multipliers; a new one joins where it is better than all known."""
    given = answer(multipliers)
    known = [_lagrangian(each, multipliers, bounds) for each in answers]
    best = int(np.argmin(known))
    if _lagrangian(given, multipliers, bounds) >= known[best] - _SAME:
        return answers[best]
    answers.append(given)
    keep()
    return given


def _lagrangian(answer: Answer, multipliers: np.ndarray, bounds: np.ndarray) -> float:
    return answer.error + float(multipliers @ (answer.values - bounds))


class _Mixture:
    """The best mixture of answers: `minimise errors q + B s`, no inequality exceeded by more than s."""

    def __init__(self, answers: Sequence[Answer], bounds: np.ndarray, multiplier_bound: float) -> None:
        errors = np.array([each.error for each in answers])
        excess = np.stack([each.values for each in answers], axis=1) - bounds[:, None]
        found = linprog(
            np.append(errors, multiplier_bound),
            A_ub=np.column_stack([excess, -np.ones(len(bounds))]),
            b_ub=np.zeros(len(bounds)),
            A_eq=np.append(np.ones(len(answers)), 0.0)[None],
            b_eq=np.ones(1),
            method="highs-ds",
        )
        if found.status != 0:
            raise RuntimeError(f"expected HiGHS to mix the classifiers, received: {found.message}")
        shares = np.clip(found.x[:-1], 0.0, None)
        shares[shares < 1e-12] = 0.0
        self.shares = shares / shares.sum()
        self.multipliers = np.clip(-found.ineqlin.marginals, 0.0, None)
        self.value = float(found.fun)
