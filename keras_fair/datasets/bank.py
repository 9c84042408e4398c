"""Bank marketing: who subscribed a deposit when a Portuguese bank called, 2008 to 2010.

Moro, Cortez and Rita 2014; Moro, Laureano and Cortez 2011, doi:10.24432/C5K306. Two versions: `additional`
with economic indicators (41,188 calls) and the older `full` (45,211 calls). What is done to the file:
`unknown` is a missing value of a feature; `duration`, known only after the call and deciding its outcome, is
left out unless asked for; `pdays` 999 or -1, "never contacted", is a missing number. Calls are published in
order of their date; the split shuffles them. 12 calls of `additional` are repeats.
"""

from __future__ import annotations

import os

import numpy as np

from keras_fair.datasets.source import PublicFile, read_text
from keras_fair.datasets.split import Split, shuffled_split
from keras_fair.datasets.table import categories, numbers, read_columns
from keras_fair.errors import near_names

__all__ = ["load_data"]

_ARCHIVE = (
    "https://raw.githubusercontent.com/dsrscientist/Dataset2/"
    "cbf3a5c5705a27fee318aee726668a75a044db3c/bank-additional.zip"
)
_ORIGIN = "https://archive.ics.uci.edu/ml/machine-learning-databases/00222"
_FILES = {
    "additional": PublicFile(
        "bank-additional-full.csv",
        "74adfc578bf77a7ff4bb1ba4a9f8709d9e3c6907342959c2c8416847e0afb4d8",
        5_834_924,
        (_ARCHIVE, f"{_ORIGIN}/bank-additional.zip"),
    ),
    "full": PublicFile(
        "bank-full.csv",
        "d1513ec63b385506f7cfce9f2c5caa9fe99e7ba4e8c3fa264b3aaf0f849ed32d",
        4_610_348,
        (_ARCHIVE, f"{_ORIGIN}/bank.zip"),
    ),
}
_NEVER_CONTACTED = {"additional": 999, "full": -1}
_TEXT = (
    "job",
    "marital",
    "education",
    "default",
    "housing",
    "loan",
    "contact",
    "month",
    "day_of_week",
    "poutcome",
)


def load_data(
    path: str | os.PathLike[str] | None = None,
    *,
    version: str = "additional",
    duration: bool = False,
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[Split, Split]:
    """The bank marketing data set: who subscribed.

    Args:
        path: The file, or the folder that holds it. `None` looks in the folder named by `KERAS_FAIR_DATA`,
            then in the Keras cache, then downloads.
        version: `"additional"` (with economic indicators) or `"full"` (older, more calls).
        duration: Whether the length of the call, which no model can know beforehand, is a feature.
        test_split: The share of test people, in (0, 1): no split was published.
        seed: Seed of the split, an integer >= 0.

    Returns:
        `(train, test)`, each a `Split`: `label` is 1 for a subscription; `attributes` are age in years,
        age_group (from_25_to_60, other_ages) and marital (divorced, married, single, and unknown in
        `additional`).

    Raises:
        FileNotFoundError: If the file is nowhere, or there is no network to download it.
        ValueError: If the file is not the published one, or `version` or `test_split` is out of range.

    Example:

    ```python
    train, test = keras_fair.datasets.bank.load_data(version="full")
    ```
    """
    if version not in _FILES:
        near = near_names(version, _FILES)
        raise ValueError(f"expected 'additional' or 'full', received version={version!r}{near}")
    people = _people(read_text(_FILES[version], path), _NEVER_CONTACTED[version], duration)
    return shuffled_split(people, test_split, seed)


def _people(text: str, never_contacted: int, duration: bool) -> Split:
    columns = read_columns(text, delimiter=";")
    features = {
        name: categories(column, missing=["unknown"]) if name in _TEXT else numbers(column)
        for name, column in columns.items()
        if name != "y" and (duration or name != "duration")
    }
    features["pdays"][features["pdays"] == never_contacted] = np.nan
    age = features["age"]
    attributes = {
        "age": age,
        "age_group": np.where((age >= 25) & (age <= 60), "from_25_to_60", "other_ages"),
        "marital": columns["marital"],
    }
    return Split(features, (columns["y"] == "yes").astype(np.float32), attributes)
