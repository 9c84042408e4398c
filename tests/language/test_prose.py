"""Constraints in plain words: a table of texts and sentences."""

from __future__ import annotations

import pytest

from keras_fair.language import criteria, parse_statements
from keras_fair.language.prose import in_words

SENTENCES = {
    "E[y | sex=Female] == E[y | sex=Male] +- 0.02": (
        "The mean prediction among those with sex = Female and the mean prediction among those with sex = "
        "Male must differ by no more than 0.02."
    ),
    "equalized_odds(sex) <= 0.05": (
        "The largest of (1) the difference between the highest and the lowest mean prediction among those "
        "with label = 1 across the groups of sex; (2) the difference between the highest and the lowest "
        "mean prediction among those with label = 0 across the groups of sex must be at most 0.05."
    ),
    "disparate_impact(race) >= 80%": (
        "The lowest mean prediction across the groups of race must be at least 0.8 times the highest mean "
        "prediction across the groups of race."
    ),
    "mean_residual(sex) <= 0.1": (
        "The highest absolute value of the mean of label minus prediction across the groups of sex must be "
        "at most 0.1."
    ),
    "spread(E[y | race=*, sex=*]) <= 0.08": (
        "The difference between the highest and the lowest mean prediction across the combined groups of "
        "race and sex must be at most 0.08."
    ),
    "for a, b in sex and c in label: E[y | sex=a, label=c] == E[y | sex=b, label=c] +- 0.05": (
        "For all different values a and b of sex, and every value c of label: the mean prediction among "
        "those with sex = a and label = c and the mean prediction among those with sex = b and label = c "
        "must differ by no more than 0.05."
    ),
    "for g in {F, 'n b'}: E[y | sex=g] <= 0.5": (
        "For every value g of F and n b: the mean prediction among those with sex = g must be at most 0.5."
    ),
    "E[y | '2024-01-01' <= day < '2024-06-01T12:30'] <= 0.6": (
        "The mean prediction among those with day on or after 2024-01-01 and day before 2024-06-01T12:30 "
        "must be at most 0.6."
    ),
    "E[y | day > '2024-06-01' or day='2024-01-01'] <= E[y | day <= '2023-01-01']": (
        "The mean prediction among those with day after 2024-06-01 or day = 2024-01-01 must be at most the "
        "mean prediction among those with day on or before 2023-01-01."
    ),
    "E[y | race=*] <= 0.6": ("The mean prediction in each group of race must be at most 0.6."),
    "E[y | 25 <= age < 60] >= E[y] - 0.1": (
        "The mean prediction among those with age at least 25 and age below 60 must be at least the mean "
        "prediction among all samples minus 0.1."
    ),
    "E[y | race in {Black, Hispanic} and not (sex=Male)] >= 0.2": (
        "The mean prediction among those with race one of Black or Hispanic and sex other than Male must be"
        " at least 0.2."
    ),
    "E[y | (a=1 or b=2), not (c=3 or d=4)] >= 0.2": (
        "The mean prediction among those with (a = 1 or b = 2) and not (c = 3 or d = 4) must be at least 0.2."
    ),
    "corr(y, age | sex=Female) <= 0.1 with weight 2": (
        "The correlation of prediction and age among those with sex = Female must be at most 0.1, with a "
        "weight of 2."
    ),
    "independence(race, sex) <= 0.05": (
        "The largest distance between the distributions of prediction across the combined groups of race and "
        "sex among all samples must be at most 0.05."
    ),
    "separation(sex, y=y[hire], label=hired | age < 40) <= 0.05": (
        "The largest distance, over the values of hired, between the distributions of prediction y[hire] "
        "across the groups of sex among those with age below 40 must be at most 0.05."
    ),
    "mutual_information(sex) <= 0.01": (
        "The mutual information, in nats, of prediction and the groups of sex among all samples must be at "
        "most 0.01."
    ),
    "cov(y, age) == 0 +- 0.5 with confidence 90%": (
        "The covariance of prediction and age among all samples must lie within 0.5 of 0, with a confidence"
        " of 90%."
    ),
    "P[y >= 0.5 | sex=F] / P[y >= 0.5 | sex=M] >= 0.8": (
        "The ratio of the share with a prediction of at least 0.5 among those with sex = F to the share "
        "with a prediction of at least 0.5 among those with sex = M must be at least 0.8."
    ),
    "P[label=1 | y > 0.5] >= 0.8": (
        "The share with label = 1 among those with a prediction above 0.5 must be at least 0.8."
    ),
    "0.1 <= E[y] <= 0.4": ("The mean prediction among all samples must lie between 0.1 and 0.4."),
    "abs(E[y | a=1] - E[y | a=2]) <= 0.1": (
        "The absolute difference between the mean prediction among those with a = 1 and the mean prediction"
        " among those with a = 2 must be at most 0.1."
    ),
    "abs(E[y]) <= 0.1": ("The absolute value of the mean prediction among all samples must be at most 0.1."),
    "E[y] == 0.5": ("The mean prediction among all samples must equal 0.5."),
    "-E[y[approve]] <= 2 * (E[hours] + 1)": (
        "Minus the mean of prediction y[approve] among all samples must be at most 2 times (the mean hours "
        "among all samples plus 1)."
    ),
    "E[label*y + 1 | sex=F] >= 0.5": (
        "The mean of label * y + 1 among those with sex = F must be at least 0.5."
    ),
    "spread(E[y | a=1], E[y | a=2]) <= 0.1": (
        "The difference between the largest and the smallest of (1) the mean prediction among those with a "
        "= 1; (2) the mean prediction among those with a = 2 must be at most 0.1."
    ),
}


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences(text: str) -> None:
    (statement,) = parse_statements(text)
    assert in_words(statement) == SENTENCES[text]


@pytest.mark.parametrize("name", sorted(criteria()))
def test_every_criterion_has_words(name: str) -> None:
    sense = ">=" if name == "disparate_impact" else "<="
    (statement,) = parse_statements(f"{name}(sex, race) {sense} 0.1")
    words = in_words(statement)
    assert words.endswith(".")
    assert "sex and race" in words
