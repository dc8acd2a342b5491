"""The job `ratings` from battles and their counts to gold tables, and that nothing depends on how the work is split."""

import numpy as np
import pandas as pd
import pytest

from arenalake.config import parse_config
from arenalake.errors import ConfigError
from arenalake.lake import Lake
from arenalake.ratings.spread import count_votes
from arenalake.steps import Context
from arenalake.steps.ratings import RatingPlan, run
from arenalake.tables import BATTLE_COUNTS, BATTLES, RATING_FITS, RATING_PAIRS, RATING_REPLICATES, RATINGS

METHODS = ["bradley_terry", "bradley_terry_no_ties", "davidson", "rao_kupper", "win_rate", "elo"]
SLICES = {"min_battles": 60, "slices": ["all", "language"]}
MODELS = ("ant", "bee", "cat", "dog")


def _battles():
    """Source `crowd` with English and some German votes, some without a language, and votes of a judge model."""
    random = np.random.default_rng(3)
    strength = np.array([0.6, 0.2, -0.2, -0.6])
    rows = []
    for number in range(400):
        first, second = random.choice(4, 2, replace=False)
        wins = random.random() < 1 / (1 + np.exp(strength[second] - strength[first]))
        tie = random.choice([None, None, None, "tie", "tie (bothbad)"])
        row = dict.fromkeys(BATTLES.column_names)
        row.update(
            source="crowd",
            file="votes.csv",
            battle_id=f"b{number:04}",
            model_a=MODELS[first],
            model_b=MODELS[second],
            winner=tie or ("model_a" if wins else "model_b"),
            judge=f"judge {random.integers(40)}" if number % 50 else None,
            judge_kind="model" if number >= 380 else "human",
            language=("English", "English", "German", None)[number % 4] if number % 8 else "English",
            sequence=number,
        )
        rows.append(row)
    return pd.DataFrame(rows, columns=BATTLES.column_names)


def _counts(battles):
    keys = list(BATTLE_COUNTS.key)
    return battles.groupby(keys, dropna=False).size().reset_index(name="n")[BATTLE_COUNTS.column_names]


def _frame(spark, rows, table):
    values = rows.astype(object).where(rows.notna(), None).values.tolist()
    return spark.createDataFrame([tuple(row) for row in values], table.ddl)


def _config(root="x", *, ratings=None, **bootstrap):
    sections = {"storage": {"root": root}, "mlflow": {"enabled": False}}
    return parse_config(
        {**sections, "ratings": {**SLICES, **(ratings or {})}, "bootstrap": {"rounds": 40, **bootstrap}}
    )


def test_the_job_writes_its_tables_and_a_second_run_writes_nothing(spark, lake):
    battles = _battles()
    lake.replace(BATTLES, _frame(spark, battles, BATTLES))
    lake.replace(BATTLE_COUNTS, _frame(spark, _counts(battles), BATTLE_COUNTS))
    config = _config(lake.root, ratings={"methods": ["bradley_terry"]})
    result = run(Context(config, lake))
    ratings = lake.read(RATINGS).toPandas()
    crowd = ratings[(ratings["slice"] == "all") & (ratings["method"] == "bradley_terry")]
    assert crowd.groupby("interval")["model"].apply(sorted).to_dict() == {
        "percentile": list(MODELS),
        "sandwich": list(MODELS),
    }
    assert crowd.groupby("interval")["rating"].mean().to_numpy() == pytest.approx([1000, 1000])
    assert crowd["n_battles"].sum() == 2 * 2 * (battles["judge_kind"] == "human").sum()
    percentile = crowd[crowd["interval"] == "percentile"]
    assert (percentile["ci_lower"] < percentile["rating"]).all()
    assert (percentile["rating"] < percentile["ci_upper"]).all()
    assert (percentile["rank_lower"] <= percentile["rank_upper"]).all()
    assert sorted(percentile["rank"]) == [1, 2, 3, 4]
    rounds = lake.read(RATING_REPLICATES).toPandas()
    assert rounds.groupby(["slice", "method"])["round"].agg(["min", "max", "size"]).to_numpy().tolist() == [
        [0, 39, 160]
    ] * len(rounds.groupby(["slice", "method"]))
    pairs = lake.read(RATING_PAIRS).toPandas().query("slice == 'all'")
    assert len(pairs) == 6
    assert (pairs["n_above"] + pairs["n_below"] == 40).all()
    assert lake.read(RATING_FITS).count() == rounds["slice"].nunique()
    assert result.lines[0] == "crowd: bradley_terry, 95 % intervals from 40 rounds over battles"
    assert len(result.lines) == 2 + len(MODELS)

    again = Lake(spark, config.storage)
    run(Context(config, again))
    assert again.versions()["written"] == {}

    anchored = _config(lake.root, ratings={"anchor": {"model": "eel", "rating": 1000}})
    with pytest.raises(ConfigError, match="'eel' has no votes"):
        run(Context(anchored, again))


