"""Numbers and sentences that all reports share."""

from __future__ import annotations

import math

import pytest

import keras_fair as kf
from keras_fair.audit.result import Audit, StatisticValue, Verdict
from keras_fair.reports.numbers import allowed, metric, percent, size_text
from keras_fair.reports.strips import Axis
from keras_fair.reports.wording import (
    advice,
    caveats,
    group_name,
    headline,
    parameters,
    statement_results,
    summary,
    weighted,
    worst_first,
)
from tests.reports import made

INFINITY = math.inf


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.5, "0.5000"),
        (-0.18342, "-0.1834"),
        (0.0005, "0.0005"),
        (0.00001, "1.0e-05"),
        (150.25, "150.2"),
        (12345.6, "12,346"),
        (math.nan, "-"),
        (-INFINITY, "minus infinite"),
    ],
)
def test_metric(number: float, written: str) -> None:
    assert metric(number) == written


def test_sizes_and_shares() -> None:
    assert [size_text(size) for size in (1, 2000.0, 12.34, math.nan)] == ["1", "2,000", "12.3", "-"]
    assert [percent(share) for share in (0.1234, math.nan)] == ["12.3%", "-"]


@pytest.mark.parametrize(
    ("bounds", "written"),
    [
        ((-0.02, 0.02), "±0.02"),
        ((-INFINITY, 0.05), "≤ 0.05"),
        ((0.8, INFINITY), "≥ 0.8"),
        ((0.1, 0.4), "0.1 to 0.4"),
        ((math.nan, 0.4), "-"),
    ],
)
def test_bounds(bounds: tuple[float, float], written: str) -> None:
    assert allowed(made.relation("E[y] <= 1", 0.0, bounds, Verdict.SATISFIED)) == written


@pytest.mark.parametrize(
    ("names", "values", "written"),
    [
        ((), (), "everyone"),
        (("sex", "label"), ("Female", 1.0), "sex = Female, label = 1"),
        (("age",), ("25 <= age < 60",), "25 <= age < 60"),
        (("age",), ("age >= 60",), "age >= 60"),
        (("age",), ("age",), "age"),
        (("a.b*",), ("a.b* < 1",), "a.b* < 1"),
        (("age",), ("teenage < 60",), "age = teenage < 60"),
        (("age",), ("missing",), "age = missing"),
    ],
)
def test_groups(names: tuple[str, ...], values: tuple[str | float, ...], written: str) -> None:
    assert group_name(made.group(names, values, 1, 0.5)) == written


def test_worst_first() -> None:
    found = [
        made.relation("E[y] <= 0.5", gap, (-INFINITY, 0.5), verdict, name=str(place))
        for place, (gap, verdict) in enumerate(
            [
                (0.1, Verdict.SATISFIED),
                (0.6, Verdict.VIOLATED),
                (math.nan, Verdict.UNESTIMABLE),
                (0.4, Verdict.SATISFIED),
                (0.51, Verdict.UNDECIDED),
                (0.9, Verdict.VIOLATED),
            ]
        )
    ]
    assert [relation.name for relation in worst_first(found)] == ["5", "1", "4", "2", "3", "0"]


def test_statements_have_their_texts_where_the_audit_holds_them() -> None:
    results = statement_results(made.mixed())
    assert [result.text for result in results] == list(made.mixed().statements)
    assert [result.verdict.value for result in results] == ["violated", "undecided", "violated", "satisfied"]
    assert results[2].relations[0].name == "floor[g=Black]"
    without = statement_results(made.many(statements=250))
    assert [result.text for result in without] == [""] * 250


def judged(*verdicts: Verdict) -> Audit:
    return Audit(
        tuple(
            made.relation("E[y] <= 0.5", 0.5, (-INFINITY, 0.5), verdict, name=str(place))
            for place, verdict in enumerate(verdicts)
        ),
        samples=10,
    )


@pytest.mark.parametrize(
    ("verdicts", "head", "sentence"),
    [
        ([], "There was nothing to audit", "The constraints make no relation on these samples."),
        ([Verdict.SATISFIED], "The constraint holds", "The one relation is satisfied."),
        ([Verdict.SATISFIED] * 2, "All constraints hold", "All 2 relations are satisfied."),
        ([Verdict.UNESTIMABLE], "No violation was shown, but not all is known", "The one relation is not"),
        (
            [Verdict.SATISFIED, Verdict.UNDECIDED],
            "No violation was shown, but not all is known",
            "Of 2 relations, 1 is undecided and 1 satisfied.",
        ),
        (
            [Verdict.VIOLATED, Verdict.VIOLATED, Verdict.SATISFIED],
            "The constraints do not hold",
            "Of 3 relations, 2 are violated and 1 satisfied.",
        ),
    ],
)
def test_the_verdict_on_the_whole(verdicts: list[Verdict], head: str, sentence: str) -> None:
    audit = judged(*verdicts)
    assert headline(audit) == head
    assert summary(audit).startswith(sentence)
    assert audit.satisfied is (set(verdicts) <= {Verdict.SATISFIED})


