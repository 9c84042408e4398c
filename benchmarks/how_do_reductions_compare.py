"""Does a text as a moment find what fairlearn's own moments find, in which time, and what does ours find?

fairlearn's `ExponentiatedGradient` with its own moments and with `kf.reductions.Moment` of the same text, and
`kf.reductions.FairClassifier`, over the same base learners: Adult (10,000 people train, the rest tests)
and COMPAS (70% train), drawn anew for each seed; the attribute is no feature. Accuracy and gap are of the
people who test, of lots their means. The gap is the largest difference between groups, twice the asked bound
at most, since each group is compared with all people.

`--seeds` says how many.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from _timing import table
from fairlearn.reductions import DemographicParity, EqualizedOdds, ExponentiatedGradient
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import keras_fair as kf
from keras_fair import datasets

BOUND, SEEDS = 0.01, 5


class Criterion(NamedTuple):
    """What is asked.

    Attributes:
        name: in the table.
        theirs: fairlearn's moment.
        text: ours of the same meaning.
        gap: the text whose expression is the gap of scores.
    """

    name: str
    theirs: Any
    text: str
    gap: str


CRITERIA = (
    Criterion(
        "parity",
        DemographicParity,
        "P[y >= 0.5 | {a}=*] == P[y >= 0.5] +- {b}",
        "demographic_parity({a}) <= 1",
    ),
    Criterion(
        "odds",
        EqualizedOdds,
        "for l in label: P[y >= 0.5 | {a}=*, label=l] == P[y >= 0.5 | label=l] +- {b}",
        "equalized_odds({a}) <= 1",
    ),
)
LEARNERS = {
    "logistic": LogisticRegression(max_iter=500),
    "tree": DecisionTreeClassifier(max_depth=8, min_samples_leaf=20, random_state=0),
}
DATA = (("adult", "sex", 10_000), ("compas", "sex", 4_320), ("compas", "race", 4_320))
_FEWEST = 100  # people of a race that is compared; the others are one group


class People(NamedTuple):
    """Features, label and the groups of some people."""

    x: np.ndarray
    label: np.ndarray
    groups: pd.DataFrame


def drawn(name: str, attribute: str, size: int, seed: int) -> tuple[People, People]:
    """Who trains and who tests."""
    parts = getattr(datasets, name).load_data()
    encoded = datasets.encode(*parts, exclude=[attribute])
    x = np.concatenate([encoded.train, encoded.test]).astype("float64")
    label = np.concatenate([part.label for part in parts]).astype(int)
    groups = np.concatenate([part.attributes[attribute] for part in parts])
    values, counts = np.unique(groups, return_counts=True)
    groups = np.where(np.isin(groups, values[counts >= _FEWEST]), groups, "other")
    order = np.random.default_rng(seed).permutation(len(label))

    def people(places: np.ndarray) -> People:
        return People(x[places], label[places], pd.DataFrame({attribute: groups[places]}))

    return people(order[:size]), people(order[size:])


def answers(criterion: Criterion, learner: Any, train: People, test: People) -> dict[str, tuple[Any, float]]:
    """The chance of each test person by competitor, and the seconds of its fit."""
    (attribute,) = train.groups.columns
    text = criterion.text.format(a=attribute, b=BOUND)
    found = {}
    moments = {"fairlearn": criterion.theirs(difference_bound=BOUND), "Moment": kf.reductions.Moment(text)}
    for name, moment in moments.items():
        start = time.perf_counter()
        fitted = ExponentiatedGradient(learner, moment)
        fitted.fit(train.x, train.label, sensitive_features=train.groups)
        found[name] = (fitted._pmf_predict(test.x)[:, 1], time.perf_counter() - start)
    for decide in ("lots", "average"):
        start = time.perf_counter()
        own = kf.reductions.FairClassifier(learner, text, decide=decide)
        own.fit(train.x, train.label, attributes=train.groups)
        seconds = time.perf_counter() - start
        chance = own.predict_proba(test.x)[:, 1]
        found[f"FairClassifier, {decide}"] = (chance if decide == "lots" else chance >= 0.5, seconds)
    return {"plain": (learner.fit(train.x, train.label).predict(test.x), np.nan), **found}


def measured(criterion: Criterion, chance: Any, test: People) -> tuple[float, float]:
    """The accuracy and the gap."""
    chance = np.asarray(chance, dtype=float)
    (attribute,) = test.groups.columns
    audited = kf.audit(
        criterion.gap.format(a=attribute), chance, test.groups, test.label, confidence=None
    )
    accuracy = np.mean(np.where(test.label == 1, chance, 1 - chance))
    return float(accuracy), max(relation.gap for relation in audited.relations)


def main(seeds: int) -> None:
    lines = []
    for name, attribute, size in DATA:
        for criterion in CRITERIA:
            for learner_name, learner in LEARNERS.items():
                found: dict[str, list[tuple[float, float, float]]] = {}
                for seed in range(seeds):
                    train, test = drawn(name, attribute, size, seed)
                    given = answers(criterion, learner, train, test)
                    for competitor, (chance, seconds) in given.items():
                        result = (*measured(criterion, chance, test), seconds / given["fairlearn"][1])
                        found.setdefault(competitor, []).append(result)
                for competitor, results in found.items():
                    accuracy, gap, ratio = np.array(results).T
                    lines.append(
                        [
                            f"{name}, {attribute}",
                            criterion.name,
                            learner_name,
                            competitor,
                            f"{accuracy.mean():.4f} ({accuracy.std():.4f})",
                            f"{gap.mean():.4f} ({gap.std():.4f})",
                            "-" if np.isnan(ratio).any() else f"{np.median(ratio):.2f}",
                        ]
                    )
                print(f"{lines[-1][:3]}: done", file=sys.stderr, flush=True)
    table(["data", "criterion", "learner", "reduction", "accuracy", "gap", "time over fairlearn's"], lines)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    main(parser.parse_args().seeds)
