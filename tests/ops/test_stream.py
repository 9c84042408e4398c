"""The pure step: its rule, an independent solver, the pooled quantities that an audit finds, and odd rows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import keras_fair as kf
from keras_fair.inputs.domain import check_domain
from keras_fair.ops.stream.state_vector import Readout, StreamRule, advanced
from keras_fair.rows.lower import lower
from keras_fair.streaming.plan_step import Batch, PlanStep
from tests.ops.spring_reference import springs
from tests.reference import solve_reference

DOUBLE = keras.backend.backend() != "jax"  # JAX computes in single precision unless it is told otherwise
EXACT = 1e-9 if DOUBLE else 2e-4

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
SEX = {"sex": ["Female", "Male"]}
VALUES = {**SEX, "race": ["a", "b", "c"]}


def rule_of(**changes: Any) -> StreamRule:
    rule = StreamRule(check_domain((0.0, 1.0)), "euclidean", 0.2, 3.5, False, math.inf)
    return rule._replace(**changes)


class Run:
    """A stream step by step, with all that came and all that was given."""

    def __init__(self, text: str, outputs: int = 1, **changes: Any) -> None:
        self.constraints, self.rule = kf.parse(text), rule_of(**changes)
        domain = self.rule.domain
        self.vocabulary = kf.Vocabulary(
            {name: VALUES[name] for name in self.constraints.attributes if name in VALUES}
        )
        self.plan = lower(
            self.constraints.statements,
            self.constraints.text,
            self.vocabulary,
            outputs,
            domain="simplex" if domain.simplex else domain.bounds,
        )
        self.step = PlanStep(self.plan, self.rule)
        self.readout = Readout(self.plan)
        self.vector = np.zeros(self.readout.layout.size)
        self.past: list[tuple[Any, ...]] = []

    def take(self, r: np.ndarray, columns: dict[str, Any], label: Any = None, weight: Any = None) -> Any:
        """A batch: what was given, and the readout."""
        encoded, label = self.plan.encode(columns, label)
        given = {name: np.asarray(column) for name, column in encoded.items()}
        y, readout = self.step(self.vector, Batch(r, given, label, weight))
        found = self.readout.read(readout)
        self.vector = advanced(self.readout.layout, self.vector, found["change"], float(found["fade"][0]))
        self.past.append((y, r, given, label, np.ones(len(y)) if weight is None else weight))
        return y, found

    def together(self) -> tuple[Any, ...]:
        """All predictions given, all that came, columns, labels and weights."""
        ys, rs, columns, labels, weights = zip(*self.past, strict=True)
        joined = {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}
        label = None if labels[0] is None else np.concatenate(labels)
        return np.concatenate(ys), np.concatenate(rs), joined, label, np.concatenate(weights)

    def rows(self) -> Any:
        """The rows of all arrivals, made at once in NumPy."""
        y, _, columns, label, weight = self.together()
        return self.plan.evaluate(columns, label, weight, size=len(y))

    @property
    def state(self) -> dict[str, np.ndarray]:
        return self.readout.layout.split(self.vector)


class Case(NamedTuple):
    """A constraint with what its stream is made of."""

    text: str
    domain: Any = (0.0, 1.0)
    divergence: str = "euclidean"
    label: str = ""  # "hard", "fractional"
    weighted: bool = False
    outputs: int = 1


CASES = {
    "two-sided": Case(PARITY, weighted=True),
    "one-sided": Case("E[y | sex=Female] >= 0.9 * E[y | sex=Male]"),
    "ratio": Case("E[y | sex=Female] / E[y | sex=Male] >= 0.8", weighted=True),
    "spread": Case("spread(E[y | race=*]) <= 0.03"),
    "covariance": Case("-0.01 <= cov(y, age) <= 0.01", weighted=True),
    "labels": Case(
        "E[y | sex=Female, label=1] == E[y | sex=Male, label=1] +- 0.02; E[y | label=0] <= 0.45", label="hard"
    ),
    "fractional labels": Case(
        "E[y | sex=Female, label=1] == E[y | sex=Male, label=1] +- 0.02", label="fractional"
    ),
    "cross-entropy": Case(PARITY, divergence="binary_crossentropy"),
    "simplex": Case("E[y[1] | sex=Female] == E[y[1] | sex=Male] +- 0.02", domain="simplex", outputs=3),
}


def drawn(case: Case, rng: np.random.Generator, n: int = 12) -> tuple[Any, ...]:
    """Predictions that differ by group, columns, labels and weights."""
    sex, race = rng.integers(0, 2, n), rng.integers(0, 3, n)
    columns = {
        "sex": np.array(SEX["sex"])[sex],
        "race": np.array(VALUES["race"])[race],
        "age": 20.0 + 30.0 * rng.random(n) + 20.0 * sex,
    }
    r = np.clip(0.2 + 0.4 * sex + 0.1 * race + 0.2 * rng.normal(size=n), 0.02, 0.98)
    if case.outputs > 1:
        r = rng.dirichlet(np.ones(case.outputs), n)
        r[:, 1] += sex
        r /= r.sum(axis=1, keepdims=True)
    label = None
    if case.label:
        label = rng.integers(0, 2, n) if case.label == "hard" else rng.random(n)
    return r, columns, label, rng.uniform(0.5, 2.0, n) if case.weighted else None


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    return {}


def run_of(name: str, runs: dict[str, Run]) -> Run:
    """The run of a case after two batches; compiled once."""
    if name not in runs:
        case = CASES[name]
        runs[name] = Run(
            case.text, case.outputs, domain=check_domain(case.domain), divergence=case.divergence
        )
    run = runs[name]
    run.vector, run.past = np.zeros_like(run.vector), []
    return run


@pytest.mark.parametrize("name", CASES)
def test_a_batch_is_the_elastic_projection_of_the_pooled_rows(name: str, runs: dict[str, Run]) -> None:
    case, run, rng = CASES[name], run_of(name, runs), np.random.default_rng(7)
    run.take(*drawn(case, rng))
    before = run.state["prices"]
    y, found = run.take(*drawn(case, rng))
    fair, came, *_ = run.together()
    rows = run.rows()
    expected_springs = springs(rows, came, fair, before, 12, run.rule.step, run.rule.margin)
    lower_, upper, stiffness, _ = (np.array(part) for part in zip(*expected_springs, strict=True))
    matrix = np.asarray(rows.matrix).reshape(len(rows), *fair.shape)
    fixed = np.asarray(rows.offset) + matrix[:, :12].reshape(len(rows), -1) @ fair[:12].reshape(-1)
    status, expected, _ = solve_reference(
        came[12:],
        matrix[:, 12:],
        lower_ - fixed,
        upper - fixed,
        aux=np.asarray(rows.aux),
        domain=case.domain,
        divergence=case.divergence if case.outputs == 1 else "euclidean",
        stiffness=stiffness,
    )
    assert status in ("optimal", "optimal_inaccurate")
    exact = 2e-6 if status == "optimal" else 3e-5  # of the reference
    np.testing.assert_allclose(y, expected, atol=exact if DOUBLE else 2e-3)
    assert found["outcomes"][0] == 1


@pytest.mark.parametrize("name", CASES)
def test_duals_are_stiffness_times_violation_and_sums_those_of_all_arrivals(
    name: str, runs: dict[str, Run]
) -> None:
    case, run, rng = CASES[name], run_of(name, runs), np.random.default_rng(11)
    for _ in range(4):
        before = run.state["prices"]
        _, found = run.take(*drawn(case, rng))
        fair, came, *_ = run.together()
        rows = run.rows()
        expected = springs(rows, came, fair, before, 12, run.rule.step, run.rule.margin)
        low, high, stiff, most = (np.array(part) for part in zip(*expected, strict=True))
        duals = run.state["duals"]
        np.testing.assert_allclose(
            found["outside"], np.abs(duals) / stiff, rtol=1e-6 if DOUBLE else 1e-3, atol=1e-12
        )
        counted = np.clip(duals, -most, most) / len(fair)
        prices = before + 12 / len(fair) * (counted - before)
        np.testing.assert_allclose(run.state["prices"], prices, rtol=1e-6 if DOUBLE else 1e-3, atol=1e-12)
        if not np.asarray(rows.aux).shape[1]:
            values = np.asarray(rows.values(fair))
            outside = np.maximum(np.maximum(low - values, values - high), 0.0)
            np.testing.assert_allclose(found["outside"], outside, atol=EXACT)
        known = np.asarray(rows.estimable)
        np.testing.assert_allclose(found["gaps"][known], np.asarray(rows.gaps(fair))[known], atol=EXACT)
        np.testing.assert_array_equal(found["estimable"] > 0, known)
        assert np.isfinite(run.vector).all()


@pytest.mark.parametrize("name", [name for name in CASES if name != "fractional labels"])
def test_pooled_gaps_are_those_of_an_audit(name: str, runs: dict[str, Run]) -> None:
    case, run, rng = CASES[name], run_of(name, runs), np.random.default_rng(13)
    for _ in range(2):
        _, found = run.take(*drawn(case, rng))
    y, _, columns, label, weight = run.together()
    words = {
        name: np.array(run.vocabulary.values[name])[column] if name in VALUES else column
        for name, column in columns.items()
    }
    audit = kf.audit(case.text, y, words, label, weight, confidence=None)
    assert len(audit.relations) == len(run.plan.relations)
    np.testing.assert_allclose(found["gaps"], [one.gap for one in audit.relations], atol=EXACT)
    np.testing.assert_allclose(found["violation"], [one.violation for one in audit.relations], atol=EXACT)


@pytest.mark.parametrize("name", ["spread", "labels"])
def test_order_inside_a_batch_is_of_no_account(name: str, runs: dict[str, Run]) -> None:
    case, run, rng = CASES[name], run_of(name, runs), np.random.default_rng(17)
    r, columns, label, weight = drawn(case, rng)
    y, _ = run.take(r, columns, label, weight)
    after = run.vector
    run = run_of(name, runs)
    order = rng.permutation(len(r))
    turned = {name: column[order] for name, column in columns.items()}
    again, _ = run.take(r[order], turned, None if label is None else label[order], weight)
    np.testing.assert_allclose(again, y[order], atol=1e-10 if DOUBLE else 1e-4)
    np.testing.assert_allclose(run.vector, after, atol=1e-8 if DOUBLE else 1e-2)


def test_predictions_that_need_nothing_are_given_back_bit_for_bit(runs: dict[str, Run], rng) -> None:
    run, case = run_of("two-sided", runs), CASES["two-sided"]
    for _ in range(3):
        _, columns, _, weight = drawn(case, rng)
        r = np.full(12, rng.choice([0.1, 1.0 / 3.0, 0.7])) if not run.past else run.past[0][1]
        y, _ = run.take(r, columns, None, weight)
        if DOUBLE:
            np.testing.assert_array_equal(y, r)
        else:
            np.testing.assert_array_equal(y.astype("float32"), r.astype("float32"))


def test_half_life_halves_what_was_before() -> None:
    run = Run(PARITY, half_life=8.0)
    weight = 0.0
    for k in range(24):
        run.take(np.array([0.2 + 0.02 * k]), {"sex": [SEX["sex"][k % 2]]})
        weight = weight * 0.5 ** (1 / 8) + 1.0
        assert run.state["moments"][0] == pytest.approx(weight, rel=1e-6)
        assert run.state["weights"].sum() == pytest.approx(weight, rel=1e-6)
    y = np.concatenate([one[0] for one in run.past])
    ages = 0.5 ** (np.arange(24)[::-1] / 8)
    for place, key in enumerate(run.plan.term_keys):
        mine = np.arange(24) % 2 == ("sex=Male" in key)
        assert run.state["sums"][place] == pytest.approx(float((ages * y)[mine].sum()), rel=1e-6)


def test_guard_keeps_the_bound_once_both_groups_are_there() -> None:
    run, rng = Run(PARITY, guard=True), np.random.default_rng(5)
    last = 0.0
    for k in range(150):
        group = k % 2 if k < 2 else int(rng.integers(0, 2))
        r = np.clip([0.3 + 0.3 * group + 0.2 * rng.normal()], 0.0, 1.0)
        _, found = run.take(r, {"sex": [SEX["sex"][group]]})
        if k >= 1:
            # A single arrival can move its group's mean from anywhere in the domain, so it can always be met.
            assert found["violation"].max() <= 1e-6 if DOUBLE else 1e-4
        last = found["gaps"][0]
    assert abs(last) <= 0.02 + (1e-6 if DOUBLE else 1e-4)
