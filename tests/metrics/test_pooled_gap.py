"""The pooled gap: exact over batches, as if all samples came at once."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import keras_fair as kf

CONSTRAINTS = """
parity: E[y | sex=Female] == E[y | sex=Male] +- 0.1
spread(E[y | race=*]) <= 0.1
residual: for g in sex: E[label - y | sex=g] == 0 +- 0.05
age: cov(y, age) <= 0.5
"""
VALUES = {"sex": ["Female", "Male"], "race": ["a", "b", "c"], "age": None}


@pytest.fixture
def people():
    rng = np.random.default_rng(5)
    return {
        "y": rng.random(90),
        "attributes": {
            "sex": rng.choice(["Female", "Male"], 90),
            "race": rng.choice(["a", "b", "c"], 90),
            "age": rng.normal(40, 10, 90),
        },
        "label": rng.integers(0, 2, 90),
        "sample_weight": rng.uniform(0.5, 2, 90),
    }


def fed(people, bounds) -> dict[str, float]:
    metric = kf.metrics.PooledGap(CONSTRAINTS, vocabulary=VALUES)
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        part = slice(start, end)
        columns = {name: column[part] for name, column in people["attributes"].items()}
        metric.update_state(people["y"][part], columns, people["label"][part], people["sample_weight"][part])
    return metric.result()


@pytest.mark.parametrize("bounds", [[0, 1, 2, 30, 90], list(range(91)), [0, 89, 90]])
def test_batches_add_up_to_the_whole(people, bounds) -> None:
    whole = fed(people, [0, 90])
    assert fed(people, bounds) == pytest.approx(whole, abs=1e-12)
    y, weight, sex = people["y"], people["sample_weight"], people["attributes"]["sex"]
    means = [np.average(y[sex == value], weights=weight[sex == value]) for value in ("Female", "Male")]
    assert whole["parity_gap"] == pytest.approx(means[0] - means[1])
    assert whole["age_gap"] == pytest.approx(
        np.cov(y, people["attributes"]["age"], aweights=weight, ddof=0)[0, 1]
    )
    residuals = [
        np.average((people["label"] - y)[sex == value], weights=weight[sex == value])
        for value in ("Female", "Male")
    ]
    assert abs(whole["residual_gap"]) == pytest.approx(max(np.abs(residuals)))
    assert whole["residual_violation"] == pytest.approx(max(0.0, max(np.abs(residuals)) - 0.05))


def test_what_cannot_be_estimated_is_nan_and_a_reset_forgets(people) -> None:
    metric = kf.metrics.PooledGap("E[y | sex=Female] <= 0.1", name="women")
    assert all(np.isnan(value) for value in metric.result().values())
    metric.update_state(np.array([[0.5]]), {"sex": ["Male"]})
    assert all(np.isnan(value) for value in metric.result().values())
    metric.update_state(np.array([[0.5]]), {"sex": ["Female"]})
    assert metric.result() == pytest.approx(
        {"E[y | sex=Female] <= 0.1_gap": 0.5, "E[y | sex=Female] <= 0.1_violation": 0.4}
    )
    metric.reset_state()
    assert all(np.isnan(value) for value in metric.result().values())


def test_config_round_trips() -> None:
    metric = kf.metrics.PooledGap(CONSTRAINTS, vocabulary=VALUES, domain=(0, 2), name="other")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.get_config() == metric.get_config()
    assert (again.name, again.vocabulary) == ("other", kf.Vocabulary(VALUES))


def test_names_of_statements_are_unique_and_stable() -> None:
    metric = kf.metrics.PooledGap("a: E[y | g=u] <= 0.1\nE[y]<=1.0; E[y] <= 1; E[y] <= 1")
    names = ("a", "E[y] <= 1", "E[y] <= 1 (2)", "E[y] <= 1 (3)")
    assert list(metric.result()) == [f"{name}_{what}" for name in names for what in ("gap", "violation")]
