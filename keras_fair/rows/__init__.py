"""From typed nodes and data to linear rows over the predictions.

    statements --lower--> RowPlan --evaluate(batch)--> LinearRows

`lower` is static; a plan meets any number of batches. `rows_of` does both at once for given data.
"""

from keras_fair.constraints import ConstraintSet, parse
from keras_fair.groups.vocabulary import Vocabulary
from keras_fair.rows.evaluate import rows_of
from keras_fair.rows.linear import (
    Gaps,
    LinearRows,
    Reduction,
    RelationRows,
    rows_from_matrix,
)
from keras_fair.rows.lower import lower
from keras_fair.rows.measured import Measured
from keras_fair.rows.plan import RowPlan
from keras_fair.rows.terms import CellFamily, Family, Terms

__all__ = [
    "CellFamily",
    "ConstraintSet",
    "Family",
    "Gaps",
    "LinearRows",
    "Measured",
    "Reduction",
    "RelationRows",
    "RowPlan",
    "Terms",
    "Vocabulary",
    "lower",
    "parse",
    "rows_from_matrix",
    "rows_of",
]
