"""Diagnosis of sets of constraints: feasible ones, conflicts by hand, and the report."""

from __future__ import annotations

import numpy as np
import pytest

import keras_fair as kf

PEOPLE = {"sex": ["F", "M", "F", "M", "M"], "age": [20.0, 30.0, 40.0, 50.0, 60.0]}
CLASH = (
    "E[y] <= 0.9; E[y | sex=F] == 0.2; E[y | sex=M] >= 0.1; E[y | sex=F] == 0.4; spread(E[y | sex=*]) <= 0.3"
)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("E[y | sex=F] == E[y | sex=M] +- 0.02", (0, 1)),
        ("spread(E[y | sex=*]) <= 0", (0, 1)),
        ("E[y | sex=F] == 1; E[y | sex=M] == 0", (0, 1)),
        ("E[y | sex=F] == 1; spread(E[y | sex=*]) <= 0; E[y] >= 1", (0, 1)),
        ("abs(E[y | sex=F] - 0.2) <= 0.1; 0.3 <= E[y | sex=F] <= 0.5", (0, 1)),
        ("E[y | sex=F] >= 100; cov(y, age) == 7", None),
        ("E[y | sex=F] >= -3; E[y] <= -2", (-3, -1)),
        ("E[y | sex=F] / E[y | sex=M] >= 0.8; E[y | sex=M] >= 0.5", (0, 1)),
        ("E[y | sex=F] >= 5", (0, np.inf)),
    ],
)
def test_feasible(text: str, domain) -> None:
    found = kf.diagnose(text, PEOPLE, domain=domain)
    assert found.feasible
    assert (found.conflict, found.growth, found.largest_growth) == ((), {}, 0.0)
    assert found.solver in ("HiGHS", "Clarabel")
    assert str(found).startswith("Feasible: predictions in ")


def test_exactly_the_two_that_clash_are_named() -> None:
    found = kf.diagnose(CLASH, PEOPLE)
    assert not found.feasible
    assert found.conflict == ("E[y | sex=F] == 0.2", "E[y | sex=F] == 0.4")
    assert found.total_growth == pytest.approx(0.2, abs=1e-8)
    assert set(found.growth) <= set(found.conflict)
    assert found.largest_growth == pytest.approx(0.1, abs=1e-8)


def test_the_report_says_it_all() -> None:
    report = str(kf.diagnose(CLASH, PEOPLE))
    for words in (
        "no predictions in [0, 1] meet all 5 relations",
        "  E[y | sex=F] == 0.2\n  E[y | sex=F] == 0.4\n",
        "the least in the sum, 0.2",
        "all of them by 0.1 (the least for the largest)",
        "5 samples of 2 kinds",
    ):
        assert words in report


@pytest.mark.parametrize(
    ("text", "domain", "growth"),
    [
        ("E[y | sex=F] >= 1.2", (0, 1), 0.2),
        ("E[y | sex=F] <= -0.5", (0, 1), 0.5),
        ("E[y | sex=F] - E[y | sex=M] >= 3", (-1, 1), 1.0),
        ("cov(y, age) >= 10", (0, 1), 4.0),  # at most 30 / 5
        ("E[label - y | sex=F] == 0.75 +- 0.05", (0.1, 1), 0.3),
    ],
)
def test_a_row_beyond_the_domain(text: str, domain, growth: float) -> None:
    label = [0, 1, 1, 1, 0]
    found = kf.diagnose(text, PEOPLE, label, domain=domain)
    assert found.conflict == (text,)
    assert found.growth == pytest.approx({text: growth}, abs=1e-7)
    assert found.largest_growth == pytest.approx(growth, abs=1e-7)
    assert "even alone" in str(found)


