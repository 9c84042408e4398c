"""The text in which the states of a stream are kept, in a file or in a store: JSON with a checksum.

Format, version and checksum are checked when it is read, then every field. A lone surrogate, which a column
of text may hold, is written as the escape that JSON has for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from keras_fair.streaming.state import StreamState
from keras_fair.streaming.stream_settings import check_settings

__all__ = ["NoState", "StateDocument", "StateError"]

_FORMAT = "keras_fair stream"
_VERSION = 1


class StateError(ValueError):
    """The state of a stream can't be read, written, or is not of this stream."""


class NoState(StateError):
    """There is no state where one was expected: it may be begun."""


@dataclass(frozen=True)
class StateDocument:
    """What is kept.

    Attributes:
        states: by name.
        settings: with which they are held.
        shared: what processes that share a store tell each other; None in a file.
    """

    states: dict[str, StreamState]
    settings: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] | None = None

    def text(self) -> str:
        """The document as JSON."""
        body: dict[str, Any] = {
            "settings": self.settings,
            "streams": {name: state.to_dict() for name, state in self.states.items()},
        }
        if self.shared is not None:
            body["shared"] = self.shared
        whole = {"format": _FORMAT, "version": _VERSION, "checksum": _checksum(body), "body": body}
        text = json.dumps(whole, allow_nan=False, ensure_ascii=False)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return json.dumps(whole, allow_nan=False)
        return text

    @classmethod
    def read(cls, text: str) -> StateDocument:
        """The document that `text` gave.

        Raises:
            ValueError: it is damaged, of another kind or of a newer version, or a field holds what no stream
                writes.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise ValueError(f"it is damaged or no state: {fault}") from fault
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise ValueError("it is no state of a stream")
        version = content.get("version")
        if version != _VERSION or type(version) is not int:
            raise ValueError(
                f"expected version {_VERSION}, found version {version!a:.60}; it may be of a newer release"
            )
        body = content.get("body")
        if content.get("checksum") != _checksum(body):
            raise ValueError("its checksum does not match: it was changed or damaged")
        if not isinstance(body, dict):
            raise ValueError(f"expected 'body' to be an object, found {body!a:.60}")
        for name in ("settings", "streams"):
            if not isinstance(body.get(name), dict):
                raise ValueError(f"expected {name!r} to be an object, found {body.get(name)!a:.60}")
        shared = body.get("shared")
        if shared is not None and not isinstance(shared, dict):
            raise ValueError(f"expected 'shared' to be an object, found {shared!a:.60}")
        check_settings(body["settings"])
        states = {}
        for name, entries in body["streams"].items():
            try:
                states[name] = StreamState.from_dict(entries)
            except ValueError as fault:
                raise ValueError(f"stream {name!a}: {fault}") from fault
        return cls(states, body["settings"], shared)


def _checksum(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
