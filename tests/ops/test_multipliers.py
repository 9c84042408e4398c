"""When a round of the method of multipliers begins, ends, is taken again or given up."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from keras_fair.ops.projection.multipliers import Rounds
from keras_fair.ops.projection.problem import Unknowns
from keras_fair.ops.projection.settings import (
    DOUBLE,
    SINGLE,
    RoundSettings,
    settings_for,
)
from keras_fair.ops.working_precision import working_dtype

SETTINGS = RoundSettings()
FAR = 2.0 * SETTINGS.farthest_pull


def rounds(count: int, eased: int = 0) -> Rounds:
    def number(value: float, dtype: str = working_dtype()) -> object:
        return ops.convert_to_tensor(value, dtype)

    nothing = ops.convert_to_tensor(np.zeros(2), working_dtype())
    return Rounds(
        count=number(count, "int32"),
        began=number(0, "int32"),
        centre=Unknowns(nothing, nothing),
        softness=number(1.0),
        scale=number(1.0),
        least_softness=number(1e-4),
        eased=number(eased, "int32"),
        rows=nothing,
        still=number(0, "int32"),
    )


@pytest.mark.parametrize(
    ("count", "eased", "pull", "settled", "passes", "expected"),
    [
        (0, 0, 1.0, False, 3, set()),
        (0, 0, FAR, False, 3, {"begins"}),
        (0, 0, FAR, True, 3, set()),
        (0, 0, 1.0, False, SETTINGS.searching_passes, {"begins"}),
        (0, 0, 1.0, True, SETTINGS.searching_passes, set()),
        (2, 0, FAR, False, 3, set()),
        (2, 0, 1.0, True, 3, {"advances"}),
        (2, 0, 1.0, False, SETTINGS.passes, {"eases"}),
        (2, 0, 1.0, True, SETTINGS.passes, {"advances"}),
        (2, SETTINGS.most_eased, 1.0, False, SETTINGS.passes, {"fails"}),
        (2, SETTINGS.most_eased, 1.0, True, SETTINGS.passes, {"advances"}),
    ],
)
def test_turns(count: int, eased: int, pull: float, settled: bool, passes: int, expected: set[str]) -> None:
    turn = rounds(count, eased).turn(
        SETTINGS,
        ops.convert_to_tensor(pull, working_dtype()),
        ops.convert_to_tensor(settled),
        ops.convert_to_tensor(passes, "int32"),
    )
    assert {name for name, holds in turn._asdict().items() if bool(holds)} == expected
    assert bool(turn.restarts) == bool({"begins", "eases"} & expected)


def test_settings_follow_the_precision() -> None:
    assert settings_for("float64") is DOUBLE
    assert settings_for("float32") is SINGLE
    assert SINGLE.row_tolerance > DOUBLE.row_tolerance
    assert SINGLE.rounds.least_softness > DOUBLE.rounds.least_softness
