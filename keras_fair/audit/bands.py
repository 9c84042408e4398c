"""What the groups of score histograms are called: values, bands of numbers, quartiles."""

from __future__ import annotations

import numpy as np

from keras_fair.audit.grid import Grid
from keras_fair.audit.score_rows import ScoreRows
from keras_fair.groups.coding import MISSING, UNKNOWN, Entry
from keras_fair.groups.growing import GrowingFactor
from keras_fair.groups.thresholds import interval_text

__all__ = ["outside", "quartered", "quartile", "shown"]


def quartered(rows: ScoreRows) -> ScoreRows:
    """The rows of the bins of an attribute joined into quarters of about the same weight."""
    order = sorted(rows.place)
    weights = np.array([rows.sums[rows.place[key], 1] for key in order])
    total = weights.sum()
    before = np.cumsum(weights) - weights
    quarter = np.minimum((4 * (before + weights / 2) / total).astype(int), 3) if total > 0 else before * 0
    quarters = ScoreRows()
    for key, place in zip(order, quarter.astype(int), strict=True):
        row = rows.place[key]
        quarters.put([(int(place),)], rows.sums[row : row + 1], rows.counts[row : row + 1])
        low, high = quarters.starts.get(int(place), (key[0], key[0]))
        quarters.starts[int(place)] = (min(low, key[0]), max(high, key[0] + 1))
    return quarters


def quartile(name: str, rows: ScoreRows, quarter: int, grid: Grid) -> str:
    """The text of a quarter of an attribute, such as `28 <= age < 37`."""
    low, high = (bound * grid.width for bound in rows.starts[quarter])
    there = sorted(rows.starts)
    if len(there) > 1 and quarter == there[0]:
        return f"{name} < {high:g}"
    if len(there) > 1 and quarter == there[-1]:
        return f"{name} >= {low:g}"
    return f"{low:g} <= {name} < {high:g}"


def outside(factor: GrowingFactor, state: int) -> bool:
    """Whether a state belongs to no group."""
    return state == UNKNOWN or (state == MISSING and factor.missing != "group")


def shown(name: str, factor: GrowingFactor, state: int) -> Entry:
    """The value of a state; of a band of numbers its text."""
    if state == MISSING:
        return "missing"
    entry = factor.entry(state)
    if factor.kind == "text" or factor.demand.exact or isinstance(entry, str):
        return entry if entry is not None else ""
    return interval_text(name, factor.cuts, state) if factor.cuts else name
