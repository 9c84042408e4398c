"""The site of the documentation: it is built strictly, without a network, and loads nothing from outside."""

from __future__ import annotations

import html
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import keras_fair as kf

NEEDED = ("mkdocs", "material", "mkdocstrings", "mkdocstrings_handlers", "latex2mathml")
WIDTHS = (360, 1280)
LOOKED_AT = ("index.html", "language.html", "mathematics.html", "comparison.html", "api/keras.html")

# Building opens no connection: one that is opened all the same ends the build.
BUILD = """
import socket, sys

def refuse(*arguments):
    raise OSError(f"the build asked for the network: {arguments[1:]}")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(sys.argv[1:])
"""

# Each page stands in a frame of its own width.
PROBE = """
addEventListener("load", () => setTimeout(() => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument.documentElement;
    found[frame.id] = {
      width: page.clientWidth,
      scroll: page.scrollWidth,
      unseen: [...page.querySelectorAll("math")].filter(each => !each.getBoundingClientRect().width).length,
      requests: frame.contentWindow.performance.getEntriesByType("resource").map(each => each.name),
    };
  }
  document.getElementById("found").textContent = JSON.stringify(found);
}, 2000));
"""


class Loaded(HTMLParser):
    """What a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag != "a":
            self.found += [value for name in ("src", "srcset", "data") if (value := values.get(name))]
        if tag == "link":
            self.found.append(values.get("href") or "")


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        pytest.skip(f"without {', '.join(lacking)} the site can't be built: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-c", BUILD, "build", "--strict", "--config-file", "docs/site/mkdocs.yml"]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_page_is_built(site: Path, repository: Path) -> None:
    docs = repository / "docs"
    pages = {page.relative_to(docs).with_suffix(".html").as_posix() for page in docs.rglob("*.md")}
    built = {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    assert built == pages | {"language.html", "404.html"}
    assert not list(site.rglob("*.py"))
    assert not list(site.rglob("*.yml"))


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(text_of(page))
        assert loaded.found
        outside = [url for url in loaded.found if re.match(r"(?i)[a-z]+:|//", url)]
        assert not [url for url in outside if not url.startswith("data:")], page.name
        assert 'class="mermaid"' not in text_of(page)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*['\"]?(?:https?:)?//", text_of(sheet)), sheet.name


def test_formulas_need_no_script(site: Path) -> None:
    mathematics = text_of(site / "mathematics.html")
    formulas = re.findall(r"<math .*?</math>", mathematics, re.DOTALL)
    assert len(formulas) >= 40
    assert not [formula for formula in formulas if "\\" in formula]
    assert not [page for page in site.rglob("*.html") if 'class="arithmatex"' in text_of(page)]


def test_the_manual_is_a_page(site: Path, repository: Path) -> None:
    page = text_of(site / "language.html")
    manual = text_of(repository / "grammar" / "reference.md")
    titles = [title.replace("`", "") for title in re.findall(r"^##+ (.*)$", manual, re.MULTILINE)]
    plain = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert len(titles) >= 20
    assert not [title for title in titles if title not in plain]
    assert r"\|" not in plain
    assert page.count('class="highlight fair"') == manual.count("```fair\n")
    assert page.count('class="highlight refused"') == manual.count("```refused\n")


def test_public_names_are_in_the_api(repository: Path) -> None:
    pages = "".join(text_of(page) for page in (repository / "docs" / "api").glob("*.md"))
    modules = ("callbacks", "datasets", "diagnosis", "layers", "metrics", "models", "ops", "plots", "rows")
    names = set(kf.__all__) - {"__version__", *modules}
    names |= {f"plots.{name}" for name in kf.plots.__all__}
    names |= {f"datasets.{name}" for name in kf.datasets.names()}
    assert not [name for name in names if not re.search(rf'heading: "kf\.{re.escape(name)}["\.]', pages)]


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The site on a web server of this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_pages_fit_a_phone(site: Path, address: str, tmp_path: Path) -> None:
    found = [name for name in ("chromium", "chromium-browser", "google-chrome") if shutil.which(name)]
    if not found:
        pytest.skip("no Chromium here to render the pages with; on Debian: apt-get install chromium")
    frames = "".join(
        f'<iframe id="{page} {width}" width="{width}" height="800" style="border:0" src="{page}"></iframe>'
        for page in LOOKED_AT
        for width in WIDTHS
    )
    document = f'<!DOCTYPE html><meta charset="utf-8">{frames}<pre id="found"></pre><script>{PROBE}</script>'
    (site / "frames.html").write_text(document, encoding="utf-8")
    command = [
        found[0],
        "--headless",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=30000",
        "--dump-dom",
        f"{address}frames.html",
    ]
    if os.geteuid() == 0:  # Chromium has no sandbox for root, as whom containers run
        command.insert(1, "--no-sandbox")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    (site / "frames.html").unlink()
    assert done.returncode == 0, done.stderr
    (text,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    seen = json.loads(html.unescape(text))
    assert len(seen) == len(LOOKED_AT) * len(WIDTHS)
    for name, page in seen.items():
        assert page["scroll"] <= page["width"], name
        assert page["unseen"] == 0, name
        assert page["requests"], name
        assert not [url for url in page["requests"] if not url.startswith((address, "data:", "blob:"))], name
