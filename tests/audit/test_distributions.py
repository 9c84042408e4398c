"""Correlations, and statistics of whole distributions, against NumPy, SciPy and scikit-learn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import mutual_info_score

import keras_fair as kf
from keras_fair.audit import score_tables
from keras_fair.audit.information import plug_in
from keras_fair.audit.result import Verdict
from keras_fair.packing import unpack

N = 600


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(4)
    columns = {
        "sex": rng.choice(["f", "m"], N),
        "race": rng.choice(["a", "b", "c"], N, p=[0.5, 0.4, 0.1]),
        "age": rng.normal(40, 9, N),
        "income": rng.integers(0, 2, N).astype(float),
    }
    label = rng.integers(0, 2, N).astype(float)
    y = np.clip(rng.beta(2, 3, N) + 0.15 * (columns["sex"] == "f") + 0.1 * label, 0.0, 1.0)
    return y, columns, label


def gap(text, y, columns, label=None, **options):
    options.setdefault("confidence", None)
    (relation,) = kf.audit(f"{text} <= 1", y, columns, label, **options).relations
    return relation.gap


def largest(y, groups) -> float:
    """Kolmogorov's distance, the largest over pairs of groups."""
    values = sorted(set(groups))
    pairs = itertools.combinations(values, 2)
    return max(ks_2samp(y[groups == a], y[groups == b]).statistic for a, b in pairs)


def joint(*columns):
    return np.array(["/".join(row) for row in zip(*columns, strict=True)])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("digits", [1, 12])
def test_independence_is_kolmogorovs_distance(people, dtype, digits) -> None:
    y, columns, _ = people
    y = np.round(y, digits).astype(dtype)  # with one digit nearly all scores are tied
    assert gap("independence(sex)", y, columns) == pytest.approx(largest(y, columns["sex"]), abs=1e-12)
    assert gap("independence(race)", y, columns) == pytest.approx(largest(y, columns["race"]), abs=1e-12)
    both = joint(columns["sex"], columns["race"])
    assert gap("independence(sex, race)", y, columns) == pytest.approx(largest(y, both), abs=1e-12)


def test_independence_of_decisions_is_the_gap_of_their_rates(people) -> None:
    y, columns, _ = people
    decided = (y >= 0.5) * 1.0
    rates = gap("spread(P[y >= 0.5 | race=*])", y, columns)
    assert gap("independence(race)", decided, columns) == pytest.approx(rates)
    assert gap("independence(race)", y, columns) >= rates


def test_separation_holds_the_label_fixed(people) -> None:
    y, columns, label = people
    expected = max(largest(y[label == each], columns["sex"][label == each]) for each in (0, 1))
    assert gap("separation(sex)", y, columns, label) == pytest.approx(expected)
    income = columns["income"]
    expected = max(largest(y[income == each], columns["sex"][income == each]) for each in (0, 1))
    assert gap("separation(sex, label=income)", y, columns) == pytest.approx(expected)


def test_conditions_and_other_values(people) -> None:
    y, columns, label = people
    young = columns["age"] < 40
    expected = largest(y[young], columns["sex"][young])
    assert gap("independence(sex | age < 40)", y, columns) == pytest.approx(expected)
    expected = largest(label - y, columns["race"])
    assert gap("independence(race, y=label - y)", y, columns, label) == pytest.approx(expected)
    two = np.stack([1 - y, y], axis=1)
    assert gap("independence(sex, y=y[1])", two, columns) == gap("independence(sex)", y, columns)
    assert gap("independence(sex, y=income)", y, columns) == pytest.approx(
        largest(columns["income"], columns["sex"])
    )
    found = kf.audit("for g in race: independence(sex | race=g) <= 1", y, columns, confidence=None)
    for relation, race in zip(found, "abc", strict=True):
        of_race = columns["race"] == race
        assert relation.gap == pytest.approx(largest(y[of_race], columns["sex"][of_race]))
    worst = gap("max(independence(sex | race=*))", y, columns)
    assert worst == pytest.approx(max(relation.gap for relation in found))


