"""The page of a front: its numbers, its policy, and what it does in headless Chromium."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.fronts import NoPointMeets
from tests.fronts.made import people
from tests.reports.browser import dumped, framed

MADE = people()
TEXTS = ["demographic_parity(sex)", "E[y | race=a] - E[y | race=b]"]
NASTY = '<img src=x onerror="alert(1)"></script><!-- & "x"'
WIDTHS = (320, 390, 768, 1200)
STEPS = (0, 20, 60, 120, 199, 200)


def made_front(**settings: Any) -> kf.Front:
    front = kf.Front(
        TEXTS, MADE.attributes, MADE.label, objectives=["balanced_error", "mean_squared_error"], **settings
    )
    front.correct(MADE.y, [0.0, 0.03, (0.05, None), 0.08, 0.15])
    blurred = np.clip(MADE.y + np.random.default_rng(5).normal(0, 0.2, len(MADE)), 0, 1)
    return front.add(NASTY, blurred).add("plain", MADE.y).add("flat", np.full(len(MADE), 0.3))


def unknown_front() -> kf.Front:
    vocabulary = {"sex": ["Female", "Male", "X"]}
    front = kf.Front("E[y | sex=X]", MADE.attributes, MADE.label, vocabulary=vocabulary)
    return front.add("a", MADE.y)


FRONT = made_front()


def numbers_of(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="numbers">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_the_page_holds_every_number() -> None:
    numbers = numbers_of(FRONT.to_html())
    assert numbers["texts"] == TEXTS
    assert numbers["objectives"] == list(FRONT.objectives)
    assert numbers["statements"] == [f"{TEXTS[0]} <= {{}}", f"{TEXTS[1]} == 0 +- {{}}"]
    for written, point in zip(numbers["points"], FRONT, strict=True):
        assert (written["name"], written["undominated"]) == (point.name, point.undominated)
        assert written["constraints"] == point.constraints
        assert written["gaps"] == [[each.value, each.low, each.high] for each in point.gaps.values()]
        assert written["scores"] == [[each.value, each.low, each.high] for each in point.scores.values()]
    for end, text in zip(numbers["tolerances"], TEXTS, strict=True):
        assert max(point.gaps[text].high for point in FRONT) <= end < 2


def test_only_its_own_script_may_run_and_nothing_is_fetched() -> None:
    page = FRONT.to_html()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert html.unescape(policy) == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert not re.search(r"(src|href)=|@import|url\(|fetch\(|XMLHttpRequest|innerHTML|eval\(", re.sub(
        re.escape(html.escape(NASTY)) + "|" + r"\\u003cimg src=x", "", page
    ))  # fmt: skip


def test_names_are_text() -> None:
    page = FRONT.to_html()
    assert "<img" not in page
    assert page.count("</script>") == 2
    assert html.escape(NASTY) in page
    assert numbers_of(page)["points"][5]["name"] == NASTY


def test_the_table_reads_without_the_script() -> None:
    page = FRONT.to_html()
    assert '<div id="interactive" hidden>' in page
    assert "<noscript>" in page
    for point in FRONT:
        assert f'<th scope="row">{html.escape(point.name)}</th>' in page


def test_the_same_front_gives_the_same_page(tmp_path: Path) -> None:
    page = FRONT.to_html(tmp_path / "front.html")
    assert (tmp_path / "front.html").read_text(encoding="utf-8") == page == made_front().to_html()


def test_without_intervals_there_is_no_choice_of_them() -> None:
    page = made_front(confidence=None).to_html()
    assert 'id="sure"' not in page.split("<script>")[0]
    assert numbers_of(page)["points"][0]["gaps"][0][1:] == [None, None]


def test_what_cannot_be_estimated_is_said() -> None:
    page = unknown_front().to_html()
    assert "Not estimable, so never undominated: a: E[y | sex=X]" in page
    assert "no samples in" in html.unescape(page)


def test_a_front_without_points_is_a_page() -> None:
    page = kf.Front(TEXTS[0], MADE.attributes, MADE.label).to_html()
    assert "Front: 0 points, 0 undominated" in page


# Sliders are moved, boxes checked and points focused, as a person does; what the page shows is written down.
PROBE = """
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, by = id => page.getElementById(id);
    const change = (each, value) => {
      each.value = value;
      each.dispatchEvent(new frame.contentWindow.Event("input", { bubbles: true }));
    };
    const sliders = [...page.querySelectorAll("input[type=range]")];
    const state = () => ({
      picked: by("picked").querySelector("h3").textContent,
      code: [...by("picked").querySelectorAll("code")].map(each => each.textContent),
      chosen: page.querySelectorAll("circle.chosen").length - 1,
      current: [...page.querySelectorAll("tr[aria-current]")].map(each => each.id),
      said: sliders.map(each => each.parentElement.querySelector("output").textContent),
      limits: page.querySelectorAll("rect.limit").length,
    });
    const seen = { first: state(), steps: {} };
    for (const sure of [false, true]) {
      if (sure && !by("sure")) continue;
      if (sure) by("sure").click();
      for (const step of STEPS) {
        sliders.forEach(slider => change(slider, step));
        seen.steps[`${step} ${sure}`] = state();
      }
    }
    const point = page.querySelector("g.point");
    if (point) {
      point.focus();
      seen.named = by("named").textContent;
      seen.label = point.getAttribute("aria-label");
      by("named").textContent = "";
      point.dispatchEvent(new frame.contentWindow.Event("pointerenter"));
      seen.hovered = by("named").textContent;
      sliders.forEach(slider => change(slider, 200));
      seen.focused = page.activeElement && page.activeElement.getAttribute("aria-label");
    }
    if (sliders.length > 1) change(by("across"), 1);
    seen.axis = [...page.querySelectorAll("#chart text")].pop()?.textContent;
    const width = page.documentElement.clientWidth;
    const wide = [...page.body.querySelectorAll("*")].filter(
      each => !each.closest(".scroll, svg") && each.getBoundingClientRect().right > width + 0.5);
    Object.assign(seen, {
      width, scroll: page.documentElement.scrollWidth, wide: wide.map(each => each.outerHTML.slice(0, 120)),
      points: page.querySelectorAll("g.point").length,
      marks: [...page.querySelectorAll("#chart circle")].every(each => isFinite(each.getAttribute("cy"))),
      requests: frame.contentWindow.performance.getEntriesByType("resource").map(each => each.name),
    });
    found[frame.id] = seen;
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
""".replace("STEPS", str(list(STEPS)))


@pytest.fixture(scope="module")
def found(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    pages = {f"made-{width}": (FRONT.to_html(), width) for width in WIDTHS}
    pages["without"] = (made_front(confidence=None).to_html(), 768)
    pages["unknown"] = (unknown_front().to_html(), 768)
    pages["none"] = (kf.Front(TEXTS[0], MADE.attributes, MADE.label).to_html(), 768)
    document = dumped(chromium, framed(pages, PROBE), tmp_path_factory.mktemp("browser"))
    (text,) = re.findall(r'<pre id="found">(.*?)</pre>', document, re.DOTALL)
    return json.loads(html.unescape(text))


def test_nothing_overflows_and_nothing_is_asked_for(found: dict[str, dict[str, Any]]) -> None:
    assert len(found) == len(WIDTHS) + 3
    for name, seen in found.items():
        assert seen["wide"] == [], name
        assert seen["scroll"] <= seen["width"], name
        assert seen["requests"] == []
        assert seen["marks"]


def test_the_page_picks_what_the_front_picks(found: dict[str, dict[str, Any]]) -> None:
    numbers, seen = numbers_of(FRONT.to_html()), found["made-768"]
    names = [point.name for point in FRONT]
    for step in STEPS[:-1]:
        for sure in (False, True):
            limits = [float(f"{end * step / 200:.6g}") for end in numbers["tolerances"]]
            held = zip(numbers["statements"], limits, strict=True)
            text = "; ".join(statement.replace("{}", f"{limit!r}") for statement, limit in held)
            state = seen["steps"][f"{step} {str(sure).lower()}"]
            assert state["limits"] == 1
            try:
                chosen = FRONT.pick(text, prefer="balanced_error", sure=sure)
            except NoPointMeets:
                assert state["picked"] == "No point is within these tolerances"
                assert state["current"] == []
                continue
            assert state["picked"] == f"Best by balanced_error: {chosen.name}"
            assert state["current"] == [f"point{names.index(chosen.name)}"]
            assert state["chosen"] == 1
            pattern = r'front\.pick\((".*"), prefer="balanced_error"(, sure=True)?\)'
            written = re.fullmatch(pattern, state["code"][-1])
            assert written is not None
            assert FRONT.pick(json.loads(written[1]), "balanced_error", sure=sure).name == chosen.name


def test_at_their_ends_sliders_ask_for_nothing(found: dict[str, dict[str, Any]]) -> None:
    best = min(FRONT, key=lambda point: point.scores["balanced_error"].value)
    first = found["made-768"]["first"]
    assert first["said"] == ["any", "any"]
    assert first["limits"] == 0
    chosen = first["picked"].removeprefix("Best by balanced_error: ")
    assert FRONT[chosen].scores["balanced_error"].value == best.scores["balanced_error"].value


def test_points_are_named_under_the_pointer_and_by_the_keyboard(found: dict[str, dict[str, Any]]) -> None:
    for width in WIDTHS:
        seen = found[f"made-{width}"]
        assert seen["points"] == len(FRONT)
        assert seen["named"] == seen["hovered"] == seen["label"] == seen["focused"]
        assert any(seen["named"].startswith(f"{point.name}: balanced_error 0.") for point in FRONT)
        assert TEXTS[1] in seen["named"]
        assert seen["axis"] == TEXTS[1]


def test_pages_without_intervals_numbers_or_points(found: dict[str, dict[str, Any]]) -> None:
    assert found["without"]["points"] == len(FRONT)
    assert "(" not in found["without"]["named"].split(": balanced_error", 1)[1].replace(TEXTS[0], "")
    assert found["unknown"]["points"] == 0
    assert found["unknown"]["first"]["picked"] == "Best by balanced_error: a"
    assert found["unknown"]["steps"]["199 false"]["picked"] == "No point is within these tolerances"
    assert found["none"]["first"]["picked"] == "No point is within these tolerances"


def test_no_script_but_its_own_runs(chromium: str, tmp_path: Path) -> None:
    smuggled = "<script>document.title = 'smuggled'; document.body.id = 'smuggled'</script>"
    page = FRONT.to_html().replace("</main>", f"{smuggled}</main>")
    probe = """addEventListener("load", () => {
      const page = document.querySelector("iframe").contentDocument;
      document.getElementById("found").textContent =
        page.body.id + "|" + page.querySelectorAll("g.point").length;
    });"""
    document = dumped(chromium, framed({"page": (page, 390)}, probe), tmp_path)
    (text,) = re.findall(r'<pre id="found">(.*?)</pre>', document, re.DOTALL)
    assert text == f"|{len(FRONT)}"
