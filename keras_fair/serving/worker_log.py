"""What a service logs: that it begins, ends, and fails. Never data, so no text of an error either."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

__all__ = ["log_to_stderr", "logged_to_stderr"]

_logger = logging.getLogger("keras_fair.serving")


class _Withheld(logging.Formatter):
    """Log lines without the texts of errors, which may hold data."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is that of logging
        return f"{ei[0].__name__}; its text is withheld, as it may hold data"


def log_to_stderr() -> None:
    """Log to stderr in a worker, from warnings of other libraries on."""
    logging.basicConfig(level=logging.WARNING, handlers=[_handler()], force=True)
    _logger.setLevel(logging.INFO)


@contextlib.contextmanager
def logged_to_stderr() -> Iterator[None]:
    """Meanwhile the service's own lines go to stderr; what else is logged goes where it went before."""
    handler, before = _handler(), (_logger.level, _logger.propagate)
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    _logger.propagate = False
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _logger.level, _logger.propagate = before


def _handler() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(_Withheld("%(asctime)s %(process)d %(levelname)s %(message)s"))
    return handler
