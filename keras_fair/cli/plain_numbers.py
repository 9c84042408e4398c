"""Which texts are numbers, and which of these are written so plainly that they can't be codes.

Codes look like numbers: the postal codes `01` and `1`, the products `1e2` and `100`. Where they name groups,
reading them as numbers would merge groups that are not the same. A number is written plainly if

- it is digits, with a minus before and decimals behind a point if need be: no plus, no leading zero, no `-0`;
  or it is written as Python does, which has an exponent only where it must (`1e-05`);
- float64 tells it from its neighbours: not `9007199254740993`.

In a column whose values name groups no two texts may stand for one number either, such as `1` and `1.0`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal

__all__ = ["first_odd", "is_plain", "number_of"]

_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")


def number_of(text: str) -> float | None:
    """The number that a text stands for; None if it is no number.

    Example:

    >>> number_of(" 2e3"), number_of("2_000"), number_of("2,5")
    (2000.0, None, None)
    """
    try:
        number = float(text)
    except ValueError:
        return None
    return None if "_" in text else number


def is_plain(text: str) -> bool:
    """Whether a text, without blanks around it, is a number that is written plainly.

    Example:

    >>> [is_plain(text) for text in ("1", "-2.50", "1e-05", "01", "+1", "1e2", "-0", ".5", "inf", "one")]
    [True, True, True, False, False, False, False, False, False, False]
    """
    number = number_of(text)
    if number is None or not math.isfinite(number) or (number == 0 and text.startswith("-")):
        return False
    if text == repr(number):
        return True
    return bool(_PLAIN.fullmatch(text)) and Decimal(repr(number)) == Decimal(text)


def first_odd(texts: Iterable[str]) -> str | None:
    """A text that is no plain number, or stands for the same number as one before it; None if none is.

    Args:
        texts: all different texts of a column, without blanks around them. Those that read as NaN are passed
            over, since they stand for no value.

    Example:

    >>> first_odd(["1", "nan", "0.50"]), first_odd(["1", "2", "1.0"]), first_odd(["12", "07"])
    (None, '1.0', '07')
    """
    written: dict[float, str] = {}
    for text in texts:
        number = number_of(text)
        if number is not None and math.isnan(number):
            continue
        if number is None or not is_plain(text) or written.setdefault(number, text) != text:
            return text
    return None
