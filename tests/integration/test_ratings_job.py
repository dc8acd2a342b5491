"""The job `ratings` from a table of counts to ratings and rounds, and that neither depends on how the work is split."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from arenalake.config import parse_config
from arenalake.errors import ConfigError
from arenalake.lake import Lake
from arenalake.ratings.spread import bootstrap_ratings, count_votes, summarise_ratings
from arenalake.steps import Context
from arenalake.steps.ratings import run
from arenalake.tables import BATTLE_COUNTS, RATING_REPLICATES, RATINGS

SIZES = {"ratings": {"min_battles": 60, "slices": ["all", "language", "language,turn"]}, "bootstrap": {"rounds": 200}}


def _counts():
    """Two sources; one holds English and German votes, votes without a language, and votes of a judge model."""
    random = np.random.default_rng(3)
    rows = []
    for source, languages in (("crowd", ["English", "German", None]), ("expert", ["English"])):
        for language in languages:
            for first, second in (("ant", "bee"), ("bee", "cat"), ("cat", "ant"), ("dog", "ant"), ("bee", "dog")):
                for winner in ("model_a", "model_b", "tie", "tie (bothbad)"):
                    n = int(random.integers(1, 6 if language == "German" else 12))
                    rows.append((source, "human", language, None, 1, None, first, second, winner, n))
    rows.append(("crowd", "model", "English", None, 1, None, "ant", "bee", "model_a", 1000))
    return rows


def _context(lake, **sections):
    tree = {"storage": {"root": lake.root}, "mlflow": {"enabled": False}}
    return Context(parse_config({**tree, **SIZES, **sections}), lake)


@pytest.fixture
def counted(spark, lake):
    lake.replace(BATTLE_COUNTS, spark.createDataFrame(_counts(), BATTLE_COUNTS.ddl))
    return lake


def test_the_job_writes_ratings_and_rounds_and_a_second_run_writes_nothing(spark, counted):
    context = _context(counted)
    result = run(context)
    ratings = spark.read.table(counted.name_of(RATINGS)).toPandas()
    crowd = ratings[(ratings["source"] == "crowd") & (ratings["slice"] == "all")]
    assert sorted(crowd["model"].unique()) == ["ant", "bee", "cat", "dog"]
    assert set(crowd["interval"]) == {"percentile", "sandwich"}
    assert crowd.groupby("interval")["rating"].mean().to_numpy() == pytest.approx([1000, 1000])
    votes = sum(row[9] for row in _counts() if row[0] == "crowd" and row[1] == "human")
    assert crowd["n_battles"].sum() == 2 * 2 * votes
    percentile = crowd[crowd["interval"] == "percentile"]
    assert (percentile["ci_lower"] < percentile["rating"]).all()
    assert (percentile["rating"] < percentile["ci_upper"]).all()
    assert (percentile["rank_lower"] <= percentile["rank_upper"]).all()
    assert percentile["n_rounds"].unique().tolist() == [200]
    replicates = spark.read.table(counted.name_of(RATING_REPLICATES))
    rounds = replicates.where("source = 'crowd' AND slice = 'all'").groupBy("round").count()
    assert rounds.agg(F.min("round"), F.max("round"), F.min("count")).first()[:] == (0, 199, 4)
    assert result.lines[0] == "crowd: bradley_terry, 95 % intervals from 200 rounds over battles"
    assert len(result.tables["leaderboard_crowd"]) == 4

    again = Lake(spark, context.config.storage)
    run(Context(context.config, again))
    assert again.versions()["written"] == {}


def test_slices_leave_out_rows_without_a_value_judge_models_and_small_slices(spark):
    counts = spark.createDataFrame(_counts(), BATTLE_COUNTS.ddl)
    ratings = parse_config(
        {"storage": {"root": "x"}, "ratings": {"min_battles": 90, "slices": ["all", "language"]}}
    ).ratings
    votes = count_votes(counts, ratings=ratings).toPandas()
    sizes = votes.assign(n=votes["wins_a"] + votes["wins_b"] + votes["ties"]).groupby(["source", "slice"])["n"].sum()
    human = pd.DataFrame(_counts(), columns=BATTLE_COUNTS.column_names).query("judge_kind == 'human'")
    by_language = human.groupby(["source", "language"])["n"].sum()
    assert by_language["crowd", "German"] < 90 <= by_language["crowd", "English"]
    assert sizes["crowd", "all"] == human.query("source == 'crowd'")["n"].sum()
    assert sizes["crowd", "language=English"] == by_language["crowd", "English"]
    assert ("crowd", "language=German") not in sizes
    assert (votes["model_a"] < votes["model_b"]).all()


def test_votes_are_counted_the_same_whichever_model_was_shown_first(spark):
    rows = [
        ("s", "human", "a,b=c", None, 1, None, "x", "y", "model_a", 3),
        ("s", "human", "a,b=c", None, 1, None, "y", "x", "model_a", 4),
        ("s", "human", "a,b=c", None, 1, None, "y", "x", "tie (bothbad)", 5),
        ("s", "human", "a,b=c", None, 1, None, "x", "y", "tie", 6),
        ("s", "human", "a,b=c", None, 1, None, "y", "x", "model_b", 7),
    ]
    config = {"storage": {"root": "x"}, "ratings": {"min_battles": 1, "slices": ["language,turn"]}}
    votes = count_votes(spark.createDataFrame(rows, BATTLE_COUNTS.ddl), ratings=parse_config(config).ratings)
    assert [tuple(row) for row in votes.collect()] == [("s", r"language=a\,b\=c,turn=1", "x", "y", 10, 4, 11)]


def test_the_results_are_the_same_bit_for_bit_for_1_7_and_64_partitions_and_any_order(spark):
    config = parse_config({"storage": {"root": "x"}, **SIZES})
    before = spark.conf.get("spark.sql.shuffle.partitions")
    found = []
    try:
        for partitions, seed in ((1, 1), (7, 2), (64, 3)):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            rows = pd.DataFrame(_counts(), columns=BATTLE_COUNTS.column_names).sample(frac=1, random_state=seed)
            counts = spark.createDataFrame(
                [tuple(row) for row in rows.astype(object).values.tolist()], BATTLE_COUNTS.ddl
            )
            votes = count_votes(counts.repartition(partitions), ratings=config.ratings)
            rounds = bootstrap_ratings(votes, ratings=config.ratings, bootstrap=config.bootstrap)
            rounds = rounds.toPandas()
            spread = spark.createDataFrame(rounds.sample(frac=1, random_state=seed), RATING_REPLICATES.ddl)
            table = summarise_ratings(votes, spread, ratings=config.ratings).toPandas()
            found.append((_sorted(rounds, RATING_REPLICATES), _sorted(table, RATINGS)))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    for rounds, table in found[1:]:
        pd.testing.assert_frame_equal(rounds, found[0][0], check_exact=True)
        pd.testing.assert_frame_equal(table, found[0][1], check_exact=True)


def _sorted(frame, table):
    return frame.sort_values(list(table.key)).reset_index(drop=True)


def test_an_anchor_moves_its_component_and_an_unknown_one_is_the_callers_mistake(spark, counted):
    run(_context(counted))
    free = spark.read.table(counted.name_of(RATINGS)).toPandas()
    run(_context(counted, ratings={**SIZES["ratings"], "anchor": {"model": "ant", "rating": 1114}}))
    anchored = spark.read.table(counted.name_of(RATINGS)).toPandas()
    both = free.merge(anchored, on=list(RATINGS.key), suffixes=("_free", "_anchored"))
    ant = both[both["model"] == "ant"]
    assert ant["rating_anchored"].to_numpy() == pytest.approx(1114)
    assert both["se_anchored"].to_numpy() == pytest.approx(both["se_free"].to_numpy())
    width = [(both[f"ci_upper_{kind}"] - both[f"ci_lower_{kind}"]).to_numpy() for kind in ("free", "anchored")]
    assert width[0] == pytest.approx(width[1])
    with pytest.raises(ConfigError, match="'eel' has no votes"):
        run(_context(counted, ratings={**SIZES["ratings"], "anchor": {"model": "eel", "rating": 1000}}))


def test_without_any_votes_the_tables_are_written_empty(lake):
    result = run(_context(lake))
    assert result.lines == []
    assert lake.read(RATINGS).isEmpty()
    assert lake.read(RATING_REPLICATES).isEmpty()
