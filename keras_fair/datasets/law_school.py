"""Law school: who passes the bar exam, from the National Longitudinal Bar Passage Study.

Wightman, Law School Admission Council 1998: 22,407 students who entered in 1991. What is done to the file:
only what is known before the exam is a feature, so everything that restates the outcome (bar, bar1, bar2,
bar_passed, the years of the exams) and another model's output (dnn_bar_pass_prediction) are left out; so are
`age`, which holds negative numbers, and repeats of other columns. An empty field is a missing value. Race is
missing for 16 students and sex for
5: they are kept, and `unknown` is their group.
"""

from __future__ import annotations

import os

from keras_fair.datasets.source import PublicFile, read_text
from keras_fair.datasets.split import Split, shuffled_split
from keras_fair.datasets.table import numbers, read_columns, recode

__all__ = ["load_data"]

_FILE = PublicFile(
    "bar_pass_prediction.csv",
    "b75568ff25e966b4c19852105e94e8e52475191523bdcfe62df985c690baed38",
    3_603_608,
    (
        "https://raw.githubusercontent.com/fedemarchits/ML-Bias-Mitigation/"
        "2584229a90e8bf76270509bf2d33ff4f8e497477/Notebooks%26Dataset/bar_pass_prediction.csv",
    ),
)
_NUMBERS = ("lsat", "ugpa", "zfygpa", "zgpa", "decile1", "decile1b", "decile3", "fam_inc", "tier")
_RACE = {
    "asian": "Asian",
    "black": "Black",
    "hisp": "Hispanic",
    "other": "Other",
    "white": "White",
    "": "unknown",
}
_SEX = {"female": "Female", "male": "Male", "": "unknown"}
_STUDY = {"1": "full_time", "2": "part_time", "": ""}


def load_data(
    path: str | os.PathLike[str] | None = None, *, test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """The law school data set: who passes the bar exam.

    Args:
        path: The file, or the folder that holds it. `None` looks in the folder named by `KERAS_FAIR_DATA`,
            then in the Keras cache, then downloads.
        test_split: The share of test people, in (0, 1): no split was published.
        seed: Seed of the split, an integer >= 0.

    Returns:
        `(train, test)`, each a `Split`: `label` is 1 for a passed exam; `attributes` are race (Asian, Black,
        Hispanic, Other, White, unknown) and sex (Female, Male, unknown).

    Raises:
        FileNotFoundError: If the file is nowhere, or there is no network to download it.
        ValueError: If the file is not the published one, or `test_split` is out of range.

    Example:

    ```python
    train, test = keras_fair.datasets.law_school.load_data()
    ```
    """
    return shuffled_split(_people(read_text(_FILE, path)), test_split, seed)


def _people(text: str) -> Split:
    columns = read_columns(text)
    attributes = {"race": recode(columns["race1"], _RACE), "sex": recode(columns["gender"], _SEX)}
    features = {name: numbers(columns[name]) for name in _NUMBERS}
    features["study"] = recode(columns["fulltime"], _STUDY)
    features.update(attributes)
    return Split(features, numbers(columns["pass_bar"]), attributes)
