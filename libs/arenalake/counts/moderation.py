"""Moderation of messages as counts: scores in bins, and the flags of whole conversations.

Tags of a battle as a whole count with the role `battle` and no model; each battle is a conversation of its own.
Languages of messages are as published, else as detected.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.counts.languages import with_known_language
from arenalake.moderation import ANY, CATEGORIES, column_suffix

ROLES = ("user", "assistant", "battle")
ALL_CATEGORIES = (ANY, *CATEGORIES)
UNDERFLOW_BIN = -901
# The bit of each category in the number of a message.
MASKS = {category: 1 << bit for bit, category in enumerate(ALL_CATEGORIES)}
# Where its other parts begin.
LABELLED_BIT, ROLE_BIT = 12, 24

_KEYS = ("source", "model", "language", "role")
_FLAGS = ("flagged", *(f"flag_{column_suffix(category)}" for category in CATEGORIES))
_SCORES = tuple(f"score_{column_suffix(category)}" for category in CATEGORIES)


def count_scores(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Count messages by score, in bins of a hundredth of a decade.

    Args:
        messages: columns of the table `messages`.
        battles: columns of the table `battles`.

    Returns:
        Columns of the table `moderation_counts`. The category `any` has flags but no score. A message without a score
        is in the null bin; one without the flag is in `n` but not in `n_labelled`.
    """
    scores = (F.lit(None).cast("double"), *map(F.col, _SCORES))
    tags = [
        F.struct(F.lit(category).alias("category"), F.col(flag).alias("flag"), score.alias("score"))
        for category, flag, score in zip(ALL_CATEGORIES, _FLAGS, scores, strict=True)
    ]
    tagged = _tagged(messages, battles).select(*_KEYS, F.inline(F.array(*tags)))
    score = F.col("score")
    log_bin = F.floor(100 * F.log10(F.when(score >= 1e-9, score))).cast("int")
    # Nine digits and nine more, so that whole numbers add up at full speed and exactly; decimals are slow.
    high = F.floor(score * 1e9).cast("bigint")
    low = F.round((score * 1e9 - high) * 1e9).cast("bigint")
    counts = (
        tagged.withColumn("score_bin", F.when(score < 1e-9, UNDERFLOW_BIN).otherwise(log_bin))
        .groupBy(*_KEYS, "category", "score_bin")
        .agg(
            F.count("*").alias("n"),
            F.count("flag").alias("n_labelled"),
            F.count_if("flag").alias("n_flagged"),
            F.sum(high).alias("high"),
            F.sum(low).alias("low"),
        )
    )
    # Types with room for the product and for the sum, or Spark rounds digits away.
    whole, unit = "decimal(19,0)", "decimal(34,18)"
    billions = F.col("high").cast(whole) * F.lit("1e-9").cast("decimal(9,9)")
    rest = F.col("low").cast(whole) * F.lit("1e-18").cast("decimal(18,18)")
    sum_score = billions.cast(unit) + rest.cast(unit)
    return counts.select(
        *_KEYS,
        "category",
        "score_bin",
        "n",
        "n_labelled",
        "n_flagged",
        sum_score.cast("decimal(38,18)").alias("sum_score"),
    )