def test_a_spread_grows_in_its_own_units() -> None:
    """It is several rows, of which only some hold its bound; widening all would count its growth half."""
    text = "spread(E[y | sex=*]) <= 0.1; E[y | sex=F] >= 1; E[y | sex=M] <= 0"
    found = kf.diagnose(text, PEOPLE)
    assert len(found.conflict) == 3
    assert found.total_growth == pytest.approx(0.9, abs=1e-7)
    assert found.largest_growth == pytest.approx(0.3, abs=1e-7)
    beyond = "spread(E[y | sex=*]) <= 0.1; E[y | sex=F] >= 1.5; E[y | sex=M] <= -0.5"
    narrow = kf.diagnose(beyond, PEOPLE)
    assert narrow.total_growth == pytest.approx(1.9, abs=1e-7)


def test_growth_suffices_and_less_does_not() -> None:
    def text(share: float) -> str:
        step = 0.3 * share
        return f"spread(E[y | sex=*]) <= {0.1 + step}; E[y | sex=F] >= {1 - step}; E[y | sex=M] <= {step}"

    assert kf.diagnose(text(1.0), PEOPLE).feasible
    assert not kf.diagnose(text(0.999), PEOPLE).feasible


def test_quantifiers_are_named_by_their_ground_relations() -> None:
    found = kf.diagnose("for g in sex: E[y | sex=g] >= 0.6; cap: E[y] <= 0.5", PEOPLE)
    assert len(found.conflict) == 3
    assert "E[y | sex=F] >= 0.6" in found.conflict
    assert any("E[y] <= 0.5" in relation for relation in found.conflict)


def test_relations_of_one_text_keep_apart() -> None:
    found = kf.diagnose("E[y] <= 0.2; E[y] <= 0.2; E[y] >= 0.4", PEOPLE)
    assert len(found.conflict) == 2
    assert found.largest_growth == pytest.approx(0.1, abs=1e-8)
    assert found.total_growth == pytest.approx(0.2, abs=1e-8)
    assert set(found.growth) == {"E[y] >= 0.4"}


def test_groups_that_nobody_belongs_to() -> None:
    vocabulary = kf.Vocabulary({"sex": ["F", "M", "X"]})
    text = "E[y | sex=X] >= 5; spread(E[y | sex=*]) <= 0.1; E[y] <= 0.5"
    found = kf.diagnose(text, PEOPLE, vocabulary=vocabulary)
    assert found.feasible
    assert found.relations == 2
    assert found.unestimable[0] == "E[y | sex=X] >= 5"
    assert any("spread" in name and "X" in name for name in found.unestimable[1:])
    assert "Nobody with weight belongs to a group of these" in str(found)
    weightless = kf.diagnose("E[y | sex=F] >= 5", PEOPLE, sample_weight=[0.0, 1.0, 0.0, 1.0, 1.0])
    assert (weightless.feasible, weightless.unestimable) == (True, ("E[y | sex=F] >= 5",))
    assert "no relation to meet" in str(weightless)


def test_values_outside_the_vocabulary_are_counted() -> None:
    vocabulary = kf.Vocabulary({"sex": ["F", "M"]})
    found = kf.diagnose("E[y | sex=F] <= 0.5", {"sex": ["F", "Q", "M"]}, vocabulary=vocabulary)
    assert found.unknown == {"sex": 1}
    assert "1 sample has a value of sex outside the vocabulary" in str(found)


def test_labels_and_weights_decide_too() -> None:
    text = "E[label - y | sex=F] == 0; E[y | sex=F] >= 0.6"
    assert not kf.diagnose(text, PEOPLE, [1, 0, 0, 1, 1]).feasible
    assert kf.diagnose(text, PEOPLE, [1, 0, 0, 1, 1], sample_weight=[3.0, 1.0, 1.0, 1.0, 1.0]).feasible


def test_vectors_of_probabilities() -> None:
    text = "E[y[0] | sex=F] >= 0.6; E[y[1] | sex=F] >= 0.6; E[y[2]] <= 0.9"
    found = kf.diagnose(text, PEOPLE, domain="simplex", outputs=3)
    assert found.conflict == ("E[y[0] | sex=F] >= 0.6", "E[y[1] | sex=F] >= 0.6")
    assert found.total_growth == pytest.approx(0.2, abs=1e-8)
    assert kf.diagnose(text, PEOPLE, outputs=3).feasible
    third = "E[y[0]] <= 0.2; E[y[1]] <= 0.2"
    assert kf.diagnose(third, PEOPLE, domain="simplex", outputs=3).feasible
    assert not kf.diagnose(third, PEOPLE, domain="simplex", outputs=2).feasible


