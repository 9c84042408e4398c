"""Who lacks a value that a statistic needs, or has no weight, takes no part: not in sums, nor in sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keras_fair.audit import Auditor, Verdict, audit
from keras_fair.constraints import parse
from keras_fair.rows import Vocabulary

N = 400
EXCLUDE = Vocabulary(missing="exclude")


@pytest.fixture
def y(rng: np.random.Generator) -> np.ndarray:
    return rng.random(N)


@pytest.fixture
def people(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"sex": rng.choice(["Female", "Male"], N)}


@pytest.fixture
def label(rng: np.random.Generator) -> np.ndarray:
    """Nine tenths are missing."""
    return np.where(rng.random(N) < 0.9, np.nan, rng.random(N) < 0.6)


def statistics(text: str, *arguments: Any, **keywords: Any) -> list[Any]:
    found = audit(text, *arguments, vocabulary=EXCLUDE, **keywords)
    return [statistic for relation in found for statistic in relation.statistics]


def test_who_has_no_label_is_in_no_share_of_labels(y, people, label) -> None:
    known = ~np.isnan(label)
    text = "E[label] <= 1; P[label=1] <= 1; P[label=0] <= 1"
    of_mean, of_ones, of_zeros = statistics(text, y, people, label)
    assert of_ones.value == pytest.approx(of_mean.value) == pytest.approx(label[known].mean())
    assert of_zeros.value == pytest.approx(1 - of_ones.value)
    assert of_ones.interval == of_mean.interval
    assert {one.size for one in (of_mean, of_ones, of_zeros)} == {known.sum()}


def test_an_event_needs_all_that_it_asks_for(y, people, label) -> None:
    """Were those counted of whom half of it is enough, the share would lean to that half."""
    known = ~np.isnan(label)
    one, other = statistics("P[label=1 or y >= 0.5] <= 1; P[y >= 0.5] <= 1", y, people, label)
    assert one.value == pytest.approx(np.mean((label[known] == 1) | (y[known] >= 0.5)))
    assert (one.size, other.size) == (known.sum(), N)


@pytest.mark.parametrize(
    "text",
    [
        "accuracy_parity(sex) <= 0.9",
        "mean_residual(sex) <= 0.9",
        "for g in sex: P[label=1 | sex=g] <= 1",
        "for g in sex: P[y >= 0.5 and label=0 or y < 0.5 and label=1 | sex=g] <= 1",
    ],
)
def test_sizes_count_who_took_part(text, y, people, label) -> None:
    known = ~np.isnan(label)
    sizes = [one.size for one in statistics(text, y, people, label)]
    assert sizes == [np.sum(known & (people["sex"] == sex)) for sex in ("Female", "Male")]


def test_few_labels_pass_nothing(people) -> None:
    label = np.full(N, np.nan)
    label[:6] = 1.0
    found = audit("accuracy_parity(sex) <= 0.9", np.full(N, 0.5), people, label, vocabulary=EXCLUDE)
    assert found.relations[0].verdict is Verdict.UNDECIDED
    assert "few samples in 'sex=Female'" in found.relations[0].note


@pytest.mark.parametrize("text", ["E[label] <= 1", "P[label=1] <= 1", "E[y | label=1] <= 1"])
def test_missing_labels_are_counted(text, y, people, label) -> None:
    count = int(np.isnan(label).sum())
    found = audit(text, y, people, label, vocabulary=EXCLUDE)
    assert found.missing == {"label": count}
    assert found.to_dict()["missing"] == {"label": count}
    assert f"{count} without a value of label" in str(found)
    assert f"{count} samples with no value of label" in found.to_markdown()
    halves = [Auditor(text, vocabulary=EXCLUDE).update(y[s], {}, label[s]) for s in (slice(99), slice(99, N))]
    assert halves[0].merge(halves[1]).result().missing == {"label": count}


def test_missing_labels_beside_labels_that_are_probabilities_are_counted(y, people, label) -> None:
    some = np.where(np.isnan(label), np.nan, 0.25)
    found = audit("P[label=1] <= 1", y, people, some, vocabulary=EXCLUDE)
    assert (found.relations[0].gap, found.missing) == (0.25, {"label": int(np.isnan(label).sum())})


def test_a_column_called_label_is_counted_apart(y, label) -> None:
    found = audit("E[label * `label`] <= 1", y, {"label": np.ones(N)}, label, vocabulary=EXCLUDE)
    assert found.missing == {"`label`": 0, "label": int(np.isnan(label).sum())}


def test_who_has_no_value_of_an_attribute_is_in_no_share_of_it(y) -> None:
    race, hours = np.full(N, None, dtype=object), np.full(N, np.nan)
    race[:3], hours[:4] = ["A", "A", "B"], [1, 2, 3, 4]
    share, of_both, covariance = statistics(
        "P[race=A] <= 1; P[race=A, hours > 2] <= 1; cov(y, hours) <= 9", y, {"race": race, "hours": hours}
    )
    assert (share.value, share.size) == (pytest.approx(2 / 3), 3)
    assert (of_both.value, of_both.size) == (0, 3)
    assert covariance.size == 4


def test_who_has_a_value_that_the_vocabulary_lacks_is_in_no_share_of_it(y) -> None:
    race = {"race": np.resize(["A", "B", "Z", "A"], N)}
    vocabulary = Vocabulary({"race": ["A", "B"]})
    (relation,) = audit("E[y] <= P[race=A]", y, race, vocabulary=vocabulary)
    assert relation.statistics[1].value == pytest.approx(2 / 3)
    assert relation.gap == pytest.approx(
        parse("E[y] <= P[race=A]").rows(race, vocabulary=vocabulary).gaps(y)[0]
    )


@pytest.mark.parametrize("policy", ["exclude", "group"])
@pytest.mark.parametrize(
    "text",
    [
        "E[y] <= P[label=1]",
        "E[y | sex=Female] <= P[label=1 | sex=Female] + 0.1",
        "E[y] <= P[race=A]",
        "E[y] <= P[race in {A, B} and not label=1 or hours < 10 | sex=Male]",
        "E[y] <= P[hours >= 20, label=0]",
    ],
)
def test_shares_agree_with_the_rows(text, policy, y, people, label, rng) -> None:
    race = rng.choice(np.array(["A", "B", "C", None], dtype=object), N)
    columns = {**people, "race": race, "hours": np.where(rng.random(N) < 0.3, np.nan, rng.integers(0, 40, N))}
    known = Vocabulary(missing=policy).adapt(columns)
    (relation,) = audit(text, y, columns, label, vocabulary=known)
    rows = parse(text).rows(columns, label, vocabulary=known)
    assert [relation.gap] == pytest.approx(rows.gaps(y).tolist())


EVERYTHING = """
E[y | sex=Female] == E[y | sex=Male] +- 0.1
P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]
spread(E[y | sex=*]) <= 0.2
cov(y, hours) <= 1
E[z | sex=Female] <= 1
"""


def test_a_weight_of_0_takes_a_person_out(y, people, rng) -> None:
    """The audit is that of the others alone."""
    weight = (rng.random(N) < 0.5) * 1.0
    there = weight > 0
    columns = {**people, "hours": rng.random(N), "z": np.where(there, rng.random(N) < 0.5, 0.3)}
    found = audit(EVERYTHING, y, columns, sample_weight=weight)
    alone = audit(EVERYTHING, y[there], {name: column[there] for name, column in columns.items()})
    for one, other in zip(found, alone, strict=True):
        assert one.verdict is other.verdict
        assert one.interval.method == other.interval.method
        assert (one.gap, one.interval.low, one.interval.high) == pytest.approx(
            (other.gap, other.interval.low, other.interval.high)
        )
        assert [each.size for each in one.statistics] == [each.size for each in other.statistics]
    women, men = [group.size for group in found.groups if group.attributes == ("sex",)]
    assert (women, men) == tuple(np.sum(there & (people["sex"] == sex)) for sex in ("Female", "Male"))


def test_a_weight_of_0_does_not_make_a_group_large_enough() -> None:
    sex = np.repeat(["Female", "Male"], [25, 40])
    weight = np.where(np.arange(65) < 22, 0.0, 1.0)
    found = audit("E[y | sex=Female] <= 0.9", np.full(65, 0.3), {"sex": sex}, sample_weight=weight)
    assert found.relations[0].verdict is Verdict.UNDECIDED
    assert found.relations[0].note == "few samples in 'sex=Female' (3)"
    shares = {"sex": {"Female": np.full(65, 0.5), "Male": np.full(65, 0.5)}}
    found = audit("E[y | sex=Female] <= 0.9", np.full(65, 0.3), shares, sample_weight=weight)
    assert found.relations[0].statistics[0].size == pytest.approx(43 / 2)
