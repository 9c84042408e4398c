"""How long is the wait for the first correction of a process, and for the next of other sizes?

Each line is a process of its own: 1,000 predictions in NumPy, then 1,500, 2,000, 700 and 1,200. Processor
time after the imports; the parsing and the lowering of the text are included. The competitor is the same
problem written by hand for cvxpy and solved by Clarabel, where there is one line for it.
"""

from __future__ import annotations

import subprocess
import sys

from _timing import table

SIZES = (1000, 1500, 2000, 700, 1200)
TEXTS = {
    "two groups": "E[y | g=0] == E[y | g=1] +- 0.02",
    "spread of 7": "spread(E[y | g=*]) <= 0.02",
    "four statements": "spread(E[y | g=*]) <= 0.02; E[y] <= 0.4; E[y | h=1] <= 0.42; abs(cov(y, v)) <= 0.01",
}
GROUPS = {"two groups": 2, "spread of 7": 7, "four statements": 7}

PROCESS = """
import sys, time
import numpy as np
what, text, groups = sys.argv[1], sys.argv[2], int(sys.argv[3])
if what == "ours":
    import keras_fair as kf
    kf.project
else:
    import cvxpy as cp

def theirs(y, g):
    x = cp.Variable(len(y))
    means = [cp.sum(x[g == k]) / (g == k).sum() for k in range(groups)]
    bounds = [cp.max(cp.hstack(means)) - cp.min(cp.hstack(means)) <= 0.02, x >= 0, x <= 1]
    cp.Problem(cp.Minimize(cp.sum_squares(x - y)), bounds).solve(solver="CLARABEL")

rng = np.random.default_rng(0)
for size in map(int, sys.argv[4:]):
    g, h, v = rng.integers(0, groups, size), rng.integers(0, 2, size), rng.random(size)
    y = np.clip(rng.random(size) * (0.8 + 0.03 * g), 0, 1)
    start = time.process_time()
    kf.project(y, text, {"g": g, "h": h, "v": v}) if what == "ours" else theirs(y, g)
    print(1000 * (time.process_time() - start))
if what == "ours" and "tensorflow" in sys.modules:
    sys.exit("TensorFlow was imported")
"""


def main() -> None:
    lines = []
    for name, text in TEXTS.items():
        for what in ("ours", "cvxpy") if name != "four statements" else ("ours",):
            asked = [what, text, str(GROUPS[name]), *map(str, SIZES)]
            printed = subprocess.run(
                [sys.executable, "-c", PROCESS, *asked], check=True, capture_output=True, text=True
            ).stdout
            first, *others = map(float, printed.split())
            lines.append([name, what, f"{first:.0f} ms", f"{max(others):.1f} ms"])
    table(["1,000 predictions", "", "first answer", "the slowest of four more"], lines)


if __name__ == "__main__":
    main()
