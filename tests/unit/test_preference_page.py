"""What the page of preferences says of generated pairs and of none, and the published figures beside them."""

import polars as pl
import pytest
from report_cases import frames
from test_preference_statistics import fits_of, frame_of_pairs

from arenalake.preferences import counts
from arenalake.preferences.page import build_preferences
from arenalake.preferences.statistics import (
    compare_judges,
    correlate_properties,
    list_weights,
    order_judges,
    rank_judges,
    summarise_properties,
)
from arenalake.preferences.tables import (
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_STATS,
)
from arenalake.report.static import figure_png
from arenalake.samples.preferences import preference_design, preference_records

JUDGES = ["human", "yi-6b", "zephyr-7b-beta"]


@pytest.fixture(scope="module")
def tables():
    records = preference_records(preference_design(seed=4, pairs=262), 0)
    for one in records:
        one["preference_labels"] = {judge: one["preference_labels"][judge] for judge in JUDGES}
    pairs = frame_of_pairs(records)
    fits = fits_of(pairs, folds=2)
    judged = compare_judges(counts.count_agreement(pairs), fits)
    found = {
        PROPERTY_STATS: summarise_properties(counts.count_values(pairs)),
        PROPERTY_CORRELATIONS: correlate_properties(counts.sum_products(pairs)),
        PREFERENCE_WEIGHTS: list_weights(fits),
        JUDGE_PAIRS: judged,
        JUDGE_RANKS: rank_judges(judged),
        JUDGE_ORDER: order_judges(fits),
    }
    of_all = {
        table: rows.filter(pl.col("grouping") == "all") if "grouping" in rows.columns else rows
        for table, rows in found.items()
    }
    return {table: rows.rows(named=True) for table, rows in of_all.items()}


def section(sections, title):
    return next(one for one in sections if one.title == title)


def test_the_page_has_means_beside_published_ones_weights_in_order_and_judges_in_theirs(tables):
    (of_source,) = build_preferences(frames(preferences=tables)).sections
    properties = section(of_source.sections, "Properties of the responses").tables[0]
    cells = [[cell.text for cell in row] for row in properties.rows]
    assert len(cells) == 29
    assert cells[0][:2] == ["harmless", "2.90"]
    assert next(row for row in cells if row[0] == "non-repetitive")[1] == "–"
    stances = next(row for row in tables[PROPERTY_STATS] if row["property"] == "support stances")
    shown = next(row for row in cells if row[0] == "support stances")
    assert float(shown[2]) == pytest.approx(stances["mean"] + 2, abs=0.005)

    weights = section(of_source.sections, "What each judge prefers")
    human = weights.figures[0].spec["data"][0]
    assert human["x"] == sorted(human["x"], reverse=True)
    assert [one.title for one in weights.sections if one.collapsed] == JUDGES[1:]
    likeness = section(of_source.sections, "Who prefers the same")
    assert len(likeness.figures[0].spec["data"][0]["z"]) == 3
    assert len(section(of_source.sections, "Who agrees with people").tables[0].rows) == 2
    for figure in (weights.figures[0], likeness.figures[0]):
        assert figure_png(figure).startswith(b"\x89PNG")


def test_rows_about_few_pairs_have_no_numbers(tables):
    (of_source,) = build_preferences(frames(preferences=tables, min_cell=10_000)).sections
    weights = section(of_source.sections, "What each judge prefers")
    assert {row[2].text for row in weights.tables[0].rows} == {"hidden"}
    assert weights.figures[0].spec["data"][0]["x"] == []
