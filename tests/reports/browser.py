"""Pages in headless Chromium: each in a frame of its own, looked at by a script around them."""

from __future__ import annotations

import html
import os
import subprocess
from pathlib import Path


def dumped(chromium: str, document: str, folder: Path) -> str:
    """The document as it stands after loading."""
    page = folder / "frames.html"
    page.write_text(document, encoding="utf-8")
    command = [
        chromium,
        "--headless",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=20000",
        "--dump-dom",
        page.as_uri(),
    ]
    if os.geteuid() == 0:  # Chromium has no sandbox for root, as whom containers run
        command.insert(1, "--no-sandbox")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def framed(pages: dict[str, tuple[str, int]], probe: str) -> str:
    """A document with each page in a frame of its own width, and a script that looks at them."""
    frames = "".join(
        f'<iframe id="{name}" width="{width}" height="800" style="border:0" '
        f'srcdoc="{html.escape(page)}"></iframe>'
        for name, (page, width) in pages.items()
    )
    return f'<!DOCTYPE html><meta charset="utf-8">{frames}<pre id="found"></pre><script>{probe}</script>'
