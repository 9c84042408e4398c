"""Generated trees print, and what they print reads back as the same tree."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_fair.language import from_json, node_text, parse_statements, to_json, to_text
from keras_fair.language.functions import DEPENDENCES
from keras_fair.language.lexicon import RESERVED
from keras_fair.language.nodes import (
    And,
    Arithmetic,
    Attribute,
    Binder,
    Comparison,
    Correlation,
    Covariance,
    Dependence,
    Function,
    Label,
    Literal,
    Mean,
    Membership,
    Negative,
    Not,
    Number,
    Or,
    Prediction,
    Range,
    Relation,
    Share,
    Span,
    Star,
    Statement,
    ValueSet,
    Variable,
)
from keras_fair.language.tree import walk

FIXED = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What is made inside a draw is kept (`cache`): Hypothesis looks through each new strategy, which costs more
# than to draw from it.
AT = Span(0, 0)
VARIABLE_NAMES = ("v_a", "v_b", "v_c")

words = st.sampled_from(["Male", "Female", "sex", "x1", "hours.per_week", "é", *VARIABLE_NAMES])
names = (words | st.sampled_from(sorted(RESERVED)) | st.text(min_size=1, max_size=6)).filter(
    lambda name: name not in VARIABLE_NAMES
)
texts = words | st.sampled_from(sorted(RESERVED)) | st.text(max_size=6)
sizes = st.floats(min_value=0, max_value=1e100, allow_nan=False) | st.integers(0, 10**6).map(float)
signed = (st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9).map(float)).map(
    lambda x: x + 0.0
)

numbers = sizes.map(lambda value: Number(value, span=AT))
factors = st.integers(1, 9).map(lambda value: Number(float(value), span=AT))
attributes = names.map(lambda name: Attribute(name, span=AT))
labels = st.just(Label(span=AT))
predictions = (st.none() | st.integers(0, 999) | names).map(lambda output: Prediction(output, span=AT))
literals = (signed | texts).map(lambda value: Literal(value, span=AT))
dates = (st.dates() | st.datetimes()).map(lambda date: Literal(date.isoformat(), span=AT))
dated = st.just(
    Attribute("the day of it", span=AT)
)  # longer than other names: it is compared with dates alone
number_literals = signed.map(lambda value: Literal(value, span=AT))


def arithmetic(operators: str, left: st.SearchStrategy, right: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(Arithmetic, st.sampled_from(operators), left, right, span=st.just(AT))


def negative(operand: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(Negative, operand, span=st.just(AT))


data_values = st.recursive(
    numbers | attributes | labels,
    lambda inner: negative(inner) | arithmetic("+-*", inner, inner) | arithmetic("/", inner, factors),
    max_leaves=4,
)
affine_values = st.recursive(
    predictions | data_values,
    lambda inner: (
        negative(inner)
        | arithmetic("+-", inner, inner)
        | arithmetic("*", data_values, inner)
        | arithmetic("*", inner, data_values)
        | arithmetic("/", inner, factors)
    ),
    max_leaves=5,
)

equalities = st.sampled_from(["=", "!="])
orders = st.sampled_from(["<", "<=", ">", ">="])


@cache
def comparisons(subjects: st.SearchStrategy, operators: st.SearchStrategy, values: st.SearchStrategy):
    return st.builds(Comparison, subjects, operators, values, span=st.just(AT))


def memberships(subjects: st.SearchStrategy, values: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(values, min_size=1, max_size=4, unique=True).map(tuple)
    return st.builds(Membership, subjects, several, span=st.just(AT))


data_columns = attributes | labels
simple_conditions = (
    comparisons(data_columns, equalities, literals)
    | comparisons(data_columns | predictions, orders, number_literals)
    | comparisons(predictions, equalities, number_literals)
    | comparisons(dated, orders, dates)
    | memberships(data_columns, literals)
    | memberships(predictions, number_literals)
)


def all_of(*parts):
    """`And` in the form that a text gives: flat, and no column set twice."""
    flat: list = []
    settled = set()
    for part in parts:
        for each in part.operands if isinstance(part, And) else (part,):
            if isinstance(each, Comparison) and each.operator == "=":
                if each.subject in settled:
                    continue
                settled.add(each.subject)
            flat.append(each)
    return flat[0] if len(flat) == 1 else And(tuple(flat), span=AT)


def any_of(*parts):
    flat = tuple(each for part in parts for each in (part.operands if isinstance(part, Or) else (part,)))
    return Or(flat, span=AT)


conditions = st.recursive(
    simple_conditions,
    lambda inner: (
        st.builds(Not, inner, span=st.just(AT))
        | st.builds(all_of, inner, inner)
        | st.builds(any_of, inner, inner)
        | st.builds(all_of, inner, inner, inner)
    ),
    max_leaves=5,
)


bound = {name: st.just(Variable(name, span=AT)) for name in VARIABLE_NAMES}


@cache
@st.composite
def statistics(draw, variables: tuple[str, ...] = (), star: bool = False):
    """`E`, `P` or `cov`; its condition uses all of `variables`, and holds a star if asked to."""
    parts = [draw(conditions)] if draw(st.booleans()) else []
    parts += [draw(comparisons(data_columns, equalities, bound[name])) for name in variables]
    given_ = all_of(*parts) if parts else None
    # A column that is set twice is dropped by `all_of`; then its variable is held by a set instead.
    for name in variables:
        if name not in str(given_):
            held = Membership(Label(span=AT), (Variable(name, span=AT),), span=AT)
            given_ = held if given_ is None else all_of(given_, held)
    if star:
        starred = Comparison(draw(data_columns), "=", Star(span=AT), span=AT)
        taken = () if given_ is None else given_.operands if isinstance(given_, And) else (given_,)
        if not any(isinstance(each, Comparison) and each.subject == starred.subject for each in taken):
            given_ = starred if given_ is None else all_of(given_, starred)
        else:
            star_column = Attribute("a starred column", span=AT)
            given_ = all_of(given_, Comparison(star_column, "=", Star(span=AT), span=AT))
    kind = draw(st.sampled_from(["mean", "share", "cov", "corr"]))
    if kind == "mean":
        return Mean(draw(affine_values), given_, span=AT)
    if kind == "share":
        return Share(draw(conditions), given_, span=AT)
    pair = Covariance if kind == "cov" else Correlation
    return pair(draw(affine_values), draw(data_values), given_, span=AT)


@cache
@st.composite
def dependences(draw, variables: tuple[str, ...]):
    """`independence` and its kin: of columns that no condition of theirs sets."""
    name = draw(st.sampled_from(sorted(DEPENDENCES)))
    of = draw(st.lists(st.sampled_from(("group a", "group_b", "label")), min_size=1, unique=True))
    label = draw(labels | st.just(Attribute("a label", span=AT))) if DEPENDENCES[name].given_label else None
    value = draw(st.just(Prediction(span=AT)) | affine_values)
    given_ = None
    if variables or draw(st.booleans()):
        other = Attribute("other", span=AT)
        held = [Membership(other, (Variable(each, span=AT),), span=AT) for each in variables]
        given_ = all_of(*held, *([] if held else [draw(comparisons(dated, orders, dates))]))
    return Dependence(name, value, tuple(Attribute(each, span=AT) for each in of), label, given_, span=AT)


@cache
def affine_expressions(leaf: st.SearchStrategy) -> st.SearchStrategy:
    """Expressions that hold `leaf` once; every other leaf is a number."""
    return st.recursive(
        leaf,
        lambda inner: (
            negative(inner)
            | arithmetic("+-", inner, numbers)
            | arithmetic("+-", numbers, inner)
            | arithmetic("*", factors, inner)
            | arithmetic("/", inner, factors)
        ),
        max_leaves=1,
    )


@cache
@st.composite
def convex_expressions(draw, variables: tuple[str, ...]):
    starred = affine_expressions(statistics(variables, star=True))
    plain = affine_expressions(statistics(variables))
    kind = draw(st.sampled_from(["abs", "max", "spread", "distribution", None]))
    if kind == "distribution":
        return Function("max", (draw(dependences(variables)), draw(plain)), span=AT)
    if kind is None:
        inner = convex_expressions(variables)
        return Arithmetic("+", draw(inner), draw(plain), span=AT) if draw(st.booleans()) else draw(plain)
    if kind == "abs":
        return Function(kind, (draw(plain),), span=AT)
    operands = (draw(starred), *draw(st.lists(plain, max_size=2)))
    return Function(kind, operands, span=AT)


@cache
@st.composite
def relations(draw, variables: tuple[str, ...]):
    plain = affine_expressions(statistics(variables))
    one_star = affine_expressions(statistics(variables, star=draw(st.booleans())))
    kind = draw(st.sampled_from(["equal", "small", "large", "range"]))
    if kind == "equal":
        return Relation(draw(one_star), "==", draw(plain), draw(st.none() | sizes), span=AT)
    if kind == "small":
        return Relation(draw(convex_expressions(variables)), "<=", draw(plain), span=AT)
    if kind == "large":
        right = Function("min", (draw(one_star),), span=AT)
        return Relation(right, ">=", draw(plain), span=AT)
    low, high = sorted((draw(sizes), draw(sizes)))
    return Range(Number(low, span=AT), draw(one_star), Number(high, span=AT), span=AT)


@st.composite
def statements(draw):
    variables = draw(st.sampled_from([(), VARIABLE_NAMES[:1], VARIABLE_NAMES[:2], VARIABLE_NAMES]))
    split = draw(st.integers(1, 3))
    groups = [group for group in (variables[:split], variables[split:]) if group]
    sets = st.lists(number_literals, min_size=3, max_size=4, unique=True).map(
        lambda values: ValueSet(tuple(values), span=AT)
    )
    binders = tuple(Binder(group, draw(data_columns | sets), span=AT) for group in groups)
    return Statement(
        draw(relations(variables)),
        binders,
        draw(st.none() | names),
        draw(st.none() | st.floats(0.001, 0.999)),
        draw(st.none() | st.floats(1e-9, 1e9)),
        span=AT,
    )


@FIXED
@given(statements())
def test_a_tree_prints_and_reads_back(statement: Statement) -> None:
    text = to_text([statement])
    read = parse_statements(text)
    assert read == (statement,)
    assert hash(read) == hash((statement,))
    assert to_text(read) == text
    assert "\n" not in text
    assert from_json(to_json([statement])) == (statement,)
    for node in walk(read[0]):
        piece = text[node.span.start : node.span.end]
        if isinstance(node, Mean):
            assert piece.startswith("E[")
            assert piece.endswith("]")
        elif isinstance(node, Attribute):
            assert piece == node_text(node)


@settings(FIXED, max_examples=40)
@given(st.lists(statements(), min_size=2, max_size=4))
def test_several_statements_are_each_read_alone(several: list[Statement]) -> None:
    unnamed = [replace(each, name=None) for each in several]
    together = parse_statements(to_text(unnamed))
    assert together == tuple(parse_statements(to_text([each]))[0] for each in unnamed)
    assert parse_statements(to_text(reversed(unnamed))) == together[::-1]
