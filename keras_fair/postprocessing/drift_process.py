"""Evidence that a mean is above its bound, which may be looked at after every observation.

Of observations `z_1, z_2, ...` with `z >= low` the hypothesis is that the promise holds:

    H0: E[z_t | what was seen before] <= b    for all t

Somebody who bets a share `s` of what can be lost, `lam = s / (b - low)`, at each observation, and before it
puts in `w_t`, has

    M_t = (M_{t-1} + w_t) (1 + lam (z_t - b))

Factors are >= 0, for `lam (z - b) >= -s > -1`, and under H0 their mean, given the past, is at most 1. There
is an alarm where the evidence comes to `1 / alpha`. Two kinds of evidence:

*False alarm probability.* The better has 1 in all. Three quarters are bet at once. The rest is a reserve, put
in little by little, so that a drift that begins late does not have to win back what was lost before:

    E_t = M_t + c_t,    M_0 = 3/4,    c_t = 1/4 (1 + t / 1000)^(-1/2),    w_t = c_{t-1} - c_t

`E[E_t | past] <= M_{t-1} + w_t + c_t = E_{t-1}`: a nonnegative supermartingale that starts at 1. Hence
P[E_t >= 1 / alpha for some t] <= alpha (Ville 1939).

*Average run length.* `w_t = 1` each time and M_0 = 0 (Shiryaev and Roberts). Then E[M_t | past] <= M_{t-1} +
1, so for the time N of the alarm E[M at min(N, n)] <= E[min(N, n)] <= E[N]. Where N <= n, M is at least 1 /
alpha there, so P[N <= n] / alpha <= E[N] for all n: either E[N] is infinite, or E[N] >= 1 / alpha. (Shin,
Ramdas and Rinaldo 2023 have this for any sum of e-processes that begin at each time; `max(M, 1)` in place of
`M + 1` is smaller and proves no more.)

Which share is best depends on a drift that nobody knows. So equal parts are bet with the shares 1/2, 1/4,
..., 1/256, and the evidence is the mean over the parts, for which all of this holds as well. Its logarithm is
at most log(8) behind that of the best share. Bets that follow the data (Waudby-Smith and Ramdas 2024) learn
the share instead, but leave nothing that can be merged.

Two streams of different people. Given the past of both, a factor of either has a mean of at most 1, however
their observations alternate. So `E E'` is a supermartingale too, for each share and for the mean over shares;
it may be formed at any time that the past decides. `(M + c) (M' + c') = (M M' + M c' + c M') + c c'` says
what of it is bet, and what is in reserve. For the other kind `M + M' - (t + t')` is a supermartingale:
detectors are added up, and the mean run length is in observations of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["KINDS", "SHARES", "Capital", "advance", "bets", "evidence_of", "joined", "start"]

SHARES = 2.0 ** -np.arange(1, 9)
KINDS = ("false alarm probability", "average run length")

_RESERVE = 0.25
_SLOWNESS = 1000.0  # observations after which the reserve goes down to 1/sqrt(2) of itself
_CHUNK = 1 << 15  # observations at a time
_LEAST_ROOM = 1e-3  # of the range: a bound at its lower end would allow bets without end


@dataclass(frozen=True)
class Capital:
    """What there is after some observations, as logarithms.

    Attributes:
        parts: `(..., J)`, M of each share.
        reserve: `(...)`, c.
    """

    parts: np.ndarray
    reserve: np.ndarray


def bets(low: float, high: float, bound: float) -> np.ndarray:
    """The `lam` of each share, `(J,)`.

    Args:
        low: the least that an observation can be; high: the most.
        bound: b.

    Example:
        >>> bets(-1.0, 1.0, 0.0)[:3].tolist()
        [0.5, 0.25, 0.125]
    """
    return SHARES / max(bound - low, _LEAST_ROOM * (high - low))


def start(kind: str) -> Capital:
    """Before the first observation."""
    first, reserve = (1 - _RESERVE, _RESERVE) if kind == KINDS[0] else (0.0, 0.0)
    with np.errstate(divide="ignore"):
        return Capital(np.full(len(SHARES), np.log(first)), np.array(np.log(reserve)))


def advance(
    capital: Capital, excess: np.ndarray, lams: np.ndarray, seen: int, kind: str
) -> tuple[Capital, np.ndarray]:
    """Bet on observations, one after the other.

    Args:
        capital: so far.
        excess: `(t,)`, `z - b` of each observation.
        lams: `(J,)`, of `bets`.
        seen: how many observations there were before.
        kind: of `KINDS`.

    Returns:
        What there is after the last observation, and the logarithm of the evidence after each, `(t,)`.
        Batches of any size give the same, up to rounding.

    Example:
        >>> excess, lams = np.full(400, 0.25), bets(-1.0, 1.0, 0.0)
        >>> capital, evidence = advance(start(KINDS[0]), excess, lams, 0, KINDS[0])
        >>> evidence[[0, 19, 399]].round(2).tolist()
        [0.02, 0.82, 44.75]
    """
    parts, reserve = capital.parts, capital.reserve
    found = np.empty(len(excess))
    for begin in range(0, len(excess), _CHUNK):
        gains = np.log1p(lams[:, None] * excess[None, begin : begin + _CHUNK])
        put_in, reserves = _put_in(float(reserve), seen + begin, gains.shape[1], kind)
        # M_t = exp(S_t) (M_0 + sum_{s <= t} w_s exp(-S_{s-1})), S_t the sum of the gains so far
        total = np.cumsum(gains, axis=1)
        before = np.concatenate([np.zeros((len(parts), 1)), total[:, :-1]], axis=1)
        entered = np.concatenate([parts[:, None], put_in - before], axis=1)
        course = total + np.logaddexp.accumulate(entered, axis=1)[:, 1:]
        found[begin : begin + _CHUNK] = evidence_of(Capital(course.T, reserves))
        parts, reserve = course[:, -1], reserves[-1]
    return Capital(parts, np.asarray(reserve)), found


def evidence_of(capital: Capital) -> np.ndarray:
    """The logarithm of the evidence, `(...)`: the mean over the parts, and the reserve."""
    mean = np.logaddexp.reduce(capital.parts, axis=-1) - np.log(capital.parts.shape[-1])
    return np.logaddexp(mean, capital.reserve)


def joined(mine: Capital, theirs: Capital, kind: str) -> Capital:
    """What two streams of different people have together.

    Example:
        >>> both = joined(start(KINDS[0]), start(KINDS[0]), KINDS[0])
        >>> float(np.exp(evidence_of(both))), float(np.exp(both.reserve))
        (1.0, 0.0625)
    """
    if kind != KINDS[0]:
        return Capital(np.logaddexp(mine.parts, theirs.parts), mine.reserve)
    both = mine.parts + theirs.parts
    one = np.logaddexp(mine.parts + theirs.reserve[..., None], theirs.parts + mine.reserve[..., None])
    return Capital(np.logaddexp(both, one), mine.reserve + theirs.reserve)


def _put_in(reserve: float, seen: int, count: int, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of `w` before, and of the reserve after, each of `count` observations."""
    if kind != KINDS[0]:
        return np.zeros(count), np.full(count, -np.inf)
    times = seen + np.arange(count + 1.0)
    left = reserve - 0.5 * np.log1p((times - seen) / (_SLOWNESS + seen))
    rate = -np.expm1(-0.5 * np.log1p(1.0 / (_SLOWNESS + times[:-1])))
    return left[:-1] + np.log(rate), left[1:]
