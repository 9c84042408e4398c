"""Pictures: what is drawn, that nothing is shown, and what is refused. Matplotlib draws without a screen."""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest

import keras_fair as kf
from keras_fair import plots
from keras_fair.audit.result import Audit, Verdict
from tests.fronts.made import people
from tests.reports import made


@pytest.fixture(autouse=True)
def screenless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    matplotlib.use("agg")
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: pytest.fail("a picture was shown"))
    before = dict(matplotlib.rcParams)
    yield
    assert dict(matplotlib.rcParams) == before
    pyplot.close("all")


def drawn(figure: Any) -> None:
    """Draw it, which finds faults that lie in text and layout."""
    figure.canvas.draw()


def labels(axes: Any) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_gaps_of_every_verdict() -> None:
    axes = plots.gaps(made.mixed())
    drawn(axes.figure)
    assert labels(axes)[0] == "E[y | sex=Female] == E[y | sex=Male] +- 0.02"
    assert len(labels(axes)) == 7
    places = [
        line.get_xdata()[0] for line in axes.lines if line.get_marker() in "oD" and len(line.get_xdata())
    ]
    assert sorted(places) == [-0.1834, 0.0133, 0.0712, 0.29, 0.34, 0.42]
    whiskers = [tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"]
    assert (-0.1834 - 0.013, -0.1834 + 0.013) in whiskers
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert bands[0] == pytest.approx((-0.02, 0.02))
    assert bands[1] == pytest.approx((0.3, axes.get_xlim()[1]))
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert shown == ["violated", "undecided", "unestimable", "satisfied"]


def test_gaps_into_axes_of_the_caller() -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    assert plots.gaps(made.one(), axes) is axes
    drawn(figure)


def test_gaps_of_many_relations_are_the_worst() -> None:
    axes = plots.gaps(made.many(), most=10)
    drawn(axes.figure)
    assert len(labels(axes)) == 10
    assert axes.get_title() == "the 10 worst of 500 relations"
    assert all(name.startswith("pairs[a=zip") for name in labels(axes))


def test_gaps_of_odd_audits() -> None:
    drawn(plots.gaps(Audit((), samples=0)).figure)
    long = made.relation(
        "E[y] <= 0.5", 0.5, (-math.inf, 0.5), Verdict.UNDECIDED, name="$" + "x" * 90 + "$a_b$"
    )
    axes = plots.gaps(Audit((long,), samples=1))
    drawn(axes.figure)
    assert "…" in labels(axes)[0]
    with pytest.raises(ValueError, match="most=0"):
        plots.gaps(made.one(), most=0)


def test_distributions_before_and_after(rng: np.random.Generator) -> None:
    sex = rng.choice(["Female", "Male"], 400)
    before = rng.uniform(0, 0.8, 400)
    figure = plots.distributions(before[:, None], before / 2, sex, titles=("free", "fair $1"))
    drawn(figure)
    assert [axes.get_title() for axes in figure.axes] == ["free", r"fair \$1"]
    left, right = figure.axes
    means = [line.get_xdata()[0] for line in left.lines]
    assert means == pytest.approx([before[sex == name].mean() for name in ("Female", "Male")])
    assert [line.get_xdata()[0] for line in right.lines] == pytest.approx([mean / 2 for mean in means])
    area = [patch.get_data().values.sum() / 40 for patch in left.patches]
    assert area == pytest.approx([1.0] * 4)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [
        f"Female  (n = {(sex == 'Female').sum()})",
        f"Male  (n = {(sex == 'Male').sum()})",
        "mean of the group",
    ]


def test_distributions_of_overlapping_and_many_groups(rng: np.random.Generator) -> None:
    y = rng.normal(3, 2, 300)
    groups: dict[str, np.ndarray] = {"everyone": np.ones(300, bool), "nobody": np.zeros(300, bool)}
    groups |= {f"g{size}": np.arange(300) < size for size in range(10, 100, 10)}
    figure = plots.distributions(y, None, groups, domain=None, most=3)
    drawn(figure)
    (axes,) = figure.axes
    texts = [text.get_text().split("  ")[0] for text in figure.legends[0].get_texts()]
    assert texts == ["everyone", "g80", "g90", "mean of the group"]
    assert figure.get_suptitle() == "the 3 largest of 10 groups"
    assert axes.get_xlim() == (y.min(), y.max())


def test_distributions_of_one_score() -> None:
    drawn(plots.distributions([0.5, 0.5], [0.5, 0.5], ["a", "b"], domain=None))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.1, 0.2], [0.1], ["a", "b"]), "of one length"),
        (([0.1, math.nan], None, ["a", "b"]), "expected before as finite numbers"),
        (([0.1, 0.2], None, ["a"]), r"expected groups of shape \(2,\)"),
        (([0.1, 0.2], None, {"a": [False, False]}), "somebody in them"),
    ],
)
def test_distributions_refuse(arguments: tuple, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.distributions(*arguments)


def learnt(
    sizes: dict[str, int], text: str = "P[y >= 0.5 | g=*] <= 0.3", **more: Any
) -> tuple[Any, np.ndarray, dict]:
    """A rule without a promise, with the people that it was learnt from: scores evenly spread in a group."""
    groups = np.repeat(list(sizes), list(sizes.values()))
    scores = np.concatenate([np.arange(size) / size for size in sizes.values()])
    rule = kf.FrozenFairness(text, confidence=None, **more).fit(scores, {"g": groups})
    return rule, scores, {"g": groups}


def test_thresholds_of_each_group() -> None:
    rule, scores, attributes = learnt({"a": 40, "b": 80})
    figure = plots.thresholds(rule, scores[:, None], attributes)
    drawn(figure)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["g=a: 30.0% of 40 accepted", "g=b: 30.0% of 80 accepted"]
    for axes, name in zip(figure.axes, ("g=a", "g=b"), strict=True):
        places = [line.get_xdata()[0] for line in axes.lines]
        assert places == pytest.approx([*rule.groups[name]["thresholds"], 0.5])
        areas = [patch.get_data().values.sum() / 40 for patch in axes.patches]
        assert areas == pytest.approx([1.0, 0.3, 1.0])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["accepted", "threshold of the group", "y = 0.5"]


def test_thresholds_of_lots_nobody_and_many_groups() -> None:
    rule, scores, attributes = learnt({"a": 40, "b": 80}, "P[y >= 0.5] <= 0.3", randomise="allowed")
    (axes,) = plots.thresholds(rule, scores).axes
    assert axes.get_title(loc="left") == "everyone: 30.0% of 120 accepted"
    rule, scores, attributes = learnt({"a": 40, "b": 80, "c": 60})
    figure = plots.thresholds(rule, scores, attributes, most=2)
    drawn(figure)
    assert [axes.get_title(loc="left")[:3] for axes in figure.axes] == ["g=b", "g=c"]
    assert figure.get_suptitle() == "the 2 largest of 3 groups"
    with pytest.warns(UserWarning, match="accepts nobody"):
        rule, scores, attributes = learnt({"a": 40}, "P[y >= 0.5 | g=*] <= 0.001")
    (axes,) = plots.thresholds(rule, scores, attributes).axes
    assert axes.get_title(loc="left") == "g=a: 0.0% of 40 accepted"
    assert len(axes.lines) == 1


def test_thresholds_refuse() -> None:
    rule, scores, attributes = learnt({"a": 40})
    with pytest.raises(ValueError, match="most=0"):
        plots.thresholds(rule, scores, attributes, most=0)
    with pytest.raises(ValueError, match="groups that the rule knows, received none"):
        plots.thresholds(rule, [0.5], {"g": ["z"]})
    rule, scores, attributes = learnt({"a": 40, "b": 40}, "spread(E[y | g=*]) <= 0.1")
    with pytest.raises(ValueError, match="received one for scores"):
        plots.thresholds(rule, scores, attributes)


def test_frontier() -> None:
    promised = {0.1: 0.77, 0.01: None, 0.05: 0.76}
    courses = {"promised": promised, "free of promises": {0.05: 0.765, 0.1: math.nan}}
    axes = plots.frontier(courses, free=0.78, utility="balanced accuracy")
    drawn(axes.figure)
    first, lacking, *_ = axes.lines
    assert list(first.get_xdata()) == [0.05, 0.1]
    assert list(first.get_ydata()) == [0.76, 0.77]
    assert list(lacking.get_xdata()) == [0.01]
    assert axes.get_ylabel() == "balanced accuracy"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "promised",
        "promised: no rule",
        "free of promises",
        "free of promises: no rule",
        "without constraints",
    ]
    assert plots.frontier(courses, axes) is axes
    for nothing in ({}, {"promised": {0.1: None}}):
        with pytest.raises(ValueError, match="received none"):
            plots.frontier(nothing)


