"""Which texts are numbers written plainly, so that two of them never stand for one number.

Codes look like numbers: the postal codes `01` and `1`, the products `1e2` and `100`. Where they name groups,
reading them as numbers would merge groups that are not the same. A column that names groups therefore holds
numbers only if each of its texts is one that a number is plainly written as:

- digits, with a minus before and decimals behind a point if need be; no plus, underscore or leading zero, and
  no `-0`;
- an exponent only where Python writes one: `1e-05`, not `1e2`; and then nowhere `0.00001`;
- float64 tells it from its neighbours: not `9007199254740993`;
- where decimals end in 0, as in `1.0` or `2.50`, all these have as many decimals, and none has fewer.

Two texts without an exponent that stand for one number differ in the zeros at the end of their decimals,
which the last rule excludes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal

__all__ = ["PlainNumbers"]

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?")
_EXACT = 15  # digits that float64 always keeps


class PlainNumbers:
    """The texts of one column as they come: `odd` finds the first that is not plainly written."""

    def __init__(self) -> None:
        self._padded: int | None = None  # how many decimals those have that end in 0
        self._fewest: int | None = None  # how many decimals any number has at least
        self._exponents: set[bool] = set()  # whether those that Python writes with one have one

    def odd(self, texts: Iterable[str]) -> str | None:
        """A text that is not plainly written beside those before it; None if there is none.

        Args:
            texts: more of the column, without blanks around them, each readable by `float`. What reads as NaN
                is passed over.
        """
        for text in sorted(set(texts)):
            if not self._takes(text):
                return text
        return None

    def _takes(self, text: str) -> bool:
        number = float(text)
        if math.isnan(number):
            return True
        if math.isinf(number) or (number == 0 and text[0] == "-"):
            return False
        form, written = _PLAIN.fullmatch(text), repr(number)
        if "e" in written:
            self._exponents.add(form is None)
            if len(self._exponents) > 1:
                return False
        if form is None:
            return text == written
        if len(text) > _EXACT and Decimal(written) != Decimal(text):
            return False
        decimals = len(form[1] or "")
        if text.endswith("0") and decimals:
            self._padded = decimals if self._padded is None else self._padded
            if decimals != self._padded:
                return False
        self._fewest = decimals if self._fewest is None else min(decimals, self._fewest)
        return self._padded is None or self._fewest >= self._padded
