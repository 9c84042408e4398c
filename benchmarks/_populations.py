"""Populations that are known in full: people with scores, labels and attributes.

Of a published file a third trains a logistic regression and the rest is the population, so that its scores
are those of a model for people that it has not seen. The generated ones have calibrated scores.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from keras_fair import datasets

__all__ = ["PUBLISHED", "Population", "generated", "published"]

PUBLISHED = ("adult", "bank", "credit_card")
SEED = 113
_BANDS = (30, 38, 46, 55)  # years at which the next of five age bands begins


class Population(NamedTuple):
    """Scores `(n,)`, labels `(n,)`, and columns `(n,)` of text."""

    scores: np.ndarray
    label: np.ndarray
    attributes: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, people: np.ndarray) -> Population:
        """Some of them, as often as they are named."""
        columns = {name: column[people] for name, column in self.attributes.items()}
        return Population(self.scores[people], self.label[people], columns)

    @property
    def vocabulary(self) -> dict[str, list[str]]:
        """The values of each column."""
        return {name: np.unique(column).tolist() for name, column in self.attributes.items()}


def published(name: str) -> Population:
    """The people of one of `PUBLISHED` with whom its model was not trained."""
    parts = getattr(datasets, name).load_data()
    encoded = datasets.encode(*parts)
    x = np.concatenate([encoded.train, encoded.test]).astype("float64")
    label = np.concatenate([part.label for part in parts]).astype("float64")
    order = np.random.default_rng(SEED).permutation(len(label))
    trained, others = np.split(order, [len(order) // 3])
    model = LogisticRegression(max_iter=1000).fit(x[trained], label[trained])
    columns = {
        column: np.concatenate([part.attributes[column] for part in parts])[others]
        for column in parts[0].attributes
    }
    age = np.digitize(columns["age"], _BANDS)
    attributes = {column: values for column, values in columns.items() if values.dtype.kind == "U"}
    attributes["age_band"] = np.array([f"from_{start}" for start in (0, *_BANDS)])[age]
    return Population(model.predict_proba(x[others])[:, 1], label[others], attributes)


def generated(
    people: int, *, minority: float = 0.4, atoms: int | None = None, seed: int = SEED
) -> Population:
    """Two groups, a with this share and lower scores, and five districts.

    Args:
        people: how many.
        minority: the share of group a.
        atoms: scores are multiples of `1 / atoms`.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(people) < minority, "a", "b")
    district = rng.choice(5, people, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    logit = 1.2 * rng.normal(size=people) - 0.9 * (group == "a") - 0.25 * district
    scores = 1 / (1 + np.exp(-logit))
    label = (rng.random(people) < scores) * 1.0
    if atoms is not None:
        scores = np.round(scores * atoms) / atoms
    return Population(scores, label, {"group": group, "district": np.array(list("pqrst"))[district]})
