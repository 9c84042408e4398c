"""People one by one: the step of plain numbers gives what that of arrays gives, and leaves the same state."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import keras_fair as kf
from keras_fair.inputs.domain import check_domain
from keras_fair.ops.stream.state_vector import StreamRule, advanced
from keras_fair.rows.lower import lower
from keras_fair.streaming import lone_step, plans
from keras_fair.streaming.plan_step import Batch, PlanStep

VALUES = {"g": ("a", "b", "c"), "h": ("x", "z"), "age": None}
TEXTS = [
    "E[y | g=a] == E[y | g=b] +- 0.02",
    "E[y | g=a] <= E[y | g=b] + 0.05",
    "E[y | g=a] >= 0.9 * E[y | g=b]",
    "0.3 <= E[y | h=x] <= 0.5",
    "E[y] <= 0.4",
    "E[y | g=*] == E[y] +- 0.03",
    "spread(E[y | g=*]) <= 0.05",
    "spread(E[y | g=*, h=*]) <= 0.1",
    "min(E[y | g=*]) >= 0.8 * max(E[y | g=*])",
    "abs(E[y | g=a] - E[y | g=b]) + abs(E[y | h=x] - E[y | h=z]) <= 0.1",
    "E[y | age < 25] == E[y | age >= 25] +- 0.02",
    "E[y * age | g=a] == E[y * age | g=b] +- 0.5",
    "E[y | g=a] <= P[h=x | g=a]",
    "E[y | g=a] == E[y | g=b] +- 0.02; spread(E[y | h=*]) <= 0.02; E[y] >= 0.2",
    "E[y | label=1, g=a] == E[y | label=1, g=b] +- 0.05",
    "cov(y, age) == 0 +- 0.1",
]
RULES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "a half-life": {"half_life": 30.0},
    "a short half-life": {"half_life": 3.0},
    "firm, without a margin": {"step": 2.0, "margin": 0.0},
    "another domain": {"domain": check_domain((-1.0, 3.0))},
    "no domain below": {"domain": check_domain((0.0, math.inf))},
}
score = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.0, 1.0, allow_subnormal=False))
person = st.fixed_dictionaries(
    {
        "y": score,
        "g": st.sampled_from(VALUES["g"]),
        "h": st.sampled_from(VALUES["h"]),
        "age": st.sampled_from([20.0, 24.0, 25.0, 60.0]),
        "label": st.sampled_from([0, 1]),
        "weight": st.sampled_from([1.0, 1.0, 0.25, 7.0]),
    }
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first person is taken already."""
    monkeypatch.setattr(lone_step, "_WORTH_IT", 0)


@pytest.fixture(scope="module")
def steps() -> dict[Any, PlanStep]:
    return {}


def step_of(steps: dict[Any, PlanStep], text: str, name: str) -> PlanStep:
    if (text, name) not in steps:
        rule = StreamRule(check_domain((0.0, 1.0)), "euclidean", 0.2, 3.5, False, math.inf)
        rule = rule._replace(**RULES[name])
        parsed = kf.parse(text)
        vocabulary = kf.Vocabulary({n: VALUES[n] for n in parsed.attributes}, label=[0, 1])
        plan = lower(parsed.statements, text, vocabulary, 1, domain=rule.domain.bounds)
        steps[text, name] = PlanStep(plan, rule)
    return steps[text, name]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("text", TEXTS)
