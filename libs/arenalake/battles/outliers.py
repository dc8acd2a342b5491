"""Voters who vote unlike others: the sequential test of the Chatbot Arena paper.

The p-value of a vote says how extreme it is among the votes of all other voters on the same pair of models:

    p = (1 + number of others' votes that are at least as extreme) / (1 + number of others' votes)

After some of the voter's votes, Fisher's statistic, minus twice the sum of log p, is compared with the chi-squared
distribution. The level is divided by the number of looks.

The paper leaves some choices open. Here they are:

- The favourite of a pair is the model with more wins among the others' votes and the vote itself. From least to most
  extreme, the outcomes are a win of the favourite, a tie of either kind, and a win of the other model. So a voter who
  always prefers the worse model is extreme in every vote, whatever the names of the models.
- With three outcomes, most votes are equal. Equal votes are put in a random order, by seed and battle_id, so that p is
  uniform for a voter like all others. Otherwise hardly any p could be small.
- Both tails are tested, each at half the level: p, and 1 - p for voters who never disagree with the majority.
- The paper looks 5 times, at random numbers of votes from 1 to 100. Here these numbers are drawn, by seed and
  battle_id, from `min_votes` to the smaller of the voter's number of votes and `first_votes`. If there are fewer than 5
  such numbers, all are used.
- Others' votes include later votes, and exclude the voter's own votes.

So at most about a share `alpha` of honest voters are found to be outliers; with many voters, this is a large number.

Source: Chiang et al. 2024, arXiv:2403.04132, section 5.1 and equation 10. The limits of 5 and 100 votes, both ends and
    the random order of equal votes (as an option) are in FastChat, fastchat/serve/monitor/elo_analysis.py,
    `outlier_detect`, which multiplies 1 / (2p) up to 1 / alpha instead.
"""

from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from scipy.stats import chi2

from arenalake.battles.options import OutlierConfig

LOOKS = 5
# Voters are tested in so many groups, since a task for each would cost more than the test.
_GROUPS = 64
_OUTCOMES = ["n_second", "n_tie", "n_first"]


def find_outliers(votes: DataFrame, *, test: OutlierConfig, seed: int) -> DataFrame:
    """The voters that the test finds.

    Args:
        votes: source, judge, battle_id, sequence, model_a, model_b, winner. A vote without a judge counts among the
            others' votes of its pair.
        test: alpha, min_votes, first_votes.
        seed: seed of the random order of equal votes and of the numbers of votes at which to look.

    Returns:
        source, judge.
    """
    swapped = F.col("model_a") > F.col("model_b")
    first_wins = (F.col("winner") == "model_a") != swapped
    outcome = F.when(F.col("winner").startswith("tie"), 1).when(first_wins, 2).otherwise(0)
    rows = votes.select(
        "source",
        "judge",
        "battle_id",
        "sequence",
        F.least("model_a", "model_b").alias("first"),
        F.greatest("model_a", "model_b").alias("second"),
        outcome.alias("outcome"),
        _uniform(seed, "order").alias("draw"),
        _uniform(seed, "look").alias("look"),
    )
    pair = ["source", "first", "second"]
    pairs = rows.groupBy(*pair).agg(
        *[F.count_if(F.col("outcome") == value).alias(name) for value, name in enumerate(_OUTCOMES)]
    )
    n_votes = F.count("*").over(Window.partitionBy("source", "judge"))
    tested = rows.where(F.col("judge").isNotNull()).withColumn("n_votes", n_votes)
    tested = tested.where(F.col("n_votes") >= test.min_votes).join(pairs, pair)
    grouped = tested.withColumn("group", F.pmod(F.xxhash64("judge"), F.lit(_GROUPS))).groupBy("source", "group")

    def run(key: tuple[Any, ...], part: pd.DataFrame) -> pd.DataFrame:
        found = outliers_among(part, test=test)
        return pd.DataFrame({"source": [key[0]] * len(found), "judge": found}, dtype=object)

    return grouped.applyInPandas(run, "source string, judge string").select("source", "judge")


def _uniform(seed: int, purpose: str) -> Column:
    """A number between 0 and 1, never one of them, that depends on seed, purpose and battle_id only."""
    bits = F.shiftrightunsigned(F.xxhash64(F.lit(seed), F.lit(purpose), "battle_id"), 12)
    return (bits + F.lit(0.5)) * F.lit(2.0**-52)


def outliers_among(votes: pd.DataFrame, *, test: OutlierConfig) -> list[str]:
    """The outliers among voters, by name; the order of the rows does not matter.

    Args:
        votes: all votes of each of them: judge, battle_id, sequence, first, second (models by code point), outcome (0
            second wins, 1 tie, 2 first wins), n_second, n_tie, n_first (votes of all voters on the pair), draw and look
            (uniform random numbers).
        test: alpha, min_votes (which all of the voters have), first_votes.
    """
    votes = votes.sort_values(["judge", "sequence", "battle_id"], ignore_index=True)
    p = p_values(votes)
    by_judge = votes["judge"]
    number = by_judge.groupby(by_judge).cumcount() + 1
    size = by_judge.groupby(by_judge).transform("size")
    candidate = (number >= test.min_votes) & (number <= test.first_votes)
    looks = np.minimum(LOOKS, np.minimum(size, test.first_votes) - test.min_votes + 1)
    # What is no candidate has no place, and is never looked at.
    nth = votes["look"].where(candidate).groupby(by_judge).rank(method="first")
    level = test.alpha / looks / 2
    limit = chi2.isf(level, 2 * number)
    upper = pd.Series(-2 * np.log(p)).groupby(by_judge).cumsum()
    lower = pd.Series(-2 * np.log1p(-p)).groupby(by_judge).cumsum()
    found = (nth <= looks) & ((upper >= limit) | (lower >= limit))
    return sorted(set(by_judge[found]))


def p_values(votes: pd.DataFrame) -> np.ndarray:
    """How far out each vote is among others' votes on its pair: uniform for a voter like all others, small if far out.

    Args:
        votes: as `outliers_among` takes them.
    """
    outcome = votes["outcome"].to_numpy()
    cast = np.eye(3, dtype=np.int64)[outcome]
    own = pd.DataFrame(cast).groupby([votes["judge"], votes["first"], votes["second"]]).transform("sum").to_numpy()
    others = votes[_OUTCOMES].to_numpy(dtype=np.int64) - own
    with_vote = others + cast
    # From 0, a win of the favourite, to 2.
    first_is_favourite = with_vote[:, 2] >= with_vote[:, 0]
    away = np.where(first_is_favourite[:, None], others[:, ::-1], others)
    distance = np.where(first_is_favourite, 2 - outcome, outcome)
    equal = np.take_along_axis(away, distance[:, None], axis=1)[:, 0]
    further = (away * (np.arange(3) > distance[:, None])).sum(axis=1)
    p: np.ndarray = (further + votes["draw"].to_numpy() * (1 + equal)) / (1 + others.sum(axis=1))
    return p
