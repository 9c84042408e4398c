"""Adult, also called Census Income: who earned more than 50,000 dollars, from the US census of 1994.

Becker and Kohavi, UCI Machine Learning Repository 1996, doi:10.24432/C5XW20. The published split is kept:
32,561 training and 16,281 test people. What is done to the files: `?` is a missing value (only workclass,
occupation and native_country have them), the remark on the first line of the test file and the full stop
after its labels are removed, `education` is left out because `education_num` says the same in order, and
`fnlwgt`, how many people of the country a person stands for, is an attribute and no feature.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from keras_fair.datasets.source import PublicFile, read_text
from keras_fair.datasets.split import Split
from keras_fair.datasets.table import categories, numbers, read_columns

__all__ = ["load_data"]

_PINNED = (
    "https://raw.githubusercontent.com/sumonbis/Fairify/5100aa7f77100c5bc4a76cd3ce8b4d949bd01d73/data/adult"
)
_ORIGIN = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult"
_TRAIN = PublicFile(
    "adult.data",
    "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
    3_974_305,
    (f"{_PINNED}/adult.data", f"{_ORIGIN}/adult.data"),
)
_TEST = PublicFile(
    "adult.test",
    "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
    2_003_153,
    (f"{_PINNED}/adult.test", f"{_ORIGIN}/adult.test"),
)
_COLUMNS = """
age workclass fnlwgt education education-num marital-status occupation relationship race sex capital-gain
capital-loss hours-per-week native-country income
"""
_NUMBERS = ("age", "education_num", "capital_gain", "capital_loss", "hours_per_week")
_TEXT = ("workclass", "marital_status", "occupation", "relationship", "race", "sex", "native_country")


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """The Adult data set, with its published split.

    Args:
        path: The folder that holds `adult.data` and `adult.test`, or one of the two with the other beside it.
            `None` looks in the folder named by `KERAS_FAIR_DATA`, then in the Keras cache, then downloads.

    Returns:
        `(train, test)`, each a `Split`: `label` is 1 for an income above 50,000 dollars; `attributes` are sex
        (Female, Male), race (Amer-Indian-Eskimo, Asian-Pac-Islander, Black, Other, White), age in years and
        fnlwgt (people of the country one stands for; usable as a sample weight).

    Raises:
        FileNotFoundError: If a file is nowhere, or there is no network to download it.
        ValueError: If a file is not the published one.

    Example:

    ```python
    train, test = keras_fair.datasets.adult.load_data()
    x_train, x_test, names = keras_fair.datasets.encode(train, test, exclude="sex")
    ```
    """
    if path is not None and Path(path).expanduser().is_file():
        path = Path(path).expanduser().parent
    return _people(read_text(_TRAIN, path)), _people(read_text(_TEST, path))


def _people(text: str) -> Split:
    if text.startswith("|"):
        text = text[text.index("\n") + 1 :]
    columns = read_columns(text, _COLUMNS)
    features = {name: numbers(columns[name]) for name in _NUMBERS}
    features.update({name: categories(columns[name], missing=["?"]) for name in _TEXT})
    label = np.char.startswith(columns["income"], ">50K").astype(np.float32)
    attributes = {name: features[name] for name in ("sex", "race", "age")}
    return Split(features, label, {**attributes, "fnlwgt": numbers(columns["fnlwgt"])})
