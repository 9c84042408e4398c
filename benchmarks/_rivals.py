"""The competitors seen from here: a process in an environment of its own, for they live on PyTorch.

The environment `.venv-bench` is made beside `.venv` by the first benchmark that needs it. Those who learn
rules want other versions of the same packages, and have `.venv-bench-rules`.
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


class Rivals:
    """A process with the competitors; use it in a `with` statement.

    Args:
        kind: `"rival"` or `"rule_rival"`: which server and requirements.
        environment: where these are installed.
    """

    def __init__(self, kind: str = "rival", environment: str = ".venv-bench") -> None:
        self._kind, self._environment = kind, _HERE.parent / environment

    def __enter__(self) -> Rivals:
        python = _python(self._environment, _HERE / f"_{self._kind}_requirements.txt")
        server = [str(python), str(_HERE / f"_{self._kind}_server.py")]
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

    def timed_answer(self, **request: Any) -> tuple[float, np.ndarray]:
        """The seconds that a competitor says it took, and what it gives."""
        reply = self._ask(repeats=1, **request)
        return reply["seconds"][0], np.asarray(reply["answer"])

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        reply = self._process.stdout.readline()
        if not reply:
            raise RuntimeError(f"the competitors' process ended at the request {request}")
        found: dict[str, Any] = json.loads(reply)
        return found


def _python(environment: Path, requirements: Path) -> Path:
    """The interpreter of the competitors' environment, made where it is lacking."""
    python, ready = environment / "bin" / "python", environment / ".ready"
    if not ready.exists() or ready.read_text() != requirements.read_text():
        print(f"making {environment.name} for the competitors (minutes the first time)", file=sys.stderr)
        run: Callable[..., Any] = subprocess.run
        run([sys.executable, "-m", "venv", str(environment)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*install, "-r", str(requirements)], check=True)
        ready.write_text(requirements.read_text())
    return python
