"""Pages of Markdown whose Python code runs from top to end, and prints what the pages show.

A block marked `output` is what the Python block above it prints. `...` in it stands for anything up to the
end of the line, and alone on a line for any lines. Numbers after training differ a little from machine to
machine. A Python block that can't run here has a comment above
it that says why: `<!-- not run: a server never ends -->`. One that needs a package of an extra, which may be
absent, says which: `<!-- needs: duckdb -->`; where it is absent, neither the block nor its output counts.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import keras

__all__ = ["BLOCK", "run_page", "shows"]

BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run: [^\n]*\w[^\n]* -->\n\Z")
NEEDS = re.compile(r"<!-- needs: (\w+) -->\n\Z")
NUMBER = re.compile(r"-?\d+\.\d+")
PART = re.compile(
    r"(?P<number>-?\d+\.\d+)|(?P<lines>^\.\.\.$)|(?P<anything>\.\.\.)|(?P<blank>\s+)", re.MULTILINE
)
MATCHES = {"number": f"({NUMBER.pattern})", "lines": ".*?", "anything": r"[^\n]*?", "blank": r"\s+"}
LAST_PLACES = 3  # by so many units of the last digit that is shown


def shows(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed."""
    found = re.fullmatch(_pattern(shown.strip()), printed.strip(), re.DOTALL)
    if found is None:
        return False
    wanted = [match["number"] for match in PART.finditer(shown) if match["number"]]
    return all(_is_near(number, other) for number, other in zip(wanted, found.groups(), strict=True))


def _pattern(shown: str) -> str:
    """What matches a text that shows the same, with a group for each number."""
    pattern, end = "", 0
    for part in PART.finditer(shown):
        pattern += re.escape(shown[end : part.start()])
        pattern += MATCHES[str(part.lastgroup)]
        end = part.end()
    return pattern + re.escape(shown[end:])


def _is_near(shown: str, printed: str) -> bool:
    digits = len(shown.partition(".")[2])
    return abs(float(shown) - float(printed)) <= (LAST_PLACES + 0.5) * 10.0**-digits


def run_page(page: Path) -> None:
    """Run the Python blocks of a page, and compare what they print with what it shows.

    Raises:
        AssertionError: a block printed something else, or nothing printed what is shown.
    """
    keras.utils.clear_session()  # names of models begin afresh, as in a process of its own
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__"}
    printed: str | None = None
    lacking = False
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(2))
        if block[1] == "python":
            needs = NEEDS.search(text[: block.start()])
            lacking = needs is not None and importlib.util.find_spec(needs[1]) is None
        if block[1] == "python" and not lacking and not NOT_RUN.search(text[: block.start()]):
            stream = io.StringIO()
            with contextlib.redirect_stdout(stream):
                exec(compile("\n" * line + block[2], str(page), "exec"), names)
            printed = stream.getvalue()
        elif block[1] == "output" and not lacking:
            assert printed is not None, f"line {line}: no Python block was run above this output"
            assert shows(block[2], printed), f"line {line}: printed\n{printed}"
