"""The action of GitHub and the hooks of pre-commit, run as far as they can be without their services."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

RULE = "parity: P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.1\n"
INPUT = re.compile(r"\$\{\{ inputs\.(\w+) \}\}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with constraints, and predictions that meet them."""
    (tmp_path / "fairness.fair").write_text(RULE)
    write(tmp_path / "predictions.csv", gap=0.0)
    return tmp_path


def write(path: Path, gap: float) -> None:
    scores = np.clip(np.random.default_rng(0).random(4000) + gap * (np.arange(4000) % 2), 0, 1)
    lines = [f"{('Female', 'Male')[place % 2]},{score:.4f}" for place, score in enumerate(scores)]
    path.write_text("\n".join(["sex,prediction", *lines]) + "\n")


def environment(**variables: str) -> dict[str, str]:
    """That of this process, in which `keras-fair` is found."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **variables}


def act(repository: Path, folder: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """The audit step of the action with these inputs, and what it wrote as outputs."""
    action = yaml.safe_load((repository / "action.yml").read_text())
    assert set(inputs) <= set(action["inputs"])
    values = {name: inputs.get(name, entry.get("default", "")) for name, entry in action["inputs"].items()}
    step = next(step for step in action["runs"]["steps"] if step.get("id") == "audit")
    assert "${{" not in step["run"]
    variables = {name: INPUT.sub(lambda found: values[found[1]], text) for name, text in step["env"].items()}
    files = {"GITHUB_OUTPUT": str(folder / "out"), "GITHUB_STEP_SUMMARY": str(folder / "md")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=environment(**variables, **files),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done, (folder / "out").read_text() if (folder / "out").exists() else ""


def test_the_action_passes_what_is_fair(repository: Path, folder: Path) -> None:
    done, outputs = act(repository, folder, predictions="predictions.csv")
    assert done.returncode == 0, done.stderr
    assert outputs == "passed=true\nsatisfied=true\nreport=fairness-audit/audit.html\n"
    assert (folder / "fairness-audit" / "audit.html").exists()
    assert (folder / "md").read_text() == (folder / "fairness-audit" / "audit.md").read_text()


@pytest.mark.parametrize(
    ("gap", "inputs", "code", "outputs"),
    [
        (0.3, {}, 1, "passed=false satisfied=false"),
        (0.09, {}, 1, "passed=false satisfied=false"),
        (0.09, {"allow": "undecided unestimable"}, 0, "passed=true satisfied=false"),
        (0.0, {"domain": "0 1", "options": "--missing exclude"}, 0, "passed=true satisfied=true"),
        (0.0, {"domain": "0 0.5"}, 2, ""),
        (0.0, {"prediction": "score"}, 2, ""),
        (0.0, {"predictions": "$(touch harm); harm.csv"}, 2, ""),
        (0.0, {"options": "$(touch${IFS}harm) *"}, 2, ""),
        (0.0, {"reports": "predictions.csv"}, 2, ""),
    ],
    ids=[
        "violated", "undecided", "allowed", "in the domain", "beyond the domain", "no column",
        "commands are text", "patterns are text", "no folder",
    ],
)
def test_the_action_stops_what_is_not(
    gap: float, inputs: dict[str, str], code: int, outputs: str, repository: Path, folder: Path
) -> None:
    write(folder / "predictions.csv", gap)
    (folder / "fairness-audit").mkdir()
    (folder / "fairness-audit" / "audit.html").write_text("of another run")
    done, written = act(repository, folder, **{"predictions": "predictions.csv", **inputs})
    assert done.returncode == code, done.stderr
    assert " ".join(written.split()[:2]) == outputs
    report = folder / "fairness-audit" / "audit.html"
    if outputs:
        assert "of another run" not in report.read_text()
    elif inputs.get("reports") is None:
        assert not report.exists()
        assert "measured nothing" in (folder / "md").read_text()
    assert not (folder / "harm").exists()


def test_every_input_of_the_action_is_used(repository: Path) -> None:
    action = yaml.safe_load((repository / "action.yml").read_text())
    said = yaml.safe_dump(action["runs"])
    assert {name for name in action["inputs"] if f"inputs.{name}" not in said} == set()
    assert all(entry["description"] for entry in {**action["inputs"], **action["outputs"]}.values())


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_hooks_stop_a_commit(
    repository: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hooks = tmp_path_factory.mktemp("hooks")
    shutil.copy(repository / ".pre-commit-hooks.yaml", hooks)
    for place in (hooks, folder):
        git(place, "init", "--quiet")
    git(hooks, "add", ".")
    git(hooks, "commit", "--quiet", "-m", "hooks")
    arguments = ["predictions.csv", "--prediction", "prediction", "--constraints", "fairness.fair"]
    chosen: list[dict[str, Any]] = [{"id": "keras-fair-check"}, {"id": "keras-fair-audit", "args": arguments}]
    config = {"repos": [{"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD"), "hooks": chosen}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    variables = environment(PRE_COMMIT_HOME=str(hooks / "cache"))

    def run() -> subprocess.CompletedProcess[str]:
        git(folder, "add", ".")
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
        return subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False
        )

    done = run()
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Passed") == 2
    write(folder / "predictions.csv", gap=0.3)
    (folder / "other.fair").write_text("E[y | sex=] <= 0.5\n")
    done = run()
    assert done.returncode == 1
    assert "violated" in done.stdout
    assert "other.fair, line 1" in done.stdout
