"""What no rows can hold is refused where it is written, before any data; what can't fail is said."""

from __future__ import annotations

import keras
import pytest

import keras_fair as kf

MAKERS = {
    "layer": kf.FairProjection,
    "stream": kf.StreamingFairness,
    "model": lambda rule: kf.FairModel(keras.Sequential([keras.layers.Dense(1)]), rule),
}
made = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@made
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("P[y >= 0.5 | sex=Female] <= 0.2", "not affine in y"),
        ("E[y] <= 0.9; E[y | y >= 0.5] <= 0.9", "a group that is chosen by y"),
        ("spread(P[y >= 0.5 | race=*]) <= 0.1", "not affine in y"),
        ("corr(y, age) == 0 +- 0.1", "a correlation is not affine in y .*cov"),
        ("E[y] <= corr(label, age)", "no other statistic"),
        ("independence(sex) <= 0.1", "whole distribution of y.* demographic_parity"),
        ("E[y] <= 0.9; max(E[y], separation(sex)) <= 0.9", "whole distribution of y.* equalized_odds"),
        ("mutual_information(sex, race) <= 0.9", "whole distribution of y"),
    ],
)
def test_what_can_only_be_audited_is_refused_by_constructors(make, rule: str, words: str) -> None:
    with pytest.raises(kf.ConstraintTypeError, match=words) as refusal:
        make(rule)
    assert "audit" in refusal.value.modes
    assert "streaming" not in refusal.value.modes


@pytest.mark.parametrize("rule", ["corr(y, age) <= 0.1", "independence(sex) <= 0.1"])
def test_a_frozen_rule_refuses_what_an_audit_alone_takes(rule: str) -> None:
    with pytest.raises(kf.ConstraintTypeError, match="not affine in y") as refusal:
        kf.FrozenFairness(rule)
    assert "audit" in refusal.value.modes
    assert rule[refusal.value.span.start : refusal.value.span.end] == rule.split(" <=")[0]


@made
def test_a_weight_is_nothing_to_modes_in_which_a_statement_holds(make) -> None:
    make("E[y | sex=Female] <= 0.5 with weight 3")


@made
@pytest.mark.parametrize("rule", ["spread(E[y | race=*]) <= 5", "ok: E[y] <= 0.9; percent: E[y] <= 70"])
def test_a_bound_that_no_prediction_violates_is_pointed_out(make, rule: str) -> None:
    with pytest.warns(UserWarning, match=r"holds whatever the predictions between 0 and 1 are.* write 0\.05"):
        make(rule)


@made
@pytest.mark.parametrize(
    "rule",
    [
        "E[age * y | sex=*] <= E[age]",
        "cov(y, age | age=*) <= 0.1",
        "for a, b in race: E[y | race=a] == E[y | race=b] +- 0.1",
        "E[y | when >= '2024-01-01'] <= 0.5",
        "spread(E[y | sex=*, race=*]) <= 0.1; equalized_odds(sex) <= 0.1",
    ],
)
def test_what_only_data_can_decide_is_taken(make, rule: str) -> None:
    assert isinstance(make(rule), (keras.layers.Layer, keras.callbacks.Callback))
