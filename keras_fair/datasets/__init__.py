"""Data sets with protected attributes, in the manner of `keras.datasets`.

Each module has a `load_data` that returns `(train, test)`; both unpack into `features, label, attributes`.
`lending` is generated and always at hand; the others are published files: `path=` says where they are, else
the folder in the environment variable `KERAS_FAIR_DATA`, else the Keras cache, else they are downloaded.
Nothing is read or downloaded by importing.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

from keras_fair.datasets import (
    adult,
    bank,
    communities,
    compas,
    credit_card,
    german,
    law_school,
    lending,
)
from keras_fair.datasets.features import Encoded, encode
from keras_fair.datasets.split import Split
from keras_fair.errors import near_names

__all__ = [
    "Encoded",
    "Split",
    "adult",
    "bank",
    "communities",
    "compas",
    "credit_card",
    "encode",
    "german",
    "law_school",
    "lending",
    "load",
    "names",
    "sample_path",
]

_MODULES: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2]: module
    for module in (adult, bank, communities, compas, credit_card, german, law_school, lending)
}


def names() -> tuple[str, ...]:
    """The names that `load` knows, sorted.

    Example:

    >>> from keras_fair import datasets
    >>> datasets.names()
    ('adult', 'bank', 'communities', 'compas', 'credit_card', 'german', 'law_school', 'lending')
    """
    return tuple(sorted(_MODULES))


def load(name: str, path: str | os.PathLike[str] | None = None, **options: Any) -> tuple[Split, Split]:
    """Load a data set by its name, for the command line and for loops over data sets.

    Args:
        name: One of `names()`.
        path: The file or the folder that holds it; `None` looks in `KERAS_FAIR_DATA`, then in the Keras
            cache, then downloads. `lending` is generated and takes none.
        **options: Passed on to the data set's `load_data`.

    Returns:
        `(train, test)`, each a `Split` of features, label and attributes.

    Raises:
        ValueError: If the name is not known, with near names, or if `lending` is given a path.
        FileNotFoundError: If the file is nowhere, or there is no network to download it.

    Example:

    >>> from keras_fair import datasets
    >>> train, test = datasets.load("lending")
    >>> train.size, test.size
    (16000, 4000)
    >>> datasets.load("lendin")
    Traceback (most recent call last):
    ValueError: expected the name of a data set, received name='lendin'; did you mean 'lending'?
    """
    module = _MODULES.get(name)
    if module is None:
        near = near_names(name, _MODULES)
        raise ValueError(f"expected the name of a data set, received name={name!r}{near}")
    if module is lending:
        if path is not None:
            raise ValueError(f"expected no path for lending, which is generated, received path={str(path)!r}")
        return lending.load_data(**options)
    return module.load_data(path, **options)


def sample_path() -> Path:
    """A CSV file to try an audit with: 1,000 held-out people of `lending`, with a model's scores.

    The model is the free one of `keras-fair run` with the seed 0. The columns are person, sex, race, age,
    score (in [0, 1], four decimals) and label (1: approved).

    Returns:
        The path of the file, which is installed with the package.

    Example:

    >>> from keras_fair import datasets
    >>> datasets.sample_path().read_text(encoding="utf-8").splitlines()[:2]
    ['person,sex,race,age,score,label', '1,Male,White,29,0.3118,1']
    """
    return Path(__file__).with_name("sample.csv")
