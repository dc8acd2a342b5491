"""`arenalake.rate` on a Spark DataFrame, and the job `ratings`: the same bits as in memory."""

import pandas as pd
import pytest
from rating_lakes import battles_of_a_crowd, config_of, counts_of, frame_of

import arenalake
from arenalake.battles.tables import BATTLE_COUNTS
from arenalake.entities.tables import BATTLES
from arenalake.errors import VotesError
from arenalake.ratings.job import run
from arenalake.ratings.tables import RATING_PAIRS, RATING_REPLICATES, RATINGS
from arenalake.step import Context

METHODS = ["bradley_terry", "davidson", "win_rate", "elo"]
KEYS = {
    "ratings": ["slice", "method", "unit", "interval", "model"],
    "replicates": ["slice", "method", "unit", "round", "model"],
    "pairs": ["slice", "method", "unit", "model_a", "model_b"],
}


@pytest.fixture(scope="module")
def votes():
    crowd = battles_of_a_crowd().query("judge_kind == 'human'").reset_index(drop=True)
    judges = crowd["judge"].fillna("nobody")
    return crowd[["model_a", "model_b", "winner", "language", "sequence"]].assign(judge=judges)


def test_a_spark_dataframe_gives_the_same_bits(spark, votes):
    # More rounds than a block has, and a method of each kind; the others are fitted by the same tasks.
    asked = {"method": ["davidson", "elo"], "judge": "judge", "by": "language", "rounds": 140, "min_battles": 60}
    local = arenalake.rate(votes, **asked)
    on_spark = arenalake.rate(spark.createDataFrame(votes).repartition(3, "model_b"), order="sequence", **asked)
    for name in ("slices", "ratings", "replicates", "pairs"):
        pd.testing.assert_frame_equal(getattr(on_spark, name), getattr(local, name), check_exact=True)
    assert repr(on_spark) == repr(local)


def test_the_job_gives_the_same_bits(spark, lake, votes):
    battles = battles_of_a_crowd().query("judge_kind == 'human'")
    lake.replace(BATTLES, frame_of(spark, battles, BATTLES))
    lake.replace(BATTLE_COUNTS, frame_of(spark, counts_of(battles), BATTLE_COUNTS))
    run(Context(config_of(lake.root, ratings={"methods": METHODS}), lake))
    local = arenalake.rate(votes, method=METHODS, by="language", rounds=40, min_battles=60)
    for name, table in {"ratings": RATINGS, "replicates": RATING_REPLICATES, "pairs": RATING_PAIRS}.items():
        ours, keys = getattr(local, name), KEYS[name]
        job = lake.read(table).drop("source").toPandas().astype(ours.dtypes.to_dict())
        one, two = (frame.sort_values(keys, ignore_index=True) for frame in (job, ours))
        pd.testing.assert_frame_equal(one, two, check_exact=True)


# The column of the winner holds names of models.
NAMED = {"model_a": "language", "winner": "model_b"}


def test_what_is_wrong_with_votes_is_told_as_for_other_tables(spark, votes):
    frame = spark.createDataFrame(votes)
    with pytest.raises(VotesError, match="order: rows of a Spark DataFrame have no order"):
        arenalake.rate(frame, method="elo")
    with pytest.raises(VotesError, match="order: 380 votes have only 2 different values"):
        arenalake.rate(frame, method="elo", order="language")
    for arguments in (
        {"winner": "language"},
        {"model_a": "modela"},
        {"judge": "model_a"},
        {"model_b": "winner"},
        NAMED,
    ):
        said = []
        for table in (votes.dropna(), frame.dropna()):
            with pytest.raises(VotesError) as error:
                arenalake.rate(table, **arguments)
            said.append(str(error.value))
        assert said[0] == said[1]
