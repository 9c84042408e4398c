"""What do frozen rules cost, do their tolerances hold for other people, and how long do they take?

Ours beside fairlearn and error-parity. Calibration people are drawn with replacement from Adult's; the rest
are those who were not drawn, and the population is all of them. Rates of rules that draw lots are means over
the lots.

Names of parts (rules, scores, decisions, times) as arguments run those alone; `--draws` sets how many draws
the first three have.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from _populations import Population, generated, published
from _rivals import Rivals
from _timing import table

import keras_fair as kf
from keras_fair.postprocessing.decision_rule import Unmet
from keras_fair.postprocessing.promise import Unpromised

SEED, DRAWS, REPEATS = 11, 40, 5
PARITY = "spread(P[y >= 0.5 | sex=*]) <= {}"
ODDS = "equalized_odds(sex) <= {} at y >= 0.5"
SCORES = "E[y | sex=Female] == E[y | sex=Male] +- 0.05"


class Criterion(NamedTuple):
    """What is asked of decisions.

    Attributes:
        name: as the competitors call it.
        text: as we call it, with a place for the tolerance.
        labels: among whom rates are compared: all, or those of each label.
    """

    name: str
    text: str
    labels: tuple[float | None, ...]

    def gap(self, chance: np.ndarray, people: Population, column: str = "sex") -> float:
        """The largest difference of rates between the groups."""
        return max(self._gap(chance, people, column, label) for label in self.labels)

    @staticmethod
    def _gap(chance: np.ndarray, people: Population, column: str, label: float | None) -> float:
        among = np.ones(len(people), dtype=bool) if label is None else people.label == label
        groups = people.attributes[column]
        return float(np.ptp([chance[among & (groups == group)].mean() for group in np.unique(groups)]))


CRITERIA = (
    Criterion("demographic_parity", PARITY, (None,)),
    Criterion("equalized_odds", ODDS, (0.0, 1.0)),
)


@cache
def adult() -> Population:
    return published("adult")


def drawn(people: int, draw: int) -> np.ndarray:
    """Who is drawn, as places among Adult's."""
    return np.random.default_rng([SEED, people, draw]).integers(0, len(adult()), people)


def fitted(text: str, people: Population, confidence: float | None, **options: Any) -> tuple[Any, float]:
    """The rule, None where it is refused, and the processor's seconds."""
    rule: kf.FrozenFairness | None = kf.FrozenFairness(text, confidence=confidence, **options)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rule.fit(people.scores, people.attributes, people.label)
        except (Unpromised, Unmet):
            rule = None
    return rule, time.process_time() - start


def accuracy(chance: np.ndarray, people: Population) -> float:
    return float(np.mean(np.where(people.label == 1, chance, 1 - chance)))


class Answer(NamedTuple):
    """The chance of each person of the population, and the seconds of learning.

    Attributes:
        chance: to be accepted, `(n,)`; None where there is no rule.
        seconds: of the processor.
    """

    chance: np.ndarray | None
    seconds: float


def rules(draws: int) -> None:
    people, tolerance = 10_000, 0.05
    lines = []
    with Rivals("rule_rival", ".venv-bench-rules") as rivals:
        others = rivals.store("everyone", **_columns(adult(), "sex"))
        for criterion in CRITERIA:
            answers: dict[str, list[Answer]] = {}
            for draw in range(draws):
                sample = adult().take(drawn(people, draw))
                path = rivals.store("drawn", **_columns(sample, "sex"))
                for name, answer in _learners(criterion, tolerance, sample, path, others, rivals).items():
                    answers.setdefault(name, []).append(answer())
            for name, given in answers.items():
                lines.append([criterion.name, name, *_compared(given, criterion, tolerance, people)])
            print(f"{criterion.name}: done", file=sys.stderr, flush=True)
    head = ["criterion", "rule", "refused", "accuracy, rest", "gap, rest", "over 0.05, rest"]
    table([*head, "gap, population", "over 0.05, population", "by lot", "processor"], lines)