def test_a_million_samples_are_a_few_cells(rng: np.random.Generator) -> None:
    size = 1_000_000
    people = {"sex": rng.integers(0, 2, size), "race": rng.integers(0, 7, size)}
    text = "spread(E[y | race=*, sex=*]) <= 0.05; E[y | sex=0] >= 0.6; E[y | sex=1] <= 0.5; E[y] <= 0.9"
    weight = rng.random(size)
    found = kf.diagnose(text, people, sample_weight=weight)
    assert (found.samples, found.cells, len(found.conflict)) == (size, 14, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"constraints": ""}, "empty"),
        ({"domain": (1.0, 0.0)}, "domain=(1.0, 0.0)"),
        ({"domain": "simplex"}, "outputs >= 2"),
        ({"constraints": "cov(y, age) <= 1", "attributes": {"age": [1.0, np.inf]}}, "finite numbers"),
        ({"outputs": 0}, "outputs=0"),
        ({"vocabulary": ["F"]}, "vocabulary=['F']"),
        ({"attributes": {"sx": ["F"]}}, "did you mean 'sx'"),
        ({"sample_weight": [1.0, -1.0, 1.0, 1.0, 1.0]}, "sample_weight"),
        ({"constraints": "E[y | label=1] <= 0.5"}, "label"),
        ({"constraints": "E[label | y >= 0.5, sex=F] == 0.5 +- 0.1"}, "floor"),
    ],
)
def test_wrong_input(arguments: dict, words: str) -> None:
    with pytest.raises(ValueError) as fault:  # noqa: PT011
        kf.diagnose(**{"constraints": "E[y | sex=F] <= 0.5", "attributes": PEOPLE, **arguments})
    assert words in str(fault.value)


def test_a_solver_that_fails_is_an_error(monkeypatch) -> None:
    import cvxpy as cp

    def failing(self, solver: str, **_: object) -> None:
        raise cp.error.SolverError("out of ideas")

    monkeypatch.setattr(cp.Problem, "solve", failing)
    with pytest.raises(RuntimeError, match="HiGHS: out of ideas; Clarabel: out of ideas"):
        kf.diagnose("E[y | sex=F] <= 0.5", PEOPLE)


def test_clarabel_does_without_highs(monkeypatch) -> None:
    import cvxpy as cp

    monkeypatch.setattr(cp, "installed_solvers", lambda: ["CLARABEL"])
    found = kf.diagnose(CLASH, PEOPLE)
    assert found.solver == "Clarabel"
    assert found.conflict == ("E[y | sex=F] == 0.2", "E[y | sex=F] == 0.4")
    assert found.total_growth == pytest.approx(0.2, abs=1e-7)


def test_nothing_is_printed(capsys) -> None:
    kf.diagnose(CLASH, PEOPLE)
    assert capsys.readouterr().out == ""


def test_decisions_are_diagnosed_as_shares_of_people() -> None:
    sex = {"sex": ["F"] * 4 + ["M"] * 6}
    text = "P[y >= 0.5 | sex=F] >= 0.9; P[y >= 0.5] <= 0.2; P[y >= 0.5 | sex=M] <= 0.8"
    found = kf.diagnose(text, sex)
    assert found.conflict == ("P[y >= 0.5 | sex=F] >= 0.9", "P[y >= 0.5] <= 0.2")
    assert kf.diagnose("spread(P[y >= 0.5 | sex=*]) <= 0; P[y >= 0.5] <= 0.2", sex).feasible
    with pytest.raises(kf.ConstraintTypeError, match="learn two rules"):
        kf.diagnose("P[y >= 0.5] <= 0.2; E[y] <= 0.1", sex)
