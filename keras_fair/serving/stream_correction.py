"""A stream between requests and answers: one pooled gap over all that is served, saved before it is answered.

People who come alone are arrivals one by one; those of one request arrive together. All requests at hand are
saved by one exchange with the store, so the disk is waited for once and not for each person. Only then are
they answered. Workers of one machine take turns from what they see to what they save, so each answers on all
that the others have answered, and none is told to try again. A request that is refused because the state
could not be saved may have been counted: it goes with the next exchange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_fair.callbacks.streaming_fairness import StreamingFairness
from keras_fair.serving.answers import Answer, parts_of
from keras_fair.serving.faults import Problem, Refused
from keras_fair.serving.people import People, unreadable
from keras_fair.serving.turns import Turns
from keras_fair.streaming.state_document import StateError

__all__ = ["StreamCorrection"]

_RETRY = 1  # seconds
UNSAVED = "(state)"


class StreamCorrection:
    """See `keras_fair.serving.answers.Correction`.

    Args:
        stream: where all arrivals are counted. It saves by itself where `at_once` is false.
        names: of the attributes that its constraints need.
        bounds: where scores must lie.
        at_once: whether nothing is answered before it is saved.
        turns: of the processes of this machine that share the state.
    """

    waits = True

    def __init__(
        self,
        stream: StreamingFairness,
        names: Sequence[str],
        bounds: tuple[float, float],
        *,
        at_once: bool,
        turns: Turns,
    ) -> None:
        self.stream, self.name, self._names, self._at_once = stream, "stream", tuple(names), at_once
        self.bounds, self._turns = bounds, turns
        self.failed = False

    def correct(self, scores: np.ndarray, requests: Sequence[People]) -> list[Answer | Refused]:
        """Fair scores, once their arrivals are saved."""
        if not self._at_once:
            return self._correct(scores, requests)
        with self._turns.turn():
            return self._correct(scores, requests)

    def _correct(self, scores: np.ndarray, requests: Sequence[People]) -> list[Answer | Refused]:
        answers = [self._project(y, one) for y, one in zip(parts_of(scores, requests), requests, strict=True)]
        if self._at_once and any(isinstance(answer, Answer) for answer in answers):
            try:
                self.stream.save()
                self.failed = False
            except StateError:
                self.failed = True
                problem = Problem(
                    UNSAVED,
                    "a store that takes the state",
                    "none for now: the request may be counted once, and was not answered",
                )
                return [
                    Refused(503, problem, retry=_RETRY) if isinstance(answer, Answer) else answer
                    for answer in answers
                ]
        return answers

    def observe(self, ids: Sequence[Any], labels: Sequence[float]) -> int:
        """Labels that come later; how many arrivals were waiting for one.

        Raises:
            Refused: they do not fit, or can't be saved.
        """
        try:
            count = self.stream.observe(list(ids), np.asarray(labels))
            if self._at_once:
                self.stream.save()
        except StateError:
            problem = Problem(UNSAVED, "a store that takes the state", "none for now")
            raise Refused(503, problem, retry=_RETRY) from None
        except ValueError as fault:
            raise unreadable("ids or labels", fault, "ids of people that wait, and their labels") from None
        return count

    def measured(self) -> Mapping[str, Any]:
        """The pooled gaps of all that was served, by every process that shares the state."""
        report = self.stream.report()
        return {
            "gaps": [(each.name, each.gap, each.lower, each.upper, each.violation) for each in report],
            "arrivals": report.arrivals,
            "outcomes": dict(report.outcomes),
            "unknown": sum(sum(counts) for counts in report.outside.values()),
            "waiting": report.waiting,
        }

    def close(self) -> None:
        """Save what is not saved."""
        self.stream.save()

    def _project(self, scores: np.ndarray, request: People) -> Answer | Refused:
        columns = {name: request.columns[name] for name in self._names}
        try:
            return Answer(self.stream.project(scores, columns, ids=request.ids))
        except StateError:
            self.failed = True
            problem = Problem(UNSAVED, "a store that can be used", "none for now: nothing was counted")
            return Refused(503, problem, retry=_RETRY)
        except ValueError as fault:
            return unreadable("(person)" if request.ids else " or ".join(self._names) or "(person)", fault)
