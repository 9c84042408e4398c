"""Watching in service whether what a frozen rule promised still holds.

A promise is about people who are drawn like the calibration people. Whether new ones are can't be told before
they come; whether the promised inequalities hold among them can. Each carries its own evidence:

    sum_g a_g mean_g <= b  --drift_pairs-->  z_1, z_2, ... with E[z | past] <= b  --drift_process-->  evidence

`keras_fair.postprocessing.drift_rows` says which inequalities, and who counts in which. This module holds
what was observed, and carries it between batches, processes and machines.

Merging. Monitors of different people are merged by multiplying their evidence share by share (by adding it up
for `kind="average run length"`), which is evidence again: the proof is in `drift_process`. It is associative
and commutative. People of blocks that have not ended, a few, are left out, since a block of two places would
compare means of different places, each with its gap within bounds. When to merge may depend on the past, but
not on these few. What is bounded:

- any one monitor, that of a server or a merged one: P[it ever raises a false alarm of its own] <= alpha. A
  monitor that is merged anew from the same servers, each night, is the same one: the product goes on;
- k servers that alarm by themselves, and m ways to merge some of them: (k + m) alpha for all together. Where
  one level is for all, each takes its part.
"""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.errors import quoted, some_of
from keras_fair.inputs.predictions import check_pairing
from keras_fair.packing import SumsError, pack, unpack
from keras_fair.postprocessing.drift_process import KINDS
from keras_fair.postprocessing.drift_report import DriftAlarm, DriftReport, DriftRow
from keras_fair.postprocessing.drift_rows import WatchedRow, read_arrivals, watched_rows
from keras_fair.postprocessing.drift_state import Watch, advanced, begun, check_state, evidence, merged
from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.whole_file import write_whole

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["DriftMonitor"]

_ALPHAS = {KINDS[0]: 0.01, KINDS[1]: 1e-5}
_SETTINGS = ("alpha", "kind", "unwatchable")
_MOST_NAMED = 5
_LARGEST_LOG = 700.0  # whose exponential is a float


