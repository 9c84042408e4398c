r"""What one process adds to a state that several hold together.

A process sees `mine`, of which `counted` is in the store already; meanwhile the store has become `stored`.
The new state is that of a stream to which the arrivals of this process came after all that is stored:

    sums        stored f + (mine - counted f)          f = 1/2^(k / half_life), k arrivals between
    prices      mine + (stored - counted) a            a: the share of `counted` in the arrivals of `mine`
    duals       those of `mine`, which came last
    vocabulary  all values of both
    waiting     those of the store, and those that came to this process, later by as many as are before them

Sums are as exact as those of one process. A price is a slow mean of `dual / t` over the arrivals; the moves
of others count by the share that this process's past has in its mean. So it is again a mean of numbers that
are bounded as those of one process are, and no theorem on streams asks for more.
"""

from __future__ import annotations

from dataclasses import replace

from keras_fair.streaming.merging import joined_vocabulary, later
from keras_fair.streaming.state import StreamState, checked

__all__ = ["increased"]

Numbers = tuple[float, ...]


def increased(
    mine: StreamState,
    counted: StreamState | None,
    stored: StreamState | None,
    *,
    half_life: float,
    window: int,
) -> tuple[StreamState, list[str]]:
    """The state to store, and the ids of which another process has a waiting arrival already: here these
    keep the probability that stood in for their label.

    Args:
        mine: what this process sees.
        counted: the part of it that is in the store; None for none.
        stored: what the store holds now; None for nothing.
        half_life: in arrivals, or infinity.
        window: how many arrivals may wait.

    Raises:
        ValueError: what is stored is of other constraints, another domain or number of outputs.
    """
    nothing = StreamState(mine.constraints, mine.domain, mine.outputs, mine.vocabulary)
    before = nothing if counted is None else counted
    if stored is None or not stored.arrivals:
        stored = nothing  # nothing has come, so it may be of another domain
    if before == stored or not before.arrivals + stored.arrivals:
        return mine, []
    if mine == before:
        return stored, []
    checked(stored, mine)
    came = mine.arrivals - before.arrivals
    fade = 0.5 ** (came / half_life)
    old = before.moments[0] * fade
    share = old / mine.moments[0] if mine.moments[0] > 0.0 else 0.0

    def sums(name: str) -> dict[str, Numbers]:
        came, was, others = (getattr(one, name) for one in (mine, before, stored))
        return {key: _sum(came.get(key), was.get(key), others.get(key), fade) for key in {**others, **came}}

    waiting = {entry["id"] for entry in stored.waiting}
    known = {entry["id"] for entry in before.waiting}
    new = [entry for entry in mine.waiting if entry["id"] not in known]
    fresh = tuple(entry for entry in new if entry["id"] not in waiting)
    everyone = [*stored.waiting, *later(fresh, stored.arrivals - before.arrivals)]
    state = replace(
        mine,
        vocabulary=joined_vocabulary(stored.vocabulary, mine.vocabulary),
        arrivals=stored.arrivals + came,
        moments=_sum(mine.moments, before.moments, stored.moments, fade),
        terms=sums("terms"),
        constants=sums("constants"),
        outside=sums("outside"),
        rows={
            key: _row(mine.rows.get(key), before.rows.get(key), stored.rows.get(key), share)
            for key in {**stored.rows, **mine.rows}
        },
        waiting=tuple(everyone[max(len(everyone) - window, 0) :]),
    )
    return state, [entry["id"] for entry in new if entry["id"] in waiting]


def _sum(mine: Numbers | None, before: Numbers | None, stored: Numbers | None, fade: float) -> Numbers:
    """`stored fade + (mine - before fade)`, place by place; 0 where there is nothing."""
    nothing = (0.0,) * len(mine or stored or ())
    parts = zip(mine or nothing, before or nothing, stored or nothing, strict=True)
    return tuple(s * fade + (m - b * fade) for m, b, s in parts)


def _row(mine: Numbers | None, before: Numbers | None, stored: Numbers | None, share: float) -> Numbers:
    """Price and dual of a row."""
    if mine is None or mine == before:
        return stored or mine or (0.0, 0.0)
    if stored is None:
        return mine
    moved = stored[0] - (before or (0.0, 0.0))[0]
    return (mine[0] + moved * share, mine[1])
