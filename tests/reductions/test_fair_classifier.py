"""A classifier held to a text by reweighing: scikit-learn's own checks, and what users write."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

import keras_fair as kf
from keras_fair.reductions import FairClassifier
from keras_fair.reductions.decision_rows import decision_rows, meaning_for_decisions
from keras_fair.sklearn import make_scorer

# Weights that are equal but for their last digit make another split of a tree the best.
TIES = {
    f"check_sample_weight_equivalence_on_{kind}_data": "the last digit of weights decides between splits"
    for kind in ("dense", "sparse")
}
TEXT = "spread(P[y >= 0.5 | sex=*]) <= 0.05"


def people(n: int = 3000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """The skill of men is shown as higher than it is, and `club` stands in for the sex."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"sex": rng.choice(["F", "M"], n)})
    male = (table["sex"] == "M").to_numpy()
    skill = rng.normal(size=n)
    table["skill"], table["club"] = skill + 0.6 * male, male + 0.7 * rng.normal(size=n)
    return table, (skill + 0.5 * male + 0.7 * rng.normal(size=n) > 0.5).astype(int)


def features(x: pd.DataFrame) -> np.ndarray:
    return x[["skill", "club"]].to_numpy()


def violation(text: str, answer: Any, x: pd.DataFrame, y: Any = None) -> float:
    found = kf.audit(text, np.asarray(answer, float), x, y, confidence=None)
    return max(relation.violation for relation in found.relations)


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [
        FairClassifier(GaussianNB(), "P[y >= 0.5] <= 0.6"),
        FairClassifier(GaussianNB(), "P[y >= 0.5] <= 0.6", decide="one"),
        FairClassifier(DecisionTreeClassifier(random_state=0), "P[y >= 0.5] <= 0.6"),
        FairClassifier(LogisticRegression(C=0.1), "P[y >= 0.5] <= 0.9", max_iter=2),
    ],
    ids=["average", "one", "tree", "logistic"],
)
def test_checks_of_scikit_learn(estimator: FairClassifier) -> None:
    expected = TIES if isinstance(estimator.estimator, DecisionTreeClassifier) else {}
    check_estimator(estimator, expected_failed_checks=expected)


ESTIMATORS = {
    "logistic": LogisticRegression(),
    "boosting": GradientBoostingClassifier(n_estimators=8, max_depth=2, random_state=0),
    "tree": DecisionTreeClassifier(max_depth=5, min_samples_leaf=20, random_state=0),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "text", [TEXT, "equalized_odds(sex) <= 0.05 at y >= 0.5", "E[y | sex=*] == E[y] +- 0.02"]
)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_holds_the_text_on_its_people_and_nearly_on_others(name: str, text: str) -> None:
    x, y = people()
    plain = clone(ESTIMATORS[name]).fit(features(x), y)
    fair = FairClassifier(ESTIMATORS[name], text).fit(features(x), y, attributes=x[["sex"]])
    before, after = (violation(text, each.predict(features(x)), x, y) for each in (plain, fair))
    assert before > 0.04
    assert after == pytest.approx(fair.violation_, abs=1e-9)
    assert after <= 0.01
    assert fair.mixture_violation_ < 1e-6
    assert fair.error_ == pytest.approx(np.mean(fair.predict(features(x)) != y))
    new, label = people(20000, seed=1)
    assert violation(text, fair.predict(features(new)), new, label) < 0.05
    accuracy = [np.mean(each.predict(features(new)) == label) for each in (plain, fair)]
    assert accuracy[1] > accuracy[0] - 0.06


