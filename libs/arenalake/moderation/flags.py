"""What flags say together: turns, pairs of categories, attempts and answers, and conversations as a whole.

All of it is a function of the counts of patterns, so no message is read again.
"""

from collections.abc import Mapping

import polars as pl

from arenalake.entities.moderation import ANY, CATEGORIES, LABELLED_BIT, MASKS, ROLE_BIT, ROLES
from arenalake.numbers.groupings import by_groupings
from arenalake.numbers.proportions import not_zero, share, wilson_bounds

_USER, _ASSISTANT, _BATTLE = (ROLES.index(role) for role in ("user", "assistant", "battle"))
_FLAGS = sum(MASKS.values())
_GROUPINGS = ("all", "model", "language")
_GROUP = ("source", "grouping", "model", "language")


def sum_patterns(patterns: pl.DataFrame) -> pl.DataFrame:
    """Sum the flags within conversations first, then over conversations.

    Args:
        patterns: columns of the table `moderation_patterns`.

    Returns:
        Per source, model, language, role and category: n_conversations with a labelled message, n_conversations_flagged
        with a flagged one, n_messages that are labelled, n_flagged, and over conversations the sums of their labelled
        messages squared (sum_messages_squared), of their flagged ones squared (sum_flagged_squared), and of the product
        of both (sum_flagged_messages): what intervals need that allow for messages of a conversation being alike.
    """
    codes = _codes_in_order(patterns).with_columns(_role())
    of_role = (
        by_category(codes)
        .group_by("conversation", "role", "category")
        .agg(
            pl.col("source", "model", "language", "n").first(),
            has("labelled").sum().cast(pl.Int64).alias("m"),
            has("flagged").sum().cast(pl.Int64).alias("f"),
        )
    )
    n, m, f = pl.col("n"), pl.col("m"), pl.col("f")
    return of_role.group_by("source", "model", "language", "role", "category").agg(
        n.filter(m > 0).sum().alias("n_conversations"),
        n.filter(f > 0).sum().alias("n_conversations_flagged"),
        (n * m).sum().alias("n_messages"),
        (n * f).sum().alias("n_flagged"),
        (n * m * m).sum().alias("sum_messages_squared"),
        (n * f * f).sum().alias("sum_flagged_squared"),
        (n * f * m).sum().alias("sum_flagged_messages"),
    )


def summarise_turns(patterns: pl.DataFrame) -> pl.DataFrame:
    """Flag rates by role, turn and category with Wilson intervals; columns of `moderation_turns`."""
    is_moderated = pl.col("code") & (_FLAGS << LABELLED_BIT) != 0
    sums = (
        by_category(_count_codes(patterns))
        .group_by("source", "role", "turn", "category")
        .agg(
            _sum_where(has("labelled")).alias("n"),
            _sum_where(~has("labelled")).alias("n_missing"),
            _sum_where(~is_moderated).alias("n_without_moderation"),
            _sum_where(has("flagged")).alias("n_flagged"),
        )
    )
    return sums.with_columns(*_rate("n_flagged", "n", "rate"))


def count_cooccurrence(patterns: pl.DataFrame) -> pl.DataFrame:
    """Pairs of categories on the same message, where both flags are known; columns of `moderation_cooccurrence`."""
    masks = {category: MASKS[category] for category in CATEGORIES}
    codes = _count_codes(patterns).group_by("source", "role", "code").agg(pl.col("n").sum())
    first = by_category(codes, masks).filter(has("labelled")).rename({"category": "category_a", "flagged": "a"})
    both = by_category(first.drop("labelled"), masks).rename({"category": "category_b", "flagged": "b"})
    # Masks are in the order of categories, so each pair is seen once.
    both = both.filter((pl.col("a") < pl.col("b")) & has("labelled"))
    sums = both.group_by("source", "role", "category_a", "category_b").agg(
        pl.col("n").sum(),
        _sum_where(has("a")).alias("n_a"),
        _sum_where(has("b")).alias("n_b"),
        _sum_where(has("a") & has("b")).alias("n_both"),
    )
    n_a, n_b, n_both = (pl.col(name).cast(pl.Float64) for name in ("n_a", "n_b", "n_both"))
    return sums.with_columns(
        (n_both / not_zero(n_a + n_b - n_both)).alias("jaccard"),
        (n_both * pl.col("n") / not_zero(n_a * n_b)).alias("lift"),
    )


