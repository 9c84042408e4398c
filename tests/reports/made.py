"""Audits made by hand: every verdict, no intervals, NaN, one group and sixty, names that look like HTML."""

from __future__ import annotations

import math

import numpy as np

from keras_fair.audit.result import (
    Audit,
    AuditedRelation,
    GroupScores,
    Interval,
    StatisticValue,
    Verdict,
)
from keras_fair.language.lexicon import print_value

NASTY = "<script>alert(\"1\")</script> & 'x' | `a`"
EDGES = tuple(np.linspace(0, 1, 21).tolist())


def relation(
    text: str,
    gap: float,
    bounds: tuple[float, float],
    verdict: Verdict,
    *,
    statement: int = 0,
    name: str | None = None,
    half: float | None = 0.01,
    statistics: tuple[StatisticValue, ...] = (),
    note: str = "",
) -> AuditedRelation:
    """A relation whose interval is `gap` plus and minus `half`; None for no interval."""
    lower, upper = bounds
    past = math.nan if math.isnan(gap) else max(lower - gap, gap - upper, 0.0)
    interval = None
    if half is not None and not math.isnan(gap):
        interval = Interval(gap - half, gap + half, 0.95, "welch")
    return AuditedRelation(
        name=name or text,
        text=text,
        statement=statement,
        left=gap,
        right=0.0,
        gap=gap,
        lower=lower,
        upper=upper,
        violation=past,
        verdict=verdict,
        statistics=statistics,
        interval=interval,
        note=note,
    )


def group(names: tuple[str, ...], values: tuple[str | float, ...], size: int, mean: float) -> GroupScores:
    """A group whose scores lie around its mean."""
    middle = (np.array(EDGES[1:]) + np.array(EDGES[:-1])) / 2
    shape = np.exp(-((middle - mean) ** 2) / 0.03)
    counts = shape / shape.sum() * size if size else 0 * shape
    return GroupScores(
        names, values, float(size), float(size), mean if size else math.nan, tuple(counts.tolist())
    )


def value(text: str, mean: float, size: float, half: float | None = 0.02) -> StatisticValue:
    """A statistic; NaN where nobody is in its group."""
    interval = (
        None if half is None or math.isnan(mean) else Interval(mean - half, mean + half, 0.95, "student t")
    )
    return StatisticValue(text, mean, size, size, interval)


def one() -> Audit:
    """One relation, satisfied, without intervals and groups."""
    found = relation("E[y | sex=Female] >= 0.2", 0.31, (0.2, math.inf), Verdict.SATISFIED, half=None)
    return Audit((found,), samples=12, confidence=None, statements=(found.text,))


def mixed() -> Audit:
    """Every verdict, several kinds of statements, two attributes and their intersections."""
    equal = "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
    spread = "spread(E[y | race=*, sex=*]) <= 0.08"
    floor = "floor: for g in race: E[y | race=g] >= 0.3"
    rate = "P[y >= 0.5 | sex=Female] / P[y >= 0.5 | sex=Male] >= 0.8"
    races, sexes = ("Asian", "Black", "Hispanic or Latino", "White"), ("Female", "Male")
    women, men = value("E[y | sex=Female]", 0.271, 1803), value("E[y | sex=Male]", 0.4544, 2197)
    both = tuple(
        value(f"E[y | race={print_value(race, ())}, sex={sex}]", 0.2 + 0.05 * i + 0.1 * j, 40 + 400 * i * j)
        for i, race in enumerate(races)
        for j, sex in enumerate(sexes)
    )
    floors = tuple(
        relation(
            f"E[y | race={print_value(race, ())}] >= 0.3",
            gap,
            (0.3, math.inf),
            verdict,
            statement=2,
            name=f"floor[g={race}]",
            half=half,
            statistics=(value(f"E[y | race={print_value(race, ())}]", gap, size, half),),
            note=note,
        )
        for race, gap, half, size, verdict, note in (
            ("Asian", 0.34, 0.06, 21, Verdict.UNDECIDED, "the interval reaches below 0.3; 21 samples"),
            ("Black", 0.29, 0.004, 900, Verdict.VIOLATED, ""),
            (
                "Hispanic or Latino",
                math.nan,
                None,
                0,
                Verdict.UNESTIMABLE,
                "nobody has race = Hispanic or Latino",
            ),
            ("White", 0.42, 0.02, 3079, Verdict.SATISFIED, ""),
        )
    )
    relations = (
        relation(equal, -0.1834, (-0.02, 0.02), Verdict.VIOLATED, half=0.013, statistics=(women, men)),
        relation(
            spread, 0.0712, (-math.inf, 0.08), Verdict.UNDECIDED, statement=1, half=0.02, statistics=both
        ),
        *floors,
        relation(rate, 0.0133, (0.0, math.inf), Verdict.SATISFIED, statement=3, half=0.01, statistics=()),
    )
    groups = (
        group(("sex",), ("Female",), 1803, 0.271),
        group(("sex",), ("Male",), 2197, 0.4544),
        *(
            group(("race",), (r,), n, m)
            for r, n, m in zip(races, (21, 900, 0, 3079), (0.34, 0.29, 0, 0.42), strict=True)
        ),
        *(
            group(("race", "sex"), (race, sex), (i + 1) * (j + 2) * 35 - 64, 0.2 + 0.05 * i + 0.1 * j)
            for i, race in enumerate(races)
            for j, sex in enumerate(sexes)
            if (i, j) != (2, 0)
        ),
    )
    return Audit(
        relations,
        samples=4000,
        unknown={"race": 3},
        missing={"sex": 12, "race": 0},
        simultaneous=True,
        edges=EDGES,
        groups=groups,
        statements=(equal, spread, floor, rate),
    )