LOGS = {
    "loss": [0.7, 0.6, 0.5],
    "val_loss": [0.75, 0.65, 0.6],
    "parity_gap": [0.2, 0.1, 0.05],
    "parity_violation": [0.18, 0.08, 0.03],
    "val_parity_gap": [0.25, math.nan, 0.1],
    "val_parity_violation": [0.23, math.nan, 0.08],
    "val_late_gap": [0.0, 0.0, 0.0],
    "val_late_violation": [0.0, 0.0, 0.0],
    "relaxed_batches": [0, 0, 0],
}


def test_training_draws_loss_gaps_and_violations() -> None:
    figure = plots.training(LOGS, bounds={"parity": (-0.02, 0.02), "late": (-math.inf, 0.1)})
    drawn(figure)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "gap", "violation"]
    loss, gap, violation = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [LOGS["loss"], LOGS["val_loss"]]
    assert [list(line.get_xdata()) for line in loss.lines] == [[1, 2, 3]] * 2
    assert list(gap.lines[0].get_ydata()) == LOGS["parity_gap"]
    assert gap.lines[1].get_color() == gap.lines[0].get_color() == violation.lines[0].get_color()
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["loss", "parity", "late", "validation"]


def test_training_takes_the_history_of_fit() -> None:
    import keras

    rng = np.random.default_rng(0)
    x, sex, label = rng.normal(size=(64, 3)), rng.choice(["F", "M"], 64), rng.integers(0, 2, 64)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    monitor = kf.FairnessMonitor(
        "spread(E[y | sex=*]) <= 0.1", training_data=(x, label), attributes={"sex": sex}
    )
    history = model.fit(x, label, epochs=4, initial_epoch=2, verbose=0, callbacks=[monitor])
    figure = plots.training(history)
    drawn(figure)
    assert list(figure.axes[1].lines[0].get_xdata()) == [3, 4]
    assert figure.legends[0].get_texts()[1].get_text() == "spread(E[y | sex=*]) <= 0.1"


