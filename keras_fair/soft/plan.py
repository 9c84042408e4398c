"""A soft plan: statements lowered once, measured on any number of batches.

    terms t = quotients of sums S over samples        gaps g = a . t + b, through maxima
    strict S: decisions counted                       soft S: decisions through a stand-in, with a gradient

Sums of several batches add up, the strict ones and the soft ones alike, so both gaps can be pooled.

**Sampling variance.** The gap of a batch estimates that of all people. By the delta method

    var(g) = sum_i h_i^2,    h_i = sum_s (dg/dt_s) r_si,    r_si = (a_si - t_s b_si) / N_s * sqrt(n_s / (n_s -
    1))

where `t_s = sum_i a_si / sum_i b_si`, `N_s = sum_i b_si`, and `n_s` is the effective number of samples of the
term. The square of an unbiased estimate is too large by its variance: `E[g^2] - var(g)` is the square of the
gap itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from keras_fair.groups.conditions import Cluster
from keras_fair.groups.factors import Factor
from keras_fair.groups.membership import member_of, outside
from keras_fair.groups.samples import Needs, read_samples
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import Tensor, divided, floats, is_tensor, namespace
from keras_fair.inputs.domain import Domain
from keras_fair.language.nodes import Label, Span, Subject
from keras_fair.rows.gap_values import GapValues
from keras_fair.rows.linear import Gaps, RelationRows
from keras_fair.rows.measured import measure
from keras_fair.rows.term_layout import Layout
from keras_fair.rows.values import Outputs
from keras_fair.soft.moments import Product, Term
from keras_fair.soft.term_values import jacobian, term_values
from keras_fair.soft.values import SampleValues

__all__ = ["BatchMoments", "SoftGaps", "SoftPlan"]


class BatchMoments(NamedTuple):
    """What a batch adds to the sums.

    Attributes:
        soft: `(S,)` sums through stand-ins, with a gradient.
        strict: `(S,)` sums that count decisions.
        constants: `(2 K,)` sums and weights of the constants of the data.
        of_samples: gives the soft and the strict sums apart by sample, `(S, n)` each.
        unknown, missing: see `keras_fair.rows.linear.LinearRows`.
    """

    soft: Tensor
    strict: Tensor
    constants: Tensor
    of_samples: Callable[[], tuple[Tensor, Tensor]]
    unknown: dict[str, Tensor]
    missing: dict[str, Tensor]


class SoftGaps(NamedTuple):
    """The gaps of R relations.

    Attributes:
        values: `(R,)` signed; 0 where they cannot be estimated.
        lower, upper: `(R,)` bounds.
        estimable: `(R,)` bool.
        terms: `(T,)` the statistics they follow from.
        gaps: how.
    """

    values: Tensor
    lower: Tensor
    upper: Tensor
    estimable: Tensor
    terms: Tensor
    gaps: Gaps


@dataclass(frozen=True)
class SoftPlan:
    """Statements lowered for a vocabulary and a number of outputs. Made by `keras_fair.soft.lower`.

    Args:
        text: that places point into.
        outputs: of the model.
        domain: of the predictions.
        vocabulary: encodes the columns.
        relations: the ground relations; `rows` of each is its own place.
        weights: `(R,)` the `with weight` of each relation's statement.
        groups: of the terms, the condition that each is over; `""` for everyone.
        sums: for each cluster, the products that are summed.
        places: `(S,)` where each sum stands among the sums of all clusters.
        above, below: `(Q, S)` 0 or 1, which sums each quotient is made of.
        terms: what each term is made of.
        everyone: the number of the sum of all weights.
        uses_loss: whether a statement speaks of the loss.
    """

    text: str
    outputs: Outputs
    domain: Domain
    vocabulary: Vocabulary
    relations: tuple[RelationRows, ...]
    weights: np.ndarray
    groups: tuple[str, ...]
    everyone: int
    uses_loss: bool
    binary_label: bool
    needs: Needs = field(repr=False)
    factors: dict[Subject, Factor] = field(repr=False)
    clusters: tuple[Cluster, ...] = field(repr=False)
    sums: tuple[tuple[Product, ...], ...] = field(repr=False)
    places: np.ndarray = field(repr=False)
    above: np.ndarray = field(repr=False)
    below: np.ndarray = field(repr=False)
    terms: tuple[Term, ...] = field(repr=False)
    layout: Layout = field(repr=False)
    gap_values: GapValues = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the relations, unique."""
        return tuple(relation.name for relation in self.relations)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The names of the columns that are needed, sorted."""
        return tuple(sorted(self.needs.attributes))

    @property
    def uses_label(self) -> bool:
        """Whether the label is needed."""
        return self.needs.label is not None

    @property
    def size(self) -> int:
        """How many numbers a batch adds: soft sums, strict sums, constants."""
        return 2 * len(self.places) + 2 * len(self.layout.constant_sums)

    def measure(
        self,
        y: Tensor,
        columns: Mapping[str, Any],
        label: Any = None,
        sample_weight: Any = None,
        *,
        temperature: Any,
        loss: Callable[[Any, Any], Any] | None = None,
    ) -> BatchMoments:
        """What a batch adds to the sums.

        Args:
            y: `(n, outputs)` floats.
            columns: encoded columns.
            label: `(n,)` or `(n, 1)`, or None.
            sample_weight: `(n,)` or None.
            temperature: of stand-ins, > 0.
            loss: of `(label, y)`, `(n,)`.

        Raises:
            ConstraintTypeError, ValueError: see `keras_fair.groups.samples`.
        """
        size = y.shape[0] if isinstance(y.shape[0], int) else namespace(y).shape(y)[0]
        if is_tensor(y):  # so that all is computed where the gradient flows
            tensor = namespace(y).convert_to_tensor
            columns = {name: tensor(column) for name, column in columns.items()}
            label = None if label is None else tensor(label)
            sample_weight = tensor(np.ones(size)) if not columns and label is None else sample_weight
        samples = read_samples(self.needs, columns, label, sample_weight, size)
        soft_label = (
            self.binary_label and Label(span=Span(0, 0)) in self.factors and samples.may_be_fractional()
        )
        members = [
            member_of(cluster, self.factors, samples, fractional_label=soft_label) for cluster in
            self.clusters
        ]

        def values(temperature: Any) -> SampleValues:
            def loss_of_samples() -> Any:
                assert loss is not None
                return floats(samples.xp, loss(label, y))

            return SampleValues(
                samples, y, self.outputs, self.domain, self.text, temperature, loss_of_samples
            )

        def totals(of: SampleValues) -> Tensor:
            xp = samples.xp
            parts = [
                xp.reshape(member.sums([of.of(product) for product in products], samples), (-1,))
                for member, products in zip(members, self.sums, strict=True)
                if products
            ]
            return xp.take(xp.concatenate(parts, axis=0), self.places, axis=0)

        xp = samples.xp
        soft_values = values(temperature)
        strict_values = values(None) if self.decides else soft_values
        soft = totals(soft_values)
        strict = xp.stop_gradient(totals(strict_values) if self.decides else soft)

        def apart(of: SampleValues) -> Tensor:
            parts = []
            for member, products in zip(members, self.sums, strict=True):
                if not products:
                    continue
                stacked = [of.of(product) for product in products]
                stacked = [samples.ones() if each is None else each for each in stacked]
                shares = xp.expand_dims(member.of_samples(xp), 1)
                joint = shares * xp.expand_dims(xp.stack(stacked, axis=0), 0)
                parts.append(xp.reshape(joint, (len(member.table) * len(products), -1)))
            return xp.take(xp.concatenate(parts, axis=0), self.places, axis=0)

        def of_samples() -> tuple[Tensor, Tensor]:
            of_soft = apart(soft_values)
            return of_soft, xp.stop_gradient(apart(strict_values) if self.decides else of_soft)

        constants = floats(xp, np.zeros(0))
        if len(self.layout.constant_sums):
            found = measure(self.layout, self.clusters, self.factors, samples, 1, soft_label)
            constants = xp.concatenate([found.constant_sums, found.constant_weights], axis=0)
        unknown, missing = outside(self.factors, samples)
        return BatchMoments(soft, strict, constants, of_samples, unknown, missing)

    @property
    def decides(self) -> bool:
        """Whether anything is counted, so that strict sums differ from soft ones."""
        return any(product.events for products in self.sums for product in products)

    def gaps(self, sums: Tensor, constants: Tensor, through: Tensor | None = None) -> SoftGaps:
        """The gaps, from sums, which may be pooled over batches.

        Args:
            sums: `(S,)` soft or strict ones.
            constants: `(2 K,)`.
            through: `(S,)` soft sums that the gradient goes through, while the values are those of `sums`;
                None: it goes through `sums`.
        """
        xp = namespace(sums, constants, through)
        quotients, there = self._quotients(xp, sums)
        if through is not None:
            soft, _ = self._quotients(xp, through)
            quotients = xp.stop_gradient(quotients) + soft - xp.stop_gradient(soft)
        terms = term_values(self.terms, quotients)
        known = xp.equal(xp.matmul(floats(xp, self._needed), 1.0 - floats(xp, there)), 0)
        size = len(self.layout.constant_sums)
        values, has_value = self.gap_values.constants(constants[:size], constants[size:])
        gaps = self.gap_values.gaps(values, has_value, known)
        return SoftGaps(gaps.values(terms), gaps.lower, gaps.upper, gaps.estimable, terms, gaps)

    def variance(self, found: SoftGaps, batch: BatchMoments, soft: Tensor, strict: Tensor) -> Tensor:
        """The sampling variance of strict gaps, `(R,)`: see above. Its gradient is what makes that of their
        squares, which goes through soft gaps, too large on average.

        Args:
            found: the gaps.
            batch: that they vary with.
            soft, strict: `(S,)` the sums that the gaps are of.
        """
        xp = namespace(soft, strict)
        of_soft, of_strict = batch.of_samples()
        slopes = slopes_of(found.gaps, found.terms)
        moved = self._influences(xp, slopes, of_soft, soft)
        counted = xp.stop_gradient(self._influences(xp, slopes, of_strict, strict))
        joint = 2.0 * xp.sum(counted * moved, axis=1)
        return joint - xp.stop_gradient(joint) + xp.sum(xp.square(counted), axis=1)

    def _influences(self, xp: Any, slopes: Tensor, of_samples: Tensor, sums: Tensor) -> Tensor:
        """By how much each sample moves each gap, `(R, n)`."""
        below = floats(xp, self.below)
        quotients, _ = self._quotients(xp, sums)
        total = xp.expand_dims(xp.matmul(below, sums), 1)
        own = xp.matmul(floats(xp, self.above), of_samples)
        own = own - xp.expand_dims(quotients, 1) * xp.matmul(below, of_samples)
        sizes = self.effective_sizes(of_samples)
        factor = divided(sizes, sizes - 1.0, xp.greater(sizes, 1.0 + 1e-6))
        residuals = divided(own, total, xp.greater(total, 0)) * xp.expand_dims(xp.sqrt(factor), 1)
        return xp.matmul(xp.matmul(slopes, jacobian(self.terms, quotients, len(self.above))), residuals)

    def _quotients(self, xp: Any, sums: Tensor) -> tuple[Tensor, Tensor]:
        """The quotients, `(Q,)`, and which of them can be estimated."""
        above, below = xp.matmul(floats(xp, self.above), sums), xp.matmul(floats(xp, self.below), sums)
        there = xp.greater(below, 0)
        return divided(above, below, there), there

    def effective_sizes(self, of_samples: Tensor) -> Tensor:
        """The effective number of samples below each quotient, `(Q,)`: `(sum b)^2 / sum b^2`."""
        xp = namespace(of_samples)
        own = xp.matmul(floats(xp, self.below), of_samples)
        squares = xp.sum(xp.square(own), axis=1)
        return divided(xp.square(xp.sum(own, axis=1)), squares, xp.greater(squares, 0))

    @property
    def _needed(self) -> np.ndarray:
        """Which quotients each term needs, `(T, Q)` 0 or 1."""
        needed = np.zeros((len(self.terms), len(self.above)))
        for place, term in enumerate(self.terms):
            needed[place, list(term.quotients)] = 1.0
        return needed

    def smallest_shares(self, sums: Tensor) -> Tensor:
        """The share of all people that is in the smallest group of each relation, `(R,)`.

        Args:
            sums: `(S,)`.
        """
        xp = namespace(sums)
        below = xp.matmul(floats(xp, self.below), sums) / xp.maximum(sums[self.everyone], 1e-12)
        first = np.array([term.quotients[0] for term in self.terms], dtype="int32")
        of_terms = xp.take(below, first, axis=0)
        used = self.gap_values.reached()
        return xp.min(xp.where(used, xp.expand_dims(of_terms, 0), np.ones(used.shape)), axis=1)


def slopes_of(gaps: Gaps, terms: Tensor) -> Tensor:
    """The derivatives of the gaps by the terms, `(R, T)`; no gradient flows through them."""
    xp = namespace(terms)
    terms = xp.stop_gradient(terms)
    slopes = floats(xp, gaps.weights)
    entries = xp.add(xp.matmul(slopes, terms), gaps.offset)
    for step in gaps.reductions:
        usable = xp.logical_and(xp.take(gaps.known, step.indices, axis=0), step.present)
        gathered = xp.take(entries, step.indices, axis=0)
        of_entries = xp.take(slopes, step.indices, axis=0)
        if step.kind == "sum":
            chosen = floats(xp, usable)
        else:
            gathered = xp.where(usable, gathered, xp.full_like(gathered, -1e30))
            chosen = floats(xp, xp.one_hot(xp.argmax(gathered, axis=1), step.indices.shape[1]))
        slopes = xp.concatenate([slopes, xp.sum(of_entries * xp.expand_dims(chosen, 2), axis=1)], axis=0)
        entries = xp.concatenate([entries, step.values(entries, gaps.known)], axis=0)
    signs = xp.expand_dims(floats(xp, gaps.signs), 1)
    return xp.take(slopes, gaps.results, axis=0) * signs
