"""Scorers from texts: the numbers are those of an audit, and scikit-learn's searches take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score, cross_validate

import keras_fair as kf
from keras_fair.sklearn import make_scorer

RNG = np.random.default_rng(0)
X = pd.DataFrame({"sex": RNG.choice(["F", "M"], 400), "skill": RNG.normal(size=400)})
Y = (X["skill"] + 0.5 * (X["sex"] == "M") > 0).astype(int).to_numpy()


class Skill(ClassifierMixin, BaseEstimator):
    """Scores by the skill alone, without learning."""

    def fit(self, x: Any, y: Any) -> Skill:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x: Any) -> np.ndarray:
        score = 1 / (1 + np.exp(-np.asarray(x["skill"])))
        return np.column_stack([1 - score, score])

    def predict(self, x: Any) -> np.ndarray:
        return self.classes_[(self.predict_proba(x)[:, 1] >= 0.6).astype(int)]


def scores() -> np.ndarray:
    return Skill().fit(X, Y).predict_proba(X)[:, 1]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("demographic_parity(sex)", lambda: -_gap("demographic_parity(sex) <= 0")),
        ("demographic_parity(sex) <= 0.01", lambda: -max(_gap("demographic_parity(sex) <= 0") - 0.01, 0)),
        ("demographic_parity(sex) <= 0.9", lambda: 0.0),
        ("equalized_odds(sex)", lambda: -_gap("equalized_odds(sex) <= 0")),
        ("E[y | sex=F] - E[y | sex=M]", lambda: -abs(_gap("E[y | sex=F] - E[y | sex=M] <= 0"))),
        ("max(E[y | sex=*])", lambda: -_gap("max(E[y | sex=*]) <= 0")),
        ("spread(P[y >= 0.5 | sex=*])", lambda: -_gap("spread(P[y >= 0.5 | sex=*]) <= 0")),
        (kf.parse("E[y] <= 0.2; E[y] <= 0.1"), lambda: -(scores().mean() - 0.1)),
    ],
)
def test_the_score_is_that_of_the_audit(text: Any, wanted: Any) -> None:
    found = make_scorer(text)(Skill().fit(X, Y), X, Y)
    assert found == pytest.approx(wanted(), abs=1e-12)


def _gap(text: str) -> float:
    return max(relation.gap for relation in kf.audit(text, scores(), X, Y, confidence=None))


def test_decisions_of_predict() -> None:
    decided = (scores() >= 0.6).astype(float)
    wanted = kf.audit("demographic_parity(sex) <= 0", decided, X, confidence=None).relations[0].gap
    words = np.where(Y == 1, "yes", "no")
    found = make_scorer("demographic_parity(sex)", response_method="predict")(Skill().fit(X, words), X, words)
    assert found == pytest.approx(-wanted)


def test_a_regressor_and_its_target() -> None:
    x = X[["skill"]].assign(sex=X["sex"] == "M").astype(float)
    target = 2 * x["skill"] + x["sex"] + RNG.normal(size=400)
    model = LinearRegression().fit(x, target)
    found = make_scorer("abs(E[y - label | sex=0])")(model, x, target)
    assert found == pytest.approx(0, abs=1e-9)


def test_cross_validation_weights_and_arrays() -> None:
    found = cross_val_score(Skill(), X, Y, scoring=make_scorer("demographic_parity(sex)"), cv=4)
    assert len(found) == 4
    assert (found < 0).all()
    array = np.column_stack([X["skill"], X["sex"] == "M"]).astype(float)
    scorer = make_scorer("demographic_parity(male)", columns={"male": 1})
    both = cross_validate(LogisticRegression(), array, Y, scoring={"gap": scorer, "hits": "accuracy"}, cv=4)
    assert (both["test_gap"] < -0.05).all()
    weight = np.where(X["sex"] == "M", 3.0, 1.0)
    found = make_scorer("E[y]")(Skill().fit(X, Y), X, Y, sample_weight=weight)
    assert found == pytest.approx(-np.average(scores(), weights=weight))


def test_nobody_in_a_group_is_nan_and_said() -> None:
    with pytest.warns(UserWarning, match="nobody is in a group of 'E"):
        found = make_scorer("E[y | sex=F, skill >= 100] - E[y]")(Skill().fit(X, Y), X, Y)
    assert np.isnan(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [("demographic_parity(sex", "expected"), ("E[y | sex=]", "expected"), ("E[y] <= 0.5 at", "expected")],
)
def test_malformed_texts_point_at_their_place(text: str, message: str) -> None:
    with pytest.raises(kf.ConstraintError) as fault:
        make_scorer(text)
    assert message in str(fault.value)
    assert text in str(fault.value)
    assert "<= 0\n" not in str(fault.value)


def test_three_classes_and_unknown_arguments_are_refused() -> None:
    many = LogisticRegression().fit(X[["skill"]], np.arange(400) % 3)
    with pytest.raises(ValueError, match="classifier of 2 classes"):
        make_scorer("E[y]")(many, X[["skill"]], np.arange(400) % 3)
    with pytest.raises(ValueError, match="response_method"):
        make_scorer("E[y]", response_method="decision_function")
    with pytest.raises(TypeError, match="expected attributes or sample_weight"):
        make_scorer("E[y]").set_score_request(colour=True)
