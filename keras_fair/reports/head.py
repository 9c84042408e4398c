"""The head that all pages share: what a browser may do with them, and the style sheets, inline."""

from __future__ import annotations

from importlib import resources

from keras_fair.reports.markup import Markup, tag

__all__ = ["page_head", "packaged"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; {}base-uri 'none'; form-action 'none'"


def page_head(title: str, *styles: str, script: str = "") -> Markup:
    """The head of a page that asks for nothing outside itself.

    Args:
        title: of the page.
        styles: names of style sheets beside this module.
        script: what the policy lets run, such as `'sha256-...'`; default: nothing.
    """
    policy = _POLICY.format(f"script-src {script}; " if script else "")
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup("\n".join(map(packaged, styles)))),
    )


def packaged(name: str) -> str:
    """A file beside this module, as text without blank ends."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()
