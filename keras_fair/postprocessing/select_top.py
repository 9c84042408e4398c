"""Top-k: exactly k people of a batch, the best of each group, in numbers that meet a text.

    maximise    sum of the scores of the chosen
    subject to  the rows over these people,   k chosen,   nobody chosen before a better one of the same group

It is the program of thresholds (`threshold_program`) with one row more, for the count, and then a whole
number of people for each group. The promise is another one than a frozen rule's: it is exact, on this
batch, and says nothing of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_fair.constraints import Constraints, nodes_of, parse
from keras_fair.errors import ConstraintTypeError, Reason
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.inputs.predictions import read_predictions
from keras_fair.language.nodes import Label
from keras_fair.postprocessing.calibration import (
    Calibration,
    plan_for,
    read_calibration,
    vocabulary_of,
)
from keras_fair.postprocessing.curves import Curve, curves_of
from keras_fair.postprocessing.decision_rule import Unmet, program_rows
from keras_fair.postprocessing.knots import lots_of
from keras_fair.postprocessing.meaning import meaning_of
from keras_fair.postprocessing.promised_rows import one_sided
from keras_fair.postprocessing.threshold_program import Rows, best_mixture
from keras_fair.postprocessing.threshold_search import best_of_candidates

__all__ = ["select_top"]

_WINDOW = 8  # people around the program's numbers that are looked at first


def select_top(
    constraints: Constraints,
    scores: Any,
    attributes: Any,
    k: int,
    *,
    ids: Any = None,
    vocabulary: Vocabulary | Mapping[str, Any] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Choose exactly k people of a batch by their scores, under constraints on who is chosen.

    Args:
        constraints: about decisions, `P[y >= t | ...]`, without the label; `y >= t` stands for being chosen.
        scores: `(n,)` or `(n, 1)` finite numbers; higher is better.
        attributes: the columns that the constraints name, `(n,)` each.
        k: how many, in [0, n].
        ids: `(n,)`, a name or number of each person, by which lots are drawn among equal scores; default:
            their places.
        vocabulary: the values of the attributes; default: those that occur.
        seed: of the lots.

    Returns:
        `(n,)` bool, with exactly k True.

    Raises:
        ConstraintError: the constraints are about scores, or need the label.
        Unmet: no k people meet them.
        ValueError: arguments are malformed.

    Example:
        >>> import keras_fair as kf
        >>> sex = ["F", "F", "F", "M", "M", "M"]
        >>> chosen = kf.select_top(
        ...     "spread(P[y >= 0.5 | sex=*]) <= 0.1", [0.2, 0.5, 0.3, 0.9, 0.8, 0.7], {"sex": sex}, 2
        ... )
        >>> chosen.tolist()
        [False, True, False, True, False, False]
    """
    parsed = parse(constraints)
    meaning = meaning_of(parsed)
    if not meaning.decides:
        raise ConstraintTypeError(
            "choosing people is about decisions: expected P[y >= 0.5 | ...], or a criterion at y >= 0.5",
            text=parsed.text,
            span=parsed.statements[0].relation.span,
            reason=Reason.MEANING,
        )
    for node in nodes_of(meaning.rows):
        if isinstance(node, Label):
            raise ConstraintTypeError(
                "the label of people who are still to be chosen is not known",
                text=parsed.text,
                span=node.span,
                reason=Reason.LABEL_NEEDED,
            )
    values = read_predictions(scores, outputs=1).flat
    n = len(values)
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 0 <= k <= n:
        raise ValueError(f"expected k to be a whole number from 0 to n={n}, received k={k!r}")
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        vocabulary = Vocabulary(vocabulary)
    if vocabulary is None or vocabulary.is_empty:
        missing = "error" if vocabulary is None else vocabulary.missing
        vocabulary = vocabulary_of(meaning, attributes, None, missing)
    anywhere = check_domain(None)
    people = read_calibration(
        meaning, plan_for(meaning, vocabulary, anywhere), values, attributes, None, None, anywhere
    )
    lots = lots_of(range(n) if ids is None else np.asarray(ids).reshape(-1).tolist(), seed)
    if len(lots) != n:
        raise ValueError(f"expected as many ids as scores, received {len(lots)} ids and {n} scores")
    ranks = np.empty(n)
    ranks[np.lexsort((lots, values))] = np.arange(n)  # no two people are equal any more
    curves = curves_of(people.rows, ranks, people.cells, values)
    numbers = _numbers(people, curves, int(k))
    chosen = np.zeros(n, dtype=bool)
    for curve, number in zip(curves, numbers, strict=True):
        if number:
            members = people.cells == curve.group
            chosen |= members & (ranks >= curve.scores[number - 1])
    return chosen


def _numbers(people: Calibration, curves: Sequence[Curve], k: int) -> list[int]:
    """How many are chosen of each group."""
    rows = program_rows(people.rows)
    counted = [_with_count(curve, rows.weights.shape[1]) for curve in curves]
    mixture = best_mixture(counted, _with_count_row(rows, k))
    if not mixture.feasible:
        raise Unmet(
            f"no {k} people meet all constraints in this batch, not even with parts of people: their bounds "
            f"have to be wider by {mixture.excess:.3g} in all"
        )
    weights = np.array([each.weights for each in one_sided(people.rows)]).reshape(-1, rows.weights.shape[1])
    bounds = np.array([each.bound for each in one_sided(people.rows)])
    middles = [sum(place * share for place, share in shares) for shares in mixture.shares]
    window = float(_WINDOW)
    while True:
        places = [
            np.arange(max(0, int(middle - window)), min(len(curve), int(middle + window) + 2))
            for curve, middle in zip(curves, middles, strict=True)
        ]
        shifts = [
            np.concatenate([curve.shifts(weights)[:, chosen], [chosen / 1.0, -chosen / 1.0]])
            for curve, chosen in zip(curves, places, strict=True)
        ]
        gains = [curve.gain[chosen] for curve, chosen in zip(curves, places, strict=True)]
        found = best_of_candidates(gains, shifts, np.r_[bounds, k, -k])
        if found is not None:
            return [int(chosen[place]) for chosen, place in zip(places, found, strict=True)]
        if all(len(chosen) == len(curve) for chosen, curve in zip(places, curves, strict=True)):
            raise Unmet(
                f"no whole numbers of people of each group add up to {k} and meet all constraints in this "
                "batch: widen a tolerance to at least one person of the smallest group"
            )
        window *= 8


def _with_count(curve: Curve, terms: int) -> Curve:
    """A curve that adds the number of the accepted to one term more."""
    return replace(
        curve,
        terms=np.r_[curve.terms, terms],
        reach=np.concatenate([curve.reach, [curve.counts.astype(float)]]),
    )


def _with_count_row(rows: Rows, k: int) -> Rows:
    """The rows, and that k are accepted."""
    m, terms = rows.weights.shape
    weights = np.zeros((m + 1, terms + 1))
    weights[:m, :terms] = rows.weights
    weights[m, terms] = 1.0
    return Rows(
        weights,
        np.concatenate([rows.aux, np.zeros((1, rows.aux.shape[1]))]),
        np.r_[rows.offset, 0.0],
        np.r_[rows.lower, float(k)],
        np.r_[rows.upper, float(k)],
    )
