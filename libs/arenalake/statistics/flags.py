"""What flags say together: coverage, turns, pairs of categories, attempts and answers, and conversations as a whole.

All of it is a function of the counts of patterns, so no message is read again.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.counts.moderation import by_category, has
from arenalake.moderation import ANY, CATEGORIES, LABELLED_BIT, MASKS, ROLE_BIT, ROLES
from arenalake.statistics.groupings import by_groupings
from arenalake.statistics.proportions import wilson_bounds

_USER, _ASSISTANT, _BATTLE = (ROLES.index(role) for role in ("user", "assistant", "battle"))
_FLAGS = sum(MASKS.values())
_GROUPINGS = ("all", "model", "language")
_GROUP = ("source", "grouping", "model", "language")


def measure_coverage(patterns: DataFrame) -> DataFrame:
    """How many messages have a flag, lack it, or have no moderation at all; columns of `moderation_coverage`."""
    tagged = by_category(_count_codes(patterns), "source", "role", "code", "n")
    moderated = F.col("code").bitwiseAND(_FLAGS << LABELLED_BIT) != 0
    labelled = has(F.col("code"), "labelled")
    return tagged.groupBy("source", "role", "category").agg(
        F.sum("n").alias("n"),
        _sum_where(labelled).alias("n_labelled"),
        _sum_where(moderated & ~labelled).alias("n_without_category"),
        _sum_where(~moderated).alias("n_without_moderation"),
    )


def summarise_turns(patterns: DataFrame) -> DataFrame:
    """Flag rates by role, turn and category with Wilson intervals; columns of `moderation_turns`."""
    tagged = by_category(_count_codes(patterns), "source", "role", "turn", "code", "n")
    sums = tagged.groupBy("source", "role", "turn", "category").agg(
        _sum_where(has(F.col("code"), "labelled")).alias("n"),
        _sum_where(~has(F.col("code"), "labelled")).alias("n_missing"),
        _sum_where(has(F.col("code"), "flagged")).alias("n_flagged"),
    )
    return sums.select("*", *_rate("n_flagged", "n", "rate"))


def count_cooccurrence(patterns: DataFrame) -> DataFrame:
    """Pairs of categories on the same message, where both flags are known; columns of `moderation_cooccurrence`."""
    masks = {category: MASKS[category] for category in CATEGORIES}
    first = by_category(_count_codes(patterns), "source", "role", "code", "n", masks=masks)
    first = first.where(has(F.col("code"), "labelled")).withColumnsRenamed({"category": "category_a", "flagged": "a"})
    both = by_category(first, "source", "role", "code", "n", "category_a", "a", masks=masks)
    both = both.withColumnsRenamed({"category": "category_b", "flagged": "b"})
    # Masks are in the order of categories, so each pair is seen once.
    both = both.where((F.col("a") < F.col("b")) & has(F.col("code"), "labelled"))
    sums = both.groupBy("source", "role", "category_a", "category_b").agg(
        F.sum("n").alias("n"),
        _sum_where(has(F.col("code"), "a")).alias("n_a"),
        _sum_where(has(F.col("code"), "b")).alias("n_b"),
        _sum_where(has(F.col("code"), "a") & has(F.col("code"), "b")).alias("n_both"),
    )
    n_a, n_b, n_both = (F.col(c).cast("double") for c in ("n_a", "n_b", "n_both"))
    return sums.select(
        "*",
        (n_both / F.nullif(n_a + n_b - n_both, F.lit(0.0))).alias("jaccard"),
        (n_both * F.col("n") / F.nullif(n_a * n_b, F.lit(0.0))).alias("lift"),
    )


def summarise_answers(patterns: DataFrame) -> DataFrame:
    """Attempt and answer per conversation, by category, for all, by model and by language.

    Args:
        patterns: columns of the table `moderation_patterns`.

    Returns:
        Columns of the table `moderation_answers`. An answer belongs to the user's message right before it. An attempt
        whose answers have no flag, or that got none, is not in `n_attempts`: what became of it is not known.
    """

    def answered(one: Column, two: Column) -> Column:
        flags = one.bitwiseAND(_FLAGS)
        asked = F.when(_is_by(one, _USER) & _is_by(two, _ASSISTANT), flags + F.shiftleft(flags, LABELLED_BIT))
        return F.coalesce(asked, F.lit(0)).bitwiseAND(F.coalesce(two, F.lit(0)))

    # Battles as a whole have neither a user nor an answer.
    conversations = patterns.where(~F.exists("pattern", lambda code: _is_by(code, _BATTLE)))
    following = F.slice("pattern", F.lit(2), F.size("pattern"))
    # Once for each pattern, not for each category: what takes a function is interpreted.
    codes = conversations.select(
        *("source", "model", "language", "n"),
        _either(F.filter("pattern", lambda code: _is_by(code, _USER))).alias("user"),
        _either(F.filter("pattern", lambda code: _is_by(code, _ASSISTANT))).alias("answer"),
        _either(F.zip_with("pattern", following, answered)).alias("answer_to_flagged"),
    )
    seen = by_category(codes, *codes.columns)
    views = seen.select(
        *("source", "model", "language", "category", "n"),
        has(F.col("user"), "labelled").alias("has_user"),
        has(F.col("user"), "flagged").alias("user_flagged"),
        has(F.col("answer"), "flagged").alias("answer_flagged"),
        has(F.col("answer_to_flagged"), "labelled").alias("attempt"),
        has(F.col("answer_to_flagged"), "flagged").alias("answered"),
    )
    sums = (
        by_groupings(views, _GROUPINGS)
        .groupBy(*_GROUP, "category")
        .agg(
            _sum_where(F.col("has_user")).alias("n_conversations"),
            _sum_where(F.col("user_flagged")).alias("n_user_flagged"),
            _sum_where(F.col("answer_flagged")).alias("n_answer_flagged"),
            _sum_where(F.col("attempt")).alias("n_attempts"),
            _sum_where(F.col("answered")).alias("n_answered"),
        )
    )
    return sums.select("*", *_rate("n_answered", "n_attempts", "answered_rate"))


def summarise_flagged_conversations(patterns: DataFrame) -> DataFrame:
    """Conversations flagged per category on any message, with sub-categories folded into their parent.

    Args:
        patterns: columns of the table `moderation_patterns`.

    Returns:
        Columns of the table `moderation_conversations`. Tags of battles as a whole are a unit of their own.
    """
    families: dict[str, int] = {ANY: MASKS[ANY]}
    for category in CATEGORIES:
        parent = category.partition("/")[0]
        families[parent] = families.get(parent, 0) | MASKS[category]
    is_battle = F.exists("pattern", lambda code: _is_by(code, _BATTLE))
    unit = F.when(is_battle, "battle").otherwise("conversation").alias("unit")
    seen = patterns.select("source", "model", "language", unit, "n", _either(F.col("pattern")).alias("code"))
    views = by_category(seen, *seen.columns, masks=families).select(
        *("source", "model", "language", "unit", "category", "n"),
        has(F.col("code"), "labelled").alias("is_labelled"),
        has(F.col("code"), "flagged").alias("is_flagged"),
    )
    sums = (
        by_groupings(views, _GROUPINGS)
        .groupBy(*_GROUP, "unit", "category")
        .agg(
            _sum_where(F.col("is_labelled")).alias("n"),
            _sum_where(~F.col("is_labelled")).alias("n_missing"),
            _sum_where(F.col("is_flagged")).alias("n_flagged"),
        )
    )
    return sums.select("*", *_rate("n_flagged", "n", "rate"))


def _count_codes(patterns: DataFrame) -> DataFrame:
    """Messages by source, role, turn and code."""

    def place(code: Column, position: Column) -> Column:
        up_to_here = F.slice("pattern", F.lit(1), position + 1)
        turn = F.size(F.filter(up_to_here, lambda earlier: _is_by(earlier, _USER)))
        return F.struct(code.alias("code"), turn.alias("turn"))

    messages = patterns.select("source", "n", F.inline(F.transform("pattern", place)))
    role = F.element_at(F.array(*map(F.lit, ROLES)), F.shiftright("code", ROLE_BIT) + 1).alias("role")
    return messages.groupBy("source", role, "turn", "code").agg(F.sum("n").alias("n"))


def _either(codes: Column) -> Column:
    """The bits that any of the codes has; 0 for none."""
    return F.aggregate(codes, F.lit(0), lambda seen, code: seen.bitwiseOR(code))


def _is_by(code: Column, role: int) -> Column:
    return F.shiftright(code, ROLE_BIT) == role


def _sum_where(condition: Column) -> Column:
    return F.sum(F.when(condition, F.col("n")).otherwise(0))


def _rate(k: str, n: str, name: str) -> list[Column]:
    lower, upper = wilson_bounds(F.col(k), F.col(n))
    share = F.col(k) / F.nullif(F.col(n), F.lit(0))
    return [share.alias(name), lower.alias("ci_lower"), upper.alias("ci_upper")]
