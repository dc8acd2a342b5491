"""What flags say together: coverage, turns, pairs of categories, attempts and answers, and conversations as a whole.

All of it is a function of the counts of patterns, so no message is read again.
"""

from collections.abc import Callable, Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.counts.moderation import ALL_CATEGORIES, LABELLED_BIT, ROLE_BIT, ROLES
from arenalake.moderation import ANY, CATEGORIES
from arenalake.statistics.groupings import by_groupings
from arenalake.statistics.proportions import wilson_bounds

_PARENTS = tuple(dict.fromkeys(category.partition("/")[0] for category in CATEGORIES))
_USER, _ASSISTANT, _BATTLE = (ROLES.index(role) for role in ("user", "assistant", "battle"))
_GROUPINGS = ("all", "model", "language")
_GROUP = ("source", "grouping", "model", "language")


def measure_coverage(patterns: DataFrame) -> DataFrame:
    """How many messages have a flag, lack it, or have no moderation at all; columns of `moderation_coverage`."""
    codes = _count_codes(patterns)
    has_any = F.col("code").bitwiseAND(_labelled_mask(ALL_CATEGORIES)) != 0
    views = [
        F.struct(
            F.lit(category).alias("category"),
            _holds_all(_labelled_mask([category])).alias("labelled"),
            has_any.alias("moderated"),
        )
        for category in ALL_CATEGORIES
    ]
    tagged = codes.select("source", "role", "n", F.inline(F.array(*views)))
    return tagged.groupBy("source", "role", "category").agg(
        F.sum("n").alias("n"),
        _sum_where(F.col("labelled")).alias("n_labelled"),
        _sum_where(F.col("moderated") & ~F.col("labelled")).alias("n_without_category"),
        _sum_where(~F.col("moderated")).alias("n_without_moderation"),
    )


def summarise_turns(patterns: DataFrame) -> DataFrame:
    """Flag rates by role, turn and category with Wilson intervals; columns of `moderation_turns`."""
    codes = _count_codes(patterns)
    views = [
        F.struct(
            F.lit(category).alias("category"),
            _holds_all(_labelled_mask([category])).alias("labelled"),
            _holds_all(_flagged_mask([category])).alias("flagged"),
        )
        for category in ALL_CATEGORIES
    ]
    tagged = codes.select("source", "role", "turn", "n", F.inline(F.array(*views)))
    sums = tagged.groupBy("source", "role", "turn", "category").agg(
        _sum_where(F.col("labelled")).alias("n"),
        _sum_where(~F.col("labelled")).alias("n_missing"),
        _sum_where(F.col("flagged")).alias("n_flagged"),
    )
    return sums.select("*", *_rate("n_flagged", "n", "rate"))


