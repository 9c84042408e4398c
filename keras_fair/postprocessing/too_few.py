"""What to say where there is no promise: how many people it takes, or which tolerance these could promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from keras_fair.errors import quoted
from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.people_needed import people_for_means, people_for_rates
from keras_fair.postprocessing.promise import Unpromised
from keras_fair.postprocessing.promised_rows import OneSided
from keras_fair.postprocessing.row_tests import RowTest

__all__ = ["equal_scores", "equality_without_tolerance", "too_few"]

_MANY = 0.02  # of a group, with one score
_STEPS = 20  # of the bisection for a tolerance


def equality_without_tolerance(inequalities: Sequence[OneSided]) -> None:
    """Refuse a promise that no number of people can give.

    Raises:
        Unpromised: two inequalities leave one value.
    """
    for each in inequalities:
        for other in inequalities:
            if each.bound + other.bound <= 1e-12 and np.allclose(each.weights, -other.weights):
                raise Unpromised(
                    f"{quoted(each.name)} is an equality without a tolerance, and no number of people shows "
                    "that two means are equal: give it a tolerance, as in +- 0.02, or take confidence=None"
                )


def too_few(
    tests: Sequence[RowTest],
    given: np.ndarray,
    people: int,
    level: float,
    confidence: float,
    *,
    split: bool = False,
) -> str:
    """Why there is no promise.

    Args:
        tests: of the inequalities.
        given: what the most careful rule gives the people who are tested.
        people: how many there are, with those who are only learnt from.
        level: of each test.
        confidence: of the promise.
        split: whether some are only learnt from.
    """
    failing = [test for test in tests if not test.passes(given, level)]
    if not failing:
        failing = list(tests)
    needed = [_people_needed(test, given, people, level) for test in failing]
    worst = int(np.argmax([math.inf if need is None else need for need in needed]))
    name, most = quoted(failing[worst].row.name), needed[worst]
    wider = _wider(failing, given, level)
    smallest = min(len(part.people) for test in failing for part in test.parts)
    tested = ", of whom 70% are tested," if split else ""
    if most is None:
        text = (
            f"no promise of {name}: no rule of this kind meets it on these {people:,} people, so they do "
            "not show how many are needed"
        )
    else:
        text = (
            f"{people:,} people{tested} are too few for a promise of {name} with probability "
            f"{confidence:.4g}: the smallest group that it compares has {smallest:,}. "
            f"About {_rounded(max(most, people + 1)):,} people like these are needed"
        )
    if not split:
        text += ' (method="split and test" tries other rules too)'
    if wider is not None:
        text += f"; these could promise it with its tolerance wider by {wider:.2g}"
    return text + ". confidence=None learns without a promise"


def equal_scores(people: Calibration, may_draw: bool) -> str:
    """A sentence where many people of a group have one score, and share their decision; else `""`.

    Args:
        people: the calibration people.
        may_draw: whether drawing lots among them is still open.
    """
    if not may_draw:
        return ""
    largest = [(float(np.diff(c.weights).max() / max(c.weights[-1], 1e-300)), c) for c in people.curves]
    share, curve = max(largest, key=lambda pair: pair[0])
    if share < _MANY:
        return ""
    score = curve.scores[int(np.argmax(np.diff(curve.weights)))]
    return (
        f". In the group {people.groups.names[curve.group]} {share:.1%} have the score {score:g}, and are "
        'accepted or rejected together: randomise="ties" draws lots among people of one score'
    )


def _people_needed(test: RowTest, given: np.ndarray, people: int, level: float) -> int | None:
    """How many people in all it takes, where they are like these; None where no number does."""
    room = test.row.bound - test.value(given)
    if room <= 0:
        return None
    if test.apart:
        added, taken = test.parts
        factor, bound = -taken.factor / added.factor, test.row.bound / added.factor
        values = added.values(given), taken.values(given)
        shares = len(added.people) / people, len(taken.people) / people
        if test.counted:
            return people_for_rates(
                float(values[0].mean()),
                float(values[1].mean()),
                *shares,
                factor=factor,
                bound=bound,
                level=level,
            )
        return people_for_means(
            float(values[0].mean()), float(values[1].mean()), float(values[0].std()), float(values[1].std()),
            *shares, factor=factor, bound=bound, level=level,
            low=min(added.low, taken.low), high=max(added.high, taken.high),
        )  # fmt: skip
    # Of other inequalities by the normal approximation: a number to plan by, no promise.
    return math.ceil(people * (norm.isf(level / len(test.parts)) * test.error(given) / room) ** 2 * 1.1)


def _wider(tests: Sequence[RowTest], given: np.ndarray, level: float) -> float | None:
    """How much wider all bounds would have to be; None where even 1 is not enough, and for floors on
    precision, whose bounds are not in the text's unit."""
    if any(part.coefficients is not None for test in tests for part in test.parts):
        return None

    def enough(width: float) -> bool:
        return all(
            replace(test, row=replace(test.row, bound=test.row.bound + width)).passes(given, level)
            for test in tests
        )

    low, high = 0.0, 1.0
    if not enough(high):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
        if high - low < 1e-3 * high:
            break
    return high


def _rounded(number: int) -> int:
    """To two digits."""
    scale = 10 ** max(0, len(str(number)) - 2)
    return math.ceil(number / scale) * scale
