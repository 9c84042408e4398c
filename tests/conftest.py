"""Fixtures for every test: fixed seeds and the folder of public data files."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def fixed_seed() -> None:
    """Start every test from the same random state (Python's, NumPy's and, where it is in use, Keras')."""
    if "keras" in sys.modules:  # tests of the language need no backend and don't wait for one
        sys.modules["keras"].utils.set_random_seed(20260)
    else:
        random.seed(20260)
        np.random.seed(20260)


@pytest.fixture
def rng() -> np.random.Generator:
    """A NumPy generator with a fixed seed."""
    return np.random.default_rng(20260)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The top folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public data files; a test that needs it is skipped where there is none."""
    named = os.environ.get("KERAS_FAIR_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no folder of data files at {folder}; set KERAS_FAIR_DATA to one")
    return folder
