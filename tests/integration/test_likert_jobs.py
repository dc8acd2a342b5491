"""The generated Likert study through the jobs: what is held here comes back, and ratings are those of plain NumPy."""

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from arenalake.battles import job as battle_stats
from arenalake.config import parse_config
from arenalake.ingest import job as ingest
from arenalake.judges import job as judge_agreement
from arenalake.judges.tables import JUDGE_BIAS
from arenalake.ratings import job as rating_job
from arenalake.ratings.tables import RATING_FITS, RATING_REPLICATES, RATINGS
from arenalake.samples.likert import LikertDesign, Rater, likert_chunk
from arenalake.step import Context

STRENGTHS = {"vicuna-13b": 1140.0, "koala-13b": 1073.0, "oasst-12b": 986.0, "human": 950.0, "dolly-12b": 802.0}
EVEN, LEANING = Rater("even", "human", 0.0, 0.5), Rater("leaning", "model", 150.0, 0.9)
# Log odds of a rating point.
SLOPE = np.log(10) / 400
SEEDS = 5


def study(seed, prompts, **design):
    study = LikertDesign(seed, prompts, **design)
    return pl.concat(pl.DataFrame(pl.from_arrow(likert_chunk(study, chunk))) for chunk in range(study.chunks))


def written(rows, folder):
    """Two sources of one file: the grades 4 and 5 as ties, and as wins."""
    folder.mkdir()
    rows.write_parquet(folder / "study.parquet")
    source = {"format": "likert", "path": str(folder / "study.parquet")}
    return {"ties": source, "wins": source | {"middle": "win"}}


def rated(lake, sources, **sections):
    """The context of a lake in which these sources are rated, by people unless told otherwise."""
    sections = {"mlflow": {"enabled": False}, "storage": {"root": lake.root}, **sections}
    context = Context(parse_config({**sections, "sources": sources}), lake)
    for job in (ingest, battle_stats, rating_job):
        job.run(context)
    return context


def expected_shares(rater):
    """Shares of wins of the first, ties and wins of the second, of all pairs in both orders."""
    of_pairs = np.array([a - b for a in STRENGTHS.values() for b in STRENGTHS.values() if a != b])
    for_first = SLOPE * (of_pairs + rater.lean)
    first, second = expit(for_first - rater.middle).mean(), expit(-for_first - rater.middle).mean()
    return first, 1 - first - second, second


@pytest.mark.slow
def test_strengths_tie_shares_and_leanings_come_back_from_the_tables(lake, tmp_path):
    # One source with a category for each seed is read once, and rated by seed. Votes need no texts, which take long.
    studies = [
        study(seed, 200, raters=(EVEN, LEANING))
        .drop("prompt", "completion_a", "completion_b")
        .with_columns(pl.format("{}/{}", pl.lit(seed), "question_id").alias("question_id"), category=pl.lit(str(seed)))
        for seed in range(SEEDS)
    ]
    settings = {"methods": ["rao_kupper", "bradley_terry"], "slices": ["category"]}
    sources = written(pl.concat(studies), tmp_path / "raw")
    context = rated(lake, sources, ratings=settings, judges={"single": True}, bootstrap={"rounds": 2})
    judge_agreement.run(context)

    # The grades of the even rater follow Rao and Kupper's model, and without ties Bradley and Terry's.
    ratings = lake.load(RATINGS).filter(pl.col("interval") == "sandwich").sort("slice", "model")
    centre = np.mean(list(STRENGTHS.values()))
    true = np.array([STRENGTHS[name] - centre + 1000 for name in sorted(STRENGTHS)])
    for source, method in (("ties", "rao_kupper"), ("wins", "bradley_terry")):
        own = ratings.filter((pl.col("source") == source) & (pl.col("method") == method))
        found, se = (own[name].to_numpy().reshape(SEEDS, len(true)) for name in ("rating", "se"))
        z = (found - true) / se
        assert abs(z).max() < 4
        assert abs(z.sum(axis=0) / np.sqrt(SEEDS)).max() < 3.5
        assert se.max() < 20
    fits = lake.load(RATING_FITS).filter((pl.col("method") == "rao_kupper") & (pl.col("source") == "ties"))
    assert fits["tie_parameter"].to_list() == pytest.approx([EVEN.middle] * SEEDS, abs=0.1)
    assert fits["tie_parameter"].mean() == pytest.approx(EVEN.middle, abs=0.05)

    bias = lake.load(JUDGE_BIAS).filter((pl.col("level") == "judge") & (pl.col("source") == "ties"))
    for rater in (EVEN, LEANING):
        first, tie, second = expected_shares(rater)
        for measure, share in (("tie", tie), ("first_wins", first / (first + second))):
            own = bias.row(by_predicate=(pl.col("judge") == rater.name) & (pl.col("measure") == measure), named=True)
            error = np.sqrt(share * (1 - share) / own["n"])
            assert own["value"] == pytest.approx(share, abs=4 * error), (rater.name, measure)


