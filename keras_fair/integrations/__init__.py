"""The tools around a model: where audits are logged, shown, and asserted.

    mlflow         metrics, report and card of a run; a rule as a model
    tensorboard    gaps and distributions as scalars and images
    huggingface    the section of a model card
    pytest_plugin  `assert_fair`, a fixture

Each module is thin, and imports its tool; what is logged is what an audit says of itself.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_fair.integrations import huggingface, mlflow, tensorboard
    from keras_fair.integrations.assertion import assert_fair

__all__ = ["assert_fair", "huggingface", "mlflow", "tensorboard"]

_PACKAGES = {"huggingface_hub": "huggingface_hub", "mlflow": "mlflow", "tensorboard": "tensorboard"}


def __getattr__(name: str) -> Any:
    if name == "assert_fair":
        return importlib.import_module(f"{__name__}.assertion").assert_fair
    if name in __all__:
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as fault:
            if fault.name not in _PACKAGES:
                raise
            package = _PACKAGES[fault.name]
            raise ModuleNotFoundError(
                f"kf.integrations.{name} needs the package {package}: pip install {package}", name=fault.name
            ) from fault
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
