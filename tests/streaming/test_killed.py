"""SIGKILL at any instant loses no request that was answered, and leaves a state that can be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIVES = 30


@pytest.mark.skipif(os.name != "posix", reason="kills a forked process")
def test_every_restart_finds_all_that_was_acknowledged(tmp_path) -> None:
    program = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "state.json"), str(LIVES), "7"],
        cwd=program.parents[2],
        env={**os.environ, "PYTHONPATH": str(program.parents[2]), "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lives = [line.split() for line in done.stdout.splitlines()]
    assert len(lives) == LIVES
    for acknowledged, saved, whole in lives:
        # One request may have been saved and not yet been answered.
        assert int(acknowledged) <= int(saved) <= int(acknowledged) + LIVES
        assert whole == "True"
    assert int(lives[-1][1]) >= LIVES // 5, "lives served something"
