"""What an audit points out about its samples: values that look alike, and predictions on another scale."""

from __future__ import annotations

import numpy as np
import pytest

import keras_fair as kf
from keras_fair.audit import Auditor

ZOE = "Zo\u00eb", "Zoe\u0308"
SEX = ["Male", "male ", " Male", "F", "New  York", "new york", *ZOE]


def notes(rule: str, y: object, people: dict, **options: object) -> tuple[str, ...]:
    return kf.audit(rule, y, people, **options).notes  # type: ignore[arg-type]


THRESHOLD = "P[y >= 0.5 | sex=F] <= 0.9"


@pytest.mark.parametrize(
    ("text", "y", "said"),
    [
        (THRESHOLD, [0.0, 0.4, 1.0, 0.6], ""),
        (THRESHOLD, [0.0, 40.0, 99.0, 60.0], "Predictions y reach from 0 to 99, and are compared with 0.5."),
        (THRESHOLD, [-3.0, 0.4, 0.9, 0.6], "Predictions y reach from -3 to 0.9, and are compared with 0.5."),
        ("E[y | y <= 0.3] <= 2", [1.0, 0.4, 3.0, 0.1], "Predictions y reach from 0.1 to 3, and are"),
        ("P[y >= 50 | sex=F] <= 0.9", [0.0, 40.0, 99.0, 60.0], ""),
        ("P[y >= 0 | sex=F] <= 0.9", [-3.0, 4.0, 9.0, 6.0], ""),
    ],
)
def test_thresholds_for_another_scale_are_pointed_out(text: str, y: list[float], said: str) -> None:
    found = [note for note in kf.audit(text, y, {"sex": ["F", "M", "F", "M"]}).notes if "compared" in note]
    assert [note[: len(said)] for note in found] == ([said] if said else [])


def test_values_that_differ_only_in_case_or_spaces_are_pointed_out() -> None:
    y = np.full(len(SEX), 0.5)
    for rule in ("spread(E[y | sex=*]) <= 0.1", "E[y | sex=F] <= 0.6"):
        (note,) = notes(rule, y, {"sex": SEX})
        for text in ("' Male' and 'Male' and 'male '", "'New  York' and 'new york'", "'Zoe"):
            assert text in note
        assert "'F'" not in note
        assert "--normalize" in note
    assert notes("E[y] <= 0.6", y, {"sex": SEX}) == ()
    (label,) = notes("spread(E[y | label=*]) <= 0.6", y, {}, label=["Yes", "yes"] * 4)
    assert label.startswith("Values of the label that look alike are different groups: 'Yes' and 'yes'.")
    many = [f"{letter}{place}" for place in range(5) for letter in "aA"]
    (note,) = notes("spread(E[y | g=*]) <= 0.6", np.full(10, 0.5), {"g": many})
    assert "'A2' and 'a2'; and 2 more. If" in note


def test_notes_are_in_every_form_of_a_report() -> None:
    found = kf.audit("E[y | sex=F] <= 0.6", np.full(len(SEX), 0.5), {"sex": SEX})
    assert found.to_dict()["notes"] == list(found.notes)
    for form in (str(found), found.to_html(), found.to_markdown(), found.to_markdown(card=True)):
        assert " ".join(form.split()).count("Values of sex that look alike") == 1


SCORES = [0.0, 55.0, 100.0, 20.0]
SCALED = "Predictions y reach 100, and bounds on their means are below 1 (0.02)."


@pytest.mark.parametrize(
    ("rule", "bounds"),
    [
        ("E[y | a=1] == E[y | a=2] +- 0.02", "0.02"),
        ("spread(E[y | a=*]) <= 0.02; E[y] <= 0.5", "0.02, 0.5"),
        ("0.2 <= E[y] <= 0.5", "0.2, 0.5"),
        ("E[y - 1] >= -0.25", "0.25"),
        ("max(E[y | a=1], E[y | a=2]) <= 0.5", "0.5"),
        ("E[y - label | a=*] == 0 +- 0.05", "0.05"),
        ("demographic_parity(a) <= 0.1", "0.1"),
        ("E[y | a=1] == E[y | a=2] +- 2", ""),
        ("E[y | a=1] >= 0.8 * E[y | a=2]", ""),
        ("E[y | a=1] / E[y | a=2] >= 0.8", ""),
        ("P[y >= 50 | a=1] == P[y >= 50 | a=2] +- 0.02", ""),
        ("E[label | a=1] <= 0.5", ""),
        ("cov(y, a) <= 0.5", ""),
        ("E[y * a] <= 0.5", ""),
    ],
)
def test_bounds_below_1_on_means_of_larger_predictions_are_pointed_out(rule: str, bounds: str) -> None:
    people, label = {"a": [1, 2, 1, 2]}, [0, 1, 0, 1]
    found = kf.audit(rule, SCORES, people, label).notes
    if not bounds:
        assert found == ()
        return
    (note,) = found
    assert note.startswith(f"Predictions y reach 100, and bounds on their means are below 1 ({bounds}). If")
    assert kf.audit(rule, [0.0, 1.0 + 1e-7, 0.3, 0.4], people, label).notes == ()


def test_each_output_has_a_scale_of_its_own() -> None:
    y = np.array([[0.1, 90.0], [0.7, 30.0]])
    assert notes("E[y[0]] <= 0.5", y, {}) == ()
    assert notes("E[y[0]] <= 0.5; E[y[1]] <= 0.5", y, {})[0].startswith("Predictions y[1] reach 90,")
    named = notes("E[y[ok]] <= 0.5; E[y[sum]] <= 0.5", y, {}, outputs=["ok", "sum"])
    assert named[0].startswith("Predictions y[sum] reach 90,")


