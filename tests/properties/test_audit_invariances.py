"""What an audit does not depend on: the order of samples, the chunks, the unit of weights, sure constants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fair.audit import Audit, Auditor, audit

TEXT = """
E[y | sex=Female] == E[y | sex=Male] +- 0.1
P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]
spread(E[y | race=*]) <= 0.2
E[y | race=a] == E[y] +- 0.1
cov(y, age) == 0 +- 1
E[label | y >= 0.5] >= 0.5
"""


def people(seed: int, size: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        "y": np.round(generator.random(size), 2),
        "sex": np.append(["Female", "Male"], generator.choice(["Female", "Male"], size - 2)),
        "race": np.append(["a", "b"], generator.choice(["a", "b", "c"], size - 2)),
        "age": generator.integers(18, 80, size).astype("float64"),
        "label": (generator.random(size) < 0.5) * 1.0,
        "weight": generator.choice([0.5, 1.0, 3.0], size),
    }


def audited(columns: dict[str, np.ndarray], text: str = TEXT) -> Audit:
    attributes = {name: columns[name] for name in ("sex", "race", "age")}
    return audit(text, columns["y"], attributes, columns["label"], columns.get("weight"))


def numbers(found: Audit, scale: float = 1.0) -> list[float]:
    every = []
    for relation in found:
        every += [relation.gap * scale, relation.violation * scale]
        if relation.interval is not None:
            every += [relation.interval.low * scale, relation.interval.high * scale]
    return every


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 120), st.booleans(), st.data())
def test_order_and_chunks(seed, size, weighted, data) -> None:
    columns = people(seed, size)
    if not weighted:
        del columns["weight"]
    whole = audited(columns)
    order = np.random.default_rng(seed + 1).permutation(size)
    mixed = audited({name: column[order] for name, column in columns.items()})
    assert numbers(mixed) == pytest.approx(numbers(whole), rel=1e-9, abs=1e-11, nan_ok=True)
    assert [relation.verdict for relation in mixed] == [relation.verdict for relation in whole]
    cuts = sorted(data.draw(st.lists(st.integers(0, size), max_size=4)))
    auditor = Auditor(TEXT)
    for start, end in zip([0, *cuts], [*cuts, size], strict=True):
        auditor.update(
            columns["y"][start:end],
            {name: columns[name][start:end] for name in ("sex", "race", "age")},
            columns["label"][start:end],
            columns["weight"][start:end] if weighted else None,
        )
    assert numbers(auditor.result()) == pytest.approx(numbers(whole), rel=1e-9, abs=1e-11, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 120), st.sampled_from([2.0, 0.25, 1024.0]))
def test_the_unit_of_weights(seed, size, unit) -> None:
    columns = people(seed, size)
    scaled = {**columns, "weight": unit * columns["weight"]}
    assert numbers(audited(scaled)) == pytest.approx(numbers(audited(columns)), abs=1e-11, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 120), st.sampled_from([2.0, 0.5, 16.0]))
def test_a_constant_in_front(seed, size, factor) -> None:
    columns = people(seed, size)
    plain = audited(columns, "E[y | sex=Female] - E[y | sex=Male] <= 0.1; E[y | race=a] - E[y] <= 0.1")
    times = f"{factor} * E[y | sex=Female] - {factor} * E[y | sex=Male] <= {factor * 0.1}; " + (
        f"{factor} * E[y | race=a] - {factor} * E[y] <= {factor * 0.1}"
    )
    found = audited(columns, times)
    assert numbers(found) == pytest.approx(numbers(plain, factor), rel=1e-6, abs=1e-9, nan_ok=True)
