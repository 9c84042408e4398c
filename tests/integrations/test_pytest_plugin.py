"""`assert_fair` as users of pytest meet it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_fair.integrations import assert_fair

PLUGIN = "keras_fair.integrations.pytest_plugin"
TESTS = '''
SEX = ["F", "M"] * 200
FAIR, UNFAIR = [0.5, 0.51] * 200, [0.3, 0.6] * 200
RULE = "parity: E[y | sex=F] == E[y | sex=M] +- 0.1"

def test_fair(assert_fair):
    assert_fair(RULE, FAIR, {"sex": SEX})
    assert assert_fair("E[y] <= 0.6", FAIR, confidence=None).satisfied

def test_unfair(assert_fair):
    assert_fair(RULE, UNFAIR, {"sex": SEX})

def test_without():
    assert True
'''


def run(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a process of their own, with this plugin and no other."""
    (folder / "test_loans.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", PLUGIN, *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "xdist"])
def test_a_run_with_the_plugin(workers: list[str], tmp_path: Path) -> None:
    done = run(tmp_path, TESTS, *workers, "--fair-reports", "reports")
    assert done.returncode == 1, done.stderr
    assert "1 failed, 2 passed" in done.stdout
    assert "not fair: parity is violated (gap -0.300000, bounds +- 0.1)" in done.stdout
    summary = done.stdout.partition("= fairness =")[2]
    assert "satisfied    parity: gap -0.010000, bounds +- 0.1  [test_loans.py::test_fair]" in summary
    assert "violated     parity: gap -0.300000, bounds +- 0.1  [test_loans.py::test_unfair]" in summary
    assert sorted(page.name for page in (tmp_path / "reports").iterdir()) == [
        "test_loans.py_test_fair.html",
        "test_loans.py_test_fair_2.html",
        "test_loans.py_test_unfair.html",
    ]


def test_nothing_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    done = run(tmp_path, "import sys\n\ndef test_it():\n    assert 'numpy' not in sys.modules\n")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("allow", ["undecided", ("undecided", "unestimable")])
def test_verdicts_that_are_allowed(allow: str | tuple[str, ...]) -> None:
    rule, people = "E[y | sex=F] == E[y | sex=M] +- 0.25", {"sex": ["F", "M"] * 20}
    few = [0.4, 0.42, 0.3, 0.8] * 10
    with pytest.raises(AssertionError, match="is undecided"):
        assert_fair(rule, few, people)
    assert_fair(rule, few, people, allow=allow)
    with pytest.raises(AssertionError, match="is violated"):
        assert_fair(rule, [0.1, 0.9, 0.2, 0.7] * 10, people, allow=allow)
    with pytest.raises(ValueError, match="expected allow to be one of"):
        assert_fair(rule, few, people, allow="violated")


def test_where_nothing_is_compared_nothing_is_fair() -> None:
    rule, people = "for a, b in sex: E[y | sex=a] <= E[y | sex=b] + 0.1", {"sex": ["F"] * 40}
    with pytest.raises(AssertionError, match="too few groups occur to measure"):
        assert_fair(rule, [0.5, 0.4] * 20, people)
    found = assert_fair(rule, [0.5, 0.4] * 20, people, allow="unestimable")
    assert not found.satisfied
    assert found.metrics()["satisfied"] == 0
