"""Why a request is refused, for who sent it: which field, what was expected, what came.

These messages go back to the sender, who has the data. They are never logged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from keras_fair.errors import near_names

__all__ = ["BODY", "Problem", "Refused", "problems_of", "received"]

BODY = "(body)"
_MOST_PROBLEMS = 10
_LONGEST = 80  # characters of a value that is repeated
_SAYS = ("Input should be ", "Value should be ")


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        field: where, such as `[3].sex`; `(body)` for the whole.
        expected, received: in words.
    """

    field: str
    expected: str
    received: str


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        problems: why.
        retry: seconds after which it may be sent again; None: not as it is.
    """

    def __init__(self, status: int, *problems: Problem, retry: int | None = None) -> None:
        super().__init__(status)
        self.status, self.problems, self.retry = status, problems, retry

    def body(self) -> bytes:
        """As JSON."""
        return json.dumps({"errors": [problem._asdict() for problem in self.problems]}).encode()


def problems_of(faults: Sequence[Any], known: Sequence[str]) -> Refused:
    """What a validator of pydantic found.

    Args:
        faults: its `errors()`.
        known: the fields of a person.
    """
    found = list(dict.fromkeys(_problem(fault, known) for fault in faults[:_MOST_PROBLEMS]))
    too_many = any(fault["type"] == "too_long" and not fault["loc"] for fault in faults)
    malformed = any(fault["type"] == "json_invalid" for fault in faults)
    return Refused(413 if too_many else 400 if malformed else 422, *found)


def received(value: Any) -> str:
    """A value as a message repeats it."""
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _problem(fault: Any, known: Sequence[str]) -> Problem:
    kind, says, place = fault["type"], str(fault["msg"]), _of_field(fault["loc"], known)
    for start in _SAYS:
        says = says.removeprefix(start)
    if kind == "missing":
        return Problem(_path(place), "a value", "none")
    if kind == "extra_forbidden":
        expected = f"one of the fields {', '.join(known)}{_near(place, known)}"
        return Problem(_path(place), expected, received(place[-1]))
    if kind == "json_invalid":
        return Problem(BODY, "a JSON object, one person, or an array of such", says)
    if kind in ("too_long", "too_short"):
        end, bound = ("most", "max_length") if kind == "too_long" else ("least", "min_length")
        count = fault["ctx"]["actual_length"]
        expected = f"at {end} {fault['ctx'][bound]} entries"
        return Problem(_path(place), expected, "more" if count is None else str(count))
    if kind in ("less_than_equal", "greater_than_equal"):
        bound = abs(next(iter(fault["ctx"].values())))
        says = f"a number from {-bound:.4g} to {bound:.4g}, which the model's type can hold"
    if len(place) < len(fault["loc"]):
        says = "a text, a number, true or false"
    return Problem(_path(place), says, received(fault["input"]))


def _of_field(place: Sequence[Any], known: Sequence[str]) -> Sequence[Any]:
    """The place without the kinds that a field of several kinds was tried by."""
    at = next((at for at, part in enumerate(place) if part in known), len(place))
    return [part for k, part in enumerate(place) if k <= at or isinstance(part, int)]


def _near(place: Sequence[Any], known: Sequence[str]) -> str:
    near = near_names(str(place[-1]), known)
    return near if "did you mean" in near else ""


def _path(place: Sequence[Any]) -> str:
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path or BODY
