"""Whatever arrives, in whatever order and batches: the rule of the step, and the bound for every order."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_fair as kf

DOUBLE = keras.backend.backend() != "jax"
PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
GROUPS = ("Female", "Male")
STEP = 0.2


def stream() -> kf.StreamingFairness:
    """A fresh stream; all share their compiled programs."""
    return kf.StreamingFairness(PARITY, vocabulary={"sex": GROUPS}, step=STEP)


def last(one: kf.StreamingFairness) -> dict[str, np.ndarray]:
    return one._keeper.kept.streams["stream"]._last


score = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0, allow_subnormal=False))
arrival = st.tuples(score, st.sampled_from(GROUPS))
batches = st.lists(st.lists(arrival, min_size=1, max_size=2), min_size=1, max_size=12)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(batches)
def test_every_step_of_every_order(course: list[list[tuple[float, str]]]) -> None:
    one = stream()
    fair: list[float] = []
    sexes: list[str] = []
    for batch in course:
        y = one.project(np.array([value for value, _ in batch]), {"sex": [sex for _, sex in batch]})
        fair += y.tolist()
        sexes += [sex for _, sex in batch]
        values, t = last(one), len(fair)
        assert np.all((np.array(fair) >= 0.0) & (np.array(fair) <= 1.0))
        state = one._keeper.kept.states()["stream"]
        (_, dual), *_ = state.rows.values()
        assert np.isfinite([*values["change"], *values["outside"], dual]).all()
        assert values["outside"][0] == pytest.approx(abs(dual) / (STEP * t**1.5), rel=1e-9)
        if len(set(sexes)) == 2:
            audit = kf.audit(PARITY, fair, {"sex": sexes}, confidence=None).relations[0]
            assert values["gaps"][0] == pytest.approx(audit.gap, abs=1e-9 if DOUBLE else 1e-5)


def course_of(order: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and codes, 0.3 apart, in an order that is against the stream."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 2, n)
    y = np.clip(0.3 + 0.3 * codes + 0.2 * rng.normal(size=n), 0.0, 1.0)
    if order == "by group":
        order_of = np.argsort(codes, kind="stable")
    elif order == "by score":
        order_of = np.argsort(y)
    elif order == "by score, falling":
        order_of = np.argsort(-y)
    elif order == "bursts":
        order_of = np.argsort(codes + 2 * (np.arange(n) // 50), kind="stable")
    elif order == "drifting":
        y = np.clip(y + np.where(codes == 1, 1, -1) * np.linspace(-0.4, 0.4, n), 0.0, 1.0)
        order_of = np.arange(n)
    else:  # "a group that comes late"
        codes = np.where(np.arange(n) < 2 * n // 3, 0, codes)
        order_of = np.arange(n)
    return y[order_of], codes[order_of]


ORDERS = ("by group", "by score", "by score, falling", "bursts", "drifting", "a group that comes late")


@pytest.mark.parametrize("order", ORDERS)
def test_bound_for_every_order_of_arrival(order: str) -> None:
    one, n = stream(), 300
    y, codes = course_of(order, n)
    for t in range(1, n + 1):
        fair = one.project(y[t - 1 : t], {"sex": [GROUPS[codes[t - 1]]]})
        assert 0.0 <= fair[0] <= 1.0
        # Violation against the aimed bounds, in terms of the domain's width: docs/mathematics.md derives it.
        assert last(one)["outside"][0] <= 1.0 / (STEP * np.sqrt(t)) + 1e-12
    assert np.isfinite(one.history["dual"][PARITY]).all()
    assert one.report().arrivals == n


def test_a_third_group_that_comes_late() -> None:
    one = kf.StreamingFairness("spread(E[y | race=*]) <= 0.05")
    rng, seen, fair = np.random.default_rng(4), [], []
    for k in range(60):
        seen.append(["a", "b", "c"][rng.integers(0, 2 if k < 30 else 3)])
        came = np.clip([0.3 + 0.2 * (seen[-1] == "b") + 0.1 * rng.normal()], 0.0, 1.0)
        fair += one.project(came, {"race": seen[-1:]}).tolist()
        assert np.isfinite(fair).all()
    (relation,) = one.report()
    audit = kf.audit("spread(E[y | race=*]) <= 0.05", fair, {"race": seen}, confidence=None).relations[0]
    assert relation.gap == pytest.approx(audit.gap, abs=1e-9 if DOUBLE else 1e-5)
    assert relation.smallest_weight == seen.count("c")
