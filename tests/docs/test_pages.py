"""The Python code of the pages in docs/ runs, page by page, and prints what they show; see `tests.pages`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pages import BLOCK, run_page, shows

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md"))
SHOWN_ONLY = {"csv", "fair", "json", "sh", "text", "yaml"}


def pages_with_code() -> list[Path]:
    return [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")]


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def test_numbers_may_differ_in_their_last_digit() -> None:
    assert shows("gap 0.12, fair\n", "gap  0.14, fair")
    assert not shows("gap 0.12, fair\n", "gap 0.17, fair\n")
    assert not shows("gap 0.12, fair\n", "gap 0.12, unfair\n")
    assert not shows("12 people\n", "13 people\n")


def test_dots_stand_for_anything_and_numbers_beside_them_still_count() -> None:
    assert shows("1/2 - ... - loss: 0.50\n", "1/2 - 4s - loss: 0.51\n")
    assert not shows("1/2 - ... - loss: 0.50\n", "1/2 - 4s - loss: 0.61\n")
    assert not shows("1/2 - ... - loss: 0.50\n", "1/2 - 4s\nmore - loss: 0.50\n")
    assert shows("...\n1/2 - loss: 0.50\n", "Epoch 1\nEpoch 2\n1/2 - loss: 0.50\n")


def test_there_are_pages() -> None:
    assert len(pages_with_code()) >= 8


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_of_a_kind_that_is_known(page: Path) -> None:
    """Code that is indented, or marked with a word of its own, would never be run."""
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"^[ \t]+```", text, re.MULTILINE), "an indented block"
    kinds = {block[1] for block in BLOCK.finditer(text)}
    assert kinds <= SHOWN_ONLY | {"python", "output"}
    fences = re.findall(r"^```", text, re.MULTILINE)
    assert len(fences) == 2 * len(list(BLOCK.finditer(text)))


@pytest.mark.parametrize("page", pages_with_code(), ids=name_of)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page)
