"""Keras models as scikit-learn classifiers: scikit-learn's own checks, and what users write."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import keras_fair as kf
from keras_fair.sklearn import FairKerasClassifier, make_scorer

TEXT = "E[y | sex=F] == E[y | sex=M] +- 0.02"
SOFT = {"penalty": "FairnessPenalty", "lagrangian": "FairnessLagrangian"}

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "people are drawn into batches, repetitions with them",
    "check_methods_sample_order_invariance": "products of matrices in float32 round by the order of rows",
    "check_methods_subset_invariance": "products of matrices in float32 round by the number of rows",
}


def build(width: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((width,)),
            keras.layers.Dense(4, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def build_compiled() -> keras.Model:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.25), "mean_squared_error", metrics=["mae"])
    return model


def eager(width: int) -> keras.Model:
    """Steps that nothing is compiled for: checks fit hundreds of models for a few steps."""
    model = keras.Sequential([keras.Input((width,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.2), "binary_crossentropy", run_eagerly=True)
    return model


def people(n: int = 800, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"sex": rng.choice(["F", "M"], n), "skill": rng.normal(size=n)})
    male = (table["sex"] == "M").to_numpy()
    table["club"] = male + 0.7 * rng.normal(size=n)
    return table, (table["skill"] + 0.8 * male + 0.5 * rng.normal(size=n) > 0.5).astype(int).to_numpy()


def features(x: pd.DataFrame) -> np.ndarray:
    return x[["skill", "club"]].to_numpy()


def violation(scores: Any, x: pd.DataFrame) -> float:
    return kf.audit(TEXT, scores, x, confidence=None).relations[0].violation


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.filterwarnings("ignore")
def test_checks_of_scikit_learn() -> None:
    model = FairKerasClassifier(eager, "E[y] <= 0.999", epochs=6, random_state=0)
    check_estimator(model, expected_failed_checks=EXPECTED)


def test_a_projection_holds_the_text_on_whom_it_predicts() -> None:
    x, y = people()
    fair = FairKerasClassifier(build, TEXT, epochs=3, random_state=0)
    fair.fit(features(x), y, attributes=x[["sex"]])
    assert isinstance(fair.model_, kf.FairModel)
    assert len(fair.history_["loss"]) == 3
    new, label = people(500, seed=1)
    scores = fair.predict_proba(features(new), attributes=new[["sex"]])
    assert scores.shape == (500, 2)
    assert violation(scores[:, 1], new) < 1e-5
    base = fair.model_.base_model.predict(features(new), verbose=0)[:, 0]
    assert violation(base, new) > 1e-3
    decided = fair.predict(features(new), attributes=new[["sex"]])
    np.testing.assert_array_equal(decided, (scores[:, 1] >= 0.5).astype(int))
    assert fair.score(features(new), label, attributes=new[["sex"]]) == np.mean(decided == label)


def test_columns_of_a_table_and_classes_of_text() -> None:
    x, y = people()
    words = np.where(y == 1, "yes", "no")
    fair = FairKerasClassifier(eager, TEXT, epochs=2, random_state=0).fit(x, words)
    assert fair.classes_.tolist() == ["no", "yes"]
    assert violation(fair.predict_proba(x)[:, 1], x) < 1e-5
    assert set(fair.predict(x)) <= {"no", "yes"}
    array = FairKerasClassifier(eager, TEXT, epochs=2, random_state=0)
    array.fit(features(x), y, attributes=x[["sex"]])
    np.testing.assert_allclose(
        array.predict_proba(features(x), attributes=x), fair.predict_proba(x), atol=1e-6
    )
    fewer = FairKerasClassifier(eager, TEXT, features=["skill"], epochs=1).fit(x, words)
    assert fewer.model_.base_model.input_shape == (None, 1)
    text = TEXT.replace("sex", "s")
    placed = FairKerasClassifier(eager, text, features=[1, 2], columns={"s": "sex"}, epochs=1)
    assert placed.fit(x, words).model_.base_model.input_shape == (None, 2)


def test_a_seed_repeats_a_fit_and_a_pickle_predicts_alike() -> None:
    x, y = people(300)
    adam = keras.optimizers.Adam(0.01)
    fair = FairKerasClassifier(build, TEXT, epochs=1, random_state=3, optimizer=adam)
    scores = fair.fit(x, y).predict_proba(x)
    np.testing.assert_array_equal(clone(fair).fit(x, y).predict_proba(x), scores)
    np.testing.assert_allclose(fair.fit(x, y).predict_proba(x), scores)
    again = pickle.loads(pickle.dumps(fair))
    np.testing.assert_allclose(again.predict_proba(x), fair.predict_proba(x), atol=1e-6)


def test_a_compiled_model_keeps_its_optimizer_and_loss() -> None:
    x, y = people(300)
    fair = FairKerasClassifier(build_compiled, TEXT, epochs=1).fit(features(x), y, attributes=x[["sex"]])
    assert isinstance(fair.model_.optimizer, keras.optimizers.SGD)
    assert float(fair.model_.optimizer.learning_rate) == 0.25
    assert fair.model_.loss == "mean_squared_error"
    assert "mae" in fair.history_


def test_search_and_pipeline() -> None:
    x, y = people(400)
    columns = make_column_transformer(
        (StandardScaler(), ["skill", "club"]), ("passthrough", ["sex"]), verbose_feature_names_out=False
    ).set_output(transform="pandas")
    model = make_pipeline(columns, FairKerasClassifier(eager, TEXT, epochs=1, random_state=0))
    texts = [TEXT, TEXT.replace("0.02", "0.9")]
    scorer = make_scorer("demographic_parity(sex)")
    search = GridSearchCV(model, {"fairkerasclassifier__constraints": texts}, scoring=scorer, cv=2)
    search.fit(x, y)
    assert search.best_params_ == {"fairkerasclassifier__constraints": TEXT}
    strict, loose = -search.cv_results_["mean_test_score"]
    assert strict <= 0.0201 < loose


def test_metadata_is_cut_into_folds(routing: None) -> None:
    x, y = people(400)
    fair = FairKerasClassifier(eager, TEXT, epochs=1, random_state=0)
    scores = cross_val_score(
        fair, features(x), y, cv=2, scoring=make_scorer(TEXT), params={"attributes": x[["sex"]]}
    )
    assert (scores > -1e-5).all()


def test_weights_reach_loss_and_statistics() -> None:
    x, y = people(400)
    weight = np.where(x["sex"] == "F", 3.0, 1.0) * np.random.default_rng(0).random(400)
    plain, weighted = (
        FairKerasClassifier(eager, "E[y] <= 0.2", epochs=3, random_state=0).fit(
            features(x), y, sample_weight=given
        )
        for given in (None, weight)
    )
    assert np.abs(plain.predict_proba(features(x)) - weighted.predict_proba(features(x))).max() > 1e-3


@pytest.mark.parametrize("mode", SOFT)
def test_soft_modes_ask_for_no_attributes_at_prediction(mode: str) -> None:
    if not hasattr(kf.layers, SOFT[mode]):
        pytest.skip(f"keras_fair.layers has no {SOFT[mode]}")
    x, y = people()
    fair = FairKerasClassifier(eager, TEXT, mode=mode, epochs=3, random_state=0)
    fair.fit(features(x), y, attributes=x[["sex"]])
    scores = fair.predict_proba(features(x))[:, 1]
    np.testing.assert_allclose(
        scores, fair.model_.base_model.predict(features(x), verbose=0)[:, 0], atol=1e-6
    )


def test_settings_are_those_of_the_model() -> None:
    x, y = people(200)
    settings = {"divergence": "binary_crossentropy"}
    fair = FairKerasClassifier(eager, TEXT, settings=settings, epochs=1).fit(x, y)
    assert fair.model_.projection.divergence == "binary_crossentropy"


def two_outputs(width: int) -> keras.Model:
    return keras.Sequential([keras.Input((width,)), keras.layers.Dense(2, activation="softmax")])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no function": ({"build": "dense"}, "with a function that makes a Keras model"),
    "no model": ({"build": lambda: "dense"}, "expected build to return a Keras model, received str"),
    "mode": ({"mode": "hope"}, "expected mode to be one of ('projection', 'penalty', 'lagrangian')"),
    "epochs": ({"epochs": 0}, "expected epochs to be an integer >= 1"),
    "batch": ({"batch_size": 1.5}, "expected batch_size to be an integer >= 1"),
    "batch of predictions": ({"predict_batch_size": 0}, "expected predict_batch_size to be an integer >= 1"),
    "seed": ({"random_state": -1}, "expected seed to be an integer >= 0"),
    "text": ({"constraints": "E[y | sex=F] <= "}, "found the end"),
    "audit only": ({"constraints": "P[y >= 0.5 | sex=F] <= 0.2"}, "kf.audit takes it"),
    "column": ({"constraints": "E[y | race=a] <= 0.2"}, "expected a column 'race' of X, or attributes="),
    "features": ({"features": ["height"]}, "expected features among the columns of X"),
    "no features": ({"features": []}, "expected a column of X beside those"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    settings, message = REFUSED[case]
    x, y = people(60)
    fair = FairKerasClassifier(eager, TEXT, epochs=1).set_params(**settings)
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        fair.fit(x, y)
    assert not hasattr(fair, "model_")


def test_targets_and_rows_that_are_refused() -> None:
    x, y = people(60)
    fair = FairKerasClassifier(eager, TEXT, epochs=1)
    with pytest.raises(ValueError, match="Only binary classification"):
        fair.fit(x, np.arange(60) % 3)
    with pytest.raises(ValueError, match="one class"):
        fair.fit(x, np.ones(60))
    with pytest.raises(ValueError, match="expected y in the order of X"):
        fair.fit(x, pd.Series(y).iloc[::-1])
    with pytest.raises(ValueError, match="NaN"):
        fair.fit(x.assign(skill=np.nan), y)
    fair.fit(x, y)
    array = FairKerasClassifier(eager, TEXT, epochs=1).fit(features(x), y, attributes=x)
    with pytest.raises(ValueError, match="in attributes=, or as a column of X"):
        array.predict(features(x))
    with pytest.raises(ValueError, match="Reshape your data"):
        array.predict(features(x)[:, 0], attributes=x)
