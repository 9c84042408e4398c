"""What the command line says of each data set, and the constraint it runs by default. Facts, no code.

The tests hold these facts against what the loaders return.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["CATALOGUE", "REGRESSIONS", "Entry"]


@dataclass(frozen=True)
class Entry:
    """A data set.

    Attributes:
        people: how many, training and test together.
        label: what the label 1 means.
        source: who published it.
        constraint: what `keras-fair run` holds a model to by default.
        attributes: the columns that constraints can name, with their values; empty for numbers.
    """

    people: int
    label: str
    source: str
    constraint: str
    attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)


_SEX = ("Female", "Male")
_SEXES = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"

CATALOGUE: dict[str, Entry] = {
    "adult": Entry(
        people=48_842,
        label="income above 50,000 dollars",
        source="US census of 1994; Becker and Kohavi, UCI 1996, doi:10.24432/C5XW20",
        constraint=_SEXES,
        attributes={
            "sex": _SEX,
            "race": ("Amer-Indian-Eskimo", "Asian-Pac-Islander", "Black", "Other", "White"),
            "age": (),
            "fnlwgt": (),
        },
    ),
    "bank": Entry(
        people=41_188,
        label="subscribed a deposit",
        source="calls of a Portuguese bank, 2008 to 2010; Moro, Cortez and Rita 2014, doi:10.24432/C5K306",
        constraint="E[y | age_group=from_25_to_60] == E[y | age_group=other_ages] +- 0.02",
        attributes={
            "age": (),
            "age_group": ("from_25_to_60", "other_ages"),
            "marital": ("divorced", "married", "single", "unknown"),
        },
    ),
    "compas": Entry(
        people=6_172,
        label="charged again within two years",
        source="Broward County, Florida; ProPublica 2016",
        constraint="E[y | race='African-American'] == E[y | race=Caucasian] +- 0.02",
        attributes={
            "race": ("African-American", "Asian", "Caucasian", "Hispanic", "Native American", "Other"),
            "sex": _SEX,
            "age": (),
            "age_group": ("from_25_to_45", "over_45", "under_25"),
            "decile_score": (),
        },
    ),
    "credit_card": Entry(
        people=30_000,
        label="fails to pay next month",
        source="credit cards in Taiwan, 2005; Yeh and Lien 2009, UCI 2016",
        constraint=_SEXES,
        attributes={
            "sex": _SEX,
            "education": ("graduate_school", "high_school", "other", "university"),
            "marriage": ("married", "other", "single"),
            "age": (),
        },
    ),
    "german": Entry(
        people=1_000,
        label="good customer",
        source="customers of a German bank, 1970s; Hofmann, UCI 1994, doi:10.24432/C5NC77",
        constraint=_SEXES,
        attributes={
            "sex": _SEX,
            "age": (),
            "age_group": ("over_25", "up_to_25"),
            "foreign_worker": ("no", "yes"),
        },
    ),
    "law_school": Entry(
        people=22_407,
        label="passes the bar exam",
        source="National Longitudinal Bar Passage Study; Wightman, Law School Admission Council 1998",
        constraint="E[y | race=Black] == E[y | race=White] +- 0.02",
        attributes={
            "race": ("Asian", "Black", "Hispanic", "Other", "White", "unknown"),
            "sex": (*_SEX, "unknown"),
        },
    ),
    "lending": Entry(
        people=20_000,
        label="loan approved",
        source="generated, with the process documented in keras_fair.datasets.lending",
        constraint=_SEXES,
        attributes={
            "sex": _SEX,
            "race": ("Asian", "Black", "Hispanic", "Other", "White"),
            "age": (),
            "region": ("coast", "harbour", "hills", "oldtown", "valley"),
            "repays": (),
        },
    ),
}

# The main job compares classifiers; these have no classes.
REGRESSIONS = ("communities",)
