"""Adult as a stream: the scores of an unconstrained network, orders of arrival, and what a stream made of
them.

Gaps are counted here from the predictions that came out, never taken from the stream's own report.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from _adult import network

import keras_fair as kf
from keras_fair import datasets
from keras_fair.inputs.domain import check_domain
from keras_fair.ops.stream.state_vector import StateLayout, StreamRule, advanced
from keras_fair.ops.stream.step import stream_step
from keras_fair.rows.lower import lower
from keras_fair.rows.plan import RowPlan

__all__ = [
    "RACE",
    "SEX",
    "Course",
    "People",
    "distortion",
    "hindsight",
    "pooled_spread",
    "random_order",
    "scored",
    "streamed",
    "worst_case",
]

SEX = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
RACE = "spread(E[y | race=*]) <= 0.03"
VALUES = {
    "sex": ["Female", "Male"],
    "race": ["Amer-Indian-Eskimo", "Asian-Pac-Islander", "Black", "Other", "White"],
}


class People(NamedTuple):
    """Those who arrive, in their order: raw scores `(n,)` float64, sex and race as text."""

    score: np.ndarray
    sex: np.ndarray
    race: np.ndarray

    def taken(self, order: np.ndarray) -> People:
        """These, in this order."""
        return People(*(column[order] for column in self))

    def __len__(self) -> int:
        return len(self.score)


class Course(NamedTuple):
    """What a stream did: fair predictions `(n,)`, the pooled gap after each arrival that ended a batch, NaN
    elsewhere and where only one group was there."""

    fair: np.ndarray
    gap: np.ndarray

    def largest_from(self, arrival: int) -> float:
        """The largest gap from an arrival on."""
        return float(np.nanmax(self.gap[arrival - 1 :]))

    @property
    def last(self) -> float:
        return float(self.gap[-1])


@cache
def scored() -> People:
    """All 48,842 people with the scores of a 64-32 network of five epochs, the training people first."""
    train, test = datasets.adult.load_data()
    encoded = datasets.encode(train, test)
    keras.utils.set_random_seed(0)
    model = network(encoded.train.shape[1], 64, 32)
    model.compile("adam", "binary_crossentropy")
    model.fit(encoded.train, train.label, batch_size=256, epochs=5, verbose=0)
    x = np.concatenate([encoded.train, encoded.test])
    score = model.predict(x, batch_size=4096, verbose=0)[:, 0].astype("float64")
    sex, race = (
        np.concatenate([np.asarray(split.attributes[name]).astype(str) for split in (train, test)])
        for name in ("sex", "race")
    )
    return People(score, sex, race)


def random_order(seed: int, arrivals: int = 20_000) -> People:
    """Some of all people in a random order."""
    people = scored()
    return people.taken(np.random.default_rng(seed).permutation(len(people))[:arrivals])


def streamed(people: People, constraint: str, batch: int = 1, **options: Any) -> Course:
    """Let people arrive in batches; see `StreamingFairness` for the options.

    All arrivals go through one compiled loop of the step that `StreamingFairness` takes for each. What comes
    of the first of them is compared with what it gives itself.
    """
    name = "race" if constraint == RACE else "sex"
    column = getattr(people, name)
    options = {"step": 0.2, "margin": 3.5, "guard": False} | options
    plan = lower(kf.parse(constraint).statements, constraint, kf.Vocabulary(VALUES))
    rule = StreamRule(check_domain((0.0, 1.0)), "euclidean", half_life=np.inf, **options)
    codes = np.asarray(plan.encode({name: column})[0][name])
    fair, state, whole = [], np.zeros(StateLayout.of(plan).size), len(people) // batch * batch
    for start, end, size in ((0, whole, batch), (whole, len(people), len(people) - whole)):
        if end > start:
            given = (people.score[start:end].reshape(-1, size), codes[start:end].reshape(-1, size))
            y, state = (part.numpy() for part in _loop(plan, rule, name)(state, *map(tf.constant, given)))
            fair.append(y.reshape(-1))
    found = np.concatenate(fair)
    if (constraint, rule, batch) not in _compared:
        _compared.add((constraint, rule, batch))
        stream = kf.StreamingFairness(constraint, vocabulary=VALUES, **options)
        for start in range(0, 40 * batch, batch):
            part = slice(start, start + batch)
            served = stream.project(people.score[part], {name: column[part]})
            assert np.max(np.abs(served - found[part])) < 1e-9
    gap = pooled_spread(found, column)
    ends = np.append(np.arange(batch - 1, len(people) - 1, batch), len(people) - 1)
    seen = np.full(len(people), np.nan)
    seen[ends] = gap[ends]
    return Course(found, seen)


def _loop(plan: RowPlan, rule: StreamRule, name: str) -> Callable[..., tuple[Any, Any]]:
    """State, predictions and codes `(batches, size)` to fair predictions and the state after them."""
    key = (str(plan.text), rule, name)
    if key not in _loops:

        @tf.function(jit_compile=True, autograph=False)
        def run(state: Any, score: Any, codes: Any) -> tuple[Any, Any]:
            def one(index: Any, state: Any, fair: Any) -> tuple[Any, Any, Any]:
                step = stream_step(plan, rule, state, score[index], {name: codes[index]})
                after = advanced(StateLayout.of(plan), state, step.change, step.fade)
                return index + 1, after, fair.write(index, step.projection.y)

            fair = tf.TensorArray("float64", score.shape[0], element_shape=score.shape[1:])
            _, state, fair = tf.while_loop(lambda i, *_: i < score.shape[0], one, (0, state, fair))
            return fair.stack(), state

        _loops[key] = run
    return _loops[key]


_loops: dict[Any, Callable[..., tuple[Any, Any]]] = {}
_compared: set[Any] = set()


def pooled_spread(y: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The largest difference of two groups' means over all arrivals so far, after each: `(n,)`, NaN while
    there is one group only."""
    means = []
    for value in np.unique(column):
        member = (column == value).astype("float64")
        count = np.cumsum(member)
        means.append(np.where(count > 0, np.cumsum(y * member) / np.maximum(count, 1.0), np.nan))
    table = np.stack(means)
    there = np.sum(~np.isnan(table), axis=0) > 1
    spread = np.full(len(y), np.nan)
    spread[there] = np.nanmax(table[:, there], axis=0) - np.nanmin(table[:, there], axis=0)
    return spread


def hindsight(people: People, constraint: str) -> float:
    """The squared distance of the nearest predictions that meet the constraint, with all people known."""
    name = "race" if constraint == RACE else "sex"
    rows = kf.parse(constraint).rows({name: getattr(people, name)})
    return float(np.sum(np.square(kf.project(people.score, rows).y - people.score)))


def distortion(people: People, course: Course, best: float) -> float:
    """The squared distance of the predictions given, in units of the best in hindsight."""
    return float(np.sum(np.square(course.fair - people.score))) / best


def worst_case(people: People, step: float = 0.2) -> np.ndarray:
    """What docs/mathematics.md proves of women and men in any order: how far the gap may be past its bound
    after each arrival, `(n,)`, by the shares that they had until then."""
    t = np.arange(1.0, len(people) + 1)
    women = np.cumsum(people.sex == "Female")
    return np.maximum.accumulate(np.maximum(women, t - women) / np.sqrt(t)) / (step * t)
