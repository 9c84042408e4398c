"""What is collected: services only where the extra `serve` is installed, since their modules import it."""

from __future__ import annotations

from importlib.util import find_spec

MISSING = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]

collect_ignore_glob = ["keras_fair/serving/*", "tests/serving/*"] if MISSING else []


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return [f"services are not tested: {' and '.join(MISSING)} are not installed"] if MISSING else []
