"""The competitors seen from here: a process in an environment of its own, for they live on PyTorch.

The environment `.venv-bench` is made beside `.venv` by the first benchmark that needs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _timing import Timed

__all__ = ["Rivals"]

_HERE = Path(__file__).parent
_ENVIRONMENT = _HERE.parent / ".venv-bench"
_REQUIREMENTS = _HERE / "_rival_requirements.txt"


class Rivals:
    """A process with the competitors; use it in a `with` statement."""

    def __enter__(self) -> Rivals:
        server = [str(_python()), str(_HERE / "_rival_server.py")]
        self._process = subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def store(self, name: str, **arrays: Any) -> str:
        """Put arrays where the competitors can read them."""
        path = str(Path(self._folder.name) / f"{name}.npz")
        np.savez(path, **arrays)
        return path

    def turn(self, repeats: int, **request: Any) -> Timed:
        """A turn of a competitor; see `_rival_server.prepared` for what to ask."""
        return lambda: self._ask(repeats=repeats, **request)["seconds"]

    def answer(self, **request: Any) -> np.ndarray:
        """The predictions that a competitor gives."""
        return np.asarray(self._ask(repeats=1, **request)["answer"])

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        reply = self._process.stdout.readline()
        if not reply:
            raise RuntimeError(f"the competitors' process ended at the request {request}")
        found: dict[str, Any] = json.loads(reply)
        return found


def _python() -> Path:
    """The interpreter of the competitors' environment, made where it is lacking."""
    python, ready = _ENVIRONMENT / "bin" / "python", _ENVIRONMENT / ".ready"
    if not ready.exists() or ready.read_text() != _REQUIREMENTS.read_text():
        print(f"making {_ENVIRONMENT.name} for the competitors (minutes the first time)", file=sys.stderr)
        run: Callable[..., Any] = subprocess.run
        run([sys.executable, "-m", "venv", str(_ENVIRONMENT)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*install, "-r", str(_REQUIREMENTS)], check=True)
        ready.write_text(_REQUIREMENTS.read_text())
    return python
