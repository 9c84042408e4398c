"""A store on a Redis server, or on one that speaks its language: for processes of many machines.

A swap is a script of two commands, which the server runs as one. The state lasts as long as the server's
memory does: turn on its append-only file, and no eviction.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from keras_fair.streaming.state_document import StateError

__all__ = ["RedisStore"]

_SECONDS = "5"  # to wait for a connection, and for an answer
_SWAP = """
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class RedisStore:
    """One key of a Redis server.

    Args:
        address: `"redis://host:6379/0"`, `"rediss://..."` (encrypted) or `"unix://path"`, with what
            `redis.from_url` takes. `?name=loans` names one of several states; default: `"stream"`, under the
            key `keras_fair:stream`.

    Raises:
        ImportError: the package `redis` is not installed.
        StateError: the address is none.
    """

    def __init__(self, address: str) -> None:
        try:
            import redis
        except ImportError as fault:
            raise ImportError(
                f"state={_shown(address)!r} needs the package redis: pip install 'keras-fair[redis]'"
            ) from fault
        where, _, query = address.partition("?")
        options = {
            "socket_timeout": _SECONDS,
            "socket_connect_timeout": _SECONDS,
            **dict(parse_qsl(query)),
        }
        self._key = f"keras_fair:{options.pop('name', 'stream')}"
        self._shown = _shown(address)
        self._errors: Any = redis.RedisError
        try:
            self._client: Any = redis.Redis.from_url(f"{where}?{urlencode(options)}")
        except (ValueError, TypeError) as fault:
            raise StateError(f"can't use state={self._shown!r}: {fault}") from fault

    def __str__(self) -> str:
        return f"{self._shown}, key {self._key!r}"

    def load(self) -> str | None:
        """The text that is kept."""
        text = self._asked("GET", self._key)
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else text

    def compare_and_swap(self, before: str | None, after: str) -> bool:
        """Keep `after` in the place of `before`."""
        return bool(self._asked("EVAL", _SWAP, 1, self._key, before or "", after))

    def _asked(self, *command: Any) -> Any:
        try:
            return self._client.execute_command(*command)
        except self._errors as fault:
            raise StateError(f"can't use the store {self}: {fault}") from fault


def _shown(address: str) -> str:
    """An address without its password."""
    return re.sub("//[^/]*@", "//", address.partition("?")[0])
