"""Workers of a service are killed while it is asked: is what was acknowledged in the store?

Between two kills nobody asks, so that the store can be read: how many arrivals came since the last time, and
the sums of their scores r, which are known, and of r squared. Of these

    arrivals = answered + m,    sum r = that of the answered + that of m others,    and so for r squared

where the m others are requests whose worker was killed before it could answer, but not before it saved. With
m = 0 the sums must be those of the answered alone; with m > 0 the rest must be that of m of those that were
not answered.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import keras_fair as kf
from tests.serving.client import Outcome, asked
from tests.serving.started import Service

__all__ = ["SLACK", "Kills", "killed"]

SLACK = 1e-4  # of sums, whose scores were rounded to float32


@dataclass
class Kills:
    """What was found.

    Attributes:
        kills: how many; effective: how many left requests without an answer.
        answered: requests; unanswered: those whose worker was killed; refused: answers other than 200.
        counted: unanswered ones that are in the store all the same.
        lost: answered ones that are not; apart: the largest difference of the sums, where it must be none.
        gaps: the pooled gap of all that was answered, after each answer.
    """

    kills: int = 0
    effective: int = 0
    answered: int = 0
    unanswered: int = 0
    refused: int = 0
    counted: int = 0
    lost: int = 0
    apart: float = 0.0
    gaps: list[float] = field(default_factory=list)


def killed(
    service: Service,
    place: str,
    scores: Mapping[bytes, float],
    *,
    connections: int,
    kills: int,
    seconds: float,
    seed: int = 0,
) -> Kills:
    """Ask, kill a worker, look into the store, and again.

    Args:
        service: with a stream, where nothing is answered before it is saved.
        place: of the state.
        scores: of the model, by request.
        connections: at once.
        kills: how often.
        seconds: of load around each kill.
        seed: of the instants.
    """
    rng, found = random.Random(seed), Kills()
    requests = itertools.cycle(scores)
    sums = {"Female": [0.0, 0], "Male": [0.0, 0]}
    before = _in_store(place)
    for _ in range(kills):
        outcomes = asyncio.run(_round(service, connections, requests, seconds, rng))
        for each in outcomes:
            if each.status == 200:
                group = sums[json.loads(each.body)["sex"]]
                group[0] += json.loads(each.answer)["y"]
                group[1] += 1
                if sums["Female"][1] and sums["Male"][1]:
                    women, men = (total / count for total, count in sums.values())
                    found.gaps.append(women - men)
        after = _in_store(place)
        came, r, squares = (new - old for new, old in zip(after, before, strict=True))
        before = after
        answered = [scores[each.body] for each in outcomes if each.status == 200]
        others = sorted(scores[each.body] for each in outcomes if each.status == 0)
        found.kills += 1
        found.effective += len(others) > 0
        found.answered += len(answered)
        found.unanswered += len(others)
        found.refused += sum(each.status not in (0, 200) for each in outcomes)
        count, rest = round(came) - len(answered), r - sum(answered)
        if count <= 0:
            found.lost += -count
            found.apart = max(found.apart, abs(rest), abs(squares - sum(each**2 for each in answered)))
        else:
            found.counted += count
            least, most = sum(others[:count]), sum(others[-count:])
            found.lost += not (count <= len(others) and least - SLACK <= rest <= most + SLACK)
    return found


async def _round(
    service: Service, connections: int, requests: Iterator[bytes], seconds: float, rng: random.Random
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    going = True
    asking = asyncio.create_task(
        asked(service.port, connections, requests, lambda: going, outcomes.append)
    )
    await asyncio.sleep(rng.uniform(0.3, 0.9) * seconds)
    workers = service.workers()
    os.kill(rng.choice(workers[: max(1, len(workers) // 2)]), signal.SIGKILL)  # an old one, which answers
    await asyncio.sleep(0.1 * seconds)
    going = False
    await asking
    return outcomes


def _in_store(place: str) -> tuple[float, float, float]:
    """Arrivals, the sum of their scores, and that of the squares."""
    try:
        report = kf.StreamingFairness.load(place).report()
    except ValueError:  # nothing was saved yet
        return 0.0, 0.0, 0.0
    return tuple(report.moments[:3])  # type: ignore[return-value]
