"""How often are the tests behind promises wrong, how wide are they, and how fast?

*Passed at the bound*: how often a row passes whose two sides are equal in the population; the level at most.
Of few people it is also summed exactly, over all rates on the line.

*Width*: how far below the bound the truth must lie to pass half the time, in `z sigma`, what a normal test
needs that is told the variances. That test runs on the same draws, so most of their noise cancels.

Names of parts (size, rates, means, times) as arguments run those alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from _timing import shown, table
from scipy import stats

from keras_fair.postprocessing.mean_tests import means_below
from keras_fair.postprocessing.rate_tests import rates_below, rates_p_value

LEVEL, SEED, DRAWS = 0.05, 5, 400
Z = float(stats.norm.isf(LEVEL))
DISTANCES = np.array([0.85, 1.0, 1.15, 1.3])  # in z sigma
WEIGHT_BOUND = 2.0


class Case(NamedTuple):
    """People of two groups, and `estimate(sample) - bound` in terms of a sample.

    Attributes:
        name: cells of the table.
        draw: a sample.
        estimate: of the left side of the row, less its truth.
        sigma: its standard error.
        passes: whether the row passes with this much added to a bound that is the truth.
    """

    name: Sequence[str]
    draw: Callable[[np.random.Generator], object]
    estimate: Callable[[object], float]
    sigma: float
    passes: Callable[[object, float], bool]


def measured(cases: Sequence[Case], head: Sequence[str], draws: int = DRAWS) -> None:
    """Print type-I errors and widths."""
    lines = []
    for case in cases:
        rng = np.random.default_rng(SEED)
        samples = [case.draw(rng) for _ in range(draws)]
        estimates = np.array([case.estimate(sample) for sample in samples]) / (Z * case.sigma)
        own, normal = [], []
        for distance in DISTANCES:
            own.append(np.mean([case.passes(sample, distance * Z * case.sigma) for sample in samples]))
            normal.append(np.mean(estimates <= distance - 1))
        wrong = np.mean([case.passes(sample, 0.0) for sample in samples])
        lines.append([*case.name, f"{wrong:.3f}", f"{1 + _half(own) - _half(normal):.2f}"])
        print(f"{', '.join(case.name)}: done", file=sys.stderr, flush=True)
    table([*head, "passed at the bound", "width / z sigma"], lines)


def _half(chances: Sequence[float]) -> float:
    """Where the chance is 1/2, by a line through the normal quantiles."""
    slope, offset = np.polyfit(DISTANCES, stats.norm.ppf(np.clip(chances, 1 / DRAWS, 1 - 1 / DRAWS)), 1)
    return float(-offset / slope)


def sizes() -> None:
    lines = []
    for people_a, people_b, factor, bound in (
        (20, 20, 1.0, 0.0),
        (20, 20, 1.0, 0.1),
        (50, 50, 1.0, 0.05),
        (80, 25, 0.8, 0.0),
        (25, 80, 0.8, 0.0),
    ):
        row = {"factor": factor, "bound": bound, "level": LEVEL}
        passed = [
            [float(rates_below(i, people_a, j, people_b, **row)) for j in range(people_b + 1)]
            for i in range(people_a + 1)
        ]
        b = np.linspace(max(0.0, -bound / factor), min(1.0, (1 - bound) / factor), 2001)[:, None]
        chance_a = stats.binom.pmf(np.arange(people_a + 1), people_a, np.clip(factor * b + bound, 0.0, 1.0))
        chance = (chance_a @ np.array(passed) * stats.binom.pmf(np.arange(people_b + 1), people_b, b)).sum(1)
        text = f"p_a - {factor:g} p_b <= {bound:g}"
        lines.append([f"{people_a} / {people_b}", text, f"{chance.max():.4f}", f"{np.median(chance):.4f}"])
    table(["people", "row", "largest chance to pass", "median over the line"], lines)


def rates() -> None:
    measured(
        [
            _rates(people_a, people_b, a, b, factor)
            for people_a, people_b, a, b, factor in (
                (100, 100, 0.3, 0.3, 1.0),
                (500, 500, 0.3, 0.3, 1.0),
                (2_500, 2_500, 0.3, 0.3, 1.0),
                (2_500, 2_500, 0.03, 0.03, 1.0),
                (4_500, 500, 0.3, 0.3, 1.0),
                (4_500, 500, 0.4, 0.5, 0.8),
                (500_000, 500_000, 0.3, 0.3, 1.0),
            )
        ],
        ["people", "rates", "factor"],
    )


def _rates(people_a: int, people_b: int, a: float, b: float, factor: float) -> Case:
    truth = a - factor * b
    return Case(
        [f"{people_a:,} / {people_b:,}", f"{a:g} / {b:g}", f"{factor:g}"],
        lambda rng: (int(rng.binomial(people_a, a)), int(rng.binomial(people_b, b))),
        lambda hits: hits[0] / people_a - factor * hits[1] / people_b - truth,
        float(np.sqrt(a * (1 - a) / people_a + factor**2 * b * (1 - b) / people_b)),
        lambda hits, more: rates_below(
            hits[0], people_a, hits[1], people_b, factor=factor, bound=truth + more, level=LEVEL
        ),
    )


def means() -> None:
    cases = []
    for people_a, people_b in ((100, 100), (500, 500), (2_500, 2_500), (3_000, 2_000), (4_500, 500)):
        cases.append(_means(people_a, people_b, "Beta(2, 3)", lambda rng, n: rng.beta(2, 3, n)))
    for name, draw in (
        ("Beta(8, 2)", lambda rng, n: rng.beta(8, 2, n)),
        ("Beta(0.3, 2.7)", lambda rng, n: rng.beta(0.3, 2.7, n)),
        ("0 or 1, 5%", lambda rng, n: (rng.random(n) < 0.05) * 1.0),
    ):
        cases += [_means(people, people, name, draw) for people in (500, 2_500)]
    for people in (500, 2_500):
        cases.append(_means(people, people, "Beta(2, 3)", lambda rng, n: rng.beta(2, 3, n), True))
    measured(cases, ["people", "numbers", "weights"], 300)


def _means(
    people_a: int,
    people_b: int,
    name: str,
    numbers: Callable[[np.random.Generator, int], np.ndarray],
    weighted: bool = False,
) -> Case:
    """The same distribution in both groups, so that the difference of means is 0."""
    many = numbers(np.random.default_rng(SEED + 1), 1_000_000)
    influence = many - many.mean()
    if weighted:
        weight = _weight(np.random.default_rng(SEED + 2), len(many))
        influence *= weight / weight.mean()

    def draw(rng: np.random.Generator) -> dict[str, np.ndarray]:
        sample = {"x_a": numbers(rng, people_a), "x_b": numbers(rng, people_b)}
        if weighted:
            sample |= {"weight_a": _weight(rng, people_a), "weight_b": _weight(rng, people_b)}
        return sample

    return Case(
        [f"{people_a:,} / {people_b:,}", name, "0.2 to 2" if weighted else "-"],
        draw,
        lambda sample: float(
            np.average(sample["x_a"], weights=sample.get("weight_a"))
            - np.average(sample["x_b"], weights=sample.get("weight_b"))
        ),
        float(influence.std() * np.sqrt(1 / people_a + 1 / people_b)),
        lambda sample, more: means_below(**sample, bound=more, level=LEVEL, weight_bound=WEIGHT_BOUND),
    )


def _weight(rng: np.random.Generator, people: int) -> np.ndarray:
    return rng.uniform(0.2, WEIGHT_BOUND, people)


def times() -> None:
    lines = []
    for people in (5_000, 100_000, 1_000_000):
        for name, test in _timed(people // 2).items():
            lines.append([f"{people:,}", name, shown(_processor_seconds(test))])
    table(["people in all", "test", "processor"], lines)


def _timed(half: int) -> dict[str, Callable[[], object]]:
    """Tests of two groups of this size."""
    rng = np.random.default_rng(SEED)
    hits, sigma = round(0.3 * half), float(np.sqrt(0.3 * 0.7 * 2 / half))
    counts = (hits, half, hits, half)
    x_a, x_b, weight = rng.beta(2, 3, half), rng.beta(2, 3, half), _weight(rng, half)
    weights = {"weight_a": weight, "weight_b": weight, "weight_bound": WEIGHT_BOUND}
    bound = Z * sigma
    return {
        "rates, far inside": lambda: rates_below(*counts, bound=2.5 * bound, level=LEVEL),
        "rates, just passing": lambda: rates_below(*counts, bound=1.03 * bound, level=LEVEL),
        "rates, far outside": lambda: rates_below(*counts, bound=0.0, level=LEVEL),
        "rates, p-value": lambda: rates_p_value(*counts, bound=bound, gamma=1e-3 * LEVEL),
        "means": lambda: means_below(x_a, x_b, bound=bound, level=LEVEL),
        "means, weighted": lambda: means_below(x_a, x_b, bound=bound, level=LEVEL, **weights),
    }


def _processor_seconds(function: Callable[[], object], repeats: int = 7) -> float:
    """The median over calls, of the processor's time, which other work disturbs less."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def main(wanted: list[str]) -> None:
    for name, part in (("size", sizes), ("rates", rates), ("means", means), ("times", times)):
        if not wanted or name in wanted:
            part()


if __name__ == "__main__":
    main(sys.argv[1:])
