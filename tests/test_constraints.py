"""`ConstraintSet`: text, JSON, identity, and what it needs."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.constraints import ConstraintSet, parse
from keras_fair.errors import ConstraintError, ConstraintSyntaxError
from keras_fair.language.nodes import Statement

TEXT = "a: E[y|sex=Male] <= 20% ; equal_opportunity(race, `my group`) <= 0.1 # both"
CANONICAL = "a: E[y | sex=Male] <= 0.2\nspread(E[y | race=*, `my group`=*, label=1]) <= 0.1"


def test_text_and_length_and_iteration() -> None:
    constraints = parse(TEXT)
    assert str(constraints) == CANONICAL
    assert constraints.text == TEXT
    assert len(constraints) == 2
    assert all(isinstance(statement, Statement) for statement in constraints)
    assert tuple(constraints) == constraints.statements


def test_identity_does_not_depend_on_how_it_was_written() -> None:
    constraints, again = parse(TEXT), parse(CANONICAL)
    assert constraints == again
    assert hash(constraints) == hash(again)
    assert parse(str(constraints)) == constraints
    assert constraints != parse("E[y] <= 1")
    assert parse("E[y] <= 1; E[y] >= 0") != parse("E[y] >= 0; E[y] <= 1")


def test_a_set_is_frozen_and_is_parsed_to_itself() -> None:
    constraints = parse(TEXT)
    assert parse(constraints) is constraints
    with pytest.raises(dataclasses.FrozenInstanceError):
        constraints.text = ""  # type: ignore[misc]


def test_json_and_pickle() -> None:
    constraints = parse(TEXT)
    again = ConstraintSet.from_json(constraints.to_json())
    assert again == constraints
    assert again.text == CANONICAL
    assert pickle.loads(pickle.dumps(constraints)) == constraints
    with pytest.raises(ConstraintError, match="not a JSON document"):
        ConstraintSet.from_json("E[y] <= 1")


@pytest.mark.parametrize(
    ("text", "attributes", "uses_label"),
    [
        ("E[y] <= 1", (), False),
        (TEXT, ("my group", "race", "sex"), True),
        ("E[y * hours | sex=a, sex!=b] <= 1; cov(y, age) <= 1", ("age", "hours", "sex"), False),
        ("for g in race: E[y] == P[country=g] +- 1", ("country", "race"), False),
        ("for c in label: E[y | age > c] <= 1", ("age",), True),
        ("E[`label` * y] <= 1", ("label",), False),
        ("E[y | a in {1} or not b=2] <= 1", ("a", "b"), False),
        ("mean_residual(sex) <= 1", ("sex",), True),
    ],
)
def test_what_a_set_needs(text: str, attributes: tuple[str, ...], uses_label: bool) -> None:
    constraints = parse(text)
    assert constraints.attributes == attributes
    assert constraints.uses_label == uses_label


def test_an_empty_text_is_refused() -> None:
    for text in ("", "  \n ", "# nothing", ";;"):
        with pytest.raises(ConstraintSyntaxError, match="expected a constraint"):
            parse(text)


def test_what_is_no_text() -> None:
    with pytest.raises(TypeError, match="expected constraints as a str, received int"):
        parse(3)  # type: ignore[arg-type]


def test_a_list_of_texts_is_one_set() -> None:
    joined = kf.parse("a: E[y | sex=F] <= 0.5; E[y] >= 0.1")
    assert kf.parse(["a: E[y | sex=F] <= 0.5", "E[y] >= 0.1"]) == joined
    assert kf.parse((kf.parse("a: E[y | sex=F] <= 0.5"), "E[y] >= 0.1")) == joined
    assert kf.FairProjection(["a: E[y | sex=F] <= 0.5", "E[y] >= 0.1"]).constraints == joined
    y, sex = [0.2, 0.4], {"sex": ["F", "M"]}
    assert len(kf.audit(["a: E[y | sex=F] <= 0.5", "E[y] >= 0.1"], y, sex).relations) == 2


def test_predictions_in_the_place_of_constraints_are_not_printed() -> None:
    with pytest.raises(
        TypeError, match=r"received ndarray of shape \(500,\); the order is constraints, pred"
    ):
        kf.audit(np.zeros(500), "E[y] <= 1", {})
    with pytest.raises(TypeError, match="received list; the order is"):
        kf.parse([])


def test_dir_shows_what_is_public() -> None:
    assert dir(kf) == sorted(kf.__all__)