def _columns(people: Population, column: str) -> dict[str, np.ndarray]:
    groups = np.unique(people.attributes[column], return_inverse=True)[1]
    return {"score": people.scores, "label": people.label, "group": groups}


def _learners(
    criterion: Criterion, tolerance: float, sample: Population, path: str, others: str, rivals: Rivals
) -> dict[str, Callable[[], Answer]]:
    text = criterion.text.format(tolerance)

    def ours(confidence: float | None, randomise: str = "never") -> Answer:
        rule, seconds = fitted(text, sample, confidence, utility="accuracy", randomise=randomise)
        return Answer(None if rule is None else _chances(rule, adult()), seconds)

    def rival(competitor: str, **options: Any) -> Answer:
        seconds, chance = rivals.timed_answer(
            competitor=competitor,
            people=path,
            others=others,
            criterion=criterion.name,
            tolerance=tolerance,
            **options,
        )
        return Answer(chance, seconds)

    learners = {
        "ours, promised at 95%": lambda: ours(0.95),
        "ours, no promise": lambda: ours(None),
        "ours, no promise, lots allowed": lambda: ours(None, "allowed"),
        "error-parity": lambda: rival("error-parity"),
        "fairlearn": lambda: rival("fairlearn"),
    }
    if criterion.name == "demographic_parity":  # it has no tolerance for equalized odds
        learners["fairlearn, tol"] = lambda: rival("fairlearn", relaxed=True)
    return learners


def _chances(rule: kf.FrozenFairness, people: Population) -> np.ndarray:
    """The chance of each person to be accepted: the share of thresholds at or below the score."""
    chance = np.zeros(len(people))
    for name, group in rule.groups.items():
        chosen = people.attributes["sex"] == name.removeprefix("sex=")
        assert chosen.any(), name
        for theta, share in zip(group["thresholds"], group["shares"], strict=True):
            chance[chosen] += share * (people.scores[chosen] >= theta)
    return chance


def _compared(given: list[Answer], criterion: Criterion, tolerance: float, people: int) -> list[str]:
    rest_accuracy, rest_gap, gap, lots = [], [], [], []
    for draw, answer in enumerate(given):
        if answer.chance is None:
            continue
        left = np.setdiff1d(np.arange(len(adult())), drawn(people, draw))
        rest, chance = adult().take(left), answer.chance[left]
        rest_accuracy.append(accuracy(chance, rest))
        rest_gap.append(criterion.gap(chance, rest))
        gap.append(criterion.gap(answer.chance, adult()))
        lots.append(np.mean((answer.chance > 1e-9) & (answer.chance < 1 - 1e-9)))
    seconds = f"{np.median([answer.seconds for answer in given]):.3f} s"
    if not gap:
        return ["1.00", "-", "-", "-", "-", "-", "-", seconds]
    return [
        f"{1 - len(gap) / len(given):.2f}",
        f"{np.mean(rest_accuracy):.4f}",
        f"{np.mean(rest_gap):.4f}",
        f"{np.mean(np.array(rest_gap) > tolerance + 1e-9):.2f}",
        f"{np.mean(gap):.4f}",
        f"{np.mean(np.array(gap) > tolerance + 1e-9):.2f}",
        f"{np.mean(lots):.4f}",
        seconds,
    ]


def scores(draws: int) -> None:
    best, _ = fitted(SCORES, adult(), None)

    def loss(rule: kf.FrozenFairness) -> float:
        return float(np.mean((rule(adult().scores, adult().attributes) - adult().scores) ** 2))

    lines = []
    for people, goal in ((2_000, "1.6"), (10_000, "1.25"), (30_000, "1.07"), (100_000, "1.07")):
        promised, plain, seconds = [], [], []
        for draw in range(draws):
            sample = adult().take(drawn(people, draw))
            rule, taken = fitted(SCORES, sample, 0.95)
            seconds.append(taken)
            if rule is not None:
                promised.append(loss(rule) / loss(best))
            plain.append(loss(fitted(SCORES, sample, None)[0]) / loss(best))
        lines.append(
            [
                f"{people:,}",
                f"{np.mean(promised):.3f}" if promised else "-",
                goal,
                f"{1 - len(promised) / draws:.3f}",
                f"{np.mean(plain):.3f}",
                f"{np.median(seconds):.2f} s",
            ]
        )
        print(f"scores, {people:,}: done", file=sys.stderr, flush=True)
    table(["people", "loss / optimal", "goal", "refused", "without a promise", "processor, a fit"], lines)


