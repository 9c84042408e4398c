"""The numbers of a running stream's state: an array for steps over arrays, a list for those of plain numbers.

Requests of one kind mostly follow each other, so the other form is made when it is asked for.
"""

from __future__ import annotations

import numpy as np

__all__ = ["StateNumbers"]


class StateNumbers:
    """Numbers in two forms. Neither is changed in place.

    Args:
        numbers: an array or a list.
    """

    __slots__ = ("_array", "_list")

    def __init__(self, numbers: np.ndarray | list[float]) -> None:
        self._array = numbers if isinstance(numbers, np.ndarray) else None
        self._list = None if isinstance(numbers, np.ndarray) else numbers

    @property
    def array(self) -> np.ndarray:
        """`(size,)` float64."""
        if self._array is None:
            self._array = np.array(self._list)
        return self._array

    @property
    def list(self) -> list[float]:
        """The same as plain numbers."""
        if self._list is None:
            assert self._array is not None
            self._list = self._array.tolist()
        return self._list
