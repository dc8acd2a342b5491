"""What the page of preferences says of generated pairs and of none, and the published figures beside them."""

from collections import Counter

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from report_cases import frames
from test_preference_statistics import fits_of, frame_of_pairs

from arenalake.entities.properties import CASES
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
    CASE_COUNTS,
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_STATS,
)
from arenalake.report.frames import PROPERTY_GROUPINGS
from arenalake.samples.preferences import preference_design, preference_records

JUDGES = ["human", "yi-6b", "zephyr-7b-beta"]


@pytest.fixture(scope="module")
def tables():
    records = preference_records(preference_design(seed=4, pairs=262), 0)
    for one in records:
        one["preference_labels"] = {judge: one["preference_labels"][judge] for judge in JUDGES}
    pairs = frame_of_pairs(records)
    fits = fits_of(pairs, folds=2)
    groups = pairs.group_by("source", "scenario_group").agg(pl.len().alias("all"), pl.col(*CASES).sum())
    cases = groups.unpivot(index=["source", "scenario_group"], variable_name="case", value_name="n_pairs")
    judged = compare_judges(counts.count_agreement(pairs), fits)
    found = {
        PROPERTY_STATS: summarise_properties(counts.count_values(pairs)),
        PROPERTY_CORRELATIONS: correlate_properties(counts.sum_products(pairs)),
        CASE_COUNTS: cases.filter(pl.col("n_pairs") > 0),
        PREFERENCE_WEIGHTS: list_weights(fits),
        PREFERENCE_FITS: fits,
        JUDGE_PAIRS: judged,
        JUDGE_RANKS: rank_judges(judged),
        JUDGE_ORDER: order_judges(fits),
    }
    found[PROPERTY_STATS] = found[PROPERTY_STATS].filter(pl.col("grouping").is_in(PROPERTY_GROUPINGS))
    return {table: rows.rows(named=True) for table, rows in found.items()}


def section(sections, title):
    return next(one for one in sections if one.title == title)


def test_the_page_has_means_beside_published_ones_weights_in_order_and_judges_in_theirs(tables):
    (of_source,) = build_preferences(frames(preferences=tables)).sections
    properties = section(of_source.sections, "Properties of the responses").tables[0]
    cells = [[cell.text for cell in row] for row in properties.rows]
    assert len(cells) == 29
    assert cells[0][:2] == ["harmless", "2.90"]
    assert next(row for row in cells if row[0] == "non-repetitive")[1] == "–"
    means = [row for row in tables[PROPERTY_STATS] if row["grouping"] == "all"]
    stances = next(row for row in means if row["property"] == "support stances")
    shown = next(row for row in cells if row[0] == "support stances")
    assert float(shown[2]) == pytest.approx(stances["mean"] + 2, abs=0.005)

    weights = section(of_source.sections, "What each judge prefers")
    human = weights.figures[0].spec["data"][0]
    assert human["x"] == sorted(human["x"], reverse=True)
    likeness = section(of_source.sections, "Which judges have similar preferences")
    assert len(likeness.figures[0].spec["data"][0]["z"]) == 3
    people = section(of_source.sections, "Who agrees with people")
    assert [cell.text for cell in people.tables[0].rows[0]][:2] == ["all pairs", "1"]
    correlations = section(of_source.sections, "Correlation of differences")
    for figure in (weights.figures[0], *likeness.figures, *people.figures, *correlations.figures):
        go.Figure(data=figure.spec["data"], layout=figure.spec["layout"])  # raises where plotly knows no such thing


def test_pairs_by_case_stand_beside_the_published_numbers_unless_they_are_few(tables):
    n = Counter()
    for row in tables[CASE_COUNTS]:
        n[row["case"]] += row["n_pairs"]
    least = min(n, key=n.get)

    def cells(**changes):
        (of_source,) = build_preferences(frames(**changes)).sections
        table = section(of_source.sections, "Cases of queries").tables[0]
        assert len(table.frame) == len(table.rows) == 6
        assert table.frame.loc[table.frame["hidden"], "n_pairs"].isna().all()
        return [tuple(cell.text for cell in row) for row in table.rows]

    shown = cells(preferences=tables, min_cell=1)
    assert shown == [
        ("all pairs", "5,240", "262"),
        ("queries without a clear intent", "459", str(n["intent_unclear"])),
        ("queries that express feelings", "121", str(n["express_feeling"])),
        ("queries with constraints", "1,418", str(n["w_constraints"])),
        ("queries with stances", "388", str(n["w_stances"])),
        ("queries with mistakes", "401", str(n["w_mistakes"])),
    ]
    some_hidden = cells(preferences=tables, min_cell=n[least] + 1)
    place = ["all", *CASES].index(least)
    assert some_hidden[place][1:] == (shown[place][1], "hidden")
    assert some_hidden[0] == shown[0]
    # No pair is a number like any other.
    none = [row for row in tables[CASE_COUNTS] if row["case"] != least]
    assert cells(preferences=tables | {CASE_COUNTS: none})[place][2] == "0"


