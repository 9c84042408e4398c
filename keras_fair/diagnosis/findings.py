"""What a diagnosis says: numbers to read on with, and a text for people."""

from __future__ import annotations

from dataclasses import dataclass, field

from keras_fair.rows.nobody import in_no_group

__all__ = ["Diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """Whether constraints can be met at all, and if not, why not. Made by `keras_fair.diagnose`; `str` is a
    report.

    Relations go by their texts, quantifiers expanded; where two have the same text, by their unique names.

    Attributes:
        feasible: whether predictions inside the domain can meet all relations at once.
        conflict: relations that can't be met together, while without any one of them the others of these can;
            empty where `feasible`. Sets of constraints may hold further conflicts, which show once this one
            is resolved.
        growth: by how much to widen the bounds of which relations so that all can be met, in the units of
            each relation; of all ways the one with the least sum. Relations that need none are left out.
        largest_growth: the least `d` such that widening the bounds of every relation by `d` suffices; 0 where
            `feasible`. It minimises the largest single growth instead of the sum.
        unestimable: relations and rows about groups without a sample of a weight above 0; they hold whatever
            is predicted, and are left out.
        unknown: number of samples by attribute whose value the vocabulary lacks; they belong to none of its
            groups.
        domain: where predictions may lie, in words.
        solver: what solved the linear programs; empty where there was nothing to solve.
        relations: number of relations that were looked at.
        samples: number of samples.
        cells: number of kinds of samples that the relations tell apart.
    """

    feasible: bool
    conflict: tuple[str, ...]
    growth: dict[str, float]
    largest_growth: float
    unestimable: tuple[str, ...]
    domain: str
    solver: str
    relations: int
    samples: int
    cells: int
    unknown: dict[str, int] = field(default_factory=dict)

    @property
    def total_growth(self) -> float:
        """The sum of `growth`, which is the least possible."""
        return sum(self.growth.values())

    def __str__(self) -> str:
        lines = self._feasible() if self.feasible else self._infeasible()
        if self.unestimable:
            lines += ["Nobody with weight belongs to a group of these, so that they ask for nothing:"]
            lines += [f"  {name}" for name in self.unestimable]
        unknown = in_no_group(self.unknown)
        lines += [unknown] if unknown else []
        kinds = f"{_counted(self.samples, 'sample')} of {_counted(self.cells, 'kind')}"
        return "\n".join([*lines, f"Solved with {self.solver}: {kinds}." if self.solver else f"{kinds}."])

    def _feasible(self) -> list[str]:
        if not self.relations:
            return ["There is no relation to meet."]
        return [f"Feasible: predictions in {self.domain} can meet {_all_of(self.relations)}."]

    def _infeasible(self) -> list[str]:
        lines = [f"Infeasible: no predictions in {self.domain} meet {_all_of(self.relations)}."]
        if len(self.conflict) == 1:
            lines += ["This one can't be met, even alone:"]
        else:
            lines += ["These conflict; without any one of them the others of these can be met:"]
        lines += [f"  {name}" for name in self.conflict]
        lines += [
            f"All can be met once bounds are widened by (the least in the sum, {self.total_growth:.6g}):"
        ]
        lines += [f"  {growth:.6g}  {name}" for name, growth in self.growth.items()]
        return [*lines, f"or all of them by {self.largest_growth:.6g} (the least for the largest)."]


def _all_of(relations: int) -> str:
    return "the relation" if relations == 1 else f"all {relations} relations"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
