"""Estimates against the truth that made the votes."""

import pandas as pd
import pytest

from arenalake.config import parse_config
from arenalake.errors import ConfigError
from arenalake.ratings.options import RatingsConfig
from arenalake.ratings.tables import RATINGS
from arenalake.samples import recovery
from arenalake.step import Context
from frames import frame_of

TRUTH = pd.DataFrame(
    [
        ("all", "strength", "a", 1100.0),
        ("all", "strength", "b", 900.0),
        ("all", "bradley_terry", "a", 1020.0),
        ("all", "bradley_terry", "b", 980.0),
    ],
    columns=["slice", "method", "model", "rating"],
)


def estimates(*rows):
    columns = ["source", "slice", "method", "unit", "component", "model", "rating", "ci_lower", "ci_upper"]
    return pd.DataFrame([("s", "all", "bradley_terry", "battle", 1, *row) for row in rows], columns=columns)


def test_an_interval_holds_the_truth_or_misses_it():
    found = recovery.compare_with_truth(
        estimates(("a", 1023.0, 1019.0, 1030.0), ("b", 977.0, 970.0, 979.0)), TRUTH, RatingsConfig()
    )
    row = found.iloc[0]
    assert (row["n_models"], row["n_covered"]) == (2, 1)
    assert row["mean_deviation"] == pytest.approx(3)
    assert row["rank_correlation"] == pytest.approx(1)


def test_another_scale_center_or_base_is_the_same_comparison():
    config = RatingsConfig(scale=200, base=100, center=0)
    quarter = estimates(("a", 6.0, 4.75, 7.0), ("b", -6.0, -7.0, -5.1))
    row = recovery.compare_with_truth(quarter, TRUTH, config).iloc[0]
    assert row["mean_deviation"] == pytest.approx(1)  # the truth is 5 and -5 here
    assert row["n_covered"] == 1


def test_an_unbounded_side_excludes_nothing_and_no_estimate_is_left_out():
    rows = estimates(("a", 1020.0, None, None), ("b", 980.0, 979.0, None), ("c", None, None, None))
    row = recovery.compare_with_truth(rows, TRUTH, RatingsConfig()).iloc[0]
    assert (row["n_models"], row["n_covered"]) == (2, 2)


def test_only_the_main_component_is_compared():
    rows = estimates(("a", 1020.0, 1019.0, 1021.0), ("b", 980.0, 979.0, 981.0), ("c", 1000.0, 999.0, 1001.0))
    rows.loc[2, "component"] = 2
    truth = pd.concat([TRUTH, TRUTH.head(1).assign(model="c"), TRUTH.tail(1).assign(model="c")])
    row = recovery.compare_with_truth(rows, truth, RatingsConfig()).iloc[0]
    assert (row["n_models"], row["n_covered"], row["mean_deviation"]) == (2, 2, 0)


def test_win_rates_are_compared_as_they_are():
    truth = TRUTH.replace({"method": {"bradley_terry": "win_rate"}, "rating": {1020.0: 0.6, 980.0: 0.4}})
    rates = estimates(("a", 0.62, 0.61, 0.65), ("b", 0.38, 0.3, 0.41)).assign(method="win_rate")
    row = recovery.compare_with_truth(rates, truth, RatingsConfig(scale=200)).iloc[0]
    assert (row["n_models"], row["n_covered"]) == (2, 1)
    assert row["mean_deviation"] == pytest.approx(0.02)


def config_of(lake, folder, source_path):
    sources = {"s": {"format": "arena", "path": str(source_path)}}
    generate = {"path": str(folder)}
    return parse_config({"storage": {"root": lake.root}, "sources": sources, "generate": generate})


def test_the_job_compares_what_generated_votes_gave(lake, tmp_path):
    config = config_of(lake, tmp_path, tmp_path / "chatbot_arena")
    with pytest.raises(ConfigError, match="run the job `generate` first"):
        recovery.run(Context(config, lake))
    (tmp_path / "truth" / "ratings").mkdir(parents=True)
    TRUTH.to_parquet(tmp_path / "truth" / "ratings" / "ratings.parquet")
    row = {
        "source": "s", "slice": "all", "method": "bradley_terry", "unit": "battle", "interval": "percentile",
        "component": 1, "n_battles": 9, "ci_lower": 900.0, "ci_upper": 1100.0,
    }  # fmt: skip
    rows = [row | {"model": "a", "rating": 1020.0}, row | {"model": "b", "rating": 980.0}]
    lake.store(RATINGS, frame_of(RATINGS, rows))
    assert recovery.run(Context(config, lake)).lines == [
        "recovery: s, all, bradley_terry: 2 of 2 intervals over battles contain the true rating; mean deviation 0.0 "
        "points; rank correlation with the true strengths 1.000"
    ]


def test_votes_of_people_have_no_truth(lake, tmp_path):
    config = config_of(lake, tmp_path, tmp_path / "elsewhere")
    assert recovery.run(Context(config, lake)).lines == [
        "recovery: no source reads generated votes, so there is nothing to compare"
    ]
