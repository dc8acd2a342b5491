"""`arenalake.rate` in memory gives the bits of what Spark's tasks compute, called here without a session."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from rating_cases import simulate

import arenalake
from arenalake.ratings.model.estimates import LIKELIHOODS, estimate
from arenalake.ratings.model.judges import PART, judge_errors, judge_meat, resample_judges
from arenalake.ratings.model.leaderboard import normal_rows
from arenalake.ratings.model.replicates import fit_point, resample_battles
from arenalake.ratings.model.rounds import BLOCK, n_blocks, one_thread, rate_block
from arenalake.ratings.model.summaries import summary_pairs, summary_rows
from arenalake.ratings.options import BootstrapConfig, RatingsConfig
from arenalake.ratings.spark.judges import ballot_matrix
from arenalake.ratings.spark.spread import VOTES, read_replicates, read_votes

METHODS = ["bradley_terry", "bradley_terry_no_ties", "davidson", "win_rate"]
RATINGS = RatingsConfig(methods=METHODS)


@pytest.fixture(scope="module")
def votes():
    first, second, outcome = simulate(5, 7, 500)
    names = np.array([f"m{number}" for number in (3, 1, 6, 0, 2, 5, 4)])
    winner = np.array(["model_a", "model_b", "tie"])[outcome]
    judge = [f"judge {number * 7 % 61}" for number in range(500)]
    return pd.DataFrame({"model_a": names[first], "model_b": names[second], "winner": winner, "judge": judge})


def counts_of(votes, *keys):
    """Rows as Spark's aggregation gives them, in another order."""
    swap = votes["model_a"] > votes["model_b"]
    upright = votes.assign(
        model_a=votes["model_a"].where(~swap, votes["model_b"]), model_b=votes["model_b"].where(~swap, votes["model_a"])
    )
    first_wins = (votes["winner"] == "model_a") != swap
    tie = votes["winner"] == "tie"
    upright = upright.assign(
        wins_a=(first_wins & ~tie).astype(int), wins_b=(~first_wins & ~tie).astype(int), ties=tie.astype(int)
    )
    counts = upright.groupby([*keys, "model_a", "model_b"], as_index=False)[list(VOTES)].sum()
    return counts.sample(frac=1, random_state=0)


def rounds_of(counted, resample_of, bootstrap):
    with one_thread():
        blocks = range(n_blocks(bootstrap))
        parts = [rate_block(counted, METHODS, resample_of(block), block, RATINGS, bootstrap) for block in blocks]
    return pd.concat(parts).sample(frac=1, random_state=1)


def assert_same(found, counted, rounds, unit):
    for method in METHODS:
        own = rounds[rounds["method"] == method]
        values = read_replicates(pa.Table.from_pandas(own, preserve_index=False), counted.models)
        local = found.replicates.query("method == @method").sort_values(["model", "round"])["rating"].to_numpy()
        assert np.array_equal(local, values.ravel(), equal_nan=True)
        with one_thread():
            rows = pd.concat(summary_rows(counted, method, values, RATINGS), ignore_index=True)
            pairs = pd.concat(summary_pairs(counted, method, values, RATINGS), ignore_index=True)
        for name, theirs in (("ratings", rows), ("pairs", pairs)):
            ours = getattr(found, name).query("method == @method and unit == @unit")
            ours = ours[ours["interval"] != "sandwich_judge"] if name == "ratings" else ours
            ours = ours[theirs.columns].reset_index(drop=True)
            pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, check_exact=True)


def test_rounds_over_battles_are_those_of_the_tasks(votes):
    bootstrap = BootstrapConfig(rounds=BLOCK + 45, seed=3)
    counted = read_votes(counts_of(votes), ratings=RATINGS)
    rounds = rounds_of(counted, lambda _: resample_battles(counted, 3), bootstrap)
    found = arenalake.rate(votes, method=METHODS, rounds=bootstrap.rounds, seed=3)
    assert_same(found, counted, rounds, "battle")


def test_rounds_over_judges_are_those_of_the_tasks(votes):
    bootstrap = BootstrapConfig(rounds=BLOCK + 45, unit="judge")
    counted = read_votes(counts_of(votes), ratings=RATINGS)
    judges = sorted(set(votes["judge"]))
    ballots = counts_of(votes, "judge")
    index = ballots["judge"].map(judges.index)
    ballots = ballots.assign(judge_index=index, part=index // PART, n_judges=len(judges))
    matrix = ballot_matrix(ballots, counted)

    def resample_of(block):
        rounds = range(block * BLOCK, (block + 1) * BLOCK)
        total = resample_judges(matrix, len(judges), 0, 0, rounds, poisson=False).reshape(3, -1, BLOCK)
        return lambda some: total[:, :, some.start - rounds.start : some.stop - rounds.start]

    found = arenalake.rate(votes, method=METHODS, rounds=bootstrap.rounds, judge="judge")
    assert_same(found, counted, rounds_of(counted, resample_of, bootstrap), "judge")
    with one_thread():
        point = fit_point(counted, LIKELIHOODS["davidson"])
        errors = judge_errors(point, [judge_meat(point, matrix)], len(judges), RATINGS)
        theirs = normal_rows(estimate(counted, point, RATINGS), "sandwich_judge", errors)
    ours = found.ratings.query("method == 'davidson' and interval == 'sandwich_judge'").reset_index(drop=True)
    pd.testing.assert_frame_equal(ours[theirs.columns], theirs, check_dtype=False, check_exact=True)
