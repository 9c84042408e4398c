"""Serves one request after the other and is killed at random instants; run by test_killed.py.

`KERAS_BACKEND=numpy python killed.py state.json 30 7`: 30 lives, random seed 7. Each life is a process of its
own that goes on from the state, prints an acknowledgement after each request, and is killed. Nothing is
compiled here (Keras on NumPy), so a life begins at once. Prints one line for each life: arrivals
acknowledged, arrivals in the state, whether it is whole.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np

import keras_fair as kf
from keras_fair.streaming.state_file import StateFile

PARITY = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"


def serve(file: Path, acknowledge: int) -> None:
    """Serve until killed."""
    stream = kf.StreamingFairness(PARITY, state=file)
    os.write(acknowledge, b"0\n")
    while True:
        arrivals = stream.report().arrivals
        sex = ["Female", "Male"][arrivals % 2]
        stream.project(np.array([0.3 if sex == "Female" else 0.6]), {"sex": [sex]})
        os.write(acknowledge, b"%d\n" % (arrivals + 1))


def life(file: Path, seconds: float) -> int:
    """The last acknowledgement of a process that is killed after some time."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        try:
            serve(file, writable)
        except BaseException as fault:
            os.write(writable, f"{fault!r}\n".encode())
        finally:
            os._exit(1)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        said = pipe.readline()  # it is about to serve
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        said += pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), said
    return max(int(line) for line in said.split("\n")[:-1])


def main() -> None:
    """Live and die."""
    warnings.simplefilter("ignore")  # of Keras on NumPy, which has no gradients
    file, lives, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance, acknowledged = random.Random(seed), 0
    kf.StreamingFairness(PARITY).project(np.array([0.5]), {"sex": ["Male"]})  # import all that is needed
    for _ in range(lives):
        acknowledged = max(acknowledged, life(file, chance.uniform(0.0, 0.4)))
        states = StateFile(file).read().states if file.exists() else {}
        saved = sum(state.arrivals for state in states.values())
        whole = all(state.moments[0] == state.arrivals for state in states.values())
        print(acknowledged, saved, whole, flush=True)


if __name__ == "__main__":
    main()
