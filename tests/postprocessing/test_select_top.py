"""Exactly k people, the best of each group, in numbers that meet a text: against trying all numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.postprocessing.decision_rule import Unmet
from tests.applicants import applicants

TEXT = "spread(P[y >= 0.5 | district=*]) <= 0.1"


def test_the_best_numbers() -> None:
    for seed in range(8):
        people = applicants(40, seed, atoms=20)
        district = people.attributes["district"]
        chosen = kf.select_top(TEXT.replace("0.1", "0.2"), people.scores, people.attributes, 12)
        assert chosen.sum() == 12
        groups = [np.sort(people.scores[district == name])[::-1] for name in np.unique(district)]
        best = max(
            sum(group[:number].sum() for group, number in zip(groups, numbers, strict=True))
            for numbers in itertools.product(*[range(len(group) + 1) for group in groups])
            if sum(numbers) == 12
            and np.ptp([number / len(group) for number, group in zip(numbers, groups, strict=True)])
            <= 0.2 + 1e-9
        )
        assert people.scores[chosen].sum() == pytest.approx(best)
        for name in np.unique(district):
            members = district == name
            if chosen[members].any() and not chosen[members].all():
                assert people.scores[members & chosen].min() >= people.scores[members & ~chosen].max()


def test_ties_are_drawn_by_the_persons_lot() -> None:
    sex = {"sex": ["F"] * 6 + ["M"] * 6}
    text = "spread(P[y >= 0.5 | sex=*]) <= 0.2"
    ids = [f"person {place}" for place in range(12)]
    chosen = kf.select_top(text, np.full(12, 0.5), sex, 6, ids=ids)
    assert chosen.sum() == 6
    assert abs(int(chosen[:6].sum()) - 3) <= 1
    order = np.random.default_rng(0).permutation(6)
    turned = kf.select_top(text, np.full(12, 0.5), sex, 6, ids=[*np.array(ids)[:6][order], *ids[6:]])
    np.testing.assert_array_equal(turned[:6], chosen[:6][order])


def test_a_million_people() -> None:
    people = applicants(200_000, 1)
    chosen = kf.select_top(TEXT, people.scores, people.attributes, 50_000)
    assert chosen.sum() == 50_000
    assert (
        kf.audit(TEXT, chosen.astype(float), people.attributes, confidence=None).relations[0].violation == 0
    )


@pytest.mark.parametrize(
    ("text", "k", "words"),
    [
        (TEXT, 41, "from 0 to n=40"),
        (TEXT, 1.5, "whole number"),
        ("spread(E[y | district=*]) <= 0.1", 5, "about decisions"),
        ("equalized_odds(sex) <= 0.1 at y >= 0.5", 5, "label"),
        ("P[y >= 0.5 | sex=Female] >= 0.9", 2, "wider by"),
        ("P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male]", 1, "whole numbers"),
    ],
)
def test_refusals(text: str, k: Any, words: str) -> None:
    people = applicants(40, 1)
    with pytest.raises(ValueError, match=words) as caught:
        kf.select_top(text, people.scores, people.attributes, k)
    assert not isinstance(caught.value, Unmet) or "batch" in str(caught.value)
