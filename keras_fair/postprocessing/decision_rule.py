"""Learning a rule for decisions: the best thresholds that meet the rows on the calibration people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_fair.errors import quoted, some_of
from keras_fair.postprocessing.calibration import Calibration
from keras_fair.postprocessing.curves import Curve, row_matrix
from keras_fair.postprocessing.knots import ThresholdKnots
from keras_fair.postprocessing.promised_rows import one_sided
from keras_fair.postprocessing.threshold_choices import Choice, knots_of_choices, split_atoms
from keras_fair.postprocessing.threshold_program import Mixture, Rows, best_mixture
from keras_fair.postprocessing.threshold_search import best_thresholds
from keras_fair.rows.linear import LinearRows
from keras_fair.rows.margins import held_rows

__all__ = ["DecisionFit", "Unmet", "fit_decisions", "program_rows"]


class Unmet(ValueError):
    """No rule of the asked kind meets the rows on these people."""


@dataclass(frozen=True)
class DecisionFit:
    """A rule and how good it is on the people that it was learnt from.

    Attributes:
        knots: one row for each group in `cells`.
        cells: `(g,)` int, the groups.
        gain: its utility, summed over people.
        optimum: that of the best mixture of thresholds, which may draw lots; None where none meets the rows.
        randomised: the expected share of people whose decision depends on a lot.
    """

    knots: ThresholdKnots
    cells: np.ndarray
    gain: float
    optimum: float | None
    randomised: float


def fit_decisions(
    calibration: Calibration,
    *,
    decision: float,
    domain: tuple[float, float],
    randomise: str,
    margins: np.ndarray | None = None,
) -> DecisionFit:
    """The rule with the largest utility among those that meet the rows on these people.

    Args:
        calibration: the people.
        decision: the `t` of `y >= t`.
        domain: `(low, high)` of scores.
        randomise: `"never"`, `"ties"` or `"allowed"`.
        margins: `(R,)`, how far inside its bounds each relation is held; default: not at all.

    Raises:
        Unmet: no thresholds, or none of the asked kind, meet the rows.
    """
    curves, held = calibration.curves, calibration.rows
    if margins is not None:
        held = held_rows(calibration.held(margins))
    inequalities = one_sided(held)
    mixture = best_mixture(curves, program_rows(held))
    if not mixture.feasible:
        raise Unmet(_why_not(calibration, mixture))
    choices: Sequence[Choice]
    if randomise == "allowed":
        choices = mixture.shares
    elif randomise == "ties":
        choices = _ties(curves, inequalities, mixture)
    else:
        places = best_thresholds(curves, inequalities, mixture)
        if places is None:
            raise Unmet(_atom(calibration))
        choices = [[(float(place), 1.0)] for place in places]
    gain = sum(
        share * float(np.interp(place, np.arange(len(curve)), curve.gain))
        for curve, choice in zip(curves, choices, strict=True)
        for place, share in choice
    )
    knots = knots_of_choices(curves, choices, decision, domain)
    return DecisionFit(
        knots=knots,
        cells=np.array([curve.group for curve in curves]),
        gain=gain,
        optimum=mixture.gain,
        randomised=_randomised(knots, curves),
    )


def _ties(curves: Sequence[Curve], inequalities: Any, mixture: Mixture) -> list[Choice]:
    """The best rule that draws lots among people with one score only."""
    split, places = zip(*map(split_atoms, curves), strict=True)
    nearest = tuple(
        tuple((int(np.searchsorted(fine, place)), share) for place, share in shares)
        for fine, shares in zip(places, mixture.shares, strict=True)
    )
    found = best_thresholds(split, inequalities, replace(mixture, shares=nearest))
    if found is None:
        raise Unmet(
            "no rule that draws lots among equal scores only was found that meets the constraints on these "
            'people; randomise="allowed" draws lots among people of different scores too'
        )
    return [[(float(fine[place]), 1.0)] for fine, place in zip(places, found, strict=True)]


def program_rows(rows: LinearRows) -> Rows:
    """Rows as the program of thresholds takes them."""
    return Rows(
        row_matrix(rows),
        np.asarray(rows.aux),
        np.asarray(rows.offset),
        np.asarray(rows.lower),
        np.asarray(rows.upper),
    )


def _why_not(calibration: Calibration, mixture: Mixture) -> str:
    """Which relations no thresholds meet, and by how much."""
    means = np.zeros(len(calibration.rows.terms))
    for curve, shares in zip(calibration.curves, mixture.shares, strict=True):
        for place, share in shares:
            means[curve.terms] += share * curve.reach[:, place]
    over: dict[str, float] = {}
    for each in calibration.inequalities:
        excess = float(each.weights @ means) - each.bound
        if excess > 1e-9:
            over[each.name] = max(over.get(each.name, 0.0), excess)
    shown = [f"{quoted(name)} by {excess:.3g}" for name, excess in over.items()]
    return (
        "no thresholds meet all constraints on these people, not even with lots drawn: what comes nearest "
        f"leaves {some_of(shown, 5)}. Widen these, or drop "
        "the constraints that stand against them; kf.diagnose names a smallest conflict of groups alone"
    )


def _atom(calibration: Calibration) -> str:
    """Which score so many people share that no threshold comes close enough."""
    curves, groups = calibration.curves, calibration.groups
    sizes = [np.diff(curve.weights) / max(curve.weights[-1], 1e-300) for curve in curves]
    worst = int(np.argmax([size.max() for size in sizes]))
    place = int(np.argmax(sizes[worst]))
    return (
        "no single thresholds meet all constraints on these people: too many share one score. In the group "
        f"{groups.names[curves[worst].group]} {sizes[worst][place]:.1%} have the score "
        f"{curves[worst].scores[place]:g}, and are accepted or rejected together; "
        'randomise="ties" draws lots among people of one score'
    )


def _randomised(knots: ThresholdKnots, curves: Sequence[Curve]) -> float:
    """The share of people whose decision depends on a lot."""
    total, drawn = 0.0, 0.0
    for thresholds, shares, curve in zip(knots.thresholds, knots.shares, curves, strict=True):
        used = thresholds[shares > 0]
        total += curve.weights[-1]
        if len(used) > 1:
            ends = np.searchsorted(-curve.scores, -used, side="right")
            ends = np.where(np.isfinite(used), ends, 0)
            drawn += curve.weights[ends.max()] - curve.weights[ends.min()]
    return drawn / max(total, 1e-300)