class DriftMonitor:
    """Whether what a frozen rule promised still holds, person by person, with few false alarms.

    Each inequality between means that the rule's text asks for is watched. Arrivals of the groups that it
    compares are paired, and each pair is a bet against the inequality:

        z = x_a - mean of the x_b since the last pair,    E <- E (1 + lam (z - b)),    alarm: E >= 1 / alpha

    As long as the inequality holds, such bets win nothing on average. So the probability that there is ever
    an alarm is at most `alpha`, however long and however often one looks. The derivation is in
    `keras_fair.postprocessing.drift_process`, and that of the pairs, of any number of groups, in
    `drift_pairs`.

    An alarm says that the inequality does not hold among the people who were observed. It does not tell a
    drift from a promise that was never true, which the rule's own confidence bounds. Assumed are independent
    people whose order tells nothing of the scores: those of a file that is sorted by them are no arrivals.
    People who come sorted by group make few pairs. Everybody counts for one.

    It follows `keras_fair.sums.MergeableSums`, for `people` in place of samples.

    Args:
        rule: a `FrozenFairness` that was fitted. Where it is fitted anew, make a new monitor.
        alpha: in (0, 1). Several inequalities have equal parts of it. Default: 0.01, or 1e-5 for the other
            kind.
        kind: `"false alarm probability"` (default): `alpha` bounds the probability that there is ever a false
            alarm; or `"average run length"`: false alarms come after at least `1 / alpha` observations on
            average, and a drift that begins late is seen as soon as one that begins at once.
        unwatchable: what a relation that can't be watched means: `"error"` (default) refuses; `"exclude"`
            watches the others, warns, and names it in the report. It is one that compares what the rule gives
            with a statistic of the people, as in `E[y | ...] <= P[label=1 | ...]`.

    Raises:
        ValueError: the rule is none or was not fitted; a relation can't be watched; another argument is
            malformed.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> rng = np.random.default_rng(0)
        >>> def people(n, women=0.4):
        ...     sex = np.where(rng.random(n) < 0.4, "Female", "Male")
        ...     mean = np.where(sex == "Female", women, 0.55)
        ...     return np.clip(rng.normal(mean, 0.2), 0, 1), {"sex": sex}
        >>> rule = kf.FrozenFairness("P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05")
        >>> monitor = kf.DriftMonitor(rule.fit(*people(4000)))
        >>> monitor.observe(*people(4000))
        ()
        >>> (alarm,) = monitor.observe(*people(4000, women=0.3))
        >>> alarm.row
        'P[y >= 0.5 | sex=Male] - P[y >= 0.5 | sex=Female] <= 0.05'

    Source:
        Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024);
        Shin, Ramdas and Rinaldo, E-detectors, New England Journal of Statistics in Data Science 2 (2023).
    """

    def __init__(
        self,
        rule: FrozenFairness,
        alpha: float | None = None,
        *,
        kind: str = "false alarm probability",
        unwatchable: str = "error",
    ) -> None:
        if not isinstance(rule, FrozenFairness):
            raise ValueError(f"expected rule to be a FrozenFairness, received {type(rule).__name__}")
        if kind not in KINDS:
            kinds = ", ".join(map(quoted, KINDS))
            raise ValueError(f"expected kind to be one of {kinds}, received kind={kind!r}")
        if unwatchable not in ("error", "exclude"):
            raise ValueError(
                f"expected unwatchable to be 'error' or 'exclude', received unwatchable={unwatchable!r}"
            )
        alpha = _ALPHAS[kind] if alpha is None else alpha
        is_number = isinstance(alpha, (int, float, np.floating)) and not isinstance(alpha, bool)
        if not (is_number and 0 < alpha < 1):
            raise ValueError(f"expected alpha in (0, 1), received alpha={alpha!r}")
        self.rule, self.alpha, self.kind, self.unwatchable = rule, float(alpha), kind, unwatchable
        self._document = rule.to_json()
        self._learnt, self._plan, self._groups = rule._fitted()
        ends = (0.0, 1.0) if rule.meaning.decides else rule.domain.bounds
        pairings, self.unwatched = watched_rows(self._plan, ends=ends, threshold=rule.meaning.threshold)
        self._watch = Watch(pairings, kind, self.alpha)
        self._check_watched()
        self._state = begun(self._watch, len(self._plan.attributes))

    def observe(
        self,
        scores: Any,
        attributes: Any = None,
        label: Any = None,
        *,
        ids: Any = None,
        late: bool = False,
        corrected: bool = False,
    ) -> tuple[DriftAlarm, ...]:
        """Observe people in the order in which they came, one or many.

        Args:
            scores: `(n,)` or `(n, 1)`, before the rule.
            attributes: the columns that the rule takes, `(n,)` each.
            label: `(n,)`; None where they are not known yet: inequalities that need them are left as they
                are.
            ids: as the rule takes them, where it draws lots.
            late: whether these people were observed before, without their label. Then inequalities that need
                it advance, and no others. When a label comes must tell nothing of what it is.
            corrected: whether the scores are those after the rule, as a model of `kf.serve` gives them.

        Returns:
            The alarms that these people raised; each inequality has one at most.

        Raises:
            ValueError: arguments are malformed, or the rule refuses these people. Then nothing has changed.
        """
        if self.rule._learnt is not self._learnt:
            raise ValueError(
                "expected the rule as it was when the monitor was made, received one that was fitted anew: "
                "make a new monitor"
            )
        if late and (label is None or not self._watch.needs_label):
            what = "no label" if label is None else "a rule whose inequalities need none"
            raise ValueError(f"expected late=True with the labels that people lacked, received {what}")
        check_pairing(scores, attributes, label, None)
        given = self._given(scores, attributes, ids, corrected)
        columns, encoded = self._plan.encode(attributes, label)
        arrivals = read_arrivals(self._plan, self._watch.pairings, columns, encoded, len(given))
        values = np.stack([given, given * arrivals.labels], axis=1)
        labelled = label is not None
        state = advanced(self._watch, self._state, arrivals.members, values, labelled=labelled, late=late)
        if not late:
            state["unknown"] += self._unknown(columns, len(given))
            for name, counts in (("outside", arrivals.unknown), ("missing", arrivals.missing)):
                state[name] += np.array([counts.get(each, 0) for each in self._plan.attributes], "int64")
        before, self._state = self._state, state
        return self._alarms(before["alarm"][:, 0] < 0)

    def add(self, scores: Any, attributes: Any = None, label: Any = None, **options: Any) -> DriftMonitor:
        """`observe`, under the name of `keras_fair.sums.MergeableSums`; returns the monitor itself."""
        self.observe(scores, attributes, label, **options)
        return self

    @property
    def needs_label(self) -> bool:
        """Whether an inequality counts people once their label is known."""
        return self._watch.needs_label

    @property
    def people(self) -> int:
        """How many people were observed."""
        return int(self._state["people"])

    @property
    def alarms(self) -> tuple[DriftAlarm, ...]:
        """All alarms so far, one at most for each inequality."""
        return self._alarms(np.ones(len(self._watch.rows), bool))

    def report(self) -> DriftReport:
        """Where each inequality stands, and who was not counted."""
        state = self._state
        notes = []
        if self.rule.weight_bound is not None:
            notes.append("The rule may weigh people: here everybody counts for one.")
        if state["left"].any():
            notes.append("People of pairs that were not whole when monitors were merged were left out.")
        return DriftReport(
            rows=self._rows(),
            people=self.people,
            awaited=max(int(state["awaited"]), 0),
            alpha=self.alpha,
            kind=self.kind,
            monitors=max(int(state["monitors"]), 1),
            unknown=int(state["unknown"]),
            outside=self._by_attribute("outside"),
            missing=self._by_attribute("missing"),
            unwatched=dict(self.unwatched),
            notes=tuple(notes),
        )

    result = report

    def __str__(self) -> str:
        return str(self.report())

    def merge(self, other: DriftMonitor) -> DriftMonitor:
        """Add the people that another monitor of the same rule has observed; they must be others.

        Alarms of either stay, with the counts of the monitor that raised them.

        Returns:
            The monitor itself; the other one is left as it is.

        Raises:
            ValueError: it is of another rule, `alpha` or kind.
        """
        if not isinstance(other, DriftMonitor):
            raise ValueError(f"expected a DriftMonitor to merge with, received {type(other).__name__}")
        if other._document != self._document:
            raise ValueError("expected a monitor of the same rule to merge, received one of another rule")
        for name in _SETTINGS:
            if getattr(self, name) != getattr(other, name):
                raise ValueError(
                    f"expected monitors of the same {name} to merge, received {getattr(self, name)!r} and "
                    f"{getattr(other, name)!r}"
                )
        self._state = merged(self._watch, self._state, other._state)
        return self

    def to_bytes(self) -> bytes:
        """The rule and what was observed, as bytes: sums and counts, and the values of no more people than
        are waiting for the other half of a pair."""
        settings = {name: getattr(self, name) for name in _SETTINGS}
        return pack("DriftMonitor", {"rule": self._document, **settings}, self._state)

    @classmethod
    def from_bytes(cls, packed: Buffer, *, rule: FrozenFairness | None = None) -> DriftMonitor:
        """The monitor that `to_bytes` was called on.

        Args:
            packed: bytes, or another buffer.
            rule: the rule that it must be of; default: any.

        Raises:
            SumsError: the bytes are damaged, of something else, or of another rule.
        """
        values, arrays = unpack("DriftMonitor", packed)
        try:
            document, settings = values["rule"], {name: values[name] for name in _SETTINGS}
            if rule is None:
                rule = FrozenFairness.from_json(document)
            elif rule.to_json() != document:
                raise SumsError("expected the state of this rule, received that of another one")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # said when it was made
                monitor = cls(rule, **settings)
            monitor._state = check_state(monitor._watch, arrays, len(monitor._plan.attributes))
        except SumsError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as fault:
            message = f"expected the bytes of a DriftMonitor, received others: {fault!r:.200}"
            raise SumsError(message) from fault
        return monitor

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file; an existing one is replaced as a whole or not at all."""
        write_whole(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, rule: FrozenFairness | None = None) -> DriftMonitor:
        """The monitor that `save` wrote; arguments and errors as of `from_bytes`."""
        return cls.from_bytes(Path(path).read_bytes(), rule=rule)

    def _check_watched(self) -> None:
        """Refuse, or say, what can't be watched."""
        listed = [f"{quoted(name)} can't be watched: {reason}" for name, reason in self.unwatched.items()]
        if listed and self.unwatchable == "error":
            raise ValueError(
                f"{some_of(listed, _MOST_NAMED, '; ')}. unwatchable='exclude' watches the other relations"
            )
        if not self._watch.rows:
            why = some_of(listed, _MOST_NAMED, "; ") or "its relations hold whatever the rule gives"
            raise ValueError(f"expected a rule with something to watch: {why}")
        if listed:
            warnings.warn(some_of(listed, _MOST_NAMED, "; "), stacklevel=3)

    def _given(self, scores: Any, attributes: Any, ids: Any, corrected: bool) -> np.ndarray:
        """What the rule gives out, `(n,)`: decisions as 0 and 1, or scores."""
        if corrected:  # the rule only looks at these people
            ids = np.arange(len(np.asarray(scores))) if ids is None else ids
        ruled = self.rule(scores, attributes, ids=ids)
        given = np.asarray(scores if corrected else ruled).reshape(-1)
        threshold = self.rule.meaning.threshold
        if threshold is not None:
            given = given >= np.asarray(threshold, given.dtype)
        return given.astype("float64")

    def _unknown(self, columns: Any, size: int) -> int:
        """How many people are of a group that the rule has no knots for; with `unknown="error"` it refuses
        them."""
        if self.rule.unknown == "error":
            return 0
        cells = np.asarray(self._groups.cells(columns, size)).astype(int)
        return int((self._learnt.row_of_cell[cells] < 0).sum())

    def _alarm(self, index: int, row: WatchedRow) -> DriftAlarm | None:
        people, observations, reached = self._state["alarm"][index].tolist()
        if people < 0:
            return None
        threshold = self._watch.threshold
        return DriftAlarm(row.relation, row.text, int(people), int(observations), _number(reached), threshold)

    def _alarms(self, chosen: np.ndarray) -> tuple[DriftAlarm, ...]:
        """Those of the chosen inequalities, `(R,)` bool."""
        rows = enumerate(self._watch.rows)
        found = (self._alarm(index, row) for index, (_, row) in rows if chosen[index])
        return tuple(alarm for alarm in found if alarm is not None)

    def _rows(self) -> tuple[DriftRow, ...]:
        state, found = self._state, []
        now = evidence(state).tolist()
        for index, (place, row) in enumerate(self._watch.rows):
            slots, count = self._watch.slots(place), int(state["observations"][index])
            sign = -1.0 if row.turned else 1.0
            unpaired = state["left"][slots].sum() + state["counts"][slots].sum()
            found.append(
                DriftRow(
                    relation=row.relation,
                    row=row.text,
                    bound=sign * row.bound + 0.0,
                    mean=sign * float(state["totals"][index]) / count if count else math.nan,
                    observations=count,
                    people=int(state["used"][place] - unpaired),
                    needs_label=self._watch.pairings[place].needs_label,
                    evidence=_number(now[index]),
                    largest=_number(float(state["largest"][index])),
                    threshold=self._watch.threshold,
                    alarm=self._alarm(index, row),
                )
            )
        return tuple(found)

    def _by_attribute(self, name: str) -> dict[str, int]:
        counts = zip(self._plan.attributes, self._state[name].tolist(), strict=True)
        return {attribute: count for attribute, count in counts if count}


def _number(logarithm: float) -> float:
    return math.exp(min(logarithm, _LARGEST_LOG))
