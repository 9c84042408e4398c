"""Gradients of generated problems on the backend in use, printed as JSON: for a comparison of backends.

    KERAS_BACKEND=tensorflow python -m tests.gradient_cases
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

import keras_fair as kf
from keras_fair.ops import project_rows
from tests.gradients import gradient_of, weighted_sum

N = 24
RNG = np.random.default_rng(7)
SEX = RNG.permutation(np.repeat(["F", "M"], N // 2))
AGE = RNG.uniform(18.0, 80.0, N)
SCORES = np.clip(RNG.random(N) + 0.2 * (SEX == "M"), 0.03, 0.97)
CLASSES = RNG.dirichlet(np.ones(3), N)
WEIGHTS = RNG.uniform(0.5, 2.0, N)
SHARES = RNG.uniform(0.1, 0.9, N)
UPSTREAM = RNG.normal(size=(N, 3))

CASES: dict[str, tuple[str, np.ndarray, dict[str, Any]]] = {
    "two groups": ("E[y | sex=F] == E[y | sex=M] +- 0.02", SCORES, {}),
    "cross-entropy": (
        "E[y | sex=F] == E[y | sex=M] +- 0.02",
        SCORES,
        {"divergence": "binary_crossentropy", "sample_weight": WEIGHTS},
    ),
    "rows together": ("cov(y, age) == 0 +- 0.1\nspread(E[y | sex=*]) <= 0.02", SCORES, {"stiffness": 50.0}),
    "all reals": ("E[y | sex=F] == E[y | sex=M] +- 0.02\ncov(y, age) <= 0.1", 40 * SCORES, {"domain": None}),
    "simplex": ("E[y[1] | sex=F] == E[y[1] | sex=M]", CLASSES, {"domain": "simplex"}),
}


def gradient_by_predictions(text: str, y: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    outputs = 1 if y.ndim == 1 else y.shape[1]
    constraints = kf.parse(text)
    columns = {name: {"sex": SEX, "age": AGE}[name] for name in constraints.attributes}
    rows = constraints.rows(columns, outputs=outputs)
    upstream = UPSTREAM[:, 0] if outputs == 1 else UPSTREAM
    return gradient_of(lambda r: weighted_sum(project_rows(r, rows, **options).y, upstream), y, in_graph=True)


def gradient_by_shares() -> np.ndarray:
    """By the probabilities that people belong to a group."""
    plan = kf.FairProjection("E[y | sex=F] == E[y | sex=M]", vocabulary={"sex": ["F", "M"]}).plan()

    def loss(shares: Any) -> Any:
        rows = plan.evaluate({"sex": ops.stack([shares, 1.0 - shares], axis=1)})
        return weighted_sum(project_rows(ops.convert_to_tensor(SCORES), rows).y, UPSTREAM[:, 0])

    return gradient_of(loss, SHARES, in_graph=True)


def gradients() -> dict[str, np.ndarray]:
    """By the name of the case."""
    by_predictions: dict[str, Callable[[], np.ndarray]] = {
        name: lambda case=case: gradient_by_predictions(*case) for name, case in CASES.items()
    }
    cases = {**by_predictions, "shares": gradient_by_shares}
    return {name: np.asarray(made()) for name, made in cases.items()}


if __name__ == "__main__":
    print(json.dumps({name: gradient.tolist() for name, gradient in gradients().items()}))
