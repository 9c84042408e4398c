"""The Python code of the pages in docs/ runs, page by page from top to end, and prints what they show.

A block marked `output` is what the Python block above it prints; `...` in it stands for anything, and numbers
after training differ a little from machine to machine. A Python block that can't run here has a comment above
it that says why: `<!-- not run: a server never ends -->`.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md"))
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run: [^\n]*\w[^\n]* -->\n\Z")
SHOWN_ONLY = {"csv", "fair", "json", "sh", "text", "yaml"}
SAME = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
NUMBER = re.compile(r"-?\d+\.(\d+)")
LAST_PLACES = 3  # by so many units of the last digit that is shown


def pages_with_code() -> list[Path]:
    return [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")]


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def shows(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed."""
    if doctest.OutputChecker().check_output(shown, printed, SAME):
        return True
    if NUMBER.sub("#", shown).split() != NUMBER.sub("#", printed).split():
        return False
    pairs = zip(NUMBER.finditer(shown), NUMBER.finditer(printed), strict=True)
    return all(abs(float(a[0]) - float(b[0])) <= (LAST_PLACES + 0.5) * 10.0 ** -len(a[1]) for a, b in pairs)


def test_numbers_may_differ_in_their_last_digit() -> None:
    assert shows("gap 0.12, fair\n", "gap  0.14, fair")
    assert not shows("gap 0.12, fair\n", "gap 0.17, fair\n")
    assert not shows("gap 0.12, fair\n", "gap 0.12, unfair\n")
    assert not shows("12 people\n", "13 people\n")


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
    text = page.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    printed: str | None = None
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(2))
        if block[1] == "python" and not NOT_RUN.search(text[: block.start()]):
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                exec(compile("\n" * line + block[2], str(page), "exec"), names)
            printed = shown.getvalue()
        elif block[1] == "output":
            assert printed is not None, f"line {line}: no Python block was run above this output"
            assert shows(block[2], printed), f"line {line}: printed\n{printed}"
