"""The best rule that never draws lots: one threshold for each group.

    maximise sum_g gain_g[k_g]   subject to   sum_g shift_g[r, k_g] <= bound_r

With two groups, and rows that rise or fall along the thresholds of each (rates do), the thresholds of the
second group that meet the rows are an interval for each threshold of the first: all pairs are looked at.

A spread of one rate over more groups leaves all rates in a band, `[a, a + bound]`, whose lower end is one
of the rates: all bands are looked at, and in each the best threshold of each group.

Otherwise a small mixed-integer program (HiGHS) chooses among candidates. All three look at evenly spread
thresholds first, then at all around the best.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from keras_fair.postprocessing.curves import Curve
from keras_fair.postprocessing.promised_rows import OneSided
from keras_fair.postprocessing.threshold_program import Mixture

__all__ = ["best_of_candidates", "best_thresholds"]

_PAIR = 2048  # thresholds of each of two groups that are looked at in one round
_BAND = 40_000  # of all groups together, where rates lie in a band
_CANDIDATES = 40  # of each group in the mixed-integer program
_ROUNDS = 6
_SECONDS = 10.0
_SLACK = 1e-10


def best_thresholds(
    curves: Sequence[Curve], inequalities: Sequence[OneSided], mixture: Mixture
) -> tuple[int, ...] | None:
    """The place of the threshold of each group; None where no rule was found that meets the rows.

    Args:
        curves: of the groups.
        inequalities: what has to hold.
        mixture: the best mixture of thresholds, around which is looked first.
    """
    weights = np.array([each.weights for each in inequalities]).reshape(len(inequalities), -1)
    bounds = np.array([each.bound for each in inequalities])
    shifts = (
        [curve.shifts(weights) for curve in curves]
        if len(bounds)
        else [np.zeros((0, len(c))) for c in curves]
    )
    starts = [sorted({place for place, _ in shares}) for shares in mixture.shares]
    pair = len(curves) == 2 and all(map(_is_monotone, shifts))
    band = None if pair else _rows_of_band(curves, shifts, weights, bounds)
    width = _PAIR if pair else _CANDIDATES
    if band is not None:
        width = max(_CANDIDATES, min(_PAIR, _BAND // len(curves)))
    best: tuple[int, ...] | None = None
    reach = [float(len(curve)) for curve in curves]
    for _ in range(_ROUNDS):
        centres = starts if best is None else [[place] for place in best]
        chosen = [
            _candidates(len(curve), centre, span, width)
            for curve, centre, span in zip(curves, centres, reach, strict=True)
        ]
        gains = [curve.gain[places] for curve, places in zip(curves, chosen, strict=True)]
        parts = [shift[:, places] for shift, places in zip(shifts, chosen, strict=True)]
        found: tuple[int, ...] | None
        if pair:
            found = _best_pair(gains, parts, bounds)
        elif band is not None:
            rates = [part[row] for part, row in zip(parts, band, strict=True)]
            found = _best_in_band(gains, rates, float(bounds[0]))
        else:
            found = best_of_candidates(gains, parts, bounds)
        if found is None:
            if best is not None or all(
                len(c) == len(places) for c, places in zip(curves, chosen, strict=True)
            ):
                break
            reach = [span / 4 for span in reach]
            continue
        places = tuple(int(options[place]) for options, place in zip(chosen, found, strict=True))
        if places == best or all(len(c) == len(options) for c, options in zip(curves, chosen, strict=True)):
            best = places
            break
        best = places
        reach = [max(span * 4 / width, width / 2.0) for span in reach]
    return best


def _candidates(size: int, centres: Sequence[int], reach: float, width: int) -> np.ndarray:
    """Places of thresholds: the centres, their neighbours, and evenly spread ones within reach of them."""
    if size <= width:
        return np.arange(size)
    low, high = max(0.0, min(centres) - reach), min(size - 1.0, max(centres) + reach)
    spread = np.linspace(low, high, width).astype(int)
    near = [centre + step for centre in centres for step in range(-3, 4)]
    return np.unique(np.clip([*spread, *near], 0, size - 1))


def _is_monotone(shifts: np.ndarray) -> bool:
    steps = np.diff(shifts, axis=1)
    return bool(np.all((steps >= -1e-15).all(axis=1) | (steps <= 1e-15).all(axis=1)))


def _best_pair(
    gains: Sequence[np.ndarray], shifts: Sequence[np.ndarray], bounds: np.ndarray
) -> tuple[int, int] | None:
    """The best of all pairs of thresholds of two groups."""
    size = len(gains[1])
    low, high = np.zeros(len(gains[0]), dtype=int), np.full(len(gains[0]), size)
    for first, second, bound in zip(*shifts, bounds, strict=True):
        room = bound - first + _SLACK
        if second[-1] >= second[0]:
            high = np.minimum(high, np.searchsorted(second, room, side="right"))
        else:
            low = np.maximum(low, size - np.searchsorted(second[::-1], room, side="right"))
    there = low < high
    if not there.any():
        return None
    total = np.full(len(low), -np.inf)
    best = np.zeros(len(low), dtype=int)
    best[there] = _RangeMaximum(gains[1]).places(low[there], high[there])
    total[there] = gains[0][there] + gains[1][best[there]]
    chosen = int(np.argmax(total))
    return chosen, int(best[chosen])


def _rows_of_band(
    curves: Sequence[Curve], shifts: Sequence[np.ndarray], weights: np.ndarray, bounds: np.ndarray
) -> list[int] | None:
    """For each group a row that its rate is added to, where the rows are a spread of one rate.

    Those are, with one bound, the difference of each group's rate and each other's. None for other rows.
    """
    if len(curves) < 2 or len(bounds) != len(curves) * (len(curves) - 1) or np.ptp(bounds) > _SLACK:
        return None
    used = np.flatnonzero(weights.any(axis=0))
    terms = [np.intersect1d(curve.terms, used) for curve in curves]
    if any(len(own) != 1 for own in terms) or len(np.unique(np.concatenate(terms))) != len(curves):
        return None
    ones = np.sort(weights[:, used], axis=1)
    if not (ones[:, 0] == -1).all() or not (ones[:, -1] == 1).all() or ones[:, 1:-1].any():
        return None
    rows = [int(np.argmax(weights[:, own[0]])) for own in terms]
    risen = all((np.diff(shift[row]) >= -1e-15).all() for shift, row in zip(shifts, rows, strict=True))
    return rows if risen else None


def _best_in_band(
    gains: Sequence[np.ndarray], rates: Sequence[np.ndarray], bound: float
) -> tuple[int, ...] | None:
    """The best thresholds whose rates, rising in each group, lie within a bound of each other."""
    least = np.unique(np.concatenate(rates))
    total, places = np.zeros(len(least)), np.zeros((len(rates), len(least)), dtype=int)
    for group, (gain, rate) in enumerate(zip(gains, rates, strict=True)):
        low, high = np.searchsorted(rate, least), np.searchsorted(rate, least + bound + _SLACK, side="right")
        there = low < high
        total[~there] = -np.inf
        places[group, there] = _RangeMaximum(gain).places(low[there], high[there])
        total[there] += gain[places[group, there]]
    chosen = int(np.argmax(total))
    return tuple(places[:, chosen].tolist()) if np.isfinite(total[chosen]) else None


class _RangeMaximum:
    """Where numbers are largest within ranges, by a table of ranges of two's powers."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.tables = [np.arange(len(values))]
        while 2 << (len(self.tables) - 1) <= len(values):
            table, half = self.tables[-1], 1 << (len(self.tables) - 1)
            left, right = table[:-half], table[half:]
            self.tables.append(np.where(values[right] > values[left], right, left))

    def places(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The first place of the largest value in each `[low, high)`, none of them empty."""
        power = np.frexp(high - low)[1] - 1
        places = np.empty(len(low), dtype=int)
        for each in np.unique(power):
            rows = power == each
            left, right = self.tables[each][low[rows]], self.tables[each][high[rows] - (1 << int(each))]
            places[rows] = np.where(self.values[right] > self.values[left], right, left)
        return places


def best_of_candidates(
    gains: Sequence[np.ndarray], shifts: Sequence[np.ndarray], bounds: np.ndarray
) -> tuple[int, ...] | None:
    """The best choice of one candidate in each group, by a mixed-integer program."""
    sizes = [len(gain) for gain in gains]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    one_each = (groups[None, :] == np.arange(len(sizes))[:, None]).astype(float)
    constraints = [LinearConstraint(one_each, 1, 1)]
    if len(bounds):
        constraints.append(LinearConstraint(np.concatenate(shifts, axis=1), -np.inf, bounds + _SLACK))
    cost = -np.concatenate(gains)
    found = milp(
        cost / max(float(np.abs(cost).max()), 1e-300),
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, 1),
        constraints=constraints,
        options={"time_limit": _SECONDS, "mip_rel_gap": 1e-6},
    )
    if found.x is None:
        return None
    places = tuple(int(np.argmax(found.x[groups == place])) for place in range(len(sizes)))
    if len(bounds):
        total = sum(shift[:, place] for shift, place in zip(shifts, places, strict=True))
        if not np.all(total <= bounds + 1e-9):
            return None
    return places