def test_without_any_votes_the_tables_are_written_empty(lake):
    result = run(Context(_config(lake.root, ratings={"methods": METHODS}, unit="judge"), lake))
    assert result.lines == []
    assert lake.read(RATINGS).isEmpty()
    assert lake.read(RATING_REPLICATES).isEmpty()


def test_slices_leave_out_rows_without_a_value_judge_models_and_small_slices(spark):
    battles = _battles()
    config = _config(ratings={"min_battles": 90})
    votes = count_votes(_frame(spark, _counts(battles), BATTLE_COUNTS), ratings=config.ratings).toPandas()
    sizes = votes.assign(n=votes["wins_a"] + votes["wins_b"] + votes["ties"]).groupby("slice")["n"].sum()
    human = battles[battles["judge_kind"] == "human"]
    by_language = human["language"].value_counts()
    assert by_language["German"] < 100 <= by_language["English"]
    assert sizes.to_dict() == {"all": len(human), "language=English": by_language["English"]} | (
        {"language=German": by_language["German"]} if by_language["German"] >= 90 else {}
    )
    assert (votes["model_a"] < votes["model_b"]).all()


def test_votes_are_counted_the_same_whichever_model_was_shown_first(spark):
    rows = [
        ("s", "human", "a,b=c", None, 1, None, "x", "y", "model_a", 3),
        ("s", "human", "a,b=c", None, 1, None, "y", "x", "model_a", 4),
        ("s", "human", "a,b=c", None, 1, None, "y", "x", "tie (bothbad)", 5),
        ("s", "human", "a,b=c", None, 1, None, "x", "y", "tie", 6),
        ("s", "human", "a,b=c", None, 1, None, "y", "x", "model_b", 7),
    ]
    config = _config(ratings={"min_battles": 1, "slices": ["language,turn"]})
    votes = count_votes(spark.createDataFrame(rows, BATTLE_COUNTS.ddl), ratings=config.ratings)
    assert [tuple(row) for row in votes.collect()] == [("s", r"language=a\,b\=c,turn=1", "x", "y", 10, 4, 11)]


@pytest.mark.parametrize("unit", ["battle", "judge"])
def test_the_results_are_the_same_bit_for_bit_for_1_7_and_64_partitions_and_any_order(spark, unit):
    methods = METHODS if unit == "battle" else ["bradley_terry", "davidson"]
    config = _config(ratings={"methods": methods, "slices": ["all"]}, unit=unit)
    plan, battles = RatingPlan(config.ratings, config.bootstrap), _battles()
    before = spark.conf.get("spark.sql.shuffle.partitions")
    found = []
    try:
        for partitions, seed in ((1, 1), (7, 2), (64, 3)):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            counts = _shuffled(spark, _counts(battles), BATTLE_COUNTS, seed)
            ballots = _shuffled(spark, battles, BATTLES, seed)
            rounds = plan.replicates(counts, ballots).toPandas()
            again = _shuffled(spark, rounds, RATING_REPLICATES, seed)
            found.append((_sorted(rounds, RATING_REPLICATES), _sorted(plan.ratings(again, counts, ballots), RATINGS)))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    assert set(found[0][1]["method"]) == set(methods)
    for rounds, table in found[1:]:
        pd.testing.assert_frame_equal(rounds, found[0][0], check_exact=True)
        pd.testing.assert_frame_equal(table, found[0][1], check_exact=True)


def _shuffled(spark, rows, table, seed):
    return _frame(spark, rows.sample(frac=1, random_state=seed), table).repartition(3)


def _sorted(frame, table):
    frame = frame if isinstance(frame, pd.DataFrame) else frame.toPandas()
    return frame.sort_values(list(table.key)).reset_index(drop=True)


def test_judges_give_their_own_sandwich_and_a_wider_interval_where_they_vote_alike(spark):
    votes = _battles().query("judge_kind == 'human'")
    alike = pd.concat([votes.assign(battle_id=votes["battle_id"] + f"/{copy}") for copy in range(4)], ignore_index=True)
    alike["judge"] = alike["battle_id"].str.slice(0, 5)  # each judge casts one vote four times
    config = _config(ratings={"slices": ["all"]}, unit="judge", rounds=400)
    plan = RatingPlan(config.ratings, config.bootstrap)
    counts, battles = _frame(spark, _counts(alike), BATTLE_COUNTS), _frame(spark, alike, BATTLES)
    rounds = plan.replicates(counts, battles).toPandas()
    table = plan.ratings(_frame(spark, rounds, RATING_REPLICATES), counts, battles).toPandas()
    se = table.pivot_table(index="model", columns="interval", values="se")
    assert set(table["unit"]) == {"judge"}
    assert se["sandwich_judge"].to_numpy() == pytest.approx(2 * se["sandwich"].to_numpy(), rel=0.01)
    assert se["percentile"].to_numpy() == pytest.approx(se["sandwich_judge"].to_numpy(), rel=0.2)
