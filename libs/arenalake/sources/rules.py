"""The rules that a record must keep, each as a column: a sentence that names the fault, or null."""

import sys
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from arenalake.entities.moderation import CATEGORIES


def required(name: str, value: Column, column: str | None = None) -> Column:
    """Broken by null and by empty text."""
    where = f" (column {column!r})" if column and column != name else ""
    empty = value.isNull() | (F.trim(value.cast("string")) == "")
    return F.when(empty, F.lit(f"{name} is missing{where}"))


def known_winner(label: Column, winner: Column, allowed: list[str]) -> Column:
    """Broken by a label that no outcome belongs to."""
    told = F.concat(F.lit("winner "), F.to_json(F.array(label)), F.lit(f" is unknown; known: {', '.join(allowed)}"))
    return F.when(label.isNotNull() & winner.isNull(), told)


def two_models(model_a: Column, model_b: Column) -> Column:
    """Broken where both sides are the same model."""
    return F.when(model_a == model_b, F.concat(F.lit("both sides are the same model, "), model_a))


def whole_number(name: str, value: Column, *, minimum: int | None = None, is_long: bool = False) -> Column:
    """Broken by NaN, infinity, a fraction, what is below the minimum, and 2^31 (or, if long, 2^53) or more in size."""
    whole = (value == F.floor(value)) & (F.abs(value) < (2.0**53 if is_long else 2.0**31))
    limit = "" if minimum is None else f" of at least {minimum}"
    good = whole if minimum is None else whole & (value >= minimum)
    # A number that large went through a double, which may have made another one of it.
    is_large = F.abs(value).between(2.0**53, sys.float_info.max)
    why = F.when(is_large, ", too large to be exact; numbers below 2^53 are exact").when(
        F.abs(value).between(2.0**31, 2.0**53), ", too large; it must be below 2^31"
    )
    why = why.otherwise(f", not a whole number{limit}")
    told = F.concat(F.lit(f"{name} is "), value.cast("string"), why)
    return F.when(value.isNotNull() & ~F.coalesce(good, F.lit(False)), told)


def readable_time(raw: Column, time: Column) -> Column:
    """Broken by what is there and was not read as a time."""
    wanted = "not a time; give seconds since 1970, or a date and time as in 2023-04-24T15:39:51Z"
    told = F.concat(F.lit("tstamp is "), raw.cast("string"), F.lit(f", {wanted}"))
    return F.when(raw.isNotNull() & time.isNull(), told)


def messages_in_order(name: str, messages: Column) -> Column:
    """Broken unless user and assistant take turns, the user first, and every message has a text (it may be empty)."""
    # Whole arrays go through generated code, lambdas do not, and every record comes by here.
    roles = F.concat(F.array_join(messages["role"], ",", "null"), F.lit(","))
    n_pairs, left_over = (F.size(messages) / 2).cast("int"), F.size(messages) % 2
    in_turns = F.concat(F.repeat(F.lit("user,assistant,"), n_pairs), F.repeat(F.lit("user,"), left_over))
    wrong_role = roles != in_turns
    no_text = F.exists(messages, lambda message: message["content"].isNull())
    return (
        F.when(messages.isNull() | (F.size(messages) == 0), F.lit(f"{name} has no messages"))
        .when(wrong_role, F.lit(f"{name} is out of order: user and assistant must take turns, the user first"))
        .when(no_text, F.lit(f"{name} has a message without content"))
    )


def score_in_range(name: str, score: Column) -> Column:
    """Broken by NaN, which Spark orders above every number, and by what is outside [0, 1]; null is missing."""
    return F.when(_outside(score), F.concat(F.lit(f"{name} is "), score.cast("string"), F.lit(_RANGE)))


def grade_in_scale(name: str, grade: Column, scale: tuple[float, float]) -> Column:
    """Broken by NaN and by a grade beyond the ends of the scale, whichever comes first; null is missing."""
    told = F.concat(F.lit(f"{name} is "), grade.cast("string"), F.lit(f", not from {min(scale):g} to {max(scale):g}"))
    return F.when(~grade.between(min(scale), max(scale)), told)


def moderation_scores_in_range(name: str, moderation: Column) -> Column:
    """The same for all scores of one moderation struct; the category is named."""
    scores = moderation["category_scores"]
    named = F.array(*[F.struct(F.lit(c).alias("category"), scores[c].alias("score")) for c in CATEGORIES])
    first = F.get(F.filter(named, lambda one: _outside(one["score"])), F.lit(0))
    told = F.concat(
        F.lit(f"{name} score "), first["category"], F.lit(" is "), first["score"].cast("string"), F.lit(_RANGE)
    )
    return F.when(first.isNotNull(), told)


def all_moderation_scores_in_range(name: str, moderation: Column) -> Column:
    """The same for an array of moderation structs."""
    scores = [moderation["category_scores"][category] for category in CATEGORIES]
    # NaN is the largest of an array, and what is null is none of them.
    outside = [(F.array_max(of_one) > 1.0) | (F.array_min(of_one) < 0.0) for of_one in scores]
    broken = reduce(Column.__or__, [F.coalesce(one, F.lit(False)) for one in outside])
    return F.when(broken, F.lit(f"{name} has a score that is outside [0, 1] or not a number"))


def one_per_message(name: str, moderation: Column, messages: Column) -> Column:
    """Broken by entries that are not as many as the messages; none at all are fine."""
    told = F.concat(
        F.lit(f"{name} has "),
        F.size(moderation).cast("string"),
        F.lit(" entries for "),
        F.size(messages).cast("string"),
        F.lit(" messages"),
    )
    return F.when((F.size(moderation) > 0) & (F.size(moderation) != F.size(messages)), told)


_RANGE = ", outside [0, 1] or not a number"


def _outside(score: Column) -> Column:
    return ~score.between(0.0, 1.0)
