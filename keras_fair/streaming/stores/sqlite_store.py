"""A store in an SQLite file: for processes of one machine.

The file stays open from call to call, and is opened again after a fork, or where another file lies in its
place, so that a call meets what is there. A swap is one statement, which SQLite carries out under its lock
and forces to disk. Its journal stays beside the file, `state.db-journal`: making and deleting it each time
would wait for the disk once more. (A write-ahead log would wait less, but goes wrong where the file is
deleted under it.) A network file system must have locks that work.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from keras_fair.streaming.state_document import StateError
from keras_fair.streaming.state_file import check_regular

__all__ = ["SqliteStore"]

_SECONDS = 30.0  # to wait for the lock of another process
_TABLE = "CREATE TABLE IF NOT EXISTS keras_fair_streams (name TEXT PRIMARY KEY, content TEXT NOT NULL)"


class SqliteStore:
    """One line of a table in an SQLite file.

    Args:
        address: `"sqlite:///state.db"`, or with four slashes for a path from the root. `?name=loans` at its
            end names one of several states in the file; default: `"stream"`.

    Raises:
        StateError: no file could lie there.
    """

    def __init__(self, address: str) -> None:
        where, _, query = address.removeprefix("sqlite://").partition("?")
        options = parse_qs(query, strict_parsing=True) if query else {}
        path = unquote(where.removeprefix("/"))
        if not where.startswith("/") or not path or path == ":memory:" or set(options) - {"name"}:
            raise StateError(
                "expected 'sqlite:///' and the path of a file, at its end ?name=... or nothing, "
                f"received state={address!r}"
            )
        self._address, self._open = address, threading.local()
        self._name = options.get("name", ["stream"])[0]
        try:
            self._path = Path(path).expanduser().resolve()
            check_regular(self._path, f"state={address!r}")
        except (OSError, RuntimeError) as fault:
            raise StateError(f"can't use state={address!r}: {fault}") from fault
        if not self._path.parent.is_dir():
            raise StateError(f"expected state={address!r} to lie in a folder that exists")

    def __reduce__(self) -> Any:
        return SqliteStore, (self._address,)

    def __str__(self) -> str:
        return f"sqlite:///{self._path}?name={self._name}"

    def load(self) -> str | None:
        """The text that is kept."""
        with self._connected() as connection:
            row = connection.execute(
                "SELECT content FROM keras_fair_streams WHERE name = ?", (self._name,)
            ).fetchone()
        return None if row is None else row[0]

    def compare_and_swap(self, before: str | None, after: str) -> bool:
        """Keep `after` in the place of `before`."""
        with self._connected() as connection:
            if before is None:
                done = connection.execute(
                    "INSERT INTO keras_fair_streams VALUES (?, ?) ON CONFLICT DO NOTHING", (self._name, after)
                )
            else:
                done = connection.execute(
                    "UPDATE keras_fair_streams SET content = ? WHERE name = ? AND content = ?",
                    (after, self._name, before),
                )
            return done.rowcount == 1

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            connected = getattr(self._open, "connected", None)
            if connected is None or not connected.is_current(self._path):
                self._open.connected = connected = _Connected(self._path)
            yield connected.connection
        except sqlite3.Error as fault:
            self._open.connected = None
            raise StateError(f"can't use the store {self}: {fault}") from fault


class _Connected:
    """The open file of one thread of one process."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(
            path, timeout=_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._process, self._file = os.getpid(), _identity(path)
        self.connection.execute("PRAGMA journal_mode = PERSIST")
        self.connection.execute(_TABLE)

    def is_current(self, path: Path) -> bool:
        """Whether this is still the process that opened it, and the file that lies there."""
        return self._process == os.getpid() and self._file == _identity(path)

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
