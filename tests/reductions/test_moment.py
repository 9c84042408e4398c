"""Texts as moments: equal to fairlearn's where it has them, and derivatives of what they say."""

from __future__ import annotations

import copy
import itertools
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.reductions import (
    DemographicParity,
    EqualizedOdds,
    ExponentiatedGradient,
    FalsePositiveRateParity,
    GridSearch,
    TruePositiveRateParity,
)
from sklearn.linear_model import LogisticRegression

import keras_fair as kf
from keras_fair.reductions import Moment

# In fairlearn's moments each group is compared with all people of the event; "+" is the group's excess.
THEIRS: dict[str, tuple[Any, str]] = {
    "parity": (DemographicParity, "E[y | sex=*] == E[y] +- 0.03"),
    "parity of decisions": (DemographicParity, "P[y >= 0.5 | sex=*] == P[y >= 0.5] +- 0.03"),
    "opportunity": (TruePositiveRateParity, "P[y >= 0.5 | sex=*, label=1] == P[y >= 0.5 | label=1] +- 0.03"),
    "false positives": (
        FalsePositiveRateParity,
        "P[y >= 0.5 | sex=*, label=0] == P[y >= 0.5 | label=0] +- 0.03",
    ),
    "odds": (EqualizedOdds, "for l in label: E[y | sex=*, label=l] == E[y | label=l] +- 0.03"),
}
TEXTS = (
    "spread(P[y >= 0.5 | sex=*]) <= 0.05",
    "equalized_odds(sex) <= 0.2 at y >= 0.5; P[y >= 0.5] in [0.2, 0.6]",
    "P[y >= 0.5 | sex=a] / P[y >= 0.5 | sex=b] >= 0.8",
    "max(P[y >= 0.5 | sex=*, age >= 0]) <= 0.4",
    "abs(cov(y, age)) <= 0.1",
    "E[y * age | sex=*] <= 0.3",
    "P[label=1 | y >= 0.5, sex=*] >= 0.6",
    "P[y < 0.5 | sex=a] - P[y < 0.5 | sex=b] <= 0.1",
)


def people(n: int = 300, seed: int = 0, groups: str = "abc") -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"sex": rng.choice(list(groups), n), "age": rng.normal(size=n)})
    x = rng.normal(size=(n, 3)) + 0.7 * (table[["sex"]] == "a").to_numpy()
    return x, (x.sum(axis=1) + rng.normal(size=n) > 0.7).astype(int), table


def loaded(text: str, n: int = 300, seed: int = 0) -> Moment:
    x, y, table = people(n, seed)
    moment = Moment(text)
    moment.load_data(x, y, sensitive_features=table)
    return moment


def matched(ours: Moment, theirs: Any) -> list[int]:
    """The place of each of fairlearn's inequalities among ours."""
    texts = [text for _, text in ours.index]
    places = []
    for sign, event, group in theirs.index:
        label = event.removeprefix("label=") if event.startswith("label=") else None
        of_group = f"[sex={group}]" if label is None else f"[sex={group}, label={label}]"
        excess = [number for number, text in enumerate(texts) if of_group in text]
        negative = [number for number in excess if f"- {of_group}" in texts[number]]
        (place,) = negative if sign == "-" else set(excess) - set(negative)
        places.append(place)
    assert sorted(places) == list(range(len(texts)))
    return places


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", THEIRS)
def test_gamma_and_weights_are_those_of_fairlearn(name: str, seed: int) -> None:
    kind, text = THEIRS[name]
    x, y, table = people(n=80 + 40 * seed, seed=seed, groups="abcd"[: 2 + seed % 3])
    theirs, ours = kind(difference_bound=0.03), Moment(text)
    theirs.load_data(x, y, sensitive_features=table["sex"])
    ours.load_data(x, y, sensitive_features=table)
    order = matched(ours, theirs)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        decisions = rng.integers(0, 2, len(y))
        np.testing.assert_allclose(
            ours.gamma(lambda x, d=decisions: d).to_numpy()[order],
            theirs.gamma(lambda x, d=decisions: d).to_numpy(),
            atol=1e-12,
        )
        multipliers = pd.Series(rng.random(len(order)), index=theirs.index)
        own = pd.Series(0.0, index=ours.index)
        own.iloc[order] = multipliers.to_numpy()
        np.testing.assert_allclose(
            ours.signed_weights(own).to_numpy(), theirs.signed_weights(multipliers).to_numpy(), atol=1e-9
        )
    np.testing.assert_array_equal(ours.bound().to_numpy(), theirs.bound().to_numpy())


