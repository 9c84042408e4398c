"""The stage of DVC that docs/how-to/tools-around.md shows, run by DVC where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integrations.test_hooks import RULE, environment, git, write

pytestmark = pytest.mark.skipif(shutil.which("dvc") is None, reason="needs dvc; make test-engines has it")


def test_the_stage_holds_metrics_and_stops(repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs" / "how-to" / "tools-around.md").read_text()
    (stage,) = re.findall(r"^```yaml\n(stages:.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "dvc.yaml").write_text(stage.replace("--prediction score", "--prediction prediction"))
    (tmp_path / "fairness.fair").write_text(RULE)
    write(tmp_path / "predictions.csv", gap=0.0)
    git(tmp_path, "init", "--quiet")

    def dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["dvc", *arguments],
            cwd=tmp_path,
            env=environment(DVC_NO_ANALYTICS="1"),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    assert dvc("init", "--quiet").returncode == 0
    done = dvc("repro")
    assert done.returncode == 0, done.stderr
    shown = json.loads(dvc("metrics", "show", "--json").stdout)
    metrics = json.loads((tmp_path / "fairness.json").read_text())
    assert next(iter(shown.values()))["data"]["fairness.json"]["data"] == metrics
    assert metrics["satisfied"] == 1
    write(tmp_path / "predictions.csv", gap=0.3)
    assert dvc("repro").returncode != 0
