"""A plugin of pytest: the fixture `assert_fair`, and the audits of a run in its summary.

    def test_loans(assert_fair):
        assert_fair("equal_opportunity(sex) <= 0.05", scores, people, label)

`--fair-reports FOLDER` writes each audit as a page, `FOLDER/TEST.html`, whether it passes or fails. pytest
finds the plugin when keras_fair is installed; NumPy is not imported before a test asks for the fixture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["assert_fair"]

_PROPERTY = "fairness"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of the plugin."""
    group = parser.getgroup("keras_fair")
    group.addoption("--fair-reports", metavar="FOLDER", help="write each audit of assert_fair as a page")


@pytest.fixture
def assert_fair(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`keras_fair.integrations.assert_fair`, whose audits are in the summary of the run."""
    from keras_fair.audit.audit import audit
    from keras_fair.integrations.assertion import check_fair

    made = 0

    def asserted(*args: Any, allow: str | tuple[str, ...] = (), **options: Any) -> Any:
        nonlocal made
        found = audit(*args, **options)
        made += 1
        _keep(request, found, made)
        check_fair(found, allow)
        return found

    return asserted


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line for each audited relation."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    kept = [getattr(report, "user_properties", ()) for report in reports]
    lines = dict.fromkeys(value for properties in kept for key, value in properties if key == _PROPERTY)
    if lines:
        terminalreporter.section("fairness")
        for line in lines:
            terminalreporter.write_line(line)


def _keep(request: pytest.FixtureRequest, found: Any, made: int) -> None:
    """Hand the audit to the summary, from a worker of xdist too, and write its page."""
    test = request.node.nodeid
    for relation in found:
        numbers = f"gap {relation.gap:.6f}, bounds {relation.bounds}"
        line = f"{relation.verdict.value:<12} {relation.name}: {numbers}  [{test}]"
        request.node.user_properties.append((_PROPERTY, line))
    folder = request.config.getoption("--fair-reports")
    if folder:
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", test) + ("" if made == 1 else f"_{made}")
        path = Path(folder) / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        found.to_html(path)
