"""Where the bytes of a public data set come from, and that they are the published ones.

A file is looked for at the `path` the caller gives, else in the folder that the environment variable
`KERAS_FAIR_DATA` names, else in the Keras cache, else it is downloaded into that cache from a source pinned
to one version. Whichever way it came, the sha256 of its uncompressed content is checked: loaders promise
counts and recode values, which they can do only for the file they were written for. A plain file, a `.gz` of
it and a `.zip` with it inside are all accepted. What an archive says of its content's size is checked before
anything is unpacked, and no more than the published size is unpacked.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import socket
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

__all__ = ["DATA_FOLDER_VARIABLE", "PublicFile", "read_text"]

DATA_FOLDER_VARIABLE = "KERAS_FAIR_DATA"
CACHE_SUBFOLDER = "datasets/keras_fair"
DOWNLOAD_TIMEOUT_SECONDS = 30.0
_MOST_STORED = 1 << 28  # bytes of a file that is read at all; the largest published one has 6 million


@dataclass(frozen=True)
class PublicFile:
    """A published file: its name, the sha256 and the size of its uncompressed content, and where it can be
    downloaded.

    A URL that ends in `.zip` is an archive with the file inside.
    """

    name: str
    sha256: str
    size: int
    urls: tuple[str, ...]


def read_text(file: PublicFile, path: str | os.PathLike[str] | None = None) -> str:
    """The text of a public file, checked against its sha256; a byte-order mark is dropped.

    Args:
        file: The file.
        path: The file itself (plain, `.gz` or `.zip`), or a folder that holds it. `None` looks in the folder
            named by `KERAS_FAIR_DATA`, then in the Keras cache, then downloads.

    Returns:
        The text, with its line ends as published.

    Raises:
        FileNotFoundError: If the file is nowhere, or there is no network to download it.
        ValueError: If what was found is not the published file.
    """
    location = _local(file, path) or _downloaded(file)
    return _content(file, location).decode("utf-8-sig")


def _local(file: PublicFile, path: str | os.PathLike[str] | None) -> Path | None:
    """The file at `path`, or in the folder of the environment; None where neither says anything."""
    if path is not None:
        place = Path(path).expanduser()
        if place.is_dir():
            inside = _inside(file, place)
            if inside is None:
                raise FileNotFoundError(
                    f"expected {file.name}, {file.name}.gz or {file.name}.zip in the folder, "
                    f"received path={str(path)!r}"
                )
            return inside
        if not place.exists():
            raise FileNotFoundError(
                f"expected path to be {file.name} or a folder that holds it, "
                f"received path={str(path)!r}, which does not exist"
            )
        return place
    named = os.environ.get(DATA_FOLDER_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"expected a folder, received {DATA_FOLDER_VARIABLE}={named!r}, which is none"
        )
    return _inside(file, folder)


def _inside(file: PublicFile, folder: Path) -> Path | None:
    candidates = (folder / f"{file.name}{ending}" for ending in ("", ".gz", ".zip"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _downloaded(file: PublicFile) -> Path:
    """The file in the Keras cache, downloaded from the first source that has the published content."""
    import keras

    faults = []
    for url in file.urls:
        archive = url.endswith(".zip")
        try:
            with _socket_timeout(DOWNLOAD_TIMEOUT_SECONDS):
                location = Path(
                    keras.utils.get_file(
                        fname=f"{file.name}.zip" if archive else file.name,
                        origin=url,
                        file_hash=None if archive else file.sha256,
                        hash_algorithm="sha256",
                        cache_subdir=CACHE_SUBFOLDER,
                    )
                )
        except Exception as fault:  # get_file raises Exception itself where it can't reach the source
            faults.append(f"{url}: {fault}")
            continue
        try:
            _content(file, location)
        except ValueError as fault:
            location.unlink()
            faults.append(f"{url}: {fault}")
            continue
        return location
    raise FileNotFoundError(
        f"{file.name} is not at hand and could not be downloaded. Pass path= (the file, or the folder that "
        f"holds it), or set {DATA_FOLDER_VARIABLE} to a folder with {file.name} or {file.name}.gz in it. "
        "Tried:\n  " + "\n  ".join(faults)
    )


def _content(file: PublicFile, location: Path) -> bytes:
    """The uncompressed bytes at `location`, if they are the published ones."""
    status = location.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_STORED:
        raise ValueError(
            f"expected {file.name}, found a pipe, a device or a file of more than {_MOST_STORED:,} bytes at "
            f"{location}"
        )
    stored = location.read_bytes()
    try:
        if stored.startswith(b"\x1f\x8b"):
            content = _unzipped(file, stored)
        elif stored.startswith(b"PK\x03\x04"):
            content = _archived(file, stored)
        else:
            content = stored
    except (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as fault:
        raise ValueError(f"expected {file.name}, found a damaged archive at {location}: {fault}") from fault
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise ValueError(
            f"expected the published {file.name} with sha256 {file.sha256}, found sha256 {digest} "
            f"({len(content):,} bytes) at {location}; replace it by an unchanged copy"
        )
    return content


def _unzipped(file: PublicFile, stored: bytes) -> bytes:
    """The content of a `.gz`. Its last four bytes say how much it unpacks to."""
    said = int.from_bytes(stored[-4:], "little")
    if said > file.size:
        raise zipfile.BadZipFile(f"it says that it holds {said:,} bytes, of {file.size:,} published ones")
    with gzip.GzipFile(fileobj=io.BytesIO(stored)) as packed:
        return _limited(file, packed)


def _archived(file: PublicFile, stored: bytes) -> bytes:
    """The content of the member of a `.zip` that has the file's name."""
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        for member in archive.infolist():
            place = PurePosixPath(member.filename)
            if place.name == file.name and place.parts[0] != "__MACOSX":
                if member.file_size > file.size:
                    raise zipfile.BadZipFile(
                        f"it says that it holds {member.file_size:,} bytes, of {file.size:,} published ones"
                    )
                with archive.open(member) as packed:
                    return _limited(file, packed)
    raise zipfile.BadZipFile(f"no member named {file.name}")


def _limited(file: PublicFile, packed: IO[bytes] | gzip.GzipFile) -> bytes:
    """All that is packed, if it is no more than was published."""
    content = packed.read(file.size + 1)
    if len(content) > file.size:
        raise zipfile.BadZipFile(f"it unpacks to more than the {file.size:,} published bytes")
    return content


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Let no connection hang: `keras.utils.get_file` has no timeout of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
