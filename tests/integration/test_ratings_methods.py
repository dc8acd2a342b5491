"""Every method through the job: the same as in NumPy alone, and sources that say little beside one that says much."""

import numpy as np
import pandas as pd
import pytest
from rating_lakes import METHODS, MODELS, battles_of_a_crowd, config_of, counts_of, frame_of, messages_of
from stored import stored_frame

from arenalake.battles.tables import BATTLE_COUNTS
from arenalake.entities.tables import BATTLES, MESSAGES
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.ratings.job import run
from arenalake.ratings.model.elo import EloRules, elo_ratings, elo_rounds
from arenalake.ratings.model.estimates import COUNTED, rate, rate_rounds
from arenalake.ratings.model.judges import draw_judges
from arenalake.ratings.model.replicates import resample_battles
from arenalake.ratings.model.resampling import resample_rows
from arenalake.ratings.model.style import StyledBattles, fit_style, replicate_style, standardise
from arenalake.ratings.model.votes import tally
from arenalake.ratings.tables import (
    RATING_CALIBRATION,
    RATING_FITS,
    RATING_INFLUENCE,
    RATING_PAIRS,
    RATING_REPLICATES,
    RATINGS,
)
from arenalake.step import Context

ROUNDS = 40
# Beside the crowd.
POOR = {
    "one model wins all": {("x", "y"): (5, 0, 0)},
    "one vote": {("x", "y"): (1, 0, 0)},
    "one tie": {("x", "y"): (0, 0, 1)},
    "a baseline beats everybody": {("base", "x"): (4, 0, 0), ("base", "y"): (4, 0, 0)},
}
MOSTLY_TIES = {("x", "y"): (30, 10, 60)}
SCORES = {"model_a": 1.0, "model_b": 0.0, "tie": 0.5, "tie (bothbad)": 0.5}


def votes(outcomes, source="s"):
    """Battles of {("x", "y"): (x wins, y wins, ties)}, each by a judge of its own."""
    rows = [
        (pair, winner)
        for pair, numbers in outcomes.items()
        for winner, number in zip(("model_a", "model_b", "tie"), numbers, strict=True)
        for _ in range(number)
    ]
    battles = pd.DataFrame(index=range(len(rows)), columns=BATTLES.column_names, dtype=object)
    return battles.assign(
        source=source,
        file="votes.csv",
        battle_id=[f"b{number:04}" for number in range(len(rows))],
        model_a=[pair[0] for pair, _ in rows],
        model_b=[pair[1] for pair, _ in rows],
        winner=[winner for _, winner in rows],
        judge=[f"judge {number}" for number in range(len(rows))],
        judge_kind="human",
        sequence=range(len(rows)),
    )


def rated(spark, lake, battles, messages=None, *, unit="battle", **ratings):
    """The job's lake and what it prints."""
    lake.replace(BATTLES, frame_of(spark, battles, BATTLES))
    lake.replace(BATTLE_COUNTS, frame_of(spark, counts_of(battles), BATTLE_COUNTS))
    if messages is not None:
        lake.replace(MESSAGES, frame_of(spark, messages, MESSAGES))
    config = config_of(lake.root, ratings={"slices": ["all"], **ratings}, unit=unit, rounds=ROUNDS)
    return run(Context(config, lake)).lines


@pytest.fixture(scope="module", params=["battle", "judge"])
def several(request, spark, tmp_path_factory):
    """The unit, the lake and what is printed where the crowd and sources that say little are rated by every method."""
    crowd = battles_of_a_crowd()
    others = [votes(outcomes, source) for source, outcomes in {**POOR, "mostly ties": MOSTLY_TIES}.items()]
    battles = pd.concat([crowd.astype(object), *others], ignore_index=True)
    texts = [messages_of(crowd), *(messages_of(own).assign(source=own["source"][0]) for own in others)]
    lake = Lake(spark, StorageConfig(root=str(tmp_path_factory.mktemp("several") / "lake")))
    settings = {"methods": METHODS, "leave_out": ["language", "month", "judge"], "min_left_out": 1}
    lines = rated(spark, lake, battles, pd.concat(texts, ignore_index=True), unit=request.param, **settings)
    return request.param, lake, lines


def judge_draws(keys):
    """How often each battle is drawn in a round that draws judges."""
    judge, judges = pd.factorize(np.asarray(keys), sort=True)
    return lambda round_: draw_judges(len(judges), 0, round_)[judge].astype(np.float64)


