"""How long does a projection take on an accelerator, through Keras' JAX backend?

A pass is `clip(r - a*s, 0, 1)` over arrays of the same length and type on the same device: what a correction
costs that knows the answer already. Programs are compiled before; each time ends when the device is done.

    KERAS_BACKEND=jax python benchmarks/how_fast_on_an_accelerator.py [predictions ...]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax
import numpy as np
from _arrays import Batch, draw

import keras_fair as kf

ROUNDS = 21
GROUPS = (2, 200)


def main(sizes: list[int]) -> None:
    device = jax.devices()[0]
    print(f"{device.platform}: {device.device_kind}, jax {jax.__version__}")
    print("type     predictions  groups  forward ms  with backward ms  pass ms  passes  gap  first call s")
    for double in (False, True):
        jax.config.update("jax_enable_x64", double)
        for size in sizes:
            for groups in GROUPS:
                _measure(draw(size, groups), "float64" if double else "float32")


def _measure(batch: Batch, dtype: str) -> None:
    width = len(str(batch.groups - 1))
    rule = f"spread(E[y | group=*]) <= {batch.tolerance}"
    if batch.groups == 2:
        rule = f"E[y | group=g0] == E[y | group=g1] +- {batch.tolerance}"
    values = [f"g{code:0{width}}" for code in range(batch.groups)]
    layer = kf.FairProjection(rule, vocabulary={"group": values}, dtype=dtype)
    r = jax.device_put(batch.predictions.astype(dtype))
    codes, upstream = jax.device_put(batch.codes), jax.device_put(batch.upstream.astype(dtype))
    layer(r[:1000], attributes={"group": codes[:1000]})  # built outside the program

    def call(y: Any, group: Any) -> Any:
        return layer.stateless_call(
            layer.trainable_variables, layer.non_trainable_variables, y, attributes={"group": group}
        )[0]

    forward = jax.jit(call)
    backward = jax.jit(lambda y, group, u: jax.vjp(lambda each: call(each, group), y)[1](u)[0])
    one_pass = jax.jit(lambda y, c: jax.numpy.clip(y - (c - 0.5).astype(y.dtype) * 0.1, 0.0, 1.0))
    start = time.perf_counter()
    fair = np.asarray(forward(r, codes), "float64")
    first = time.perf_counter() - start
    sums = np.bincount(batch.codes, fair, batch.groups) / np.bincount(batch.codes, minlength=batch.groups)
    assert np.isfinite(np.asarray(backward(r, codes, upstream))).all()
    runs = (lambda: forward(r, codes), lambda: backward(r, codes, upstream), lambda: one_pass(r, codes))
    times = [1e3 * _median(run) for run in runs]
    print(
        f"{dtype}  {len(r):>11,}  {batch.groups:>6}  {times[0]:>10.3f}  {times[1]:>16.3f}  {times[2]:>11.3f}"
        f"  {times[0] / times[2]:>6.1f}  {np.ptp(sums):.6f}  {first:.1f}",
        flush=True,
    )


def _median(run: Callable[[], Any]) -> float:
    for _ in range(3):
        jax.block_until_ready(run())
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [100_000, 1_000_000])
