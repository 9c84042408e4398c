"""The file that holds a stream's state: whole, or not there, never half.

A new file is written beside the old one, forced to disk and put in its place in one step. Format, version
and checksum are checked when it is read. A damaged or foreign file is refused and left as it is.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from keras_fair.streaming.state import StreamState

__all__ = ["StateError", "StateFile"]

_FORMAT = "keras_fair stream"
_VERSION = 1
_ABANDONED = 3600.0  # seconds after which no process can still be writing a file


class StateError(ValueError):
    """The file of a stream's state can't be read, written, or is not of this stream."""


class StateFile:
    """One file, owned by one stream.

    Args:
        path: where it is, or will be.

    Raises:
        StateError: nothing could be written there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().resolve()  # a link stays a link, to a mounted volume for one
        self._seen: tuple[int, ...] | None = None
        self._putting: tuple[int, ...] | None = None
        if self.path.is_dir():
            raise StateError(f"expected a file for the state, received the folder state={str(path)!r}")
        if not self.path.parent.is_dir():
            raise StateError(f"expected state={str(path)!r} to lie in a folder that exists")
        if not os.access(self.path.parent, os.W_OK):
            raise StateError(f"expected a folder that can be written to, received state={str(path)!r}")
        self._sweep()

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.path.exists()

    def read(self) -> tuple[dict[str, StreamState], dict[str, Any]]:
        """The states by name, and the settings they were saved with.

        Raises:
            StateError: it can't be read, is damaged, of another kind, or of a newer version.
        """
        try:
            with self.path.open(encoding="utf-8") as file:
                seen = _stamp(os.fstat(file.fileno()))
                text = file.read()
        except (OSError, UnicodeDecodeError) as fault:
            raise StateError(f"can't read the state in {self.path}: {_reason(fault)}") from fault
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise self.refused(f"it is damaged or no state: {fault}") from fault
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise self.refused("it is no state of a stream")
        version = content.get("version")
        if version != _VERSION:
            raise self.refused(
                f"expected version {_VERSION}, found version {version!r}; it may be of a newer release"
            )
        body: Any = content.get("body")
        if content.get("checksum") != _checksum(body):
            raise self.refused("its checksum does not match: it was changed or damaged")
        try:
            states = {name: StreamState.from_dict(state) for name, state in body["streams"].items()}
            settings = dict(body["settings"])
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            raise self.refused(str(fault)) from fault
        self._seen = self._putting = seen
        return states, settings

    def write(self, states: dict[str, StreamState], settings: dict[str, Any]) -> None:
        """Put states in place of what the file holds.

        Raises:
            StateError: it can't be written, or another process changed it since; then it is left as it is.
        """
        body = {"settings": settings, "streams": {name: state.to_dict() for name, state in states.items()}}
        whole = {"format": _FORMAT, "version": _VERSION, "checksum": _checksum(body), "body": body}
        text = json.dumps(whole, allow_nan=False, ensure_ascii=False)
        if self._stamp() not in (self._seen, self._putting):
            raise StateError(
                f"the state in {self.path} was changed by another process since this stream read or wrote "
                "it; one file serves one process: give each its own, and merge them"
            )
        try:
            self._replace(text)
        except OSError as fault:
            raise StateError(f"can't write the state to {self.path}: {_reason(fault)}") from fault
        self._seen = self._putting

    def _replace(self, text: str) -> None:
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".tmp", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                stamp = _stamp(os.fstat(file.fileno()))
            if self.path.exists():
                os.chmod(name, self.path.stat().st_mode & 0o777)
            self._putting = stamp  # set before the file is in place: this may be interrupted
            os.replace(name, self.path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
        _sync_folder(self.path.parent)

    def _sweep(self) -> None:
        """Remove what processes that were killed while they wrote have left here."""
        for left in self.path.parent.glob(f".{glob.escape(self.path.name)}.*.tmp"):
            with contextlib.suppress(OSError):  # another process removed it, or it is not ours to remove
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink()

    def _stamp(self) -> tuple[int, ...] | None:
        """What differs when another file is in its place."""
        try:
            return _stamp(self.path.stat())
        except FileNotFoundError:
            return None

    def refused(self, reason: str) -> StateError:
        """The error that says why the file can't be used."""
        return StateError(f"can't use the state in {self.path}: {reason}. The file was left as it is")


def _checksum(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _sync_folder(folder: Path) -> None:
    """Make a renaming last; Windows has no such thing, and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault)
