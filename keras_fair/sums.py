"""Sums that can be merged: one protocol for whatever is measured in parts, and one packing of it into bytes.

    add(batch), add(batch) ...   on one machine, in one process, in one pass
    merge(shard)                 over machines, processes, files
    result()                     what all samples together say
    to_bytes(), from_bytes()     between them

A gap over many samples is made of sums over groups. Sums of parts add up to the sums of the whole, so a data
set that is larger than memory, or lies on many machines, is measured exactly; a mean of the gaps of its
parts would be something else.

Packed bytes hold a prefix (format, version, lengths, SHA-256), a header in JSON, and the raw numbers of the
arrays. Nothing in them is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self

__all__ = ["LIMIT", "MergeableSums", "SumsError", "pack", "unpack"]

LIMIT = 1 << 30  # bytes that are unpacked unless the caller allows more

_FORMAT = b"keras_fair sums\n"
_VERSION = 1
_PREFIX = struct.Struct("<16sHQQ32s")  # format, version, length of the header, of the arrays, checksum
_DTYPES = re.compile(r"[<>|]([biufcSU][1-9]\d*|[mM]8\[\w+\])")


class SumsError(ValueError):
    """Bytes that hold no sums, damaged ones, or sums of something else."""


@runtime_checkable
class MergeableSums(Protocol):
    """What can be measured in parts.

    `add` and `merge` return the sums to go on with. Some classes change the object and return it, others
    return a new one; code that serves all of them uses what is returned:

        total = total.add(y, attributes).merge(shard)

    The laws hold up to rounding:

    - Merging is associative and commutative: shards may come in any order and any grouping.
    - Sums that are merged are those of one object to which all samples were added. An object without
      samples changes nothing.
    - `from_bytes(to_bytes(x))` goes on exactly as `x` does.
    - An `add` or a `merge` that fails leaves the object as it was. `merge` leaves `other` as it is.

    The tests hold every class of this package that has these methods to the laws.
    """

    def add(self, *batch: Any, **columns: Any) -> Self:
        """Add the samples of a batch."""

    def merge(self, other: Self) -> Self:
        """Add the samples of another object that measures the same.

        Raises:
            ValueError: it measures something else.
        """

    def result(self) -> Any:
        """What all samples so far say; more may follow."""

    def to_bytes(self) -> bytes:
        """All that is needed to go on elsewhere."""

    @classmethod
    def from_bytes(cls, packed: Buffer) -> Self:
        """What `to_bytes` was called on.

        Raises:
            SumsError: the bytes are damaged, or of something else.
        """


def pack(kind: str, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """Values and arrays as bytes.

    Args:
        kind: what the bytes are of; `unpack` asks for it again.
        values: what JSON holds: dicts with text as keys, lists, text, numbers, booleans, None. NaN and
            infinity are kept. A tuple comes back as a list.
        arrays: numbers, booleans, fixed-length text, dates.

    Raises:
        TypeError: a value is not of these, or an array holds Python objects.

    Example:
        >>> import numpy as np
        >>> from keras_fair.sums import pack, unpack
        >>> packed = pack("example", {"samples": 2}, {"sums": np.array([0.5, 1.5])})
        >>> values, arrays = unpack("example", packed)
        >>> values["samples"], arrays["sums"].tolist()
        (2, [0.5, 1.5])
    """
    _check_keys(values)
    raw = {name: np.asarray(array) for name, array in (arrays or {}).items()}
    for name, array in raw.items():
        if not _DTYPES.fullmatch(array.dtype.str):
            raise TypeError(
                f"expected arrays of numbers or fixed-length text, received {name!r} of dtype {array.dtype}"
            )
    listed = [[name, array.dtype.str, list(array.shape)] for name, array in raw.items()]
    header = json.dumps({"kind": kind, "values": values, "arrays": listed}).encode("ascii")
    body = b"".join(array.tobytes() for array in raw.values())
    checksum = hashlib.sha256(header + body).digest()
    return _PREFIX.pack(_FORMAT, _VERSION, len(header), len(body), checksum) + header + body


def unpack(kind: str, packed: Buffer, *, limit: int = LIMIT) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `pack` was given.

    Args:
        kind: what the bytes should be of.
        packed: bytes, a bytearray, a memoryview, or another buffer.
        limit: how many bytes are unpacked at most; checked before anything is read.

    Returns:
        The values, and the arrays, which may be written to.

    Raises:
        SumsError: the bytes are too many, damaged, or of something else.
    """
    view = memoryview(packed)
    if view.nbytes > limit:
        raise SumsError(f"expected at most {limit} bytes, received {view.nbytes}")
    view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    if view.nbytes < _PREFIX.size or bytes(view[: len(_FORMAT)]) != _FORMAT:
        raise SumsError("expected bytes that hold sums of keras_fair, received others")
    _, version, header_size, body_size, checksum = _PREFIX.unpack(view[: _PREFIX.size])
    if version != _VERSION:
        raise SumsError(
            f"expected sums of version {_VERSION}, received version {version}; it may be of a newer release"
        )
    content = view[_PREFIX.size :]
    if content.nbytes != header_size + body_size or hashlib.sha256(content).digest() != checksum:
        raise SumsError("expected whole bytes, received bytes that were cut off or damaged")
    try:
        header = json.loads(bytes(content[:header_size]))
        found, values, listed = header["kind"], header["values"], header["arrays"]
        forms = [(str(name), _dtype(dtype), _shape(shape)) for name, dtype, shape in listed]
        if not isinstance(values, dict):
            raise ValueError("the values are no dict")
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        raise SumsError(f"expected a header of values and arrays, received another one: {fault}") from fault
    if found != kind:
        raise SumsError(f"expected sums of the kind {kind!r}, received {found!r}")
    try:
        return values, _arrays(forms, content[header_size:])
    except ValueError as fault:
        raise SumsError(f"expected arrays that fill the bytes, received others: {fault}") from fault


def _arrays(forms: list[tuple[str, np.dtype, tuple[int, ...]]], body: memoryview) -> dict[str, np.ndarray]:
    """Copies of the arrays, whose numbers lie one after the other."""
    sizes = [dtype.itemsize * math.prod(shape) for _, dtype, shape in forms]
    if sum(sizes) != body.nbytes:
        raise ValueError(f"{sum(sizes)} bytes are named and {body.nbytes} are there")
    arrays, start = {}, 0
    for (name, dtype, shape), size in zip(forms, sizes, strict=True):
        arrays[name] = np.frombuffer(bytes(body[start : start + size]), dtype).reshape(shape).copy()
        start += size
    return arrays


def _dtype(text: Any) -> np.dtype:
    if not isinstance(text, str) or not _DTYPES.fullmatch(text):
        raise ValueError(f"no dtype of numbers or fixed-length text: {text!r:.60}")
    return np.dtype(text)


def _shape(sizes: Any) -> tuple[int, ...]:
    if not isinstance(sizes, list) or not all(type(size) is int and 0 <= size < 1 << 40 for size in sizes):
        raise ValueError(f"no shape of an array: {sizes!r:.60}")
    return tuple(sizes)


def _check_keys(value: Any) -> None:
    """JSON would turn keys that are no text into text in silence."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if not isinstance(key, str):
                raise TypeError(f"expected text as keys of values, received {key!r}")
            _check_keys(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            _check_keys(entry)
