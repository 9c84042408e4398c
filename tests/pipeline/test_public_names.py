"""The public names of the package, and what importing it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import keras_fair as kf


@pytest.mark.parametrize("name", kf.__all__)
def test_every_listed_name_is_there(name) -> None:
    assert getattr(kf, name) is not None
    assert name in dir(kf)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="FairLayer"):
        _ = kf.FairLayer


@pytest.mark.parametrize("order", ["import keras_fair, keras", "import keras, keras_fair"])
def test_classes_are_registered_without_being_imported(order, tmp_path: Path) -> None:
    code = (
        f"{order}\nimport sys\n"
        "assert 'keras_fair.layers' not in sys.modules\n"
        "config = {'constraints': 'E[y] <= 0.5', 'vocabulary': None}\n"
        "layer = keras.saving.deserialize_keras_object({\n"
        "    'class_name': 'FairProjection', 'config': config,\n"
        "    'registered_name': 'keras_fair>FairProjection',\n"
        "    'module': 'keras_fair.layers.fair_projection'})\n"
        "assert type(layer) is keras_fair.FairProjection\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_parsing_does_not_wait_for_keras(tmp_path: Path) -> None:
    code = "import sys, keras_fair.language; assert 'keras' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
