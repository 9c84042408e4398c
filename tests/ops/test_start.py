"""Where a projection begins changes how many passes it takes, and not its answer."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras import ops

import keras_fair as kf
from keras_fair.ops import Outcome, Projection
from keras_fair.rows.margins import with_tolerances
from tests.problems import KINDS, make_case

SEEDS = range(12)


def projected(y: Any, rows: kf.LinearRows, **rest: Any) -> Projection:
    """Without what it says of rows that can't be met, which some of these can't."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kf.project(y, rows, **rest)


@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_start_leads_to_the_same_answer(kind: str, divergence: str) -> None:
    solved = 0
    for seed in SEEDS:
        case = make_case(seed, kind)
        cold = projected(case.r, case.rows, divergence=divergence)
        near = projected(
            case.r,
            replace(case.rows, lower=case.rows.lower - 0.01, upper=case.rows.upper + 0.01),
            divergence=divergence,
        )
        drawn = np.random.default_rng(seed).normal(0, 5, len(case.rows))
        for start in (cold.duals, near.duals, drawn, np.zeros(len(case.rows))):
            warm = projected(case.r, case.rows, divergence=divergence, start=start)
            assert warm.outcome is cold.outcome
            if cold.outcome is Outcome.SOLVED:
                assert np.abs(warm.y - cold.y).max() <= 1e-7
            else:  # least in the sum of squares, proven to a part of 1e-4
                one, other = (np.linalg.norm(each.violation) for each in (warm, cold))
                assert one == pytest.approx(other, rel=2e-4)
        solved += cold.outcome is Outcome.SOLVED
        again = projected(case.r, case.rows, divergence=divergence, start=cold.duals)
        assert again.outcome is not Outcome.SOLVED or again.iterations <= cold.iterations
    assert solved > len(SEEDS) // 2


def test_tensors_begin_where_they_are_told_to() -> None:
    case = make_case(1, "spread")
    y = ops.convert_to_tensor(case.r.astype("float32"))
    cold = projected(y, case.rows)
    warm = projected(y, case.rows, start=cold.duals)
    assert warm.iterations < cold.iterations
    assert np.abs(ops.convert_to_numpy(warm.y) - ops.convert_to_numpy(cold.y)).max() <= 1e-5


@pytest.mark.parametrize("size", [1.0, 30.0, 1e4, 1e9])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    "text",
    [
        "E[y | sex=F] <= 0.1",
        "E[y | sex=F] == 0.3 +- 0.05",
        "E[y | sex=F] <= 0.1; E[y | sex=M] >= 0.8",
        "spread(E[y | sex=*]) <= 0.02",
        "E[y | sex=F] == E[y | sex=M]",
        "E[y | sex=F] <= 0.9; E[y] <= 1.5",
    ],
)
def test_duals_that_push_all_predictions_to_a_bound_are_left_again(text: str, sign: int, size: float) -> None:
    rng = np.random.default_rng(3)
    sex, y = rng.choice(["F", "M"], 40), rng.random(40)
    rows = kf.parse(text).rows({"sex": sex})
    cold = kf.project(y, rows)
    warm = kf.project(y, rows, start=np.full(len(rows), sign * size))
    assert warm.outcome is cold.outcome is Outcome.SOLVED
    assert np.abs(warm.y - cold.y).max() <= 1e-8


def test_rows_without_bounds_are_left_alone_wherever_one_begins() -> None:
    sex = np.array(["F", "M"] * 10)
    rows = kf.parse("E[y | sex=F] - E[y | sex=M] == 0; E[y | sex=F] == 0.5").rows({"sex": sex})
    free = with_tolerances(rows, [np.inf, np.inf])
    y = np.linspace(0, 1, 20)
    found = kf.project(y, free, start=[3.0, -2.0])
    assert np.array_equal(found.y, y)
    assert np.array_equal(found.duals, [0.0, 0.0])
