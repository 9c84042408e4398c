"""What a rule does to one person's score: a piecewise linear map for each group.

Decisions: a threshold `theta` of the group, and the decision's `t`. The output is a score again, with `y'
>= t` exactly where `r >= theta`, so that the text that the rule was learnt from also audits it:

    low -> low,    theta -> t,    high -> high,    linear between

A group may have several thresholds, each for a share of people; the lot of a person, a number in [0, 1),
says which one is meant.

Scores: `y' = clip(r - alpha - beta r)`, or the answer of the cross-entropy to the price `alpha`.

Both are written once for arrays of NumPy and tensors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from keras_fair.inputs.arrays import Tensor, dtype_of, namespace
from keras_fair.ops.projection.divergences import respond

__all__ = ["Knots", "ShiftKnots", "ThresholdKnots", "lots_of"]

_LARGEST_LOT = 1 - 2.0**-24  # in float32; a lot nearer to 1 would be rounded to 1, which is nobody's


class Knots(Protocol):
    """The map of each group. `arrays` are the numbers that it is made of, one row a group."""

    @property
    def arrays(self) -> dict[str, np.ndarray]: ...

    @property
    def draws_lots(self) -> bool: ...

    def __len__(self) -> int: ...

    def describe(self, row: int) -> dict[str, Any]: ...

    def to_dict(self) -> dict[str, Any]: ...

    def apply(self, scores: Tensor, rows: Tensor, lots: Tensor | None, arrays: Any = None) -> Tensor: ...


@dataclass(frozen=True)
class ThresholdKnots:
    """Thresholds of decisions.

    Attributes:
        thresholds: `(groups, j)`, rising in each row; infinite where a row has fewer, and where nobody is
            accepted.
        shares: `(groups, j)`, the share of people whose lot each threshold is; each row sums to 1.
        decision: the `t` of `y >= t`.
        domain: `(low, high)` of scores.
    """

    thresholds: np.ndarray
    shares: np.ndarray
    decision: float
    domain: tuple[float, float]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The thresholds, the cumulative shares, and the two lines of each threshold, `slope * (r + start)`.

        The lines are worked out here, once: compilers round a quotient, or a product that something is added
        to, in ways that depend on the number of people; a product of a sum in one way only.
        """
        cumulative = np.cumsum(self.shares, axis=1)
        cumulative[:, -1] = 1.0
        low, high = self.domain
        width = (high - low) * 2.0**-20  # steeper lines would overflow
        at = np.clip(np.where(np.isfinite(self.thresholds), self.thresholds, high), low, high)
        below = (self.decision - low) / np.maximum(at - low, width)
        above = (high - self.decision) / np.maximum(high - at, width)
        return {
            "thresholds": self.thresholds,
            "cumulative": cumulative,
            "slope_below": below,
            "start_below": low / below - low,
            "slope_above": above,
            "start_above": self.decision / above - at,
        }

    def __len__(self) -> int:
        return len(self.thresholds)

    def describe(self, row: int) -> dict[str, Any]:
        """The thresholds of a group, and the share of people that each is for."""
        used = self.shares[row] > 0
        return {"thresholds": self.thresholds[row][used].tolist(), "shares": self.shares[row][used].tolist()}

    def to_dict(self) -> dict[str, Any]:
        """As plain values; an infinite threshold is None."""
        thresholds = [
            [each if np.isfinite(each) else None for each in row] for row in self.thresholds.tolist()
        ]
        return {
            "kind": "thresholds",
            "thresholds": thresholds,
            "shares": self.shares.tolist(),
            "decision": self.decision,
            "domain": list(self.domain),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ThresholdKnots:
        """The knots that `to_dict` described.

        Raises:
            ValueError: they are none.
        """
        rows = [[np.inf if each is None else each for each in row] for row in values["thresholds"]]
        thresholds, shares = np.array(rows, "float64"), np.array(values["shares"], "float64")
        whole = thresholds.ndim == 2 and thresholds.shape == shares.shape and not np.isnan(thresholds).any()
        if not whole or (shares < 0).any() or not np.allclose(shares.sum(axis=1), 1.0):
            raise ValueError("expected thresholds with shares that add up to 1")
        low, high = map(float, values["domain"])
        return cls(thresholds, shares, float(values["decision"]), (low, high))

    @property
    def draws_lots(self) -> bool:
        """Whether some people's decision depends on their lot."""
        return bool(((self.shares > 0).sum(axis=1) > 1).any())

    def apply(self, scores: Tensor, rows: Tensor, lots: Tensor | None, arrays: Any = None) -> Tensor:
        """The scores after the rule, `(n,)`, in the dtype of the scores.

        Args:
            scores: `(n,)` in the domain.
            rows: `(n,)` int, the group of each person.
            lots: `(n,)` in [0, 1), or None where no lots are drawn.
            arrays: those of `arrays`, as weights of a layer; default: these.
        """
        xp, dtype = namespace(scores, rows), dtype_of(scores)
        held, count = self.arrays if arrays is None else arrays, int(self.thresholds.shape[1])
        place = xp.cast(rows, "int32") * count
        if count > 1:
            lots = xp.zeros_like(scores) if lots is None else lots
            # In one type, whatever that of the scores: the same lot means the same threshold everywhere.
            cumulative = xp.take(xp.cast(held["cumulative"], "float32"), rows, axis=0)
            lots = xp.cast(lots, "float32")
            lots = xp.expand_dims(xp.minimum(lots, xp.full_like(lots, _LARGEST_LOT)), 1)
            passed = xp.sum(xp.cast(xp.greater_equal(lots, cumulative), "int32"), axis=1)
            place = place + xp.minimum(passed, count - 1)

        def own(name: str, own_dtype: str) -> Tensor:
            return xp.take(xp.reshape(xp.cast(held[name], own_dtype), (-1,)), place, axis=0)

        def line(side: str, least: float, most: float) -> Tensor:
            wide = "float64" if dtype == "float64" else "float32"  # half precision has no room for lines
            sums = xp.cast(scores, wide) + own(f"start_{side}", wide)
            return xp.cast(_between(xp, own(f"slope_{side}", wide) * sums, least, most), dtype)

        low, high = self.domain
        last = float(np.nextafter(np.asarray(self.decision, dtype), np.asarray(low, dtype)))
        above, below = line("above", self.decision, high), line("below", low, last)
        above = xp.where(xp.greater_equal(scores, high), xp.full_like(scores, high), above)
        below = xp.where(xp.less_equal(scores, low), xp.full_like(scores, low), below)
        return xp.where(xp.greater_equal(scores, own("thresholds", dtype)), above, below)


def _between(xp: Any, scores: Tensor, low: float, high: float) -> Tensor:
    return xp.minimum(xp.maximum(scores, xp.full_like(scores, low)), xp.full_like(scores, high))


@dataclass(frozen=True)
class ShiftKnots:
    """Shifts of scores.

    Attributes:
        shift: `(groups,)`, alpha; slope: `(groups,)`, beta <= 1.
        divergence: what the shift is a price under.
        domain: `(low, high)` of scores.
    """

    shift: np.ndarray
    slope: np.ndarray
    divergence: str
    domain: tuple[float, float]

    def __len__(self) -> int:
        return len(self.shift)

    @property
    def draws_lots(self) -> bool:
        """No score depends on a lot."""
        return False

    def describe(self, row: int) -> dict[str, Any]:
        """The shift and the slope of a group."""
        return {"shift": float(self.shift[row]), "slope": float(self.slope[row])}

    def to_dict(self) -> dict[str, Any]:
        """As plain values; an infinite end of the domain is None."""
        domain = [end if np.isfinite(end) else None for end in self.domain]
        return {
            "kind": "shifts",
            "shift": self.shift.tolist(),
            "slope": self.slope.tolist(),
            "divergence": self.divergence,
            "domain": domain,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ShiftKnots:
        """The knots that `to_dict` described.

        Raises:
            ValueError: they are none.
        """
        shift, slope = np.array(values["shift"], "float64"), np.array(values["slope"], "float64")
        finite = np.isfinite(shift).all() and np.isfinite(slope).all()
        if shift.ndim != 1 or shift.shape != slope.shape or not finite or (slope > 1 + 1e-9).any():
            raise ValueError("expected finite shifts and slopes of at most 1")
        low, high = values["domain"]
        ends = (-np.inf if low is None else float(low), np.inf if high is None else float(high))
        return cls(shift, slope, str(values["divergence"]), ends)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The shifts and the slopes."""
        return {"shift": self.shift, "slope": self.slope}

    def apply(self, scores: Tensor, rows: Tensor, lots: Tensor | None, arrays: Any = None) -> Tensor:
        """The scores after the rule, `(n,)`; see `ThresholdKnots.apply`."""
        xp, dtype = namespace(scores, rows), dtype_of(scores)
        held = self.arrays if arrays is None else arrays
        shift, slope = (xp.take(xp.cast(held[name], dtype), rows, axis=0) for name in ("shift", "slope"))
        price = shift + slope * scores
        low, high = self.domain
        return respond(self.divergence, False, scores, price, low, high).y


def lots_of(ids: Iterable[Any], seed: int = 0) -> np.ndarray:
    """The lot of each person, `(n,)` in [0, 1): always the same for the same id.

    Args:
        ids: any texts or numbers that name people; 3 and 3.0 are one, as where a missing entry made floats.
        seed: of the rule, so that two rules draw different lots.
    """
    named = (int(each) if isinstance(each, float) and each.is_integer() else each for each in ids)
    digests = [hashlib.blake2b(f"{seed}:{each}".encode(), digest_size=8).digest() for each in named]
    return np.array([int.from_bytes(digest, "big") >> 11 for digest in digests], dtype="float64") * 2.0**-53
