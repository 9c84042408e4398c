"""Generated loan applications, decided by officers whose habits are known: a data set that is always at hand.

Every number is drawn from the process below with a fixed seed; nobody in it exists. With `g` a person's sex,
`c` the race, and all noises standard normal and independent:

    ability     ~ N(0, 1)                                   the same for every group; never recorded
    region      ~ a distribution that depends on c          (segregated housing: a proxy of race)
    occupation  ~ softmax of a table by g, plus ability     (segregated work: a proxy of sex)
    education   = 13 + 1.2 ability + 1.5 noise - gap[c]     years, 8 to 21
    employed    = share of the years since 20, cut by a fifth of that for women (care work)
    hours       = 40 + 5 noise; 10 fewer for 25% of the women and 6% of the men
    log income  = 10.4 + 0.18 ability + 0.05 (education - 13) + 0.008 employed + pay[occupation]
                  + 0.7 log(hours / 40) - 0.04 [Female] - gap[c] / 12 + 0.2 noise
    late        ~ Poisson(exp(-0.3 - 0.6 ability + strain[region]))
    repays      ~ Bernoulli(logistic(1.1 + ability + 1.2 z - 0.5 debt))    z: log income, standardised
    officer     = 1.3 z - 0.45 late - 0.7 debt + 0.03 employed - distrust[region]
                  - 0.25 [Female] - prejudice[c] + 1.2 noise
    approved    = officer > a fixed threshold

`approved`, the label, is what officers decided, not what people deserved: incomes already differ by sex and
race, records of late payments follow the region, and the officers subtract something again. `repays` is what
would have happened with the loan; nobody could observe it, so it is an attribute and no feature.
"""

from __future__ import annotations

import numpy as np

from keras_fair.datasets.split import Split, shuffled_split

__all__ = ["load_data"]

_RACES = ("Asian", "Black", "Hispanic", "Other", "White")
_RACE_SHARES = (0.07, 0.13, 0.18, 0.03, 0.59)
_SCHOOLING_GAP = np.array([-0.4, 0.6, 0.9, 0.3, 0.0])
_PREJUDICE = np.array([0.0, 0.35, 0.25, 0.15, 0.0])

_REGIONS = ("coast", "harbour", "hills", "oldtown", "valley")
_REGION_SHARES = np.array(  # one line per race
    [
        [0.40, 0.10, 0.25, 0.15, 0.10],
        [0.08, 0.42, 0.08, 0.27, 0.15],
        [0.10, 0.22, 0.10, 0.18, 0.40],
        [0.20, 0.20, 0.20, 0.20, 0.20],
        [0.30, 0.08, 0.34, 0.12, 0.16],
    ]
)
_STRAIN = np.array([-0.1, 0.45, -0.2, 0.25, 0.15])
_DISTRUST = np.array([0.0, 0.3, 0.0, 0.15, 0.1])

_OCCUPATIONS = ("care", "management", "office", "technical", "trade")
_OCCUPATION_LIKING = np.array([[0.8, -0.3, 0.7, -0.2, -0.7], [-0.7, 0.0, 0.1, 0.3, 0.8]])  # women, men
_OCCUPATION_ABILITY = np.array([0.0, 0.7, 0.1, 0.5, -0.1])
_PAY = np.array([-0.12, 0.30, 0.0, 0.18, 0.02])

_THRESHOLD = -0.55


