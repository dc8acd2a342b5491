"""The generated Likert study through the jobs: what is held here comes back."""

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
from arenalake.ratings.tables import RATING_FITS, RATINGS
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
