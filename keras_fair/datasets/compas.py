"""COMPAS: who was charged again within two years, in Broward County, Florida.

ProPublica, "Machine Bias", 2016. What is done to the file: ProPublica's own filter (the screening at most 30
days from the arrest, a known outcome, no ordinary traffic offence, a score), which leaves 6,172 of 7,214
people; of repeated column names the first is taken; columns that describe the outcome (is_recid, r_*, vr_*,
event, ...) are no features; names, birth dates and case numbers of these real people are not copied.
Barenstein (2019) shows that the two-year window was not applied to those charged again, which raises their
share.
"""

from __future__ import annotations

import os

import numpy as np

from keras_fair.datasets.source import PublicFile, read_text
from keras_fair.datasets.split import Split, shuffled_split
from keras_fair.datasets.table import numbers, read_columns, recode

__all__ = ["load_data"]

_FILE = PublicFile(
    "compas-scores-two-years.csv",
    "c451db85908b2f7fef1d83203bedf6b71ecda0d5af468d82ae62178f91d0cc7d",
    2_546_489,
    (
        "https://raw.githubusercontent.com/propublica/compas-analysis/"
        "bafff5da3f2e45eca6c2d5055faad269defd135a/compas-scores-two-years.csv",
    ),
)
_NUMBERS = ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count")
_TEXT = ("c_charge_degree", "sex", "race")
_AGE_GROUPS = {"Less than 25": "under_25", "25 - 45": "from_25_to_45", "Greater than 45": "over_45"}


def load_data(
    path: str | os.PathLike[str] | None = None, *, test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """The COMPAS data set with ProPublica's filter: recidivism within two years.

    Args:
        path: The file, or the folder that holds it. `None` looks in the folder named by `KERAS_FAIR_DATA`,
            then in the Keras cache, then downloads.
        test_split: The share of test people, in (0, 1): no split was published.
        seed: Seed of the split, an integer >= 0.

    Returns:
        `(train, test)`, each a `Split`: `label` is 1 for a new charge within two years, the outcome nobody
        wants; `attributes` are race (African-American, Asian, Caucasian, Hispanic, Native American, Other),
        sex (Female, Male), age in years, age_group (under_25, from_25_to_45, over_45) and decile_score, the
        published COMPAS score from 1 to 10 (5 and more is usually called high risk), which is no feature.

    Raises:
        FileNotFoundError: If the file is nowhere, or there is no network to download it.
        ValueError: If the file is not the published one, or `test_split` is out of range.

    Example:

    ```python
    train, test = keras_fair.datasets.compas.load_data()
    ```
    """
    return shuffled_split(_people(read_text(_FILE, path)), test_split, seed)


def _people(text: str) -> Split:
    columns = read_columns(text)
    days = numbers(columns["days_b_screening_arrest"])
    kept = (
        (np.abs(days) <= 30)  # a missing number compares as False
        & (columns["is_recid"] != "-1")
        & (columns["c_charge_degree"] != "O")
        & (columns["score_text"] != "N/A")
    )
    features = {name: numbers(columns[name]) for name in _NUMBERS}
    features.update({name: columns[name] for name in _TEXT})
    attributes = {
        "race": columns["race"],
        "sex": columns["sex"],
        "age": features["age"],
        "age_group": recode(columns["age_cat"], _AGE_GROUPS),
        "decile_score": numbers(columns["decile_score"]),
    }
    return Split(features, numbers(columns["two_year_recid"]), attributes).take(kept)
