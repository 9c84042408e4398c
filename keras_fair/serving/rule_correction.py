"""A frozen rule between requests and answers: the knots of each person's group, looked up once.

Which row of the knots a person has depends on the attributes alone, so it is remembered by their values; what
the knots do to scores is one call for all people at hand. The answers are those of the rule itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.postprocessing.knots import lots_of
from keras_fair.serving.answers import Answer, parts_of
from keras_fair.serving.faults import Problem, Refused
from keras_fair.serving.people import ID, People, unreadable
from keras_fair.serving.seen import SeenPeople

__all__ = ["RuleCorrection"]

_MOST_REMEMBERED = 4096  # combinations of values
_MOST_ONE_BY_ONE = 64  # people of a request that are looked up one by one


class RuleCorrection:
    """See `keras_fair.serving.answers.Correction`. It keeps nothing that has to be saved.

    Args:
        rule: fitted.
        seen: is told of whom the rule was used on; None: nobody watches.
    """

    waits = False

    def __init__(self, rule: FrozenFairness, seen: SeenPeople | None = None) -> None:
        self.rule, self.seen, self.name = rule, seen, "rule"
        low, high = rule.domain.bounds
        self.bounds = (float(low), float(high))
        self.unknown = 0
        self._names, self._knots = rule.attributes, rule.learnt.knots
        self._arrays = self._knots.arrays
        self._row_of: dict[Any, int] = {}
        self._decision = rule.meaning.threshold

    def correct(self, scores: np.ndarray, requests: Sequence[People]) -> list[Answer | Refused]:
        """The scores after the rule."""
        if scores.ndim == 2:
            scores = scores[:, 0]
        rows = np.zeros(len(scores), "int64")
        refused: dict[int, Refused] = {}
        for place, (part, request) in enumerate(zip(parts_of(rows, requests), requests, strict=True)):
            try:
                part[:] = self._rows(request)
                self._check(request, part)
            except ValueError as fault:
                refused[place] = unreadable(self._field(), fault)
                part[:] = -1
        known = rows >= 0
        given = self._knots.apply(scores, np.maximum(rows, 0), self._lots(requests, refused), self._arrays)
        given = np.where(known, given, scores)
        decided = None if self._decision is None else given >= np.asarray(self._decision, given.dtype)
        answers: list[Answer | Refused] = []
        at = 0
        for place, request in enumerate(requests):
            end = at + request.size
            if place in refused:
                answers.append(refused[place])
            else:
                self.unknown += int(request.size - known[at:end].sum())
                answers.append(Answer(given[at:end], None if decided is None else decided[at:end]))
                if self.seen is not None:
                    columns = {name: request.columns[name] for name in self._names}
                    self.seen.add(scores[at:end], given[at:end], columns, request.ids)
            at = end
        return answers

    def measured(self) -> Mapping[str, Any]:
        """How many people were of a group that the rule doesn't know, and kept their score."""
        return {"unknown": self.unknown}

    def close(self) -> None:
        """Nothing is kept."""

    def _rows(self, request: People) -> Any:
        if request.size > _MOST_ONE_BY_ONE:
            return self.rule.rows_of({name: request.columns[name] for name in self._names}, request.size)
        columns = [request.columns[name] for name in self._names]
        rows = []
        for values in zip(*columns, strict=True) if columns else [()] * request.size:
            person = tuple((type(value), value) for value in values)
            row = self._row_of.get(person)
            if row is None:
                alone = {name: [value] for name, value in zip(self._names, values, strict=True)}
                row = int(self.rule.rows_of(alone, 1)[0])
                if len(self._row_of) >= _MOST_REMEMBERED:
                    self._row_of.pop(next(iter(self._row_of)))
                self._row_of[person] = row
            rows.append(row)
        return rows

    def _check(self, request: People, rows: np.ndarray) -> None:
        """Raise ValueError, as the rule does, for people that it has nothing for."""
        if self.rule.unknown == "error" and (rows < 0).any():
            columns = {name: request.columns[name] for name in self._names}
            low, _ = self.rule.domain.bounds
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.rule([max(low, 0.0)] * request.size, columns, ids=list(range(request.size)))

    def _lots(self, requests: Sequence[People], refused: dict[int, Refused]) -> np.ndarray | None:
        if not self._knots.draws_lots:
            return None
        lots = []
        for place, request in enumerate(requests):
            ids = request.columns[ID]
            if None in ids:
                problem = Problem(ID, "who each person is: the rule draws lots by it", "none")
                refused[place] = Refused(422, problem)
            lots.append(lots_of(["" if each is None else each for each in ids], self.rule.seed))
        return np.concatenate(lots)

    def _field(self) -> str:
        return " or ".join(self._names) or "(person)"
