"""What batches may look like: weights, missing and unknown values, probabilities, empty groups, graphs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_fair.constraints import parse
from keras_fair.errors import ConstraintTypeError
from keras_fair.rows import LinearRows, RowPlan, Vocabulary, lower
from tests.gradients import gradient_of

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
TEXT = """
E[y | sex=Female] == E[y | sex=Male] +- 0.02
spread(E[y | race=*]) <= 0.05
spread(E[y | race=*, sex=*, label=1]) <= 0.05
E[y | 25 <= age < 40 or race=a] <= 0.5
cov(y, age) == 0 +- 0.5
E[label - y | sex=Female] == 0 +- 0.05
P[label=1] * E[y | sex=Male] <= 0.2
"""
VOCABULARY = Vocabulary({"sex": ["Female", "Male"], "race": ["a", "b", "c"], "age": None}, label=[0, 1])


def plan_of(text: str, vocabulary: Vocabulary | None = VOCABULARY, **options: Any) -> RowPlan:
    constraints = parse(text)
    return lower(constraints.statements, constraints.text, vocabulary, **options)


def batch_of(rng: np.random.Generator, n: int) -> tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray]:
    columns = {
        "sex": rng.integers(0, 2, n).astype("int32"),
        "race": rng.integers(0, 3, n).astype("int32"),
        "age": rng.integers(18, 70, n).astype("float64"),
    }
    return columns, rng.integers(0, 2, n).astype("float64"), rng.random(n), rng.random(n) + 0.1


def numbers(rows: LinearRows, y: Any) -> list[np.ndarray]:
    found = [rows.values(y), rows.gaps(y), rows.violation(y), rows.lower, rows.upper, rows.active]
    found += [rows.estimable, rows.terms.weights, rows.terms.sums(y), rows.terms.adjoint(rows.terms.weights)]
    return [np.asarray(ops.convert_to_numpy(one)) for one in found]


def tolerance() -> float:
    return 1e-9 if ON_TENSORFLOW else 2e-4


def test_tensors_and_numpy_arrays_give_the_same_rows(rng: np.random.Generator) -> None:
    plan = plan_of(TEXT)
    columns, label, y, weight = batch_of(rng, 60)
    plain = plan.evaluate(columns, label, weight)
    tensors = {name: ops.convert_to_tensor(column) for name, column in columns.items()}
    rows = plan.evaluate(tensors, ops.convert_to_tensor(label), ops.convert_to_tensor(weight))
    assert isinstance(plain.lower, np.ndarray)
    assert not isinstance(rows.lower, np.ndarray)
    for ours, theirs in zip(numbers(plain, y), numbers(rows, ops.convert_to_tensor(y)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=tolerance(), rtol=tolerance())


def test_large_batches_are_split_no_differently(rng: np.random.Generator) -> None:
    """Rows over many samples are the rows over copies of few."""
    plan = plan_of(TEXT)
    columns, label, y, weight = batch_of(rng, 50)
    few = plan.evaluate(columns, label, weight)
    many = plan.evaluate(
        {n: np.tile(c, 400) for n, c in columns.items()}, np.tile(label, 400), np.tile(weight, 400)
    )
    np.testing.assert_allclose(many.gaps(np.tile(y, 400)), few.gaps(y), atol=1e-10)
    assert many.names == few.names


@pytest.mark.skipif(not ON_TENSORFLOW, reason="tf.function")
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_a_graph_with_unknown_batch_size_gives_the_same_rows(rng: np.random.Generator, jit: bool) -> None:
    import tensorflow as tf

    plan = plan_of(TEXT)
    unknown = [tf.TensorSpec([None], tf.int32)] * 2 + [tf.TensorSpec([None], tf.float64)] * 4

    @tf.function(input_signature=None if jit else unknown, jit_compile=jit)
    def run(sex: Any, race: Any, age: Any, label: Any, y: Any, weight: Any) -> Any:
        rows = plan.evaluate({"sex": sex, "race": race, "age": age}, label, weight)
        return rows.values(y), rows.gaps(y), rows.violation(y), rows.lower, rows.active, rows.matrix

    for n in (1, 7, 64):
        columns, label, y, weight = batch_of(rng, n)
        found = run(*map(tf.constant, (columns["sex"], columns["race"], columns["age"], label, y, weight)))
        rows = plan.evaluate(columns, label, weight)
        expected = (rows.values(y), rows.gaps(y), rows.violation(y), rows.lower, rows.active, rows.matrix)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(np.asarray(ours), theirs, atol=1e-9)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="jax.jit")
def test_jit_on_jax_gives_the_same_rows(rng: np.random.Generator) -> None:
    import jax

    plan = plan_of(TEXT)
    columns, label, y, weight = batch_of(rng, 40)

    @jax.jit
    def run(columns: Any, label: Any, y: Any, weight: Any) -> Any:
        rows = plan.evaluate(columns, label, weight)
        return rows.gaps(y), rows.violation(y), rows.active

    rows = plan.evaluate(columns, label, weight)
    expected = (rows.gaps(y), rows.violation(y), rows.active)
    for ours, theirs in zip(run(columns, label, y, weight), expected, strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs, atol=tolerance(), rtol=tolerance())


def test_a_missing_group_leaves_its_rows_inactive_and_the_others_held() -> None:
    text = "E[y | sex=Female] == E[y | sex=Male] +- 0.02\nspread(E[y | race=*]) <= 0.05\n"
    text += "max(E[y | race=*]) <= 0.6"
    columns = {"sex": np.zeros(4, "int32"), "race": np.array([0, 0, 2, 2], "int32")}
    y = np.array([0.1, 0.3, 0.5, 0.9])
    rows = plan_of(text).evaluate(columns)
    assert rows.active.tolist() == [False, True, False, True, True, False, True]
    assert rows.estimable.tolist() == [False, True, True]
    assert rows.lower[0] == -np.inf
    assert rows.upper[2] == np.inf
    np.testing.assert_allclose(rows.gaps(y), [0.0, 0.5, 0.7])
    np.testing.assert_allclose(rows.violation(y), [0, 0.45, 0, 0.45, 0, 0, 0.1], atol=1e-12)


def test_a_spread_over_one_group_cannot_be_estimated() -> None:
    rows = plan_of("spread(E[y | race=*]) <= 0.05").evaluate({"race": np.ones(3, "int32")})
    assert not rows.estimable[0]
    assert not rows.active.any()
    assert rows.violation(np.array([0.1, 0.5, 0.9])).tolist() == [0, 0, 0]


def test_a_constant_of_the_data_without_samples_leaves_the_row_inactive() -> None:
    plan = plan_of("E[y] <= E[label | sex=Female]\nE[y] / E[label] <= 2\ncov(y, age | sex=Female) <= 1")
    columns = {"sex": np.ones(3, "int32"), "age": np.array([20.0, 30.0, 40.0])}
    rows = plan.evaluate(columns, np.zeros(3))
    assert rows.active.tolist() == [False, False, False]
    assert np.isfinite(rows.gaps(np.ones(3))).all()


def test_an_empty_batch_has_inactive_rows_and_no_error() -> None:
    plan = plan_of(TEXT)
    rows = plan.evaluate(
        {"sex": np.zeros(0, "int32"), "race": np.zeros(0, "int32"), "age": np.zeros(0)}, np.zeros(0)
    )
    assert not rows.active.any()
    assert rows.gaps(np.zeros(0)).tolist() == [0.0] * len(rows.relations)
    assert rows.matrix.shape == (len(rows), 0)
    empty = parse(TEXT).rows({"sex": [], "race": [], "age": []}, [])
    assert not np.asarray(empty.active).any()


def test_gradients_are_finite_with_empty_groups(rng: np.random.Generator) -> None:
    plan = plan_of(TEXT)
    columns = {
        "sex": np.zeros(5, "int32"),
        "race": np.array([0, 0, 1, 1, 1], "int32"),
        "age": np.full(5, 30.0),
    }
    rows = plan.evaluate(columns, np.zeros(5))
    y = rng.random(5)

    def total(y: Any) -> Any:
        return ops.sum(rows.values(y)) + ops.sum(rows.gaps(y)) + ops.sum(rows.violation(y))

    gradient = gradient_of(total, y)
    assert np.isfinite(gradient).all()
    assert np.any(gradient != 0)


def test_probabilities_stand_in_for_groups(rng: np.random.Generator) -> None:
    """Memberships multiply over attributes, and conditions over one attribute are exact."""
    n = 30
    sex = rng.random(n)
    race = rng.dirichlet(np.ones(3), n)
    y, weight, label = rng.random(n), rng.random(n) + 0.1, rng.random(n)

    def mean(member: np.ndarray) -> float:
        return float(np.sum(weight * member * y) / np.sum(weight * member))

    text = (
        "E[y | sex=Female] <= 1; E[y | sex=Female, race=a] <= 1; E[y | race=a or race=b] <= 1;"
        "E[y | not (race=a) and sex=Male, label=1] <= 1; E[y | label=0] <= 1; E[y | sex=Male or race=c] <= 1"
    )
    plan = plan_of(text)
    columns, _ = plan.encode({"sex": {"Female": sex, "Male": 1 - sex}, "race": race})
    rows = plan.evaluate(columns, label, weight)
    expected = [
        mean(sex),
        mean(sex * race[:, 0]),
        mean(race[:, 0] + race[:, 1]),
        mean((1 - race[:, 0]) * (1 - sex) * label),
        mean(1 - label),
        mean(1 - sex * (1 - race[:, 2])),
    ]
    np.testing.assert_allclose(rows.gaps(y), expected, atol=1e-12)
    assert not rows.disjoint
    mixed = plan.evaluate({"sex": (sex > 0.5).astype("int32"), "race": race}, label, weight)
    expected_mixed = mean((sex <= 0.5) * race[:, 0])
    codes = np.where(sex > 0.5, 1, 0)
    np.testing.assert_allclose(mixed.gaps(y)[1], expected_mixed, atol=1e-12)
    assert codes.shape == (n,)


def test_certain_probabilities_are_groups(rng: np.random.Generator) -> None:
    plan = plan_of(TEXT)
    columns, label, y, weight = batch_of(rng, 80)
    certain = plan.evaluate(columns, label, weight)
    soft = {**columns, "sex": np.eye(2)[columns["sex"]], "race": np.eye(3)[columns["race"]]}
    for fractional in (True, False):
        rows = plan.evaluate(soft, label, weight, fractional_label=fractional)
        np.testing.assert_allclose(rows.gaps(y), certain.gaps(y), atol=1e-12)
        np.testing.assert_allclose(rows.matrix, certain.matrix, atol=1e-12)


def test_labels_beyond_a_probability_are_what_they_are() -> None:
    plan = plan_of("E[y | label=1] <= 1; E[y | label=0] <= 1; E[y | label!=1] <= 1", Vocabulary())
    y = np.array([0.1, 0.2, 0.4, 0.8])
    rows = plan.evaluate({}, np.array([0.0, 1.0, 2.0, 0.5]))
    np.testing.assert_allclose(rows.terms.weights, [1.5, 1.5, 2.5])
    np.testing.assert_allclose(
        rows.gaps(y), [(0.2 + 0.4) / 1.5, (0.1 + 0.4) / 1.5, (0.1 + 0.4 + 0.4) / 2.5], atol=1e-12
    )


def test_unknown_values_belong_to_no_group_and_are_counted() -> None:
    vocabulary = Vocabulary({"race": ["a", "b"], "grade": [1, 2]})
    plan = plan_of("E[y] <= 1; max(E[y | race=*]) <= 1; E[y | race!=a] <= 1; E[y | grade=1] <= 1", vocabulary)
    columns, _ = plan.encode({"race": ["a", "b", "new", "b"], "grade": [1, 2, 1, 7]})
    rows = plan.evaluate(columns)
    y = np.array([0.1, 0.2, 0.4, 0.8])
    np.testing.assert_allclose(rows.gaps(y), [y.mean(), 0.5, 0.5, 0.25])
    assert int(rows.unknown["race"]) == 1
    assert int(rows.unknown["grade"]) == 1
    assert int(rows.missing["race"]) == 0


@pytest.mark.parametrize("policy", ["exclude", "group"])
def test_missing_values_are_excluded_or_a_group(policy: str) -> None:
    vocabulary = Vocabulary(missing=policy).adapt(
        {"race": ["a", None, "b", ""], "hours": [1.0, np.nan, 3.0, 4.0]}
    )
    text = (
        "E[y] <= 1; max(E[y | race=*]) <= 1; E[y | race!=a] <= 1; E[y * hours] <= 9; E[y | hours < 3.5] <= 1"
    )
    text += "; E[y] <= P[race=a]; E[y] <= P[race=a or hours > 2]"
    text += "; E[y | race=missing] <= 1" if policy == "group" else ""
    plan = plan_of(text, vocabulary)
    columns, _ = plan.encode({"race": ["a", "b", np.nan, "a"], "hours": [2.0, np.nan, 3.0, 4.0]})
    rows = plan.evaluate(columns)
    y = np.array([0.1, 0.2, 0.4, 0.8])
    hours = (0.1 * 2 + 0.4 * 3 + 0.8 * 4) / 3
    expected = {
        "exclude": [y.mean(), 0.45, 0.2, hours, 0.25, y.mean() - 2 / 3, y.mean() - 1],
        "group": [y.mean(), 0.45, 0.3, hours, 0.25, y.mean() - 2 / 4, y.mean() - 3 / 4, 0.4],
    }[policy]
    np.testing.assert_allclose(rows.gaps(y), expected, atol=1e-12)
    assert int(rows.missing["hours"]) == 1
    if policy == "exclude":
        assert int(rows.missing["race"]) == 1
    with pytest.raises(ValueError, match=r"2 missing values.*exclude"):
        Vocabulary().adapt({"race": ["a", None, "b", ""]})


def test_pooled_measures_give_the_rows_of_all_samples(rng: np.random.Generator) -> None:
    """Weights and sums of batches add up; `bind` then gives the constants and the weights of all."""
    from dataclasses import replace

    plan = plan_of(TEXT)
    columns, label, y, weight = batch_of(rng, 90)
    parts = [slice(0, 10), slice(10, 11), slice(11, 90)]
    measured = [
        plan.measure({n: c[part] for n, c in columns.items()}, label[part], weight[part]) for part in parts
    ]
    whole = plan.evaluate(columns, label, weight)
    pooled = plan.bind(
        replace(
            measured[-1],
            terms=replace(
                measured[-1].terms,
                constants=sum(
                    one.terms.sums(y[part]) for one, part in zip(measured[:-1], parts, strict=False)
                ),
                weights=sum(one.terms.weights for one in measured),
            ),
            constant_sums=sum(one.constant_sums for one in measured),
            constant_weights=sum(one.constant_weights for one in measured),
        )
    )
    np.testing.assert_allclose(pooled.gaps(y[parts[-1]]), whole.gaps(y), atol=1e-12)


@pytest.mark.skipif(not ON_TENSORFLOW, reason="text tensors")
def test_text_tensors_are_encoded_inside_a_graph() -> None:
    import tensorflow as tf

    plan = plan_of("E[y | sex=Female] <= 1; E[y | race!=a] <= 1")

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.string), tf.TensorSpec([None], tf.string)])
    def run(sex: Any, race: Any) -> Any:
        columns, _ = plan.encode({"sex": sex, "race": race})
        rows = plan.evaluate(columns)
        return columns["sex"], columns["race"], rows.terms.weights

    sex, race, weights = run(tf.constant([["Female"], ["Male"], [""]]), tf.constant(["a", "b", "z"]))
    assert sex.numpy().tolist() == [0, 1, 3]
    assert race.numpy().tolist() == [0, 1, 3]
    assert weights.numpy().tolist() == [1.0, 1.0]


def test_a_label_of_text() -> None:
    text = "E[y | label=yes] <= 1; for c in label: E[y | label=c] <= 1"
    rows = parse(text).rows({}, ["yes", "no", "yes"])
    np.testing.assert_allclose(rows.gaps(np.array([0.2, 0.5, 0.4])), [0.3, 0.5, 0.3])


def test_only_combinations_that_occur_are_groups_of_data_at_hand() -> None:
    columns = {"sex": ["f", "m", "m"], "race": ["a", "a", "b"], "grade": [1, 2, 2]}
    rows = parse("spread(E[y | sex=*, race=*, grade=*]) <= 0.1").rows(columns)
    assert [name.split("[")[-1] for name in rows.names] == [
        "sex=f, race=a, grade=1]",
        "sex=m, race=a, grade=2]",
        "sex=m, race=b, grade=2]",
    ]


def test_a_covariance_leaves_samples_without_a_value_out_of_all_its_means() -> None:
    y, age = np.array([0.1, 0.2, 0.7, 0.9]), np.array([20.0, np.nan, 40.0, 60.0])
    there = ~np.isnan(age)
    vocabulary = Vocabulary({"age": None}, missing="exclude")
    rows = parse("cov(y, age) == 0 +- 0.1").rows({"age": age}, vocabulary=vocabulary)
    np.testing.assert_allclose(rows.gaps(y), np.cov(y[there], age[there], bias=True)[0, 1])
    assert rows.missing["age"] == 1


def test_infinite_attributes_are_refused() -> None:
    with pytest.raises(ConstraintTypeError, match="finite numbers, received 1 infinite"):
        parse("cov(y, age) == 0").rows({"age": np.array([1.0, np.inf])})
