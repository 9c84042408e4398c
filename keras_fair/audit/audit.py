"""`keras_fair.audit`: constraints and predictions in, numbers and verdicts out.

This module only connects: samples are brought into chunks by `keras_fair.audit.sources`, and measured by
`keras_fair.audit.auditor`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_fair.audit.auditor import Auditor
from keras_fair.audit.result import Audit
from keras_fair.audit.sources import chunks_of
from keras_fair.constraints import Constraints
from keras_fair.groups.vocabulary import Vocabulary

__all__ = ["audit"]


def audit(
    constraints: Constraints,
    y: Any,
    attributes: Any = None,
    label: Any = None,
    sample_weight: Any = None,
    *,
    vocabulary: Vocabulary | Mapping[str, Any] | None = None,
    outputs: Sequence[str] | None = None,
    confidence: float | None = 0.95,
    simultaneous: bool = False,
    seed: int = 0,
    slack: float = 1e-6,
) -> Audit:
    """Measure every constraint on predictions, all samples pooled, with confidence intervals and verdicts.

    It takes the whole language: decision rates such as `P[y >= 0.5 | sex=Female]`, groups chosen by `y`, and
    relations without `y`, which can be measured but not enforced.

    The samples are treated as a random sample of the people that the constraints are about. A verdict is
    satisfied or violated where the interval of the gap leaves no doubt; otherwise it is undecided. Where the
    samples are the whole population, `confidence=None` gives verdicts by the gaps themselves.

    Args:
        constraints: text, or a parsed `ConstraintSet`.
        y: `(n,)`, `(n, 1)` or `(n, outputs)` predictions, a NumPy array or a tensor. Or a Keras model, or any
            function from inputs to predictions; `attributes` is then the data set it predicts. Or, without
            `attributes`, an iterable of chunks `(y, attributes)`, `(y, attributes, label)` or `(y,
            attributes, label, sample_weight)`.
        attributes: the columns that the constraints name, `(n,)` each; a dict of arrays or a DataFrame. For a
            model a `tf.data` pipeline, or any iterable, of `(inputs, label)`, `(inputs, label,
            sample_weight)` or `inputs`, where `inputs` is a dict or a DataFrame that holds the attributes
            too; or `inputs` alone.
        label: `(n,)`, the ground truth; needed where a constraint uses it.
        sample_weight: `(n,)` weights >= 0; default: all 1.
        vocabulary: the values of the attributes; default: those that occur. Its policy for missing values
            applies.
        outputs: names of the columns of `y`.
        confidence: of the intervals, in (0, 1); `with confidence p` in the text has precedence. None: no
            intervals, and verdicts by the gaps themselves.
        simultaneous: whether the intervals of one quantified constraint are to hold all at once: each is then
            made for `1 - (1 - confidence) / rows` (Bonferroni).
        seed: of the bootstrap, an integer >= 0.
        slack: how far outside its bounds a number may lie, by rounding, and still count as within.

    Returns:
        An `Audit`: for each ground relation its gap, interval, bounds, violation, verdict, and the value,
        interval and group size of each statistic; and the distribution of the scores of each group.
        `print(audit)` shows a table, `to_dict()` and `to_json()` hold everything.
        `keras_fair.audit.intervals` says how intervals are made.

    Raises:
        ConstraintError: the constraints are malformed, or the data give them no meaning.
        ValueError: predictions, columns or weights are malformed.

    Example:

    >>> import keras_fair as kf
    >>> sex = ["Female", "Male", "Female", "Male"]
    >>> rule = "P[y >= 0.5 | sex=Female] >= 0.8 * P[y >= 0.5 | sex=Male]"
    >>> found = kf.audit(rule, [0.4, 0.6, 0.7, 0.9], {"sex": sex})
    >>> [(relation.left, relation.right, relation.verdict.value) for relation in found]
    [(0.5, 0.8, 'undecided')]
    >>> kf.audit(rule, [0.4, 0.6, 0.7, 0.9], {"sex": sex}, confidence=None).relations[0].verdict.value
    'violated'
    """
    auditor = Auditor(
        constraints,
        vocabulary=vocabulary,
        outputs=outputs,
        confidence=confidence,
        simultaneous=simultaneous,
        seed=seed,
        slack=slack,
    )
    for chunk in chunks_of(y, attributes, label, sample_weight):
        auditor.update(*chunk)
    return auditor.result()