@settings(max_examples=2, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(people=st.lists(person, min_size=16, max_size=30))
def test_each_step_is_that_of_arrays(
    text: str, name: str, people: list[dict[str, Any]], steps: dict[Any, PlanStep]
) -> None:
    """From the same state, to 1e-12 of the sizes of what is computed with."""
    step = step_of(steps, text, name)
    state = np.zeros(step.readout.layout.size)
    for one in people:
        attributes = {key: np.array([one[key]]) for key in step.plan.attributes}
        label = np.array([one["label"]]) if step.plan.uses_label else None
        columns, encoded = step.plan.encode(attributes, label)
        y, weight = np.array([one["y"]]), np.array([one["weight"]])
        fair, readout = step(state, Batch(y, columns, encoded, weight))
        expected = step.readout.read(readout)
        after = advanced(step.readout.layout, state, expected["change"], float(expected["fade"][0]))
        request = step.lone.read(y, attributes, label, weight, 16)
        assert request is not None
        found = step.lone(state.tolist(), request)
        step.lone.remember(request, columns, encoded)
        if found is not None:
            np.testing.assert_allclose(found.y, fair[0], rtol=0, atol=1e-12)
            np.testing.assert_allclose(found.state, after, rtol=1e-10, atol=1e-10)
            np.testing.assert_allclose(found.gaps, expected["gaps"], rtol=0, atol=1e-12)
            np.testing.assert_allclose(found.violation, expected["violation"], rtol=0, atol=1e-12)
            assert found.estimable == (expected["estimable"] > 0).tolist()
        state = after


@pytest.mark.parametrize("text", TEXTS)
def test_most_people_are_taken(text: str, steps: dict[Any, PlanStep]) -> None:
    """Of those whose like has come before, in every structure."""
    step = step_of(steps, text, "as it is")
    rng = np.random.default_rng(0)
    state, taken = np.zeros(step.readout.layout.size), 0
    for _ in range(120):
        values = {"g": rng.choice(VALUES["g"]), "h": rng.choice(VALUES["h"]), "age": rng.choice([20.0, 60.0])}
        attributes = {key: np.array([values[key]]) for key in step.plan.attributes}
        label = rng.integers(0, 2, 1) if step.plan.uses_label else None
        columns, encoded = step.plan.encode(attributes, label)
        batch = Batch(rng.uniform(size=1), columns, encoded)
        request = step.lone.read(batch.r, attributes, label, None, 16)
        taken += step.lone(state.tolist(), request) is not None
        step.lone.remember(request, columns, encoded)
        expected = step.readout.read(step(state, batch)[1])
        state = advanced(step.readout.layout, state, expected["change"], 1.0)
    assert taken >= 80, taken


SETTINGS: list[dict[str, Any]] = [
    {},
    {"half_life": 20.0},
    {"guard": True},
    {"margin": 0.0, "step": 1.0},
    {"vocabulary": kf.Vocabulary({"g": ["a", "b"], "h": ["x", "z"]}, missing="exclude")},
]
stranger = st.sampled_from(["a", "a", "b", "b", "b", "c", None])


@pytest.mark.parametrize("keywords", SETTINGS)
@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[6], TEXTS[7]])
@settings(max_examples=3, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(
    people=st.lists(st.tuples(score, stranger, st.sampled_from([1.0, 2.0])), min_size=20, max_size=40),
    single=st.booleans(),
)
def test_a_stream_is_the_same_by_both_ways(
    text: str, keywords: dict[str, Any], people: list[Any], single: bool
) -> None:
    """Whoever comes, unknown and missing values included: answers, state, report, history and warnings."""
    both = [kf.StreamingFairness(text, **keywords) for _ in range(2)]
    told: list[list[str]] = [[], []]
    for score_of, group, weight in people:
        y = np.array([score_of], "float32" if single else "float64")
        fair: list[Any] = []
        for way, stream in enumerate(both):
            attributes: Any = {"g": np.array([group], dtype=object) if group is None else np.array([group])}
            # Another mapping than a dict is not taken for one person's, so it goes the way of all batches.
            attributes = attributes if way == 0 else MappingProxyType(attributes)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    fair.append(stream.project(y, attributes, sample_weight=np.array([weight])))
                except ValueError as fault:
                    fair.append(str(fault))
            told[way] += [str(one.message) for one in caught]
        if isinstance(fair[1], str):
            assert fair[0] == fair[1]
            continue
        assert (fair[0].dtype, fair[0].shape) == (fair[1].dtype, fair[1].shape) == (y.dtype, y.shape)
        np.testing.assert_allclose(fair[0], fair[1], rtol=0, atol=1e-6 if single else 1e-9)
    assert told[0] == told[1]
    one, other = (stream._keeper.kept.states()["stream"].to_dict() for stream in both)
    assert_same(one, other)
    assert both[0].report().outcomes == both[1].report().outcomes
    assert_same(both[0].history, both[1].history)


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[6]])
def test_answers_do_not_depend_on_what_a_process_has_served(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stream that finds everything remembered by another, one that finds nothing, and one that goes on from
    a saved state: the same bits."""
    monkeypatch.undo()
    monkeypatch.setattr(lone_step, "_MOST_PEOPLE", 2)  # so that some are forgotten
    rng = np.random.default_rng(3)
    arrivals = [(np.array([rng.uniform()]), {"g": [str(rng.choice(VALUES["g"]))]}) for _ in range(120)]
    plans._lowered.cache_clear()
    answers = []
    for saved_at in (None, None, 10, 60):
        stream = kf.StreamingFairness(text)
        fair = []
        for k, (y, attributes) in enumerate(arrivals):
            if k == saved_at:
                plans._lowered.cache_clear()
                stream.save(tmp_path / f"{k}.json")
                stream = kf.StreamingFairness.load(tmp_path / f"{k}.json")
            fair.append(float(stream.project(y, attributes)[0]))
        answers.append(fair)
    assert answers[0] == answers[1] == answers[2] == answers[3]


def assert_same(one: Any, other: Any) -> None:
    """Equal, numbers to 1e-7: what came before differs by rounding, and equilibria carry it on."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert_same(first, second)
    elif isinstance(one, (float, np.ndarray)):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7)
    else:
        assert one == other
