"""What an adversary has to guess of a batch, by statements that were lowered once.

Who is in a group is said by `keras_fair.groups`: the groups of a statement are conditions as any others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_fair.groups.conditions import Cluster
from keras_fair.groups.factors import Factor
from keras_fair.groups.membership import member_of, outside
from keras_fair.groups.samples import Needs, Samples, read_samples
from keras_fair.groups.thresholds import is_missing
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.inputs.arrays import floats
from keras_fair.language import node_text
from keras_fair.language.nodes import Condition, Subject
from keras_fair.layers.adversary_sight import Sight
from keras_fair.rows.values import Outputs

__all__ = ["AdversaryPlan", "Answer", "Answers", "Guess"]


class Answer(NamedTuple):
    """What one network should guess of a batch, float32 tensors.

    Attributes:
        target: `(n, groups)` memberships, or `(n, 1)` the standardised number.
        weight: `(n,)`; 0 for samples that the statement does not speak of, or that have no value.
        label: `(n, k)` what the network sees of the label, or None.
    """

    target: Any
    weight: Any
    label: Any


class Answers(NamedTuple):
    """What all networks should guess.

    Attributes:
        of: by statement.
        unknown, missing: how many samples have a value outside the vocabulary, and none, by attribute.
    """

    of: tuple[Answer, ...]
    unknown: Mapping[str, Any]
    missing: Mapping[str, Any]


@dataclass(frozen=True)
class Guess:
    """What one network guesses.

    Args:
        sight: of its statement.
        output: of the model, that it sees.
        groups: the conditions of the groups; of a number the one of its samples.
        labels: the values of the label that it is shown as 0 and 1; None where it is shown as a number.
    """

    sight: Sight
    output: int
    groups: tuple[Condition | None, ...]
    labels: tuple[float, ...] | None

    @property
    def inputs(self) -> int:
        """How many numbers the network takes."""
        return 1 + 2 * self._shown if self.sight.sees_label else 1

    @property
    def outputs(self) -> int:
        """How many it gives: a logit for each group, or a number."""
        return 1 if self.sight.number else len(self.groups)

    @property
    def _shown(self) -> int:
        return 1 if self.labels is None else len(self.labels)

    def shown_label(self, label: Any) -> Any:
        """The label as the network sees it, `(n, k)`."""
        column = ops.reshape(label, (-1, 1))
        if self.labels is None:
            return column
        return ops.cast(ops.equal(column, np.array([self.labels], "float32")), "float32")

    def loss(self, guessed: Any, answer: Answer) -> Any:
        """The sum over samples of weight times loss, ().

        Args:
            guessed: `(n, outputs)`.
            answer: of the batch.
        """
        guessed = ops.cast(guessed, "float32")
        if self.sight.number:
            losses = ops.square(answer.target - guessed)
        else:
            losses = -answer.target * ops.log_softmax(guessed, axis=-1)
        return ops.sum(answer.weight * ops.sum(losses, axis=-1))


@dataclass(frozen=True)
class AdversaryPlan:
    """Statements lowered for an adversary. Made by `adversary_lower`.

    Args:
        text: that places point into.
        outputs: of the model.
        vocabulary: encodes the columns.
        names: of the statements.
        guesses: by statement.
    """

    text: str
    outputs: Outputs
    vocabulary: Vocabulary
    names: tuple[str, ...]
    guesses: tuple[Guess, ...]
    binary_label: bool
    needs: Needs = field(repr=False)
    factors: dict[Subject, Factor] = field(repr=False)
    clusters: tuple[Cluster, ...] = field(repr=False)

    def answers(self, columns: Mapping[str, Any], label: Any, sample_weight: Any, size: Any) -> Answers:
        """What a batch gives the networks to guess.

        Args:
            columns: encoded.
            label: `(n,)` or `(n, 1)`, or None.
            sample_weight: `(n,)` or None.
            size: n.

        Raises:
            ConstraintTypeError, ValueError: see `keras_fair.groups.samples`.
        """
        samples = read_samples(self.needs, columns, label, sample_weight, size)
        found = self._members(samples)
        of = tuple(_answer(guess, found, samples) for guess in self.guesses)
        return Answers(of, *outside(self.factors, samples))

    def comparisons(
        self, y: np.ndarray, columns: Mapping[str, Any], label: Any
    ) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
        """What a fresh classifier has to tell apart: each group from the rest, each quartile of a number, and
        where the label is seen, within each of its values.

        Args:
            y: `(n, outputs)`.
            columns: encoded.
            label: `(n,)`, or None.

        Returns:
            For each the name, the predictions `(n,)`, whom to tell apart and who takes part, `(n,)` bool.
        """
        samples = read_samples(self.needs, columns, label, None, len(y))
        found = self._members(samples)
        made = []
        for guess in self.guesses:
            scores = y[:, guess.output]
            for name, target, taking_part in _told_apart(guess, found, samples):
                if not guess.sight.sees_label:
                    made.append((name, scores, target, taking_part))
                    continue
                for value in np.unique(label[taking_part]):
                    within = taking_part & (label == value)
                    made.append((f"{name} where label={value:g}", scores, target, within))
        return made

    def _members(self, samples: Samples) -> dict[Any, Any]:
        """The membership of each sample in each group, `(n,)` floats by condition."""
        soft = self.binary_label and samples.may_be_fractional()
        found: dict[Any, Any] = {}
        for cluster in self.clusters:
            shares = member_of(cluster, self.factors, samples, fractional_label=soft).of_samples(samples.xp)
            found |= {condition: shares[row] for row, condition in enumerate(cluster.conditions)}
        return found


def _answer(guess: Guess, found: Mapping[Any, Any], samples: Samples) -> Answer:
    xp = samples.xp
    weight = samples.ones() if samples.weight is None else samples.weight
    if guess.sight.number:
        number = floats(xp, samples.column(guess.sight.attributes[0].name))
        missing = is_missing(number)
        weight = weight * floats(xp, xp.logical_not(missing))
        if guess.groups[0] is not None:
            weight = weight * found[guess.groups[0]]
        number = xp.where(missing, xp.zeros_like(number), number)
        total = xp.maximum(xp.sum(weight), 1e-12)
        centred = number - xp.sum(weight * number) / total
        spread = xp.sqrt(xp.sum(weight * xp.square(centred)) / total)
        target = xp.expand_dims(centred / xp.maximum(spread, 1e-12), 1)
    else:
        shares = xp.stack([found[group] for group in guess.groups], axis=0)
        member = xp.sum(shares, axis=0)
        target = xp.transpose(shares / xp.maximum(member, 1e-12))
        weight = weight * member
    label = None
    if guess.sight.sees_label:
        label = guess.shown_label(_tensor(samples.label))
    return Answer(_tensor(target), _tensor(weight), label)


def _told_apart(
    guess: Guess, found: Mapping[Any, Any], samples: Samples
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """For each comparison the name, whom to tell apart and who takes part, `(n,)` bool."""
    if guess.sight.number:
        name = guess.sight.attributes[0].name
        number = np.asarray(samples.column(name), "float64")
        there = ~np.isnan(number)
        if guess.groups[0] is not None:
            there &= np.asarray(found[guess.groups[0]]) > 0.5
        for cut in np.unique(np.quantile(number[there], (0.25, 0.5, 0.75))) if there.any() else ():
            yield f"{name} > {cut:g} from the rest", number > cut, there
        return
    shares = np.stack([np.asarray(found[group]) for group in guess.groups])
    there = shares.sum(axis=0) > 0.5
    several = len(guess.groups) > 2
    for group, share in zip(guess.groups if several else guess.groups[:1], shares, strict=False):
        last = guess.groups[-1]
        assert group is not None
        assert last is not None
        other = "the rest" if several else node_text(last)
        yield f"{node_text(group)} from {other}", share > 0.5, there


def _tensor(values: Any) -> Any:
    return ops.cast(ops.convert_to_tensor(values), "float32")
