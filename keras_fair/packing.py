"""Named arrays and values as bytes, and back, with a checksum.

The bytes hold a prefix (format, version, lengths, SHA-256), a header in JSON, and the raw numbers of the
arrays. Nothing in them is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["LIMIT", "SumsError", "pack", "unpack"]

LIMIT = 1 << 30  # bytes that are unpacked unless the caller allows more

_FORMAT = b"keras_fair sums\n"
_VERSION = 1
_PREFIX = struct.Struct("<16sHQQ32s")  # format, version, length of the header, of the arrays, checksum
_DTYPES = re.compile(r"[<>|]([biufcSU][1-9]\d*|[mM]8\[\w+\])")


class SumsError(ValueError):
    """Bytes that hold no sums, damaged ones, or sums of something else."""


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
        >>> from keras_fair.packing import pack, unpack
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
