"""Agreement of two classifiers that judged the same battles: toxicity tags against the moderation flag."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

TAGGERS = ("roberta_large", "t5_large")


def measure_toxicity_agreement(battles: DataFrame) -> DataFrame:
    """Compare each tagger's flag with the moderation flag of the same battle.

    Args:
        battles: columns of the table `battles`.

    Returns:
        Columns of the table `toxicity_agreement`. A battle that lacks one of the two flags is counted as missing and
        in no figure of agreement; one that lacks both is in both counts of missing.

    Source:
        Cohen (1960), doi:10.1177/001316446002000104
    """
    tags = [F.struct(F.lit(t).alias("tagger"), F.col("toxicity")[t]["flagged"].alias("t")) for t in TAGGERS]
    flags = battles.select("source", F.col("moderation")["flagged"].alias("m"), F.inline(F.array(*tags)))
    t, m = F.col("t"), F.col("m")
    sums = flags.groupBy("source", "tagger").agg(
        F.count("*").alias("n_battles"),
        F.count_if(t.isNotNull() & m.isNotNull()).alias("n"),
        F.count_if(t.isNull()).alias("n_missing_tag"),
        F.count_if(m.isNull()).alias("n_missing_moderation"),
        F.count_if(t & m).alias("n_both"),
        F.count_if(t & ~m).alias("n_tagger_only"),
        F.count_if(~t & m).alias("n_moderation_only"),
        F.count_if(~t & ~m).alias("n_neither"),
    )
    names = ("n", "n_both", "n_tagger_only", "n_moderation_only", "n_neither")
    n, both, tagger_only, moderation_only, neither = (F.col(name).cast("double") for name in names)
    agreed = both + neither
    # Times n: what two independent classifiers with these rates would agree on.
    by_chance = (both + tagger_only) * (both + moderation_only) + (neither + tagger_only) * (neither + moderation_only)
    return sums.select(
        "*",
        (agreed / F.nullif(n, F.lit(0.0))).alias("agreement"),
        ((n * agreed - by_chance) / F.nullif(n * n - by_chance, F.lit(0.0))).alias("kappa"),
    )
