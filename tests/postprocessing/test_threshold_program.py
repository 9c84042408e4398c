"""The program of thresholds against a dense one, and the search against trying every rule."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import keras_fair as kf
from keras_fair.inputs.domain import check_domain
from keras_fair.postprocessing.calibration import Calibration, plan_for, read_calibration, vocabulary_of
from keras_fair.postprocessing.decision_rule import Unmet, fit_decisions, program_rows
from keras_fair.postprocessing.meaning import meaning_of
from keras_fair.postprocessing.promised_rows import one_sided
from keras_fair.postprocessing.threshold_program import Rows, best_mixture
from keras_fair.postprocessing.threshold_search import best_thresholds
from tests.applicants import Applicants, applicants

INTERSECTIONS = (
    "spread(P[y >= 0.5 | sex=*]) <= {a}; spread(P[y >= 0.5 | district=*, label=1]) <= {a}; "
    "P[y >= 0.5] <= {b}; P[label=1 | y >= 0.5, sex=*] >= 0.5; P[y >= 0.5 | sex=Female, district=West] >= 0.05"
)
TEXTS = [
    "spread(P[y >= 0.5 | sex=*]) <= {a}",
    "equalized_odds(sex) <= {a} at y >= 0.5",
    "spread(P[y >= 0.5 | sex=*, district=*]) <= {a}",
    "disparate_impact(district) >= 0.8 at y >= 0.5; P[y >= 0.5] <= {b}",
    INTERSECTIONS,
]


def calibration(text: str, people: Applicants, worth: np.ndarray | None = None) -> Calibration:
    meaning, domain = meaning_of(kf.parse(text)), check_domain((0.0, 1.0))
    plan = plan_for(meaning, vocabulary_of(meaning, people.attributes, people.label, "error"), domain)
    read = read_calibration(meaning, plan, people.scores, people.attributes, people.label, None, domain)
    return replace(read, utility=2 * people.label - 1 if worth is None else worth)


def dense_optimum(people: Calibration, rows: Rows) -> float | None:
    """The largest gain of a mixture of any thresholds; None where no mixture meets the rows."""
    curves = people.curves
    columns = np.concatenate([curve.shifts(rows.weights) for curve in curves] + [rows.aux], axis=1)
    gains = np.concatenate([curve.gain for curve in curves])
    shares = np.zeros((len(curves), columns.shape[1]))
    start = 0
    for place, curve in enumerate(curves):
        shares[place, start : start + len(curve)] = 1
        start += len(curve)
    above, below = np.isfinite(rows.upper), np.isfinite(rows.lower)
    found = linprog(
        np.r_[-gains, np.zeros(rows.aux.shape[1])],
        A_ub=np.r_[columns[above], -columns[below]],
        b_ub=np.r_[(rows.upper - rows.offset)[above], (rows.offset - rows.lower)[below]],
        A_eq=shares,
        b_eq=np.ones(len(curves)),
        bounds=[(0, None)] * len(gains) + [(None, None)] * rows.aux.shape[1],
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return -found.fun if found.status == 0 else None


@pytest.mark.parametrize("text", TEXTS)
def test_the_mixture_is_that_of_the_dense_program(text: str) -> None:

    @settings(max_examples=12, derandomize=True, deadline=None, database=None)
    @given(
        seed=st.integers(0, 2**32 - 1),
        tolerance=st.sampled_from([0.0, 0.02, 0.2]),
        budget=st.sampled_from([0.1, 0.4]),
        atoms=st.sampled_from([None, 12]),
    )
    def check(seed: int, tolerance: float, budget: float, atoms: int | None) -> None:
        drawn = applicants(300, seed, atoms=atoms)
        worth = np.random.default_rng(seed).normal(size=300)
        people = calibration(text.format(a=tolerance, b=budget), drawn, worth)
        rows = program_rows(people.rows)
        mixture, optimum = best_mixture(people.curves, rows), dense_optimum(people, rows)
        assert mixture.feasible == (optimum is not None)
        if optimum is not None:
            assert mixture.gain == pytest.approx(optimum, abs=1e-9 * max(1.0, np.abs(worth).sum()))
            binding = sum(len(shares) - 1 for shares in mixture.shares)
            assert binding <= len(rows.lower) + rows.aux.shape[1]

    check()


def every_rule(people: Calibration) -> float:
    """The largest gain of one threshold for each group, by trying all."""
    inequalities = one_sided(people.rows)
    weights = np.array([each.weights for each in inequalities])
    bounds = np.array([each.bound for each in inequalities])
    best = -np.inf
    shifts = [curve.shifts(weights) for curve in people.curves]
    for places in itertools.product(*[range(len(curve)) for curve in people.curves]):
        total = sum(shift[:, place] for shift, place in zip(shifts, places, strict=True))
        if np.all(total <= bounds + 1e-10):
            gain = sum(curve.gain[place] for curve, place in zip(people.curves, places, strict=True))
            best = max(best, float(gain))
    return best


@pytest.mark.parametrize(
    ("text", "atoms"),
    [(TEXTS[0], 40), (TEXTS[1], 40), ("P[y >= 0.5 | sex=Female] >= 0.9 * P[y >= 0.5 | sex=Male]", 40),
     ("spread(P[y >= 0.5 | district=*]) <= {a}", 14),
     ("spread(P[y >= 0.5 | label=1, district=*]) <= {a}", 14),
     ("spread(P[y >= 0.5 | district=*]) <= {a}; P[label=1 | y >= 0.5] >= 0.5", 14)],
)  # fmt: skip
def test_the_search_finds_the_best_rule(text: str, atoms: int) -> None:
    for seed in range(6):
        people = calibration(text.format(a=0.06), applicants(150, seed, atoms=atoms))
        best = every_rule(people)
        places = best_thresholds(
            people.curves, one_sided(people.rows), best_mixture(people.curves, program_rows(people.rows))
        )
        if best == -np.inf:
            assert places is None
        else:
            assert places is not None
            gain = sum(curve.gain[place] for curve, place in zip(people.curves, places, strict=True))
            assert gain == pytest.approx(best, abs=1e-9)


def test_rules_draw_lots_as_they_may() -> None:
    text = "spread(P[y >= 0.5 | sex=*]) <= 0.001; 0.2 <= P[y >= 0.5] <= 0.4"
    people = calibration(text, applicants(2000, 3, atoms=6))
    options: dict[str, Any] = {"decision": 0.5, "domain": (0.0, 1.0)}
    with pytest.raises(Unmet, match='share one score.*randomise="ties"'):
        fit_decisions(people, randomise="never", **options)
    ties = fit_decisions(people, randomise="ties", **options)
    allowed = fit_decisions(people, randomise="allowed", **options)
    assert allowed.gain == pytest.approx(allowed.optimum)
    assert ties.gain <= allowed.gain + 1e-9
    assert 0 < ties.randomised < 0.4
    for thresholds, shares in zip(ties.knots.thresholds, ties.knots.shares, strict=True):
        used = thresholds[shares > 0]
        between = np.unique(people.scores[(people.scores >= used.min()) & (people.scores < used.max())])
        assert len(between) <= 1  # lots among people of one score


def test_what_no_thresholds_meet_is_said() -> None:
    text = "P[y >= 0.5 | sex=Female] >= 0.9; P[y >= 0.5] <= 0.2"
    with pytest.raises(Unmet, match=r"by 0.0556"):
        fit_decisions(
            calibration(text, applicants(500)), decision=0.5, domain=(0.0, 1.0), randomise="allowed"
        )
