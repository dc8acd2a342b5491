"""Rows of the gold tables and lines of the leaderboard, on cases that a reader can check."""

import numpy as np
import pandas as pd
import pytest
from rating_cases import votes_of

from arenalake.config import parse_config
from arenalake.ratings.board import leaderboard_lines
from arenalake.ratings.calibration import summarise_calibration
from arenalake.ratings.job import unrated_line
from arenalake.ratings.model.estimates import estimate_win_rate, rate
from arenalake.ratings.model.leaderboard import pair_rows, percentile_rows
from arenalake.ratings.model.ordered import OrderedBattles, estimate_ordered
from arenalake.ratings.tables import RATING_PAIRS


def _ratings(**options):
    return parse_config({"storage": {"root": "x"}, "ratings": options}).ratings


def test_pairs_count_the_rounds_in_which_one_is_above_and_leave_out_those_without_an_order():
    found = estimate_win_rate(votes_of({"AB": (3, 1, 0), "BC": (2, 2, 0)}))
    rounds = np.array([[3.0, 1, np.nan, 2], [1.0, 2, 2, 2], [-np.inf, -np.inf, -np.inf, 5]])
    rows = next(pair_rows(found, rounds, None)).set_index(["model_a", "model_b"])
    assert rows["n_above"].to_dict() == {("A", "B"): 1, ("A", "C"): 2, ("B", "C"): 3}
    assert rows["n_below"].to_dict() == {("A", "B"): 1, ("A", "C"): 1, ("B", "C"): 1}
    assert rows["probability_above"].tolist() == pytest.approx([0.5, 2 / 3, 0.75])
    assert set(rows["n_rounds"]) == {4}


def test_residuals_tell_where_a_prediction_is_off():
    votes = votes_of({"AB": (6, 2, 2), "BC": (1, 3, 0)})
    found = estimate_win_rate(votes)
    predicted = np.full((3, 3), 0.5)
    rows = next(pair_rows(found, np.zeros((3, 2)), predicted, votes)).set_index(["model_a", "model_b"])
    assert rows["n_battles"].to_dict() == {("A", "B"): 10, ("A", "C"): 0, ("B", "C"): 4}
    assert rows.loc[("A", "B"), "observed_win_rate"] == 0.7
    # Eight votes are half a win off and two are not at all: 2 / sqrt(8 / 4).
    assert rows.loc[("A", "B"), "residual"] == pytest.approx(2 / np.sqrt(2))
    assert rows.loc[("B", "C"), "residual"] == pytest.approx(-1)
    assert rows.loc[("A", "C"), ["observed_win_rate", "residual"]].isna().all()


def test_calibration_is_told_from_the_favourite(spark):
    # model_a, model_b, predicted, n, observed; the second pair is the first one from the other side.
    pairs = [("A", "B", 0.72, 10, 0.8), ("A", "C", 0.28, 30, 0.4), ("B", "C", 1.0, 5, 1.0), ("B", "D", 0.7, 0, None)]
    rows = [
        dict.fromkeys(RATING_PAIRS.column_names)
        | {"source": "s", "slice": "all", "method": "m", "unit": "battle", "model_a": a, "model_b": b, "n_battles": n}
        | {"predicted_win_rate": predicted, "observed_win_rate": observed, "n_above": 0, "n_below": 0, "n_rounds": 0}
        for a, b, predicted, n, observed in pairs
    ]
    frame = spark.createDataFrame([tuple(r[c] for c in RATING_PAIRS.column_names) for r in rows], RATING_PAIRS.ddl)
    found = summarise_calibration(frame).orderBy("predicted_from").toPandas()
    assert found["predicted_from"].tolist() == pytest.approx([0.7, 0.95])
    assert found[["n_pairs", "n_battles"]].to_numpy().tolist() == [[2, 40], [1, 5]]
    assert found["predicted_win_rate"].tolist() == pytest.approx([0.72, 1])
    assert found["observed_win_rate"].tolist() == pytest.approx([(8 + 30 * 0.6) / 40, 1])


def test_win_rates_are_means_over_the_opponents_met():
    found = estimate_win_rate(votes_of({"AB": (3, 0, 1), "AC": (1, 1, 0)}))
    assert dict(zip(found.models, found.rating, strict=True)) == {"A": (0.875 + 0.5) / 2, "B": 0.125, "C": 0.5}


def test_a_model_whose_votes_are_all_alike_has_an_interval_that_is_too_narrow():
    # Only ties for A; only wins for D, which Bradley-Terry leaves out and win rates do not.
    votes = votes_of({"AB": (0, 0, 4), "BC": (9, 7, 2), "BD": (0, 5, 0), "CE": (3, 3, 0)})
    narrow = "too narrow: all its votes are equal, so their variation is unknown"
    rows = percentile_rows(estimate_win_rate(votes), np.zeros((5, 2))).set_index("model")["note"]
    assert rows.to_dict() == {"A": narrow, "B": None, "C": None, "D": narrow, "E": None}
    found = rate(votes, "bradley_terry", _ratings())
    assert found.notes == ((narrow,), (), (), ("no estimate: only wins",), ())
    battles = [(0, 1, 1.0), (0, 1, 1.0), (1, 2, 0.5), (1, 2, 0.5), (1, 2, 0.0)]
    first, second, score = (list(column) for column in zip(*battles, strict=True))
    ordered = OrderedBattles(("A", "B", "C"), np.array(first), np.array(second), np.array(score))
    assert estimate_ordered(ordered, _ratings()).notes == ((narrow,), (), ())


