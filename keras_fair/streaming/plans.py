"""Constraints lowered, with their step, shared by all streams of a process that hold the same.

A server may hold one stream for each of its clients. Plans and steps hold nothing of a stream, so they can be
shared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache

from keras_fair.constraints import ConstraintSet
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.domain import Domain
from keras_fair.ops.stream.state_vector import StreamRule
from keras_fair.rows.lower import lower
from keras_fair.rows.plan import RowPlan
from keras_fair.streaming.plan_step import PlanStep

__all__ = ["lowered", "plan_of"]

_MOST = 64  # kept at once, those used last


def lowered(constraints: ConstraintSet, vocabulary: Vocabulary, outputs: int, rule: StreamRule) -> PlanStep:
    """The step of the constraints for these values, with their plan.

    Args:
        constraints: parsed.
        vocabulary: the values that have arrived; empty where the constraints alone name them.
        outputs: number of outputs.
        rule: how they are held.

    Raises:
        ConstraintTypeError: see `keras_fair.rows.lower`.
    """
    return _lowered(_Wanted.of(constraints, vocabulary, outputs, rule.domain), rule)


def plan_of(constraints: ConstraintSet, vocabulary: Vocabulary, outputs: int, domain: Domain) -> RowPlan:
    """The constraints for these values; arguments and errors as in `lowered`."""
    return _plan_of(_Wanted.of(constraints, vocabulary, outputs, domain))


@dataclass(frozen=True)
class _Wanted:
    """What is lowered; `key` stands for the vocabulary, which has no hash."""

    constraints: ConstraintSet
    text: str
    key: str
    outputs: int
    domain: Domain
    vocabulary: Vocabulary = field(compare=False)

    @classmethod
    def of(cls, constraints: ConstraintSet, vocabulary: Vocabulary, outputs: int, domain: Domain) -> _Wanted:
        config = vocabulary.get_config()
        opened = [name for name in config["values"] if vocabulary.is_open(name)]
        key = json.dumps([config, opened], ensure_ascii=False)
        return cls(constraints, constraints.text, key, outputs, domain, vocabulary)


@lru_cache(maxsize=_MOST)
def _lowered(wanted: _Wanted, rule: StreamRule) -> PlanStep:
    return PlanStep(_plan_of(wanted), rule)


@lru_cache(maxsize=_MOST)
def _plan_of(wanted: _Wanted) -> RowPlan:
    vocabulary = wanted.vocabulary
    return lower(
        wanted.constraints.statements,
        wanted.text,
        vocabulary,
        wanted.outputs,
        domain=wanted.domain,
    )
