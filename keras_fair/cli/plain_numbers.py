"""Which texts are numbers written plainly, so that two of them never stand for one number.

Codes look like numbers: the postal codes `01` and `1`, the products `1e2` and `100`. Where they name groups,
reading them as numbers would merge groups that are not the same. A column that names groups therefore holds
numbers only if each of its texts is one that a number is plainly written as:

- digits, with a minus before and decimals behind a point if need be; no plus, exponent, underscore or leading
  zero, and no `-0`;
- float64 tells it from its neighbours: not `9007199254740993`;
- where decimals end in 0, as in `1.0` or `2.50`, all these have as many decimals, and none has fewer.

Two texts that stand for one number differ in the zeros at the end of their decimals, which the last rule
excludes.
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
        form = _PLAIN.fullmatch(text)
        if form is None:
            return math.isnan(float(text))
        number = float(text)
        if number == 0 and text[0] == "-":
            return False
        if len(text) > _EXACT and not (math.isfinite(number) and Decimal(repr(number)) == Decimal(text)):
            return False
        decimals = len(form[1] or "")
        if text.endswith("0") and decimals:
            self._padded = decimals if self._padded is None else self._padded
            if decimals != self._padded:
                return False
        self._fewest = decimals if self._fewest is None else min(decimals, self._fewest)
        return self._padded is None or self._fewest >= self._padded
