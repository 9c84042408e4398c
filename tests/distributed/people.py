"""Generated people, for the tests of each engine."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["AUDITED", "RATES", "columns", "rows"]

AUDITED = """
parity: spread(E[y | sex=*]) <= 0.02
rates: P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]
age: E[y | age < 30] == E[y] +- 0.05
opportunity: spread(E[y | race=*, label=1]) <= 0.1
"""
RATES = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"


def columns(n: int = 1500, seed: int = 0) -> dict[str, np.ndarray]:
    """Scores, attributes, labels and weights; scores take 64 values."""
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(n) < 0.4, "Female", "Male")
    score = np.clip(rng.normal(np.where(sex == "Female", 0.45, 0.55), 0.2), 0, 1)
    score = np.floor(score * 64) / 64
    return {
        "score": score,
        "sex": sex,
        "race": rng.choice(["a", "b", "c"], n),
        "age": rng.integers(18, 80, n).astype("float64"),
        "label": (rng.random(n) < score).astype("int32"),
        "weight": rng.integers(1, 4, n).astype("float64"),
    }


def rows(of: dict[str, Any]) -> list[dict[str, Any]]:
    """Columns as rows of plain values."""
    lists = {name: np.asarray(column).tolist() for name, column in of.items()}
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