def summarise_answers(patterns: pl.DataFrame) -> pl.DataFrame:
    """Attempt and answer per conversation, by category, for all, by model and by language.

    Args:
        patterns: columns of the table `moderation_patterns`.

    Returns:
        Columns of the table `moderation_answers`. An answer belongs to the user's message right before it. An attempt
        whose answers have no flag, or that got none, is not in `n_attempts`: what became of it is not known.
    """
    code = pl.col("code")
    before = code.shift(1).over("conversation")
    is_answer = _is_by(_ASSISTANT) & (before // (1 << ROLE_BIT) == _USER)
    # What the user was flagged for, where the answer has that flag, true or false.
    asked = (before & _FLAGS) * (1 + (1 << LABELLED_BIT))
    codes = _codes_in_order(patterns).with_columns(
        answer_to_flagged=pl.when(is_answer).then(code & asked).otherwise(0),
        user=pl.when(_is_by(_USER)).then(code).otherwise(0),
        answer=pl.when(_is_by(_ASSISTANT)).then(code).otherwise(0),
    )
    # Battles as a whole have neither a user nor an answer.
    conversations = codes.group_by("conversation").agg(
        pl.col("source", "model", "language", "n").first(),
        pl.col("user", "answer", "answer_to_flagged").bitwise_or(),
        _is_by(_BATTLE).any().alias("is_battle"),
    )
    seen = by_category(conversations.filter(~pl.col("is_battle")))
    views = seen.select(
        *("source", "model", "language", "category", "n"),
        has("labelled", "user").alias("has_user"),
        has("flagged", "user").alias("user_flagged"),
        has("flagged", "answer").alias("answer_flagged"),
        has("labelled", "answer_to_flagged").alias("attempt"),
        has("flagged", "answer_to_flagged").alias("answered"),
    )
    sums = (
        by_groupings(views, _GROUPINGS)
        .group_by(*_GROUP, "category")
        .agg(
            _sum_where(pl.col("has_user")).alias("n_conversations"),
            _sum_where(pl.col("user_flagged")).alias("n_user_flagged"),
            _sum_where(pl.col("answer_flagged")).alias("n_answer_flagged"),
            _sum_where(pl.col("attempt")).alias("n_attempts"),
            _sum_where(pl.col("answered")).alias("n_answered"),
        )
    )
    return sums.with_columns(*_rate("n_answered", "n_attempts", "answered_rate"))


def summarise_flagged_conversations(patterns: pl.DataFrame) -> pl.DataFrame:
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
    conversations = (
        _codes_in_order(patterns)
        .group_by("conversation")
        .agg(
            pl.col("source", "model", "language", "n").first(),
            pl.col("code").bitwise_or(),
            pl.when(_is_by(_BATTLE).any()).then(pl.lit("battle")).otherwise(pl.lit("conversation")).alias("unit"),
        )
    )
    views = by_category(conversations, families).select(
        *("source", "model", "language", "unit", "category", "n"),
        has("labelled").alias("is_labelled"),
        has("flagged").alias("is_flagged"),
    )
    sums = (
        by_groupings(views, _GROUPINGS)
        .group_by(*_GROUP, "unit", "category")
        .agg(
            _sum_where(pl.col("is_labelled")).alias("n"),
            _sum_where(~pl.col("is_labelled")).alias("n_missing"),
            _sum_where(pl.col("is_flagged")).alias("n_flagged"),
        )
    )
    return sums.with_columns(*_rate("n_flagged", "n", "rate"))


def by_category(rows: pl.DataFrame, masks: Mapping[str, int] = MASKS) -> pl.DataFrame:
    """Repeat each row for every category.

    Args:
        rows: any.
        masks: category to the bits of a code that say so, for other categories than the published ones.

    Returns:
        The columns, category, and its bits in a code: `flagged`, and `labelled` where the flag is known.
    """
    named = pl.DataFrame(
        {"category": list(masks), "flagged": list(masks.values())}, {"category": pl.String, "flagged": pl.Int32}
    )
    return rows.join(named.with_columns(labelled=pl.col("flagged") * (1 << LABELLED_BIT)), how="cross")


def has(mask: str, code: str = "code") -> pl.Expr:
    """Whether a code has one of the bits in the column `mask`."""
    return (pl.col(code) & pl.col(mask)) != 0


def _codes_in_order(patterns: pl.DataFrame) -> pl.DataFrame:
    """A row for each message of each pattern: conversation (number of the pattern), code, and the pattern's columns."""
    return patterns.rename({"pattern": "code"}).with_row_index("conversation").explode("code")


def _count_codes(patterns: pl.DataFrame) -> pl.DataFrame:
    """Messages by source, role, turn and code."""
    turn = _is_by(_USER).cast(pl.Int32).cum_sum().over("conversation").alias("turn")
    messages = _codes_in_order(patterns).with_columns(_role(), turn)
    return messages.group_by("source", "role", "turn", "code").agg(pl.col("n").sum())


def _role() -> pl.Expr:
    return (
        (pl.col("code") // (1 << ROLE_BIT)).replace_strict(dict(enumerate(ROLES)), return_dtype=pl.String).alias("role")
    )


def _is_by(role: int) -> pl.Expr:
    return pl.col("code") // (1 << ROLE_BIT) == role


def _sum_where(condition: pl.Expr) -> pl.Expr:
    return pl.when(condition).then("n").otherwise(0).sum()


def _rate(k: str, n: str, name: str) -> list[pl.Expr]:
    lower, upper = wilson_bounds(pl.col(k), pl.col(n))
    return [share(pl.col(k), pl.col(n)).alias(name), lower.alias("ci_lower"), upper.alias("ci_upper")]
