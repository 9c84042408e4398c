"""The numbers that the solver is set by: what counts as met, and how long it tries. One frozen record.

Errors of a row are relative to its reach, pulls to the width of the domain, a violation's proof to the
violation itself; passes are passes over the predictions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from keras_fair.ops.working_precision import is_double

__all__ = ["DOUBLE", "SINGLE", "RoundSettings", "Settings", "settings_for"]


@dataclass(frozen=True)
class RoundSettings:
    """When the method of multipliers starts, and how its rounds go; see `multipliers`.

    Rows that can be met pull predictions by about the width of their domain. A much stronger pull, or many
    passes without an end, means rows that cannot be met together, or hardly.

    Attributes:
        farthest_pull: a pull so many widths strong starts the rounds.
        searching_passes: so many passes without an end start them too.
        passes: a round that takes more is taken again with a softer anchor.
        easing: by this factor softer.
        most_eased: so often at most; then the iteration ends.
        softening: the softness of a round's anchor, as a part of that of the round before.
        least_softness: but not below this. The first round has 1.
        quick_passes: where predictions come to their bounds only as prices grow without end (under a
            cross-entropy), a round of fixed softness adds no more than the one before. So rounds of fewer
            passes than these make the next ones firmer.
        firming: by this factor; None where rounding would stop the firmer ones.
        firming_after_easing: by this one, where a round had to be eased.
        first_firmed: the first round after which that may happen.
        first_proven: the first round after which the end is looked for.
        proof_euclidean, proof_crossentropy: the rounds end where the violation is proven to be above the
            least by no more.
        standstill: rows that a round moves by fewer row tolerances stand still.
        still_rounds: so many rounds of it end the iteration: then the duals of the first rounds no longer
            count.
    """

    farthest_pull: float = 100.0
    searching_passes: int = 80
    passes: int = 25
    easing: float = 100.0
    most_eased: int = 3
    softening: float = 0.1
    least_softness: float = 1e-4
    quick_passes: int = 8
    firming: float | None = 0.1
    firming_after_easing: float = 0.5
    first_firmed: int = 5
    first_proven: int = 6
    proof_euclidean: float = 1e-9
    proof_crossentropy: float = 1e-7
    standstill: float = 100.0
    still_rounds: int = 20


@dataclass(frozen=True)
class Settings:
    """All of the solver's settings. The defaults are those of double precision.

    Attributes:
        row_tolerance: how far a row may lie outside its bounds and count as met.
        proximal_floor: the least proximal term of a step, relative to a row's curvature: it keeps dependent
            rows solvable.
        proximal_reach: a step that only the proximal term limits moves predictions by so many widths.
        smallest_pivot: pivots below this are rounding; matrices are scaled so that pivots are of order one.
        coefficient_roundings: coefficients that are sums of opposite numbers are exact to so many times the
            rounding of these.
        coarsest: where the parts of coefficients take each other away, a row counts as met to the rounding
            of these, if that is at most so many times what it otherwise would be.
        stationary: duals to begin from are taken where those of the rows of an auxiliary scalar add up to no
            more than this part of their absolute values.
        passes: the most that all rows together take.
        passes_apart: the most that rows that share no prediction take, each by itself.
        flat: a step is taken where the slope has fallen to this part of itself.
        shortest, longest: else it is shortened, to between these parts of itself.
        interior_steps: the most steps of the interior-point method, which see no predictions.
        polishing_steps: the most steps of Newton's method after it.
        response_steps: the most steps to one sample's answer, where there is no formula for it.
        proven: the violation is proven to be above the least by no more, or it is not called the least.
        farthest: on an unbounded domain no weights are exact enough to speak of all of it: the proof covers
            predictions that move by at most so many times the range of the given ones.
        central_steps: the most steps of each search of the last resort.
        central_start: what products of duals and gaps are to begin with, relative to what moves a prediction
            across the domain.
        central_restart: the same in the last search, which leaves rows hardly any room.
        central: products of duals and gaps that are this small, relative to what can move, are an answer.
        room: by this part of itself the least violation may be exceeded: where one point alone has it, no
            search comes there.
        unbounded_tension: relative to the largest weight, where there is no end to move to.
        rounds: of the method of multipliers.
    """

    row_tolerance: float = 1e-11
    proximal_floor: float = 1e-11
    proximal_reach: float = 1e6
    smallest_pivot: float = 1e-18
    coefficient_roundings: float = 16.0
    coarsest: float = 10.0
    stationary: float = 1e-4
    passes: int = 400
    passes_apart: int = 40
    flat: float = 0.25
    shortest: float = 0.05
    longest: float = 0.5
    interior_steps: int = 40
    polishing_steps: int = 10
    response_steps: int = 60
    proven: float = 1e-4
    farthest: float = 1e3
    central_steps: int = 80
    central_start: float = 0.1
    central_restart: float = 1e3
    central: float = 1e-8
    room: float = 1e-6
    unbounded_tension: float = 1e-10
    rounds: RoundSettings = RoundSettings()


DOUBLE = Settings()
SINGLE = replace(
    DOUBLE,
    row_tolerance=5e-6,
    proximal_floor=3e-5,
    smallest_pivot=1e-9,
    proven=1e-2,
    farthest=10.0,
    central=1e-4,
    room=1e-3,
    unbounded_tension=1e-5,
    rounds=RoundSettings(least_softness=1e-2, firming=None, proof_euclidean=1e-4, proof_crossentropy=1e-4),
)


def settings_for(dtype: Any) -> Settings:
    """The settings for arrays or tensors of a float dtype."""
    return DOUBLE if is_double(dtype) else SINGLE
