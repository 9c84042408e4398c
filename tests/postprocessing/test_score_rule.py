"""Rules of scores against the projection, and against a general solver where labels count."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import keras_fair as kf
from tests.applicants import applicants

WITHOUT_LABELS = [
    "spread(E[y | sex=*]) <= 0.05",
    "E[y | sex=Female] == E[y | sex=Male] +- 0.02; 0.2 <= E[y | district=West] <= 0.3",
    "spread(E[y | sex=*, district=*]) <= 0.1; E[y] <= 0.25",
    "disparate_impact(sex) >= 0.9",
]


@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
@pytest.mark.parametrize("text", WITHOUT_LABELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_calibration_people_get_what_the_projection_gives(text: str, divergence: str, weighted: bool) -> None:
    people = applicants(800, 5)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, 800) if weighted else None
    rule = kf.FrozenFairness(text, confidence=None, divergence=divergence)
    rule.fit(people.scores, people.attributes, sample_weight=weight)
    projected = kf.project(
        people.scores, text, people.attributes, sample_weight=weight, divergence=divergence
    )
    np.testing.assert_allclose(rule(people.scores, people.attributes), projected.y, atol=1e-7)


@pytest.mark.parametrize(
    "text",
    ["equalized_odds(sex) <= 0.02", "equal_opportunity(sex) <= 0.01", "E[y | sex=Female, label=1] >= 0.6",
     "accuracy_parity(sex) <= 0.01"],
)  # fmt: skip
def test_rules_about_labels_are_the_best_of_their_kind(text: str) -> None:
    people = applicants(250, 7)
    rule = kf.FrozenFairness(text, confidence=None).fit(people.scores, people.attributes, people.label)
    given = rule(people.scores, people.attributes)
    rows = kf.parse(text).rows(people.attributes, people.label)
    assert rows.relation_violation(given).max() <= 1e-8
    female = people.attributes["sex"] == "Female"

    def fair(theta: np.ndarray) -> np.ndarray:
        shift, slope = np.where(female, theta[0], theta[1]), np.where(female, theta[2], theta[3])
        return np.clip(people.scores - shift - slope * people.scores, 0, 1)

    def change(theta: np.ndarray) -> float:
        return float(np.mean((fair(theta) - people.scores) ** 2))

    knots = rule.learnt.knots
    own = np.r_[knots.shift, knots.slope]
    for start in (own, np.zeros(4), own + [0.05, -0.05, 0.1, 0.0]):
        found = minimize(
            change,
            start,
            method="SLSQP",
            constraints={
                "type": "ineq",
                "fun": lambda theta: 1e-9 - rows.relation_violation(fair(theta)).max(),
            },
            options={"maxiter": 60, "ftol": 1e-12},
        )
        if rows.relation_violation(fair(found.x)).max() <= 1e-7:
            assert change(own) <= found.fun * (1 + 1e-3) + 1e-9
    assert (knots.slope <= 1 + 1e-12).all()


def test_what_no_scores_meet_is_refused() -> None:
    people = applicants(100)
    with pytest.raises(ValueError, match="no scores"):
        kf.FrozenFairness("E[y | sex=Female] >= 0.8; E[y | sex=Female] <= 0.2", confidence=None).fit(
            people.scores, people.attributes
        )
    with pytest.raises(ValueError, match="divergence='euclidean'"):
        kf.FrozenFairness(
            "equalized_odds(sex) <= 0.1", confidence=None, divergence="binary_crossentropy"
        ).fit(people.scores, people.attributes, people.label)
