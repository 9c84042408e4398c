"""German credit: good and bad customers of a bank in the 1970s.

Hofmann, UCI Statlog 1994, doi:10.24432/C5NC77: 1,000 customers. What is done to the file: columns get names
(it has no header); sex is read from column 9, which mixes it with marital status, and the column itself is
left out. Groemping (2019) found that several codes of the document are wrong, those of column 9 among them,
so that sex cannot be recovered reliably: read results for the sexes with that in mind. Other codes are kept
as published. The document prices a bad customer called good at 5, the opposite at 1.
"""

from __future__ import annotations

import os

import numpy as np

from keras_fair.datasets.source import PublicFile, read_text
from keras_fair.datasets.split import Split, shuffled_split
from keras_fair.datasets.table import numbers, read_columns, recode

__all__ = ["load_data"]

_FILE = PublicFile(
    "german.data",
    "b21f3d81db8071257d5ff1deaeba1fd4303b62712e6fcc9715c7a86202cb5871",
    79_793,
    (
        "https://raw.githubusercontent.com/sumonbis/Fairify/"
        "5100aa7f77100c5bc4a76cd3ce8b4d949bd01d73/data/german/german.data",
        "https://archive.ics.uci.edu/ml/machine-learning-databases/statlog/german/german.data",
    ),
)
_COLUMNS = """
account duration history purpose amount savings employment installment_rate personal_status other_debtors
residence_since property age other_plans housing credits job dependents telephone foreign_worker customer
"""
_NUMBERS = ("duration", "amount", "installment_rate", "residence_since", "age", "credits", "dependents")
_LEFT_OUT = ("personal_status", "customer")
_SEX = {"A91": "Male", "A92": "Female", "A93": "Male", "A94": "Male", "A95": "Female"}
_FOREIGN_WORKER = {"A201": "yes", "A202": "no"}
_CUSTOMER = {"1": "good", "2": "bad"}


def load_data(
    path: str | os.PathLike[str] | None = None, *, test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """The German credit data set: good and bad customers.

    Args:
        path: The file, or the folder that holds it. `None` looks in the folder named by `KERAS_FAIR_DATA`,
            then in the Keras cache, then downloads.
        test_split: The share of test people, in (0, 1): no split was published.
        seed: Seed of the split, an integer >= 0.

    Returns:
        `(train, test)`, each a `Split`: `label` is 1 for a good customer; `attributes` are sex (Female, Male;
        see the module on how far to trust it), age in years, age_group (over_25, up_to_25) and foreign_worker
        (no, yes).

    Raises:
        FileNotFoundError: If the file is nowhere, or there is no network to download it.
        ValueError: If the file is not the published one, or `test_split` is out of range.

    Example:

    ```python
    train, test = keras_fair.datasets.german.load_data()
    ```
    """
    return shuffled_split(_people(read_text(_FILE, path)), test_split, seed)


def _people(text: str) -> Split:
    columns = read_columns(text, _COLUMNS, delimiter=" ")
    features = {
        name: numbers(column) if name in _NUMBERS else column
        for name, column in columns.items()
        if name not in _LEFT_OUT
    }
    features["sex"] = recode(columns["personal_status"], _SEX)
    features["foreign_worker"] = recode(columns["foreign_worker"], _FOREIGN_WORKER)
    attributes = {
        "sex": features["sex"],
        "age": features["age"],
        "age_group": np.where(features["age"] > 25, "over_25", "up_to_25"),
        "foreign_worker": features["foreign_worker"],
    }
    label = (recode(columns["customer"], _CUSTOMER) == "good").astype(np.float32)
    return Split(features, label, attributes)