def test_training_of_many_constraints_keeps_the_most_violated() -> None:
    logs = {f"c{place}_{part}": [0.1 * place] * 2 for place in range(9) for part in ("gap", "violation")}
    figure = plots.training(logs, most=2)
    assert [axes.get_ylabel() for axes in figure.axes] == ["gap", "violation"]
    assert figure.get_suptitle() == "the 2 most violated of 9 constraints"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["c7", "c8"]


@pytest.mark.parametrize(
    ("logs", "words"),
    [
        ({"loss": [1.0]}, r"FairnessMonitor logs, received keys \['loss'\]"),
        ({"a_gap": [], "a_violation": []}, "epochs"),
    ],
)
def test_training_refuses(logs: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.training(logs)


STREAM = {
    "arrivals": np.array([1, 10, 100]),
    "gap": {"parity": np.array([math.nan, 0.1, 0.02]), "odds": np.array([0.4, 0.2, 0.1])},
    "violation": {"parity": np.array([0.0, 0.08, 0.0]), "odds": np.array([0.3, 0.1, 0.0])},
    "dual": {"parity": np.array([0.0, 1.0, 2.0]), "odds": np.array([-1.0, 1.0, 2.0])},
}


def test_stream_draws_what_it_is_given() -> None:
    figure = plots.stream(STREAM, bounds={"parity": (-0.02, 0.02)}, log=True)
    drawn(figure)
    assert [axes.get_ylabel() for axes in figure.axes] == ["pooled gap", "violation", "pull (dual)"]
    assert list(figure.axes[2].lines[1].get_ydata()) == [1.0, 1.0, 2.0]
    assert "about pull / N" in figure.axes[2].get_title(loc="left")
    assert figure.axes[0].get_xscale() == "log"
    assert len(figure.axes[0].patches) == 1
    alone = plots.stream(
        {key: STREAM[key] for key in ("arrivals", "gap")} | {"bounds": {"odds": (-1, 1)}}, most=1
    )
    drawn(alone)
    assert [text.get_text() for text in alone.legends[0].get_texts()] == ["odds: held from arrival 1 on"]
    assert alone.get_suptitle() == "Held from arrival 1 on\ndrawn: the 1 most violated of 2 constraints"
    assert len(alone.axes[0].patches) == 1


def test_stream_says_whether_it_held() -> None:
    def title(gap: list[float], bounds: tuple[float, float] = (-0.02, 0.02), **more: Any) -> str:
        history = {"arrivals": [1, 10, 1000], "gap": {"parity": gap}, "bounds": {"parity": bounds}}
        return plots.stream({**history, **more}).get_suptitle()

    assert title([0.3, 0.01, -0.02]) == "Held from arrival 10 on"
    assert title([math.nan, 0.01, 0.01]) == "Held from arrival 10 on"
    assert title([0.01, 0.03, 0.02 + 1e-8]) == "Held from arrival 1,000 on"
    assert title([0.01, 0.01, 0.0321]) == "Outside by 0.012 at arrival 1,000"
    assert title([0.7, 0.7, 0.7], (0.5, math.inf)) == "Held from arrival 1 on"
    assert title([math.nan] * 3) == "Not measured, a group is empty"
    assert title([0.3, 0.01, 0.0], every=4) == "Held from arrival 10 on (one in 4 batches is looked at)"
    two = plots.stream(STREAM, bounds={"parity": (-0.02, 0.02)})
    assert two.get_suptitle() == "2 of 2 constraints are within their bounds at the end"
    words = [text.get_text() for text in two.legends[0].get_texts()]
    assert words == ["parity: held from arrival 100 on", "odds: held from arrival 100 on"]
    late = {**STREAM, "violation": {**STREAM["violation"], "odds": np.array([0.3, 0.1, 0.05])}}
    assert plots.stream(late).get_suptitle() == "1 of 2 constraints are within their bounds at the end"
    without = plots.stream({"arrivals": [1, 10], "gap": {"parity": [0.1, 0.2]}})
    assert without.get_suptitle() == without.axes[0].get_title(loc="left") == ""
    assert "that bound shrinks as people arrive" in two.axes[0].get_title(loc="left")


def test_stream_shades_the_allowed_side_and_keeps_the_axis() -> None:
    history = {"arrivals": [1, 10], "gap": {"floor": [0.1, 0.3]}}
    axes = plots.stream(history, bounds={"floor": (0.2, math.inf)}).axes[0]
    (band,) = axes.patches
    assert band.get_y() == 0.2
    assert band.get_y() + band.get_height() > axes.get_ylim()[1]
    assert axes.get_ylim()[1] < 1


def test_the_rows_of_a_constraint_pull_together() -> None:
    rows = {"p [race=a]": np.array([-3.0, 1.0]), "p [race=b]": np.array([2.0, 0.0]), "other": np.zeros(2)}
    history = {"arrivals": [1, 2], "gap": {"p": [0.1, 0.1]}, "dual": rows}
    assert list(plots.stream(history).axes[1].lines[0].get_ydata()) == [3.0, 1.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arrivals": []}, "'arrivals'"),
        ({"gap": {}}, "'gap'"),
        ({"dual": {"parity": [1.0]}}, r"expected dual of 'parity' of shape \(3,\), received shape \(1,\)"),
    ],
)
def test_stream_refuses(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.stream({**STREAM, **change})
    with pytest.raises(ValueError, match="most=0"):
        plots.stream(STREAM, most=0)


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    for draw in (lambda: plots.gaps(made.one()), lambda: plots.stream(STREAM), lambda: plots.training(LOGS)):
        with pytest.raises(ImportError, match=r"pip install 'keras-fair\[plot\]'"):
            draw()


def test_plots_is_a_public_name() -> None:
    assert kf.plots is plots


def made_front(**settings: Any) -> kf.Front:
    made = people(200)
    front = kf.Front(
        ["demographic_parity(sex)", "demographic_parity(race)"],
        made.attributes,
        made.label,
        objectives=["error", "log_loss"],
        **settings,
    )
    front.correct(made.y, [0.0, 0.05, 0.1]).add("plain $x$", made.y)
    return front.add("bad", np.where(made.attributes["sex"] == "Male", 0.9, 0.1))


def test_front_shows_every_point_with_its_intervals() -> None:
    front = made_front()
    axes = front.plot()
    drawn(axes.figure)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("demographic_parity(sex)", "error")
    shown = {
        line.get_label(): sorted(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in axes.lines
        if line.get_marker() == "o"
    }
    for name, on in (("dominated", False), ("undominated", True)):
        assert shown[name] == sorted(
            (point.gaps["demographic_parity(sex)"].value, point.scores["error"].value)
            for point in front
            if point.undominated is on
        )
    whiskers = [path.vertices for each in axes.collections for path in each.get_paths()]
    for point in front:
        gap, score = point.gaps["demographic_parity(sex)"], point.scores["error"]
        across = [[gap.low, score.value], [gap.high, score.value]]
        along = [[gap.value, score.low], [gap.value, score.high]]
        for wanted in (across, along):
            assert any(each.shape == (2, 2) and np.allclose(each, wanted) for each in whiskers)


def test_front_of_another_text_and_objective_into_axes_of_the_caller() -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    front = made_front(confidence=None)
    assert plots.front(front, axes, text="demographic_parity(race)", objective="log_loss") is axes
    drawn(figure)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("demographic_parity(race)", "log_loss")


def test_front_counts_what_it_cannot_draw() -> None:
    made = people(200)
    front = kf.Front(
        "E[y | sex=X]", made.attributes, made.label, vocabulary={"sex": ["Female", "Male", "X"]}
    ).add("a", made.y)
    axes = front.plot()
    drawn(axes.figure)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["1 not estimable"]


def test_front_refuses_what_it_does_not_have() -> None:
    made = people(200)
    with pytest.raises(ValueError, match="points"):
        kf.Front("demographic_parity(sex)", made.attributes, made.label).plot()
    with pytest.raises(ValueError, match="text to be one of .*'demographic_parity\\(age\\)'"):
        made_front().plot(text="demographic_parity(age)")
    with pytest.raises(ValueError, match="objective to be one of .*'auc'"):
        made_front().plot(objective="auc")
