"""Rows agree with a direct plain-NumPy evaluation, for every construct of the language."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keras_fair.constraints import parse
from keras_fair.rows import LinearRows, Vocabulary

N = 400
SEXES, RACES = ("Female", "Male"), ("a", "b", "c")


def make_batch(seed: int, n: int = N) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "sex": rng.choice(SEXES, n),
        "race": rng.choice(RACES, n, p=[0.6, 0.3, 0.1]),
        "age": rng.integers(16, 80, n).astype(float),
        "hours": np.round(rng.random(n) * 40, 1),
        "north-west": rng.integers(0, 2, n),
        "label": rng.integers(0, 2, n).astype(float),
        "y": rng.random(n),
        "w": rng.random(n) + 0.1,
    }


class Plain:
    """Direct evaluation of statistics, one line each."""

    def __init__(self, batch: dict[str, Any], weighted: bool) -> None:
        self.__dict__.update(batch)
        self.nw = batch["north-west"]
        self.weight = batch["w"] if weighted else np.ones(len(batch["y"]))

    def E(self, value: Any, where: Any = True) -> float:  # noqa: N802 - the name that the language uses
        weight = self.weight * where
        return float(np.sum(weight * value) / np.sum(weight))

    def cov(self, left: Any, right: Any, where: Any = True) -> float:
        mean = self.E(right, where)
        return self.E((left - self.E(left, where)) * (right - mean), where)

    def each(self, *names: str, value: Any = None, where: Any = True) -> list[float]:
        value = self.y if value is None else value
        masks = [np.ones(len(self.y), bool) & where]
        for name in names:
            values = {"sex": SEXES, "race": RACES, "label": (0, 1)}[name]
            masks = [mask & (getattr(self, name) == v) for mask in masks for v in values]
        return [self.E(value, mask) for mask in masks]


def spread(values: list[float]) -> float:
    return max(values) - min(values)


# text, gaps of its ground relations by plain NumPy
TABLE = [
    ("E[y] <= 0.5", lambda p: [p.E(p.y)]),
    ("0.5 >= E[y]", lambda p: [p.E(p.y)]),
    (
        "E[y | sex=Female] == E[y | sex=Male] +- 0.02",
        lambda p: [p.E(p.y, p.sex == "Female") - p.E(p.y, p.sex == "Male")],
    ),
    ("E[y | sex=Female] - E[y | sex=Male] <= 2%", lambda p: [p.each("sex")[0] - p.each("sex")[1]]),
    ("E[y | sex!=Female] >= 0.3", lambda p: [p.E(p.y, p.sex == "Male")]),
    ("E[y | age < 25] >= 0.3", lambda p: [p.E(p.y, p.age < 25)]),
    ("E[y | age <= 25] >= 0.3", lambda p: [p.E(p.y, p.age <= 25)]),
    ("E[y | age > 25] >= 0.3", lambda p: [p.E(p.y, p.age > 25)]),
    ("E[y | age >= 25, hours < 30.5] >= 0.3", lambda p: [p.E(p.y, (p.age >= 25) & (p.hours < 30.5))]),
    (
        "E[y | age < 25] >= E[y | 25 <= age < 60] - 0.1",
        lambda p: [p.E(p.y, p.age < 25) - (p.E(p.y, (p.age >= 25) & (p.age < 60)) - 0.1)],
    ),
    ("E[y | age in {20, 30, 40}] >= 0.2", lambda p: [p.E(p.y, np.isin(p.age, [20, 30, 40]))]),
    ("E[y | age != 30 and age < 50] >= 0.2", lambda p: [p.E(p.y, (p.age != 30) & (p.age < 50))]),
    ("E[y | `north-west`=1] >= 0.2", lambda p: [p.E(p.y, p.nw == 1)]),
    (
        "E[y | race in {a, b} and not (sex=Male)] >= 0.2",
        lambda p: [p.E(p.y, np.isin(p.race, ["a", "b"]) & (p.sex != "Male"))],
    ),
    (
        "E[y | (race=a or age < 30) and not (sex=Male and label=1)] >= 0.2",
        lambda p: [p.E(p.y, ((p.race == "a") | (p.age < 30)) & ~((p.sex == "Male") & (p.label == 1)))],
    ),
    ("E[y | label=1] - E[y | label=0] >= 0.1", lambda p: [p.each("label")[1] - p.each("label")[0]]),
    ("E[y | label >= 0.5] >= 0.1", lambda p: [p.each("label")[1]]),
    ("spread(E[y | race=*]) <= 0.05", lambda p: [spread(p.each("race"))]),
    ("spread(E[y | race=*, sex=*]) <= 0.05", lambda p: [spread(p.each("race", "sex"))]),
    ("spread(E[y | race=*, label=1]) <= 0.05", lambda p: [spread(p.each("race", where=p.label == 1))]),
    ("spread(E[y | sex=*, label=*]) <= 0.05", lambda p: [spread(p.each("sex", "label"))]),
    ("spread(E[y | race=a], E[y], 0.4) <= 0.05", lambda p: [spread([p.each("race")[0], p.E(p.y), 0.4])]),
    ("2 * spread(E[y | race=*]) <= 0.05", lambda p: [2 * spread(p.each("race"))]),
    (
        "spread(E[y | race=*]) + spread(E[y | sex=*]) <= 0.05",
        lambda p: [spread(p.each("race")) + spread(p.each("sex"))],
    ),
    ("max(E[y | race=*]) <= 0.6", lambda p: [max(p.each("race"))]),
    ("min(E[y | race=*]) >= 0.6", lambda p: [min(p.each("race"))]),
    ("max(E[y | race=*]) - E[y] <= 0.1", lambda p: [max(p.each("race")) - p.E(p.y)]),
    (
        "max(E[y | race=*]) - min(E[y | sex=*]) <= 0.1",
        lambda p: [max(p.each("race")) - min(p.each("sex"))],
    ),
    ("E[y | race=*] >= 0.4", lambda p: p.each("race")),
    ("abs(E[y | race=*] - E[y]) <= 0.1", lambda p: [abs(m - p.E(p.y)) for m in p.each("race")]),
    ("max(abs(E[y | race=*] - E[y])) <= 0.1", lambda p: [max(abs(m - p.E(p.y)) for m in p.each("race"))]),
    (
        "abs(E[y | sex=Female] - E[y]) + abs(E[y | race=a] - E[y]) <= 0.01",
        lambda p: [abs(p.each("sex")[0] - p.E(p.y)) + abs(p.each("race")[0] - p.E(p.y))],
    ),
    ("-E[y] <= -0.3", lambda p: [-p.E(p.y)]),
    (
        "E[y | sex=Female] / E[y | sex=Male] >= 0.8",
        lambda p: [p.each("sex")[0] - 0.8 * p.each("sex")[1]],
    ),
    (
        "E[y | sex=Female] / (1 - E[y | sex=Male]) <= 2",
        lambda p: [p.each("sex")[0] - 2 * (1 - p.each("sex")[1])],
    ),
    (
        "min(E[y | race=*]) >= 0.8 * max(E[y | race=*])",
        lambda p: [min(p.each("race")) - 0.8 * max(p.each("race"))],
    ),
    ("disparate_impact(race) >= 80%", lambda p: [min(p.each("race")) - 0.8 * max(p.each("race"))]),
    ("demographic_parity(sex) <= 0.01", lambda p: [spread(p.each("sex"))]),
    (
        "equalized_odds(race) <= 0.01",
        lambda p: [max(spread(p.each("race", where=p.label == c)) for c in (0, 1))],
    ),
    (
        "mean_residual(race) <= 0.01",
        lambda p: [max(abs(m) for m in p.each("race", value=p.label - p.y))],
    ),
    (
        "accuracy_parity(sex) <= 0.01",
        lambda p: [spread(p.each("sex", value=p.label * p.y + (1 - p.label) * (1 - p.y)))],
    ),
    ("for g in race: E[y | race=g] == E[y] +- 0.05", lambda p: [m - p.E(p.y) for m in p.each("race")]),
    (
        "for a, b in race: E[y | race=a] >= 0.8 * E[y | race=b]",
        lambda p: [
            m - 0.8 * k for i, m in enumerate(p.each("race")) for j, k in enumerate(p.each("race")) if i != j
        ],
    ),
    (
        "for a, b in race: E[y | race=a] == E[y | race=b] +- 0.05",
        lambda p: [p.each("race")[i] - p.each("race")[j] for i, j in ((0, 1), (0, 2), (1, 2))],
    ),
    (
        "for a, b in sex and c in label: E[y | sex=a, label=c] == E[y | sex=b, label=c] +- 0.05",
        lambda p: [
            p.E(p.y, (p.sex == "Female") & (p.label == c)) - p.E(p.y, (p.sex == "Male") & (p.label == c))
            for c in (0, 1)
        ],
    ),
    ("for g in {a, c}: E[y | race=g] <= 0.9", lambda p: [p.each("race")[0], p.each("race")[2]]),
    ("for t in {20, 40}: E[y | age < t] <= 0.9", lambda p: [p.E(p.y, p.age < t) for t in (20, 40)]),
    ("E[label - y | sex=Female] == 0 +- 0.01", lambda p: [p.E(p.label - p.y, p.sex == "Female")]),
    (
        "E[y | sex=Female] == E[label | sex=Female] +- 0.03",
        lambda p: [p.E(p.y - p.label, p.sex == "Female")],
    ),
    ("E[(y - label) * hours / 40] <= 0.1", lambda p: [p.E((p.y - p.label) * p.hours / 40)]),
    ("E[-2 * y + 0.5 | age < 40] <= 0.1", lambda p: [p.E(-2 * p.y + 0.5, p.age < 40)]),
    ("cov(y, age) == 0 +- 0.5", lambda p: [p.cov(p.y, p.age)]),
    ("cov(label - y, hours | sex=Male) <= 0.5", lambda p: [p.cov(p.label - p.y, p.hours, p.sex == "Male")]),
    ("cov(hours, 2 * y) <= 0.5", lambda p: [p.cov(p.hours, 2 * p.y)]),
    ("E[y] <= P[label=1]", lambda p: [p.E(p.y) - p.E(p.label)]),
    (
        "E[y] <= 2 * P[label=1, age < 30 | sex=Male]",
        lambda p: [p.E(p.y) - 2 * p.E((p.label == 1) & (p.age < 30), p.sex == "Male")],
    ),
    ("P[label=1] * E[y] <= 0.2", lambda p: [p.E(p.label) * p.E(p.y)]),
    ("P[label=1] * max(E[y | race=*]) <= 0.2", lambda p: [p.E(p.label) * max(p.each("race"))]),
    ("E[y] / E[hours] <= 0.2", lambda p: [p.E(p.y) / p.E(p.hours)]),
    ("E[y] <= max(E[label | race=*])", lambda p: [p.E(p.y) - max(p.each("race", value=p.label))]),
    ("0.1 <= E[y | sex=Male] <= 0.4", lambda p: [p.each("sex")[1]]),
    ("E[y | sex=Male] in [0.1, 0.4]", lambda p: [p.each("sex")[1]]),
    ("E[label] - 0.1 <= E[y] <= E[label] + 0.1", lambda p: [p.E(p.y)]),
    ("a: E[y] <= 0.5; b: E[y] >= 0.4", lambda p: [p.E(p.y), p.E(p.y)]),
]


def rows_of_text(text: str, batch: dict[str, Any], weighted: bool, **options: Any) -> LinearRows:
    columns = {name: batch[name] for name in ("sex", "race", "age", "hours", "north-west")}
    weight = batch["w"] if weighted else None
    return parse(text).rows(columns, batch["label"], sample_weight=weight, **options)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("text", "expected"), TABLE, ids=[text for text, _ in TABLE])
def test_gaps_agree_with_plain_numpy(text: str, expected: Any, weighted: bool) -> None:
    batch = make_batch(7)
    rows = rows_of_text(text, batch, weighted)
    gaps = np.asarray(rows.gaps(batch["y"]))
    np.testing.assert_allclose(gaps, expected(Plain(batch, weighted)), rtol=0, atol=1e-10)
    assert np.asarray(rows.estimable).all()
    assert np.asarray(rows.active).all()


@pytest.mark.parametrize(("text", "expected"), TABLE, ids=[text for text, _ in TABLE])
def test_rows_allow_exactly_what_the_gap_allows(text: str, expected: Any) -> None:
    """Some choice of the auxiliary scalars meets the rows if and only if the gaps are within their bounds."""
    batch = make_batch(11)
    rows = rows_of_text(text, batch, False)
    for shift in (0.0, 0.3):
        y = np.clip(batch["y"] * (1 - shift) + shift * batch["label"], 0, 1)
        gaps, lower, upper = (np.asarray(a) for a in (rows.gaps(y), rows.gap_lower, rows.gap_upper))
        for relation, gap, low, high in zip(rows.relations, gaps, lower, upper, strict=True):
            outside = max(low - gap, gap - high, 0.0)
            if abs(gap - low) < 1e-9 or abs(gap - high) < 1e-9:
                continue
            assert feasible(rows, relation.rows, y) == (outside == 0.0)
            violation = np.asarray(rows.violation(y))[list(relation.rows)]
            assert (violation.max() > 0) == (outside > 0)


def feasible(rows: LinearRows, chosen: tuple[int, ...], y: np.ndarray) -> bool:
    from scipy.optimize import linprog

    chosen = list(chosen)
    values = np.asarray(rows.values(y))[chosen]
    aux = np.asarray(rows.aux)[chosen]
    lower, upper = np.asarray(rows.lower)[chosen], np.asarray(rows.upper)[chosen]
    if aux.shape[1] == 0:
        return bool(np.all(values <= upper + 1e-9) and np.all(values >= lower - 1e-9))
    left = np.vstack([aux, -aux])
    right = np.concatenate([upper - values, values - lower])
    finite = np.isfinite(right)
    found = linprog(np.zeros(aux.shape[1]), A_ub=left[finite], b_ub=right[finite], bounds=(None, None))
    return bool(found.status == 0)


@pytest.mark.parametrize("text", [text for text, _ in TABLE])
def test_the_matrix_is_the_map_from_predictions_to_values(text: str) -> None:
    batch = make_batch(3)
    rows = rows_of_text(text, batch, True)
    matrix = np.asarray(rows.matrix)
    assert matrix.shape == (len(rows), N)
    values = matrix @ batch["y"].ravel() + np.asarray(rows.offset)
    np.testing.assert_allclose(values, np.asarray(rows.values(batch["y"])), atol=1e-12)
    assert len(set(rows.names)) == len(rows.names)


def test_the_cost_of_each_form() -> None:
    """Rows and auxiliary scalars are as few as the form needs, never one row for each pair."""
    batch = make_batch(5)
    for text, rows, aux in [
        ("E[y | sex=Female] == E[y] +- 0.1", 1, 0),
        ("abs(E[y | sex=Female] - E[y]) <= 0.1", 1, 0),
        ("0.1 <= E[y] <= 0.4", 1, 0),
        ("max(E[y | race=*]) <= 0.4", 3, 0),
        ("max(abs(E[label - y | race=*])) <= 0.4", 3, 0),
        ("spread(E[y | race=*]) <= 0.1", 3, 1),
        ("spread(E[y | race=*]) <= 0.1 + E[y]", 6, 1),
        ("min(E[y | race=*]) >= 0.8 * max(E[y | race=*])", 6, 1),
        ("equalized_odds(race) <= 0.1", 6, 2),
        ("for a, b in race: E[y | race=a] == E[y | race=b] +- 0.1", 3, 0),
    ]:
        made = rows_of_text(text, batch, False)
        assert np.asarray(made.aux).shape == (rows, aux), text
    spread_rows = rows_of_text("spread(E[y | race=*]) <= 0.1", batch, False)
    assert np.asarray(spread_rows.lower).tolist() == [0.0] * 3
    np.testing.assert_allclose(np.asarray(spread_rows.upper), 0.1)
    assert spread_rows.disjoint
    assert not rows_of_text("for g in race: E[y | race=g] == E[y] +- 0.1", batch, False).disjoint


def test_two_hundred_groups_are_two_hundred_rows() -> None:
    rng = np.random.default_rng(0)
    group = np.array([f"g{i:03d}" for i in range(200)])[rng.permutation(np.arange(2000) % 200)]
    y = rng.random(2000)
    rows = parse("spread(E[y | group=*]) <= 0.1").rows({"group": group})
    assert np.asarray(rows.aux).shape == (200, 1)
    assert len(rows.terms.families) == 1
    means = [y[group == g].mean() for g in np.unique(group)]
    np.testing.assert_allclose(np.asarray(rows.violation(y)), spread(means) - 0.1, atol=1e-12)


def test_outputs_by_number_and_by_name() -> None:
    batch = make_batch(9)
    y = np.random.default_rng(1).random((N, 3))
    rows = rows_of_text("spread(E[y[2] | sex=*]) <= 0.1\nE[2*y[0] + y[1]] <= 1", batch, False, outputs=3)
    plain = Plain(batch, False)
    expected = [spread(plain.each("sex", value=y[:, 2])), plain.E(2 * y[:, 0] + y[:, 1])]
    np.testing.assert_allclose(np.asarray(rows.gaps(y)), expected, atol=1e-12)
    matrix = np.asarray(rows.matrix)
    assert matrix.shape == (3, N, 3)
    values = matrix.reshape(3, -1) @ y.ravel() + np.asarray(rows.offset)
    np.testing.assert_allclose(values, np.asarray(rows.values(y)), atol=1e-12)
    named = rows_of_text(
        "spread(E[y[c] | sex=*]) <= 0.1\nE[2*y[a] + y[b]] <= 1", batch, False, outputs=("a", "b", "c")
    )
    np.testing.assert_allclose(np.asarray(named.gaps(y)), expected, atol=1e-12)


def test_a_vocabulary_without_an_attribute_takes_values_as_they_stand() -> None:
    batch = make_batch(2)
    text = "E[y | sex=Female] == E[y | sex!=Female] +- 0.02\nE[y | age < 30] <= 0.5"
    rows = rows_of_text(text, batch, False, vocabulary=Vocabulary())
    learnt = rows_of_text(text, batch, False)
    np.testing.assert_allclose(np.asarray(rows.gaps(batch["y"])), np.asarray(learnt.gaps(batch["y"])))


def test_names_say_statement_and_group() -> None:
    batch = make_batch(2)
    rows = rows_of_text(
        "gap: for a, b in sex: E[y | sex=a] >= 0.9 * E[y | sex=b]\nspread(E[y | sex=*]) <= 0.1", batch, False
    )
    assert rows.names == (
        "gap[a=Female, b=Male]",
        "gap[a=Male, b=Female]",
        "spread(E[y | sex=*]) <= 0.1 [sex=Female]",
        "spread(E[y | sex=*]) <= 0.1 [sex=Male]",
    )
    assert [relation.statement for relation in rows.relations] == [0, 0, 1]
    assert [relation.rows for relation in rows.relations] == [(0,), (1,), (2, 3)]
