"""Figures as images and tables as plain HTML, and the count of bootstrap rounds that one figure shows."""

import math

import pandas as pd
import pytest

from arenalake.ratings.page_of_rounds import count_rounds
from arenalake.ratings.tables import RATING_REPLICATES
from arenalake.report import figures
from arenalake.report.parts import TableView, number_column, text_column
from arenalake.report.static import figure_png, table_html

NAMES = ["plain", "$dollars$ & <b>tags</b>"]
WORDS = {"caption": "caption", "words": "words"}
QUANTILES = {"p5": 1, "p25": 2, "p50": 3, "p75": 5, "p95": 9}
FIGURES = {
    "intervals": figures.intervals_by_name(
        axis="rating", names=NAMES, groups={"rating": [(1.0, 0.5, 2.0), (0.5, None, 1.0)]}, reference=1.0, **WORDS
    ),
    "boxes": figures.boxes_by_name(axis="tokens", names=NAMES, groups={"user": [QUANTILES, None]}, **WORDS),
    "rates": figures.heat_map(
        names=NAMES, values=[[None, 0.25], [0.75, None]], texts=[["", "a"], ["b", ""]], rates=True, **WORDS
    ),
    "counts": figures.heat_map(
        names=NAMES, values=[[None, 4], [4, None]], texts=[["", "a"], ["b", ""]], rates=False, **WORDS
    ),
    "calibration": figures.calibration(points=[(0.52, 0.5, "a"), (0.7, 0.8, "b")], **WORDS),
    "days": figures.days(dates=["2023-05-01", "2023-05-02"], counts=[3, 4], **WORDS),
    "curves": figures.curves(
        x_axis="threshold",
        y_axis="share",
        lines={name: [(1e-6, 1.0), (1e-3, 0.1), (1.0, None)] for name in NAMES},
        **WORDS,
    ),
    "spreads": figures.spreads(
        x_axis="rating", y_axis="share", lines={name: [(1005.0, 0.6), (1015.0, 0.4)] for name in NAMES}, **WORDS
    ),
}


@pytest.mark.parametrize("kind", FIGURES)
def test_every_kind_of_figure_is_drawn_and_equal_figures_give_equal_bytes(kind):
    image = figure_png(FIGURES[kind])
    assert image.startswith(b"\x89PNG")
    assert figure_png(FIGURES[kind]) == image


def test_other_numbers_give_another_image():
    other = figures.days(dates=["2023-05-01", "2023-05-02"], counts=[3, 5], **WORDS)
    assert figure_png(other) != figure_png(FIGURES["days"])


def test_a_table_is_plain_escaped_html_that_says_how_much_it_leaves_out():
    frame = pd.DataFrame({"model": ["<i>a", "b", "c"], "n": [1000, 2, 3]})
    view = TableView("A & B", [text_column("Model", "model"), number_column("Votes", "n")], frame, "file")
    assert table_html(view, 1) == (
        "<table><caption>A &amp; B</caption><tr><th>Model</th><th>Votes</th></tr>"
        "<tr><td>&lt;i&gt;a</td><td>1,000</td></tr></table><p>2 more rows.</p>"
    )
    assert "more rows" not in table_html(view, 3)


def test_rounds_are_counted_by_rating_and_those_without_a_finite_one_stay_apart(spark):
    ratings = [1000.0, 1009.9, 1010.0, -0.1, math.inf, -math.inf, -math.inf, None]
    rows = [("s", "all", "elo", "battle", number, "m", rating) for number, rating in enumerate(ratings)]
    counted = count_rounds(spark.createDataFrame(rows, RATING_REPLICATES.ddl), width=10)
    assert {row.low: row.n_rounds for row in counted.collect()} == {
        1000.0: 2, 1010.0: 1, -10.0: 1, math.inf: 1, -math.inf: 2, None: 1
    }  # fmt: skip
