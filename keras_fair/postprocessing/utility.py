"""What accepting a person is worth: the objective of rules for decisions.

    maximise sum_i w_i u_i d_i

| utility | u_i |
| --- | --- |
| `"implied"` | `label_i - t`: the costs under which `y >= t` is the best decision on calibrated scores |
| `"accuracy"` | `2 label_i - 1` |
| `"balanced_accuracy"` | `1 / (2 share of label 1)` for label 1, `-1 / (2 share of label 0)` for label 0 |
| a 2 x 2 cost matrix C, by label and decision | `C[label_i, 0] - C[label_i, 1]` |
| numbers | as given, one for each person |

Without labels the score stands for the label: it is then taken for the probability of 1.
"""

from __future__ import annotations

from typing import Any, Union

import numpy as np

from keras_fair.inputs.predictions import number_array

__all__ = ["NAMED", "Utility", "check_utility", "utilities", "utility_config"]

NAMED = ("implied", "accuracy", "balanced_accuracy")

Utility = Union[str, np.ndarray]


def check_utility(utility: Any) -> Utility:
    """One of the names, or a cost matrix.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(utility, str) and utility in NAMED:
        return utility
    wrong = f"expected utility to be one of {NAMED} or a 2 x 2 cost matrix"
    if isinstance(utility, str):
        raise ValueError(f"{wrong}, received utility={utility!r}")
    try:
        costs = np.asarray(utility, dtype="float64")
    except (TypeError, ValueError):
        costs = np.zeros(0)
    if costs.shape != (2, 2) or not np.isfinite(costs).all():
        raise ValueError(f"{wrong}, received utility={utility!r}; numbers for each person belong to fit")
    return costs


def utility_config(utility: Utility) -> Any:
    """The utility as JSON has it."""
    return utility if isinstance(utility, str) else utility.tolist()


def utilities(
    utility: Utility, scores: np.ndarray, label: Any, weight: np.ndarray | None, threshold: float
) -> np.ndarray:
    """`w_i u_i` of each person, `(n,)`.

    Args:
        utility: see above.
        scores: `(n,)`.
        label: `(n,)`, 0 and 1 or probabilities of 1; None: the scores stand for it.
        weight: `(n,)`, or None.
        threshold: of the decisions.

    Raises:
        ValueError: labels are not in [0, 1], or only one of two occurs.
    """
    if label is None:
        chance = scores
        if scores.min() < 0 or scores.max() > 1:
            raise ValueError(
                "expected a label: without one the scores stand for the probability of 1, received scores "
                f"from {scores.min():g} to {scores.max():g}"
            )
    else:
        values = number_array(label, "the label")[0].reshape(-1)
        if values.dtype.kind not in "fiub":
            raise ValueError(
                "expected the label as 0 and 1 for the utility of decisions, received text: encode it, as in "
                "label == 'yes'"
            )
        chance = values.astype("float64")
        if len(chance) != len(scores):
            raise ValueError(
                f"expected as many labels as scores, received {len(chance)} labels and {len(scores)} scores"
            )
        if not (np.min(chance) >= 0 and np.max(chance) <= 1):
            raise ValueError(
                "expected the label as 0 and 1 for the utility of decisions, received values from "
                f"{np.min(chance):g} to {np.max(chance):g}"
            )
    weights = np.ones(len(scores)) if weight is None else weight
    if not isinstance(utility, str):
        costs = utility
        gain = (1 - chance) * (costs[0, 0] - costs[0, 1]) + chance * (costs[1, 0] - costs[1, 1])
    elif utility == "implied":
        gain = chance - threshold
    elif utility == "accuracy":
        gain = 2 * chance - 1
    else:
        positive = float(weights @ chance / weights.sum())
        if not 0 < positive < 1:
            raise ValueError("expected labels of both kinds for balanced accuracy, received one kind")
        gain = chance / (2 * positive) - (1 - chance) / (2 * (1 - positive))
    return weights * gain
