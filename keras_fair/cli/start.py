"""Keras without the notes that its backend writes about the machine, whenever a command comes to need it.

Most commands need no Keras, so none imports it before something asks for it. TensorFlow's native code writes
straight to file descriptor 2 while it is imported and when it first looks for devices: which instructions
the processor has, that there is no GPU. These lines are dropped by their exact form, at that time only;
everything else that was written is passed on, also when the import fails.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from keras_fair.registration import KerasHook

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
    hook = KerasHook(_load_quietly)
    sys.meta_path.insert(0, hook)
    try:
        yield
    finally:
        if hook in sys.meta_path:
            sys.meta_path.remove(hook)


def _load_quietly(execute: Callable[[ModuleType], None], keras: ModuleType) -> None:
    with _notes_dropped():
        execute(keras)
        keras.ops.convert_to_tensor(0.0)
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
