"""Audits as pandas tables."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from keras_fair.audit.result import Audit
from tests.reports import made


def test_relations() -> None:
    audit = made.mixed()
    frame = audit.to_dataframe()
    assert list(frame.columns) == [
        *("name", "text", "statement", "left", "right", "gap", "lower", "upper", "violation", "verdict"),
        *("interval_low", "interval_high", "confidence", "method", "smallest_group", "note"),
    ]
    assert list(frame["name"]) == [relation.name for relation in audit]
    first, empty = frame.iloc[0], frame.iloc[4]
    assert (first["gap"], first["interval_low"], first["method"]) == (-0.1834, -0.1834 - 0.013, "welch")
    assert (first["verdict"], first["smallest_group"]) == ("violated", 1803)
    assert np.isnan([empty["gap"], empty["violation"], empty["interval_low"], empty["confidence"]]).all()
    assert empty["note"] == "nobody has race = Hispanic or Latino"
    assert frame["lower"].iloc[1] == -math.inf


def test_statistics() -> None:
    frame = made.mixed().to_dataframe("statistics")
    assert len(frame) == 2 + 8 + 4
    assert list(frame["relation"].iloc[:2]) == ["E[y | sex=Female] == E[y | sex=Male] +- 0.02"] * 2
    assert frame["interval_high"].iloc[1] == 0.4544 + 0.02


def test_groups() -> None:
    frame = made.mixed().to_dataframe("groups")
    assert list(frame.columns) == ["group", "sex", "race", "size", "weight", "mean"]
    row = frame.set_index("group").loc["race = Black, sex = Male"]
    assert (row["sex"], row["race"], row["size"]) == ("Male", "Black", 146)
    assert frame["race"].isna().sum() == 2


def test_an_attribute_named_as_a_column() -> None:
    audit = Audit((), samples=3, groups=(made.group(("size",), ("XL",), 3, 0.5),))
    assert list(audit.to_dataframe("groups").columns) == ["group", "size'", "size", "weight", "mean"]
    assert list(audit.to_dataframe("groups").iloc[0]) == ["size = XL", "XL", 3, 3, 0.5]


def test_an_empty_audit_has_its_columns() -> None:
    assert "gap" in Audit((), samples=0).to_dataframe().columns


def test_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="one of.*received of='rows'"):
        made.one().to_dataframe("rows")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-fair\[pandas\]'"):
        made.one().to_dataframe()
