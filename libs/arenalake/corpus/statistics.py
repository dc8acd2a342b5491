"""What a corpus consists of, how often its prompts come back, and how active its voters are."""

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.corpus.counts import count_conversations
from arenalake.corpus.tables import CORPUS_SHAPE, VOTER_STATS
from arenalake.entities.language_names import UNKNOWN
from arenalake.lake.counting import in_memory
from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.lengths import describe
from arenalake.numbers.proportions import share

GROUPINGS = ("all", "model", "language", "turns", "month", "day")
_KEYS = CORPUS_SHAPE.key


def summarise_shape(conversations: DataFrame, messages: DataFrame) -> pl.DataFrame:
    """Summarise conversations by what they are.

    Args:
        conversations: columns of the table `conversations`; text is not read.
        messages: columns of the table `messages`. Different prompts of two halves do not add up to those of the whole,
            so this is no function of counts.

    Returns:
        Columns of the table `corpus_shape`. Rows by month and day exist where the source has times at all.
    """
    n, turns = pl.col("n_conversations"), pl.col("any_turns")
    counts = in_memory(count_conversations(conversations, messages)).with_columns(
        month=pl.col("day").dt.strftime("%Y-%m"),
        any_model=pl.col("model"),
        any_language=pl.when(pl.col("language") != UNKNOWN).then("language"),
        any_turns=pl.col("turns"),
        has_time=pl.col("day").is_not_null().any().over("source"),
    )
    views = by_groupings(counts, GROUPINGS).filter(~pl.col("grouping").is_in(["month", "day"]) | pl.col("has_time"))
    sums = views.group_by(_KEYS).agg(
        n.sum(),
        n.filter(turns.is_not_null()).sum().alias("n_turns_known"),
        (n * turns).sum().alias("turns_in_all"),
        n.filter(pl.col("redacted").is_not_null()).sum().alias("n_redaction_known"),
        n.filter(pl.col("redacted")).sum().alias("n_redacted"),
        pl.col("any_model").drop_nulls().n_unique().cast(pl.Int64).alias("n_models"),
        pl.col("any_language").drop_nulls().n_unique().cast(pl.Int64).alias("n_languages"),
    )
    prompts = in_memory(_count_prompts(messages)).with_columns(grouping=pl.lit("all"))
    in_all = n.filter(pl.col("grouping") == "all").sum().over("source")
    return (
        sums.join(prompts, on=["source", "grouping"], how="left")
        .with_columns(
            share(n, in_all).alias("share"),
            share(pl.col("turns_in_all"), pl.col("n_turns_known")).alias("mean_turns"),
            share(pl.col("n_redacted"), pl.col("n_redaction_known")).alias("redacted_rate"),
        )
        .select(CORPUS_SHAPE.column_names)
    )


def summarise_voters(battles: DataFrame) -> pl.DataFrame:
    """Summarise how many votes each voter gave.

    Args:
        battles: columns of the table `battles`. Different voters of two halves do not add up to those of the whole, so
            this is no function of counts.

    Returns:
        Columns of the table `voter_stats`. A voter is a value of `judge` within a source and kind.
    """
    keys = ("source", "judge_kind")
    per_voter = battles.groupBy("judge", *keys).agg(F.count("*").alias("n_votes"))
    is_known = F.col("judge").isNotNull().alias("is_known")
    by_votes = per_voter.groupBy(*keys, "n_votes", is_known).agg(F.count("*").alias("n_voters"))
    counts = in_memory(by_votes)
    battles_of = pl.col("n_votes") * pl.col("n_voters")
    in_all = counts.group_by(keys).agg(
        battles_of.sum().alias("n_battles"), battles_of.filter(~pl.col("is_known")).sum().alias("n_anonymous")
    )
    described = describe(counts.filter("is_known"), keys=keys, value="n_votes", n="n_voters")
    joined = in_all.join(described, on=keys, how="left").with_columns(pl.col("n_voters").fill_null(0))
    return joined.select(VOTER_STATS.column_names)


def _count_prompts(messages: DataFrame) -> DataFrame:
    """Per source: prompts, different ones, those that occur more than once, and how often the most frequent does."""
    prompts = messages.where("position = 0 AND prompt_hash IS NOT NULL")
    times = prompts.groupBy("prompt_hash", "source").agg(F.count("*").alias("times"))
    return times.groupBy("source").agg(
        F.sum("times").alias("n_prompts"),
        F.count("*").alias("n_distinct_prompts"),
        F.sum(F.when(F.col("times") > 1, F.col("times")).otherwise(0)).alias("n_repeated_prompts"),
        F.max("times").alias("max_repeats"),
    )
