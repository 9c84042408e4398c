"""How long does an audit take whose groups are intersections, nearly one for each person?

`spread(E[y | a=*, b=*])` over 20,000 people with two attributes of 10, 50 and 300 values: of the last about
18,000 intersections occur. Processor time of the audit, with intervals, verdicts and the distribution of the
scores in each group, and without imports; beside it pandas' group-by over the same two columns, the means
alone.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from _timing import table

import keras_fair as kf

PEOPLE, TEXT = 20_000, "spread(E[y | a=*, b=*]) <= 0.1"


def main() -> None:
    lines = []
    for values in (10, 50, 300):
        rng = np.random.default_rng(0)
        codes = {name: rng.integers(0, values, PEOPLE) for name in "ab"}
        columns = {name: np.array([f"{name}{code}" for code in of_name]) for name, of_name in codes.items()}
        y = rng.random(PEOPLE)
        kf.audit("E[y] <= 1", y)  # imports
        start = time.process_time()
        kf.audit(TEXT, y, columns)
        middle = time.process_time()
        means = pd.DataFrame({**columns, "y": y}).groupby(["a", "b"])["y"].mean()
        end = time.process_time()
        lines.append([f"{len(means):,}", f"{middle - start:.2f} s", f"{end - middle:.3f} s"])
    table(["intersections", "audit, processor", "pandas' group-by, processor"], lines)


if __name__ == "__main__":
    main()
