"""The step of a stream in C (`_stream_model.c`), compiled when first needed; checked against the real one."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

import keras_fair as kf

__all__ = ["ModelRule", "attack", "compared", "modelled"]

LETTERS = np.array(list("abcdefghijklmnop"))


class ModelRule(NamedTuple):
    """What is held: the difference of two groups' means, or the spread of all, within a tolerance."""

    groups: int
    spread: bool
    tolerance: float = 0.02
    step: float = 0.2
    margin: float = 3.5

    @property
    def text(self) -> str:
        """The constraint, over groups named a, b, ..."""
        if self.spread:
            return f"spread(E[y | g=*]) <= {self.tolerance}"
        return f"E[y | g=a] == E[y | g=b] +- {self.tolerance}"

    def stream(self) -> kf.StreamingFairness:
        """The real stream."""
        vocabulary = {"g": LETTERS[: self.groups].tolist()}
        return kf.StreamingFairness(self.text, vocabulary=vocabulary, step=self.step, margin=self.margin)


class _Rule(ctypes.Structure):
    _fields_ = [  # noqa: RUF012 - as ctypes asks
        *((name, ctypes.c_double) for name in ("step", "margin", "tolerance")),
        *((name, ctypes.c_int) for name in ("groups", "spread")),
    ]


def modelled(rule: ModelRule, group: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fair predictions and the gap after each arrival, NaN before there is one."""
    n = len(raw)
    group, raw = np.ascontiguousarray(group, "int32"), np.ascontiguousarray(raw, "float64")
    fair, gap = np.zeros(n), np.zeros(n)
    _library().run(ctypes.byref(_of(rule)), n, *map(_pointer, (group, raw, fair, gap)))
    return fair, np.where(gap < 0, np.nan, gap)


def attack(
    rule: ModelRule, kinds: np.ndarray, lengths: np.ndarray, depth: int
) -> tuple[float, np.ndarray, np.ndarray]:
    """The largest part of the proven excess that a plan of attack used, and its arrivals: groups, scores."""
    kinds, lengths = (np.ascontiguousarray(part, "int32") for part in (kinds, lengths))
    n = int(lengths.sum())
    group, raw = np.zeros(n, "int32"), np.zeros(n)
    of_plan = map(_pointer, (kinds, lengths))
    worst = _library().attack(
        ctypes.byref(_of(rule)), len(kinds), *of_plan, depth, _pointer(group), _pointer(raw)
    )
    return float(worst), group, raw


def compared(rule: ModelRule, group: np.ndarray, raw: np.ndarray, arrivals: int = 400) -> float:
    """How far the model's predictions are from those of the real stream at most, over the first arrivals."""
    stream, names = rule.stream(), LETTERS[group[:arrivals]]
    given = [stream.project(raw[i : i + 1], {"g": names[i : i + 1]})[0] for i in range(len(names))]
    return float(np.max(np.abs(np.array(given) - modelled(rule, group[:arrivals], raw[:arrivals])[0])))


@cache
def _library() -> ctypes.CDLL:
    target = Path(tempfile.mkdtemp()) / "stream_model.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(target), str(source), "-lm"], check=True)
    library = ctypes.CDLL(str(target))
    library.attack.restype = ctypes.c_double
    return library


def _of(rule: ModelRule) -> _Rule:
    return _Rule(rule.step, rule.margin, rule.tolerance, rule.groups, int(rule.spread))


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)
