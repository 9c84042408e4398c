"""The packing of sums: what comes back, and bytes that are refused."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from typing import Any

import numpy as np
import pytest

from keras_fair.packing import LIMIT, SumsError, pack, unpack

VALUES = {
    "text": "naïve \ud800 '\"",
    "numbers": [1, 2**70, 0.1, 5e-324, math.inf],
    "nothing": None,
    "order": {"b": True, "a": {"": []}},
}
ARRAYS = {
    "float": np.array([[0.1, -0.0], [math.inf, math.nan]]),
    "half": np.array([0.5], "float16"),
    "turned": np.asfortranarray(np.arange(6, dtype="int32").reshape(2, 3)),
    "every other": np.arange(8, dtype="uint64")[::2],
    "big-endian": np.array([1.5], ">f8"),
    "scalar": np.array(3.0),
    "nobody": np.zeros((0, 3)),
    "bool": np.array([True, False]),
    "text": np.array(["a", "bcé"]),
    "dates": np.array(["2020-01-01"], "M8[D]"),
}


def packed_header(header: Any, body: bytes = b"") -> bytes:
    """Bytes with a right checksum around any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    checksum = hashlib.sha256(text + body).digest()
    return struct.pack("<16sHQQ32s", b"keras_fair sums\n", 1, len(text), len(body), checksum) + text + body


def with_arrays(*listed: Any, body: bytes = b"") -> bytes:
    return packed_header({"kind": "test", "values": {}, "arrays": list(listed)}, body)


def test_everything_comes_back() -> None:
    values, arrays = unpack("test", pack("test", VALUES, ARRAYS))
    assert values == VALUES
    assert list(values) == list(VALUES)
    assert list(values["order"]) == ["b", "a"]
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()
        assert arrays[name].flags.writeable


def test_the_same_sums_are_the_same_bytes() -> None:
    assert pack("test", VALUES, ARRAYS) == pack("test", VALUES, ARRAYS)
    assert math.isnan(unpack("test", pack("test", {"gap": math.nan}))[0]["gap"])


@pytest.mark.parametrize(
    "buffer",
    [
        bytes,
        bytearray,
        memoryview,
        lambda packed: memoryview(bytearray(packed)).toreadonly(),
        lambda packed: memoryview(bytes(byte for byte in packed for _ in range(2)))[::2],
        lambda packed: np.frombuffer(packed, "uint8"),
    ],
)
def test_any_buffer_is_read(buffer) -> None:
    values, arrays = unpack("test", buffer(pack("test", VALUES, ARRAYS)))
    assert values == VALUES
    arrays["scalar"][...] = 4.0  # a copy: the bytes stay as they are


PACKED = pack("test", {"samples": 3}, {"sums": np.arange(4.0)})


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (b"", "hold sums of keras_fair"),
        (b"keras_fair sums\n", "hold sums of keras_fair"),
        (b"PK\x03\x04" + PACKED, "hold sums of keras_fair"),
        (json.dumps({"format": "keras_fair stream"}).encode() * 9, "hold sums of keras_fair"),
        (PACKED[:-1], "cut off or damaged"),
        (PACKED + b"\0", "cut off or damaged"),
        (PACKED[:70], "cut off or damaged"),
        (PACKED[:-1] + b"\1", "cut off or damaged"),
        (PACKED.replace(b'"samples": 3', b'"samples": 4'), "cut off or damaged"),
        (PACKED[:16] + b"\2\0" + PACKED[18:], "newer release"),
        (packed_header(b"[" * 100_000), "another one"),
        (packed_header(b"\xff"), "another one"),
        (packed_header([]), "another one"),
        (packed_header({"kind": "test", "values": {}}), "another one"),
        (packed_header({"kind": "test", "values": [], "arrays": []}), "no dict"),
        (packed_header({"kind": "other", "values": {}, "arrays": []}), "kind 'test', received 'other'"),
        (with_arrays(["x", "|O", [1]], body=b"\0" * 8), "no dtype"),
        (with_arrays(["x", "<V8", [1]], body=b"\0" * 8), "no dtype"),
        (with_arrays(["x", "<f7", [1]], body=b"\0" * 7), "another one"),
        (with_arrays(["x", 8, [1]], body=b"\0" * 8), "no dtype"),
        (with_arrays(["x", "<f8", [-1]]), "no shape"),
        (with_arrays(["x", "<f8", [True]], body=b"\0" * 8), "no shape"),
        (with_arrays(["x", "<f8", 1], body=b"\0" * 8), "no shape"),
        (with_arrays(["x", "<f8", [1]], body=b"\0" * 9), "fill the bytes"),
        (with_arrays(["x", "<f8", [2**39, 2**39]]), "fill the bytes"),
        (with_arrays(["x", "<f8", [0, 2**39, 2**39]]), "fill the bytes"),
        (with_arrays(["x", "<f8", [0] * 99]), "fill the bytes"),
        (with_arrays(["x", "<U999999999", [0]]), "another one|fill the bytes"),
    ],
)
def test_other_bytes_are_refused(damaged, words) -> None:
    with pytest.raises(SumsError, match=words):
        unpack("test", damaged)


def test_no_bit_can_change_in_silence() -> None:
    for place in range(len(PACKED)):
        changed = bytearray(PACKED)
        changed[place] ^= 1
        with pytest.raises(SumsError):
            unpack("test", changed)


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(SumsError, match=f"at most {len(PACKED) - 1} bytes, received {len(PACKED)}"):
        unpack("test", PACKED, limit=len(PACKED) - 1)
    assert unpack("test", PACKED, limit=len(PACKED))[0] == {"samples": 3}
    with pytest.raises(SumsError, match=f"at most {LIMIT} bytes"):
        unpack("test", np.broadcast_to(np.uint8(0), LIMIT + 1))


@pytest.mark.parametrize(
    ("values", "arrays", "words"),
    [
        ({"a": {1: 2}}, {}, "text as keys"),
        ({"a": [{None: 2}]}, {}, "text as keys"),
        ({"a": np.float32(1)}, {}, "JSON"),
        ({"a": {1, 2}}, {}, "JSON"),
        ({}, {"a": np.array([None])}, "received 'a' of dtype object"),
        ({}, {"a": np.zeros(2, "f8,i4")}, "received 'a' of dtype"),
    ],
)
def test_what_cannot_come_back_is_not_packed(values, arrays, words) -> None:
    with pytest.raises(TypeError, match=words):
        pack("test", values, arrays)


def test_only_a_buffer_is_unpacked() -> None:
    with pytest.raises(TypeError, match="bytes-like"):
        unpack("test", "text")  # type: ignore[arg-type]