def test_every_method_gives_in_spark_tasks_what_it_gives_in_numpy(several):
    unit, lake, _ = several
    battles = battles_of_a_crowd()
    messages = messages_of(battles)
    config = config_of(ratings={"methods": METHODS}).ratings
    human = battles[battles["judge_kind"] == "human"].reset_index(drop=True)
    first, second = (pd.Index(MODELS).get_indexer(human[side]) for side in ("model_a", "model_b"))
    score = human["winner"].map(SCORES).to_numpy()
    outcome = np.select([score == 1, score == 0], [0, 1], 2)
    keys = np.where(human["judge"].isna(), "vote " + human["battle_id"], "judge " + human["judge"].fillna(""))
    expected, rounds = {}, {}

    counted = tally(MODELS, first, second, outcome)
    if unit == "battle":
        resample = resample_battles(counted, 0)
    else:
        styled = StyledBattles(MODELS, first, second, score, np.zeros((len(human), 1)))
        draws = judge_draws(keys)

        def resample(some):
            return np.stack([styled.count(draws(round_)) for round_ in some], axis=2)

    for method in COUNTED:
        expected[method] = rate(counted, method, config).rating
        rounds[method] = rate_rounds(counted, method, resample, range(ROUNDS), config)

    expected["elo"] = elo_ratings(first, second, score, len(MODELS), EloRules())
    rounds["elo"] = elo_rounds(first, second, score, len(MODELS), 0, range(ROUNDS), EloRules())

    answers = messages[messages["role"] == "assistant"]
    sums = answers.assign(tokens=[n["sample"] for n in answers["n_tokens"]])
    sums = sums.groupby("conversation_id")[["tokens", "n_headers", "n_list_items", "n_bold"]].sum()
    known = (human["battle_id"] != "b0007").to_numpy()  # has no text
    a, b = (sums.loc[human["battle_id"][known] + f"/{side}"].to_numpy() for side in "ab")
    style = standardise((a - b) / (a + b + 1))[0]
    sides = first[known].astype(np.uint16), second[known].astype(np.uint16)
    fit = fit_style(StyledBattles(MODELS, *sides, score[known], style), ridge=config.style.ridge)
    weights = (
        judge_draws(keys[known])
        if unit == "judge"
        else (lambda round_: resample_rows(int(known.sum()), 0, round_).astype(np.float64))
    )
    points = 400 / np.log(10)
    expected["style_control"] = 1000 + points * fit.theta
    rounds["style_control"] = 1000 + points * replicate_style(fit, weights, range(ROUNDS))[0]

    assert set(expected) == set(METHODS)
    of_crowd = lake.load(RATINGS).filter(source="crowd", interval="percentile").to_pandas()
    table = of_crowd.set_index(["method", "model"])["rating"]
    drawn = stored_frame(lake, RATING_REPLICATES).query("source == 'crowd'")
    drawn = drawn.pivot_table(index=["method", "model"], columns="round", values="rating", dropna=False)
    for method in METHODS:
        assert table[method].reindex(MODELS).to_numpy() == pytest.approx(expected[method], abs=1e-9), method
        assert drawn.loc[method].reindex(MODELS).to_numpy() == pytest.approx(rounds[method], abs=1e-9), method


def test_ties_left_out_are_left_out_in_spark_tasks_too(several):
    unit, lake, _ = several
    without_ties = {"source": "mostly ties", "method": "bradley_terry_no_ties"}
    rows = lake.load(RATINGS).filter(**without_ties, model="x").to_pandas()
    se = rows.set_index("interval")["se"]
    # The variance of log odds is 1 / (n p (1 - p)); either model has half of the distance.
    assert se["sandwich"] == pytest.approx(31.7164, abs=1e-4)
    if unit == "judge":  # each judge casts one vote, so there is only the factor for 100 judges
        assert se["sandwich_judge"] == pytest.approx(31.7164 * np.sqrt(100 / 99), abs=1e-3)
    # Half of log10(3) times 400 around 1000.
    assert rows["rating"].tolist() == pytest.approx([1095.4243] * len(rows), abs=1e-4)
    (pair,) = lake.load(RATING_PAIRS).filter(**without_ties).to_dicts()
    assert pair["predicted_win_rate"] == pytest.approx(0.75)
    assert (pair["n_battles"], pair["observed_win_rate"]) == (40, 0.75)
    (fit,) = lake.load(RATING_FITS).filter(**without_ties).to_dicts()
    assert (fit["n_battles"], fit["n_parameters"]) == (40, 1)
    assert fit["nll"] == pytest.approx(0.5623, abs=1e-4)
    assert fit["aic"] == pytest.approx(46.9868, abs=1e-4)