def count_cooccurrence(patterns: DataFrame) -> DataFrame:
    """Pairs of categories on the same message, where both flags are known; columns of `moderation_cooccurrence`."""
    pairs = [(a, b) for i, a in enumerate(CATEGORIES) for b in CATEGORIES[i + 1 :]]
    views = [
        F.struct(
            F.lit(a).alias("category_a"),
            F.lit(b).alias("category_b"),
            _holds_all(_labelled_mask([a, b])).alias("labelled"),
            _holds_all(_flagged_mask([a])).alias("a"),
            _holds_all(_flagged_mask([b])).alias("b"),
        )
        for a, b in pairs
    ]
    labelled = _count_codes(patterns).select("source", "role", "n", F.inline(F.array(*views))).where("labelled")
    sums = labelled.groupBy("source", "role", "category_a", "category_b").agg(
        F.sum("n").alias("n"),
        _sum_where(F.col("a")).alias("n_a"),
        _sum_where(F.col("b")).alias("n_b"),
        _sum_where(F.col("a") & F.col("b")).alias("n_both"),
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
    views = []
    for category in ALL_CATEGORIES:
        asked, replied = _message(_USER, category), _message(_ASSISTANT, category)
        attempted = _message(_USER, category, flagged=True)
        complied = _message(_ASSISTANT, category, flagged=True)
        views.append(
            F.struct(
                F.lit(category).alias("category"),
                F.exists("pattern", asked).alias("has_user"),
                F.exists("pattern", attempted).alias("user_flagged"),
                F.exists("pattern", complied).alias("answer_flagged"),
                _followed(attempted, replied).alias("attempt"),
                _followed(attempted, complied).alias("answered"),
            )
        )
    keys = (*_GROUP, "category")
    # Battles as a whole have neither a user nor an answer.
    conversations = patterns.where(~F.exists("pattern", _is_by(_BATTLE)))
    seen = conversations.select("source", "model", "language", "n", F.inline(F.array(*views)))
    sums = (
        by_groupings(seen, _GROUPINGS)
        .groupBy(*keys)
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
    views = []
    for parent in (ANY, *_PARENTS):
        family = [category for category in ALL_CATEGORIES if category.partition("/")[0] == parent]
        views.append(
            F.struct(
                F.lit(parent).alias("category"),
                F.exists("pattern", _holds_some(_labelled_mask(family))).alias("labelled"),
                F.exists("pattern", _holds_some(_flagged_mask(family))).alias("flagged"),
            )
        )
    unit = F.when(F.exists("pattern", _is_by(_BATTLE)), "battle").otherwise("conversation").alias("unit")
    seen = patterns.select("source", "model", "language", unit, "n", F.inline(F.array(*views)))
    grouped = by_groupings(seen, _GROUPINGS).groupBy(*_GROUP, "unit", "category")
    sums = grouped.agg(
        _sum_where(F.col("labelled")).alias("n"),
        _sum_where(~F.col("labelled")).alias("n_missing"),
        _sum_where(F.col("flagged")).alias("n_flagged"),
    )
    return sums.select("*", *_rate("n_flagged", "n", "rate"))


def _count_codes(patterns: DataFrame) -> DataFrame:
    """Messages by source, role, turn and code."""

    def place(code: Column, position: Column) -> Column:
        up_to_here = F.slice("pattern", F.lit(1), position + 1)
        return F.struct(code.alias("code"), F.size(F.filter(up_to_here, _is_by(_USER))).alias("turn"))

    messages = patterns.select("source", "n", F.inline(F.transform("pattern", place)))
    role = F.element_at(F.array(*map(F.lit, ROLES)), F.shiftright("code", ROLE_BIT) + 1).alias("role")
    return messages.groupBy("source", role, "turn", "code").agg(F.sum("n").alias("n"))


def _labelled_mask(categories: Iterable[str]) -> int:
    return _flagged_mask(categories) << LABELLED_BIT


def _flagged_mask(categories: Iterable[str]) -> int:
    return sum(1 << ALL_CATEGORIES.index(category) for category in categories)


def _holds_all(mask: int) -> Column:
    return F.col("code").bitwiseAND(mask) == mask


def _holds_some(mask: int) -> Callable[[Column], Column]:
    return lambda code: code.bitwiseAND(mask) != 0


def _is_by(role: int) -> Callable[[Column], Column]:
    return lambda code: F.shiftright(code, ROLE_BIT) == role


def _message(role: int, category: str, *, flagged: bool = False) -> Callable[[Column], Column]:
    """By this role, with the flag of this category, true or false; or with it set."""
    mask = _flagged_mask([category]) if flagged else _labelled_mask([category])
    return lambda code: _is_by(role)(code) & _holds_some(mask)(code)


def _followed(first: Callable[[Column], Column], second: Callable[[Column], Column]) -> Column:
    """Whether some message of the pattern is `first` and the next one `second`."""
    following = F.slice("pattern", F.lit(2), F.size("pattern"))
    both = F.zip_with("pattern", following, lambda one, two: first(one) & F.coalesce(second(two), F.lit(False)))
    return F.exists(both, lambda found: found)


def _sum_where(condition: Column) -> Column:
    return F.sum(F.when(condition, F.col("n")).otherwise(0))


def _rate(k: str, n: str, name: str) -> list[Column]:
    lower, upper = wilson_bounds(F.col(k), F.col(n))
    share = F.col(k) / F.nullif(F.col(n), F.lit(0))
    return [share.alias(name), lower.alias("ci_lower"), upper.alias("ci_upper")]
