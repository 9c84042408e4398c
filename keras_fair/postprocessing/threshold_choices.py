"""From places on curves to the thresholds of a rule, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_fair.postprocessing.curves import Curve
from keras_fair.postprocessing.knots import ThresholdKnots

__all__ = ["Choice", "knots_of_choices", "split_atoms"]

Choice = Sequence[tuple[float, float]]
"""Of one group: pairs of a place on its curve and a share of people. A fraction of a place accepts that share
of those with the score there."""

_PIECES = 8000  # of an atom that holds everyone; smaller ones have fewer


def split_atoms(curve: Curve) -> tuple[Curve, np.ndarray]:
    """A curve on which a part of those with one score may be accepted, and the places of its thresholds on
    the first curve, `(k,)` with fractions."""
    sizes = np.diff(curve.weights) / max(curve.weights[-1], 1e-300)
    pieces = np.maximum(1, np.ceil(sizes * _PIECES)).astype(int)
    steps = [np.arange(1, count + 1) / count + place for place, count in enumerate(pieces)]
    places = np.concatenate([[0.0], *steps])
    whole = np.arange(len(curve))
    return (
        replace(
            curve,
            reach=np.stack([np.interp(places, whole, row) for row in curve.reach])
            if len(curve.reach)
            else np.zeros((0, len(places))),
            gain=np.interp(places, whole, curve.gain),
        ),
        places,
    )


def threshold_at(curve: Curve, place: int, low: float) -> float:
    """The threshold that accepts the first `place` scores of a curve, and no other.

    It lies between the last accepted and the first rejected score, and is a number of float32 where one lies
    there, so that scores in float32 are decided alike.
    """
    if place == 0:
        return np.inf
    if place == len(curve) - 1:
        return low
    accepted, rejected = curve.scores[place - 1], curve.scores[place]
    middle = float(np.float32(accepted / 2 + rejected / 2))
    if not rejected < middle <= accepted:
        middle = float(np.float32(accepted))
    return middle if rejected < middle <= accepted else float(accepted)


def knots_of_choices(
    curves: Sequence[Curve], choices: Sequence[Choice], decision: float, domain: tuple[float, float]
) -> ThresholdKnots:
    """The knots of a rule, one row for each curve."""
    rows: list[dict[float, float]] = []
    for curve, choice in zip(curves, choices, strict=True):
        shares: dict[float, float] = {}
        for place, share in choice:
            fraction = place - np.floor(place)
            for whole, part in (
                (int(np.floor(place)), share * (1 - fraction)),
                (int(np.ceil(place)), share * fraction),
            ):
                if part > 0:
                    theta = threshold_at(curve, whole, domain[0])
                    shares[theta] = shares.get(theta, 0.0) + part
        rows.append(shares)
    width = max(map(len, rows))
    thresholds, weights = np.full((len(rows), width), np.inf), np.zeros((len(rows), width))
    for row, shares in enumerate(rows):
        for place, theta in enumerate(sorted(shares)):
            thresholds[row, place], weights[row, place] = theta, shares[theta]
        weights[row] /= weights[row].sum()
    return ThresholdKnots(thresholds, weights, decision, domain)
