"""Every tutorial runs from its first cell to its last, and is saved without outputs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).resolve().parents[2] / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
PARTS = ("## What can go wrong", "## Exercise")


def _cells(path: Path, kind: str) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def test_there_are_tutorials():
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="tutorials draw pictures: pip install 'keras-fair[plot]'")
    if "adult" in path.read_text(encoding="utf-8") and "KERAS_FAIR_DATA" not in os.environ:
        pytest.skip("this tutorial reads Adult, and KERAS_FAIR_DATA names no folder with it")
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: pyplot.close("all"))
    monkeypatch.setenv("PEOPLE", "4000")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(_cells(path, "code")):
        exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_form(path: Path) -> None:
    code = _cells(path, "code")
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert "find_spec" in "".join(code[0]["source"])
    assert any("plt.show()" in "".join(cell["source"]) for cell in code) or path.stem.startswith("2")
    text = "\n".join("".join(cell["source"]) for cell in _cells(path, "markdown"))
    assert re.search(rf"colab\.research\.google\.com/github/.*/{re.escape(path.name)}", text)
    for part in PARTS:
        assert part in text
