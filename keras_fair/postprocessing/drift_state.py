"""What a drift monitor keeps of the people it observed, as arrays: begun, advanced, merged, checked.

    (state, people) -> state

For each inequality a few numbers, and for each group that it compares the block that has not ended: a count
and two sums. Nothing here changes a state that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_fair.postprocessing.drift_pairs import Block, pair_in_turn, pair_together
from keras_fair.postprocessing.drift_process import (
    Capital,
    advance,
    bets,
    evidence_of,
    joined,
    start,
)
from keras_fair.postprocessing.drift_rows import Pairing, WatchedRow

__all__ = ["NO_ALARM", "State", "Watch", "advanced", "begun", "check_state", "evidence", "merged"]

State = dict[str, np.ndarray]
"""By name:

| of each inequality | |
| --- | --- |
| `parts`, `reserve` | what is bet and what is in reserve, as logarithms: `Capital` |
| `largest` | the logarithm of the largest evidence so far |
| `observations`, `totals` | how many observations, and the sum of their left sides |
| `alarm` | after how many people and observations, and the logarithm of the evidence; -1 without one |
| of each group of a pairing | |
| `counts`, `sums` | the block that has not ended: arrivals, and sums of `x` and of `label x` |
| `left` | people of blocks that never ended, for monitors were merged |
| of each pairing | |
| `used` | how many people were paired, those of the open block included |
| of all | |
| `people`, `awaited`, `unknown`, `monitors` | observed; without a label; of a group without knots; merged |
| of each attribute | |
| `outside`, `missing` | people with a value outside the vocabulary; without a value |
"""

NO_ALARM = (-1.0, -1.0, -math.inf)
_ADDED = ("observations", "totals", "used", "people", "awaited", "unknown", "outside", "missing", "monitors")
_MAY_BE_NEGATIVE = ("awaited", "totals", "alarm", "sums", "parts", "reserve", "largest")


@dataclass(frozen=True)
class Watch:
    """What is watched, and how.

    Attributes:
        pairings: with their inequalities.
        kind: of evidence.
        alpha: of all inequalities together.
    """

    pairings: tuple[Pairing, ...]
    kind: str
    alpha: float

    @property
    def rows(self) -> list[tuple[int, WatchedRow]]:
        """All inequalities, each with the place of its pairing."""
        return [(place, row) for place, pairing in enumerate(self.pairings) for row in pairing.rows]

    @property
    def needs_label(self) -> bool:
        """Whether an inequality needs the label."""
        return any(pairing.needs_label for pairing in self.pairings)

    @property
    def threshold(self) -> float:
        """The evidence from which on there is an alarm: each inequality has an equal part of alpha."""
        return sum(len(pairing.rows) for pairing in self.pairings) / self.alpha

    def slots(self, place: int) -> slice:
        """Where the open block of a pairing is."""
        begin = sum(len(pairing.groups) for pairing in self.pairings[:place])
        return slice(begin, begin + len(self.pairings[place].groups))


def begun(watch: Watch, attributes: int) -> State:
    """Nobody was observed."""
    rows = len(watch.rows)
    slots = sum(len(pairing.groups) for pairing in watch.pairings)
    first = start(watch.kind)
    return {
        "parts": np.tile(first.parts, (rows, 1)),
        "reserve": np.full(rows, first.reserve),
        "largest": np.full(rows, -np.inf),
        "observations": np.zeros(rows, "int64"),
        "totals": np.zeros(rows),
        "alarm": np.tile(NO_ALARM, (rows, 1)),
        "counts": np.zeros(slots),
        "sums": np.zeros((slots, 2)),
        "left": np.zeros(slots),
        "used": np.zeros(len(watch.pairings), "int64"),
        "people": np.array(0, "int64"),
        "awaited": np.array(0, "int64"),
        "unknown": np.array(0, "int64"),
        "outside": np.zeros(attributes, "int64"),
        "missing": np.zeros(attributes, "int64"),
        "monitors": np.array(0, "int64"),
    }


def evidence(state: State) -> np.ndarray:
    """The logarithm of the evidence of each inequality, `(R,)`."""
    return evidence_of(Capital(state["parts"], state["reserve"]))


def advanced(
    watch: Watch,
    state: State,
    members: Sequence[np.ndarray],
    values: np.ndarray,
    *,
    labelled: bool,
    late: bool,
) -> State:
    """The state after some people more.

    Args:
        watch: what is watched.
        state: before.
        members: `(k, n)` bool of each pairing.
        values: `(n, 2)`, `x` and `label x`.
        labelled: whether labels are known.
        late: whether they were observed before, without them.
    """
    state = {name: array.copy() for name, array in state.items()}
    size, begin = len(values), 0
    for place, pairing in enumerate(watch.pairings):
        rows = range(begin, begin + len(pairing.rows))
        begin = rows.stop
        if not labelled if pairing.needs_label else late:
            continue
        slots = watch.slots(place)
        pair = pair_together if pairing.apart else pair_in_turn
        paired = pair(members[place], values, Block(state["counts"][slots], state["sums"][slots]))
        state["counts"][slots], state["sums"][slots] = paired.open.counts, paired.open.sums
        state["used"][place] += paired.people
        if len(paired.ends):
            after = int(state["people"]) + (np.zeros_like(paired.ends) if late else paired.ends + 1)
            for index, row in zip(rows, pairing.rows, strict=True):
                _bet(watch, state, index, row, paired.means.reshape(len(after), -1), after)
    state["people"] += 0 if late else size
    if watch.needs_label:
        state["awaited"] += -size if late else 0 if labelled else size
    if size:
        state["monitors"] = np.maximum(state["monitors"], 1)
    return state


def _bet(
    watch: Watch, state: State, index: int, row: WatchedRow, means: np.ndarray, after: np.ndarray
) -> None:
    """Bet on observations of one inequality.

    Args:
        watch, state: see `advanced`.
        index: of the inequality.
        row: itself.
        means: `(t, 2 k)`.
        after: `(t,)`, after how many people each is made.
    """
    left = np.zeros(len(means))
    for place in np.flatnonzero(row.weights):  # a product of matrices may round a row by its place
        left += row.weights[place] * means[:, place]
    capital = Capital(state["parts"][index], state["reserve"][index])
    seen = int(state["observations"][index])
    capital, course = advance(capital, left - row.bound, bets(row.low, row.high, row.bound), seen, watch.kind)
    state["parts"][index], state["reserve"][index] = capital.parts, capital.reserve
    state["largest"][index] = max(state["largest"][index], course.max())
    crossed = course >= math.log(watch.threshold)
    if state["alarm"][index, 0] < 0 and crossed.any():
        at = int(crossed.argmax())
        state["alarm"][index] = (after[at], seen + at + 1, course[at])
    state["observations"][index] += len(left)
    state["totals"][index] += left.sum()


def merged(watch: Watch, mine: State, theirs: State) -> State:
    """The state of two monitors of different people."""
    if not theirs["monitors"] or not mine["monitors"]:
        return {name: array.copy() for name, array in (mine if mine["monitors"] else theirs).items()}
    state = {name: mine[name] + theirs[name] for name in _ADDED}
    both = joined(
        Capital(mine["parts"], mine["reserve"]), Capital(theirs["parts"], theirs["reserve"]), watch.kind
    )
    now = evidence_of(both)
    alarm = _first_of(mine["alarm"], theirs["alarm"])
    for row in np.flatnonzero((alarm[:, 0] < 0) & (now >= math.log(watch.threshold))):
        alarm[row] = (state["people"], state["observations"][row], now[row])
    return {
        **state,
        "parts": both.parts,
        "reserve": both.reserve,
        "largest": np.maximum(np.maximum(mine["largest"], theirs["largest"]), now),
        "alarm": alarm,
        "counts": np.zeros_like(mine["counts"]),
        "sums": np.zeros_like(mine["sums"]),
        "left": mine["left"] + theirs["left"] + mine["counts"] + theirs["counts"],
    }


def _first_of(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Of each inequality the alarm of either monitor; of two the one after fewer people."""

    def order(alarm: np.ndarray) -> tuple[float, ...]:
        return tuple(alarm) if alarm[0] >= 0 else (math.inf, math.inf, math.inf)

    return np.stack([min(pair, key=order) for pair in zip(mine, theirs, strict=True)])


def check_state(watch: Watch, arrays: Mapping[str, np.ndarray], attributes: int) -> State:
    """A state as it was packed.

    Raises:
        ValueError: it is no state of this watch.
    """
    empty = begun(watch, attributes)
    if set(arrays) != set(empty):
        raise ValueError(f"expected the arrays {sorted(empty)}, received {sorted(arrays)}")
    for name, like in empty.items():
        array = arrays[name]
        if array.shape != like.shape or array.dtype != like.dtype:
            raise ValueError(f"expected {name} of shape {like.shape}, received shape {array.shape}")
        if np.isnan(array).any() or (name not in _MAY_BE_NEGATIVE and (array < 0).any()):
            raise ValueError(f"expected {name} as numbers and counts, received NaN or a negative count")
    return dict(arrays)
