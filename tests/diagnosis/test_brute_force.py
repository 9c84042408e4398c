"""Random systems, against every subset of their relations solved sample by sample with another
formulation."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog

import keras_fair as kf

GROUPS = ("a", "b", "c")


class Simple(NamedTuple):
    """A relation as a text, and as differences of group means with an upper bound."""

    text: str
    pairs: tuple[tuple[np.ndarray, float], ...]


def mean_of(member: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return member * weight / (member @ weight)


def relation(rng: np.random.Generator, group: np.ndarray, weight: np.ndarray) -> Simple:
    means = {name: mean_of(group == name, weight) for name in GROUPS}
    kind, bound = rng.integers(0, 5), round(float(rng.uniform(-0.1, 1.1)), 3)
    first, second = rng.choice(GROUPS, 2, replace=False)
    tolerance = round(float(rng.uniform(0.0, 0.2)), 3)
    if kind == 0:
        return Simple(f"E[y | g={first}] >= {bound}", ((-means[first], -bound),))
    if kind == 1:
        return Simple(f"E[y | g={first}] <= {bound}", ((means[first], bound),))
    if kind == 2:
        up, down = (means[first], bound + tolerance), (-means[first], tolerance - bound)
        return Simple(f"E[y | g={first}] == {bound} +- {tolerance}", (up, down))
    if kind == 3:
        difference = means[first] - means[second]
        text = f"E[y | g={first}] == E[y | g={second}] +- {tolerance}"
        return Simple(text, ((difference, tolerance), (-difference, tolerance)))
    pairs = tuple((means[a] - means[b], tolerance) for a in GROUPS for b in GROUPS if a != b)
    return Simple(f"spread(E[y | g=*]) <= {tolerance}", pairs)


def least_growth(relations, low: float, high: float, largest: bool = False) -> float:
    """The least sum of growth, or the least growth of all, over single predictions."""
    samples, count = len(relations[0].pairs[0][0]), 1 if largest else len(relations)
    rows, upper = [], []
    for place, one in enumerate(relations):
        for coefficients, bound in one.pairs:
            growth = np.zeros(count)
            growth[0 if largest else place] = -1.0
            rows.append(np.concatenate([coefficients, growth]))
            upper.append(bound)
    cost = np.concatenate([np.zeros(samples), np.ones(count)])
    bounds = [(low, high)] * samples + [(0, None)] * count
    return float(linprog(cost, A_ub=np.array(rows), b_ub=upper, bounds=bounds).fun)


@pytest.mark.parametrize("seed", range(40))
def test_against_all_subsets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = np.concatenate([GROUPS, rng.choice(GROUPS, 9)])
    weight = rng.uniform(0.1, 3.0, len(group)) if seed % 2 else np.ones(len(group))
    low, high = [(0.0, 1.0), (-0.2, 0.8)][seed % 2]
    relations = {one.text: one for one in (relation(rng, group, weight) for _ in range(rng.integers(2, 7)))}
    found = kf.diagnose(
        "\n".join(relations), {"g": group}, domain=(low, high), sample_weight=weight if seed % 2 else None
    )
    of_text = {str(kf.parse(text)): one for text, one in relations.items()}

    def conflicts(texts) -> bool:
        return least_growth([of_text[text] for text in texts], low, high) > 1e-7

    assert found.feasible is not conflicts(of_text)
    every = list(of_text.values())
    assert found.total_growth == pytest.approx(least_growth(every, low, high), abs=1e-7)
    assert found.largest_growth == pytest.approx(least_growth(every, low, high, largest=True), abs=1e-7)
    if found.feasible:
        return
    minimal = []
    for size in range(1, len(of_text) + 1):
        for chosen in combinations(of_text, size):
            if not any(set(smaller) <= set(chosen) for smaller in minimal) and conflicts(chosen):
                minimal.append(chosen)
    assert set(found.conflict) in [set(chosen) for chosen in minimal]


def test_some_of_these_systems_can_be_met_and_some_cannot() -> None:
    outcomes = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        group = np.concatenate([GROUPS, rng.choice(GROUPS, 9)])
        some = [relation(rng, group, np.ones(len(group))) for _ in range(rng.integers(2, 7))]
        outcomes.append(least_growth(some, 0.0, 1.0) > 1e-7)
    assert 5 < sum(outcomes) < 35


@pytest.mark.parametrize("seed", range(6))
def test_cells_reach_what_samples_reach(seed: int) -> None:
    """Terms of several families, with weights, attributes as coefficients, and several outputs."""
    from keras_fair.diagnosis.merged_samples import merged_samples

    rng = np.random.default_rng(seed)
    n, outputs = 60, [1, 1, 1, 2, 3, 2][seed]
    people = {"g": rng.choice(GROUPS, n), "v": rng.integers(-2, 3, n).astype(float)}
    texts = {
        1: "spread(E[y | g=*]) <= 0.1; cov(y, v | g=a) <= 0.1; E[v*y | v < 1] <= 0.1; E[y] <= 0.2",
        2: "spread(E[y[0] | g=*]) <= 0.1; E[v*y[1] - y[0] | g=b] <= 0.1",
        3: "E[y[2] | g=a] <= 0.1; E[y[0] + v*y[1] | v < 1] <= 0.1",
    }
    if seed == 2:
        people["g"] = rng.dirichlet(np.ones(3), n)[rng.integers(0, 5, n)]
    vocabulary = kf.Vocabulary({"g": GROUPS, "v": None})
    weight = rng.uniform(0.5, 2.0, n) if seed else None
    rows = kf.parse(texts[outputs]).rows(people, outputs=outputs, sample_weight=weight, vocabulary=vocabulary)
    cells = merged_samples(rows.terms)
    assert cells.count < n
    matrix = np.asarray(rows.terms.matrix()).reshape(len(rows.terms), n, outputs)
    ours = cells.matrix.toarray().reshape(len(rows.terms), cells.count, outputs)
    np.testing.assert_allclose(ours.sum(axis=1), matrix.sum(axis=1), atol=1e-9)
    for _ in range(20):  # the support function tells a convex set: the reach of the terms in a direction
        direction = rng.normal(size=len(rows.terms))
        reach = [np.maximum(np.einsum("t,tco->co", direction, part), 0).sum() for part in (ours, matrix)]
        np.testing.assert_allclose(*reach, rtol=1e-9)
