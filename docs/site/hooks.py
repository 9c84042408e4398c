"""What the site needs beyond its extensions: the manual, formulas as MathML, colours for constraints.

Browsers show MathML by themselves, so a page fetches no script and no font for its formulas.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import RegexLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]\s*</\1>', re.DOTALL)
_MANUAL = Path(__file__).resolve().parents[2] / "grammar" / "reference.md"
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
_KINDS = ("fair", "refused")  # of blocks in the manual


class FairLexer(RegexLexer):
    """The constraint language, as grammar/fairness.lark reads it."""

    name = "fair"
    tokens = {
        "root": [
            (r"#.*$", Comment),
            (r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", String),
            (r"`(?:\\.|[^`\\])*`", Name.Variable),
            (r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?", Number),
            (r"\b(?:for|in|and|or|not|with|confidence)\b", Keyword),
            (r"\b(?:E|P|cov|abs|max|min|spread)(?=\s*[\[(])", Name.Builtin),
            (r"\b(?:y|label)\b", Name.Constant),
            (r"[^\W\d][\w.]*", Name),
            (r"\+-|±|<=|>=|==|!=|[≤≥≠<>=+\-*/|&]", Operator),
            (r"[\[\](){},:;]", Punctuation),
            (r"\s+|.", Text),
        ]
    }


def on_config(config: Any) -> Any:
    """Give the blocks of the language their own colours."""
    fences = [{"name": kind, "class": kind, "format": _coloured} for kind in _KINDS]
    config["mdx_configs"].setdefault("pymdownx.superfences", {})["custom_fences"] = fences
    return config


def on_files(files: Files, config: Any) -> Files:
    """The manual lies beside the grammar that it describes; here it is the page `language.md`."""
    files.append(File.generated(config, "language.md", abs_src_path=str(_MANUAL)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Code in tables has `\\|` for a bar, as most readers of Markdown ask; the one used here needs none.
    Links to the manual lead to its page."""
    markdown = markdown.replace("](../grammar/reference.md", "](language.md")
    return _ROW.sub(
        lambda row: re.sub(r"`[^`]*`", lambda code: code[0].replace(r"\|", "|"), row[0]), markdown
    )


def on_page_content(content: str, **_: Any) -> str:
    """Put MathML in the place of formulas."""
    return _FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    formula = html.unescape(found[3]).strip()
    if found[2] == "(":
        return convert(formula, display="inline")
    return f'<div class="formula">{convert(formula, display="block")}</div>'


def _coloured(source: str, language: str, css_class: str, *_: Any, **__: Any) -> str:
    return highlight(source, FairLexer(), HtmlFormatter(cssclass=f"highlight {css_class}", wrapcode=True))
