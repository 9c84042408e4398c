"""How often does a drift monitor err, and how soon does it see a drift?

Streams of people whose means are known. In the first table each promised inequality holds with nothing to
spare, so that every alarm is false. In the second it does not hold, from the start or from some observation
on. In the third it is timed. Names of tables (`false`, `soon`, `time`) as arguments run those alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from _timing import shown, table

import keras_fair as kf
from keras_fair.inputs.domain import check_domain
from keras_fair.postprocessing.calibration import plan_for
from keras_fair.postprocessing.drift_process import KINDS
from keras_fair.postprocessing.drift_rows import watched_rows
from keras_fair.postprocessing.drift_state import State, Watch, advanced, begun
from keras_fair.postprocessing.meaning import meaning_of

STREAMS, FEWER, OBSERVATIONS, SEED = 1000, 300, 20_000, 7
SEX = {"sex": ("Female", "Male")}
PARITY = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"
ONE_SIDED = "P[y >= 0.5 | sex=Male] <= P[y >= 0.5 | sex=Female] + 0.05"
EVERYONE = "P[y >= 0.5 | sex=Male] <= P[y >= 0.5] + 0.05"
BUDGET = "P[y >= 0.5] <= 0.1"
SCORES = "E[y | sex=Male] <= E[y | sex=Female] + 0.05"

Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def watch_of(text: str, kind: str = KINDS[0], alpha: float = 0.01) -> Watch:
    """What a monitor of a rule of this text watches."""
    meaning = meaning_of(kf.parse(text))
    plan = plan_for(meaning, kf.Vocabulary(SEX), check_domain((0.0, 1.0)))
    pairings, _ = watched_rows(plan, ends=(0.0, 1.0), threshold=meaning.threshold)
    return Watch(pairings, kind, alpha)


def rates(women: float, men: float) -> Draw:
    """Decisions."""
    return lambda rng, is_man: rng.random(len(is_man)) < np.where(is_man, men, women)


def betas(women: float, men: float) -> Draw:
    """Scores with a spread of their own."""


    def draw(rng: np.random.Generator, is_man: np.ndarray) -> np.ndarray:
        mean = np.where(is_man, men, women)
        return rng.beta(2 * mean, 2 - 2 * mean)

    return draw


class Stream(NamedTuple):
    """What is watched, how people come, and how many are needed for one observation, about."""

    text: str
    draw: Draw
    men: float
    people: float


def observed(watch: Watch, state: State, stream: Stream, rng: np.random.Generator, size: int) -> State:
    """The state after some people more."""
    is_man = rng.random(size) < stream.men
    x = stream.draw(rng, is_man).astype(float)
    members = {("Female",): ~is_man, ("Male",): is_man, (): np.ones(size, bool)}
    groups = [np.stack([members[_called(cells)] for _, cells in each.groups]) for each in watch.pairings]
    values = np.stack([x, np.zeros(size)], axis=1)
    return advanced(watch, state, groups, values, labelled=False, late=False)


def _called(cells: bytes) -> tuple[str, ...]:
    """Which values a group is of, by its cells: those of the one attribute, then all others; `()`:
    everyone."""
    inside = np.frombuffer(cells, bool)
    return () if inside.all() else tuple(np.array(SEX["sex"])[inside[: len(SEX["sex"])]].tolist())


def alarms(
    stream: Stream, watch: Watch, streams: int, drift: Stream | None = None, before: int = 0
) -> np.ndarray:
    """After how many observations there was an alarm in each stream; infinite where there was none."""
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(streams):
        state = begun(watch, 1)
        if before:
            state = observed(watch, state, stream, rng, round(before * stream.people))
        begin = int(state["observations"].max())
        later = drift or stream
        for _ in range(20):
            state = observed(watch, state, later, rng, round(OBSERVATIONS / 20 * later.people))
            if (state["alarm"][:, 0] >= 0).any():
                break
        at = state["alarm"][:, 1]
        found.append(at[at >= 0].min() - begin if (at >= 0).any() else np.inf)
    return np.array(found)


def false_alarms() -> None:
    """The inequality holds with nothing to spare."""
    streams = {
        "two rates, 0.275 and 0.225, groups alike": Stream(ONE_SIDED, rates(0.225, 0.275), 0.5, 3.0),
        "the same, groups 80 and 20 %": Stream(ONE_SIDED, rates(0.225, 0.275), 0.2, 5.25),
        "both sides, rates alike but for 0.05": Stream(PARITY, rates(0.225, 0.275), 0.5, 3.0),
        "means of scores, 0.5 and 0.45": Stream(SCORES, betas(0.45, 0.5), 0.5, 3.0),
        "men and everyone, 0.275 and 0.225": Stream(EVERYONE, rates(0.175, 0.275), 0.5, 3.0),
        "a budget, rate 0.1": Stream(BUDGET, rates(0.1, 0.1), 0.5, 1.0),
    }
    lines = []
    for name, stream in streams.items():
        share = np.isfinite(alarms(stream, watch_of(stream.text), STREAMS)).mean()
        lines.append([name, f"{share:.2%}"])
        print(f"{name}: done", file=sys.stderr, flush=True)
    print(f"{STREAMS:,} streams of {OBSERVATIONS:,} observations, alpha = 1%\n")
    table(["at the bound", "with a false alarm"], lines)
    stream = streams["two rates, 0.275 and 0.225, groups alike"]
    at = np.minimum(alarms(stream, watch_of(stream.text, KINDS[1], 1e-3), FEWER), OBSERVATIONS)
    none = (at == OBSERVATIONS).mean()
    print(f"\nAverage run length, alpha = 0.1%: at least 1,000 proven, {at.mean():,.0f} found, with")
    print(f"{OBSERVATIONS:,} where there was no alarm in so many ({none:.0%})\n", flush=True)


def how_soon() -> None:
    """The inequality does not hold."""
    lines = []
    fair = {
        share: Stream(PARITY, rates(0.25, 0.26), share, people)
        for share, people in ((0.5, 3.0), (0.2, 5.25))
    }
    for name, text, share, before in (
        ("from the start, one side promised", ONE_SIDED, 0.5, 0),
        ("from the start", PARITY, 0.5, 0),
        ("from the start, groups 80 and 20 %", PARITY, 0.2, 0),
        ("after 2,000 observations", PARITY, 0.5, 2000),
        ("after 20,000 observations", PARITY, 0.5, 20_000),
    ):
        drifted = Stream(text, rates(0.2, 0.3), share, fair[share].people)
        line = [name]
        for kind, alpha in ((KINDS[0], 0.01), (KINDS[1], 1e-5)):
            at = alarms(fair[share], watch_of(text, kind, alpha), FEWER, drifted, before)
            at = at[at > 0]  # a false alarm came before
            line += [f"{np.median(at):,.0f}", f"{np.quantile(at, 0.9):,.0f}"]
        lines.append(line)
        print(f"{name}: done", file=sys.stderr, flush=True)
    head = ["rates 0.3 and 0.2, a gap of 0.05 promised", "false alarm 1%: median", "9 of 10"]
    table([*head, "run length 100,000: median", "9 of 10"], lines)
    print()


def times() -> None:
    """A monitor with its rule."""
    rng = np.random.default_rng(SEED)

    def people(size: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        sex = np.where(rng.random(size) < 0.4, "Female", "Male")
        return np.clip(rng.normal(np.where(sex == "Female", 0.4, 0.55), 0.2, size), 0, 1), {"sex": sex}

    rule = kf.FrozenFairness(PARITY).fit(*people(4000))
    lines = []
    for size, repeats in ((1, 1000), (1000, 100), (1_000_000, 3)):
        monitor = kf.DriftMonitor(rule)
        batches = [people(size) for _ in range(repeats)]
        taken = []
        for use in (rule, monitor.observe):
            seconds = []
            for batch in batches:
                start = time.perf_counter()
                use(*batch)
                seconds.append(time.perf_counter() - start)
            taken.append(float(np.median(seconds)))
        lines.append([f"{size:,}", *map(shown, taken), f"{len(monitor.to_bytes()):,}"])
    table(["people at a time", "the rule", "observe, the rule included", "bytes of the monitor"], lines)


def main(wanted: list[str]) -> None:
    for name, run in (("false", false_alarms), ("soon", how_soon), ("time", times)):
        if not wanted or name in wanted:
            run()


if __name__ == "__main__":
    main(sys.argv[1:])
