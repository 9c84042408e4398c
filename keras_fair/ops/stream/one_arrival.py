"""The step of a stream for one arrival, as a function of plain numbers.

`asked` and `answered`, the formulas of every step, are traced (`keras_fair.ops.traced`), and between them
stands the solver for one prediction. What no traced function can be made of is left to the step over arrays:
a guard, several outputs, the cross-entropy, and domains that are counted from another number than zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_fair.ops.projection.one_prediction import MOST_ROWS, least_point
from keras_fair.ops.projection.problem_from_rows import centre_of
from keras_fair.ops.stream.answered import answered
from keras_fair.ops.stream.asked import Asked, MeasuredBatch, asked
from keras_fair.ops.stream.state_vector import SPREADS, StateLayout, StreamRule, advanced
from keras_fair.ops.traced.trace import NEVER_NEGATIVE, POSITIVE, Expression, Operand, Trace
from keras_fair.ops.traced.traced_arrays import Traced, Untraceable
from keras_fair.ops.traced.writer import Writer
from keras_fair.rows.margins import held_rows
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.terms import Family, Terms

__all__ = ["Coefficients", "OneArrival", "one_arrival", "takes"]

_MOST_LINES = 20_000  # a function of more is no quicker than arrays

Coefficients = tuple[float, ...]  # of one arrival: M and N of each term, sum and N of each constant
OneArrival = Callable[[list[float], Coefficients, float], "tuple[Any, ...] | None"]


def takes(plan: RowPlan, rule: StreamRule) -> bool:
    """Whether there may be a function for these constraints."""
    return (
        plan.outputs.count == 1
        and not rule.domain.simplex
        and not rule.guard
        and rule.divergence == "euclidean"
        and centre_of(np.zeros(1), rule.domain, rule.divergence) is None
        and 0 < len(plan.names) <= MOST_ROWS
    )


def one_arrival(plan: RowPlan, rule: StreamRule, there: Sequence[bool]) -> OneArrival | None:
    """The function `(state, coefficients, r) -> (y, state, gaps, violation, estimable)`, the last four lists.
    It gives None where Newton's method does not find the answer, and raises `ArithmeticError` or `ValueError`
    where numbers are too large or too small. There is none, but None, where the constraints are too many, or
    ask for an operation that can't be traced.

    Args:
        plan: the lowered constraints.
        rule: how they are held.
        there: of each term, then of each constant, whether somebody has come into its group. Those that
            nobody has come into stay empty.
    """
    try:
        with np.errstate(all="ignore"):  # of numbers that are known by now, and not chosen
            writer = _written(plan, rule, there)
    except Untraceable:
        return None
    if len(writer) > _MOST_LINES:
        return None
    low, high = rule.domain.bounds
    return writer.function(least_point=least_point, low=low, high=high)


def _written(plan: RowPlan, rule: StreamRule, there: Sequence[bool]) -> Writer:
    """The lines of the function."""
    inputs = _Inputs(plan, there)
    batch = inputs.batch
    asks = asked(plan, rule, inputs.state, batch)
    writer = Writer("state", "coefficients", "r")
    writer.unpack("state", inputs.state_inputs)
    writer.unpack("coefficients", inputs.coefficient_inputs)
    rows, places = _problem(asks)
    scalars = int(asks.rows.aux.shape[1])
    writer.line(f"solved = least_point({writer.listed(rows)}, {scalars}, (1.0, r, low, high))")
    writer.line("if solved is None:")
    writer.line("    return None")
    writer.line("y, duals, _, _ = solved")
    pulls: list[Operand] = [0.0] * len(plan.names)
    for place in places:
        pulls[place] = inputs.trace.input(f"d{place}")
    writer.unpack("duals", [pulls[place] for place in places])  # type: ignore[misc]
    y = Traced([inputs.trace.input("y")])
    then = answered(plan, asks, batch, y, Traced(pulls))
    after = advanced(StateLayout.of(plan), inputs.vector, then.change, asks.fade)
    results = (after, then.gaps, then.violation, asks.rows.estimable)
    writer.line(f"return y, {', '.join(writer.listed(result.entries) for result in results)}")
    return writer


class _Inputs:
    """The numbers that the function is called with, as arrays.

    Attributes:
        state_inputs, coefficient_inputs: in the order in which they are handed over.
        vector: (size,) the state; state: its parts, of empty terms and constants nothing but zeros.
        batch: the arrival.
    """

    def __init__(self, plan: RowPlan, there: Sequence[bool]) -> None:
        self.trace = trace = Trace()
        layout = StateLayout.of(plan)
        signs = _signs(layout)
        self.state_inputs = [trace.input(f"s{k}", sign) for k, sign in enumerate(signs)]
        numbers: list[Operand] = list(self.state_inputs)
        of_terms, of_constants = there[: layout.terms], there[layout.terms :]
        parts = dict.fromkeys(("sums", "weights", *SPREADS), of_terms)
        parts |= dict.fromkeys(("constant_sums", "constant_weights"), of_constants)
        for name, there_of in parts.items():
            start = layout.parts[name].start
            for k, is_there in enumerate(there_of):
                numbers[start + k] = numbers[start + k] if is_there else 0.0
        self.vector = Traced(numbers)
        self.state = layout.split(self.vector)
        self.coefficient_inputs: list[Expression] = []

        def coefficients(letter: str, there_of: Sequence[bool], sign: int = 0) -> Traced:
            made = [trace.input(f"{letter}{k}", sign) for k in range(len(there_of))]
            self.coefficient_inputs.extend(made)
            return Traced([one if is_there else 0.0 for one, is_there in zip(made, there_of, strict=True)])

        m, n = coefficients("m", of_terms), coefficients("n", of_terms, NEVER_NEGATIVE)
        sums, weights = coefficients("p", of_constants), coefficients("q", of_constants, NEVER_NEGATIVE)
        terms = Terms((Family(layout.terms, m[:, None]),), np.zeros(layout.terms), n, 1)
        r = Traced([trace.input("r")])
        one = Traced(1.0)
        moments = Traced([1.0, r.entries[0], (r * r).entries[0], 0.0])
        self.batch = MeasuredBatch(r, one, moments, Measured(terms, sums, weights, certain=True))


def _signs(layout: StateLayout) -> list[int]:
    """What is known of each number of the state: groups that somebody is in have a positive weight."""
    signs = [0] * layout.size
    for name in ("weights", "reach", "squares", "constant_weights"):
        signs[layout.parts[name]] = [POSITIVE] * len(signs[layout.parts[name]])
    signs[layout.parts["moments"].start] = NEVER_NEGATIVE
    return signs


def _problem(asks: Asked) -> tuple[list[tuple[Any, ...]], list[int]]:
    """The rows as `Row` has them, those without any bound left out, and which these are."""
    ((aimed, stiffness),) = asks.tries
    held = held_rows(aimed)
    a, c = aimed.matrix, aimed.values(np.zeros(1))
    columns = [Traced(column).entries for column in (a[:, 0].entries, c.entries)]
    bounds = [part.entries for part in (held.lower, held.upper, stiffness)]
    aux = Traced.own_functions.floats(aimed.aux).entries
    rows, places = [], []
    for place in range(len(aimed)):
        lower, upper, rho = (bound[place] for bound in bounds)
        if lower == -np.inf and upper == np.inf:
            continue
        rows.append((columns[0][place], tuple(aux[place]), columns[1][place], lower, upper, rho))
        places.append(place)
    return rows, places


