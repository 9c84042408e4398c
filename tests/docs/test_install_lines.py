"""Lines that install the package name the repository of setup.cfg, until the package is on an index."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [
    REPOSITORY / "README.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / "tutorials").glob("*.ipynb")),
]
ASKED_FOR = re.compile(r"keras-fair(?:\[[\w,]+\])? @ git\+([^\s\"'`\\]+)")
INSTALLS = re.compile(r"(?:pip install|package =)[^\n]*keras-fair")


def url() -> str:
    config = configparser.ConfigParser()
    config.read(REPOSITORY / "setup.cfg")
    return config["metadata"]["url"]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_pages_install_from_the_repository(page: Path) -> None:
    assert set(ASKED_FOR.findall(text_of(page))) <= {url()}
    lines = [line for line in text_of(page).splitlines() if INSTALLS.search(line)]
    assert not [line for line in lines if not ASKED_FOR.search(line)]


def test_readers_find_such_a_line_where_they_begin() -> None:
    beginnings = ("README.md", "docs/installation.md", "docs/how-to/gate-a-pipeline.md")
    for page in [REPOSITORY / name for name in beginnings] + sorted(
        (REPOSITORY / "tutorials").glob("*.ipynb")
    ):
        assert INSTALLS.search(text_of(page)), page.name
        assert ASKED_FOR.search(text_of(page)), page.name


def test_colab_opens_the_repository() -> None:
    project = url().removeprefix("https://github.com/")
    for page in (REPOSITORY / "tutorials").glob("*.ipynb"):
        (found,) = re.findall(r"colab\.research\.google\.com/github/([\w-]+/[\w-]+)/", text_of(page))
        assert found == project


def test_a_line_for_an_index_is_found() -> None:
    for line in ("pip install keras-fair", 'pip install "keras-fair[plot]"'):
        assert INSTALLS.search(line)
        assert not ASKED_FOR.search(line)
