"""The code of README.md runs as printed, from its top to its end, and prints what it shows."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.pages import BLOCK, run_page

README = Path(__file__).resolve().parents[1] / "README.md"
TERMINAL = 'keras-fair() { "$PYTHON" -m keras_fair "$@"; }\n'  # this checkout's, wherever it is installed


def blocks(kind: str) -> list[str]:
    return [block[2] for block in BLOCK.finditer(README.read_text(encoding="utf-8")) if block[1] == kind]


def test_python_blocks_run_and_print_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(blocks("python")) >= 3
    assert blocks("output")
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(20260)  # the page has no seed: its figures are those of one run
    run_page(README)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_ten_lines_run_on_other_backends(backend: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install keras-fair[{backend}]")
    code = next(block for block in blocks("python") if "kf.FairModel" in block)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(README.parent),
            "PYTHONIOENCODING": "utf-8",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = re.search(r"parity +│ +(-?[\d.]+) │", done.stdout)
    assert shown is not None, done.stdout
    assert abs(float(shown[1])) <= 0.02 + 1e-5


def test_commands_run(tmp_path: Path) -> None:
    commands = [block for block in blocks("sh") if "keras-fair audit" in block]
    assert commands
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", TERMINAL + command],
            cwd=tmp_path,
            env={**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(README.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr  # the rule does not hold for the sample, which the page says
        assert "violated" in done.stdout + done.stderr


def test_it_stays_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 130
