"""The rules by which votes are left out of ratings: votes in, the same votes with more of them marked out.

A rule looks at the votes that are not marked yet. Its own name goes into the column `rule` of those it removes.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arenalake.battles.options import CleaningConfig, OutlierConfig
from arenalake.battles.outliers import find_outliers
from arenalake.battles.tables import REMOVED_VOTES

_READ = (
    "source",
    "battle_id",
    "judge",
    "judge_kind",
    "anony",
    "leaked",
    "prompt_hash",
    "tstamp",
    "sequence",
    "model_a",
    "model_b",
    "winner",
)


def mark_votes(battles: DataFrame, *, cleaning: CleaningConfig) -> DataFrame:
    """The votes that the configured rules remove; none where all rules are off.

    Args:
        battles: the table `battles`.
        cleaning: which rules are on; they apply in the order in which the configuration declares them.

    Returns:
        `removed_votes`: source, battle_id, rule (the first that removes the vote).
    """
    votes = battles.select(*_READ, F.lit(None).cast("string").alias("rule"))
    for rule in cleaning.rules:
        if rule == "only_anony":
            votes = remove_named(votes)
        elif rule == "drop_leaked":
            votes = remove_leaked(votes)
        elif rule == "max_votes_per_prompt" and cleaning.max_votes_per_prompt is not None:
            votes = thin_prompts(votes, most=cleaning.max_votes_per_prompt, seed=cleaning.seed)
        elif rule == "max_votes_per_day" and cleaning.max_votes_per_day is not None:
            votes = cap_days(votes, most=cleaning.max_votes_per_day)
        elif rule == "outliers" and cleaning.outliers is not None:
            votes = remove_outliers(votes, test=cleaning.outliers, seed=cleaning.seed)
    return votes.where(F.col("rule").isNotNull()).select(*REMOVED_VOTES.column_names)


def without_removed(battles: DataFrame, removed: DataFrame) -> DataFrame:
    """The battles that no rule removes; `removed` is the table `removed_votes`."""
    return battles.join(removed, ["source", "battle_id"], "left_anti")


def rated_counts(battle_counts: DataFrame) -> DataFrame:
    """The rows of `battle_counts` about battles that no rule removes."""
    return battle_counts.where(F.col("removed_by").isNull())


def remove_named(votes: DataFrame) -> DataFrame:
    """Marks votes whose models were shown by name; where the source does not say, a vote stays.

    Source: FastChat, fastchat/serve/monitor/elo_analysis.py, which rates anonymous votes only.
    """
    return _mark(votes, "only_anony", ~F.col("anony"))


def remove_leaked(votes: DataFrame) -> DataFrame:
    """Marks votes on answers that give a model away; where that was not looked for, a vote stays.

    Source: FastChat, fastchat/serve/monitor/clean_battle_data.py.
    """
    return _mark(votes, "drop_leaked", F.col("leaked"))


def thin_prompts(votes: DataFrame, *, most: int, seed: int) -> DataFrame:
    """Marks what a prompt has of votes beyond `most`, within its source; which stay is drawn by seed and battle_id.

    Votes without a prompt_hash (no text) stay.

    Source: FastChat, fastchat/serve/monitor/deduplication.py, which samples from the prompts above a quantile of
        frequency and compares all user messages; here it is a number, and the first message.
    """
    left = F.col("rule").isNull() & F.col("prompt_hash").isNotNull()
    # A vote that the rule is not about is a group of its own: all of them in one would be one long task.
    groups = [F.col("source"), F.when(left, F.col("prompt_hash")), F.when(~left, F.col("battle_id"))]
    drawn = F.xxhash64(F.lit(seed), F.lit("prompt"), "battle_id")
    return _keep_first(votes, "max_votes_per_prompt", groups, [drawn, F.col("battle_id")], most)


def cap_days(votes: DataFrame, *, most: int) -> DataFrame:
    """Marks what a person casts beyond the first `most` votes of a day (UTC), in the order of `sequence`, then id.

    Votes without a judge or a time, and those of judge models, stay.

    Source: FastChat, fastchat/serve/monitor/elo_analysis.py, `limit_user_votes`: the first votes of a judge and day;
        the day is the server's there.
    """
    left = F.col("rule").isNull() & _by_person() & F.col("tstamp").isNotNull()
    groups = [
        F.col("source"),
        F.when(left, F.col("judge")),
        F.when(left, F.to_date("tstamp")),
        F.when(~left, F.col("battle_id")),
    ]
    return _keep_first(votes, "max_votes_per_day", groups, [F.col("sequence"), F.col("battle_id")], most)


def remove_outliers(votes: DataFrame, *, test: OutlierConfig, seed: int) -> DataFrame:
    """Marks all votes of persons whose votes do not look like those of others on the same pairs of models.

    See `arenalake.battles.outliers` for the test. Votes without a judge and those of judge models stay.
    """
    left = votes.where(F.col("rule").isNull() & (F.col("judge_kind") == "human"))
    outliers = find_outliers(left, test=test, seed=seed).select("source", "judge", F.lit(True).alias("is_outlier"))
    marked = votes.join(outliers, ["source", "judge"], "left")
    return _mark(marked, "outliers", F.col("is_outlier") & _by_person()).drop("is_outlier")


def _by_person() -> Column:
    return F.col("judge").isNotNull() & (F.col("judge_kind") == "human")


def _keep_first(votes: DataFrame, rule: str, groups: Sequence[Column], order: Sequence[Column], most: int) -> DataFrame:
    numbered = votes.withColumn("nth", F.row_number().over(Window.partitionBy(*groups).orderBy(*order)))
    return _mark(numbered, rule, F.col("nth") > most).drop("nth")


def _mark(votes: DataFrame, rule: str, removes: Column) -> DataFrame:
    return votes.withColumn("rule", F.coalesce("rule", F.when(removes, rule)))
