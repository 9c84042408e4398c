"""Data beyond one machine: Apache Spark and Apache Beam.

    people in pieces  --add, on workers-->  sums as bytes  --merge, in a tree-->  sums of all  -->  an answer

What adds up is `keras_fair.sums.MergeableSums`: audits (`Auditor`), calibration counts (`CalibrationSums`,
which rules are fitted on), metrics, and states of streams. The workers see people, the driver sees sums only.
Audits import no Keras. `keras_fair.distributed.spark` needs `pyspark`, `keras_fair.distributed.beam`
`apache-beam`; each is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_fair.distributed import beam, spark
    from keras_fair.postprocessing.calibration_sums import CalibrationSums

__all__ = ["CalibrationSums", "beam", "spark"]


def __getattr__(name: str) -> Any:
    if name == "CalibrationSums":
        return importlib.import_module("keras_fair.postprocessing.calibration_sums").CalibrationSums
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
