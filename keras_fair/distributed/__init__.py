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

_PACKAGES = {"apache_beam": "apache-beam", "pyspark": "pyspark"}


def __getattr__(name: str) -> Any:
    if name == "CalibrationSums":
        return importlib.import_module("keras_fair.postprocessing.calibration_sums").CalibrationSums
    if name in __all__:
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as fault:
            if fault.name not in _PACKAGES:
                raise
            raise ModuleNotFoundError(
                f"kf.distributed.{name} needs the package {_PACKAGES[fault.name]}: "
                f"pip install 'keras-fair[{name}]'",
                name=fault.name,
            ) from fault
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
