"""What a text asks of a rule: the statement over decisions, and what is refused."""

from __future__ import annotations

import pytest

import keras_fair as kf
from keras_fair.postprocessing.meaning import meaning_of

READ = [
    (
        "P[y >= 0.5 | sex=a] == P[y >= 0.5 | sex=b] +- 0.05",
        "E[y | sex=a] == E[y | sex=b] +- 0.05",
        0.5,
    ),
    ("P[y < 0.3 | sex=a] <= 0.2", "1 - E[y | sex=a] <= 0.2", 0.3),
    (
        "equalized_odds(sex) <= 0.05 at y >= 0.5",
        "max(spread(E[y | sex=*, label=1]), spread(E[y | sex=*, label=0])) <= 0.05",
        0.5,
    ),
    ("disparate_impact(sex) >= 0.8 at y >= 0.5", "min(E[y | sex=*]) >= 0.8 * max(E[y | sex=*])", 0.5),
    ("P[label=1 | y >= 0.5, sex=*] >= 0.6", "E[(label - 0.6) * y | sex=*] >= 0", 0.5),
    ("0.6 <= P[label=1 | y >= 0.5]", "E[(label - 0.6) * y] >= 0", 0.5),
    ("E[label | y >= 0.5, sex=a] >= 0.6", "E[(label - 0.6) * y | sex=a] >= 0", 0.5),
    ("P[label=0 | sex=a, y >= 0.5] <= 0.1", "E[(1 - label - 0.1) * y | sex=a] <= 0", 0.5),
    ("P[y[1] >= 0.5 | sex=*] <= 0.2", "E[y | sex=*] <= 0.2", 0.5),
    ("spread(E[y | sex=*]) <= 0.05", "spread(E[y | sex=*]) <= 0.05", None),
    ("mean_residual(sex) <= 0.1", "max(abs(E[label - y | sex=*])) <= 0.1", None),
]

REFUSED = [
    ("E[y] <= 0.2; P[y >= 0.5] <= 0.2", 16, "learn two rules"),
    ("P[y >= 0.5] <= 0.2; P[y >= 0.6 | sex=a] <= 0.2", 23, "second"),
    ("P[y > 0.5 | sex=a] <= 0.2", 3, "y >= 0.5"),
    ("P[y >= 0.5, sex=a] <= 0.2", 3, "another form"),
    ("P[0.2 <= y < 0.5 | sex=a] <= 0.2", 3, "another form"),
    ("spread(P[label=1 | y >= 0.5, sex=*]) <= 0.05", 8, "floor"),
    ("P[label=1 | y >= 0.5, sex=a] >= P[label=1 | y >= 0.5, sex=b]", 1, "floor"),
    ("P[sex=a | y >= 0.5] >= 0.4", 1, "about the label"),
    ("P[label=1 | y < 0.5, sex=*] <= 0.4", 1, "accepted"),
    ("E[income * y | sex=a] <= 0.2", 1, "beside a column"),
    ("cov(y, income) <= 0.2", 1, "beside a column"),
    ("P[label=1 | sex=a] <= 0.2", 1, "does not contain y"),
    ("P[y[0] >= 0.5] <= 0.2; P[y[1] >= 0.5] <= 0.2", 26, "two"),
]


@pytest.mark.parametrize(("text", "rows", "threshold"), READ)
def test_read(text: str, rows: str, threshold: float | None) -> None:
    meaning = meaning_of(kf.parse(text))
    assert str(meaning.rows).split("`: ")[-1] == rows
    assert meaning.threshold == threshold
    assert str(meaning.constraints) == str(kf.parse(text))


@pytest.mark.parametrize(("text", "column", "words"), REFUSED)
def test_refused(text: str, column: int, words: str) -> None:
    with pytest.raises(kf.ConstraintTypeError) as caught:
        meaning_of(kf.parse(text))
    message, _, caret = str(caught.value).split("\n")
    assert words in message
    assert caret.index("^") - 1 == column
