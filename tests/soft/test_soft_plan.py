"""Statements that train, measured: strictly as an audit measures them, softly with a gradient."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.errors import ConstraintTypeError
from keras_fair.inputs.domain import check_domain
from keras_fair.soft.distributions import THRESHOLDS
from keras_fair.soft.lower import lower_softly
from keras_fair.soft.plan import SoftPlan
from tests.gradients import gradient_of

RACES = ["a", "b", "c", "d"]
VOCABULARY = kf.Vocabulary({"sex": ["F", "M"], "race": RACES}, label=[0, 1])

EXACT = [  # what an audit finds too, to the last digits
    "E[y | sex=F] == E[y | sex=M] +- 0.02",
    "spread(E[y | race=*]) <= 0.05",
    "E[y | race=*] == E[y] +- 0.02",
    "disparate_impact(race) >= 0.8",
    "P[y < 0.5 | sex=F] / P[y < 0.5 | sex=M] >= 0.9",
    "spread(P[y >= 0.5 | race=*]) <= 0.05",
    "spread(P[y > 0.3 | race=*, sex=*]) <= 0.05",
    "equalized_odds(sex) <= 0.02 at y >= 0.5",
    "for s in sex: P[0.2 <= y < 0.6 | sex=s, label=1] <= 0.3",
    "P[y >= 0.3 or label=1 | sex=F] <= 0.2",
    "P[not (y >= 0.3 and label=0) | race=b] <= 0.2",
    "E[label | y >= 0.5, sex=F] == E[label | y >= 0.5, sex=M] +- 0.02",
    "E[y | y >= 0.3 or race=a] <= 0.5",
    "cov(y, age | sex=F) <= 0.1",
    "corr(y, age) <= 0.1",
    "corr(y, label | race=a) <= 0.1",
    "max(E[loss | race=*]) <= 0.3 with weight 3",
    "spread(E[loss | sex=*]) <= 0.1",
    "max(abs(P[y >= 0.5 | race=*] - P[y >= 0.5])) <= 0.03",
]
NEAR = ["independence(sex) <= 0.1", "independence(sex, race) <= 0.1", "separation(sex) <= 0.1"]


def people(n: int, seed: int = 0) -> tuple[np.ndarray, dict[str, Any], np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = {
        "sex": rng.choice(["F", "M"], n),
        "race": rng.choice(RACES, n, p=[0.5, 0.25, 0.15, 0.1]),
        "age": rng.normal(40, 10, n),
    }
    y = np.clip(rng.beta(2, 3, n) + 0.1 * (columns["sex"] == "M"), 0.01, 0.99)
    return y, columns, (rng.random(n) < y).astype("float64")


def plan_of(text: str) -> SoftPlan:
    parsed = kf.parse(text)
    return lower_softly(parsed.statements, parsed.text, VOCABULARY, 1, check_domain((0.0, 1.0)))


def cross_entropy(label: Any, y: Any) -> np.ndarray:
    return -np.log(np.where(label == 1, y[:, 0], 1 - y[:, 0]))


def encoded_by(columns: dict[str, Any]) -> dict[str, Any]:
    return {**VOCABULARY.encode({name: columns[name] for name in ("sex", "race")}), "age": columns["age"]}


def measured(
    plan: SoftPlan, y: np.ndarray, columns: dict[str, Any], label: np.ndarray, weight: Any = None
) -> Any:
    encoded = encoded_by(columns)
    return plan.measure(y[:, None], encoded, label, weight, temperature=0.5, loss=cross_entropy)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("text", EXACT)
def test_strict_gaps_are_those_of_an_audit(text: str, weighted: bool) -> None:
    y, columns, label = people(400)
    weight = np.random.default_rng(1).uniform(0.2, 3.0, len(y)) if weighted else None
    plan = plan_of(text)
    batch = measured(plan, y, columns, label, weight)
    found = plan.gaps(batch.strict, batch.constants)
    with_loss = {**columns, "loss": cross_entropy(label, y[:, None])}
    audit = kf.audit(text, y, with_loss, label=label, sample_weight=weight)
    assert [relation.name for relation in audit.relations] == list(plan.names)
    np.testing.assert_allclose(found.values, [relation.gap for relation in audit.relations], atol=1e-9)
    past = np.maximum(found.lower - found.values, found.values - found.upper)
    violations = [relation.violation for relation in audit.relations]
    np.testing.assert_allclose(np.maximum(past, 0), violations, atol=1e-9)


@pytest.mark.parametrize("text", NEAR)
def test_distances_are_at_most_those_of_an_audit_and_near_them(text: str) -> None:
    y, columns, label = people(4000)
    plan = plan_of(text)
    batch = measured(plan, y, columns, label)
    (gap,) = plan.gaps(batch.strict, batch.constants).values
    (relation,) = kf.audit(text, y, columns, label=label).relations
    assert relation.gap - 2 / THRESHOLDS <= gap <= relation.gap + 1e-9
    assert gap > 0.5 * relation.gap


def test_information_is_that_of_the_table() -> None:
    from sklearn.metrics import mutual_info_score

    y, columns, label = people(1000)
    plan = plan_of("mutual_information(race) <= 0.01")
    batch = measured(plan, y, columns, label)
    (gap,) = plan.gaps(batch.strict, batch.constants).values
    edges = np.sort(y)[np.round(np.arange(1, 10) / 10 * 999).astype(int)]
    bins = (y[:, None] >= edges).sum(axis=1)
    assert gap == pytest.approx(mutual_info_score(columns["race"], bins), abs=1e-9)


@pytest.mark.parametrize("text", [*EXACT, *NEAR, "mutual_information(sex) <= 0.01"])
def test_soft_gaps_have_the_gradient_of_finite_differences(text: str) -> None:
    y, columns, label = people(60, seed=3)
    plan = plan_of(text)

    def total(y: Any) -> Any:
        if isinstance(y, np.ndarray):
            batch = measured(plan, y, columns, label)
            return float(np.sum(plan.gaps(batch.soft, batch.constants).values))
        encoded = {**VOCABULARY.encode({name: columns[name] for name in ("sex", "race")}), "age":
        columns["age"]}

        def loss(label: Any, y: Any) -> Any:
            of_one = keras.ops.log(y[:, 0]) * keras.ops.convert_to_tensor(label)
            return -of_one - keras.ops.log(1 - y[:, 0]) * keras.ops.convert_to_tensor(1 - label)

        batch = plan.measure(y[:, None], encoded, label, None, temperature=0.5, loss=loss)
        return keras.ops.sum(plan.gaps(batch.soft, batch.constants).values)

    found = gradient_of(total, y)
    if "independence" in text or "separation" in text or "mutual" in text:
        return  # thresholds follow the batch and let no gradient through: compared in direction below
    step = 1e-6
    for place in range(0, len(y), 7):
        moved = np.eye(len(y))[place] * step
        expected = (total(y + moved) - total(y - moved)) / (2 * step)
        assert found[place] == pytest.approx(expected, abs=2e-6)


def test_squares_without_their_sampling_variance_are_unbiased() -> None:
    """The mean over batches of g^2 - var(g) is the square of the gap of all."""
    y, columns, label = people(4000, seed=5)
    plan = plan_of("P[y >= 0.4 | race=a] == P[y >= 0.4 | race=b] +- 0")
    whole = measured(plan, y, columns, label)
    truth = float(plan.gaps(whole.strict, whole.constants).values[0]) ** 2
    rng, raw, corrected = np.random.default_rng(0), [], []
    for _ in range(2000):
        chosen = rng.integers(0, len(y), 60)
        batch = measured(
            plan, y[chosen], {name: column[chosen] for name, column in columns.items()}, label[chosen]
        )
        found = plan.gaps(batch.strict, batch.constants)
        square = float(found.values[0]) ** 2
        raw.append(square)
        corrected.append(square - float(plan.variance(found, batch, batch.soft, batch.strict)[0]))
    error = np.std(corrected) / np.sqrt(len(corrected))
    assert abs(np.mean(corrected) - truth) < 4 * error
    assert np.mean(raw) - truth > 5 * error  # the plain square is far too large


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P[y = 0.5 | sex=F] <= 0.1", "no stand-in"),
        ("P[y in {0.1, 0.2} | sex=F] <= 0.1", "no stand-in"),
        ("independence(sex, y=label - y) <= 0.1", "no stand-in"),
        ("E[label | sex=F] <= 0.1", "does not contain y"),
        ("P[y >= .1 or y >= .2 or y >= .3 or y >= .4 or y >= .5 or y >= .6 or y >= .7] <= 1", "6"),
    ],
)
def test_what_can_t_train_is_refused_at_its_place(text: str, words: str) -> None:
    with pytest.raises(ConstraintTypeError, match=words) as refused:
        plan_of(text)
    assert refused.value.span is not None


def test_a_group_without_people_is_not_estimable_and_has_no_gradient() -> None:
    y, columns, label = people(50)
    columns["race"] = np.full(50, "a")
    plan = plan_of("P[y >= 0.5 | race=a] == P[y >= 0.5 | race=b]; spread(E[y | race=*]) <= 0.1; E[y] <= 0.2")
    batch = measured(plan, y, columns, label)
    found = plan.gaps(batch.strict, batch.constants)
    assert found.estimable.tolist() == [False, False, True]
    assert found.values[:2].tolist() == [0.0, 0.0]
    assert np.isfinite(plan.variance(found, batch, batch.soft, batch.strict)).all()
