"""`project`: what it returns, what it refuses, and the ordinary cases by hand."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from keras import ops

import keras_fair as kf
from keras_fair.ops import Outcome, project, project_rows
from keras_fair.ops.working_precision import working_dtype
from keras_fair.rows.linear import rows_from_matrix
from tests.engines import both_engines, project_tensors
from tests.gradients import gradient_of, weighted_sum
from tests.reference import solve_reference

# Float64 where the backend has it; what rows and predictions of tensors are held to follows from it.
DTYPE = working_dtype()
EXACT = 1e-9 if DTYPE == "float64" else 1e-5
SEX = np.array(["Female", "Female", "Male", "Male"])
Y = np.array([0.2, 0.4, 0.6, 0.8], dtype=DTYPE)


def rows_of(text: str, **attributes: Any) -> Any:
    return kf.parse(text).rows(attributes or {"sex": SEX})


@both_engines
def test_two_groups_meet_in_the_middle(project: Any) -> None:
    projection = project(Y, rows_of("E[y | sex=Female] == E[y | sex=Male]"))
    np.testing.assert_allclose(projection.y, [0.4, 0.6, 0.4, 0.6], atol=EXACT)
    assert projection.outcome is Outcome.SOLVED
    assert projection.violation.shape == (1,)


RULE = "E[y | sex=Female] == E[y | sex=Male] +- 0.1"


def test_text_in_the_place_of_rows() -> None:
    expected = project(Y, rows_of(RULE))
    for text in (RULE, kf.parse(RULE), [RULE]):
        for first, second in ((Y, text), (text, Y)):
            projection = project(first, second, {"sex": SEX})
            np.testing.assert_array_equal(projection.y, expected.y)
    labelled = "E[y | sex=Female, label=1] == E[y | sex=Male, label=1]"
    label = np.array([1, 0, 1, 1])
    np.testing.assert_allclose(
        project(Y, labelled, {"sex": SEX}, label).y,
        project(Y, kf.parse(labelled).rows({"sex": SEX}, label)).y,
    )


@pytest.mark.parametrize(("policy", "groups"), [("exclude", 2), ("group", 3)])
def test_a_vocabulary_may_say_only_what_missing_values_mean(policy: str, groups: int) -> None:
    sex = np.array(["Female", None, "Male", "Male"], dtype=object)
    text, columns = "spread(E[y | sex=*]) <= 0.02", {"sex": sex}
    fair = project(Y, text, columns, vocabulary=kf.Vocabulary(missing=policy))
    listed = project(Y, text, columns, vocabulary=kf.Vocabulary(missing=policy).adapt(columns))
    np.testing.assert_array_equal(fair.y, listed.y)
    means = [fair.y[0], fair.y[2:].mean(), fair.y[1]][:groups]
    assert np.ptp(means) == pytest.approx(0.02)
    with pytest.raises(kf.ConstraintTypeError, match="the first at index 1"):
        project(Y, text, columns)


def test_text_without_attributes() -> None:
    projection = project(Y, "E[y] <= 0.3")
    assert projection.y.mean() == pytest.approx(0.3, abs=EXACT)


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
def test_bounds_that_cross_are_refused_or_relaxed() -> None:
    with pytest.raises(ValueError, match="lower <= upper, received lower=0.5, upper=0.2, row 1"):
        rows_from_matrix(np.full((2, 4), 0.25), lower=[0.0, 0.5], upper=[1.0, 0.2])
    projection = project(Y, "E[y] in [E[label], 0.5 * E[label]]", None, np.array([1, 1, 0, 1]))
    assert projection.outcome is Outcome.RELAXED  # held in the middle of 0.75 and 0.375
    assert projection.y.mean() == pytest.approx(0.5625, abs=1e-6)
    np.testing.assert_allclose(projection.violation, 0.1875, atol=1e-6)


def test_weights_weigh_text_and_objective() -> None:
    weight = np.array([3.0, 1.0, 1.0, 2.0])
    rows = kf.parse(RULE).rows({"sex": SEX}, sample_weight=weight)
    projection = project(Y, RULE, {"sex": SEX}, sample_weight=weight)
    np.testing.assert_allclose(projection.y, project(Y, rows, sample_weight=weight).y, atol=EXACT)
    means = [np.average(projection.y[part], weights=weight[part]) for part in (slice(0, 2), slice(2, 4))]
    assert means[1] - means[0] == pytest.approx(0.1, abs=10 * EXACT)


def test_text_that_does_not_fit() -> None:
    with pytest.raises(kf.ConstraintTypeError, match="no value 'Femal'; did you mean 'Female'"):
        project(Y, "E[y | sex=Femal] <= 0.5", {"sex": SEX})
    with pytest.raises(kf.ConstraintTypeError, match="no attribute named 'sex'"):
        project(Y, RULE)
    with pytest.raises(kf.ConstraintTypeError, match="no attribute named 'Sex'; did you mean 'sex'"):
        project(Y, "spread(E[y | Sex=*]) <= 0.1", {"sex": SEX})
    with pytest.raises(ValueError, match="rows hold these already"):
        project(Y, rows_of(RULE), {"sex": SEX})
    with pytest.raises(TypeError, match="received ndarray of shape"):
        project(Y, Y)


def test_duals_are_positive_at_the_upper_bound_and_negative_at_the_lower_one() -> None:
    low = project(Y, rows_of("E[y | sex=Female] == E[y | sex=Male] +- 0.1"))
    high = project(Y[::-1].copy(), rows_of("E[y | sex=Female] == E[y | sex=Male] +- 0.1"))
    assert low.duals[0] < 0 < high.duals[0]
    np.testing.assert_allclose(low.duals, -high.duals, atol=EXACT)


@pytest.mark.parametrize(
    "text", ["E[y | sex=Female] <= 0.5", "spread(E[y | sex=*]) <= 0.5", "cov(y, age) <= 10"]
)
def test_predictions_that_hold_already_come_back_bit_for_bit(text: str, rng: np.random.Generator) -> None:
    y = (rng.random(4) * 0.4).astype(DTYPE)
    projection = project(y, rows_of(text, sex=SEX, age=np.arange(4.0)))
    assert np.array_equal(projection.y, y)
    assert np.all(projection.duals == 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_shape_and_dtype_come_back(dtype: str, shape: tuple[int, ...]) -> None:
    y = Y.astype(dtype).reshape(shape)
    projection = project(y, rows_of("E[y | sex=Female] == E[y | sex=Male] +- 0.02"))
    assert isinstance(projection.y, np.ndarray)
    assert projection.y.shape == shape
    assert projection.y.dtype == dtype
    assert projection.violation.max() <= max(EXACT, 1e-6)


def test_tensors_come_back_as_tensors() -> None:
    projection = project(ops.convert_to_tensor(Y), rows_of("E[y | sex=Female] == E[y | sex=Male] +- 0.02"))
    assert ops.is_tensor(projection.y)


@both_engines
def test_rows_that_conflict_are_met_halfway_and_reported(project: Any) -> None:
    with pytest.warns(UserWarning, match="^RELAXED: no predictions inside the domain meet all rows"):
        projection = project(Y, rows_of("E[y | sex=Female] == 0.2\nE[y | sex=Female] == 0.4"))
    assert projection.outcome is Outcome.RELAXED
    np.testing.assert_allclose(projection.violation, [0.1, 0.1], atol=max(EXACT, 1e-6))
    np.testing.assert_allclose(projection.y[:2].mean(), 0.3, atol=max(EXACT, 1e-6))
    np.testing.assert_allclose(projection.y[2:], Y[2:], atol=max(EXACT, 1e-6))
    assert "violate them least" in projection.outcome.message


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@both_engines
def test_a_row_beyond_the_domain_is_met_as_far_as_it_goes(project: Any) -> None:
    projection = project(Y, rows_of("E[y | sex=Female] >= 1.5"))
    assert projection.outcome is Outcome.RELAXED
    np.testing.assert_allclose(projection.y, [1.0, 1.0, 0.6, 0.8], atol=max(EXACT, 1e-6))


@both_engines
def test_a_group_that_nobody_is_in_leaves_the_rest_alone(project: Any) -> None:
    vocabulary = kf.Vocabulary({"sex": ["Female", "Male", "Other"]})
    rows = kf.parse("spread(E[y | sex=*]) <= 0.1").rows({"sex": SEX}, vocabulary=vocabulary)
    with pytest.warns(UserWarning, match="in the group sex=Other, so .* compares the other groups alone"):
        projection = project(Y, rows)
    np.testing.assert_allclose(projection.y, [0.35, 0.55, 0.45, 0.65], atol=EXACT)
    np.testing.assert_allclose(projection.violation, 0.0, atol=max(EXACT, 1e-5))


@both_engines
@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("E[y | sex=Other] == E[y | sex=Male] +- 0.1", "sex=Other"),
        ("E[y | age >= 70] <= 0.5", "age >= 70"),
        ("E[y | when >= '2030-01-01'] == E[y] +- 0.1", "when >= '2030-01-01'"),
        ("E[y | sex=Female, age >= 70] / E[y | sex=Male] >= 0.8", "sex=Female, age >= 70"),
        ("P[label=1 | age >= 70] <= E[y]", ""),
    ],
)
def test_what_nobody_is_in_is_neither_held_nor_violated(text: str, group: str, project: Any) -> None:
    """A group that nobody is in must not look like fairness."""
    columns = {"sex": SEX, "age": [20, 30, 40, 50], "when": ["2020-01-01"] * 4}
    vocabulary = kf.Vocabulary({"sex": ["Female", "Male", "Other"], "age": None})
    rows = kf.parse(f"{text}; free: E[y] <= 0.9").rows(columns, label=[0, 1, 0, 1], vocabulary=vocabulary)
    with pytest.warns(UserWarning, match=f"{re.escape(group)}.* neither held nor violated"):
        projection = project(Y, rows)
    assert projection.outcome is Outcome.SOLVED
    np.testing.assert_array_equal(projection.y, Y)
    assert np.isnan(projection.violation[:-1]).all()
    assert projection.violation[-1] == 0


@both_engines
def test_unknown_values_are_not_silent(project: Any) -> None:
    columns = {"sex": np.array(["Female", "female", "Male", "Male"])}
    rows = kf.parse("spread(E[y | sex=*]) <= 0.1").rows(
        columns, vocabulary=kf.Vocabulary({"sex": ["Female", "Male"]})
    )
    with pytest.warns(UserWarning, match="1 sample has a value of sex outside the vocabulary"):
        project(Y, rows)


@both_engines
@pytest.mark.parametrize("divergence", ["euclidean", "binary_crossentropy"])
def test_an_empty_batch_passes_through(divergence: str, project: Any) -> None:
    vocabulary = kf.Vocabulary({"sex": ["Female", "Male"]})
    rows = kf.parse("spread(E[y | sex=*]) <= 0.1").rows(
        {"sex": np.array([], dtype=str)}, vocabulary=vocabulary
    )
    projection = project(np.zeros(0), rows, divergence=divergence)
    assert projection.y.shape == (0,)
    assert projection.outcome is Outcome.SOLVED


@pytest.mark.filterwarnings("ignore:RELAXED", "ignore:ITERATION_LIMIT", "ignore:NOT_CLOSEST")
@both_engines
def test_a_row_that_no_prediction_moves_is_reported(project: Any) -> None:
    rows = rows_from_matrix(np.zeros((1, 4)), lower=[0.5], upper=[1.0])
    projection = project(Y, rows)
    assert np.array_equal(projection.y, Y)
    np.testing.assert_allclose(projection.violation, [0.5])
    assert projection.outcome is Outcome.RELAXED


PAIR = "E[y | sex=Female] == E[y | sex=Male] +- 0.1"


@pytest.mark.parametrize(
    "text",
    [
        "cov(y, v) == 0",
        "cov(y, label) == 0 +- 0.1",
        "cov(y, label | sex=Female) == 0",
        "cov(y - label, v) == 0 +- 0.1",
        "cov(y, v | sex=*) == 0 +- 0.1",
        "E[y | team=a] == E[y | team=b]",
    ],
)
def test_a_row_whose_coefficients_cancel_takes_no_part(text: str, rng: np.random.Generator) -> None:
    sex = rng.permutation(np.repeat(SEX, 8))
    weights = rng.normal(size=sex.size)
    constraints = kf.parse(f"{text}; {PAIR}")
    for constant in (3.0, 0.1, 1e9 / 7.0):
        share = np.full(sex.size, 1.0 / (1.0 + constant))
        columns = {"sex": sex, "v": np.full(sex.size, constant), "team": {"a": share, "b": 1.0 - share}}
        rows = constraints.rows({name: columns[name] for name in constraints.attributes}, np.ones(sex.size))
        y = np.clip(rng.random(sex.size) + 0.3 * (sex == "Male"), 0.0, 1.0).astype(DTYPE)
        pair = rows_of(PAIR, sex=sex)
        projection = project(y, rows)
        assert projection.outcome is Outcome.SOLVED
        np.testing.assert_allclose(projection.y, project(y, pair).y, atol=EXACT)
        with_it, without = (
            gradient_of(lambda r, rows=rows: weighted_sum(project_rows(r, rows).y, weights), y)
            for rows in (rows, pair)
        )
        np.testing.assert_allclose(with_it, without, atol=1e-5)


def test_a_covariance_over_one_person_takes_no_part(rng: np.random.Generator) -> None:
    for size in range(8, 60, 7):
        sex = np.array(["Female"] + ["Male"] * (size - 1))
        years = rng.normal(50.0, 10.0, size)
        rows = rows_of(f"cov(y, years | sex=Female) == 0 +- 0.1; {PAIR}", sex=sex, years=years)
        y = rng.random(size).astype(DTYPE)
        projection = project(y, rows)
        assert projection.outcome is Outcome.SOLVED
        np.testing.assert_allclose(projection.y, project(y, rows_of(PAIR, sex=sex)).y, atol=EXACT)


def test_a_covariance_with_a_column_far_from_zero(rng: np.random.Generator) -> None:
    seconds = rng.uniform(1.7e9, 1.7e9 + 1e5, 200).round()
    y = np.clip(0.2 + 0.6 * (seconds - 1.7e9) / 1e5 + rng.normal(0.0, 0.1, 200), 0.0, 1.0)
    projection = project(y, rows_of("cov(y, seconds) == 0 +- 100", seconds=seconds))
    assert projection.outcome is Outcome.SOLVED
    assert np.mean(projection.y * (seconds - seconds.mean())) <= 100.0 + 1e-5


@pytest.mark.skipif(DTYPE == "float64", reason="double precision reaches it")
def test_what_single_precision_cannot_reach_is_not_called_solved(rng: np.random.Generator) -> None:
    seconds = rng.uniform(1.7e9, 1.7e9 + 1e5, 200).round()
    y = ((seconds - 1.7e9) / 1e5).astype("float32")
    with pytest.warns(UserWarning, match="ITERATION_LIMIT"):
        projection = project_tensors(y, rows_of("cov(y, seconds) == 0 +- 100", seconds=seconds))
    assert projection.outcome is Outcome.ITERATION_LIMIT
    assert projection.violation.max() > 100.0


@both_engines
@pytest.mark.parametrize("text", ["spread(E[y | sex=*]) <= 0.1", "E[y | sex=Female] >= 0.2; E[y] <= 0.5"])
def test_a_group_at_a_bound_comes_off_it_under_a_cross_entropy(text: str, project: Any) -> None:
    y = np.array([0.0, 0.0, 0.7, 0.8], dtype=DTYPE)
    rows = rows_of(text)
    projection = project(y, rows, divergence="binary_crossentropy")
    sums = np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], np.full(4, 0.25)])
    if "spread" in text:
        matrix, lower, upper = sums[:1] - sums[1:2], np.array([-0.1]), np.array([0.1])
    else:
        matrix, lower, upper = sums[[0, 2]], np.array([0.2, -np.inf]), np.array([np.inf, 0.5])
    _, expected, _ = solve_reference(y, matrix, lower, upper, divergence="binary_crossentropy")
    assert projection.outcome is Outcome.SOLVED
    np.testing.assert_allclose(projection.y, expected, atol=1e-5)


@both_engines
@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("centre", [3.0, -3e4, 1e8])
def test_predictions_may_be_far_from_zero(
    bounded: bool, centre: float, project: Any, rng: np.random.Generator
) -> None:
    if DTYPE == "float32" and abs(centre) > 1e4:
        pytest.skip("single precision keeps no digits of these")
    sex, team = rng.permutation(np.repeat(SEX, 15)), rng.choice(list("abc"), 60)
    text = "spread(E[y | team=*]) <= 0.01; E[y | sex=Female] == E[y | sex=Male] +- 0.02"
    near = rng.random(60).astype(DTYPE) * 0.5 + 0.5 * (team == "a")
    rows = rows_of(text, sex=sex, team=team)
    there = project(near, rows, domain=(0.0, 1.0) if bounded else None)
    projection = project(near + centre, rows, domain=(centre, centre + 1.0) if bounded else None)
    assert projection.outcome is Outcome.SOLVED
    np.testing.assert_allclose(projection.y - centre, there.y, atol=1e-15 * abs(centre) * 30 + 2 * EXACT)
    held = project(projection.y, rows_of(text.replace("0.0", "0.05"), sex=sex, team=team), domain=None)
    assert np.array_equal(held.y, projection.y)


def test_an_open_domain_only_shifts() -> None:
    scores = np.array([-3.0, 1.0, 4.0, 10.0])
    projection = project(scores, rows_of("E[y | sex=Female] == E[y | sex=Male]"), domain=None)
    np.testing.assert_allclose(projection.y, [1.0, 5.0, 0.0, 6.0], atol=EXACT)


@both_engines
def test_large_problems_hold_their_rows(project: Any, rng: np.random.Generator) -> None:
    group = rng.integers(0, 200, 20_000)
    y = np.clip(rng.random(20_000) + group / 400, 0.0, 1.0)
    rows = kf.parse("spread(E[y | g=*]) <= 0.01").rows({"g": group.astype(str)})
    projection = project(y, rows)
    means = np.array([projection.y[group == g].mean() for g in range(200)])
    assert np.ptp(means) <= 0.01 + EXACT
    assert projection.iterations < 20


def test_float32_inside_a_graph_holds_rows_after_the_cast() -> None:
    y = ops.convert_to_tensor(Y.astype("float32"))
    projection = project_rows(y, rows_of("E[y | sex=Female] == E[y | sex=Male] +- 0.02"))
    assert float(ops.max(projection.violation)) <= max(EXACT, 1e-6)


ONE = "E[y | sex=Female] <= 0.5"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"y": np.array([0.1, np.nan, 0.2, 0.3])}, ["finite", "1 that are NaN"]),
        ({"y": np.array([-2.0, 0.1, 3.0, 0.2])}, ["[0, 1]", "from -2 to 3", "sigmoid", "domain=None"]),
        ({"y": ["a", "b", "c", "d"]}, ["y to hold numbers", "<U1"]),
        ({"y": Y[:3]}, ["3 predictions", "4 samples"]),
        ({"y": np.zeros((4, 2))}, ["(n,) or (n, 1)", "(4, 2)"]),
        ({"domain": (1.0, 0.0)}, ["low < high", "(1.0, 0.0)"]),
        ({"domain": "sphere"}, ["'simplex'", "sphere"]),
        ({"domain": 3}, ["domain=3"]),
        ({"domain": "simplex"}, ["several outputs"]),
        ({"divergence": "kl"}, ["euclidean", "'kl'"]),
        ({"divergence": "binary_crossentropy", "domain": None}, ["domain=(0, 1)", "all reals"]),
        ({"divergence": "categorical_crossentropy"}, ["'simplex'", "binary_crossentropy"]),
        ({"sample_weight": np.ones(3)}, ["sample_weight", "(4,)", "(3,)"]),
        ({"sample_weight": np.array([1.0, 0.0, 1.0, 1.0])}, ["sample_weight > 0"]),
        ({"stiffness": 0.0}, ["stiffness > 0", "0.0"]),
        ({"stiffness": [1.0, 2.0]}, ["one for each of 1 rows"]),
        ({"stiffness": "soft"}, ["stiffness > 0", "'soft'"]),
        ({"stiffness": 1e-320}, ["stiffness >= ", "1e-320"]),
    ],
)
def test_arguments_that_do_not_fit_are_refused(changed: dict[str, Any], words: list[str]) -> None:
    arguments = {"y": Y, "constraints": rows_of(ONE)} | changed
    with pytest.raises(ValueError, match=r".") as fault:
        project(**arguments)
    for word in words:
        assert word in str(fault.value)


def test_probabilities_must_add_up_to_one() -> None:
    rows = rows_from_matrix(np.ones((1, 2, 2)), lower=[0.0], upper=[1.0])
    with pytest.raises(ValueError, match="add up to 1"):
        project(np.full((2, 2), 0.3), rows, domain="simplex")


@pytest.mark.parametrize(
    ("text", "y", "label", "words"),
    [
        ("E[y | sex=Female] <= 5", Y, None, "holds whatever the predictions"),
        ("E[y | sex=Female] == E[y | sex=Male] + 0.02", Y, None, r"For a tolerance write \+- 0.02"),
        ("disparate_impact(sex) >= 80", Y, None, "For 80% write 0.8"),
        ("equal_opportunity(sex) <= 0.5", Y, [2, 1, 2, 1], "Labels lie between 1 and 2"),
        ("mean_residual(sex) <= 0.5", Y, [2, 1, 2, 1], "Labels lie between 1 and 2"),
        ("E[y | label=1] <= 0.9", [0.0, 1.0, 0.0, 1.0], [0.2, 0.5, 1, 0], "in each other's place"),
    ],
)
def test_what_is_probably_not_meant_is_said(text: str, y: Any, label: Any, words: str) -> None:
    with pytest.warns(UserWarning, match=words):
        project(np.asarray(y), text, {"sex": SEX}, label)


def test_values_that_look_alike_are_said() -> None:
    with pytest.warns(UserWarning, match="'Male' and 'male'"):
        project(Y, "spread(E[y | sex=*]) <= 0.9", {"sex": ["Male", "male", "Female", "Female"]})


def test_probabilities_of_labels_are_taken_whatever_values_occur() -> None:
    for label in ([0.2, 0.5, 0.7, 0.1], [1.0, 0.5, 0.0, 0.25]):
        assert project(Y, "equal_opportunity(sex) <= 0.01", {"sex": SEX}, label).outcome is Outcome.SOLVED


def test_a_matrix_of_probabilities_needs_an_order() -> None:
    matrix = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    text = "E[y | sex=Male] >= 0.6; E[y | sex=Female] <= 0.4"
    with pytest.raises(kf.ConstraintTypeError, match="in the order of the vocabulary, and there is none"):
        project(Y, text, {"sex": matrix})
    for make in (kf.FairProjection, kf.StreamingFairness):
        call = make(text)
        with pytest.raises(kf.ConstraintTypeError, match="in the order of the vocabulary"):
            call(Y, attributes={"sex": matrix}) if make is kf.FairProjection else call.project(
                Y, {"sex": matrix}
            )
    held = project(Y, text, {"sex": matrix}, vocabulary={"sex": ["Male", "Female"]})
    assert held.y[[0, 2]].mean() <= 0.4 + 1e-9  # values of a vocabulary are sorted: Female is the first
