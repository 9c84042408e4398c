r"""A promise for any rows: learn candidates on some people, test them on others.

    candidate c    the best rule whose relations hold inside their bounds by c standard errors

The candidates, learnt from a part of the people, are tested on the rest from the most careful one on, each
by the tests of all its inequalities, up to the first that fails. The last that passed is promised: in the
population, the first candidate that violates an inequality is passed with probability at most the level,
and no later one without it. Sources: Angelopoulos, Bates, Candes, Jordan and Lei, Learn then Test (2021);
Berger, Technometrics 24 (1982).

How far the candidates lie apart is guessed by a normal approximation; what is promised rests on the tests
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.decision_rule import Unmet
from keras_fair.postprocessing.row_tests import RowTest

__all__ = ["SPLIT", "Split", "SplitChoice", "choose_by_tests", "split_people"]

SPLIT = 0.3  # of the people are learnt from
_CARE = np.arange(32, -1, -1) / 8.0  # in standard errors of the difference of the two parts

Fit = TypeVar("Fit")


@dataclass(frozen=True)
class Split:
    """People to learn from and people to test, as places, `(k,)` int each."""

    learnt: np.ndarray
    tested: np.ndarray


@dataclass(frozen=True)
class SplitChoice(Generic[Fit]):
    """A candidate.

    Attributes:
        fit: the rule; None where none is promised.
        care: in standard errors.
        tried: how many candidates were tested.
        best: the most careful candidate, None where there is none.
    """

    fit: Fit | None
    care: float
    tried: int
    best: Fit | None


def split_people(cells: np.ndarray, seed: int) -> Split:
    """A random part of each group to learn from, the rest to test.

    Args:
        cells: `(n,)` int, the group of each person.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(cells))
    order = order[np.argsort(cells[order], kind="stable")]
    _, starts, sizes = np.unique(cells[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    learnt = place < np.repeat(np.ceil(SPLIT * sizes), sizes)
    return Split(np.sort(order[learnt]), np.sort(order[~learnt]))


def choose_by_tests(
    learn: Callable[[np.ndarray | None], Fit],
    given: Callable[[Fit, Calibration], np.ndarray],
    learnt: Calibration,
    tested: Calibration,
    tests: Sequence[RowTest],
    tests_of_learnt: Sequence[RowTest],
    level: float,
) -> SplitChoice[Fit]:
    """The least careful candidate up to which all pass.

    Args:
        learn: a rule from margins of relations, `(R,)`, or from None; raises `Unmet` where there is none.
        given: what a rule gives people.
        learnt: the people who are learnt from.
        tested: those who are tested.
        tests: of all inequalities, over the tested.
        tests_of_learnt: likewise, over those learnt from.
        level: `1 - confidence`.

    Raises:
        Unmet: no rule meets the rows on the people who are learnt from.
    """
    plain = learn(None)
    errors = np.zeros(len(learnt.rows.relations))
    values = given(plain, learnt)
    # Both parts differ from the population by chance, and so from each other.
    ratio = np.sqrt(1 + len(learnt) / max(len(tested), 1))
    for test in tests_of_learnt:
        errors[test.row.relation] = max(errors[test.row.relation], ratio * test.error(values))
    chosen: Fit | None = None
    best: Fit | None = None
    last: np.ndarray | None = None
    care, tried = 0.0, 0
    for each in _CARE:
        try:
            candidate = learn(each * errors) if each else plain
        except Unmet:
            continue
        best = candidate if best is None else best
        values = given(candidate, tested)
        if last is not None and np.array_equal(values, last):
            chosen, care = candidate, float(each)  # these people get what the last one gave, which passed
            continue
        tried, last = tried + 1, values
        if not all(test.passes(values, level) for test in tests):
            break
        chosen, care = candidate, float(each)
    return SplitChoice(chosen, care, tried, best)
