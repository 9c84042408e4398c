"""Files that a command writes: seen to be writable before the work starts, and whole or not there at all.

A report is written beside its place under another name and then moved there, so nobody ever reads half of
one. `-` is the standard output. What is no ordinary file (a pipe, a device) is written as it is.
All are UTF-8.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from keras_fair.cli.console import write_report
from keras_fair.cli.input_fault import InputFault, failing

__all__ = ["Output", "check_distinct"]


class Output:
    """A place for a report, used with `with`: what was not written by its end leaves nothing behind.

    Args:
        path: of a file, or `-`.
        option: the option that names it.

    Raises:
        InputFault: no file can be written there.
    """

    def __init__(self, path: str, option: str) -> None:
        self.path = path
        self.to_terminal = path == "-"
        self._beside: Path | None = None
        if self.to_terminal:
            return
        self._file = _real(path)
        self._option = option
        folder = self._file.parent
        if self._file.is_dir():
            raise InputFault(f"{option}: expected a file, but {path} is a folder")
        if not folder.is_dir():
            raise InputFault(f"{option}: there is no folder {folder} for {self._file.name}")
        if not self._file.exists() or self._file.is_file():
            beside = folder / f".{self._file.name}.{secrets.token_hex(4)}"
            with failing(f"{option}: can't write into {folder}"):
                beside.touch(exist_ok=False)
            self._beside = beside

    def write(self, text: str) -> None:
        """Write the whole report.

        Raises:
            InputFault: the disk is full, or the place is gone.
        """
        if self.to_terminal:
            write_report(text)
            return
        if not text.endswith("\n"):
            text += "\n"
        with failing(f"{self._option}: can't write {self.path}"):
            if self._beside is None:
                self._file.write_text(text, encoding="utf-8")
                return
            self._beside.write_text(text, encoding="utf-8")
            if self._file.exists():
                shutil.copymode(self._file, self._beside)
            self._beside.replace(self._file)
        self._beside = None

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *fault: object) -> None:
        if self._beside is not None:
            self._beside.unlink(missing_ok=True)


def check_distinct(outputs: Collection[Output], inputs: Collection[str]) -> None:
    """Refuse reports that would overwrite each other, or a file that is read.

    Raises:
        InputFault: with the path.
    """
    read = {_real(path) for path in inputs if path != "-"}
    written = set()
    for output in outputs:
        place = None if output.to_terminal else _real(output.path)
        if place in read:
            raise InputFault(f"{output.path} is read: choose another place for the report")
        if place in written:
            where = "the standard output" if output.to_terminal else output.path
            raise InputFault(f"two reports are to go to {where}")
        written.add(place)


def _real(path: str) -> Path:
    return Path(os.path.realpath(Path(path).expanduser()))
