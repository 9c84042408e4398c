"""What a service logs: that it begins, ends, and fails. Never data, so no text of an error either."""

from __future__ import annotations

import logging
from typing import Any

__all__ = ["log_to_stderr"]

_logger = logging.getLogger("keras_fair.serving")


class _Withheld(logging.Formatter):
    """Log lines without the texts of errors, which may hold data."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is that of logging
        return f"{ei[0].__name__}; its text is withheld, as it may hold data"


def log_to_stderr() -> None:
    """Log to stderr, from warnings of other libraries on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Withheld("%(asctime)s %(process)d %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _logger.setLevel(logging.INFO)
