"""Keras without the notes that its backend writes about the machine, whenever a command comes to need it.

Most commands need no Keras, so none imports it before something asks for it. TensorFlow's native code writes
straight to file descriptor 2 while it is imported and when it first looks for devices: which instructions
the processor has, that there is no GPU. These lines are dropped by their exact form, at that time only;
everything else that was written is passed on, also when the import fails.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["quiet_keras"]

_NOTE = re.compile(
    rb"^(WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|I0000 00:00:\d.*"
    rb"|E0000 00:00:\d.*(cuInit|Unable to register cu\w+ factory).*"
    rb"|To enable the following instructions: .*rebuild TensorFlow.*)$"
)


@contextmanager
def quiet_keras() -> Iterator[None]:
    """Where Keras is imported meanwhile, its backend looks for devices at once; its notes are dropped."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    finder = _QuietKeras()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)


class _QuietKeras(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds Keras as ever, and holds back notes while it is loaded."""

    def __init__(self) -> None:
        self._loader: Any = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with _notes_dropped():
            self._loader.exec_module(module)
            module.ops.convert_to_tensor(0.0)
        # What was imported stays. Left to the garbage collector, its million objects are gone through again
        # and again while a large table is read.
        gc.freeze()


@contextmanager
def _notes_dropped() -> Iterator[None]:
    """Hold back what is written to file descriptor 2; at the end pass on what is no note."""
    sys.stderr.flush()
    try:
        stderr = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not _NOTE.match(line.rstrip()):
                    os.write(2, line)
