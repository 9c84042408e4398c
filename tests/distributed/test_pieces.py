"""Pieces of a data set, without any engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import keras_fair as kf
from keras_fair.distributed import pieces
from keras_fair.distributed.pieces import Roles, larger_pieces, table_of_rows


def test_batches_are_joined_to_a_size_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "ROWS", 10)
    batches = [pa.record_batch({"x": np.arange(size)}) for size in (4, 4, 0, 4, 25, 3)]
    assert [len(table) for table in larger_pieces(batches)] == [12, 25, 3]
    assert list(larger_pieces([])) == []
    assert list(larger_pieces(batches[2:3])) == []


def test_roles_say_which_columns_are_what() -> None:
    roles = Roles.of(["a", "b"], "label", "weight")
    table = {"a": [0.1, 0.2], "b": [0.9, 0.8], "label": [0, 1], "weight": [1, 2], "sex": ["F", "M"]}
    y, columns, label, weight = roles.parts(pa.table(table))
    np.testing.assert_array_equal(y, [[0.1, 0.9], [0.2, 0.8]])
    assert columns["sex"].to_pylist() == ["F", "M"]
    assert (label.to_pylist(), weight.to_pylist()) == ([0, 1], [1, 2])
    assert roles.wanted(["sex", "a"], list(table)) == ["a", "b", "label", "weight", "sex"]
    with pytest.raises(ValueError, match="expected a column 'weight'.*did you mean 'weights'"):
        roles.wanted([], ["a", "b", "label", "weights"])
    for wrong in ([], [3]):
        with pytest.raises(ValueError, match="expected y as the name of a column"):
            Roles.of(wrong, None, None)


def test_rows_become_columns() -> None:
    assert table_of_rows([{"a": 1, "b": None}, {"b": 2, "a": 3}]) == {"a": [1, 3], "b": [None, 2]}
    with pytest.raises(ValueError, match="the same keys"):
        table_of_rows([{"a": 1}, {"b": 1}])


def test_an_absent_engine_says_how_to_install_it(tmp_path: Path) -> None:
    assert {"beam", "spark"} <= set(dir(kf.distributed))
    with pytest.raises(AttributeError, match="dask"):
        _ = kf.distributed.dask
    code = (
        "import sys, keras_fair as kf\n"
        "sys.modules['apache_beam'] = None\n"
        "try:\n"
        "    kf.distributed.beam\n"
        "except ModuleNotFoundError as fault:\n"
        "    print(fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "pip install 'keras-fair[beam]'" in done.stdout, done.stderr
