"""Sums that can be merged: one protocol for what is measured in parts.

    add(batch), add(batch) ...   on one machine, in one process, in one pass
    merge(shard)                 over machines, processes, files
    result()                     what all samples together say
    to_bytes(), from_bytes()     between them

A gap over many samples is made of sums over groups. Sums of parts add up to the sums of the whole, so a data
set that is larger than memory, or lies on many machines, is measured exactly; a mean of the gaps of its
parts would be something else. The format of the bytes is in `keras_fair.packing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self

__all__ = ["MergeableSums"]


@runtime_checkable
class MergeableSums(Protocol):
    """What can be measured in parts.

    `add` and `merge` return the sums to go on with. Some classes change the object and return it, others
    return a new one; code that serves all of them uses what is returned:

        total = total.add(y, attributes).merge(shard)

    The laws hold up to rounding:

    - Merging is associative and commutative: shards may come in any order and any grouping.
    - Sums that are merged are those of one object to which all samples were added. An object without
      samples changes nothing.
    - `from_bytes(to_bytes(x))` goes on exactly as `x` does.
    - An `add` or a `merge` that fails leaves the object as it was. `merge` leaves `other` as it is.

    The tests hold every class of this package that has these methods to the laws.
    """

    def add(self, *batch: Any, **columns: Any) -> Self:
        """Add the samples of a batch."""

    def merge(self, other: Self) -> Self:
        """Add the samples of another object that measures the same.

        Raises:
            ValueError: it measures something else.
        """

    def result(self) -> Any:
        """What all samples so far say; more may follow."""

    def to_bytes(self) -> bytes:
        """All that is needed to go on elsewhere."""

    @classmethod
    def from_bytes(cls, packed: Buffer) -> Self:
        """What `to_bytes` was called on.

        Raises:
            SumsError: the bytes are damaged, or of something else.
        """