def load_data(*, people: int = 20_000, test_split: float = 0.2, seed: int = 113) -> tuple[Split, Split]:
    """Generated loan applications: who was approved.

    Args:
        people: The number of people, an integer >= 2.
        test_split: The share of test people, in (0, 1).
        seed: Seed of the people and of the split, an integer >= 0.

    Returns:
        `(train, test)`, each a `Split` of `features` (age, sex, race, region, occupation, education,
        employed, hours, income, debt, amount, late), `label` (1: approved) and `attributes` (sex: Female,
        Male; race: Asian, Black, Hispanic, Other, White; age in years; region; repays: 1 if the loan would be
        repaid).

    Raises:
        ValueError: If `people` or `test_split` leaves training or test people empty.

    Example:

    >>> from keras_fair.datasets import lending
    >>> (features, label, attributes), test = lending.load_data()
    >>> women = attributes["sex"] == "Female"
    >>> round(float(label[~women].mean() - label[women].mean()), 2)
    0.17
    """
    if people < 2:
        raise ValueError(f"expected people >= 2, received people={people!r}")
    return shuffled_split(_applications(people, np.random.default_rng(seed)), test_split, seed)


def _applications(n: int, rng: np.random.Generator) -> Split:
    woman = rng.random(n) < 0.48
    race = rng.choice(len(_RACES), size=n, p=_RACE_SHARES)
    age = np.clip(np.round(21 + rng.gamma(2.6, 7.5, n)), 21, 79)
    ability = rng.standard_normal(n)

    region = _choose(_REGION_SHARES[race], rng)
    liking = _OCCUPATION_LIKING[np.where(woman, 0, 1)] + ability[:, None] * _OCCUPATION_ABILITY
    occupation = _choose(np.exp(liking), rng)

    schooling = 13 + 1.2 * ability + 1.5 * rng.standard_normal(n) - _SCHOOLING_GAP[race]
    education = np.clip(np.round(schooling), 8, 21)
    employed = np.round((age - 20) * rng.uniform(0.4, 1.0, n) * np.where(woman, 0.8, 1.0))
    part_time = rng.random(n) < np.where(woman, 0.25, 0.06)
    hours = np.clip(np.round(40 + 5 * rng.standard_normal(n) - 10 * part_time), 8, 70)
    log_income = (
        10.4
        + 0.18 * ability
        + 0.05 * (education - 13)
        + 0.008 * employed
        + _PAY[occupation]
        + 0.7 * np.log(hours / 40)
        - 0.04 * woman
        - _SCHOOLING_GAP[race] / 12
        + 0.2 * rng.standard_normal(n)
    )
    standing = (log_income - 10.4) / 0.45
    debt = np.round(rng.gamma(2.0, 0.2, n), 2)
    amount = np.round(np.exp(log_income - 1.0 + 0.5 * rng.standard_normal(n)), -2)
    late = rng.poisson(np.exp(-0.3 - 0.6 * ability + _STRAIN[region]))
    repays = rng.random(n) < 1 / (1 + np.exp(-(1.1 + ability + 1.2 * standing - 0.5 * debt)))

    officer = (
        1.3 * standing
        - 0.45 * late
        - 0.7 * debt
        + 0.03 * employed
        - _DISTRUST[region]
        - 0.25 * woman
        - _PREJUDICE[race]
        + 1.2 * rng.standard_normal(n)
    )
    protected = {
        "sex": np.where(woman, "Female", "Male"),
        "race": np.array(_RACES)[race],
        "age": age.astype(np.float32),
        "region": np.array(_REGIONS)[region],
    }
    features = {
        **protected,
        "occupation": np.array(_OCCUPATIONS)[occupation],
        "education": education.astype(np.float32),
        "employed": employed.astype(np.float32),
        "hours": hours.astype(np.float32),
        "income": np.round(np.exp(log_income), -1).astype(np.float32),
        "debt": debt.astype(np.float32),
        "amount": amount.astype(np.float32),
        "late": late.astype(np.float32),
    }
    approved = (officer > _THRESHOLD).astype(np.float32)
    return Split(features, approved, {**protected, "repays": repays.astype(np.float32)})


def _choose(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A place `(n,)` in each line of the non-negative shares `(n, k)`, drawn in proportion to them."""
    cumulative = np.cumsum(shares, axis=1)
    drawn = rng.random(len(shares)) * cumulative[:, -1]
    return (drawn[:, None] >= cumulative).sum(axis=1)