def test_notes_of_chunks_and_shards_are_those_of_the_whole() -> None:
    rule, people = "E[y | sex=*] <= 0.02", {"sex": ["M", "m", "F", "F"]}
    whole = notes(rule, SCORES, people)
    assert len(whole) == 2
    one = Auditor(rule).update(SCORES[:1], {"sex": ["M"]})
    other = Auditor(rule).update(SCORES[1:], {"sex": ["m", "F", "F"]})
    again = Auditor.from_bytes(other.to_bytes())
    assert again.result().notes == other.result().notes
    assert one.result().notes == ()
    assert one.merge(again).result().notes == whole
    refused = Auditor(rule).update(SCORES[:1], {"sex": ["M"]})
    with pytest.raises(ValueError, match="sex"):
        refused.update(SCORES[1:], {"sex": [1, 2, 3]})
    assert refused.result().notes == ()


HALF = np.array([0.2, 0.8, 0.4, 0.6])
GROUPS = {"a": [1, 1, 2, 2], "score": [0.1, 0.9, 0.3, 0.5]}


@pytest.mark.parametrize(
    ("rule", "y", "label", "note"),
    [
        ("E[score | a=1] <= 0.6", HALF, None, "does not name y, so the predictions do not matter"),
        ("fair: P[score >= 0.5] <= 0.6; E[y] <= 0.9", HALF, None, "'fair' does not name y"),
        ("cov(score, y) <= 0.9", HALF, None, ""),
        ("E[label | a=1] <= 0.6", HALF, [0, 1, 1, 0], ""),
        ("E[y | score >= 0.5] <= 0.9", HALF, None, ""),
        ("spread(E[y | a=*]) <= 3", HALF, None, "holds whatever the predictions between 0 and 1 are"),
        ("E[y | a=1] == E[y | a=2] +- 2", HALF, None, "holds whatever"),
        ("E[y | a=1] == E[y | a=2] +- 2", 10 * HALF, None, ""),
        ("E[y | a=1] == E[y | a=2] + 0.02", HALF, None, "For a tolerance write +- 0.02."),
        ("E[y | a=1] == 0.5", HALF, None, ""),
        ("E[y | a=1] == E[y | a=1] +- 0.02", HALF, None, "holds whatever"),
        (
            "disparate_impact(a) >= 80",
            HALF,
            None,
            "asks for a ratio of at least 80. For 80% write 0.8, or 80%.",
        ),
        ("E[y | a=1] / E[y | a=2] >= 80", HALF, None, "a ratio of at least 80"),
        ("70 * E[y | a=1] <= E[y | a=2]", HALF, None, "a ratio of at least 70"),
        ("E[y | a=1] <= 1.25 * E[y | a=2]", HALF, None, ""),
        ("E[y | a=1] / E[y | a=2] <= 80", HALF, None, ""),
        ("E[y | a=1] == E[y | a=2] + 0.02 +- 0.1", HALF, None, ""),
        ("E[y | a=1] >= -20", -10 * HALF, None, "between -8 and 1"),
        ("0 <= E[y] <= 1", HALF, None, "holds whatever"),
        ("E[y | a=1] >= 0.8 * E[y | a=2]", HALF, None, ""),
        (
            "equal_opportunity(a) <= 0.9",
            HALF,
            [1, 2, 1, 2],
            "Labels lie between 1 and 2, and the constraints ask for",
        ),
        (
            "equal_opportunity(a) <= 0.9",
            HALF,
            [-1, 1, -1, 1],
            "between -1 and 1, and the constraints ask for label=1.",
        ),
        ("E[y | label=2] <= 0.9", HALF, [1, 2, 1, 2], ""),
        ("equal_opportunity(a) <= 0.9", HALF, [0, 1, 0, 1], ""),
        ("E[y | label=1] <= 0.9", HALF, [0.25, 1, 0, 1], ""),
        (
            "mean_residual(a) <= 0.9",
            HALF,
            [1, 2, 1, 2],
            "Labels lie between 1 and 2, and predictions between 0 and 1",
        ),
        ("E[y - label] <= 99", 50 * HALF, [1, 2, 1, 2], ""),
        ("E[y - label] <= 0.9", HALF, [10.5, 2, 1, 2], ""),
        ("E[y - label] <= 0.9", HALF > 0.5, HALF, "All predictions are 0 or 1, and labels lie between"),
        ("E[y | label=1] <= 0.9", HALF > 0.5, HALF, "All predictions are 0 or 1, and labels lie between"),
    ],
)
def test_rules_and_labels_that_ask_for_something_else_are_pointed_out(
    rule: str, y: np.ndarray, label: list | None, note: str
) -> None:
    found = notes(rule, y.astype(float), GROUPS, label=label)
    assert (len(found) == 1 and note in found[0]) if note else found == ()
    parts = [Auditor(rule) for _ in range(2)]
    for place, part in enumerate(parts):
        half = slice(2 * place, 2 * place + 2)
        columns = {name: column[half] for name, column in GROUPS.items()}
        part.update(y[half].astype(float), columns, None if label is None else label[half])
    whole = Auditor.from_bytes(parts[0].merge(parts[1]).to_bytes())
    assert whole.result().notes == found