@pytest.mark.parametrize("text", ["independence(race)", "separation(sex)", "corr(y, age | sex=f)"])
def test_a_whole_weight_is_as_many_samples(people, text) -> None:
    y, columns, label = people
    times = np.random.default_rng(0).integers(0, 4, N)
    repeated = {name: np.repeat(column, times) for name, column in columns.items()}
    expected = gap(text, np.repeat(y, times), repeated, np.repeat(label, times))
    assert gap(text, y, columns, label, sample_weight=times.astype(float)) == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_correlation_is_numpys(people, dtype) -> None:
    y, columns, label = people
    y = y.astype(dtype)
    expected = np.corrcoef(y, columns["age"])[0, 1]
    assert gap("corr(y, age)", y, columns) == pytest.approx(expected, abs=1e-9)
    assert gap("corr(age, y)", y, columns) == pytest.approx(expected, abs=1e-9)
    women = columns["sex"] == "f"
    expected = np.corrcoef((y - label)[women], columns["age"][women])[0, 1]
    assert gap("corr(y - label, age | sex=f)", y, columns, label) == pytest.approx(expected, abs=1e-9)
    weight = np.random.default_rng(1).uniform(0.5, 2, N)
    covariance = np.cov(y, columns["age"], aweights=weight)
    expected = covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
    assert gap("corr(y, age)", y, columns, sample_weight=weight) == pytest.approx(expected, abs=1e-9)


def test_a_correlation_with_what_does_not_vary_is_not_known() -> None:
    columns = {"x": [1.0, 1.0, 1.0, 1.0], "z": [1.0, 2.0, 3.0, 5.0]}
    for text in ("corr(y, x) <= 1", "abs(corr(y, x)) <= 0"):
        (relation,) = kf.audit(text, [0.1, 0.4, 0.2, 0.3], columns).relations
        assert relation.verdict is Verdict.UNESTIMABLE
        assert "no value of corr(y, x)" in relation.note
    (relation,) = kf.audit("corr(y, z) <= 1", [0.1, 0.2, 0.3, 0.5], columns).relations
    assert relation.gap == pytest.approx(1.0)


def deciles(y) -> np.ndarray:
    edges = np.quantile(y, np.arange(1, 10) / 10, method="inverted_cdf")
    return np.searchsorted(edges, y)


def test_mutual_information_is_scikit_learns_less_what_chance_shows(people) -> None:
    y, columns, _ = people
    for names in (("sex",), ("race",), ("sex", "race")):
        groups = joint(*(columns[name] for name in names))
        whole = mutual_info_score(deciles(y), groups)
        rng = np.random.default_rng(7)
        chance = np.mean([mutual_info_score(deciles(y), rng.permutation(groups)) for _ in range(300)])
        found = gap(f"mutual_information({', '.join(names)})", y, columns)
        assert found == pytest.approx(max(whole - chance, 0), abs=0.1 * chance)
    table = np.array([[3.0, 1.0, 4.0], [2.0, 0.0, 7.0]])
    bins, groups = np.repeat([0, 1, 2, 0, 1, 2], [3, 1, 4, 2, 0, 7]), np.repeat([0, 1], [8, 9])
    assert plug_in(table) == pytest.approx(mutual_info_score(bins, groups))


