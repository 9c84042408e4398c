"""How close to its bound does the pooled gap of a stream stay, and how much are predictions moved for it?

20,000 Adult people in random order, the scores of an unconstrained 64-32 network, five seeds;
women and men within 0.02, or five groups of race within 0.03. Distortion is the squared distance to the raw
scores over that of the best correction in hindsight. Then orders that are far from random, with the bound of
docs/mathematics.md beside them, and fairness_training on the same stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from _rivals import Rivals
from _stream import (
    RACE,
    SEX,
    Course,
    People,
    distortion,
    hindsight,
    pooled_spread,
    random_order,
    streamed,
    worst_case,
)
from _timing import table

FROM = (100, 500, 1500, 3000, 5000)
RIVAL_ARRIVALS = 2000
HEAD = ["rows", "batch", "seeds", *(f"gap from {k:,}" for k in FROM), "end", "distortion", "largest"]


def main() -> None:
    table(HEAD, [_line("sex", SEX, batch, range(5)) for batch in (1, 4, 16, 256)])
    table(HEAD, [_line("race", RACE, 1, range(5)), _line("sex, guard", SEX, 1, range(5), guard=True)])
    table(HEAD, [_line(f"sex, {what}", SEX, 1, range(5), **options) for what, options in SETTINGS.items()])
    orders()
    rivals()


SETTINGS: dict[str, dict[str, Any]] = {
    f"step {step}, margin {margin}": {"step": step, "margin": margin}
    for step, margin in ((0.1, 4.0), (0.1, 3.5), (0.4, 3.5), (0.2, 0.0))
}


def orders() -> None:
    """Orders of arrival that are far from random."""
    lines = []
    for name, people in _orders():
        course = streamed(people, SEX)
        excess = course.gap - 0.02
        bound = worst_case(people)
        guarded = streamed(people, SEX, guard=True)
        assert np.isfinite(course.fair).all()
        lines.append(
            [
                name,
                *(f"{course.largest_from(k):.4f}" for k in (100, 1500, 5000)),
                f"{course.last:.4f}",
                f"{0.02 + bound[-1]:.4f}",
                f"{np.nanmax(excess / bound):.2f}",
                f"{distortion(people, course, hindsight(people, SEX)):.2f}",
                f"{np.nanmax(guarded.gap):.6f}",
            ]
        )
    head = ["order", "gap from 100", "from 1,500", "from 5,000", "end", "bound at the end"]
    table([*head, "largest excess / bound", "distortion", "with guard: largest gap"], lines)


def rivals(batches: Sequence[int] = (1, 2, 8, 32), arrivals: int = RIVAL_ARRIVALS) -> None:
    """fairness_training's inference for small batches, on the same stream."""
    people = random_order(0, arrivals)
    best = hindsight(people, SEX)
    raw = pooled_spread(people.score, people.sex)[-1]
    lines = [["none", "-", f"{raw:.4f}", f"{raw:.4f}", "-", "0.000"]]
    with Rivals() as servers:
        for batch in batches:
            path = servers.store(
                f"{batch}", score=people.score.astype("float32"), codes=(people.sex == "Male").astype("int32")
            )
            asked = {"competitor": "fairness_training_stream", "arrays": path, "tolerance": 0.02}
            answer = servers.answer(**asked, batch=batch)
            theirs = Course(answer[1:], pooled_spread(answer[1:], people.sex))
            ours = streamed(people, SEX, batch)
            for name, course in {"fairness_training": theirs, "ours": ours}.items():
                reported = answer[0] if course is theirs else course.last
                lines.append(
                    [
                        name,
                        f"{batch}",
                        f"{course.largest_from(1500):.4f}",
                        f"{course.last:.4f}",
                        f"{reported:.4f}",
                        f"{distortion(people, course, best):.3f}",
                    ]
                )
    table(["what", "batch", "pooled gap from 1,500", "at the end", "it reports", "distortion"], lines)


def _line(what: str, constraint: str, batch: int, seeds: Sequence[int], **options: Any) -> list[str]:
    """The largest gaps over the seeds, and the mean and the largest distortion."""
    gaps, moved = [], []
    for seed in seeds:
        people = random_order(seed)
        course = streamed(people, constraint, batch, **options)
        gaps.append([*(course.largest_from(k) for k in FROM), course.last])
        moved.append(distortion(people, course, hindsight(people, constraint)))
    largest = [f"{gap:.4f}" for gap in np.max(gaps, axis=0)]
    return [what, f"{batch}", f"{len(seeds)}", *largest, f"{np.mean(moved):.3f}", f"{np.max(moved):.3f}"]


def _orders() -> Iterator[tuple[str, People]]:
    people = random_order(0)
    n, female = len(people), people.sex == "Female"
    rng = np.random.default_rng(1)
    yield "women first, then men", people.taken(np.argsort(~female, kind="stable"))
    yield "men first, then women", people.taken(np.argsort(female, kind="stable"))
    yield "low scores first", people.taken(np.argsort(people.score, kind="stable"))
    yield "high scores first", people.taken(np.argsort(-people.score, kind="stable"))
    yield "bursts of 200 of one sex", people.taken(_bursts(female, 200))
    drifting = np.linspace(0.0, 0.4, n)  # women's scores rise, men's fall
    moved = np.clip(people.score + np.where(female, drifting, -drifting), 0.0, 1.0)
    yield "a drift past each other", People(moved, people.sex, people.race)
    late = np.concatenate([np.flatnonzero(~female)[: n // 4], np.zeros(0, dtype="int64")])
    rest = rng.permutation(np.setdiff1d(np.arange(n), late))
    yield "women from arrival 5,001 on", people.taken(np.concatenate([late, rest]))


def _bursts(member: np.ndarray, length: int) -> np.ndarray:
    """An order in which either kind comes in turns of this length, for as long as there are both."""
    kinds = [np.flatnonzero(member), np.flatnonzero(~member)]
    pieces: list[np.ndarray] = []
    for start in range(0, len(member), length):
        pieces += [kind[start : start + length] for kind in kinds]
    return np.concatenate(pieces)


if __name__ == "__main__":
    main()