def decisions(draws: int) -> None:
    lines = []
    for criterion, tolerance, people, goal in (
        (CRITERIA[0], 0.05, 10_000, "0.006"),
        (CRITERIA[1], 0.05, 10_000, "0.004"),
        (CRITERIA[1], 0.05, 20_000, "-"),
        (CRITERIA[1], 0.05, 40_000, "-"),
        (CRITERIA[1], 0.07, 10_000, "-"),
        (CRITERIA[1], 0.1, 10_000, "-"),
    ):
        lost, over, plain_over = [], [], []
        for draw in range(draws):
            sample, text = adult().take(drawn(people, draw)), criterion.text.format(tolerance)
            plain, _ = fitted(text, sample, None, utility="accuracy")
            rule, _ = fitted(text, sample, 0.95, utility="accuracy")
            before = _chances(plain, adult())
            plain_over.append(criterion.gap(before, adult()) > tolerance + 1e-9)
            if rule is None:
                continue
            after = _chances(rule, adult())
            lost.append(accuracy(before, adult()) - accuracy(after, adult()))
            over.append(criterion.gap(after, adult()) > tolerance + 1e-9)
        lines.append(
            [
                criterion.name,
                f"{tolerance:g}",
                f"{people:,}",
                f"{np.mean(lost):.4f}" if lost else "-",
                goal,
                f"{1 - len(lost) / draws:.3f}",
                f"{np.sum(over) / draws:.3f}",
                f"{np.mean(plain_over):.3f}",
            ]
        )
        print(f"decisions, {lines[-1][:3]}: done", file=sys.stderr, flush=True)
    head = ["criterion", "tolerance", "people", "accuracy lost", "goal", "refused", "broken"]
    table([*head, "broken without a promise"], lines)


def times(draws: int) -> None:
    text, lines = "equalized_odds(group) <= 0.05 at y >= 0.5", []
    warm = generated(2_000)
    for confidence in (None, 0.95):
        fitted(text, warm, confidence)
    for people, goals in ((30_000, ("0.1", "0.3")), (1_000_000, ("1", "3"))):
        named = generated(people)
        named = named._replace(attributes={"group": named.attributes["group"]})
        numbered = named._replace(attributes={"group": (named.attributes["group"] == "b").astype("int32")})
        for confidence, goal in zip((None, 0.95), goals, strict=True):
            seconds = [
                np.median([fitted(text, given, confidence)[1] for _ in range(REPEATS)])
                for given in (named, numbered)
            ]
            promise = "no promise" if confidence is None else "promised at 95%"
            shown = [f"{each:.3f} s" for each in seconds]
            lines.append([f"{people:,}", f"ours, {promise}", *shown, f"{goal} s"])
        if people == 30_000:
            taken = _fairlearn_seconds(named)
            lines.append([f"{people:,}", "fairlearn", "-", f"{taken:.3f} s", "-"])
    table(["people", "rule", "groups as text", "groups as numbers", "goal"], lines)


def _fairlearn_seconds(people: Population) -> float:
    with Rivals("rule_rival", ".venv-bench-rules") as rivals:
        path = rivals.store("people", **_columns(people, "group"))
        request = {"competitor": "fairlearn", "criterion": "equalized_odds", "tolerance": 0.05}
        turns = [rivals.timed_answer(people=path, others=path, **request)[0] for _ in range(REPEATS)]
    return float(np.median(turns))


def main(wanted: list[str], draws: int) -> None:
    for part in (rules, scores, decisions, times):
        if not wanted or part.__name__ in wanted:
            part(draws)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--draws", type=int, default=DRAWS)
    asked = parser.parse_args()
    main(asked.parts, asked.draws)
