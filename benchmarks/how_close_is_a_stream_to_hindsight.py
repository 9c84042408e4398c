"""How much more than the best correction in hindsight does a stream move people, where groups are small?

20,000 people arrive one by one in random order, in groups of 97 to 2 %. Scores are normal around the group's
mean, with a standard deviation of 0.2, clipped to [0, 1]; groups are to be within 0.02. Distortion is the
squared distance to the raw scores over that of the exact projection of all 20,000 together. Ten seeds, by a
model in C that is compared with the real stream first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from _stream_model import LETTERS, ModelRule, compared, modelled
from _timing import table

import keras_fair as kf

SEEDS, ARRIVALS, FIRST = range(10), 20_000, 5000


class Population(NamedTuple):
    """The groups' shares, and the means of their scores."""

    shares: tuple[float, ...]
    means: tuple[float, ...]

    def drawn(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The group and the score of each arrival."""
        rng = np.random.default_rng(seed)
        group = rng.choice(len(self.shares), ARRIVALS, p=self.shares)
        return group, np.clip(np.array(self.means)[group] + 0.2 * rng.normal(size=ARRIVALS), 0.0, 1.0)

    def rule(self, margin: float) -> ModelRule:
        """What is held."""
        return ModelRule(len(self.shares), len(self.shares) > 2, margin=margin)


POPULATIONS = {
    "67/33": Population((0.67, 0.33), (0.5, 0.3)),
    "97/3": Population((0.97, 0.03), (0.55, 0.25)),
    "60/37/3": Population((0.6, 0.37, 0.03), (0.5, 0.44, 0.3)),
    "50/48/2": Population((0.5, 0.48, 0.02), (0.5, 0.45, 0.3)),
    "40/30/15/10/5": Population((0.4, 0.3, 0.15, 0.1, 0.05), (0.5, 0.45, 0.4, 0.35, 0.3)),
}


def main() -> None:
    best = {name: [_hindsight(people, seed) for seed in SEEDS] for name, people in POPULATIONS.items()}
    for margin in (3.5, 3.0):
        print(f"margin={margin}")
        table(
            [
                "groups",
                "distortion",
                "of seeds",
                "after 5,000",
                "gap from 500",
                "from 1,500",
                "from 5,000",
                "end",
            ],
            [_line(name, people, best[name], margin) for name, people in POPULATIONS.items()],
        )


def _line(name: str, people: Population, best: list[tuple[float, float]], margin: float) -> list[str]:
    """Distortions, their mean and range over the seeds, and the largest gaps: of the median seed, of all."""
    rule = people.rule(margin)
    assert compared(rule, *people.drawn(0)) < 1e-9
    whole, early, gaps = [], [], []
    for seed in SEEDS:
        group, raw = people.drawn(seed)
        fair, gap = modelled(rule, group, raw)
        moved = np.square(fair - raw)
        whole.append(moved.sum() / best[seed][0])
        early.append(moved[:FIRST].sum() / best[seed][1])
        gaps.append([*(np.nanmax(gap[k - 1 :]) for k in (500, 1500, FIRST)), gap[-1]])
    middle, largest = np.median(gaps, axis=0), np.max(gaps, axis=0)
    return [
        name,
        f"{np.mean(whole):.3f}",
        f"{np.min(whole):.3f} ... {np.max(whole):.3f}",
        f"{np.mean(early):.2f}",
        *(f"{a:.4f} / {b:.4f}" for a, b in zip(middle, largest, strict=True)),
    ]


def _hindsight(people: Population, seed: int) -> tuple[float, float]:
    """The least squared distance that meets the constraint with all known, and with the first 5,000."""
    group, raw = people.drawn(seed)
    text = people.rule(0.0).text
    least = []
    for count in (ARRIVALS, FIRST):
        fair = kf.project(raw[:count], text, {"g": LETTERS[group[:count]]}).y
        least.append(float(np.sum(np.square(fair - raw[:count]))))
    return least[0], least[1]


if __name__ == "__main__":
    main()
