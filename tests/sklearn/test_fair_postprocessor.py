"""An estimator whose scores go through a rule: scikit-learn's own checks, and what users write."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator

import keras_fair as kf
from keras_fair.sklearn import FairPostprocessor, make_scorer

TEXT = "P[y >= 0.5 | sex=F] == P[y >= 0.5 | sex=M] +- 0.05"

# A weight of 2 is not two people: who is drawn for calibration is drawn by the person.
NOT_EQUIVALENT = "people are drawn for calibration, and weights are no repetitions of them"
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": NOT_EQUIVALENT,
    "check_sample_weight_equivalence_on_sparse_data": NOT_EQUIVALENT,
}


def people(n: int = 6000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "skill": rng.normal(size=n)})
    y = (x["skill"] + 0.5 * (x["sex"] == "M") + rng.normal(size=n) > 0.4).astype(int).to_numpy()
    return x, y


def without_sex() -> Pipeline:
    """A classifier that sees the column of the skill alone; sex is a proxy of nothing else."""
    encoder = make_column_transformer((StandardScaler(), ["skill"]), ("passthrough", ["is_male"]))
    return make_pipeline(encoder, LogisticRegression())


def seen(x: pd.DataFrame) -> pd.DataFrame:
    return x.assign(is_male=(x["sex"] == "M").astype(float))


def gap(accepted: Any, sex: Any) -> float:
    accepted, sex = np.asarray(accepted, float), np.asarray(sex)
    return abs(float(accepted[sex == "F"].mean() - accepted[sex == "M"].mean()))


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [
        FairPostprocessor(LogisticRegression(), "P[y >= 0.5] <= 0.9", confidence=None),
        FairPostprocessor(LogisticRegression(), "E[y] <= 0.9", confidence=None),
        FairPostprocessor(LinearRegression(), "E[y] <= 10000", confidence=None),
    ],
    ids=["decisions", "scores", "regression"],
)
def test_checks_of_scikit_learn(estimator: FairPostprocessor) -> None:
    check_estimator(estimator, expected_failed_checks=EXPECTED)


def test_holds_the_text_on_people_not_seen_before() -> None:
    x, y = people()
    plain = without_sex().fit(seen(x), y)
    fair = FairPostprocessor(without_sex(), TEXT).fit(seen(x), y)
    new, _ = people(20000, seed=1)
    assert gap(plain.predict(seen(new)), new["sex"]) > 0.1
    assert gap(fair.predict(seen(new)), new["sex"]) <= 0.05
    assert fair.promise_.confidence == 0.95
    assert fair.promise_.people == 1800
    assert ((fair.predict_proba(seen(new))[:, 1] >= 0.5) == fair.predict(seen(new))).all()


def test_equals_the_rule_on_the_scores_of_a_frozen_estimator() -> None:
    x, y = people()
    base = without_sex().fit(seen(x[:3000]), y[:3000])
    fair = FairPostprocessor(FrozenEstimator(base), TEXT).fit(seen(x[3000:]), y[3000:])
    scores = base.predict_proba(seen(x[3000:]))[:, 1]
    rule = kf.FrozenFairness(TEXT, domain=(0, 1)).fit(scores, x[3000:], y[3000:])
    new = seen(people(500, seed=2)[0])
    np.testing.assert_array_equal(
        fair.predict_proba(new)[:, 1], rule(base.predict_proba(new)[:, 1], new)
    )


@pytest.mark.parametrize("table", [lambda x: x, pl.from_pandas], ids=["pandas", "polars"])
def test_classes_of_text_and_tables(table: Any) -> None:
    x, y = people()
    words = np.where(y == 1, "yes", "no")
    columns = make_column_transformer(("passthrough", ["skill", "is_male"]))
    model = make_pipeline(columns, LogisticRegression())
    fair = FairPostprocessor(model, "equal_opportunity(sex) <= 0.1 at y >= 0.5").fit(table(seen(x)), words)
    assert set(fair.predict(table(seen(x)))) == {"no", "yes"}
    assert fair.classes_.tolist() == ["no", "yes"]


@pytest.mark.parametrize("make", [np.asarray, csr_array], ids=["dense", "sparse"])
def test_columns_by_position_where_there_are_no_names(make: Any) -> None:
    x, y = people()
    array = make(np.column_stack([x["skill"], (x["sex"] == "M").astype(float)]))
    text = TEXT.replace("sex=F", "male=0").replace("sex=M", "male=1")
    fair = FairPostprocessor(LogisticRegression(), text, columns={"male": 1}).fit(array, y)
    assert gap(fair.predict(array), x["sex"]) < 0.06
    last = clone(fair).set_params(columns={"male": -1}).fit(array, y)
    np.testing.assert_array_equal(last.predict(array), fair.predict(array))


def test_a_regressor_is_held_too() -> None:
    x, _ = people()
    income = 3.0 * x["skill"] + 2.0 * (x["sex"] == "M")
    columns = make_column_transformer(("passthrough", ["skill", "is_male"]))
    model = make_pipeline(columns, LinearRegression())
    text = "E[y | sex=F] == E[y | sex=M] +- 0.1"
    fair = FairPostprocessor(model, text, confidence=None).fit(seen(x), income)
    found = kf.audit(text, fair.predict(seen(x)), x)
    assert abs(found.relations[0].gap) < 0.3
    assert fair.score(seen(x), income) > 0.8
    assert not hasattr(fair, "predict_proba")


def test_search_over_tolerances() -> None:
    x, y = people()
    texts = [f"P[y >= 0.5 | sex=F] == P[y >= 0.5 | sex=M] +- {tolerance}" for tolerance in (0.05, 0.3)]
    search = GridSearchCV(
        FairPostprocessor(without_sex(), TEXT, confidence=None),
        {"constraints": texts, "calibration": [0.4]},
        scoring={"accuracy": "accuracy", "parity": make_scorer("spread(P[y >= 0.5 | sex=*])")},
        refit="parity",
        cv=3,
    )
    search.fit(seen(x), y)
    assert search.best_params_["constraints"] == texts[0]
    strict, loose = -search.cv_results_["mean_test_parity"]
    assert strict < 0.07 < loose
    assert search.cv_results_["mean_test_accuracy"][0] <= search.cv_results_["mean_test_accuracy"][1] + 0.01


def test_inside_a_pipeline_and_a_pickle() -> None:
    x, y = people()
    passing = make_column_transformer(("passthrough", ["sex", "skill"])).set_output(transform="pandas")
    passing.set_params(verbose_feature_names_out=False)
    skill = make_pipeline(make_column_transformer((StandardScaler(), ["skill"])), LogisticRegression())
    model = Pipeline([("columns", passing), ("fair", FairPostprocessor(skill, TEXT))]).fit(x, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert model.set_params(fair__confidence=0.9).get_params()["fair__confidence"] == 0.9


def test_metadata_reaches_fit_prediction_and_scorer(routing: None) -> None:
    x, y = people()
    features = np.column_stack([x["skill"], (x["sex"] == "M").astype(float)])
    estimator = LogisticRegression().set_fit_request(sample_weight=True)
    fair = FairPostprocessor(estimator, TEXT, confidence=None).set_fit_request(sample_weight=True)
    found = cross_validate(
        make_pipeline(StandardScaler().set_fit_request(sample_weight=True), fair),
        features,
        y,
        cv=3,
        scoring=make_scorer(TEXT).set_score_request(sample_weight=True),
        params={"attributes": x[["sex"]], "sample_weight": np.ones(len(y))},
        error_score="raise",
    )
    assert (found["test_score"] > -0.05).all()


def test_weights_and_parameters_of_fit_are_split_with_the_people() -> None:
    class Remembers(LogisticRegression):
        def fit(self, X: Any, y: Any, sample_weight: Any = None, note: Any = None, extra: Any = None) -> Any:
            assert (X[:, 0] == note).all()
            assert (X[:, 0] == sample_weight).all()
            assert extra == "kept"
            return super().fit(X, y, sample_weight)

    rng = np.random.default_rng(0)
    x = rng.random((400, 2))
    y = (x[:, 1] > 0.5).astype(int)
    fair = FairPostprocessor(Remembers(), "P[y >= 0.5] <= 0.5", confidence=None)
    fair.fit(x, y, x[:, 0], note=x[:, 0], extra="kept")
    assert np.average(fair.predict(x), weights=x[:, 0]) < 0.6


def test_lots_ask_for_ids() -> None:
    x, y = people(2000)
    fair = FairPostprocessor(without_sex(), TEXT, confidence=None, randomise="allowed").fit(seen(x), y)
    assert fair.rule_.learnt.knots.draws_lots
    ids = np.arange(len(y))
    assert gap(fair.predict(seen(x), ids=ids), x["sex"]) < 0.1
    with pytest.raises(ValueError, match="expected ids"):
        fair.predict(seen(x))


REFUSED = {
    "no column": (lambda x: x[["skill"]], {}, "expected a column 'sex' of X, or attributes="),
    "array": (lambda x: x[["skill"]].to_numpy(), {}, "asks for columns={'sex': position}"),
    "position": (lambda x: x[["skill"]].to_numpy(), {"columns": {"sex": 3}}, "within the 1 features"),
    "position of a table": (lambda x: x, {"columns": {"sex": 9}}, "within the 2 features"),
    "share": (lambda x: x, {"calibration": 1.5}, "expected calibration in (0, 1)"),
    "frozen share": (
        lambda x: x,
        {"estimator": FrozenEstimator(LogisticRegression()), "calibration": 0.5},
        "with a FrozenEstimator",
    ),
    "no scores": (lambda x: x.assign(sex=1.0), {"estimator": LinearSVC(), "constraints": "P[y >= 0.5] <= 1"},
                  "CalibratedClassifierCV"),
    "seed": (lambda x: x, {"random_state": -1}, "expected seed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    change, settings, message = REFUSED[case]
    x, y = people(200)
    fair = FairPostprocessor(LogisticRegression(), TEXT).set_params(**settings)
    with pytest.raises(ValueError, match=re.escape(message)):
        fair.fit(change(x), y)
    assert not hasattr(fair, "rule_")


def test_a_dict_of_attributes_is_not_cut_into_folds(routing: None) -> None:
    x, y = people(300)
    features, sex = x[["skill"]].to_numpy(), {"sex": x["sex"]}
    fair = FairPostprocessor(LogisticRegression(), TEXT, confidence=None)
    fair.fit(features, y, attributes=sex)
    assert len(fair.predict(features, attributes=sex)) == 300
    with pytest.raises(ValueError, match="but not a dict"):
        cross_val_score(
            fair, features, y, params={"attributes": sex}, scoring=make_scorer(TEXT), error_score="raise"
        )


def test_more_classes_and_foreign_classes_are_refused() -> None:
    x, y = people(300)
    text = "P[y >= 0.5] <= 0.9"
    with pytest.raises(ValueError, match="Only binary classification"):
        FairPostprocessor(LogisticRegression(), text).fit(x[["skill"]], np.arange(300) % 3)
    base = LogisticRegression().fit(x[["skill"]], y)
    with pytest.raises(ValueError, match="expected an estimator of the classes"):
        FairPostprocessor(FrozenEstimator(base), text).fit(x[["skill"]], np.where(y == 1, "a", "b"))


SHUFFLED = np.random.default_rng(1).permutation(300)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, pd.Series(y).iloc[SHUFFLED], None), "expected y in the order of X"),
        (lambda x, y: (x, y, x[["sex"]].iloc[SHUFFLED]), "expected attributes in the order of X"),
        (lambda x, y: (x, y, {"sex": x["sex"].iloc[SHUFFLED]}), "expected sex in the order of X"),
        (lambda x, y: (x, y, {"sex": x["sex"].to_numpy()[::-1]}), "as in column 'sex' of X, received other"),
        (lambda x, y: (x.assign(sex=x["sex"].where(x.index != 7)), y, None), "the first at index 7"),
    ],
    ids=["target", "table", "column", "other values", "missing"],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_rows_that_do_not_belong_together_are_refused(change: Any, message: str, seed: int) -> None:
    x, y = people(300)
    x, y, attributes = change(x.assign(is_male=(x["sex"] == "M").astype(float)), y)
    fair = FairPostprocessor(without_sex(), TEXT, confidence=None, random_state=seed)
    with pytest.raises(ValueError, match=message):
        fair.fit(x, y, attributes=attributes)
    good = fair.fit(seen(people(300)[0]), people(300)[1])
    if attributes is not None:
        with pytest.raises(ValueError, match=message):
            good.predict(x, attributes=attributes)
        with pytest.raises(ValueError, match=message):
            make_scorer(TEXT)(good, x, y, attributes=attributes)


def test_constraints_in_the_place_of_the_estimator_are_told() -> None:
    x, y = people(100)
    with pytest.raises(TypeError, match=r"expected FairPostprocessor\(estimator, constraints\)"):
        FairPostprocessor(TEXT, LogisticRegression()).fit(x, y)  # type: ignore[arg-type]
