"""Published against detected languages."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from arenalake.corpus.tables import LANGUAGE_AUDIT


def audit_languages(messages: DataFrame) -> DataFrame:
    """Count conversations by published and detected language.

    In a stratified sample n_published says what each published language weighs.

    Args:
        messages: columns of the table `messages`; a conversation's first message speaks for it.

    Returns:
        Columns of the table `language_audit`. A null published language is one of its own.
    """
    first = messages.where("position = 0").select("source", "language", "detections")
    published = first.groupBy(F.col("source").alias("of_source"), F.col("language").alias("of_language")).agg(
        F.count("*").alias("n_published")
    )
    answers = first.select("source", "language", F.explode("detections").alias("detector", "answer"))
    cells = answers.select(
        "source",
        "detector",
        "language",
        F.col("answer.language").alias("detected_language"),
        "answer.script",
        "answer.reason",
        # Decimals add up to the same in any order.
        F.col("answer.confidence").cast("decimal(18,9)").alias("confidence"),
        "answer.n_letters",
    )
    counts = cells.groupBy(*LANGUAGE_AUDIT.key).agg(
        F.count("*").alias("n"),
        (F.sum("confidence").cast("double") / F.nullif(F.count("confidence"), F.lit(0))).alias("mean_confidence"),
        F.median("n_letters").alias("median_letters"),
    )
    # Counts are joined, not conversations, most of which are of one language.
    is_same_group = (F.col("source") == F.col("of_source")) & F.col("language").eqNullSafe(F.col("of_language"))
    counts = counts.join(published, is_same_group)
    checked = Window.partitionBy("source", "detector", "language")
    is_same = F.col("language") == F.col("detected_language")
    return counts.select(
        "*",
        F.sum("n").over(checked).alias("n_checked"),
        F.sum(F.when(is_same, F.col("n")).otherwise(0)).over(checked).alias("n_confirmed"),
    ).select(*LANGUAGE_AUDIT.column_names)