def test_caveats_name_what_is_not_known() -> None:
    found = dict(caveats(made.mixed()))
    about = {sentence.split()[0]: items for sentence, items in found.items()}
    assert about["Not"] == ("floor[g=Hispanic or Latino]: nobody has race = Hispanic or Latino",)
    assert len(about["Undecided,"]) == 2
    assert about["Samples"] == ("3 samples with an unknown value of race", "12 samples with no value of sex")
    assert dict(caveats(made.one())).keys() == {
        "No intervals were asked for: verdicts compare the gaps of these samples as they are."
    }


def test_weights_are_told() -> None:
    text = "E[y | sex=F] <= 0.5"
    statistic = StatisticValue("E[y | sex=F]", 0.4, 20.0, 31.5)
    found = Audit(
        (made.relation(text, 0.4, (-INFINITY, 0.5), Verdict.SATISFIED, statistics=(statistic,)),), samples=20
    )
    assert parameters(found)["Weights"].startswith("each sample counts by its weight")
    for report in (found.to_markdown(), found.to_markdown(card=True), found.to_html()):
        assert "each sample counts by its weight" in report
    plain = made.mixed()
    assert not weighted(plain)
    assert "by its weight" not in plain.to_markdown() + plain.to_markdown(card=True)


def test_an_equality_without_a_tolerance_is_told_apart() -> None:
    found = Audit(
        (
            made.relation("E[y] == 0.5", 0.01, (0.0, 0.0), Verdict.UNDECIDED),
            made.relation("E[y] <= 0.5", 0.49, (-INFINITY, 0.5), Verdict.UNDECIDED),
        ),
        samples=20,
    )
    told = dict(caveats(found))
    assert [items for sentence, items in told.items() if "leave both open" in sentence] == [("E[y] <= 0.5",)]
    assert [items for sentence, items in told.items() if "+- 0.02" in sentence] == [("E[y] == 0.5",)]


def test_undecided_is_explained_once_in_every_form() -> None:
    why = "the interval reaches past the bound. More people narrow it;"
    undecided = [
        made.relation("E[y] <= 0.5", gap, (-INFINITY, 0.5), Verdict.UNDECIDED, name=name)
        for gap, name in ((0.495, "a"), (0.505, "b"))
    ]
    audit = Audit(tuple(undecided), samples=20)
    for form in (str(audit), audit.to_html(), audit.to_markdown(), audit.to_markdown(card=True)):
        text = " ".join(form.split())
        assert text.count(why) == text.count("must be held further inside too: margin=") == 1
        assert "margin= of FairModel, FairProjection and kf.project" in text
    for gap in (0.2, 0.7):  # a small group, and one without scatter
        relation = made.relation("E[y] <= 0.5", gap, (-INFINITY, 0.5), Verdict.UNDECIDED)
        assert advice(Audit((relation,), samples=20)) == (
            "Undecided: these are too few people to tell. Audit more people."
        )
    point = made.relation("E[y] == 0.5", 0.505, (0.5, 0.5), Verdict.UNDECIDED)
    held = made.relation("E[y] <= 0.5", 0.2, (-INFINITY, 0.5), Verdict.SATISFIED)
    assert advice(Audit((point, held), samples=20)) == ""


def test_names_below_the_table_are_printed_as_they_are() -> None:
    sex = [":x:", "[red]", "", "Male"]
    people = {"[red]:x:": sex}
    vocabulary = kf.rows.Vocabulary({"[red]:x:": ["Male"]}, missing="exclude")
    found = kf.audit("E[y | `[red]:x:`=Male] <= 1", [0.1] * 4, people, vocabulary=vocabulary)
    assert "2 with an unknown value of [red]:x:, 1 without a value of [red]:x:" in str(found)


def test_parameters() -> None:
    found = parameters(made.mixed())
    assert found["Confidence"] == "95%, simultaneous over the relations of a constraint"
    assert found["Intervals of gaps"] == "welch"
    assert found["Groups by"] == "sex; race; race and sex"
    assert parameters(made.one())["Confidence"] == "none"
    assert "Groups by" not in parameters(made.one())


@pytest.mark.parametrize(
    ("numbers", "zero", "ticks"),
    [
        ([0.02, -0.02, -0.18], True, (-0.15, -0.1, -0.05, 0.0)),
        ([0.3, 0.5], False, (0.3, 0.35, 0.4, 0.45, 0.5)),
        ([7.0], False, (4.0, 6.0, 8.0, 10.0)),
        ([], False, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ([math.nan, -INFINITY, 0.0], True, (-0.4, -0.2, 0.0, 0.2, 0.4)),
        ([1e-9, 2e-9], False, (1e-9, 1.2e-9, 1.4e-9, 1.6e-9, 1.8e-9, 2e-9)),
        ([-1e308, 1e308], True, None),
    ],
)
def test_axes(numbers: list[float], zero: bool, ticks: tuple[float, ...] | None) -> None:
    axis = Axis.of(numbers, zero=zero)
    if ticks is not None:
        assert axis.ticks == pytest.approx(ticks)
    assert axis.low < axis.high
    assert all(
        0 <= axis.place(number) <= 100 for number in (*numbers, -INFINITY, INFINITY) if number == number
    )
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks) or ticks is None
