"""The file that holds a stream's state: whole, or not there, never half.

`keras_fair.whole_file` writes it. A damaged or foreign file is refused and left as it is.
`keras_fair.streaming.state_document` says what is in it.
"""

from __future__ import annotations

import contextlib
import glob
import os
import socket
import stat
import time
from pathlib import Path

from keras_fair.packing import LIMIT
from keras_fair.streaming.state_document import StateDocument, StateError
from keras_fair.whole_file import write_whole

__all__ = ["StateFile", "check_regular"]

_ABANDONED = 3600.0  # seconds after which no process can still be writing a file
_STARTED = time.time()


class StateFile:
    """One file, owned by one stream.

    Args:
        path: where it is, or will be.

    Raises:
        StateError: nothing could be written there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        shown = f"state={str(path)!r}"
        try:
            self.path = Path(path).expanduser().resolve()  # a link stays a link, to a mounted volume for one
            check_regular(self.path, shown)
        except (OSError, ValueError, RuntimeError) as fault:  # a loop of links, a NUL, no home
            raise (
                fault if isinstance(fault, StateError) else StateError(f"can't use {shown}: {_reason(fault)}")
            ) from fault
        self._seen: tuple[int, ...] | None = None
        self._putting: tuple[int, ...] | None = None
        if not self.path.parent.is_dir():
            raise StateError(f"expected {shown} to lie in a folder that exists")
        if not os.access(self.path.parent, os.W_OK):
            raise StateError(f"expected a folder that can be written to, received {shown}")
        self._sweep()

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.path.exists()

    def read(self) -> StateDocument:
        """What it holds.

        Raises:
            StateError: it can't be read, is damaged, of another kind, or of a newer version.
        """
        try:
            # Not to wait for whoever writes to a pipe, should one be here by now.
            descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with open(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                _check_status(status, str(self.path))
                content = file.read()
            text = content.decode("utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise StateError(f"can't read the state in {self.path}: {_reason(fault)}") from fault
        try:
            document = StateDocument.read(text)
        except ValueError as fault:
            raise self.refused(str(fault)) from fault
        if document.shared is not None:
            raise self.refused("it is of processes that share a store")
        self._seen = self._putting = _stamp(status)
        return document

    def write(self, document: StateDocument) -> bool:
        """Put states in place of what the file holds. If it was deleted meanwhile, it is made again.

        Returns:
            Whether it was deleted.

        Raises:
            StateError: it can't be written, or another process changed it since; then it is left as it is.
        """
        text = document.text()
        stamp = self._stamp()
        deleted = stamp is None and self._putting is not None
        if not deleted and stamp not in (self._seen, self._putting):
            raise StateError(
                f"the state in {self.path} was changed by another process since this stream read or wrote "
                "it; one file serves one process: give each its own and merge them, or share a store"
            )
        try:
            self._replace(text)
        except OSError as fault:
            raise StateError(f"can't write the state to {self.path}: {_reason(fault)}") from fault
        self._seen = self._putting
        return deleted

    def _replace(self, text: str) -> None:
        def placing(status: os.stat_result) -> None:
            self._putting = _stamp(status)  # set before the file is in place: this may be interrupted

        write_whole(self.path, text.encode(), writer=_writer(os.getpid()), mode=0o600, placing=placing)

    def _sweep(self) -> None:
        """Remove what processes that were killed while they wrote have left here: those of this machine that
        are not alive, and whatever is old."""
        for left in self.path.parent.glob(f".{glob.escape(self.path.name)}.*.tmp"):
            with contextlib.suppress(OSError):  # another process removed it, or it is not ours to remove
                written = left.stat().st_mtime
                if time.time() - written > _ABANDONED or _is_dead(
                    left.name[len(self.path.name) + 2 :], written
                ):
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


def check_regular(path: Path, shown: str) -> None:
    """Check that a path is a file or nothing yet: opening a pipe waits for ever, and a device keeps nothing.

    Raises:
        StateError: it is something else.
    """
    if path.exists():
        _check_status(path.stat(), shown)


def _check_status(status: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise StateError(f"expected a file for the state, received the folder {shown}")
    if not stat.S_ISREG(status.st_mode):
        raise StateError(f"expected a file for the state, received a pipe, a socket or a device: {shown}")
    if status.st_size > LIMIT:
        raise StateError(f"expected a state of at most {LIMIT} bytes, received {status.st_size} in {shown}")


def _writer(process: int) -> str:
    """Who writes a temporary file: machine and process."""
    return f"{socket.gethostname().replace('.', '-')}.{process}"


def _is_dead(middle: str, written: float) -> bool:
    """Whether who wrote a temporary file, by the middle of its name, is a process of this machine that is no
    more. In a container each life may have the same number."""
    host, _, rest = middle.partition(".")
    process = rest.partition(".")[0]
    if os.name != "posix" or not process.isdecimal() or f"{host}.{process}" != _writer(int(process)):
        return False
    if int(process) == os.getpid():
        return written < _STARTED
    try:
        os.kill(int(process), 0)  # sends nothing, asks whether it is there
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _reason(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault)
