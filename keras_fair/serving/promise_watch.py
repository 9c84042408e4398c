"""The watch over what a rule promised, for all workers of a service: one, in their parent.

One monitor means one level: the probability that the service ever raises a false alarm is at most `alpha`,
however many workers there are. Workers hand over whom they used the rule on, a few times a second. What a
worker that is killed had not handed over yet is not seen; whoever was answered has the answer all the same.
"""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path

import numpy as np

from keras_fair.audit.auditor import Auditor
from keras_fair.constraints import ConstraintSet, parse
from keras_fair.postprocessing.drift_monitor import DriftMonitor
from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.postprocessing.rule_document import read_document
from keras_fair.serving.exposition import family, gaps_text
from keras_fair.serving.seen import SeenBatch

__all__ = ["PromiseWatch"]

_SAVE = 5.0  # seconds between two savings

_logger = logging.getLogger("keras_fair.serving")


class PromiseWatch:
    """Pooled gaps of what a rule gave, and the evidence against what it promised.

    Args:
        rule: fitted.
        alpha: of the monitor.
        path: of its state; it goes on from what is there. None: it is not kept.

    Attributes:
        missed: people who came and were not looked at.

    Raises:
        ValueError: the state is damaged, or of another rule or level.
    """

    def __init__(self, rule: FrozenFairness, alpha: float, path: str | None) -> None:
        self._rule, self._path, self.missed = rule, None if path is None else Path(path), 0
        self._monitor = self._opened(alpha)
        self._auditor = _auditor(rule)
        self._begun = time.monotonic()
        self._saved = self._begun
        self._told: set[str] = set()

    def observe(self, batch: SeenBatch) -> None:
        """Look at people whom the rule was used on."""
        self.missed += batch.missed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they may hold data
            try:
                if self._monitor is not None:
                    self._monitor.observe(batch.scores, batch.columns, ids=batch.ids)
                if self._auditor is not None:
                    self._auditor.add(batch.given, batch.columns)
            except ValueError:
                self.missed += len(batch.scores)
        for alarm in () if self._monitor is None else self._monitor.alarms:
            if alarm.row not in self._told:
                self._told.add(alarm.row)
                _logger.warning("alarm: %s", alarm)  # a formula and counts
        if time.monotonic() - self._saved > _SAVE:
            self.save()

    def save(self) -> None:
        """Keep what was observed; a failure is logged, since the service goes on without."""
        self._saved = time.monotonic()
        if self._path is not None and self._monitor is not None:
            try:
                self._monitor.save(self._path)
            except OSError as fault:
                _logger.error("can't keep what the watch saw in %s: %s", self._path, fault.strerror)

    def text(self) -> str:
        """As Prometheus reads it."""
        return self._gaps() + self._evidence()

    def _gaps(self) -> str:
        if self._auditor is None or not self._auditor.samples:
            return ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            relations = self._auditor.result().relations
        gaps = [(each.name, each.gap, each.lower, each.upper, each.violation) for each in relations]
        return gaps_text(gaps)

    def _evidence(self) -> str:
        said = family(
            "unwatched_people_total",
            "counter",
            "People whom the watch over the promise did not look at.",
            [("", {}, self.missed)],
        )
        if self._monitor is None:
            return said
        report = self._monitor.report()
        rows = [({"relation": row.relation, "row": row.row}, row) for row in report.rows]
        return said + "".join(
            [
                family("drift_people", "gauge", "People whom the watch saw.", [("", {}, report.people)]),
                family(
                    "drift_observations",
                    "gauge",
                    "Observations of a promised inequality.",
                    [("", labels, row.observations) for labels, row in rows],
                ),
                family(
                    "drift_evidence",
                    "gauge",
                    "Evidence against a promised inequality; an alarm from drift_threshold on.",
                    [("", labels, row.evidence) for labels, row in rows],
                ),
                family(
                    "drift_threshold",
                    "gauge",
                    "Evidence from which on there is an alarm.",
                    [("", labels, row.threshold) for labels, row in rows],
                ),
                family(
                    "drift_alarm",
                    "gauge",
                    "1: a promised inequality does not hold any more, as far as can be told.",
                    [("", labels, float(row.alarm is not None)) for labels, row in rows],
                ),
            ]
        )

    def _opened(self, alpha: float) -> DriftMonitor | None:
        """The monitor; None where nothing of the rule can be watched."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fresh = DriftMonitor(self._rule, alpha, unwatchable="exclude")
            except ValueError as fault:
                _logger.warning("the promise of the rule is not watched: %s", fault)
                return None
            for name, reason in fresh.unwatched.items():
                _logger.warning("not watched: %s: %s", name, reason)
            if self._path is None or not self._path.exists():
                return fresh
            found = DriftMonitor.load(self._path, rule=self._rule)
        if not np.isclose(found.alpha, alpha) or found.kind != fresh.kind:
            raise ValueError(
                f"expected {self._path} to be of alpha={alpha:g}, received one of alpha={found.alpha:g}, "
                f"which bounds the {found.kind}"
            )
        return found


def _auditor(rule: FrozenFairness) -> Auditor | None:
    """What measures the gaps of statements that need no label; None where all need one."""
    text = rule.constraints.text
    plain = tuple(each for each in rule.constraints if not ConstraintSet((each,), text).uses_label)
    if not plain:
        return None
    _, vocabulary, _ = read_document(rule.to_json())
    return Auditor(parse(str(ConstraintSet(plain, text))), vocabulary=vocabulary, confidence=None)