def test_sources_that_say_little_are_told_so_and_leave_the_others_alone(several):
    _, lake, lines = several
    assert sum("95 % intervals from" in line for line in lines) == 2 + len(POOR)
    table = lake.load(RATINGS).to_pandas()
    assert set(table["method"]) == set(METHODS)
    crowd = table[(table["source"] == "crowd") & (table["interval"] == "percentile")]
    assert crowd["rating"].notna().all()
    assert crowd[["ci_lower", "ci_upper"]].notna().all(axis=None)
    few = table[(table["method"] == "bradley_terry") & (table["interval"] == "percentile")]
    few = few.set_index(["source", "model"])
    assert few.loc["one model wins all", "note"].to_dict() == {
        "x": "no estimate: only wins",
        "y": "no estimate: only losses",
    }
    assert few.loc["one vote", "note"].to_dict() == {"x": "no estimate: only wins", "y": "no estimate: only losses"}
    assert few.loc["a baseline beats everybody", "note"]["base"] == "no estimate: only wins"
    assert few.loc["one tie", "rating"].tolist() == [1000, 1000]
    missing = few.loc[["one model wins all", "one vote", "a baseline beats everybody"]]
    assert missing[["rating", "se", "ci_lower", "ci_upper", "rank"]].isna().all(axis=None)
    # Wins and their order are known, so that win rates and Elo exist.
    rate = table[(table["source"] == "one model wins all") & (table["method"] == "win_rate")].set_index("model")
    assert rate["rating"].to_dict() == {"x": 1, "y": 0}
    assert set(lake.load(RATING_CALIBRATION)["source"]) >= {"crowd"}
    assert "crowd" in set(lake.load(RATING_INFLUENCE)["source"])


def test_every_method_ranks_models_within_components_and_an_anchor_moves_only_its_own(spark, lake):
    # More models in one component, more battles in the other.
    battles = votes({("a", "b"): (30, 20, 0), ("c", "d"): (3, 2, 1), ("d", "e"): (3, 2, 1), ("e", "c"): (3, 2, 1)})
    methods = ["bradley_terry", "elo", "win_rate"]
    settings = {"methods": methods, "anchor": {"model": "b", "rating": 1300}}
    lines = rated(spark, lake, battles, **settings)
    table = lake.load(RATINGS).filter(interval="percentile").to_pandas().set_index(["method", "model"])
    pairs = lake.load(RATING_PAIRS).to_pandas()
    separate = "separate component: not comparable with the main component"
    for method in methods:
        own = table.loc[method]
        assert own["component"].to_dict() == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 2}
        assert sorted(own.loc[["a", "b"], "rank"]) == [1, 2]
        assert own["rank_upper"].max() <= 3
        assert own.loc[["a", "b"], "note"].isna().all()
        assert own.loc[["c", "d", "e"], "note"].str.contains(separate).all()
        if method != "win_rate":
            assert own.loc["b", "rating"] == pytest.approx(1300)
            assert own.loc[["c", "d", "e"], "rating"].mean() == pytest.approx(1000)
            assert own["note"]["c"].endswith("not anchored: b is not in this component")
        ordered = pairs.loc[pairs["method"] == method, ["model_a", "model_b"]]
        assert set(ordered.itertuples(index=False, name=None)) == {("a", "b"), ("c", "d"), ("c", "e"), ("d", "e")}
    drawn = stored_frame(lake, RATING_REPLICATES).query("method == 'elo'").groupby("model")["rating"].mean()
    assert drawn[["c", "d", "e"]].mean() == pytest.approx(1000)
    assert drawn[["a", "b"]].mean() == pytest.approx(table.loc["elo", "rating"][["a", "b"]].mean())
    assert [line.split()[1] for line in lines[2:4]] == ["a", "b"]
    assert lines[4] == "component 2, not comparable with the others:"


def test_sources_of_which_nothing_is_rated_are_told(spark, lake):
    by_model = votes({("x", "y"): (2, 1, 0)}, "judged").assign(judge_kind="model")
    lines = rated(spark, lake, pd.concat([by_model, votes({("x", "y"): (2, 1, 0)}, "people")], ignore_index=True))
    assert [line for line in lines if line.startswith("judged")] == [
        "judged: none of 3 battles is rated: 3 are votes of judge_kind model, which is not among ratings.judge_kinds"
    ]
    assert lines[0].startswith("people: bradley_terry")