# The ends of intervals that the study publishes, in per cent of the rounds.
POINTS = {"ci_lower": 2.5, "p5": 5.0, "p50": 50.0, "p95": 95.0, "ci_upper": 97.5}
ROUNDS, ROUNDS_HERE = 1000, 10_000


def play(first, second, score, rounds):
    """Online Elo with K = 32 of votes in their order, [votes, rounds] to [rounds, models]."""
    rating, row = np.full((rounds, len(STRENGTHS)), 1000.0), np.arange(rounds)
    for a, b, result in zip(first, second, score, strict=True):
        change = 32 * (result - 1 / (1 + 10 ** ((rating[row, b] - rating[row, a]) / 400)))
        rating[row, a] += change
        rating[row, b] -= change
    return rating


def fit(first, second, score):
    """Bradley and Terry's ratings of votes [votes, rounds] by Zermelo's iteration, a tie as half a win."""
    rounds, n = first.shape[1], len(STRENGTHS)
    row = np.broadcast_to(np.arange(rounds), first.shape)
    wins = np.zeros((rounds, n, n))
    np.add.at(wins, (row, first, second), score)
    np.add.at(wins, (row, second, first), 1 - score)
    won, met = wins.sum(axis=2), wins + wins.transpose(0, 2, 1)
    strength = np.ones((rounds, n))
    for _ in range(300):
        before = strength
        strength = won / (met / (strength[:, :, None] + strength[:, None, :])).sum(axis=2)
        strength /= np.exp(np.log(strength).mean(axis=1, keepdims=True))
    assert abs(strength / before - 1).max() < 1e-9
    return 1000 + np.log(strength) / SLOPE


def test_the_job_gives_elo_and_bradley_terry_with_ties_and_without_as_numpy_does(lake, tmp_path):
    rows = study(0, 24)
    settings = {"methods": ["elo", "bradley_terry"], "elo": {"k": 32}, "judge_kinds": ["human", "model"]}
    sources = written(rows, tmp_path / "raw")
    rated(lake, sources, ratings=settings | {"slices": ["all"]}, bootstrap={"rounds": ROUNDS})
    table = lake.load(RATINGS).filter(pl.col("interval") == "percentile").sort("model")
    models = sorted(STRENGTHS)
    sides = [np.array([models.index(name) for name in rows[side]]) for side in ("model_a", "model_b")]
    grade = rows["rating"].to_numpy()
    scores = {"ties": np.select([grade < 4, grade > 5], [1.0, 0.0], 0.5), "wins": np.where(grade < 5, 1.0, 0.0)}
    for source, score in scores.items():
        votes = np.random.default_rng(1).integers(0, len(rows), (len(rows), ROUNDS_HERE))
        for method, rate in (("elo", lambda *votes: play(*votes, votes[0].shape[1])), ("bradley_terry", fit)):
            own = table.filter((pl.col("source") == source) & (pl.col("method") == method))
            assert own["model"].to_list() == models
            assert own["n_rounds"].to_list() == [ROUNDS] * len(models)
            (estimate,) = rate(*[values[:, None] for values in (*sides, score)])
            assert own["rating"].to_numpy() == pytest.approx(estimate, abs=1e-6)
            rounds = rate(*[values[votes] for values in (*sides, score)])
            for name, percent in POINTS.items():
                # What share of the rounds here lies below: free of the distribution's form.
                below = 100 * (rounds < own[name].to_numpy()).mean(axis=0)
                error = np.sqrt(percent * (100 - percent) * (1 / ROUNDS + 1 / ROUNDS_HERE))
                assert below == pytest.approx([percent] * len(models), abs=4 * error), (source, method, name)
            drawn = lake.read(RATING_REPLICATES).where(f"source = '{source}' AND method = '{method}'").toPandas()
            by_round = drawn.pivot(index="round", columns="model", values="rating")[models].to_numpy()
            for name, percent in POINTS.items():
                assert own[name].to_numpy() == pytest.approx(np.percentile(by_round, percent, axis=0), abs=1e-9)
