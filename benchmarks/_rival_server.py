"""The competitors, in the environment of their own; `_rivals.py` makes it, starts this and asks it.

One JSON object a line: what to run, on which arrays, how often. The answer: the seconds of each call, and the
projected predictions. Two competitors:

- `fairness_training`: `FairModel` around a network that only holds the predictions, so that the time is that
  of its fairness layer. It makes a new cvxpy problem for every batch.
- `cvxpylayers`: `CvxpyLayer` on the same problem written by hand. `fixed_groups` makes it once, for the
  groups of this batch; otherwise it is made for each batch, since the next has other people in its groups.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import cvxpy as cp
import numpy as np
import torch  # type: ignore[import-not-found]
from cvxpylayers.torch import CvxpyLayer  # type: ignore[import-not-found]
from fairness_training import FairModel  # type: ignore[import-not-found]

Run = Callable[[], Any]


class Held(torch.nn.Module):
    """A network whose predictions are given."""

    def __init__(self, predictions: np.ndarray) -> None:
        super().__init__()
        self.predictions = torch.nn.Parameter(torch.tensor(predictions[:, None]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The predictions, (n, 1)."""
        return self.predictions


class Last(torch.nn.Module):
    """A network whose predictions are the last column of what it is given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The predictions, (n, 1)."""
        return x[:, -1:]


def _fairness_training(arrays: dict[str, np.ndarray], tolerance: float, backward: bool) -> Run:
    network = Held(arrays["predictions"])
    model = FairModel(input_dim=1, custom_network=network, fairness_tolerance=tolerance)
    x = torch.tensor(arrays["codes"][:, None].astype("float32"))
    return _passes(lambda: model(x)[:, 0], torch.tensor(arrays["upstream"]), backward)


def _cvxpylayers(arrays: dict[str, np.ndarray], tolerance: float, backward: bool, fixed_groups: bool) -> Run:
    codes = arrays["codes"]
    predictions = torch.tensor(arrays["predictions"], requires_grad=True)

    def make() -> CvxpyLayer:
        size, groups = len(codes), int(codes.max()) + 1
        y, given = cp.Variable(size), cp.Parameter(size)
        means = np.stack([(codes == group) / np.sum(codes == group) for group in range(groups)]) @ y
        rows = [y >= 0, y <= 1, cp.max(means) - cp.min(means) <= tolerance]
        return CvxpyLayer(cp.Problem(cp.Minimize(cp.sum_squares(y - given)), rows), [given], [y])

    made = make() if fixed_groups else None
    return _passes(lambda: (made or make())(predictions)[0], torch.tensor(arrays["upstream"]), backward)


def _passes(forward: Run, upstream: torch.Tensor, backward: bool) -> Run:
    def both() -> Any:
        fair = forward()
        fair.backward(upstream.to(fair.dtype))
        return fair.detach()

    def alone() -> Any:
        with torch.no_grad():
            return forward()

    return both if backward else alone


def _training_step(arrays: dict[str, np.ndarray], tolerance: float, fair: bool) -> Run:
    """A training step of a 64-32 network on a batch whose first column is the group."""
    x, label = torch.tensor(arrays["x"]), torch.tensor(arrays["label"][:, None])
    layers = [torch.nn.Linear(x.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, 32), torch.nn.ReLU()]
    network: Any = torch.nn.Sequential(*layers, torch.nn.Linear(32, 1), torch.nn.Sigmoid())
    if fair:
        network = FairModel(input_dim=x.shape[1], custom_network=network, fairness_tolerance=tolerance)
    optimizer = torch.optim.Adam(network.parameters())

    def step() -> Any:
        optimizer.zero_grad()
        y = network(x).float().clamp(0.0, 1.0)
        torch.nn.functional.binary_cross_entropy(y, label).backward()
        optimizer.step()
        return y.detach()[:, 0]

    return step


def _fairness_training_stream(arrays: dict[str, np.ndarray], tolerance: float, batch: int) -> Run:
    """Its inference for small batches over a stream: what it reports as its gap, then the predictions."""
    score = torch.tensor(arrays["score"][:, None])
    x = torch.cat([torch.tensor(arrays["codes"][:, None].astype("float32")), score], dim=1)
    network = Last()

    def run() -> Any:
        model = FairModel(input_dim=2, custom_network=network, fairness_tolerance=tolerance)
        model.eval()
        with torch.no_grad():
            fair = [model(x[start : start + batch], inference=True) for start in range(0, len(x), batch)]
        # Its trainer's evaluation calls this the average gap, "the quantity bounded by the theorem".
        reported = model.cumulative_weighted_violation / model.cumulative_samples + tolerance
        return np.concatenate([[reported], torch.cat(fair).numpy()[:, 0]])

    return run


def _fairness_training_request(arrays: dict[str, np.ndarray], tolerance: float) -> Run:
    """One request of one person after another, without an end."""
    score = torch.tensor(arrays["score"][:, None])
    x = torch.cat([torch.tensor(arrays["codes"][:, None].astype("float32")), score], dim=1)
    model = FairModel(input_dim=2, custom_network=Last(), fairness_tolerance=tolerance)
    model.eval()
    places = itertools.cycle(range(len(x)))

    def run() -> Any:
        place = next(places)
        with torch.no_grad():
            return model(x[place : place + 1], inference=True)[:, 0]

    return run


@cache
def prepared(competitor: str, arrays: str, tolerance: float, **options: Any) -> Run:
    """What a request runs, made once."""
    with np.load(arrays) as stored:
        columns = dict(stored)
    makers: dict[str, Callable[..., Run]] = {
        "fairness_training": _fairness_training,
        "cvxpylayers": _cvxpylayers,
        "training_step": _training_step,
        "fairness_training_stream": _fairness_training_stream,
        "fairness_training_request": _fairness_training_request,
    }
    return makers[competitor](columns, tolerance, **options)


def main() -> None:
    warnings.simplefilter("ignore")
    # These problems are small: a second thread gains nothing, and where another process has that core the two
    # wait for each other, which was seen to turn a step of 0.4 ms into one of 70 ms.
    torch.set_num_threads(1)
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        repeats = request.pop("repeats")
        run, seconds, answer = prepared(**request), [], None
        for _ in range(repeats):
            start = time.perf_counter()
            answer = run()
            seconds.append(time.perf_counter() - start)
        reply = {"seconds": seconds, "answer": np.asarray(answer).tolist()}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