def test_the_page_has_the_accuracy_of_each_fit_unless_it_is_about_few_pairs(tables):
    def accuracy(min_cell):
        (of_source,) = build_preferences(frames(preferences=tables, min_cell=min_cell)).sections
        return section(section(of_source.sections, "What each judge prefers").sections, "Accuracy of the fits")

    of_all = {row["judge"]: row for row in tables[PREFERENCE_FITS] if row["grouping"] == "all"}
    best = max(of_all.values(), key=lambda row: row["accuracy"])
    least = min(of_all.values(), key=lambda row: row["accuracy"])
    shown = accuracy(1)
    first = [cell.text for cell in shown.tables[0].rows[0]]
    assert first == ["all pairs", best["judge"], f"{best['accuracy']:.1%}".replace("%", " %"), str(best["n_pairs"])]
    assert f"{100 * least['accuracy']:.1f} % to {100 * best['accuracy']:.1f} %" in shown.sentences[0]
    # The files beside the page have the same rows, and nothing of the pairs that were left out.
    assert not {"n_left_out", "n_first", "weights"} & set(shown.tables[0].frame.columns)
    hidden = accuracy(10_000)
    assert {row[2].text for row in hidden.tables[0].rows} == {"hidden"}
    assert hidden.tables[0].frame[["accuracy", "n_pairs"]].isna().all(axis=None)
    assert "%" not in hidden.sentences[0]


def test_readers_choose_scope_and_judges_and_the_figure_comes_with_the_first_of_them(tables):
    (of_source,) = build_preferences(frames(preferences=tables)).sections
    figure = section(of_source.sections, "What each judge prefers").figures[0]
    choice = figure.spec["choice"]
    scopes, judges, others = (pick["options"] for pick in choice["picks"])
    assert scopes[:2] == ["all pairs", "Advice"]
    assert len(scopes) == 17
    assert scopes[-1] == "queries with mistakes"
    assert (judges, others) == (JUDGES, [*JUDGES, "(nobody)"])
    by_key = {(row["scope"], row["judge"], row["property"]): row for row in tables[PREFERENCE_WEIGHTS]}
    names = [name for name, _ in choice["names"]]
    point = choice["values"][scopes.index("Advice")][JUDGES.index("yi-6b")][names.index("lengthy")]
    row = by_key["Advice", "yi-6b", "lengthy"]
    assert point == pytest.approx([row["weight"], row["ci_lower"], row["ci_upper"]], abs=1e-4)
    assert choice["values"][0][len(JUDGES)] is None  # nobody
    # What stands there at first is what the selects say.
    for trace, numbers in zip(figure.spec["data"], choice["traces"], strict=True):
        chosen = [choice["picks"][number]["chosen"] for number in numbers]
        assert trace["name"] == choice["picks"][numbers[-1]]["options"][chosen[-1]]
        points = choice["values"][chosen[0]][chosen[1]]
        assert sorted(trace["x"]) == pytest.approx(sorted(point[0] for point in points), abs=1e-4)
    assert figure.spec["data"][1]["name"] in JUDGES[1:]

    squares = section(of_source.sections, "Which judges have similar preferences").figures[1].spec
    assert len(squares["choice"]["values"]) == 12
    of_all = next(
        row for row in tables[JUDGE_PAIRS] if (row["scope"], row["judge_a"], row["judge_b"]) == ("all", *JUDGES[:2])
    )
    order = [text.partition(" and ")[0] for text in np.array(squares["data"][0]["text"])[:, 0]]
    i, j = (order.index(judge) for judge in JUDGES[:2])
    assert squares["data"][0]["z"][i][j] == squares["data"][0]["z"][j][i] == pytest.approx(of_all["agreement"])
    assert squares["data"][0]["z"][i][i] == 1


def test_a_scenario_group_that_is_hidden_is_not_all_less_the_others(tables):
    n = Counter(row["n_pairs"] for row in tables[PREFERENCE_WEIGHTS] if row["grouping"] == "scenario_group")
    least = min(n)
    (of_source,) = build_preferences(frames(preferences=tables, min_cell=least + 1)).sections
    shown = section(of_source.sections, "What each judge prefers").all_tables()[0].frame
    groups = shown[(shown["grouping"] == "scenario_group") & (shown["judge"] == "human")]
    assert groups[groups["hidden"]]["scope"].nunique() >= 2
    assert groups[groups["hidden"]]["weight"].isna().all()


def test_a_judge_without_any_fit_stands_last_in_the_squares(tables):
    stranger = {"source": "gair", "grouping": "all", "scope": "all", "judge_a": "human", "judge_b": "a stranger"}
    pairs = [*tables[JUDGE_PAIRS], stranger | {"n_pairs": 20, "n_agree": 15, "agreement": 0.75}]
    (of_source,) = build_preferences(frames(preferences=tables | {JUDGE_PAIRS: pairs})).sections
    likeness = section(of_source.sections, "Which judges have similar preferences")
    similar, agree = (figure.spec["data"][0] for figure in likeness.figures)
    texts = agree["text"][-1]
    assert agree["z"][-1][texts.index("a stranger and human")] == 0.75
    assert similar["z"][-1][:-1] == [None] * 3


def test_rows_about_few_pairs_have_no_numbers(tables):
    (of_source,) = build_preferences(frames(preferences=tables, min_cell=10_000)).sections
    weights = section(of_source.sections, "What each judge prefers")
    assert {row[3].text for row in weights.all_tables()[0].rows} == {"hidden"}
    assert weights.figures[0].spec["data"][0]["x"] == []
    assert weights.figures[0].spec["choice"]["values"] == [[None] * 4] * 17
