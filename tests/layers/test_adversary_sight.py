"""What an adversary guesses and sees, as a table of texts; and texts that ask for no independence."""

from __future__ import annotations

import pytest

from keras_fair.errors import ConstraintTypeError
from keras_fair.language import node_text
from keras_fair.layers.adversary_sight import parse_spoken, sights_of

# text, the attributes that are guessed, as a number, the label is seen, whose samples
SEEN = [
    ("independence(sex)", "sex", False, False, ""),
    ("independence(sex) <= 0.03", "sex", False, False, ""),
    ("mutual_information(sex) <= 0.1", "sex", False, False, ""),
    ("demographic_parity(sex)", "sex", False, False, ""),
    ("demographic_parity(race, sex) <= 0.1", "race, sex", False, False, ""),
    ("independence(sex | age > 30)", "sex", False, False, "age > 30"),
    ("spread(E[y | sex=*, age > 30]) <= 0.1", "sex", False, False, "age > 30"),
    ("independence(sex | label=1)", "sex", False, False, "label=1"),
    ("equal_opportunity(sex)", "sex", False, False, "label=1"),
    ("predictive_equality(sex)", "sex", False, False, "label=0"),
    ("separation(sex)", "sex", False, True, ""),
    ("separation(race, sex) <= 0.1", "race, sex", False, True, ""),
    ("equalized_odds(sex) <= 0.05", "sex", False, True, ""),
    ("equalized_odds(race, sex)", "race, sex", False, True, ""),
    ("max(spread(E[y | a=*, label=0, b=1]), spread(E[y | a=*, label=1, b=1])) <= 0", "a", False, True, "b=1"),
    ("corr(y, age) == 0", "age", True, False, ""),
    ("cov(age, y) == 0 +- 0.1", "age", True, False, ""),
    ("abs(cov(y, age | label=1)) <= 0.1", "age", True, False, "label=1"),
    ("corr(y, age)", "age", True, False, ""),
]


@pytest.mark.parametrize(("text", "attributes", "number", "sees_label", "condition"), SEEN)
def test_what_is_seen_follows_from_the_text(
    text: str, attributes: str, number: bool, sees_label: bool, condition: str
) -> None:
    (sight,) = sights_of(parse_spoken(text))
    assert ", ".join(attribute.name for attribute in sight.attributes) == attributes
    assert (sight.number, sight.sees_label) == (number, sees_label)
    assert ("" if sight.condition is None else node_text(sight.condition)) == condition


def test_several_statements_are_told_apart() -> None:
    text = "independence(sex); fair: independence(race) <= 0.1 with weight 2\nindependence(sex) <= 0.2"
    first, second, third = sights_of(parse_spoken(text))
    assert (first.name, second.name) == ("independence(sex)", "fair")
    assert third.name not in ("independence(sex)", "fair")
    assert [first.weight, second.weight, third.weight] == [1.0, 2.0, 1.0]
    assert sights_of(parse_spoken(text.replace("\n", "; ").split("; "))) == (first, second, third)


# text, and what the caret stands under
REFUSED = [
    ("E[y | sex=Female] == E[y | sex=Male] +- 0.1", "E"),
    ("E[y | sex=*] <= 0.3", "E"),
    ("spread(P[y >= 0.5 | sex=*]) <= 0.1", "s"),
    ("mean_residual(sex) <= 0.1", "m"),
    ("disparate_impact(sex) >= 0.8", "d"),
    ("for a in sex: E[y | sex=a] <= 0.3", "a"),
    ("independence(sex | y > 0.5) <= 0.1", "y > 0.5"),
    ("independence(sex, y=label - y) <= 0.1", "label - y"),
    ("separation(sex, label=age) <= 0.1", "age"),
    ("spread(E[y | label=*]) <= 0.1", "label=*"),
    ("corr(y, label) == 0", "c"),
    ("max(spread(E[y | a=*, label=1]), spread(E[y | b=*, label=0])) <= 0", "m"),
    ("max(spread(E[y | a=*, label=1]), spread(E[y | a=*])) <= 0", "m"),
]


@pytest.mark.parametrize(("text", "place"), REFUSED)
def test_what_is_no_independence_is_refused_at_its_place(text: str, place: str) -> None:
    with pytest.raises(ConstraintTypeError, match="it takes independence") as refused:
        sights_of(parse_spoken(text))
    assert "separation(A)" in str(refused.value)
    assert "corr(y, A) == 0" in str(refused.value)
    assert text[refused.value.span.start :].startswith(place)
