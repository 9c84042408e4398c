"""What a saved state may hold. Each field is checked when it is read, and a fault names the field.

A state comes from a disk or a server that others can write to, and its checksum only says that it was not
damaged by chance. So nothing is used that a stream could not have written: wrong kinds, negative counts,
numbers that are none or beyond all measure. What the fields mean is in `keras_fair.streaming.state`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from keras_fair.constraints import ConstraintSet, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import check_domain
from keras_fair.streaming.stream_settings import domain_of

__all__ = ["LARGEST", "checked_fields"]

LARGEST = 1e100  # beyond this a number is damage: squares of it overflow
_MOST_ARRIVALS = 2**53  # whole numbers are exact up to here
_MOST_OUTPUTS = 1_000_000
_ROUNDING = 1e-6  # by which a sum that came down to 0 again may lie below it, for each unit that was counted
_ENTRY = ("id", "attributes", "label", "weight", "y", "arrivals")

# By table, the numbers of an entry in their order, and which of them count something.
_COUNTS = {"terms": (1, 2, 3, 5), "constants": (), "rows": (), "outside": (0, 1)}


def checked_fields(entries: Any, lengths: Mapping[str, int]) -> dict[str, Any]:
    """The fields of a state, from plain values.

    Args:
        entries: what `StreamState.to_dict` gave, read again.
        lengths: how many numbers an entry of each table has.

    Raises:
        ValueError: a field is lacking, or holds what no stream writes.
    """
    if not isinstance(entries, Mapping):
        raise ValueError(f"expected a state as an object, found {_shown(entries)}")
    names = ("constraints", "domain", "outputs", "vocabulary", "arrivals", "moments", *lengths, "waiting")
    for name in names:
        if name not in entries:
            raise ValueError(f"expected {name!r} in a state, found none")
    outputs = _whole("'outputs'", entries["outputs"], 1, _MOST_OUTPUTS)
    arrivals = _whole("'arrivals'", entries["arrivals"], 0, _MOST_ARRIVALS)
    scale = 1.0 + arrivals
    return {
        "constraints": _constraints(entries["constraints"]),
        "domain": _domain(entries["domain"]),
        "outputs": outputs,
        "vocabulary": _vocabulary(entries["vocabulary"]),
        "arrivals": arrivals,
        "moments": _moments(entries["moments"], arrivals),
        **{name: _table(name, entries[name], length, scale) for name, length in lengths.items()},
        "waiting": _waiting(entries["waiting"], arrivals, outputs),
    }


def _constraints(text: Any) -> str:
    if not isinstance(text, str):
        raise ValueError(f"expected 'constraints' to be text, found {_shown(text)}")
    try:
        _parsed(text)
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"expected 'constraints' to be well formed, found others: {fault}") from fault
    return text


@lru_cache(maxsize=64)
def _parsed(text: str) -> ConstraintSet:
    """Processes that share a state read the same text again and again."""
    return parse(text)


def _domain(domain: Any) -> Any:
    wanted = "expected 'domain' to be 'simplex' or [low, high] with low < high"
    numbers = isinstance(domain, list) and len(domain) == 2
    if domain != "simplex" and not (numbers and all(b is None or _is_number(b) for b in domain)):
        raise ValueError(f"{wanted}, found {_shown(domain)}")
    try:
        check_domain(domain_of(domain))
    except ValueError as fault:
        raise ValueError(f"{wanted}, found {_shown(domain)}") from fault
    return domain


def _vocabulary(config: Any) -> dict[str, Any]:
    _object("'vocabulary'", config)
    for name in ("values", "label", "missing"):
        if name not in config:
            raise ValueError(f"expected {name!r} in 'vocabulary', found {_shown(config)}")
    if unknown := sorted(set(config) - {"values", "label", "missing"}):
        raise ValueError(f"expected 'vocabulary' to hold values, label and missing, found {unknown[0]!r} too")
    lists = {f"the values of {name!r}": v for name, v in _object("'values'", config["values"]).items()}
    for where, values in {**lists, "'label' in 'vocabulary'": config["label"]}.items():
        fine = isinstance(values, list) and all(isinstance(v, str) or _is_number(v) for v in values)
        if values is not None and not fine:
            raise ValueError(f"expected {where} to be a list of text or numbers, found {_shown(values)}")
    try:
        Vocabulary.from_config(config)
    except (ValueError, TypeError) as fault:
        raise ValueError(f"expected 'vocabulary' to be one, found another: {fault}") from fault
    return config


def _moments(numbers: Any, arrivals: int) -> tuple[float, ...]:
    moments = _numbers("'moments'", numbers, 4)
    for place, what in ((0, "the arrivals"), (2, "the squares"), (3, "the moves")):
        if moments[place] < 0.0:
            raise ValueError(f"expected {what} in 'moments' to be >= 0, found {moments[place]!r}")
    if moments[0] > arrivals * (1.0 + _ROUNDING):
        raise ValueError(
            f"expected at most the {arrivals} arrivals of the state in 'moments', found {moments[0]!r}"
        )
    return moments


def _table(name: str, table: Any, length: int, scale: float) -> dict[str, tuple[float, ...]]:
    checked = {}
    for key, numbers in _object(repr(name), table).items():
        where = f"{name!r}, {key!r}"
        checked[key] = _numbers(where, numbers, length)
        for place in _COUNTS[name]:
            # A label that came late took the place of a probability, so sums may round to below 0.
            if checked[key][place] < -_ROUNDING * scale:
                raise ValueError(f"expected weights >= 0 under {where}, found {checked[key][place]!r}")
    return checked


def _waiting(waiting: Any, arrivals: int, outputs: int) -> tuple[dict[str, Any], ...]:
    if not isinstance(waiting, list):
        raise ValueError(f"expected 'waiting' to be a list, found {_shown(waiting)}")
    ids = set()
    for place, entry in enumerate(waiting):
        where = f"'waiting', entry {place}"
        if set(_object(where, entry)) != set(_ENTRY):
            raise ValueError(f"expected {', '.join(_ENTRY)} in {where}, found {_shown(sorted(entry))}")
        if not isinstance(entry["id"], str) or entry["id"] in ids:
            raise ValueError(f"expected an 'id' of its own in {where}, found {_shown(entry['id'])}")
        ids.add(entry["id"])
        for name, value in _object(f"'attributes' in {where}", entry["attributes"]).items():
            if value is not None and not isinstance(value, str) and not _is_number(value):
                raise ValueError(
                    f"expected {name!r} in {where} to be text or a number, found {_shown(value)}"
                )
        y = entry["y"] if outputs > 1 else [entry["y"]]
        _numbers(f"'y' in {where}", y, outputs)
        _label, weight = _numbers(f"'label' and 'weight' in {where}", [entry["label"], entry["weight"]], 2)
        if weight < 0.0:
            raise ValueError(f"expected 'weight' in {where} to be >= 0, found {weight!r}")
        _whole(f"'arrivals' in {where}", entry["arrivals"], 0, arrivals)
    return tuple(waiting)


def _object(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"expected {where} to be an object, found {_shown(value)}")
    return value


def _whole(where: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(
            f"expected {where} to be a whole number from {least} to {most}, found {_shown(value)}"
        )
    return value


def _numbers(where: str, numbers: Any, length: int) -> tuple[float, ...]:
    """Numbers as a tuple of floats."""
    if not isinstance(numbers, list) or len(numbers) != length or not all(map(_is_number, numbers)):
        raise ValueError(
            f"expected {length} finite numbers of at most {LARGEST:g} under {where}, found {_shown(numbers)}"
        )
    return tuple(float(number) for number in numbers)


def _is_number(value: Any) -> bool:
    """Whether it is a finite number of a sane size, and no truth value."""
    if type(value) is float:
        return math.isfinite(value) and abs(value) <= LARGEST
    return type(value) is int and abs(value) <= LARGEST


def _shown(value: Any) -> str:
    """A value for a message: short, and printable whatever text is in it."""
    return ascii(value) if len(ascii(value)) <= 60 else f"{ascii(value):.57}..."
