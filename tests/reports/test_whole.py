"""From data to reports: what `kf.audit` finds stands in all of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.datasets import adult, compas
from keras_fair.reports.numbers import metric, size_text, typeset

RULES = """
parity: E[y | sex=Female] == E[y | sex=Male] +- 0.02
spread(E[y | race=*, sex=*]) <= 0.4
for g in race: P[y >= 0.5 | race=g] >= 0.3
cov(y, age) == 0 +- 5 with confidence 90%
E[y | age < 30] <= E[y | 30 <= age < 50] + 0.5
"""


@pytest.fixture(scope="module")
def audit():
    rng = np.random.default_rng(0)
    sex, race = (
        rng.choice(["Female", "Male"], 600),
        rng.choice(["<A>", "B|b", "C c"], 600, p=[0.6, 0.39, 0.01]),
    )
    y = np.clip(rng.uniform(0, 0.8, 600) + 0.2 * (sex == "Male"), 0, 1)
    return kf.audit(RULES, y, {"sex": sex, "race": race, "age": rng.integers(18, 70, 600)})


def test_the_audit_knows_its_statements(audit) -> None:
    assert audit.statements == tuple(str(kf.parse(RULES)).splitlines())
    assert {relation.statement for relation in audit} == set(range(len(audit.statements)))
    assert json.loads(audit.to_json())["statements"] == list(audit.statements)


def test_the_page_holds_every_number(audit) -> None:
    from tests.reports.test_page import Page

    text = Page(audit.to_html()).text
    for relation in audit:
        assert typeset(metric(relation.gap)) in text
        assert relation.verdict.value in text
        assert relation.note in text
        for statistic in relation.statistics:
            assert typeset(metric(statistic.value)) in text
    for group in audit.groups:
        assert typeset(metric(group.mean)) in text
        assert size_text(group.size) in text
    for statement in audit.statements:
        assert statement in text
    for words in ("30 <= age < 50", "race × sex", "C c, Female", "by no more than 0.02", "90% and 95%"):
        assert words in text
    assert audit.to_html() == audit.to_html()


def test_markdown_and_frames_agree(audit) -> None:
    text = audit.to_markdown()
    frame = audit.to_dataframe()
    for name, gap in zip(frame["name"], frame["gap"], strict=True):
        assert name.replace("|", r"\|") in text
        assert metric(gap) in text
    assert list(frame["verdict"]) == [relation.verdict.value for relation in audit]
    groups = audit.to_dataframe("groups")
    assert groups["size"].sum() == sum(group.size for group in audit.groups)
    assert "- Decision thresholds: `y >= 0.5`." in audit.to_markdown(card=True)


def test_the_gaps_are_drawn(audit) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    axes = kf.plots.gaps(audit)
    axes.figure.canvas.draw()
    assert len(axes.get_yticklabels()) == len(audit)
    pyplot.close("all")


@pytest.mark.parametrize("loader", [compas, adult], ids=["compas", "adult"])
def test_public_data(loader, data_folder: Path) -> None:
    _, test = loader.load_data(data_folder)
    rng = np.random.default_rng(0)
    y = np.clip(0.3 * test.label + rng.uniform(0, 0.7, test.size), 0, 1)
    rules = "equalized_odds(sex) <= 0.1; for a, b in race: E[y | race=a] >= 0.8 * E[y | race=b]"
    found = kf.audit(f"{rules}; spread(P[y >= 0.5 | sex=*, race=*]) <= 0.2", y, test.attributes, test.label)
    page = found.to_html()
    assert f"{test.size:,} samples" in page
    assert page.count("<details") > 2
    assert len(found.to_dataframe("groups")) == len(found.groups) > 10
