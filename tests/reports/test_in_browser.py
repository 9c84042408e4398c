"""The page in headless Chromium: nothing overflows at a phone's width, and no request leaves it."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.reports import made
from tests.reports.browser import dumped, framed

WIDTHS = (320, 390, 768, 981, 1200)
LARGE = {"many": (390, 1200), "statements": (390,)}  # pages of megabytes take long to lay out
AUDITS = {
    "one": made.one(),
    "mixed": made.mixed(),
    "nasty": made.nasty(),
    "many": made.many(),
    "statements": made.many(statements=500),
}

# Each page stands in a frame of its own width. All that is folded is opened first.
PROBE = """
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument;
    page.querySelectorAll("details").forEach(each => { each.open = true; });
    const width = page.documentElement.clientWidth;  // without the scroll bar
    const scrolls = each => each.closest(".scroll, pre, .unseen, svg");
    const wide = [...page.body.querySelectorAll("*")].filter(
      each => !scrolls(each) && each.getBoundingClientRect().right > width + 0.5);
    const names = [...page.querySelectorAll(".strips tbody th")].filter(each => !scrolls(each));
    found[frame.id] = {
      narrowest: Math.min(...names.map(each => each.getBoundingClientRect().width)),
      inner: frame.contentWindow.innerWidth,
      width: width,
      scroll: page.documentElement.scrollWidth,
      height: page.documentElement.scrollHeight,
      wide: wide.slice(0, 3).map(each => each.outerHTML.slice(0, 120)),
      requests: frame.contentWindow.performance.getEntriesByType("resource").map(each => each.name),
    };
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
"""


@pytest.fixture(scope="module")
def found(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    pages = {
        f"{name}-{width}": (text, width)
        for name, text in ((name, audit.to_html()) for name, audit in AUDITS.items())
        for width in WIDTHS
        if width in LARGE.get(name, WIDTHS)
    }
    document = dumped(chromium, framed(pages, PROBE), tmp_path_factory.mktemp("browser"))
    (text,) = re.findall(r'<pre id="found">(.*?)</pre>', document, re.DOTALL)
    return json.loads(html.unescape(text))


def test_nothing_overflows(found: dict[str, dict]) -> None:
    assert len(found) == 3 * len(WIDTHS) + 3
    for name, seen in found.items():
        assert seen["inner"] == int(name.rsplit("-", 1)[1])
        assert seen["height"] > 800
        assert seen["scroll"] <= seen["width"], (name, seen["wide"])
        assert not seen["wide"], name


def test_names_have_room(found: dict[str, dict]) -> None:
    assert min(seen["narrowest"] for seen in found.values()) >= 120


def test_no_request_leaves_the_page(found: dict[str, dict]) -> None:
    assert [seen["requests"] for seen in found.values()] == [[]] * len(found)


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine, and the paths that it is asked for."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", asked
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without"])
def test_the_policy_stops_what_gets_into_the_page(
    policy: bool, chromium: str, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = server
    page = made.one().to_html()
    if not policy:
        page = re.sub(r"<meta http-equiv=[^>]*>", "", page, count=1)
    smuggled = (
        f'<img src="{address}/image"><link rel="stylesheet" href="{address}/style">'
        f'<script>new Image().src = "{address}/script"</script>'
    )
    dumped(chromium, framed({"page": (page.replace("</main>", f"{smuggled}</main>"), 390)}, PROBE), tmp_path)
    assert sorted(asked) == ([] if policy else ["/image", "/script", "/style"])
