"""Default of credit card clients in Taiwan, 2005: who fails to pay next month.

Yeh, UCI Machine Learning Repository 2016 (Yeh and Lien 2009): 30,000 clients. What is done to the file: the
running number is left out; sex, education and marriage become words, and their undocumented codes (education
0, 5, 6; marriage 0) count as `other`. The repayment columns jump from `pay_0` to `pay_2` as published; their
values -2 and 0 are undocumented but frequent and stay numbers. 35 clients repeat another.
"""

from __future__ import annotations

import os

from keras_fair.datasets.source import PublicFile, read_text
from keras_fair.datasets.split import Split, shuffled_split
from keras_fair.datasets.table import numbers, read_columns, recode

__all__ = ["load_data"]

_FILE = PublicFile(
    "UCI_Credit_Card.csv",
    "a0f0ab49d6326671d6cd83be5c88dcf18007025fe9a53ecd699119c871176ca1",
    2_862_995,
    (
        "https://raw.githubusercontent.com/vlada270/ML_coursework-/"
        "ce117979be67b409124d3043e475ce0c2d83cc3a/UCI_Credit_Card.csv",
    ),
)
_LABEL = "default_payment_next_month"
_MEANINGS = {
    "sex": {"1": "Male", "2": "Female"},
    "education": {
        "0": "other",
        "1": "graduate_school",
        "2": "university",
        "3": "high_school",
        "4": "other",
        "5": "other",
        "6": "other",
    },
    "marriage": {"0": "other", "1": "married", "2": "single", "3": "other"},
}


def load_data(
    path: str | os.PathLike[str] | None = None, *, test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """The credit card data set: default in the next month.

    Args:
        path: The file, or the folder that holds it. `None` looks in the folder named by `KERAS_FAIR_DATA`,
            then in the Keras cache, then downloads.
        test_split: The share of test people, in (0, 1): no split was published.
        seed: Seed of the split, an integer >= 0.

    Returns:
        `(train, test)`, each a `Split`: `label` is 1 for a default, the outcome nobody wants; `attributes`
        are sex (Female, Male), education (graduate_school, high_school, other, university), marriage
        (married, other, single) and age in years.

    Raises:
        FileNotFoundError: If the file is nowhere, or there is no network to download it.
        ValueError: If the file is not the published one, or `test_split` is out of range.

    Example:

    ```python
    train, test = keras_fair.datasets.credit_card.load_data()
    ```
    """
    return shuffled_split(_people(read_text(_FILE, path)), test_split, seed)


def _people(text: str) -> Split:
    columns = read_columns(text)
    features = {
        name: recode(column, _MEANINGS[name]) if name in _MEANINGS else numbers(column)
        for name, column in columns.items()
        if name not in ("id", _LABEL)
    }
    attributes = {name: features[name] for name in ("sex", "education", "marriage", "age")}
    return Split(features, numbers(columns[_LABEL]), attributes)