def nasty() -> Audit:
    """Names that look like HTML, Markdown and nothing else, long ones, and other scripts."""
    shown = print_value(NASTY, ())
    long = "ethnicity_and_country_of_origin_as_reported_by_the_applicant_" * 3
    names = (NASTY, "Größe 東京 עברית", "x" * 120)
    found = tuple(
        relation(
            f"E[y | `a|b <i>`={print_value(name, ())}] <= 0.5",
            gap,
            (-math.inf, 0.5),
            verdict,
            statement=place,
            note=f"about {name}",
            statistics=(value(f"E[y | `a|b <i>`={print_value(name, ())}]", gap, 5),),
        )
        for place, (name, gap, verdict) in enumerate(
            zip(
                names,
                (0.7, 0.2, math.nan),
                (Verdict.VIOLATED, Verdict.SATISFIED, Verdict.UNESTIMABLE),
                strict=True,
            )
        )
    )
    groups = tuple(group((long, "b"), (name, shown), 5 * place, 0.3) for place, name in enumerate(names))
    return Audit(found, samples=30, edges=EDGES, groups=groups, unknown={NASTY: 2})


def many(groups: int = 60, statements: int = 1) -> Audit:
    """500 relations, in one statement or in many; sixty groups of one attribute, sixty times three of two."""
    rng = np.random.default_rng(0)
    zips = [f"zip {10000 + place}" for place in range(groups)]
    found = []
    for place in range(500):
        one_, other = rng.choice(groups, 2, replace=False)
        gap = float(rng.normal(0, 0.06))
        verdict = (
            Verdict.VIOLATED
            if abs(gap) > 0.11
            else Verdict.SATISFIED
            if abs(gap) < 0.09
            else Verdict.UNDECIDED
        )
        left, right = (f"E[y | zip='{zips[each]}']" for each in (one_, other))
        found.append(
            relation(
                f"{left} == {right} +- 0.1",
                gap,
                (-0.1, 0.1),
                verdict,
                statement=place % statements,
                name=f"pairs[a={zips[one_]}, b={zips[other]}, {place}]",
                statistics=(value(left, 0.4 + gap / 2, 66), value(right, 0.4 - gap / 2, 67)),
            )
        )
    texts = ("pairs: for a, b in zip: E[y | zip=a] == E[y | zip=b] +- 0.1",) if statements == 1 else ()
    sizes = rng.integers(0, 400, groups)
    means = rng.uniform(0.1, 0.9, groups)
    kinds = [
        group(("zip",), (name,), int(n), float(m)) for name, n, m in zip(zips, sizes, means, strict=True)
    ]
    kinds += [
        group(("zip", "tier"), (name, tier), int(n) // 3, float(m) * (0.8 + 0.1 * tier))
        for name, n, m in zip(zips, sizes, means, strict=True)
        for tier in (0.0, 1.0, 2.0)
    ]
    return Audit(tuple(found), samples=100_000, edges=EDGES, groups=tuple(kinds), statements=texts)