def test_win_rates_rank_only_models_that_battles_connect():
    found = estimate_win_rate(votes_of({"AB": (3, 1, 0), "CD": (4, 1, 0)}))
    assert found.component.tolist() == [2, 2, 1, 1]
    rounds = np.array([[0.8, 0.7], [0.2, 0.3], [0.9, 0.8], [0.1, 0.2]])
    rows = percentile_rows(found, rounds)
    assert rows[["rank", "rank_ub", "rank_lower", "rank_upper"]].to_numpy().tolist() == [[1] * 4, [2] * 4] * 2
    separate = "separate component: not comparable with the main component"
    assert rows["note"].tolist() == [separate, separate, None, None]
    pairs = pd.concat(pair_rows(found, rounds, None))
    assert pairs[["model_a", "model_b"]].to_numpy().tolist() == [["C", "D"], ["A", "B"]]


def test_an_anchor_shifts_its_component_and_the_others_say_that_it_is_elsewhere():
    votes = votes_of({"AB": (3, 1, 0), "CD": (1, 1, 0), "DE": (1, 1, 0), "CE": (1, 1, 0)})
    anchored = rate(votes, "bradley_terry", _ratings(anchor={"model": "A", "rating": 1200}))
    free = rate(votes, "bradley_terry", _ratings())
    assert anchored.rating[:2] == pytest.approx([1200, 1200 - (free.rating[0] - free.rating[1])])
    assert anchored.rating[2:] == pytest.approx([1000, 1000, 1000])
    assert anchored.notes[2] == ("not anchored: A is not in this component",)
    assert rate(votes, "bradley_terry", _ratings(anchor={"model": "Z", "rating": 1})).notes[2] == (
        "not anchored: Z is not in this slice",
    )


def test_the_leaderboard_is_aligned_text_that_shows_what_does_not_exist():
    table = pd.DataFrame(
        {
            "method": "bradley_terry",
            "unit": "battle",
            "n_rounds": 100,
            "component": [1, 2],
            "rank": [1, None],
            "model": ["[bold]a\x1b[0m", "b"],
            "rating": [1012.34, None],
            "ci_lower": [1001.0, None],
            "ci_upper": [None, None],
            "n_battles": [1234, 5],
            "note": ["unbounded", "no estimate: only wins"],
        }
    )
    assert leaderboard_lines("crowd", table) == [
        "crowd: bradley_terry, 95 % intervals from 100 rounds over battles",
        "rank  model        rating  95 % interval  battles",
        "   1  [bold]a?[0m  1012.3  1001.0 to inf    1,234  unbounded",
        "   -  b                 -              -        5  no estimate: only wins",
    ]


def test_each_further_component_is_a_block_of_the_leaderboard():
    table = pd.DataFrame({"component": [1, 1, 2, 3, 3], "rank": [1, 2, 1, 1, None], "model": list("abcde")})
    table = table.assign(method="elo", unit="battle", n_rounds=9, rating=[9.0, 8.0, 7.0, 9.0, None], n_battles=5)
    table = table.assign(ci_lower=table["rating"] - 1, ci_upper=table["rating"] + 1, note=None)
    assert leaderboard_lines("s", table)[2:] == [
        "   1  a         9.0    8.0 to 10.0        5",
        "   2  b         8.0     7.0 to 9.0        5",
        "component 2, not comparable with the others:",
        "   1  c         7.0     6.0 to 8.0        5",
        "component 3, not comparable with the others:",
        "   1  d         9.0    8.0 to 10.0        5",
        "no rating:",
        "   -  e           -              -        5",
    ]


def test_models_without_an_estimate_have_no_numbers_but_their_battles():
    found = rate(votes_of({"AB": (1, 1, 0), "AC": (2, 0, 0)}), "bradley_terry", _ratings())
    rows = percentile_rows(found, np.array([[999.0, 1001], [1001, 999], [np.nan, np.nan]])).set_index("model")
    missing = rows.loc["C", ["rating", "se", "ci_lower", "ci_upper", "rank", "rank_ub", "rank_lower", "rank_upper"]]
    assert missing.isna().all()
    assert rows.loc["C", "n_battles"] == 2
    assert rows.loc[["A", "B"], "rank"].tolist() == [1, 1]


def test_a_source_of_which_nothing_is_rated_is_told_why():
    battles = pd.DataFrame({"judge_kind": ["model"], "removed_by": [None], "n": [3000]})
    assert unrated_line("s", battles, _ratings()) == (
        "s: none of 3,000 battles is rated: 3,000 are votes of judge_kind model, which is not among ratings.judge_kinds"
    )
    more = pd.DataFrame(
        {"judge_kind": ["model", "human", "human"], "removed_by": ["outliers", "outliers", None], "n": [5, 7, 2]}
    )
    assert unrated_line("s", more, _ratings(slices=["language"])) == (
        "s: none of 14 battles is rated: 5 are votes of judge_kind model, which is not among ratings.judge_kinds; "
        "7 are removed by cleaning.outliers; 2 lack a value of a column in ratings.slices (language)"
    )
