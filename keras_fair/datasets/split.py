"""What a loader returns: people as columns, and the division into training and test people.

Owns the type `Split` and the seeded division for data sets that were published without one. Reading files is
left to `source` and `table`, turning columns into a matrix to `encoding`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Split", "shuffled_split"]


class Split(NamedTuple):
    """People of one part of a data set, as columns. It unpacks into `features, label, attributes`.

    Attributes:
        features: Columns a model may learn from, by name: `float32` arrays of shape `(n,)` (NaN where a value
            is missing) or text arrays of shape `(n,)` (the empty string where it is missing). Outcomes and
            identifiers are never among them; protected attributes are (`encode(..., exclude=...)` leaves them
            out).
        label: `float32` array of shape `(n,)`, 0 or 1; a number in [0, 1] in `communities`, a regression.
        attributes: Columns for constraints to name, of the same kinds. They hold no missing value: where one
            was not recorded it is the text `unknown`.

    Example:

    >>> from keras_fair.datasets import lending
    >>> train, test = lending.load_data()
    >>> features, label, attributes = train
    >>> label.shape, sorted(attributes)
    ((16000,), ['age', 'race', 'region', 'repays', 'sex'])
    """

    features: dict[str, np.ndarray]
    label: np.ndarray
    attributes: dict[str, np.ndarray]

    @property
    def size(self) -> int:
        """The number of people."""
        return int(self.label.shape[0])

    def take(self, indices: np.ndarray) -> Split:
        """The people at `indices` (integers, a boolean mask or a slice), in that order."""
        return Split(
            {name: column[indices] for name, column in self.features.items()},
            self.label[indices],
            {name: column[indices] for name, column in self.attributes.items()},
        )


def shuffled_split(people: Split, test_split: float, seed: int) -> tuple[Split, Split]:
    """Divide people at random, with a fixed seed, into training and test people.

    Args:
        people: All people.
        test_split: The share of test people, in (0, 1); their number is rounded.
        seed: Seed of the shuffle, an integer >= 0.

    Returns:
        `(train, test)`, both shuffled.

    Raises:
        ValueError: If `test_split` leaves one of the two parts empty.
    """
    count = round(people.size * test_split) if 0 < test_split < 1 else 0
    if not 0 < count < people.size:
        raise ValueError(
            f"expected test_split in (0, 1) with people on both sides, received test_split={test_split!r} "
            f"for {people.size} people"
        )
    order = np.random.default_rng(seed).permutation(people.size)
    return people.take(order[count:]), people.take(order[:count])
