"""Relations of one statement that say the same are kept once, by rows and by audits alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.groups.enumeration import Domains
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.rows.ground import ground
from keras_fair.rows.sameness import relation_key

COLUMNS: dict[str, Any] = {"g": ["a", "b", "c"] * 10, "sex": (["f"] * 5 + ["m"] * 5) * 3}
LABEL = np.tile([0, 1], 15)
SCORES = np.linspace(0.05, 0.95, 30)
DOMAINS = Domains(Vocabulary({"g": ["a", "b", "c"], "sex": ["f", "m"]}, label=[0, 1]), "")

# text, how many relations it makes of three groups (six ordered pairs)
COUNTED = [
    ("for p, q in g: E[y | g=p] == E[y | g=q] +- 0.1", 3),
    ("for p, q in g: E[y | g=p] - E[y | g=q] == 0 +- 0.1", 3),
    ("for p, q in g: E[y | g=p] - E[y | g=q] <= 0.1", 6),
    ("for p, q in g: -0.1 <= E[y | g=p] - E[y | g=q] <= 0.1", 3),
    ("for p, q in g: -0.2 <= E[y | g=p] - E[y | g=q] <= 0.1", 6),
    ("for p, q in g: abs(E[y | g=p] - E[y | g=q]) <= 0.1", 3),
    ("for p, q in g: spread(E[y | g=p], E[y | g=q]) <= 0.1", 3),
    ("for p, q in g: max(E[y | g=p], 2 * E[y | g=q]) <= 0.9", 6),
    ("for p, q in g: min(E[y | g=p], E[y | g=q]) >= 0.1", 3),
    ("for p, q in g: E[y | g=p] / E[y | g=q] >= 0.8", 6),
    ("for p, q in g: 0.5 * (E[y | g=p] + E[y | g=q]) <= 0.9", 3),
    ("for p, q in g: P[label=1 | g=p] * E[y | g=q] + P[label=1 | g=q] * E[y | g=p] <= 0.9", 3),
    ("for p, q in g: spread(E[y | g=p, sex=*], E[y | g=q]) <= 0.5", 6),
    ("for p in g: spread(E[y | g=p, sex=*]) <= 0.5", 3),
    # The last argument decides for no scores near these, and still it is another one.
    ("for p, q in g: max(E[y], E[y | label=1], E[y | g=p] - E[y | g=q]) <= 0.9", 6),
]


@pytest.mark.parametrize(("text", "count"), COUNTED)
def test_rows_and_audits_keep_the_same_relations(text: str, count: int) -> None:
    rows = kf.parse(text).rows(COLUMNS, LABEL)
    audit = kf.audit(text, SCORES, COLUMNS, label=LABEL, confidence=None)
    assert len(rows.relations) == len(audit.relations) == count
    assert [each.text for each in rows.relations] == [each.text for each in audit.relations]
    gaps = [relation.gap for relation in audit.relations]
    if " / " not in text:  # a ratio is cross-multiplied the same way, but its gap may change its sign
        np.testing.assert_allclose(np.asarray(rows.gaps(SCORES)), gaps, atol=1e-6)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("E[y] <= 0.5", "0.5 >= E[y]"),
        ("E[y] - E[label] <= 0.1", "E[label] >= E[y] - 0.1"),
        ("2 * E[y] <= 1", "E[y] + E[y] <= 1"),
        ("-E[y] >= -1", "E[y] <= 1"),
        ("E[y] / 2 <= 1", "0.5 * E[y] <= 1"),
        ("0.1 + 0.2 + E[y] <= 1", "E[y] + 0.3 <= 1"),
        ("max(E[y], E[label]) <= 1", "-max(E[label], E[y]) >= -1"),
        ("min(E[y], E[label]) >= 0.1", "max(-E[y], -E[label]) <= -0.1"),
        ("abs(E[y]) <= 1", "max(E[y], -E[y]) <= 1"),
        ("abs(E[y] - E[label]) <= 1", "spread(E[y] - E[label], 0) <= 1 + 0 * E[y]"),
    ],
)
def test_the_normal_form_of_a_relation(one: str, other: str) -> None:
    keys = []
    for text in (one, other):
        (relation,) = ground(kf.parse(text).statements[0], 0, DOMAINS)
        keys.append(relation_key(relation.relation, DOMAINS))
    assert (keys[0] == keys[1]) is ("0 * E[y]" not in other)


def test_a_function_remembers_what_its_stars_stand_for() -> None:
    calls = []

    def occurring(subjects: Any) -> list[Any]:
        calls.append(subjects)
        return [("a", "f"), ("b", "m")]

    domains = Domains(DOMAINS.vocabulary, "", occurring)
    (statement,) = kf.parse("spread(E[y | g=*, sex=*]) - min(E[y | g=*, sex=*]) <= 0.1")
    (relation,) = ground(statement, 0, domains)
    assert len(calls) == 1
    spread = relation.relation.left.left  # type: ignore[union-attr]
    assert [group for group, _ in spread.arguments] == ["g=a, sex=f", "g=b, sex=m"]
    assert relation.text == "spread(E[y | g=*, sex=*]) - min(E[y | g=*, sex=*]) <= 0.1"
