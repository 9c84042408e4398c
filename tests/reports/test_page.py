"""The HTML page: well formed, escaped, self-contained, the same each time, and readable."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from importlib import resources

import pytest

from keras_fair.audit.result import Audit, GroupScores, Verdict
from keras_fair.reports.markup import fragment, tag
from keras_fair.reports.wording import shares_of
from tests.reports import made

AUDITS = {
    "nothing": Audit((), samples=0),
    "one": made.one(),
    "mixed": made.mixed(),
    "nasty": made.nasty(),
    "many": made.many(),
    "many statements": made.many(statements=500),
}
VOID = {"meta", "br", "link"}
STYLE = resources.files("keras_fair.reports").joinpath("page.css").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Reads a page and complains of any tag that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        assert len(dict(attributes)) == len(attributes)
        self.tags.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name: str) -> None:
        assert self.open.pop() == name

    def handle_data(self, data: str) -> None:
        self.text += data if "style" not in self.open else ""

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == name]


@pytest.fixture(params=AUDITS, scope="module")
def page(request: pytest.FixtureRequest) -> Page:
    return Page(AUDITS[request.param].to_html())


def test_nothing_is_fetched_and_nothing_runs(page: Page) -> None:
    names = Counter(name for name, _ in page.tags)
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base"} & set(names)
    for name, attributes in page.tags:
        assert not {"src", "srcset", "action", "style", "background", "xlink:href"} & set(attributes), name
        assert not [key for key in attributes if key.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    (policy,) = [each["content"] for each in page.all("meta") if "http-equiv" in each]
    assert (policy or "").split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_structure_helps_those_who_do_not_see_the_page(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch("h[1-6]", name)]
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert all(each.get("scope") in ("row", "col") for each in page.all("th"))
    names = Counter(name for name, _ in page.tags)
    assert names["caption"] == names["table"]
    for picture in page.all("svg"):
        labelled = picture.get("role") == "img" and picture.get("aria-label")
        assert labelled or picture.get("aria-hidden") == "true" or picture.get("overflow")
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identities) == len(set(identities))
    for link in page.all("a"):
        assert (link["href"] or "")[1:] in identities
    for section in page.all("section"):
        assert section["aria-labelledby"] in identities


@pytest.mark.parametrize("name", ["mixed", "nasty"])
def test_the_same_audit_gives_the_same_page(name: str, tmp_path) -> None:
    again = {"mixed": made.mixed, "nasty": made.nasty}[name]()
    path = tmp_path / "page.html"
    text = again.to_html(path)
    assert text == AUDITS[name].to_html()
    assert path.read_text(encoding="utf-8") == text


def test_text_is_escaped() -> None:
    text = AUDITS["nasty"].to_html()
    page = Page(text)
    assert made.NASTY in page.text
    assert "<script" not in text
    assert "<i>" not in text
    assert "Größe 東京 עברית" in page.text


def test_markup_escapes_all_but_markup() -> None:
    inner = tag("b", "<&>\"'")
    assert inner == "<b>&lt;&amp;&gt;&quot;&#x27;</b>"
    assert tag("p", inner, None, 3, title='"><script>') == (
        f'<p title="&quot;&gt;&lt;script&gt;">{inner}3</p>'
    )
    assert fragment("a\x00b\n") == "a␀b\n"
    assert tag("details", open=True, hidden=False, aria_label=None) == "<details open></details>"


def test_the_top_says_what_holds_and_what_is_worst() -> None:
    text = Page(AUDITS["mixed"].to_html()).text
    for words in (
        "The constraints do not hold",
        "Of 7 relations, 2 are violated, 2 undecided, 1 not estimable and 2 satisfied.",
        "Furthest past its bound: The mean prediction among those with sex = Female and the mean prediction "
        "among those with sex = Male must differ by no more than 0.02. The gap is −0.1834, allowed is ±0.02.",
        "The 95% interval of the gap is −0.1964 to −0.1704.",
        "nobody has race = Hispanic or Latino",
        "3 samples with an unknown value of race",
        "12 samples with no value of sex",
        "race = Asian, sex = Female (6 samples)",
        "95%, simultaneous over the relations of a constraint",
    ):
        assert words in text
    assert "The constraint holds" in Page(AUDITS["one"].to_html()).text
    assert "There was nothing to audit" in Page(AUDITS["nothing"].to_html()).text


def test_every_relation_is_on_the_page_and_most_are_folded_away() -> None:
    page = Page(AUDITS["many"].to_html())
    for relation in AUDITS["many"]:
        assert relation.name in page.text
    for group in AUDITS["many"].groups:
        assert str(group.values[0]) in page.text
    assert "488 more relations" in page.text
    assert "48 smaller groups" in page.text
    cards = [
        each for each in Page(AUDITS["many statements"].to_html()).all("details") if "card" in each["class"]
    ]
    assert len(cards) == 500
    assert sum("open" in each for each in cards) == 12
    assert all("satisfied" not in each["class"] for each in cards if "open" in each)


def test_thousands_of_groups_are_all_in_the_tables_and_the_largest_in_pictures() -> None:
    # When the time grew with the cube of the groups, these took an hour.
    groups = [made.group(("zip",), (f"zip {place}",), 1 + place, 0.5) for place in range(3000)]
    groups += [
        made.group(("zip", "tier"), (f"zip {place}", f"tier {place % 200}"), 1 + place, 0.5)
        for place in range(3000)
    ]
    found = made.relation("E[y] <= 0.5", 0.5, (0, 0.5), Verdict.SATISFIED)
    audit = Audit((found,), samples=9_003_000, edges=made.EDGES, groups=tuple(groups))
    page = Page(audit.to_html())
    pictures = [each for each in page.all("svg") if each.get("class") == "histogram"]
    assert len(pictures) == 2 * 120
    assert "Scores of zip = zip 2999:" in str(pictures[0]["aria-label"])
    assert "No picture: 2,880 groups with fewer samples than these" in page.text
    heat = audit.to_html().partition('<table class="heat">')[2].partition("</table>")[0]
    assert heat.count("<tr") == 1 + 100
    assert heat.count("<td") == 100 * 100
    shown = heat.count("<b>")
    assert f"Not on the map: {3000 - shown:,} groups" in page.text
    sizes = audit.to_html().partition('id="sizes"')[2].partition('id="intersections"')[0]
    assert all(sizes.count(f">zip {place}<") == 1 for place in (0, 17, 2999))
    assert sizes.count("<tr") >= 6000
    assert max(shares_of(groups)) == pytest.approx(3000 / sum(range(1, 3001)))


def test_what_has_no_value_is_a_dash_and_never_a_zero() -> None:
    (row,) = re.findall(
        r"<tr><th[^>]*><code>floor\[g=Hispanic or Latino\]</code>.*?</tr>", AUDITS["mixed"].to_html()
    )
    cells = dict(re.findall(r'<td class="number" data-label="([^"]*)">([^<]*)', row))
    assert cells == {"gap": "–", "allowed": "≥ 0.3", "smallest group": "0"}


def test_scores_without_spread_and_bins_without_weight_are_drawn() -> None:
    empty = GroupScores(("sex",), ("F",), 0.0, 0.0, float("nan"), (0.0, 0.0))
    point = GroupScores(("sex",), ("M",), 0.5, 0.5, 0.5, (0.0, 0.5))
    infinite = made.relation("E[y] <= 0.5", 0.5, (-float("inf"), 0.5), Verdict.UNDECIDED, half=float("inf"))
    audit = Audit((infinite,), samples=1, edges=(0.5, 0.5, 0.5), groups=(empty, point))
    page = Page(audit.to_html())
    assert "no samples" in page.text
    assert "minus infinite to infinite" in page.text
    assert "nan" not in page.text.lower()


def test_bars_are_whole_and_mean_what_their_labels_say() -> None:
    def group(sex: str, *counts: float) -> GroupScores:
        return GroupScores(("sex",), (sex,), sum(counts), sum(counts), 50.0, counts)

    groups = (group("F", 5.0, 290.0, 5.0), group("M", 40.0, 30.0, 30.0), group("X", 0.0, 0.0, 2.0))
    found = made.relation("E[y] <= 60", 50.0, (-float("inf"), 60.0), Verdict.SATISFIED)
    html = Audit((found,), samples=402, edges=(0.0, 40.0, 80.0, 100.0), groups=groups).to_html()
    heights = [
        [round(100 - float(top), 1) for top in re.findall(r" 100V([\d.]+)H", path)]
        for path in re.findall(r'<path d="([^"]*)" class="bars"', html)
    ]
    tallest = 290 / 300
    assert heights[:2] == [
        [pytest.approx(100 * share / tallest, abs=0.06) for share in shares]
        for shares in ((5 / 300, 290 / 300, 5 / 300), (0.4, 0.3, 0.3))
    ]
    assert heights[2] == [100.0]
    assert "highest bar 96.7%<" in html
    assert "highest bar 100.0% (drawn lower)<" in html
    assert "cut" not in html.partition("</style>")[2]
    assert re.findall(r'H([\d.]+)V100"', html)[0] == "3"
    assert "H1.2V" in html  # the first bin is 0.4 of the axis, and the picture three bins wide
    widths = [float(width) for width in re.findall(r'<rect width="([\d.]+)%" height="12" class="size"', html)]
    assert widths == [pytest.approx(100 * size / 402, abs=0.006) for size in (300, 100, 2)]


def colors(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(scheme: int) -> None:
    found = colors(STYLE.split(":root {")[scheme + 1].split("}")[0])
    pairs = [
        (text, ground)
        for text in ("ink", "soft", "accent", "satisfied", "violated", "undecided", "unestimable")
        for ground in ("page", "paper")
    ]
    pairs += [("heat-ink", f"heat{shade}") for shade in range(5)] + [("heat-last", "heat5")]
    low = {pair: contrast(found[pair[0]], found[pair[1]]) for pair in pairs}
    assert min(low.values()) >= 4.5, low
    assert contrast(found["bars"], found["paper"]) >= 3
    assert contrast(found["bound"], found["paper"]) >= 3
