"""The job `ratings` from battles and their counts to gold tables, and that nothing depends on how the work is split."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F
from rating_lakes import METHODS, MODELS, battles_of_a_crowd, config_of, counts_of, frame_of, messages_of, nothing_of
from stored import stored_frame

from arenalake.battles.tables import BATTLE_COUNTS, REMOVED_VOTES
from arenalake.entities.sides import add_side_sums
from arenalake.entities.tables import BATTLES, MESSAGES
from arenalake.errors import CallerError, ConfigError
from arenalake.lake import Lake
from arenalake.ratings.job import RatingPlan, run
from arenalake.ratings.model.style import StyledBattles, fit_style, standardise
from arenalake.ratings.options import THREE_OUTCOMES
from arenalake.ratings.spark.spread import count_votes, slice_rows
from arenalake.ratings.tables import (
    RATING_FITS,
    RATING_INFLUENCE,
    RATING_PAIRS,
    RATING_REPLICATES,
    RATING_SLICES,
    RATINGS,
    STYLE_COEFFICIENTS,
    STYLE_REPLICATES,
)
from arenalake.step import Context


def test_the_job_writes_its_tables_and_a_second_run_writes_nothing(spark, lake):
    battles = battles_of_a_crowd()
    lake.replace(BATTLES, frame_of(spark, battles, BATTLES))
    lake.replace(BATTLE_COUNTS, frame_of(spark, counts_of(battles), BATTLE_COUNTS))
    config = config_of(lake.root, ratings={"methods": ["bradley_terry"]})
    result = run(Context(config, lake))
    ratings = lake.load(RATINGS).to_pandas()
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
    rounds = stored_frame(lake, RATING_REPLICATES)
    assert rounds.groupby(["slice", "method"])["round"].agg(["min", "max", "size"]).to_numpy().tolist() == [
        [0, 39, 160]
    ] * len(rounds.groupby(["slice", "method"]))
    pairs = lake.load(RATING_PAIRS).filter(slice="all").to_pandas()
    assert len(pairs) == 6
    assert (pairs["n_above"] + pairs["n_below"] == 40).all()
    assert len(lake.load(RATING_FITS)) == rounds["slice"].nunique()
    assert result.lines[0] == "crowd: bradley_terry, 95 % intervals from 40 rounds over battles"
    assert len(result.lines) == 2 + len(MODELS)

    again = Lake(spark, config.storage)
    run(Context(config, again))
    assert again.versions()["written"] == {}

    anchored = config_of(lake.root, ratings={"anchor": {"model": "eel", "rating": 1000}})
    with pytest.raises(ConfigError, match="'eel' has no rated votes"):
        run(Context(anchored, again))


def test_style_control_needs_a_tokenizer_that_counts(lake):
    unknown = config_of(lake.root, ratings={"methods": ["style_control"], "style": {"tokenizer": "spm:llama"}})
    with pytest.raises(ConfigError, match="'spm:llama' is not among the names"):
        run(Context(unknown, lake))


def test_without_any_votes_the_tables_are_written_empty(lake):
    result = run(Context(config_of(lake.root, ratings={"methods": METHODS}, unit="judge"), lake))
    assert result.lines == ["ratings: no battles"]
    assert result.lacks == "battles"
    assert lake.exists(RATINGS)
    assert lake.load(RATINGS).is_empty()
    assert stored_frame(lake, RATING_REPLICATES).empty


def test_battles_that_were_not_counted_are_told_before_anything_is_rated(spark, lake):
    lake.append(BATTLES, frame_of(spark, battles_of_a_crowd(), BATTLES))
    with pytest.raises(CallerError, match="there are 400 battles, but battle_counts counts 0; run the job battle_st"):
        run(Context(config_of(lake.root, ratings={"methods": ["elo"]}), lake))
    assert not lake.exists(RATINGS)


def test_what_is_added_up_over_a_side_ends_at_the_turn_that_the_vote_is_about(spark):
    battles = battles_of_a_crowd().head(5).assign(turn=pd.Series([1, 2, None, 2, 2], dtype=object))
    messages = messages_of(battles, lost=battles["battle_id"][3]).assign(n_chars=lambda rows: 10 ** rows["position"])
    told = messages[messages["conversation_id"] != f"{battles['battle_id'][4]}/b"]
    frames = frame_of(spark, battles, BATTLES), frame_of(spark, told, MESSAGES)
    sums = {"chars": F.col("n_chars"), "tokens": F.element_at("n_tokens", "other")}
    found = add_side_sums(*frames, sums, role="assistant").orderBy("battle_id").toPandas()
    assert found["chars_a"].tolist()[:3] == [10, 1010, 1010]
    assert found["chars_b"].isna().tolist() == [False, False, False, True, True]
    assert found["tokens_a"].isna().all()
    assert add_side_sums(*frames, sums).orderBy("battle_id").toPandas()["chars_b"].tolist()[:2] == [11, 1111]


def test_slices_leave_out_rows_without_a_value_judge_models_and_small_slices(spark):
    battles = battles_of_a_crowd()
    config = config_of(ratings={"min_battles": 90})
    votes = count_votes(frame_of(spark, counts_of(battles), BATTLE_COUNTS), ratings=config.ratings).toPandas()
    sizes = votes.assign(n=votes["wins_a"] + votes["wins_b"] + votes["ties"]).groupby("slice")["n"].sum()
    human = battles[battles["judge_kind"] == "human"]
    by_language = human["language"].value_counts()
    assert by_language["German"] < 100 <= by_language["English"]
    assert sizes.to_dict() == {"all": len(human), "language=English": by_language["English"]} | (
        {"language=German": by_language["German"]} if by_language["German"] >= 90 else {}
    )
    assert (votes["model_a"] < votes["model_b"]).all()


def test_a_slice_by_month_is_the_same_from_counts_and_from_battles(spark):
    battles = battles_of_a_crowd()
    config = config_of(ratings={"min_battles": 1, "slices": ["month", "month,judge_kind"]})
    votes = count_votes(frame_of(spark, counts_of(battles), BATTLE_COUNTS), ratings=config.ratings).toPandas()
    sizes = votes.assign(n=votes["wins_a"] + votes["wins_b"] + votes["ties"]).groupby("slice")["n"].sum()
    expected = {"month=2023-04": 200, "month=2023-05": 180}
    assert sizes.to_dict() == expected | {f"{name},judge_kind=human": n for name, n in expected.items()}
    rows = slice_rows(frame_of(spark, battles, BATTLES), ratings=config.ratings).groupBy("slice").count().collect()
    assert {row["slice"]: row["count"] for row in rows} == sizes.to_dict()


def test_votes_are_counted_the_same_whichever_model_was_shown_first(spark):
    rows = [
        ("s", "human", "a,b=c", None, None, 1, None, None, None, "x", "y", "model_a", 3),
        ("s", "human", "a,b=c", None, None, 1, None, None, None, "y", "x", "model_a", 4),
        ("s", "human", "a,b=c", None, None, 1, None, None, None, "y", "x", "tie (bothbad)", 5),
        ("s", "human", "a,b=c", None, None, 1, None, None, None, "x", "y", "tie", 6),
        ("s", "human", "a,b=c", None, None, 1, None, None, None, "y", "x", "model_b", 7),
    ]
    config = config_of(ratings={"min_battles": 1, "slices": ["language,turn"]})
    votes = count_votes(spark.createDataFrame(rows, BATTLE_COUNTS.ddl), ratings=config.ratings)
    assert [tuple(row) for row in votes.collect()] == [("s", r"language=a\,b\=c,turn=1", "x", "y", 10, 4, 11)]


@pytest.mark.parametrize(
    ("unit", "outcome", "partitions"),
    [
        ("battle", "winner", (1, 7)),
        ("judge", "winner", (1, 7)),
        *[
            pytest.param(unit, outcome, (1, 7, 64), marks=pytest.mark.slow)
            for unit in ("battle", "judge")
            for outcome in ("winner", "score")
        ],
    ],
)
def test_the_results_are_the_same_bit_for_bit_for_any_number_of_partitions_and_any_order(
    spark, unit, outcome, partitions
):
    methods = METHODS if unit == "battle" else ["bradley_terry", "davidson", "style_control"]
    left_out = {"leave_out": ["language", "month", "judge"], "min_left_out": 8}
    settings = {"methods": methods, "slices": ["all"], **left_out}
    if outcome == "score":
        methods = [method for method in methods if method not in THREE_OUTCOMES]
        # Leave-outs are refused with scores.
        settings = {"methods": methods, "slices": ["all"], "outcome": "score", "pair_weights": "inverse"}
    config = config_of(ratings=settings, unit=unit)
    plan, battles = RatingPlan(config.ratings, config.bootstrap), battles_of_a_crowd()
    if outcome == "score":
        battles["score"] = np.random.default_rng(1).random(len(battles))
        battles.loc[::3, "score"] = None
    before = spark.conf.get("spark.sql.shuffle.partitions")
    found = []
    try:
        for seed, number in enumerate(partitions):
            spark.conf.set("spark.sql.shuffle.partitions", number)
            frames = {
                "battle_counts": _shuffled(spark, counts_of(battles), BATTLE_COUNTS, seed),
                "battles": _shuffled(spark, battles, BATTLES, seed),
                "removed_votes": nothing_of(spark, REMOVED_VOTES),
                "messages": _shuffled(spark, messages_of(battles), MESSAGES, seed),
            }
            tables = {}
            for table, build in (
                (STYLE_REPLICATES, plan.style_replicates),
                (RATING_REPLICATES, plan.replicates),
                (RATINGS, plan.ratings),
                (STYLE_COEFFICIENTS, plan.coefficients),
                *([(RATING_INFLUENCE, plan.influence)] if outcome == "winner" else []),
            ):
                rows = build(frames).toPandas()
                if table in (STYLE_REPLICATES, RATING_REPLICATES):
                    frames[table.name] = _shuffled(spark, rows, table, seed)
                tables[table.name] = _sorted(rows, table)
            found.append(tables)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    assert set(found[0]["ratings"]["method"]) == set(methods)
    if outcome == "winner":
        assert set(found[0]["rating_influence"]["left_out"]) == {"language", "month", "judge"}
    for tables in found[1:]:
        for name, table in tables.items():
            pd.testing.assert_frame_equal(table, found[0][name], check_exact=True)


@pytest.mark.parametrize("max_rows", [1000, pytest.param(100, id="in two stages", marks=pytest.mark.slow)])
def test_style_control_is_the_fit_of_the_differences_between_answers(spark, lake, max_rows):
    battles = battles_of_a_crowd()
    lake.replace(BATTLES, frame_of(spark, battles, BATTLES))
    lake.replace(BATTLE_COUNTS, frame_of(spark, counts_of(battles), BATTLE_COUNTS))
    lake.replace(MESSAGES, frame_of(spark, messages_of(battles), MESSAGES))
    style = {"covariates": ["tokens", "bold"], "max_rows_per_task": max_rows}
    settings = {"methods": ["style_control"], "slices": ["all"], "style": style}
    config = config_of(lake.root, ratings=settings, rounds=60)
    run(Context(config, lake))

    # The same by hand: sums over the answers, the differences, and the fit of all human votes with text.
    answers = messages_of(battles).query("role == 'assistant'")
    answers = answers.assign(tokens=[n["sample"] for n in answers["n_tokens"]], bold=answers["n_bold"])
    sums = answers.groupby("conversation_id")[["tokens", "bold"]].sum()
    human = battles[(battles["judge_kind"] == "human") & (battles["battle_id"] != "b0007")]
    a, b = (sums.loc[[f"{battle}/{side}" for battle in human["battle_id"]]].to_numpy() for side in "ab")
    style = standardise((a - b) / (a + b + 1))[0]
    score = human["winner"].map({"model_a": 1.0, "model_b": 0.0}).fillna(0.5).to_numpy()
    index = {model: number for number, model in enumerate(MODELS)}
    sides = (human[side].map(index).to_numpy(dtype=np.uint16) for side in ("model_a", "model_b"))
    fit = fit_style(StyledBattles(MODELS, *sides, score, style), ridge=0.5)

    coefficients = lake.load(STYLE_COEFFICIENTS).sort("covariate").to_pandas()
    assert coefficients["covariate"].tolist() == ["bold", "tokens"]
    assert coefficients["coefficient"].to_numpy() == pytest.approx(fit.beta[::-1], abs=1e-8)
    assert (coefficients["ci_lower"] < coefficients["coefficient"]).all()
    assert coefficients[["n_battles", "n_unmeasured"]].drop_duplicates().to_numpy().tolist() == [[len(human), 1]]
    ratings = lake.load(RATINGS).sort("interval", "model").to_pandas()
    expected = 1000 + 400 / np.log(10) * fit.theta
    assert ratings["rating"].to_numpy() == pytest.approx(np.tile(expected, 2), abs=1e-6)
    assert set(ratings["interval"]) == {"percentile", "sandwich"}
    assert lake.load(RATING_FITS)["nll"].to_list() == [pytest.approx(fit.loss)]
    assert len(stored_frame(lake, RATING_REPLICATES)) == 60 * 4
    assert len(lake.load(RATING_PAIRS)) == 6


def _shuffled(spark, rows, table, seed):
    return frame_of(spark, rows.sample(frac=1, random_state=seed), table).repartition(3)


def _sorted(frame, table):
    frame = frame if isinstance(frame, pd.DataFrame) else frame.toPandas()
    return frame.sort_values(list(table.key)).reset_index(drop=True)


def test_judges_give_their_own_sandwich_and_a_wider_interval_where_they_vote_alike(spark):
    votes = battles_of_a_crowd().query("judge_kind == 'human'")
    alike = pd.concat([votes.assign(battle_id=votes["battle_id"] + f"/{copy}") for copy in range(4)], ignore_index=True)
    alike["judge"] = alike["battle_id"].str.slice(0, 5)  # each judge casts one vote four times
    config = config_of(ratings={"slices": ["all"]}, unit="judge", rounds=400)
    plan = RatingPlan(config.ratings, config.bootstrap)
    counts, battles = frame_of(spark, counts_of(alike), BATTLE_COUNTS), frame_of(spark, alike, BATTLES)
    frames = {"battle_counts": counts, "battles": battles, "removed_votes": nothing_of(spark, REMOVED_VOTES)}
    rounds = plan.replicates(frames).toPandas()
    frames["rating_replicates"] = frame_of(spark, rounds, RATING_REPLICATES)
    table = plan.ratings(frames).toPandas()
    se = table.pivot_table(index="model", columns="interval", values="se")
    assert set(table["unit"]) == {"judge"}
    assert se["sandwich_judge"].to_numpy() == pytest.approx(2 * se["sandwich"].to_numpy(), rel=0.01)
    assert se["percentile"].to_numpy() == pytest.approx(se["sandwich_judge"].to_numpy(), rel=0.2)


def test_no_method_rates_what_the_cleaning_rules_removed(spark):
    battles = battles_of_a_crowd()
    gone = battles["battle_id"].str.endswith("3")
    rules = battles.assign(removed_by=np.where(gone, "outliers", None))
    config = config_of(ratings={"slices": ["all"], "methods": ["bradley_terry", "elo", "style_control"]}, rounds=2)
    frames = {
        "battles": frame_of(spark, battles, BATTLES),
        "messages": frame_of(spark, messages_of(battles), MESSAGES),
        "removed_votes": nothing_of(spark, REMOVED_VOTES),
    }
    marked = counts_of(rules)
    removed = rules[gone].assign(rule="outliers")[REMOVED_VOTES.column_names]

    def tables(counts, **more):
        plan, own = RatingPlan(config.ratings, config.bootstrap), {**frames, **more}
        own["battle_counts"] = frame_of(spark, counts, BATTLE_COUNTS)
        own["style_replicates"] = plan.style_replicates(own)
        return _sorted(plan.replicates(own), RATING_REPLICATES)

    cleaned = tables(marked, removed_votes=frame_of(spark, removed, REMOVED_VOTES))
    absent = tables(counts_of(battles[~gone]), battles=frame_of(spark, battles[~gone], BATTLES))
    assert set(cleaned["method"]) == {"bradley_terry", "elo", "style_control"}
    pd.testing.assert_frame_equal(cleaned, absent, check_exact=True)


def test_votes_can_be_sliced_by_every_column_and_small_slices_are_told(spark):
    battles = battles_of_a_crowd()
    battles = battles.assign(category=np.where(battles.index % 3, "math", None), turn=1 + battles.index % 2)
    battles["anony"] = battles.index % 10 > 0
    # Every second battle is long on one side; one battle has no text, another no measure on one side.
    messages = messages_of(battles)
    messages["n_tokens"] = [
        {"other" if talk == "b0008/a" else "sample": 90 if talk[4] in "13579" and talk.endswith("/b") else 10}
        for talk in messages["conversation_id"]
    ]
    one = ["language", "category", "turn", "anony", "month", "judge_kind", "length"]
    settings = {"slices": ["all", *one, "length,turn"], "min_battles": 150, "length": {"threshold": 120}}
    settings["leave_out"] = ["language", "judge"]
    config = config_of(ratings={**settings, "judge_kinds": ["human", "model"]})
    frames = {"battles": frame_of(spark, battles, BATTLES), "messages": frame_of(spark, messages, MESSAGES)}
    frames["removed_votes"] = nothing_of(spark, REMOVED_VOTES)
    plan = RatingPlan(config.ratings, config.bootstrap)
    found = plan.slices(frames).toPandas().set_index("slice")

    value_counts = {f"{name}={value}": n for name in one[:4] for value, n in battles[name].value_counts().items()}
    expected = {name.replace("=True", "=true").replace("=False", "=false"): n for name, n in value_counts.items()}
    expected |= {"all": 400, "month=2023-04": 200, "month=2023-05": 200}
    expected |= {"judge_kind=human": 380, "judge_kind=model": 20}
    # Without b0007 (no text) 199 battles are long, and without b0008 (half of it unmeasured) 199 are short.
    expected |= {"length=long": 199, "length=short": 199, "length=long,turn=2": 199, "length=short,turn=1": 199}
    assert found["n_battles"].to_dict() == expected
    assert (found["rated"] == ((found.index == "all") | (found["n_battles"] >= 150))).all()
    assert set(found["min_battles"]) == {150}
    rated = set(found.index[found["rated"]])
    assert rated == {row["slice"] for row in plan.votes(frames).select("slice").distinct().collect()}
    assert len(RATING_SLICES.column_names) == found.shape[1] + 1
    # No plan has a column twice, however the slices come about.
    assert plan.influence(frames).columns == RATING_INFLUENCE.column_names
