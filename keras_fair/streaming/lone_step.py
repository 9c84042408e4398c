"""The step of a stream for people who come alone, in tens of microseconds.

What a person adds to the sums depends on the values of the own attributes alone, so it is measured once for
each combination of values and then remembered. Rows, springs and answer are a function of plain numbers
(`keras_fair.ops.stream.one_arrival`), made once for each set of groups that somebody is in. Which way a
person goes depends on the state and the person alone, never on what is remembered: the two ways differ in the
last digit, and the same arrivals get the same answers in every process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_fair.ops.stream.one_arrival import Coefficients, OneArrival, one_arrival, takes
from keras_fair.ops.stream.state_vector import StateLayout, StreamRule
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.lone_request import LoneRequest, lone_request

__all__ = ["AfterOne", "LoneStep"]

_WORTH_IT = 16  # arrivals of a stream, from which on a function is made
_MOST_PEOPLE = 4096  # combinations of values that are remembered
_MOST_FUNCTIONS = 8


class AfterOne(NamedTuple):
    """What the step gives: the prediction, the numbers of the state, and of the relations those of
    `StreamStep`."""

    y: float
    state: list[float]
    gaps: list[float]
    violation: list[float]
    estimable: list[bool]


class LoneStep:
    """The step for one plan. It holds nothing of a stream.

    Args:
        plan: the lowered constraints.
        rule: how they are held.
    """

    def __init__(self, plan: RowPlan, rule: StreamRule) -> None:
        self._plan, self._rule = plan, rule
        self._takes = takes(plan, rule)
        self._low, self._high = rule.domain.bounds
        self._names, self._uses_label = plan.attributes, plan.uses_label
        layout = StateLayout.of(plan)
        self._sizes = slice(layout.parts["weights"].start, layout.parts["squares"].stop)
        self._constants = layout.parts["constant_weights"]
        self._terms = layout.terms
        self._coefficients: dict[Any, Coefficients] = {}
        self._functions: dict[tuple[bool, ...], OneArrival | None] = {}
        self._all_there = (True,) * (layout.terms + layout.constants)

    def read(
        self, y: Any, attributes: Any, label: Any, weight: Any, arrivals: int
    ) -> LoneRequest | None:
        """The request, where it is of one person whom this step may take, after so many arrivals."""
        if not self._takes or arrivals < _WORTH_IT:
            return None
        return lone_request(y, attributes, label, weight, self._names, self._uses_label)

    def remember(self, request: LoneRequest, columns: Mapping[str, np.ndarray], label: Any) -> None:
        """Remember what a person adds.

        Args:
            request: of the person.
            columns: encoded; label: `(1,)` or None.
        """
        fractional = label is not None and label.dtype.kind == "f"
        if request.person in self._coefficients or fractional:
            return
        measured = self._plan.measure(columns, label, size=1, fractional_label=False)
        outside = [*measured.unknown.values(), *measured.missing.values()]
        if any(map(np.any, outside)) or not measured.certain:
            return
        parts = (
            measured.terms.sums(np.ones(1)),
            measured.terms.weights,
            measured.constant_sums,
            measured.constant_weights,
        )
        while len(self._coefficients) >= _MOST_PEOPLE:
            self._coefficients.pop(next(iter(self._coefficients)), None)
        self._coefficients[request.person] = tuple(np.concatenate(parts).tolist())

    def __call__(self, state: list[float], request: LoneRequest) -> AfterOne | None:
        """The step, or None where the person has to be remembered first, or go the way of all batches.

        Args:
            state: its numbers, in the order of `StateLayout`.
            request: of the person.
        """
        coefficients = self._coefficients.get(request.person)
        if coefficients is None or not self._low <= request.r <= self._high:
            return None
        if request.weight != 1.0:
            coefficients = tuple([request.weight * each for each in coefficients])
        function = self._function(state, coefficients)
        if function is None:
            return None
        try:
            after = function(state, coefficients, request.r)
        except ArithmeticError:  # numbers so large or small that they are none any more
            return None
        except ValueError:  # the root of a number that rounding made negative
            return None
        if after is None or not math.isfinite(sum(after[1])):
            return None
        return AfterOne(*after)

    def _function(self, state: list[float], coefficients: Coefficients) -> OneArrival | None:
        there = self._there(state, coefficients)
        if there is None:
            return None
        if there in self._functions:
            return self._functions[there]
        while len(self._functions) >= _MOST_FUNCTIONS:
            self._functions.pop(next(iter(self._functions)), None)
        self._functions[there] = function = one_arrival(self._plan, self._rule, there)
        return function

    def _there(self, state: list[float], coefficients: Coefficients) -> tuple[bool, ...] | None:
        """Of each term and constant, whether somebody has come into its group; None where this person is the
        first, or sums are those of rounding."""
        sizes, constants = state[self._sizes], state[self._constants]
        if min(sizes, default=1.0) > 0.0 and min(constants, default=1.0) > 0.0:
            return self._all_there
        terms, count = self._terms, len(constants)
        there = []
        for k in range(terms):
            numbers = sizes[k::terms]
            if min(numbers) > 0.0:
                there.append(True)
            elif any(numbers) or coefficients[k] or coefficients[terms + k]:
                return None
            else:
                there.append(False)
        for k in range(count):
            if constants[k] < 0.0 or (constants[k] == 0.0 and coefficients[2 * terms + count + k]):
                return None
            there.append(constants[k] > 0.0)
        return tuple(there)