@pytest.mark.parametrize("text", TEXTS)
def test_weights_are_the_derivative_of_priced_gamma(text: str) -> None:
    scores = text.replace("P[y >= 0.5 | sex=*]", "E[y | sex=*]")
    moment, rng = loaded(scores), np.random.default_rng(1)
    n, multipliers = moment.total_samples, pd.Series(rng.random(len(moment.index)), index=moment.index)
    weights = moment.signed_weights(multipliers)
    base = rng.integers(0, 2, n).astype(float)
    for person in rng.choice(n, 12, replace=False):
        other = base.copy()
        other[person] = 1 - base[person]
        change = moment.gamma(lambda x, d=other: d) - moment.gamma(lambda x, d=base: d)
        slope = float(multipliers @ change) / (other[person] - base[person])
        assert weights[person] == pytest.approx(-n * slope, abs=1e-8)


@pytest.mark.parametrize("text", TEXTS)
def test_inequalities_hold_where_the_audit_says_so(text: str) -> None:
    moment = loaded(text)
    _, y, table = people()
    rng, satisfied = np.random.default_rng(5), set()
    parts = np.column_stack([y, table["age"], table["sex"] == "a", np.ones(len(y))]).astype(float)
    for _ in range(60):
        decisions = (parts @ rng.normal(size=4) + 0.5 * rng.normal(size=len(y)) > 0).astype(float)
        excess = (moment.gamma(lambda x, d=decisions: d) - moment.bound()).max()
        audited = kf.audit(text, decisions, table, y, confidence=None)
        if all(np.isfinite(relation.violation) for relation in audited.relations):
            assert (excess <= 1e-9) == (max(r.violation for r in audited.relations) <= 1e-9)
            satisfied.add(bool(excess <= 1e-9))
    assert satisfied == {True, False}


@pytest.mark.parametrize("text", TEXTS)
def test_projected_multipliers_price_alike_and_have_no_lower_lagrangian(text: str) -> None:
    moment, rng = loaded(text), np.random.default_rng(2)
    multipliers = pd.Series(rng.random(len(moment.index)), index=moment.index)
    projected = moment.project_lambda(multipliers)
    assert (projected >= 0).all()
    assert projected.sum() <= multipliers.sum() + 1e-12
    np.testing.assert_allclose(moment.signed_weights(projected), moment.signed_weights(multipliers))
    decisions = rng.integers(0, 2, moment.total_samples)
    excess = moment.gamma(lambda x: decisions) - moment.bound()
    assert projected @ excess >= multipliers @ excess - 1e-12


@pytest.mark.parametrize("name", ["parity", "odds"])
def test_the_reduction_finds_what_it_finds_with_fairlearn(name: str) -> None:
    kind, text = THEIRS[name]
    x, y, table = people(2000, seed=3)
    answers = []
    for moment in (Moment(text), kind(difference_bound=0.03)):
        reduction = ExponentiatedGradient(LogisticRegression(), moment, max_iter=12)
        reduction.fit(x, y, sensitive_features=table[["sex"]])
        answers.append(reduction._pmf_predict(x)[:, 1])
        assert reduction.best_gap_ < 0.02
    ours, theirs = answers
    assert np.abs(ours - theirs).mean() < 0.03
    gaps = [kf.audit("spread(E[y | sex=*]) <= 1", each, table).relations[0].gap for each in answers]
    assert gaps[0] == pytest.approx(gaps[1], abs=0.02)


def test_a_grid_has_a_direction_for_each_group_but_one() -> None:
    x, y, table = people(1500, seed=4)
    for text, directions in (
        ("E[y | sex=*] == E[y] +- 0.01", 2),
        ("spread(P[y >= 0.5 | sex=*]) <= 0.01", 2),
        ("for l in label: E[y | sex=*, label=l] == E[y | label=l] +- 0.01", 4),
        ("P[y >= 0.5 | sex=a] <= 0.3", 1),
    ):
        moment = Moment(text)
        moment.load_data(x, y, sensitive_features=table)
        assert moment.pos_basis.shape == moment.neg_basis.shape == (len(moment.index), directions)
        assert len(moment.neg_basis_present) == directions
        assert moment.neg_basis_present.all() == ("==" in text or "spread" in text)
    text = "spread(P[y >= 0.5 | sex=*]) <= 0.02"
    plain = LogisticRegression().fit(x, y).predict(x)
    search = GridSearch(LogisticRegression(), Moment(text), grid_size=25, constraint_weight=0.9)
    found = search.fit(x, y, sensitive_features=table).predict(x)
    before, after = (kf.audit(text, each.astype(float), table).relations[0].gap for each in (plain, found))
    assert after < 0.4 * before