def test_the_mixture_is_as_good_as_the_best_by_brute_force() -> None:
    """One feature with few values: decisions are any function of it, so the best mixture is a linear
    program over the values."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(0)
    n, values = 4000, 6
    sex = rng.choice(["F", "M"], n)
    x = np.clip(rng.binomial(values - 1, 0.35 + 0.2 * (sex == "M")), 0, values - 1)
    y = (rng.random(n) < 0.15 + 0.13 * x).astype(int)
    for text in (TEXT, "P[y >= 0.5] in [0.25, 0.3]", "P[y >= 0.5 | sex=F] / P[y >= 0.5 | sex=M] >= 0.9"):
        fair = FairClassifier(
            DecisionTreeClassifier(), text, decide="lots", gap=1e-6, max_iter=60, multiplier_bound=50.0
        ).fit(x[:, None], y, attributes={"sex": sex})
        rows = decision_rows(meaning_for_decisions(kf.parse(text)), {"sex": sex}, y, size=n)
        member = (x[:, None] == np.arange(values)).astype(float)
        zero = rows.values(np.zeros(n))
        weights = np.stack([rows.values(each) - zero for each in member.T], axis=1)
        gain = ((1 - 2.0 * y) @ member) / n
        best = linprog(gain, A_ub=weights, b_ub=rows.bounds - zero, bounds=(0, 1))
        assert best.status == 0
        assert fair.mixture_violation_ < 1e-9
        assert fair.mixture_error_ == pytest.approx(best.fun + y.mean(), abs=2e-6)
        assert fair.gap_ < 1e-5


def test_lots_meet_the_text_as_chances_and_are_the_same_for_a_person() -> None:
    x, y = people()
    fair = FairClassifier(DecisionTreeClassifier(max_depth=4), TEXT, decide="lots").fit(
        features(x), y, attributes=x
    )
    chance = fair.predict_proba(features(x))[:, 1]
    assert violation(TEXT.replace("P[y >= 0.5", "E[y"), chance, x) < 1e-6
    assert len(fair.weights_) > 1
    ids = np.arange(len(y))
    drawn = fair.predict(features(x), ids=ids)
    np.testing.assert_array_equal(drawn[::-1], fair.predict(features(x)[::-1], ids=ids[::-1]))
    assert abs(drawn.mean() - chance.mean()) < 0.02
    with pytest.raises(ValueError, match="expected ids"):
        fair.predict(features(x))


def test_attributes_are_not_needed_at_prediction_and_classes_may_be_words() -> None:
    x, y = people()
    words = np.where(y == 1, "yes", "no")
    columns = make_column_transformer((StandardScaler(), ["skill", "club"]))
    model = make_pipeline(columns, LogisticRegression())
    fair = FairClassifier(model, TEXT).fit(x, words)
    again = FairClassifier(LogisticRegression(), TEXT).fit(
        StandardScaler().fit_transform(features(x)), y, attributes=x[["sex"]]
    )
    answer = fair.predict(x.assign(sex="unknown"))
    assert set(answer) == {"no", "yes"}
    assert np.mean((answer == "yes") == again.predict(StandardScaler().fit_transform(features(x)))) > 0.99
    assert fair.score(x, words) > 0.7


def test_weights_are_repetitions() -> None:
    x, y = people(600)
    count = np.random.default_rng(0).integers(0, 4, len(y))
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    settings = {"decide": "lots", "gap": 0.001}
    weighted = FairClassifier(tree, TEXT, **settings).fit(features(x), y, count, attributes=x[["sex"]])
    rows = np.repeat(np.arange(len(y)), count)
    repeated = FairClassifier(tree, TEXT, **settings).fit(
        features(x)[rows], y[rows], attributes=x[["sex"]].iloc[rows].reset_index(drop=True)
    )
    np.testing.assert_allclose(
        weighted.predict_proba(features(x)), repeated.predict_proba(features(x)), atol=1e-6
    )
    assert weighted.error_ == pytest.approx(repeated.error_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_search_pipeline_and_pickle() -> None:
    x, y = people(1500)
    passing = make_column_transformer(
        ("passthrough", ["sex", "skill", "club"]), verbose_feature_names_out=False
    ).set_output(transform="pandas")
    inner = make_pipeline(
        make_column_transformer(("passthrough", ["skill", "club"])), DecisionTreeClassifier(max_depth=4)
    )
    model = Pipeline([("columns", passing), ("fair", FairClassifier(inner, TEXT))])
    texts = [TEXT, TEXT.replace("0.05", "0.4")]
    search = GridSearchCV(
        model,
        {"fair__constraints": texts},
        scoring={"accuracy": "accuracy", "gap": make_scorer("spread(P[y >= 0.5 | sex=*])")},
        refit="gap",
        cv=2,
    ).fit(x, y)
    strict, loose = -search.cv_results_["mean_test_gap"]
    assert strict < 0.13 < loose
    best = search.best_estimator_
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict(x), best.predict(x))
    assert not hasattr(clone(best).named_steps["fair"], "estimators_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_metadata_is_cut_into_folds(routing: None) -> None:
    x, y = people(1500)
    tree = DecisionTreeClassifier(max_depth=4).set_fit_request(sample_weight=True)
    fair = FairClassifier(make_pipeline(StandardScaler().set_fit_request(sample_weight=False), tree), TEXT)
    found = cross_validate(
        fair.set_fit_request(sample_weight=True),
        features(x),
        y,
        cv=2,
        scoring=make_scorer(TEXT).set_score_request(sample_weight=True),
        params={"attributes": x[["sex"]], "sample_weight": np.ones(len(y))},
        error_score="raise",
    )
    assert (found["test_score"] > -0.1).all()


def test_an_estimator_without_probabilities_votes() -> None:
    x, y = people()
    fair = FairClassifier(LinearSVC(random_state=0), TEXT, decide="one")
    fair.fit(features(x), y, attributes=x[["sex"]])
    assert set(np.unique(fair.predict_proba(features(x)))) == {0.0, 1.0}
    assert violation(TEXT, fair.predict(features(x)), x) == pytest.approx(fair.violation_, abs=1e-9)


def test_what_is_not_met_is_told() -> None:
    x, y = people(500)
    with pytest.warns(ConvergenceWarning, match="the duality gap is"):
        FairClassifier(
            DecisionTreeClassifier(max_depth=3), TEXT, gap=1e-12, max_iter=1, decide="lots"
        ).fit(features(x), y, attributes=x)
    told = "exceeds the constraints by .* on the people of fit; the mixture"
    with pytest.warns(ConvergenceWarning, match=told):
        FairClassifier(
            DecisionTreeClassifier(max_depth=1), "P[y >= 0.5] in [0.31, 0.311]", decide="one", gap=0.001
        ).fit(np.round(features(x)), y)


class Silent(ClassifierMixin, BaseEstimator):
    """Takes no weights."""

    def fit(self, X: Any, y: Any) -> Silent:
        return self


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no weights": ({"estimator": KNeighborsClassifier()}, "whose fit takes sample_weight"),
    "no weights in the last step": (
        {"estimator": make_pipeline(StandardScaler(), Silent())},
        "received Silent",
    ),
    "decide": ({"decide": "vote"}, "expected decide to be one of"),
    "steps": ({"max_iter": 0}, "expected max_iter to be an integer >= 1"),
    "gap": ({"gap": -0.1}, "expected gap to be a number > 0"),
    "bound": ({"multiplier_bound": "many"}, "expected multiplier_bound to be a number > 0"),
    "rate": ({"learning_rate": np.inf}, "expected learning_rate to be a number > 0"),
    "text": ({"constraints": "cov(y, y) <= 0.1"}, "must be free of y"),
    "column": ({"constraints": "P[y >= 0.5 | race=a] <= 0.1"}, "expected a column 'race' of X, or"),
    "position": ({"columns": {"race": 0}}, "expected columns of the attributes ['sex']"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    settings, message = REFUSED[case]
    x, y = people(200)
    fair = FairClassifier(DecisionTreeClassifier(max_depth=2), TEXT).set_params(**settings)
    with pytest.raises(ValueError, match=re.escape(message)):
        fair.fit(x, y)
    assert not hasattr(fair, "estimators_")


def test_targets_and_order_that_are_refused() -> None:
    x, y = people(200)
    fair = FairClassifier(DecisionTreeClassifier(max_depth=2), TEXT)
    with pytest.raises(ValueError, match="Only binary classification"):
        fair.fit(x, np.arange(200) % 3)
    with pytest.raises(ValueError, match="one class"):
        fair.fit(x, np.ones(200))
    with pytest.raises(ValueError, match="for some people"):
        fair.fit(x, y, np.zeros(200))
    with pytest.raises(ValueError, match="expected attributes in the order of X"):
        fair.fit(x[["skill"]], y, attributes=x[["sex"]].iloc[::-1])
    with pytest.raises(TypeError, match=r"expected FairClassifier\(estimator, constraints\)"):
        FairClassifier(TEXT, DecisionTreeClassifier()).fit(x, y)  # type: ignore[arg-type]
