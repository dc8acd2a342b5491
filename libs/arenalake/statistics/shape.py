"""What a corpus consists of, how often its prompts come back, and how active its voters are."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arenalake.language.names import UNKNOWN
from arenalake.statistics.groupings import by_groupings
from arenalake.statistics.lengths import STATISTICS, describe
from arenalake.tables import CORPUS_SHAPE, VOTER_STATS

GROUPINGS = ("all", "model", "language", "turns", "month", "day")
_KEYS = CORPUS_SHAPE.key


def summarise_shape(conversation_counts: DataFrame, messages: DataFrame) -> DataFrame:
    """Summarise conversations by what they are.

    Args:
        conversation_counts: columns of the table `conversation_counts`.
        messages: columns of the table `messages`. Different prompts of two halves do not add up to those of the whole,
            so this is no function of counts.

    Returns:
        Columns of the table `corpus_shape`. Rows by month and day exist where the source has times at all.
    """
    n = F.col("n_conversations")
    counts = conversation_counts.select(
        *conversation_counts.columns,
        F.date_format("day", "yyyy-MM").alias("month"),
        F.col("model").alias("any_model"),
        F.nullif("language", F.lit(UNKNOWN)).alias("any_language"),
        F.col("turns").alias("any_turns"),
        F.max("day").over(Window.partitionBy("source")).isNotNull().alias("has_time"),
    )
    told = by_groupings(counts, GROUPINGS).where(~F.col("grouping").isin("month", "day") | F.col("has_time"))
    sums = told.groupBy(*_KEYS).agg(
        F.sum(n).alias("n_conversations"),
        F.sum(F.when(F.col("any_turns").isNotNull(), n)).alias("n_turns_known"),
        F.sum(n * F.col("any_turns")).alias("turns_in_all"),
        _sum_where(F.col("redacted").isNotNull()).alias("n_redaction_known"),
        _sum_where(F.col("redacted")).alias("n_redacted"),
        F.count_distinct("any_model").alias("n_models"),
        F.count_distinct("any_language").alias("n_languages"),
    )
    prompts = _count_prompts(messages).withColumn("grouping", F.lit("all"))
    in_all = F.sum(F.when(F.col("grouping") == "all", n)).over(Window.partitionBy("source"))
    return (
        sums.join(prompts, ["source", "grouping"], "left")
        .withColumn("share", n / in_all)
        .withColumn("mean_turns", F.col("turns_in_all") / F.col("n_turns_known"))
        .withColumn("redacted_rate", F.col("n_redacted") / F.nullif("n_redaction_known", F.lit(0)))
        .select(*CORPUS_SHAPE.column_names)
    )


def summarise_voters(battles: DataFrame) -> DataFrame:
    """Summarise how many votes each voter gave.

    Args:
        battles: columns of the table `battles`. Different voters of two halves do not add up to those of the whole, so
            this is no function of counts.

    Returns:
        Columns of the table `voter_stats`. A voter is a value of `judge` within a source and kind.
    """
    keys = ("source", "judge_kind")
    known = F.col("judge").isNotNull()
    per_voter = battles.where(known).groupBy("judge", *keys).agg(F.count("*").alias("n_votes"))
    counts = per_voter.groupBy(*keys, "n_votes").agg(F.count("*").alias("n_voters"))
    described = describe(counts, groupings=["all"], keys=keys, value="n_votes", n="n_voters").select(
        *keys, "n_voters", *STATISTICS
    )
    in_all = battles.groupBy(*keys).agg(F.count("*").alias("n_battles"), F.count_if(~known).alias("n_anonymous"))
    joined = in_all.join(described, [*keys], "left").withColumn("n_voters", F.coalesce("n_voters", F.lit(0)))
    return joined.select(*VOTER_STATS.column_names)


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


def _sum_where(condition: Column) -> Column:
    return F.sum(F.when(condition, F.col("n_conversations")).otherwise(0))