def test_columns_of_x_and_what_is_named() -> None:
    x, y, table = people()
    whole = table.assign(skill=x[:, 0])
    moment = Moment("spread(P[y >= 0.5 | gender=*]) <= 0.1", columns={"gender": "sex"})
    moment.load_data(whole, pd.Series(y))
    assert moment.index.names == ["relation", "inequality"]
    assert ("spread(P[y >= 0.5 | gender=*]) <= 0.1", "[gender=a] - [gender=b] <= 0.1") in moment.index
    named = Moment("spread(P[y >= 0.5 | sex=*]) <= 0.1")
    named.load_data(x, y, sensitive_features=table["sex"])
    assert len(named.index) == 6
    with pytest.raises(ValueError, match="only once"):
        named.load_data(x, y, sensitive_features=table["sex"])
    assert not copy.deepcopy(Moment("P[y >= 0.5] <= 0.1")).data_loaded


def test_probabilities_count_as_decisions_where_the_text_has_a_threshold() -> None:
    x, y, table = people()
    scores = np.random.default_rng(0).random(len(y))
    for text, read in (("P[y >= 0.7] <= 0.1", scores >= 0.7), ("E[y] <= 0.1", scores)):
        moment = Moment(text)
        moment.load_data(x, y, sensitive_features=table)
        assert moment.gamma(lambda x: scores).iloc[0] == pytest.approx(np.mean(read))


REFUSED = [
    ("cov(y, y) <= 0.1", 7, "must be free of y"),
    ("P[label=1 | y >= 0.5, sex=a] == P[label=1 | y >= 0.5, sex=b] +- 0.1", 0, "kf.audit takes it"),
    ("P[y >= 0.3 | sex=a] <= 0.2; P[y >= 0.5 | sex=b] <= 0.2", 30, "one reduction decides by one threshold"),
    ("P[label=1 | sex=a] <= 0.2", 0, "no reduction can change this relation"),
    ("P[y[0] >= 0.5] <= 0.2; P[y[1] >= 0.5] <= 0.2", 25, "a reduction is about one output"),
    ("min(P[y >= 0.5 | sex=*]) <= 0.2", 0, "not convex"),
    ("P[y >= 1.5] <= 0.2", 0, "t above 0 and at most 1"),
    ("P[y > 0.5] <= 0.2", 2, "expected a decision of the form y >= 0.5"),
]


@pytest.mark.parametrize(("text", "column", "words"), REFUSED)
def test_statements_that_are_not_affine_in_decisions(text: str, column: int, words: str) -> None:
    with pytest.raises(kf.ConstraintError) as caught:
        Moment(text)
    assert words in str(caught.value)
    assert str(caught.value).splitlines()[-1].index("^") - 2 == column


WRONG = {
    "labels": ({"y": lambda y: y + 1}, "expected labels y of 0 and 1, received 2"),
    "length": ({"y": lambda y: y[:-1]}, "X has 300, y has 299"),
    "no column": ({"table": lambda table: table[["age"]]}, "expected attribute 'sex' of the constraints"),
    "value": ({"table": lambda table: table.assign(sex="z")}, "'sex' has no value 'a'"),
    "order": ({"y": lambda y: pd.Series(y).iloc[::-1], "x": pd.DataFrame}, "in the order of X"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_refused(case: str) -> None:
    changes, message = WRONG[case]
    x, y, table = people()
    given = {"x": x, "y": y, "table": table}
    for name, change in changes.items():
        given[name] = change(given[name])
    with pytest.raises(ValueError, match=re.escape(message)):
        Moment("P[y >= 0.5 | sex=a] <= 0.1").load_data(
            given["x"], given["y"], sensitive_features=given["table"]
        )


def test_predictions_out_of_range_and_empty_groups() -> None:
    x, y, table = people()
    with pytest.raises(ValueError, match=re.escape("in [0, 1]")):
        loaded("E[y] <= 0.5").gamma(lambda x: np.full(300, 1.5))
    moment = Moment("P[y >= 0.5 | sex=z] <= 0.1", vocabulary={"sex": ["a", "b", "c", "z"]})
    with pytest.raises(ValueError, match="Nobody is in the group sex=z"):
        moment.load_data(x, y, sensitive_features=table)
    kept = Moment("P[y >= 0.5 | sex=*] <= 0.1", vocabulary={"sex": ["a", "b", "c", "z"]})
    with pytest.warns(UserWarning, match="Nobody is in the group sex=z"):
        kept.load_data(x, y, sensitive_features=table)
    assert len(kept.index) == 3


def test_pairs_of_a_spread_are_all_there() -> None:
    texts = {text for _, text in loaded("spread(P[y >= 0.5 | sex=*]) <= 0.05").index}
    for first, second in itertools.permutations("abc", 2):
        signs = f"[sex={first}] - [sex={second}]", f"- [sex={second}] + [sex={first}]"
        assert any(f"{each} <= 0.05" in texts for each in signs)
