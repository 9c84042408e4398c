r"""A promise from all people: a path of rules that is fixed before anybody's score is seen.

    theta_A(s) = theta_0 + s / P_A,    theta_B(s) = theta_0 - s / P_B            (decisions)
    alpha_A(s) = s / P_A,              alpha_B(s) = -s / P_B                     (scores)

With two groups A and B, of `P_A` and `P_B` people, and others that stay, this is the way from too much for
B over no correction (s = 0) to too much for A, in the direction that costs least on calibrated scores.
Along it whatever A gets falls and whatever B gets rises. So each inequality falls, or rises, in the
population.

Falling inequalities are tested from the end s = S down, to the first point where one fails: `s1` is the
last that passed. Rising ones from the other end up: `s2`. Each tested point is promised, at the level of
its tests, since none is tested after a failure (Bauer, 1991: fixed-sequence testing; Angelopoulos et al.,
Learn then Test (2021)).

*At which level.* Let `f` be where, in the population, the last falling inequality begins to hold, and `g`
where the first rising one ends to. Both ends are tested at a main level `delta - eta` and at a small level
`eta`, which gives `s1 <= s1'` and `s2' <= s2`. Chosen is

    some s in [s1, s2'] if s1 > 0;    some s in [s1', s2] if s2 < 0;    0 if s1 <= 0 <= s2;    else nothing

It is wrong with probability at most `delta`. If `f > 0`: a choice below f means `s1 < f`, an error at the
main level (in the second case even `s1' < f`); a choice above g means `s2' > g`, an error at the small one.
If `g < 0` likewise. Else 0 is right, and a choice above g is an error of `s2'`, one below f an error of
`s1'`: at most `2 eta`.

The path depends on how many people each group has and on nothing else, and given these numbers the scores
of each group are still independent draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from scipy.stats import norm

from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.row_tests import RowTest

__all__ = ["Path", "applies", "choose_on_path", "path_points", "small_level"]

POINTS = 1024  # on each side of s = 0
SMALL_SHARE = 0.1  # of the level, for the end that is seldom the one that binds


def applies(calibration: Calibration, tests: Sequence[RowTest]) -> tuple[np.ndarray, np.ndarray] | None:
    """Which way each inequality goes along the path, and which groups move.

    Returns:
        `(r,)`, -1 falls, 1 rises; and `(1,)` or `(2,)` int, the groups A and B among those that somebody is
        in, in the order of their cells. None where the path does not apply: an inequality is about more
        than two groups, about a mixture of groups, or neither falls nor rises.
    """
    groups = np.unique(calibration.cells)
    cells_of = [[np.unique(calibration.cells[part.people]) for part in test.parts] for test in tests]
    flat = [cells for parts in cells_of for cells in parts]
    if not flat or any(len(cells) != 1 for cells in flat):
        return None
    moved = np.unique(np.concatenate(flat))
    if len(moved) > 2:
        return None
    ways = []
    for test, cells in zip(tests, cells_of, strict=True):
        if any(part.coefficients is not None and (part.coefficients < 0).any() for part in test.parts):
            return None
        signs = {
            int(np.sign(part.factor)) * (-1 if cell[0] == moved[0] else 1)
            for part, cell in zip(test.parts, cells, strict=True)
        }
        if len(signs) != 1:
            return None
        ways.append(signs.pop())
    return np.array(ways), np.searchsorted(groups, moved)


def path_points(sizes: np.ndarray, moved: np.ndarray, *, weighted: bool = False) -> np.ndarray:
    """The points of the path, `(k, groups)`: what is added to the threshold, or taken from the score, of each
    group, as a part of the domain.

    Args:
        sizes: `(groups,)`, how many people are in each.
        moved: the groups A and B, or A alone; others stay.
        weighted: whether people have weights: then each test takes long, and there are fewer points.
    """
    points = POINTS // 8 if weighted else POINTS
    steps = (np.arange(points + 1) / points) ** 2
    s = np.concatenate([-steps[:0:-1], steps])
    directions = np.zeros(len(sizes))
    # Where the larger group has come to its end, the smaller one has long done so.
    directions[moved] = np.array([1.0, -1.0])[: len(moved)] * sizes[moved].max() / sizes[moved]
    return s[:, None] * directions


class Path(Protocol):
    """The rules along the path."""

    def __len__(self) -> int: ...

    def passes(self, test: int, place: int, level: float) -> bool:
        """Whether a test of the rule at a point passes."""
        ...

    def gains(self, places: np.ndarray) -> np.ndarray:
        """What the rules at points are worth on these people."""
        ...


def choose_on_path(path: Path, tests: Sequence[RowTest], ways: np.ndarray, level: float) -> int | None:
    """The promised point that is worth most; None where no point is promised.

    Args:
        path: the rules.
        tests: of the inequalities.
        ways: -1 where an inequality falls along the path, 1 where it rises.
        level: `1 - confidence`.
    """
    count = len(path)
    falling, rising = np.flatnonzero(ways < 0).tolist(), np.flatnonzero(ways > 0).tolist()
    zero, places = count // 2, np.arange(count)

    def from_above(at: float) -> int:
        """The last point, coming from above, up to which all that falls passes."""
        return _last(path, falling, range(count - 1, -1, -1), at, count)

    def from_below(at: float) -> int:
        return _last(path, rising, range(count), at, -1)

    small = small_level(tests, level) if falling and rising else 0.0
    main = level - small
    s1 = from_above(main) if falling else 0
    s2 = from_below(main) if rising else count - 1
    if s1 <= zero <= s2 and small:
        allowed = places == zero
    elif not small:
        allowed = (places >= s1) & (places <= s2)
    elif s1 > zero:
        allowed = (places >= s1) & (places <= from_below(small))
    else:
        allowed = (places <= s2) & (places >= from_above(small))
    return _best(path, places[allowed]) if allowed.any() else None


def _last(path: Path, tests: Sequence[int], places: Iterable[int], level: float, none: int) -> int:
    passed = none
    for place in places:
        if not all(path.passes(test, place, level) for test in tests):
            break
        passed = place
    return passed


def small_level(tests: Sequence[RowTest], level: float) -> float:
    """The level of the end that seldom binds: a tenth, or half where both ends are near each other."""
    small = SMALL_SHARE * level
    for test in tests:
        for other in tests:
            if not np.allclose(test.row.weights, -other.row.weights):
                continue
            error = np.sqrt(sum(part.factor**2 / 4 / max(len(part.people), 1) for part in test.parts))
            width = test.row.bound + other.row.bound
            if (norm.isf(small) + norm.isf(level - small)) * error > width:
                return level / 2
    return small


def _best(path: Path, places: np.ndarray) -> int:
    """The point that is worth most; of equal ones that nearest to no correction."""
    gains = path.gains(places)
    best = places[gains >= gains.max() - 1e-12 * max(1.0, abs(float(gains.max())))]
    return int(best[np.argmin(np.abs(best - len(path) // 2))])
