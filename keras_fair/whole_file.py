"""A file that is whole, or not there, never half.

The content is written beside the file, forced to disk and put in its place in one step; mode and owner stay.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(
    path: str | os.PathLike[str],
    content: bytes,
    *,
    writer: str = "",
    mode: int = 0o666,
    placing: Callable[[os.stat_result], None] | None = None,
) -> None:
    """Put content in place of what a file holds, or make the file.

    Args:
        path: of the file. Where it is a link, what it leads to is written, and the link stays.
        content: all of it.
        writer: stands in the name of the file that is written beside it.
        mode: of a file that is not there yet, before the process's mask.
        placing: is told of the new file before it is put in its place.

    Raises:
        OSError: it can't be written; then the file is as it was.
    """
    target = Path(path).expanduser().resolve()
    middle = f"{writer}." if writer else ""
    name = target.with_name(f".{target.name}.{middle}{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            status = os.fstat(file.fileno())
        if target.exists():
            _like(name, target.stat())
        if placing is not None:
            placing(status)
        os.replace(name, target)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _like(name: str | os.PathLike[str], status: os.stat_result) -> None:
    """Give a new file the owner and the mode of the one whose place it takes, as far as the process may."""
    mine = os.stat(name)
    if hasattr(os, "chown") and (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.chown(name, status.st_uid, status.st_gid)
        except PermissionError:
            with contextlib.suppress(PermissionError):
                os.chown(name, -1, status.st_gid)
    os.chmod(name, status.st_mode & 0o777)


def _sync_folder(folder: Path) -> None:
    """Make a renaming last; Windows has no such thing, and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
