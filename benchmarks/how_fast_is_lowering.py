"""How long do rows take on a million people, in passes of a NumPy mean over the same people?

Twelve statements over five attributes: pairs, intersections, residuals, ranges of a number, several values.
The columns are encoded beforehand, once, as a pipeline does.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import tensorflow as tf
from _timing import calls, first_call, in_turns, shown, table

import keras_fair as kf
from keras_fair.rows.lower import lower

PEOPLE, ROUNDS = 1_000_000, 21
VALUES = {
    "sex": ["Female", "Male"],
    "race": ["Asian", "Black", "Hispanic", "Other", "White"],
    "region": ["east", "north", "south", "west"],
    "married": ["no", "yes"],
}
STATEMENTS = """
    E[y | sex=Female] == E[y | sex=Male] +- 0.02
    spread(E[y | race=*]) <= 0.05
    spread(E[y | region=*]) <= 0.05
    spread(E[y | race=*, sex=*]) <= 0.08
    for g in race: E[y | race=g] == E[y] +- 0.05
    E[y | age < 25] >= E[y | 25 <= age < 60] - 0.1
    E[y | race in {Black, Hispanic} and not (sex=Male)] >= 0.2
    for g in sex: E[label - y | sex=g] == 0 +- 0.01
    equalized_odds(sex) <= 0.05
    E[y | married=yes] == E[y | married=no] +- 0.1
    cov(y, age) == 0 +- 0.5
    0.1 <= E[y | region=north, married=no] <= 0.4
"""


def main() -> None:
    rng = np.random.default_rng(0)
    columns: dict[str, np.ndarray] = {
        name: rng.integers(0, len(values), PEOPLE).astype("int32") for name, values in VALUES.items()
    }
    columns["age"] = rng.integers(17, 90, PEOPLE).astype("float64")
    label = rng.integers(0, 2, PEOPLE).astype("int32")  # a float label may be a probability, in a graph
    score = rng.random(PEOPLE)

    constraints = kf.parse(STATEMENTS)
    vocabulary = kf.Vocabulary({**VALUES, "age": None, "label": [0, 1]})
    plan = lower(constraints.statements, constraints.text, vocabulary, 1)

    def evaluate(columns: dict, label: object) -> object:
        rows = plan.evaluate(columns, label)
        parts = [getattr(family, name) for family in rows.terms.families for name in vars(family)]
        floats = [part for part in parts if tf.is_tensor(part)]
        return floats, rows.terms.weights, rows.terms.constants, rows.lower, rows.upper, rows.offset

    tensors = {name: tf.constant(column) for name, column in columns.items()}
    label_tensor = tf.constant(label)
    compiled = {
        "tf.function": tf.function(evaluate, autograph=False),
        "tf.function, jit_compile": tf.function(evaluate, autograph=False, jit_compile=True),
    }
    runs = {name: partial(run, tensors, label_tensor) for name, run in compiled.items()}
    once = {name: first_call(run) for name, run in runs.items()}
    numpy_rows = {"NumPy columns": calls(lambda: plan.evaluate(columns, label), 1)}
    graph_rows = {name: calls(run, 1) for name, run in runs.items()}
    # A mean in turn with the others reads memory; means one after another read the processor's cache.
    mean = {"one mean": calls(score.mean, 1)}
    median = {**in_turns({**mean, **graph_rows}, ROUNDS), **in_turns({**mean, **numpy_rows}, ROUNDS)}
    cached = float(np.median(calls(score.mean, 200)()))
    lowering = partial(lower, constraints.statements, constraints.text, vocabulary, 1)
    text = float(np.median(calls(lowering, 20)()))
    print(f"a NumPy mean over {PEOPLE:,} people: {shown(median['one mean'])}, from the cache {shown(cached)}")
    print(f"lowering the text, which needs no people: {shown(text)}\n")
    lines = [
        [
            name,
            shown(median[name]),
            f"{median[name] / median['one mean']:.0f}",
            f"{median[name] / cached:.0f}",
            shown(once[name]) if name in once else "-",
        ]
        for name in median
        if name != "one mean"
    ]
    table(["rows of 12 statements", "time", "means", "means from the cache", "first call"], lines)


if __name__ == "__main__":
    main()
