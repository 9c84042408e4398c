"""Rows of generated constraints agree with direct evaluation, and do not depend on how things are written."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fair.constraints import parse
from keras_fair.language import nodes
from keras_fair.language.nodes import Span
from keras_fair.rows import LinearRows, Vocabulary, lower

AT = Span(0, 0)
SEXES, RACES = ("f", "m"), ("a", "b", "c")
VOCABULARY = Vocabulary({"sex": SEXES, "race": RACES, "age": None, "hours": None}, label=(0, 1))


# Generated trees, and what they say, by direct recursion over the samples.


def attribute(name: str) -> nodes.Attribute:
    return nodes.Attribute(name=name, span=AT)


def comparison(subject: Any, operator: str, value: Any) -> nodes.Comparison:
    literal = nodes.Literal(value=value, span=AT)
    return nodes.Comparison(subject=subject, operator=operator, value=literal, span=AT)


atoms = st.one_of(
    st.builds(
        lambda op, v: comparison(attribute("sex"), op, v),
        st.sampled_from(["=", "!="]),
        st.sampled_from(SEXES),
    ),
    st.builds(
        lambda op, v: comparison(attribute("race"), op, v),
        st.sampled_from(["=", "!="]),
        st.sampled_from(RACES),
    ),
    st.builds(
        lambda op, v: comparison(attribute("age"), op, float(v)),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.integers(17, 31),
    ),
    st.builds(lambda v: comparison(nodes.Label(span=AT), "=", float(v)), st.integers(0, 1)),
    st.builds(
        lambda values: nodes.Membership(
            subject=attribute("race"), values=tuple(nodes.Literal(value=v, span=AT) for v in values), span=AT
        ),
        st.lists(st.sampled_from(RACES), min_size=1, max_size=3, unique=True),
    ),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda operand: nodes.Not(operand=operand, span=AT), inner),
        st.builds(
            lambda kind, operands: kind(operands=tuple(operands), span=AT),
            st.sampled_from([nodes.And, nodes.Or]),
            st.lists(inner, min_size=2, max_size=3),
        ),
    ),
    max_leaves=5,
)
coefficients = st.recursive(
    st.one_of(
        st.builds(lambda v: nodes.Number(value=float(v), span=AT), st.integers(-3, 3)),
        st.sampled_from([attribute("age"), attribute("hours"), nodes.Label(span=AT)]),
    ),
    lambda inner: st.builds(
        lambda op, left, right: nodes.Arithmetic(operator=op, left=left, right=right, span=AT),
        st.sampled_from("+-*"),
        inner,
        inner,
    ),
    max_leaves=4,
)


def affine(factor: Any, rest: Any) -> nodes.Arithmetic:
    product = nodes.Arithmetic(operator="*", left=factor, right=nodes.Prediction(span=AT), span=AT)
    return nodes.Arithmetic(operator="+", left=product, right=rest, span=AT)


values = st.one_of(st.just(nodes.Prediction(span=AT)), st.builds(affine, coefficients, coefficients))
means = st.builds(
    lambda value, condition: nodes.Mean(value=value, condition=condition, span=AT),
    values,
    st.none() | conditions,
)
covariances = st.builds(
    lambda left, right, condition: nodes.Covariance(left=left, right=right, condition=condition, span=AT),
    values,
    coefficients,
    st.none() | conditions,
)


def evaluate_value(node: Any, batch: dict[str, Any]) -> Any:
    if isinstance(node, nodes.Number):
        return np.full(len(batch["y"]), node.value)
    if isinstance(node, nodes.Prediction):
        return batch["y"]
    if isinstance(node, nodes.Label):
        return batch["label"]
    if isinstance(node, nodes.Attribute):
        return batch[node.name]
    left, right = evaluate_value(node.left, batch), evaluate_value(node.right, batch)
    return {"+": left + right, "-": left - right, "*": left * right}[node.operator]


def evaluate_condition(node: Any, batch: dict[str, Any]) -> Any:
    if node is None:
        return np.ones(len(batch["y"]), dtype=bool)
    if isinstance(node, nodes.Not):
        return ~evaluate_condition(node.operand, batch)
    if isinstance(node, (nodes.And, nodes.Or)):
        join = np.logical_and if isinstance(node, nodes.And) else np.logical_or
        return join.reduce([evaluate_condition(operand, batch) for operand in node.operands])
    column = batch["label"] if isinstance(node.subject, nodes.Label) else batch[node.subject.name]
    if isinstance(node, nodes.Membership):
        return np.isin(column, [literal.value for literal in node.values])
    compare = {"=": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
    return getattr(column, compare[node.operator])(node.value.value)


def evaluate_statistic(node: Any, batch: dict[str, Any]) -> float | None:
    """The statistic, or None where its group has no weight."""
    weight = batch["w"] * evaluate_condition(node.condition, batch)
    if weight.sum() == 0:
        return None

    def mean(value: Any) -> float:
        return float(np.sum(weight * value) / weight.sum())

    if isinstance(node, nodes.Mean):
        return mean(evaluate_value(node.value, batch))
    left, right = evaluate_value(node.left, batch), evaluate_value(node.right, batch)
    return mean((left - mean(left)) * (right - mean(right)))


@st.composite
def batches(draw: Any) -> dict[str, Any]:
    n = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return {
        "sex": rng.choice(SEXES, n),
        "race": rng.choice(RACES, n),
        "age": rng.integers(15, 33, n).astype(float),
        "hours": rng.integers(0, 5, n).astype(float),
        "label": rng.integers(0, 2, n).astype(float),
        "y": rng.random(n),
        "w": rng.random(n) * (rng.random(n) < 0.9),
    }


def rows_over(statement: nodes.Statement, batch: dict[str, Any]) -> LinearRows:
    plan = lower([statement], "", VOCABULARY)
    columns, _ = plan.encode({name: batch[name] for name in ("sex", "race", "age", "hours")})
    return plan.evaluate(columns, batch["label"], batch["w"], size=len(batch["y"]))


@settings(max_examples=150, deadline=None)
@given(batches(), st.lists(st.one_of(means, covariances), min_size=1, max_size=3))
def test_generated_sums_agree_with_direct_evaluation(batch: dict[str, Any], statistics: list[Any]) -> None:
    total: Any = nodes.Mean(value=nodes.Prediction(span=AT), span=AT)
    expected = [evaluate_statistic(total, batch)]
    for statistic in statistics:
        total = nodes.Arithmetic(operator="-", left=total, right=statistic, span=AT)
        expected.append(evaluate_statistic(statistic, batch))
    bound = nodes.Number(value=0.1, span=AT)
    rows = rows_over(
        nodes.Statement(relation=nodes.Relation(left=total, operator="<=", right=bound, span=AT), span=AT),
        batch,
    )
    matrix = np.asarray(rows.matrix).reshape(len(rows), -1)
    np.testing.assert_allclose(
        matrix @ batch["y"] + np.asarray(rows.offset), np.asarray(rows.values(batch["y"])), atol=1e-7
    )
    if not np.asarray(rows.estimable)[0]:
        assert not np.asarray(rows.active).any()
        return
    if any(one is None for one in expected):
        return  # a statistic whose coefficients cancel is no part of the rows
    difference = expected[0] - sum(expected[1:])  # type: ignore[operator]
    np.testing.assert_allclose(np.asarray(rows.gaps(batch["y"])), [difference], rtol=1e-7, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(batches(), st.lists(means, min_size=2, max_size=4))
def test_generated_spreads_are_the_largest_minus_the_smallest(
    batch: dict[str, Any], arguments: list[Any]
) -> None:
    spread = nodes.Function("spread", tuple(arguments), span=AT)
    bound = nodes.Number(value=0.1, span=AT)
    rows = rows_over(
        nodes.Statement(relation=nodes.Relation(left=spread, operator="<=", right=bound, span=AT), span=AT),
        batch,
    )
    found = [
        one for one in (evaluate_statistic(argument, batch) for argument in arguments) if one is not None
    ]
    if len(found) < 2 or not np.asarray(rows.estimable)[0]:
        return
    expected = max(found) - min(found)
    np.testing.assert_allclose(np.asarray(rows.gaps(batch["y"]))[0], expected, rtol=1e-7, atol=1e-7)
    violation = np.asarray(rows.violation(batch["y"]))[np.asarray(rows.active)]
    np.testing.assert_allclose(violation, max(expected - 0.1, 0), rtol=1e-7, atol=1e-7)


TEXTS = [
    "for g, h in race: E[y | race=g] >= 0.8 * E[y | race=h]",
    "for g in sex and k in label: E[y | sex=g, label=k] == E[y] +- 0.05",
    "spread(E[y | race=*, sex=*]) <= 0.1",
    "E[y | age < 25] >= E[y | race=a] - 0.1",
    "cov(y, hours | sex=f) <= 0.2",
]


def gaps_by_text(text: str, batch: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    constraints = parse(text)
    plan = lower(constraints.statements, constraints.text, VOCABULARY)
    columns, _ = plan.encode({name: batch[name] for name in ("sex", "race", "age", "hours")})
    rows = plan.evaluate(columns, batch["label"], batch["w"])
    found = [np.asarray(one) for one in (rows.gaps(batch["y"]), rows.gap_lower, rows.gap_upper)]
    return {
        relation.text: tuple(np.round([one[index] for one in found], 9))
        for index, relation in enumerate(rows.relations)
    }


@settings(max_examples=40, deadline=None)
@given(batches(), st.permutations(TEXTS))
def test_the_order_of_statements_changes_nothing_but_order(batch: dict[str, Any], texts: list[str]) -> None:
    assert gaps_by_text("\n".join(texts), batch) == gaps_by_text("\n".join(TEXTS), batch)


@settings(max_examples=40, deadline=None)
@given(
    batches(), st.lists(st.sampled_from(["u", "v", "w", "x1", "k", "g"]), min_size=2, max_size=2, unique=True)
)
def test_renaming_variables_changes_nothing(batch: dict[str, Any], names: list[str]) -> None:
    one, two = names
    renamed = [
        f"for {one}, {two} in race: E[y | race={one}] >= 0.8 * E[y | race={two}]",
        f"for {two} in sex and {one} in label: E[y | sex={two}, label={one}] == E[y] +- 0.05",
    ]
    assert gaps_by_text("\n".join(renamed), batch) == gaps_by_text("\n".join(TEXTS[:2]), batch)


@settings(max_examples=40, deadline=None)
@given(batches(), st.integers(0, 2**32 - 1))
def test_the_order_of_samples_changes_nothing(batch: dict[str, Any], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(batch["y"]))
    shuffled = {name: column[order] for name, column in batch.items()}
    ours, theirs = gaps_by_text("\n".join(TEXTS), batch), gaps_by_text("\n".join(TEXTS), shuffled)
    for text, gap in ours.items():
        np.testing.assert_allclose(gap, theirs[text], atol=1e-8)
