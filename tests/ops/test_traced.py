"""Formulas on arrays, traced, against the same formulas on NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fair.ops.dispatch import ops
from keras_fair.ops.traced.trace import NEVER_NEGATIVE, POSITIVE, Expression, Trace
from keras_fair.ops.traced.traced_arrays import Traced, Untraceable
from keras_fair.ops.traced.writer import Writer

MATRIX = np.array([[1.0, 0.0, -2.0], [0.0, 0.5, 1.0]])
FORMULAS: list[Callable[[Any], Any]] = [
    lambda x: x + 1.0 - 2.0 * x / 4.0,
    lambda x: 0.0 * x + 1.0 * x - 0.0 + (0.0 - x),
    lambda x: ops.maximum(ops.minimum(x, 0.5), -0.25),
    lambda x: ops.where(x > 0, ops.sqrt(ops.abs(x)), ops.exp(x)),
    lambda x: ops.where(np.array([True, False, True]), x, -x),
    lambda x: ops.where(ops.logical_and(x > 0, ops.logical_not(x < 0.5)), 1.0, ops.zeros_like(x)),
    lambda x: ops.matmul(MATRIX, x),
    lambda x: ops.matmul(ops.matmul(MATRIX, x), MATRIX),
    lambda x: ops.sum(MATRIX * x[None, :], axis=1),
    lambda x: ops.max(ops.where(MATRIX > 0, x[None, :], -np.inf), axis=1),
    lambda x: ops.min(ops.where(MATRIX > 0, x[None, :], np.inf), axis=1),
    lambda x: ops.concatenate([x[1:], np.ones(1), ops.full_like(x, 3.0)], axis=0),
    lambda x: ops.stack([ops.sum(x), ops.sum(ops.square(x))]),
    lambda x: ops.take(x, np.array([2, 0, 0]), axis=0) ** 2.0,
    lambda x: ops.cast(ops.isinf(x), "float64") + ops.ones_like(x),
    lambda x: ops.cast(x >= 0, "float64") + ops.cast(x <= 0.25, "float64"),
    lambda x: ops.where(ops.any(x[None, :] > MATRIX, axis=1), 1.0, 2.0),
    lambda x: ops.where(ops.equal(x, 0.0), 7.0, x),
    lambda x: ops.segment_sum(x, np.array([1, 1, 0]), num_segments=2),
]
numbers = st.floats(-2.0, 2.0, allow_subnormal=False)


def function_of(formula: Callable[[Any], Any], signs: tuple[int, ...] = (0, 0, 0)) -> Any:
    """The formula of three numbers as a function of a list."""
    trace, writer = Trace(), Writer("x")
    inputs = [trace.input(f"x{k}", sign) for k, sign in enumerate(signs)]
    writer.unpack("x", inputs)
    writer.line(f"return {writer.listed(formula(Traced(inputs)).entries)}")
    return writer.function()


@pytest.mark.parametrize("formula", FORMULAS)
@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(x=st.lists(numbers, min_size=3, max_size=3))
def test_a_traced_formula_gives_what_numpy_gives(formula: Callable[[Any], Any], x: list[float]) -> None:
    np.testing.assert_allclose(function_of(formula)(x), formula(np.array(x)), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("formula", FORMULAS)
def test_nor_does_a_known_sign_change_it(formula: Callable[[Any], Any]) -> None:
    x = [0.3, 1.5, 0.0]
    found = function_of(formula, (POSITIVE, POSITIVE, NEVER_NEGATIVE))(x)
    np.testing.assert_allclose(found, formula(np.array(x)), rtol=1e-14, atol=1e-15)


def test_what_is_known_is_not_computed() -> None:
    trace = Trace()
    x, y = trace.input("x", POSITIVE), trace.input("y", NEVER_NEGATIVE)
    array = Traced([x, y])
    assert (array > 0).entries[0] is True
    assert isinstance((array > 0).entries[1], Expression)
    assert (array >= 0).entries.tolist() == [True, True]
    assert ops.where(array[0] + array[1] > 0, 1.0, 2.0).entries == 1.0
    assert ops.maximum(array, 0.0).entries.tolist() == [x, y]
    assert (array * 0.0).entries.tolist() == [0.0, 0.0]
    assert (array[0] + array[1]).entries.item() is (array[1] + array[0]).entries.item()


def test_numbers_alone_are_computed_as_numpy_does() -> None:
    with np.errstate(all="ignore"):
        found = Traced([1.0, -1.0, 0.0]) / np.zeros(3)
    assert found.entries[:2].tolist() == [math.inf, -math.inf]
    assert math.isnan(found.entries[2])


def test_a_function_that_is_not_there_is_said() -> None:
    with pytest.raises(Untraceable, match="einsum"):
        ops.einsum("i,i->", Traced([1.0]), Traced([1.0]))
