"""Rates and gaps are those of fairlearn, group by group, on three public data sets."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from keras_fair.audit import Audit, audit
from keras_fair.datasets import adult, compas, law_school

fairlearn = pytest.importorskip("fairlearn.metrics")

EXACT = 1e-12


class Decided(NamedTuple):
    """People about whom something was decided."""

    decision: np.ndarray
    label: np.ndarray
    group: np.ndarray


@pytest.fixture(scope="module", params=["compas", "adult", "law_school"])
def people(request: pytest.FixtureRequest, data_folder: Path) -> Decided:
    loader, attribute = {
        "compas": (compas, "race"),
        "adult": (adult, "race"),
        "law_school": (law_school, "race"),
    }[request.param]
    test = loader.load_data(data_folder)[1]
    generator = np.random.default_rng(7)
    score = 0.3 * test.label + generator.random(test.size)  # a score that knows something
    score += 0.1 * (np.unique(test.attributes[attribute], return_inverse=True)[1] % 3)
    return Decided((score >= 0.7) * 1.0, test.label.astype("float64"), test.attributes[attribute])


def values(found: Audit) -> dict[str, float]:
    return {one.text: one.value for relation in found for one in relation.statistics}


def rates(measure, people: Decided) -> dict[str, float]:
    """A rate of each group, by fairlearn."""
    frame = fairlearn.MetricFrame(
        metrics=measure, y_true=people.label, y_pred=people.decision, sensitive_features=people.group
    )
    return {str(group): float(rate) for group, rate in frame.by_group.items()}


def kept(people: Decided, chosen: np.ndarray) -> Decided:
    """The people of groups that `chosen` leaves someone of: fairlearn reports 0 for others."""
    there = set(people.group[chosen])
    return Decided(*(column[np.isin(people.group, list(there))] for column in people))


def the(text: str, people: Decided) -> Audit:
    return audit(text, people.decision, {"race": people.group}, people.label, confidence=None)


def test_demographic_parity(people: Decided) -> None:
    found = the("gap: demographic_parity(race) <= 0.1; P[y >= 0.5 | race=*] <= 1", people)
    expected = rates(fairlearn.selection_rate, people)
    gap = fairlearn.demographic_parity_difference(
        people.label, people.decision, sensitive_features=people.group
    )
    assert found["gap"].gap == pytest.approx(gap, abs=EXACT)
    assert len(found) == 1 + len(expected)
    by_text = values(found)
    for group, rate in expected.items():
        named = f"'{group}'" if not group.replace("_", "").isalnum() else group
        assert by_text[f"P[y >= 0.5 | race={named}]"] == pytest.approx(rate, abs=EXACT)


def test_equal_opportunity_and_equalized_odds(people: Decided) -> None:
    for label, measure in ((1, fairlearn.true_positive_rate), (0, fairlearn.false_positive_rate)):
        some = kept(people, people.label == label)
        found = the(f"gap: spread(E[y | race=*, label={label}]) <= 0.1", some)
        expected = rates(measure, some)
        assert sorted(one.value for one in found["gap"].statistics) == pytest.approx(
            sorted(expected.values()), abs=EXACT
        )
        assert found["gap"].gap == pytest.approx(max(expected.values()) - min(expected.values()), abs=EXACT)
    some = kept(kept(people, people.label == 1), kept(people, people.label == 1).label == 0)
    odds = fairlearn.equalized_odds_difference(some.label, some.decision, sensitive_features=some.group)
    assert the("equalized_odds(race) <= 0.1", some).relations[0].gap == pytest.approx(odds, abs=EXACT)
    chance = fairlearn.equal_opportunity_difference(some.label, some.decision, sensitive_features=some.group)
    assert the("equal_opportunity(race) <= 0.1", some).relations[0].gap == pytest.approx(chance, abs=EXACT)


def test_four_fifths(people: Decided) -> None:
    expected = rates(fairlearn.selection_rate, people)
    ratio = fairlearn.demographic_parity_ratio(people.label, people.decision, sensitive_features=people.group)
    found = the(
        "low: min(E[y | race=*]) >= 0; high: max(E[y | race=*]) <= 1; disparate_impact(race) >= 80%", people
    )
    low, high = found["low"].gap, found["high"].gap
    assert low / high == pytest.approx(ratio, abs=EXACT)
    assert found.relations[2].gap == pytest.approx(low - 0.8 * high, abs=EXACT)
    assert (low, high) == pytest.approx((min(expected.values()), max(expected.values())), abs=EXACT)


def test_predictive_parity(people: Decided) -> None:
    some = kept(people, people.decision == 1)

    def precision(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return float(np.mean(np.asarray(y_true)[np.asarray(y_pred) == 1]))

    expected = rates(precision, some)
    found = the("spread(E[label | y >= 0.5, race=*]) <= 0.1", some)
    assert found.relations[0].gap == pytest.approx(max(expected.values()) - min(expected.values()), abs=EXACT)
    assert sorted(one.value for one in found.relations[0].statistics) == pytest.approx(
        sorted(expected.values()), abs=EXACT
    )