def test_mutual_information_of_copies_is_the_entropy_of_the_groups() -> None:
    sex = np.repeat(["f", "m"], [300, 700])
    y = (sex == "f") * 1.0
    entropy = -(0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    found = kf.audit("mutual_information(sex) <= 0.1", y, {"sex": sex}).relations[0]
    assert found.gap == pytest.approx(entropy, abs=1e-3)
    assert found.verdict is Verdict.VIOLATED


TEXT = "\n".join(
    [
        "independence(sex, race) <= 0.3",
        "separation(sex) <= 0.3",
        "mutual_information(race, y=y - label | age < 50) <= 0.1",
        "corr(y, age | sex=*) == 0 +- 0.2",
    ]
)


def pieces(people, order, size):
    y, columns, label = people
    for start in range(0, N, size):
        rows = order[start : start + size]
        yield y[rows], {name: column[rows] for name, column in columns.items()}, label[rows]


@pytest.mark.parametrize("limit", [None, 150])
def test_chunks_shards_and_bytes_say_the_same(people, monkeypatch, limit) -> None:
    if limit is not None:  # then scores are rounded
        monkeypatch.setattr(score_tables, "MOST_ROWS", limit)
    y, columns, label = people
    whole = kf.audit(TEXT, y, columns, label)
    order = np.random.default_rng(2).permutation(N)
    chunked, shards = kf.Auditor(TEXT), [kf.Auditor(TEXT), kf.Auditor(TEXT)]
    for place, piece in enumerate(pieces(people, order, 37)):
        chunked.update(*piece)
        shards[place % 2].update(*piece)
    merged = kf.Auditor.from_bytes(shards[0].to_bytes()).merge(shards[1])
    for other in (chunked.result(), merged.result(), kf.Auditor.from_bytes(merged.to_bytes()).result()):
        for one, two in zip(whole, other, strict=True):
            assert two.gap == pytest.approx(one.gap, abs=1e-9)
            assert two.verdict is one.verdict
            assert (two.interval.low, two.interval.high) == pytest.approx(
                (one.interval.low, one.interval.high), abs=1e-6
            )


def test_many_scores_are_rounded_by_little(people, monkeypatch) -> None:
    y, columns, _ = people
    exact = gap("independence(sex)", y, columns)
    monkeypatch.setattr(score_tables, "MOST_ROWS", 200)
    rounded = gap("independence(sex)", y, columns)
    assert rounded != exact
    assert abs(rounded - exact) <= 0.03  # about three samples of a group in one bin
    # 0 and 1 stay apart, whatever the rounding
    monkeypatch.setattr(score_tables, "MOST_ROWS", 4)
    decided = (y >= 0.5) * 1.0
    assert gap("independence(sex)", decided, columns) == pytest.approx(largest(decided, columns["sex"]))


def test_scores_of_both_signs_keep_their_order() -> None:
    y = np.array([-2.0, -0.0, 0.0, 3.5, -1e-300, 1e150])
    sex = np.array(["f", "m", "f", "m", "f", "m"])
    assert gap("independence(sex)", y, {"sex": sex}) == pytest.approx(largest(y + 0.0, sex))


def test_a_chunk_that_is_refused_leaves_nothing(people) -> None:
    y, columns, label = people
    auditor = kf.Auditor(TEXT).update(y, columns, label)
    before = auditor.result()
    with pytest.raises(ValueError, match="weight"):
        auditor.update(y, columns, label, -np.ones(N))
    assert auditor.result() == before


def test_sums_of_before_there_were_distributions_are_read() -> None:
    auditor = kf.Auditor("E[y | sex=f] <= 0.5").update([0.2, 0.4], {"sex": ["f", "m"]})
    values, arrays = unpack("Auditor", auditor.to_bytes())
    del values["seen"]["distributions"]
    from keras_fair.packing import pack

    assert kf.Auditor.from_bytes(pack("Auditor", values, arrays)).result() == auditor.result()


# Empty groups, missing values, groups as probabilities


@pytest.mark.parametrize("name", ["independence", "mutual_information"])
def test_an_empty_group_is_never_fair(people, name) -> None:
    y, columns, _ = people
    vocabulary = kf.Vocabulary({"sex": ["f", "m", "x"]})
    (relation,) = kf.audit(f"{name}(sex) <= 0.9", y, columns, vocabulary=vocabulary).relations
    assert relation.verdict is Verdict.UNESTIMABLE
    assert "no samples in 'sex=x'" in relation.note
    # The others alone violate it: one more group can't mend that.
    (relation,) = kf.audit(f"{name}(sex) <= 0.001", y, columns, vocabulary=vocabulary).relations
    assert relation.verdict is Verdict.VIOLATED


def test_one_group_alone_has_no_distance() -> None:
    (relation,) = kf.audit("independence(sex) <= 0.9", [0.2, 0.4, 0.6], {"sex": ["f"] * 3}).relations
    assert relation.verdict is Verdict.UNESTIMABLE
    assert "no value of independence(sex)" in relation.note


def test_a_group_without_one_of_the_labels_is_said(people) -> None:
    y, columns, label = people
    label = np.where(columns["race"] == "c", 0.0, label)
    (relation,) = kf.audit("separation(race) <= 0.9", y, columns, label).relations
    assert relation.verdict is Verdict.UNESTIMABLE
    assert "no samples in 'race=c, label=1'" in relation.note


def test_samples_without_a_value_are_left_out(people) -> None:
    y, columns, _ = people
    lacking = np.random.default_rng(3).random(N) < 0.2
    sex = np.where(lacking, None, columns["sex"])
    age = np.where(lacking, np.nan, columns["age"])
    vocabulary = kf.Vocabulary(missing="exclude")
    holed = {**columns, "sex": sex, "age": age}
    here = {name: column[~lacking] for name, column in columns.items()}
    of_sex, of_age = ("independence", "mutual_information"), ("independence(race, y=y * age)", "corr(y, age)")
    for text in (*(f"{name}(sex)" for name in of_sex), *of_age):
        assert gap(text, y, holed, vocabulary=vocabulary) == pytest.approx(gap(text, y[~lacking], here))
    with pytest.raises(ValueError, match="missing"):
        kf.audit("independence(sex) <= 1", y, holed)


def test_groups_known_as_probabilities(people) -> None:
    y, columns, label = people
    vocabulary = kf.Vocabulary({"sex": ["f", "m"]}, label=[0, 1])
    sure = np.stack([columns["sex"] == "f", columns["sex"] == "m"], axis=1) * 1.0
    text = "independence(sex) <= 0.3; separation(sex) <= 0.3; corr(y, age | sex=f) <= 0.3"
    known = kf.audit(text, y, columns, label, vocabulary=vocabulary)
    soft = kf.audit(text, y, {**columns, "sex": sure}, label, vocabulary=vocabulary)
    for one, two in zip(known, soft, strict=True):
        assert two.gap == pytest.approx(one.gap, abs=1e-9)
    half = kf.audit(text, y, {**columns, "sex": np.full((N, 2), 0.5)}, label, vocabulary=vocabulary)
    assert half.relations[0].gap == pytest.approx(0.0, abs=1e-9)
    assert half.relations[0].interval.low == 0
    # A label that is a probability of 1 counts on both sides.
    doubt = kf.audit("separation(sex) <= 0.3", y, columns, np.full(N, 0.3), vocabulary=vocabulary)
    assert doubt.relations[0].gap == pytest.approx(known.relations[0].gap)


# Intervals and verdicts


def test_verdicts_follow_from_the_intervals(people) -> None:
    y, columns, _ = people
    text = "independence(sex) <= 0.9; independence(sex) <= 0.05; independence(race) <= 0.1"
    found = kf.audit(text, y, columns)
    assert [relation.verdict.value for relation in found] == ["satisfied", "violated", "undecided"]
    for relation in found:
        assert 0 <= relation.interval.low <= relation.gap <= relation.interval.high <= 1
        assert relation.interval.method == "band of the distributions"


def test_statistics_of_a_relation_are_its_groups_too(people) -> None:
    y, columns, _ = people
    (relation,) = kf.audit("independence(race) <= 0.9", y, columns).relations
    texts = [statistic.text for statistic in relation.statistics]
    assert texts == ["independence(race)", *(f"E[y | race={race}]" for race in "abc")]
    assert relation.statistics[0].size == N == sum(each.size for each in relation.statistics[1:])


def test_a_higher_confidence_and_several_at_once_are_wider(people) -> None:
    y, columns, _ = people
    for text in ("independence(sex)", "mutual_information(sex)", "corr(y, age)"):
        low, high = (
            kf.audit(f"{text} <= 1 with confidence {level}", y, columns).relations[0].interval
            for level in (0.8, 0.99)
        )
        assert high.low <= low.low <= low.high <= high.high
        assert high.high - high.low > low.high - low.low
    (relation,) = kf.audit("max(independence(sex), independence(race)) <= 0.9", y, columns).relations
    assert relation.interval.method == "band of the distributions, bonferroni"
    alone = kf.audit("independence(sex) <= 0.9", y, columns).relations[0].interval
    assert relation.interval.high >= alone.high
    (relation,) = kf.audit("1 - 2 * independence(sex) >= 0", y, columns).relations
    ends = relation.interval
    assert (1 - ends.high) / 2 == pytest.approx(alone.low)
    assert (1 - ends.low) / 2 == pytest.approx(alone.high)


def test_many_groups_have_a_band_of_each() -> None:
    rng = np.random.default_rng(0)
    zips = np.array([f"z{place}" for place in rng.integers(0, 14, 4000)])
    y = rng.random(4000)
    (equal,) = kf.audit("independence(zip) <= 0.5", y, {"zip": zips}).relations
    assert equal.interval.low == 0
    assert equal.gap < equal.interval.high < 0.5
    apart = np.where(zips == "z3", 0.5 + y / 2, y / 2)
    (relation,) = kf.audit("independence(zip) <= 0.5", apart, {"zip": zips}).relations
    assert relation.gap == 1.0
    assert relation.verdict is Verdict.VIOLATED


def test_few_samples_are_undecided() -> None:
    rng = np.random.default_rng(0)
    sex = np.repeat(["f", "m"], [3, 300])
    (relation,) = kf.audit("independence(sex) <= 0.99", rng.random(303), {"sex": sex}).relations
    assert relation.verdict is Verdict.UNDECIDED
    assert "few samples in 'sex=f' (3)" in relation.note
    (relation,) = kf.audit("corr(y, x) <= 1", rng.random(3), {"x": [1.0, 2.0, 4.0]}).relations
    assert relation.interval is None
    assert relation.verdict is Verdict.UNDECIDED


# Losses, and criteria of other outputs and labels


def test_a_column_of_losses_is_audited(people) -> None:
    y, columns, label = people
    losses = (y - label) ** 2
    found = kf.audit(
        "max(E[loss | race=*]) <= 0.4; spread(E[loss | sex=*]) <= 0.1", y, {**columns, "loss": losses}, label
    )
    means = [losses[columns["race"] == race].mean() for race in "abc"]
    assert found.relations[0].gap == pytest.approx(max(means))
    by_sex = [losses[columns["sex"] == sex].mean() for sex in "fm"]
    assert found.relations[1].gap == pytest.approx(abs(by_sex[0] - by_sex[1]))
    assert found.notes == ()  # that y is not named is as it should be
    with pytest.raises(kf.ConstraintError, match="no attribute named 'loss'|'loss'"):
        kf.audit("max(E[loss | race=*]) <= 0.4", y, columns, label)


def test_criteria_of_another_output_and_label(people) -> None:
    y, columns, _ = people
    two = np.stack([1 - y, y], axis=1)
    text = "equal_opportunity(sex, y=y[1], label=income) <= 1"
    good = columns["income"] == 1
    women = columns["sex"] == "f"
    expected = abs(y[good & women].mean() - y[good & ~women].mean())
    assert kf.audit(text, two, columns).relations[0].gap == pytest.approx(expected)
    rates = abs((y >= 0.4)[good & women].mean() - (y >= 0.4)[good & ~women].mean())
    assert kf.audit(f"{text} at y >= 0.4", two, columns).relations[0].gap == pytest.approx(rates)
    rows = kf.parse("equal_opportunity(sex, y=y[hire], label=income) <= 0.1").rows(
        columns, outputs=["other", "hire"]
    )
    assert np.asarray(rows.gaps(two)) == pytest.approx([expected])


def test_every_report_takes_them(people) -> None:
    y, columns, label = people
    found = kf.audit(TEXT, y, columns, label)
    assert "independence(sex, race)" in str(found)
    for report in (found.to_markdown(), found.to_markdown(card=True), found.to_html()):
        assert "separation(sex)" in report
        assert "band of the distributions" in report
    assert any("independence" in name for name in found.metrics())
    assert "mutual_information" in found.to_json()
    assert {"corr(y, age | sex=f)", "corr(y, age | sex=m)"} <= set(found.to_dataframe("statistics")["text"])
