"""How close to the bound that docs/mathematics.md proves does an adversary get that sees the state?

It chooses group and score of each arrival by a plan of up to five phases, each with an aim of its own (the
largest gap at once or some arrivals ahead, the smallest, one side, one group at one end); plans are drawn,
then improved by hill climbing. `attack` is a model in C, compared with the real stream first, and the worst
plan of each line is played against the real stream too. The figure is the largest part of the proven excess
that was ever used.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from _stream_model import LETTERS, ModelRule, attack, compared
from _timing import table

AIMS, PHASES, TRIES = 9, 5, 160
HORIZONS = (60, 600, 4000, 20_000)


class Plan(NamedTuple):
    """What the adversary does: the aim and the length of each phase, and how far ahead it looks."""

    aims: np.ndarray
    lengths: np.ndarray
    depth: int


def main() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 400)
    lines, count = [], 0
    for tolerance, step, margin in product((0.0, 0.02, 0.1), (0.05, 0.2, 1.0), (0.0, 3.5)):
        rule = ModelRule(2, False, tolerance, step, margin)
        assert compared(rule, group, np.clip(0.3 + 0.3 * group + 0.2 * rng.normal(size=400), 0.0, 1.0)) < 1e-9
        worst, found = 0.0, None
        for horizon in HORIZONS:
            tries = TRIES if horizon < 10_000 else TRIES // 8
            for used, plan in _climbed(rule, horizon, tries, rng):
                count += 1
                if used > worst:
                    worst, found = used, plan
        assert found is not None
        lines.append(
            [f"{tolerance:g}", f"{step:g}", f"{margin:g}", f"{worst:.4f}", f"{_really(rule, found):.4f}"]
        )
        assert worst <= 1.0, "the bound that is proven was passed"
    table(["tolerance", "step", "margin", "largest excess / bound", "of its first 1,500, real stream"], lines)
    print(f"{count:,} streams, at most {max(HORIZONS):,} arrivals each")


def _climbed(
    rule: ModelRule, horizon: int, tries: int, rng: np.random.Generator
) -> Iterator[tuple[float, Plan]]:
    """Plans, each with the part of the bound that it used: a quarter drawn, then the best one changed."""
    best, best_plan = -1.0, None
    for number in range(tries):
        plan = (
            _drawn(horizon, rng)
            if number < tries // 4 or best_plan is None
            else _changed(best_plan, horizon, rng)
        )
        used = attack(rule, *plan)[0]
        if used > best:
            best, best_plan = used, plan
        yield used, plan


def _drawn(horizon: int, rng: np.random.Generator) -> Plan:
    phases = int(rng.integers(1, PHASES + 1))
    lengths = np.maximum(rng.dirichlet(np.ones(phases)) * horizon, 1).astype("int32")
    return Plan(rng.integers(0, AIMS, phases), lengths, int(rng.integers(1, 60)))


def _changed(plan: Plan, horizon: int, rng: np.random.Generator) -> Plan:
    aims, lengths, depth = plan.aims.copy(), plan.lengths.astype("float64"), plan.depth
    what = rng.integers(3)
    if what == 0:
        aims[rng.integers(len(aims))] = rng.integers(0, AIMS)
    elif what == 1:
        lengths = lengths * np.exp(0.5 * rng.normal(size=len(lengths)))
    else:
        depth = int(rng.integers(1, 60))
    return Plan(aims, np.maximum(lengths * horizon / lengths.sum(), 1).astype("int32"), depth)


def _really(rule: ModelRule, plan: Plan, arrivals: int = 1500) -> float:
    """The part of the bound that the first arrivals of a plan use, played against the real stream."""
    _, group, raw = attack(rule, *plan)
    stream, worst, most, counts = rule.stream(), 0.0, 0.0, np.zeros(2)
    for t, (g, r) in enumerate(zip(group[:arrivals], raw, strict=False), start=1):
        stream.project([r], {"g": LETTERS[[g]]})
        counts[g] += 1
        most = max(most, counts.max() / np.sqrt(t))
        if counts.min():
            worst = max(worst, stream.report().violation * rule.step * t / most)
    return worst


if __name__ == "__main__":
    main()
