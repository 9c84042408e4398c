"""Calibration people as counts that add up: what a rule is fitted on where people lie on many machines.

    people in pieces  --add-->  counts of people who are alike  --merge-->  counts of all  --fit-->  a rule

People are alike where their scores, the attributes that the text names, their labels and weights are the
same. A rule asks nothing else of them, so nothing is lost: a rule that is fitted on the counts is one that is
fitted on the people themselves, in an order that follows from the counts alone. In whatever pieces people
come, and in whatever order these are merged, it is the same rule.

The counts are as many as there are different people. Scores that take few values make few; scores of 64 bits
make nearly as many as there are people. `bins` rounds scores down to the ends of so many equal parts of the
domain; the rule is then one for rounded scores, in service too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fair.constraints import Constraints, parse
from keras_fair.groups.samples import needed_columns
from keras_fair.inputs.columns import Numbers, Words, read_column
from keras_fair.inputs.domain import DomainLike, check_domain
from keras_fair.inputs.predictions import check_lengths, check_pairing, read_predictions, read_weight
from keras_fair.language.nodes import Span
from keras_fair.packing import SumsError, pack, unpack
from keras_fair.postprocessing.frozen_fairness import FrozenFairness
from keras_fair.postprocessing.meaning import meaning_of
from keras_fair.rows.lower import first_places

if TYPE_CHECKING:
    import pyarrow as pa
    from typing_extensions import Buffer

__all__ = ["CalibrationSums"]

_SCORE, _LABEL, _WEIGHT, _PEOPLE = "score", "label", "weight", "people"


class CalibrationSums:
    """How many calibration people there are of each kind.

    It follows `keras_fair.sums.MergeableSums`.

    Args:
        constraints: the text of the rule.
        domain: `(low, high)` of scores, as the rule has it.
        bins: into how many equal parts of the domain scores are rounded, to the lower end; None: not at all.

    Raises:
        ConstraintError: the text is malformed, or none for a rule.
        ValueError: `bins` is not above 0, or the domain has no ends.

    Example:
        >>> import numpy as np
        >>> import keras_fair as kf
        >>> from keras_fair.postprocessing.calibration_sums import CalibrationSums
        >>> rng = np.random.default_rng(0)
        >>> text = "P[y >= 0.5 | sex=Female] == P[y >= 0.5 | sex=Male] +- 0.05"
        >>> total = CalibrationSums(text, bins=256)
        >>> for _ in range(4):
        ...     sex = np.where(rng.random(2000) < 0.4, "Female", "Male")
        ...     scores = np.clip(rng.normal(np.where(sex == "Female", 0.4, 0.55), 0.2), 0, 1)
        ...     total = total.merge(CalibrationSums(text, bins=256).add(scores, {"sex": sex}))
        >>> rule = total.fit(kf.FrozenFairness(text))
        >>> total.people, total.kinds < 520, rule.promise.confidence
        (8000, True, 0.95)
    """

    def __init__(
        self, constraints: Constraints, *, domain: DomainLike = (0.0, 1.0), bins: int | None = None
    ) -> None:
        self.constraints = parse(constraints)
        meaning = meaning_of(self.constraints)
        self.domain = check_domain(domain)
        whole = isinstance(bins, (int, np.integer)) and not isinstance(bins, bool)
        if bins is not None and not (whole and bins > 0 and np.isfinite(self.domain.bounds).all()):
            raise ValueError(f"expected bins > 0 of a domain with two ends, or None, received bins={bins!r}")
        self.bins = None if bins is None else int(bins)
        places = first_places(meaning.rows)
        self._places: dict[str, Span] = {name: span for name, span in places.items() if name is not None}
        self._counts: pa.Table | None = None

    @property
    def people(self) -> int:
        """How many people were added."""
        return 0 if self._counts is None else int(np.sum(self._counts[_PEOPLE].to_numpy()))

    @property
    def kinds(self) -> int:
        """How many different people there are."""
        return 0 if self._counts is None else len(self._counts)

    def rounded(self, scores: Any) -> np.ndarray:
        """Scores as they are counted, `(n,)`: rounded down where there are bins. A rule that was fitted on
        these counts takes scores that are rounded so.

        Args:
            scores: `(n,)` or `(n, 1)` in the domain.

        Raises:
            ValueError: scores are malformed.
        """
        values = read_predictions(scores, outputs=1, domain=self.domain).flat
        if self.bins is None:
            return values
        low, high = self.domain.bounds
        place = np.floor((values - low) / (high - low) * self.bins)
        return low + np.clip(place, 0, self.bins) * ((high - low) / self.bins)

    def add(
        self, scores: Any, attributes: Any = None, label: Any = None, sample_weight: Any = None
    ) -> CalibrationSums:
        """Add people; arguments as of `FrozenFairness.fit`. Returns these sums.

        Args:
            scores: `(n,)` or `(n, 1)` in the domain.
            attributes: the columns that the constraints name, `(n,)` each.
            label: `(n,)`; either all pieces have labels or none.
            sample_weight: `(n,)`; either all pieces have weights or none.

        Raises:
            ConstraintError: a column is not given.
            ValueError: scores, columns or weights are malformed, or pieces differ in what they hold. Then
                nobody is added.
        """
        import pyarrow as pa

        check_pairing(scores, attributes, label, sample_weight)
        needed = needed_columns(attributes, self._places, None, None, self.constraints.text)
        columns: dict[str, Any] = {_SCORE: pa.array(self.rounded(scores) + 0.0)}
        for name, column in needed.items():
            columns[_of(name)] = _counted(column, f"attribute {name!r}")
        if label is not None:
            columns[_LABEL] = _counted(label, "the label")
        if sample_weight is not None:
            columns[_WEIGHT] = pa.array(read_weight(sample_weight))
        count = len(columns[_SCORE])
        lengths = {name: len(column) for name, column in columns.items() if name != _SCORE}
        check_lengths({**lengths, "predictions": count})
        if count:
            self._take(pa.table({**columns, _PEOPLE: np.ones(count, "int64")}))
        return self

    def merge(self, other: CalibrationSums) -> CalibrationSums:
        """Add the people of other sums; returns these, and leaves the others as they are.

        Raises:
            ValueError: they are of other constraints, another domain or other bins, or hold other columns.
        """
        if not isinstance(other, CalibrationSums) or other._setup() != self._setup():
            raise ValueError("expected calibration sums of the same constraints, domain and bins to merge")
        if other._counts is not None:
            self._take(other._counts)
        return self

    def result(self) -> pa.Table:
        """The counts: one row for each kind of people, sorted, with the columns `score`, `attribute ...`,
        `label`, `weight` and `people`.

        Raises:
            ValueError: nobody was added.
        """
        if self._counts is None:
            raise ValueError("expected at least one person, received shape (0,)")
        return self._counts

    def expanded(self) -> tuple[np.ndarray, dict[str, Any], Any, np.ndarray | None]:
        """All people in the order of `result`: scores, attributes, labels and weights, as `fit` takes them.

        They take the memory of all people on one machine: some bytes for each score and value.
        """
        import pyarrow as pa

        counts = self.result()
        places = np.repeat(np.arange(len(counts)), counts[_PEOPLE].to_numpy())
        parts = {
            name: column.combine_chunks().dictionary_encode() if pa.types.is_string(column.type) else column
            for name, column in zip(counts.column_names, counts.columns, strict=True)
        }
        everyone = {name: column.take(pa.array(places)) for name, column in parts.items() if name != _PEOPLE}
        weight = everyone.get(_WEIGHT)
        return (
            everyone[_SCORE].to_numpy(),
            {name: everyone[_of(name)] for name in self._places},
            everyone.get(_LABEL),
            None if weight is None else weight.to_numpy(),
        )

    def fit(self, rule: FrozenFairness, *, utility: Any = None) -> FrozenFairness:
        """Fit a rule of the same constraints on these people; returns it.

        Raises:
            ValueError: it is a rule of other constraints or of another domain.
            Unpromised, Unmet: see `FrozenFairness.fit`.
        """
        if rule.constraints != self.constraints or rule.domain != self.domain:
            raise ValueError("expected a rule of the same constraints and domain as these calibration sums")
        scores, attributes, label, weight = self.expanded()
        return rule.fit(scores, attributes, label, weight, utility=utility)

    def to_bytes(self) -> bytes:
        """The counts, for another process. They hold the values of attributes and scores of all groups."""
        import pyarrow as pa

        arrays = {}
        if self._counts is not None:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, self._counts.schema) as writer:
                writer.write_table(self._counts)
            arrays["counts"] = np.frombuffer(sink.getvalue(), "uint8")
        return pack("CalibrationSums", self._setup(), arrays)

    @classmethod
    def from_bytes(cls, packed: Buffer) -> CalibrationSums:
        """The sums that `to_bytes` gave.

        Raises:
            SumsError: the bytes are damaged, or of something else.
        """
        import pyarrow as pa

        values, arrays = unpack("CalibrationSums", packed)
        try:
            low, high = values["domain"]
            sums = cls(values["constraints"], domain=(low, high), bins=values["bins"])
            if "counts" in arrays:
                counts = pa.ipc.open_stream(pa.py_buffer(arrays["counts"].tobytes())).read_all()
                expected = {_SCORE, _PEOPLE, *map(_of, sums._places)}
                if not expected <= set(counts.column_names) <= {*expected, _LABEL, _WEIGHT}:
                    raise ValueError(f"counts of other columns: {counts.column_names}")
                counts.validate(full=True)
                sums._counts = counts
        except (KeyError, TypeError, ValueError, pa.ArrowException) as fault:
            message = f"expected the bytes of calibration sums, received others: {fault!r:.200}"
            raise SumsError(message) from fault
        return sums

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),)

    def _setup(self) -> dict[str, Any]:
        ends = [end if np.isfinite(end) else None for end in self.domain.bounds]
        return {"constraints": str(self.constraints), "domain": ends, "bins": self.bins}

    def _take(self, table: pa.Table) -> None:
        """Add the people of a table."""
        import pyarrow as pa

        if self._counts is not None:
            table = pa.concat_tables(_alike(self._counts, table))
        keys = [name for name in table.column_names if name != _PEOPLE]
        counted = table.group_by(keys).aggregate([(_PEOPLE, "sum")])
        columns = [counted[name] for name in (*keys, f"{_PEOPLE}_sum")]
        counted = pa.table(dict(zip([*keys, _PEOPLE], columns, strict=True)))
        counted = counted.sort_by([(name, "ascending") for name in keys])
        self._counts = counted.cast(table.schema).combine_chunks()


def _of(name: str) -> str:
    """The column of an attribute: no attribute has the name of another column."""
    return f"attribute {name}"


def _alike(one: Any, other: Any) -> list[Any]:
    """Two tables with the same types: a column without any value is of the type of the other one.

    Raises:
        ValueError: they hold different columns or types.
    """
    if one.column_names == other.column_names:
        tables = []
        for table, model in ((one, other), (other, one)):
            for place, field in enumerate(model.schema):
                if table.schema.field(place).type != field.type and table[place].null_count == len(table):
                    table = table.set_column(place, field, table[place].cast(field.type))
            tables.append(table)
        if tables[0].schema == tables[1].schema:
            return tables
    raise ValueError(
        "expected pieces with the same columns and types, received "
        f"{_described(other)} after {_described(one)}"
    )


def _described(table: Any) -> str:
    columns = (f"{field.name} ({field.type})" for field in table.schema if field.name != _PEOPLE)
    return ", ".join(columns)


def _counted(column: Any, what: str) -> Any:
    """A column as text or numbers of pyarrow; NULL where an entry is missing."""
    import pyarrow as pa

    read = read_column(column, what)
    if isinstance(read, Words):
        codes = pa.array(read.codes.astype("int32"), mask=read.gaps)
        return pa.DictionaryArray.from_arrays(codes, pa.array(read.words, pa.string())).cast(pa.string())
    return pa.array(_numbers(read), mask=read.gaps)


def _numbers(read: Numbers) -> np.ndarray:
    """Numbers of half precision as the shortest decimals, float32 as it is, and all others as float64."""
    if read.precision in ("float64", "float32"):
        return read.values.astype(read.precision) + np.zeros((), read.precision)
    values, places = np.unique(read.values, return_inverse=True)
    decimals = dict(zip(values[values == values].tolist(), read.decimals(values), strict=True))
    return np.array([decimals.get(value, np.nan) for value in values.tolist()])[places.reshape(-1)]
