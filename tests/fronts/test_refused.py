"""Wrong input is refused, with what was expected and what was received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import keras_fair as kf
from tests.fronts.made import people

MADE = people(60)
TEXT = "demographic_parity(sex)"


def made(texts: Any = TEXT, label: Any = MADE.label, **settings: Any) -> kf.Front:
    return kf.Front(texts, MADE.attributes, label, **settings)


def filled() -> kf.Front:
    return made().add("a", MADE.y)


def never(value: Any) -> Any:
    raise AssertionError("nothing may be built")


NOT_A_FRONT: list[tuple[dict[str, Any], type[Exception], list[str]]] = [
    ({"texts": []}, ValueError, ["at least one text"]),
    ({"texts": 0.1}, TypeError, ["texts", "demographic_parity(sex)", "float"]),
    ({"texts": [TEXT, TEXT]}, ValueError, ["each text once", TEXT]),
    ({"texts": "E[y | sex=Female] <= 0.1; E[y] <= 1"}, ValueError, ["one expression or statement", "2"]),
    ({"texts": "demographic_parity(sx"}, kf.ConstraintError, ["^"]),
    ({"texts": "disparate_impact(sex)"}, kf.ConstraintError, ["disparate_impact(A) >= r"]),
    ({"label": None}, ValueError, ["label", "balanced_error", "none"]),
    ({"label": MADE.label + 1}, ValueError, ["0 and 1", "balanced_error", "[1, 2]"]),
    ({"label": MADE.label * 0}, ValueError, ["both 0 and 1", "[0]"]),
    ({"label": ["yes"] * 60}, ValueError, ["label", "numbers"]),
    ({"label": MADE.label[:59]}, ValueError, ["59", "60"]),
    ({"objectives": "auc"}, ValueError, ["balanced_error", "log_loss", "'auc'"]),
    ({"objectives": []}, ValueError, ["at least one objective"]),
    ({"objectives": 3}, TypeError, ["objectives", "int"]),
    ({"objectives": ["error", "error"]}, ValueError, ["each objective once", "error"]),
    ({"objectives": lambda label, y: 0.0}, ValueError, ["name", "lambda"]),
    ({"objectives": {TEXT: "error"}}, ValueError, ["unlike the texts", TEXT]),
    ({"threshold": "0.5"}, ValueError, ["threshold", "'0.5'"]),
    ({"threshold": float("nan")}, ValueError, ["threshold", "nan"]),
    ({"confidence": 95}, ValueError, ["confidence", "95"]),
    ({"seed": -1}, ValueError, ["seed", "-1"]),
]


@pytest.mark.parametrize(("given", "kind", "words"), NOT_A_FRONT, ids=lambda each: str(each)[:40])
def test_a_front_is_refused(given: dict[str, Any], kind: type[Exception], words: list[str]) -> None:
    with pytest.raises(kind) as refused:
        made(**given)
    for word in words:
        assert word in str(refused.value)


ASKED: list[tuple[str, Callable[[], Any], type[Exception], list[str]]] = [
    ("taken name", lambda: filled().add("a", MADE.y), ValueError, ["name='a'"]),
    ("no name", lambda: filled().add(" ", MADE.y), ValueError, ["name", "' '"]),
    ("lengths", lambda: filled().add("b", MADE.y[:59]), ValueError, ["59", "60"]),
    ("NaN", lambda: filled().add("b", MADE.y * np.nan), ValueError, ["finite"]),
    ("words", lambda: filled().add("b", ["x"] * 60), ValueError, ["predictions"]),
    (
        "log loss",
        lambda: made(objectives="log_loss").add("b", MADE.y * 3),
        ValueError,
        ["[0, 1]", "log_loss"],
    ),
    (
        "two outputs",
        lambda: made("spread(E[y[0] | sex=*])").add("b", np.stack([MADE.y, MADE.y], 1)),
        ValueError,
        ["balanced_error"],
    ),
    (
        "losses",
        lambda: made(objectives={"f": lambda label, y: y[:3]}).add("b", MADE.y),
        ValueError,
        ["'f'", "(3,)"],
    ),
    ("no column", lambda: made("E[y | age >= 3]").add("b", MADE.y), kf.ConstraintError, ["age", "^"]),
    ("no tolerance", lambda: filled().correct(MADE.y, []), ValueError, ["at least one tolerance"]),
    ("negative", lambda: filled().correct(MADE.y, [0.1, -0.1]), ValueError, [">= 0", "-0.1"]),
    ("infinite", lambda: filled().correct(MADE.y, [np.inf]), ValueError, ["finite", "inf"]),
    ("word", lambda: filled().correct(MADE.y, ["0.1"]), ValueError, ["tolerances", "'0.1'"]),
    ("truth", lambda: filled().correct(MADE.y, [True]), ValueError, ["tolerances", "True"]),
    ("twice", lambda: filled().correct(MADE.y, [0.1, 0.1]), ValueError, ["once", "0.1 2 times"]),
    ("two for one text", lambda: filled().correct(MADE.y, [(0.1, 0.2)]), ValueError, ["1 of them"]),
    ("none at all", lambda: filled().correct(MADE.y, [None]), ValueError, ["at least one text"]),
    (
        "bound",
        lambda: made(f"{TEXT} <= 0.1").correct(MADE.y, [0.1]),
        ValueError,
        ["without a bound", f"{TEXT} <= 0.1"],
    ),
    ("domain", lambda: filled().correct(MADE.y * 2, [0.1]), ValueError, ["[0, 1]"]),
    ("divergence", lambda: filled().correct(MADE.y, [0.1], divergence="x"), ValueError, ["'x'"]),
    ("empty grid", lambda: filled().train(never, [], MADE.y), ValueError, ["at least one value"]),
    ("value twice", lambda: filled().train(never, [1, 1.0], MADE.y), ValueError, ["once", "1 twice"]),
    ("no fit", lambda: filled().train(lambda v: object(), [1], MADE.y), ValueError, ["fit=None"]),
    (
        "two fits",
        lambda: filled().train(lambda v: (object(), print), [1], MADE.y, fit={}),
        ValueError,
        ["both"],
    ),
    ("no bound", lambda: filled().pick(TEXT), ValueError, ["bound", f"'{TEXT} <= 0.03'"]),
    ("malformed", lambda: filled().pick("E[y <= 0.1"), kf.ConstraintSyntaxError, ["^"]),
    ("no text", lambda: filled().pick(0.03), TypeError, ["str", "float"]),  # type: ignore[arg-type]
    ("prefer", lambda: filled().pick(f"{TEXT} <= 0.1", "auc"), ValueError, ["balanced_error", "'auc'"]),
    (
        "sure without intervals",
        lambda: made(confidence=None).add("a", MADE.y).pick(f"{TEXT} <= 0.1", sure=True),
        ValueError,
        ["sure=True", "confidence=None"],
    ),
]


@pytest.mark.parametrize(
    ("asked", "kind", "words"), [each[1:] for each in ASKED], ids=[each[0] for each in ASKED]
)
def test_what_is_asked_of_it_is_refused(
    asked: Callable[[], Any], kind: type[Exception], words: list[str]
) -> None:
    with pytest.raises(kind) as refused:
        asked()
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ([0.0], "\\(2,\\) finite duals.*shape \\(1,\\)"),
        ([0.0, np.nan], "not all finite"),
        (["a", "b"], "dtype <U1"),
    ],
)
def test_where_a_projection_begins_is_checked(start: list[Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kf.project(MADE.y, f"{TEXT} <= 0.1", MADE.attributes, start=start)


def test_tolerances_are_for_rows_of_constraints() -> None:
    from keras_fair.rows import rows_from_matrix
    from keras_fair.rows.margins import with_tolerances

    with pytest.raises(ValueError, match="rows made from constraints"):
        with_tolerances(rows_from_matrix([[1.0]], lower=[0.0], upper=[1.0]), [0.1])
