"""The outputs of a base model that has several, with the projected one in its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["replaced_output"]


def replaced_output(outputs: Any, raw: Any, fair: Any) -> Any:
    """The outputs, a tensor or a dict or list of them, with `fair` where `raw` was."""
    if isinstance(outputs, Mapping):
        return {key: fair if value is raw else value for key, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return type(outputs)([fair if value is raw else value for value in outputs])
    return fair