def count_patterns(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Count conversations by the flags of all their messages.

    Few patterns cover nearly all conversations, and what is clustered by conversation is a function of these counts.

    Args:
        messages: columns of the table `messages`.
        battles: columns of the table `battles`.

    Returns:
        source, model, language, pattern, n; the table `moderation_patterns` says how a pattern is written.
    """
    coded = _tagged(messages, battles).select("source", "conversation_id", "position", "model", "language", _code())
    # Spark sorts here, and compares the first key first: the id tells rows apart at once. Model and language are the
    # same for all messages of a conversation.
    pattern = F.sort_array(F.collect_list(F.struct("position", "code")))["code"].alias("pattern")
    conversations = coded.groupBy("conversation_id", "source", "model", "language").agg(pattern)
    return conversations.groupBy("source", "model", "language", "pattern").agg(F.count("*").alias("n"))


def sum_patterns(patterns: DataFrame) -> DataFrame:
    """Sum the flags within conversations first, then over conversations.

    Args:
        patterns: columns of the table `moderation_patterns`.

    Returns:
        Columns of the table `moderation_totals`. A role that a conversation has no labelled message of adds nothing.
    """
    role = F.posexplode(F.array(*map(F.lit, ROLES))).alias("role_number", "role")
    own = F.filter("pattern", lambda code: F.shiftright(code, ROLE_BIT) == F.col("role_number"))
    by_role = patterns.select("*", role).withColumn("own", own).where(F.size("own") > 0)
    views = by_category(by_role, "source", "model", "language", "role", "n", "own")
    keys = ("source", "model", "language", "role", "category")
    present = views.select(
        *keys,
        "n",
        F.size(F.filter("own", lambda code: has(code, "labelled"))).alias("m"),
        F.size(F.filter("own", lambda code: has(code, "flagged"))).alias("f"),
    )
    n, m, f = F.col("n"), F.col("m").cast("bigint"), F.col("f").cast("bigint")
    return present.groupBy(*keys).agg(
        F.sum(F.when(m > 0, n).otherwise(0)).alias("n_conversations"),
        F.sum(F.when(f > 0, n).otherwise(0)).alias("n_conversations_flagged"),
        F.sum(n * m).alias("n_messages"),
        F.sum(n * f).alias("n_flagged"),
        F.sum(n * m * m).alias("sum_messages_squared"),
        F.sum(n * f * f).alias("sum_flagged_squared"),
        F.sum(n * f * m).alias("sum_flagged_messages"),
    )


def by_category(rows: DataFrame, *columns: str, masks: Mapping[str, int] | None = None) -> DataFrame:
    """Repeat each row for every category.

    Args:
        columns: what to keep of the rows.
        masks: category to the bits of a code that say so, for other categories than the published ones.

    Returns:
        The columns, category, and its bits in a code: `flagged`, and `labelled` where the flag is known.
    """
    named = F.create_map(*[F.lit(part) for pair in (masks or MASKS).items() for part in pair])
    repeated = rows.select(*columns, F.explode(named).alias("category", "flagged"))
    return repeated.withColumn("labelled", F.shiftleft("flagged", LABELLED_BIT))


def has(code: Column, mask: str) -> Column:
    """Whether a message's code has one of the bits in this column."""
    return code.bitwiseAND(F.col(mask)) != 0


def _code() -> Column:
    """A message as one number, as the table `moderation_patterns` describes it."""
    code = F.lit(None).cast("int")
    for number, role in enumerate(ROLES):
        code = F.when(F.col("role") == role, F.lit(number << ROLE_BIT)).otherwise(code)
    for bit, flag in enumerate(_FLAGS):
        labelled = 1 << (LABELLED_BIT + bit)
        code = code + F.when(F.col(flag), labelled + (1 << bit)).when(~F.col(flag), labelled).otherwise(0)
    return code.alias("code")


def _tagged(messages: DataFrame, battles: DataFrame) -> DataFrame:
    """Messages, and battles as if each were a conversation of one message by the role `battle`."""
    columns = ("source", "conversation_id", "position", "model", "language", "role", *_FLAGS, *_SCORES)
    tags = F.col("moderation")
    as_messages = battles.select(
        "source",
        F.col("battle_id").alias("conversation_id"),
        F.lit(0).alias("position"),
        F.lit(None).cast("string").alias("model"),
        "language",
        F.lit("battle").alias("role"),
        tags["flagged"].alias("flagged"),
        *[tags["categories"][c].alias(f"flag_{column_suffix(c)}") for c in CATEGORIES],
        *[tags["category_scores"][c].alias(f"score_{column_suffix(c)}") for c in CATEGORIES],
    )
    return with_known_language(messages).select(*columns).unionByName(as_messages)
