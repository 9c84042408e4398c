"""A function of plain numbers, written out from expressions.

The source holds names that are made here, operators, and numbers: nothing that a user wrote.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_fair.ops.traced.trace import Expression, Operand

__all__ = ["WRITTEN", "Writer"]

WRITTEN = {
    "+": "{} + {}",
    "-": "{} - {}",
    "*": "{} * {}",
    "/": "{} / {}",
    "**": "{} ** {}",
    "<": "{} < {}",
    "<=": "{} <= {}",
    ">": "{} > {}",
    ">=": "{} >= {}",
    "==": "{} == {}",
    "and": "{} and {}",
    "or": "{} or {}",
    "not": "not {}",
    "negative": "-{}",
    "abs": "abs({})",
    "sqrt": "sqrt({})",
    "exp": "exp({})",
    "isinf": "isinf({})",
    "max": "{0} if {0} >= {1} else {1}",
    "min": "{0} if {0} <= {1} else {1}",
    "where": "{1} if {0} else {2}",
}
_NAMES = {"sqrt": math.sqrt, "exp": math.exp, "isinf": math.isinf, "inf": math.inf, "nan": math.nan}


class Writer:
    """Writes one function, line by line.

    Args:
        arguments: the names of the function's arguments.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._lines: list[str] = []
        self._names: dict[Expression, str] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def unpack(self, argument: str, inputs: Sequence[Expression]) -> None:
        """Take an argument apart into inputs."""
        if inputs:
            self._lines.append(f"{', '.join(each.operator for each in inputs)}, = {argument}")

    def line(self, text: str) -> None:
        """A line as it is; nothing that a user wrote may be in it."""
        self._lines.append(text)

    def listed(self, numbers: Any) -> str:
        """An array or a list of expressions, or of more of these, as a list; a tuple as a tuple. What it
        takes to compute them is written before."""
        if isinstance(numbers, tuple):
            return f"({''.join(f'{self.listed(each)}, ' for each in numbers)})"
        if isinstance(numbers, (list, np.ndarray)):
            return f"[{', '.join(map(self.listed, numbers))}]"
        self._compute([numbers])
        return self._name(numbers)

    def function(self, **names: Any) -> Any:
        """The function.

        Args:
            names: what the lines call by name.
        """
        body = "\n    ".join(self._lines)
        scope: dict[str, Any] = {**_NAMES, **names}
        exec(f"def written({', '.join(self._arguments)}):\n    {body}\n", scope)
        return scope["written"]

    def _compute(self, wanted: Iterable[Operand]) -> None:
        """Write what it takes, operands first; expressions may be nested too deeply for recursion."""
        waiting = [(each, False) for each in wanted]
        while waiting:
            expression, ready = waiting.pop()
            if not isinstance(expression, Expression) or not expression.operands or expression in self._names:
                continue
            if ready:
                text = WRITTEN[expression.operator].format(*map(self._name, expression.operands))
                self._names[expression] = f"v{len(self._names)}"
                self._lines.append(f"{self._names[expression]} = {text}")
            else:
                waiting.append((expression, True))
                waiting += [(operand, False) for operand in reversed(expression.operands)]

    def _name(self, operand: Operand) -> str:
        if isinstance(operand, Expression):
            return self._names[operand] if operand.operands else operand.operator
        return repr(operand) if operand >= 0 or operand != operand else f"({operand!r})"
