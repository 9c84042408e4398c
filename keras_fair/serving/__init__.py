"""A model behind a port: its scores, corrected for each request by a frozen rule or by a stream.

`keras-fair serve` is the face of it. `run` serves until it is told to stop; FastAPI and uvicorn (the extra
`serve`) are imported when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_fair.serving.settings import ServiceSettings

if TYPE_CHECKING:
    from keras_fair.serving.supervisor import run as run

__all__ = ["ServiceSettings", "run"]


def __getattr__(name: str) -> Any:
    if name == "run":
        from keras_fair.serving.supervisor import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
