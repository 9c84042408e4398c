"""docs/how-to/gate-a-pipeline.md: its command lines run as printed, on predictions drawn for the test."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from keras_fair.cli import main

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STEP = re.compile(r"^( *)run: \|\n((?:\1 +.*\n)+)", re.MULTILINE)


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs" / "how-to" / "gate-a-pipeline.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(page: str, tmp_path: Path) -> Path:
    """A folder with the constraints of the page, and fair predictions of 8,000 people."""
    constraints = next(text for kind, text in BLOCK.findall(page) if kind == "text" and "spread" in text)
    (tmp_path / "fairness.fair").write_text(constraints, encoding="utf-8")
    write(tmp_path / "predictions.csv", gap=0.0)
    return tmp_path


def write(path: Path, gap: float) -> None:
    rng = np.random.default_rng(0)
    lines = ["id,sex,race,weight,score,repaid"]
    for i in range(8000):
        sex, race = ("Female", "Male")[i % 2], ("Asian", "Black", "White")[i % 3]
        score = np.clip(rng.beta(2, 2) + gap * (i % 2), 0, 1)
        lines.append(f"{i},{sex},{race},{1 + i % 4},{score:.6f},{int(rng.random() < score)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def steps(page: str) -> list[str]:
    """The scripts of the workflow, in order."""
    workflow = next(text for kind, text in BLOCK.findall(page) if kind == "yaml")
    return [textwrap.dedent(body) for _, body in STEP.findall(workflow)]


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as the pipeline does: bash that stops at the first failure."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def typed(script: str) -> int:
    """The exit code of a script of one command, run in this process: starting Keras takes seconds."""
    name, *arguments = shlex.split(script.replace("\\\n", " "))
    assert name == "keras-fair"
    return main(arguments)


def test_the_workflow_passes_a_fair_model(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check, audit, show = steps(page)
    monkeypatch.chdir(folder)
    assert check.startswith("keras-fair check")
    assert typed(check) == 0
    assert audit.startswith("keras-fair audit")
    assert typed(audit) == 0
    assert {"audit.html", "audit.md", "audit.json"} <= {file.name for file in folder.iterdir()}
    assert run(show, folder).returncode == 0
    assert (folder / "summary.md").read_text(encoding="utf-8") == (folder / "audit.md").read_text("utf-8")


def test_the_workflow_stops_an_unfair_model_and_still_shows_the_audit(
    page: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder / "predictions.csv", gap=0.2)
    _, audit, show = steps(page)
    monkeypatch.chdir(folder)
    assert typed(audit) == 1
    assert run(show, folder).returncode == 0
    assert "approval" in (folder / "summary.md").read_text(encoding="utf-8")


def test_the_variations_run_in_a_shell(page: str, folder: Path) -> None:
    scripts = [text for kind, text in BLOCK.findall(page) if kind == "sh"]
    assert len(scripts) == 3
    done = run("".join(scripts), folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "numbers.json").read_text(encoding="utf-8").startswith("{")
    assert (folder / "fairness-section.md").stat().st_size > 0


def test_what_the_page_says_of_messages_is_so(page: str, folder: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    header, *lines = (folder / "predictions.csv").read_text(encoding="utf-8").splitlines()[:12]
    lines[1] = "1,Male,Black,1,NA,1"
    audit = ["audit", "predictions.csv", "--prediction", "score", "-c"]
    faults = {
        "E[y | sx=Male] <= 1": lines,
        "E[y] <= 1": lines,
        "E[y | race=Asian] <= 1": [*lines[:1], "1,Male,,1,0.5,1"],
        "E[y] >= 0": [*lines[:1], "1,Male,Asian,1,0.5"],
    }
    messages = re.findall(r"^\| `(.+?)` \|", page, re.MULTILINE)
    shown = [re.sub(r"line \d+", "line N", each) for each in messages]
    for text, content in faults.items():
        (folder / "predictions.csv").write_text("\n".join([header, *content, ""]), encoding="utf-8")
        assert main([*audit, text]) == 2
        said = re.sub(r"line \d+", "line N", capsys.readouterr().err)
        assert any(each in said for each in shown), said
