"""A store in an SQLite file: for processes of one machine.

The file is opened for each call, so that a call after a fork, or after the file was deleted, meets what is
there. A swap is one statement, which SQLite carries out under its lock and forces to disk. A network file
system must have locks that work.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
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
        self._name = options.get("name", ["stream"])[0]
        try:
            self._path = Path(path).expanduser().resolve()
            check_regular(self._path, f"state={address!r}")
        except (OSError, RuntimeError) as fault:
            raise StateError(f"can't use state={address!r}: {fault}") from fault
        if not self._path.parent.is_dir():
            raise StateError(f"expected state={address!r} to lie in a folder that exists")

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
            with contextlib.closing(
                sqlite3.connect(self._path, timeout=_SECONDS, isolation_level=None)
            ) as connection:
                connection.execute(_TABLE)
                yield connection
        except sqlite3.Error as fault:
            raise StateError(f"can't use the store {self}: {fault}") from fault
