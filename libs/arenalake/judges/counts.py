"""Votes of judges, counted by Spark: by item and group, by pair of models, and by grade."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import polars as pl
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.sides import add_side_sums
from arenalake.judges.options import JudgesConfig
from arenalake.lake.counting import count_whole_groups

# What two judges have to vote on to be compared.
ITEM = ("source", "question_id", "turn", "model_a", "model_b")
# Pairs of outcomes of one judge's votes on an item.
SAME = ("00", "01", "02", "11", "12", "22")
# Scores are added up as whole numbers, so that no order changes a digit.
SCORE_UNIT = 1e6


def judged_votes(battles: DataFrame, judges: JudgesConfig) -> DataFrame:
    """Votes with their groups, turned so that the models of a pair are in the order of code points.

    Args:
        battles: the table `battles`.

    Returns:
        file_source (the source), battle_id, source (the name of the set that the source is in, else the source's),
        judge_kind, group, judge (a name; that of the source where the record has none), is_named, question_id,
        category, turn, model_a, model_b, is_turned (model_b was shown first), outcome (0: model_a wins, 1: a tie of
        either kind, 2: model_b wins), score (of model_a; null without), likert, answers (what the ids of both
        conversations begin with).
    """
    source = F.col("source")
    set_of = _chosen(source, judges.matched, lambda column, sources: column.isin(*sources))
    name = F.coalesce("judge", "source")
    # Judges of several sources may share a name.
    judge = F.when(set_of.isNotNull() & F.col("judge").isNotNull(), F.concat_ws("/", "source", "judge")).otherwise(name)
    group = _chosen(name, judges.groups, lambda column, patterns: column.rlike(glob_pattern(patterns)))
    is_turned = F.col("model_a") > F.col("model_b")
    is_tie = F.col("winner").startswith("tie")
    score = F.when(is_turned, 1 - F.col("score")).otherwise(F.col("score"))
    return battles.select(
        F.col("source").alias("file_source"),
        "battle_id",
        F.coalesce(set_of, source).alias("source"),
        "judge_kind",
        F.coalesce(group, "judge_kind").alias("group"),
        judge.alias("judge"),
        F.col("judge").isNotNull().alias("is_named"),
        "question_id",
        "category",
        "turn",
        F.least("model_a", "model_b").alias("model_a"),
        F.greatest("model_a", "model_b").alias("model_b"),
        is_turned.alias("is_turned"),
        F.when(is_tie, 1).when((F.col("winner") == "model_a") != is_turned, 0).otherwise(2).alias("outcome"),
        score.alias("score"),
        "likert",
        # Several votes on the same answers may come from one record. Rows from before there were such keys have their
        # id.
        F.coalesce("record_key", "battle_id").alias("answers"),
    )


def glob_pattern(patterns: Sequence[str]) -> str:
    """The regular expression of names in which `*` and `?` stand for other signs."""
    parts = [re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns]
    return f"(?s)^(?:{'|'.join(parts)})$"


def _chosen(
    column: Column, choices: Mapping[str, Sequence[str]], fits: Callable[[Column, Sequence[str]], Column]
) -> Column:
    """The first name whose choice fits; null where none does."""
    chosen = F.lit(None).cast("string")
    for name, choice in reversed(list(choices.items())):
        chosen = F.when(fits(column, choice), name).otherwise(chosen)
    return chosen


def count_votes(votes: DataFrame, *, single: bool) -> DataFrame:
    """Votes by item, from which all else follows: one shuffle, and what is then added up is small.

    Args:
        votes: as `judged_votes` gives them.
        single: count the votes of each judge on each item as well.

    Returns:
        Of `_COUNTED`, rows of four kinds:

        - `group`, by item and group: votes by outcome (n_0, n_1, n_2) of this group and of all (n_votes), votes of the
          same judges (same_00 to same_22, see `count_items`), scores, and leanings (see `count_leanings`);
        - `item_judge`, if `single`: the same by item and judge;
        - `judge`: leanings of each judge on some items, without the item;
        - `outcomes`, by item, group, judge_kind and category: votes by outcome.
    """
    units = F.round(F.col("score") * SCORE_UNIT).cast("bigint")
    # A vote without a question is an item of its own: nothing is compared with it, and a pair of models may have
    # millions.
    item = F.when(F.col("question_id").isNull(), F.xxhash64("battle_id")).otherwise(F.xxhash64(*ITEM))
    names = ("judge_kind", "group", "judge", "is_named", "category", "is_turned", "outcome")
    rows = votes.select(item.alias("item"), *ITEM, *names, units.alias("units"))
    return count_whole_groups(rows, partial(_count_some, single=single), "item", _COUNTED)


_SAME = [f"same_{pair}" for pair in SAME]
_LEANINGS = ["n", "ties", "first", "consistent", "prefers_first", "prefers_second", "n_again", "n_contradicting"]
_SUMS = ["n_0", "n_1", "n_2", *_SAME, "n_scored", "scores", *_LEANINGS]
_COUNTED = (
    "kind string, source string, question_id string, turn int, model_a string, model_b string, judge string, "
    "judge_kind string, category string, n_votes bigint, "
) + ", ".join(f"{name} bigint" for name in _SUMS)
_NAMES = [column.split()[0] for column in _COUNTED.split(", ")]


def _count_some(votes: pl.DataFrame, *, single: bool) -> pl.DataFrame:
    """`count_votes` for whole items."""
    of_judges = _of_judges(votes, ["group", "judge", "is_named"])
    sums = [pl.col(_SUMS).sum()]
    n_votes = pl.col("n").sum().over(*ITEM).alias("n_votes")
    # What one vote says of an item's category holds for the others.
    of_items = [pl.col("category").max(), *sums]
    parts = [
        of_judges.group_by(*ITEM, judge="group").agg(of_items).with_columns(n_votes, kind=pl.lit("group")),
        of_judges.group_by("source", "judge").agg(sums).with_columns(kind=pl.lit("judge")),
        votes.group_by(*ITEM, "judge_kind", "category", judge="group")
        .agg(_votes_by_outcome())
        .with_columns(kind=pl.lit("outcomes")),
    ]
    if single:
        alone = _of_judges(votes, ["judge", "is_named"]).group_by(*ITEM, "judge").agg(of_items)
        category = pl.col("category").max().over(*ITEM)
        parts.append(alone.with_columns(n_votes, category, kind=pl.lit("item_judge")))
    counted = pl.concat(parts, how="diagonal_relaxed")
    return counted.select(_NAMES).with_columns(pl.col("n_votes", *_SUMS).fill_null(0).cast(pl.Int64))


def _votes_by_outcome() -> list[pl.Expr]:
    return [(pl.col("outcome") == k).sum().cast(pl.Int64).alias(f"n_{k}") for k in range(3)]


def _of_judges(votes: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Each judge's votes on each item, with all of `_SUMS`."""
    shown = {"a": ~pl.col("is_turned"), "b": pl.col("is_turned")}
    by_order = [
        (is_shown & (pl.col("outcome") == k)).sum().cast(pl.Int64).alias(f"{first}_{k}")
        for first, is_shown in shown.items()
        for k in range(3)
    ]
    scores = [pl.col("units").count().cast(pl.Int64).alias("n_scored"), pl.col("units").sum().alias("scores")]
    rows = votes.group_by(*ITEM, *names).agg(
        pl.col("category").max(), *_votes_by_outcome(), pl.len().cast(pl.Int64).alias("n"), *by_order, *scores
    )
    n = [pl.col(f"n_{k}") for k in range(3)]
    # Votes by nobody in particular are taken for those of different judges.
    is_person = pl.col("is_named") & pl.col("question_id").is_not_null()
    same = {f"same_{k}{m}": n[k] * (n[m] - 1) if k == m else n[k] * n[m] for k, m in map(_outcomes_of, SAME)}
    # +1 for what is shown first, -1 for what is shown second.
    leaning = {"a": (1, 0, -1), "b": (-1, 0, 1)}
    pairs: dict[str, list[pl.Expr]] = {"consistent": [], "prefers_first": [], "prefers_second": []}
    for k in range(3):
        for m in range(3):
            sum_of_both = leaning["a"][k] + leaning["b"][m]
            name = "consistent" if sum_of_both == 0 else "prefers_first" if sum_of_both > 0 else "prefers_second"
            pairs[name].append(pl.col(f"a_{k}") * pl.col(f"b_{m}"))
    is_again = is_person & (pl.col("n") > 1)
    n_outcomes = pl.sum_horizontal((one > 0).cast(pl.Int64) for one in n)
    of_persons = same | {name: pl.sum_horizontal(some) for name, some in pairs.items()}
    return rows.with_columns(
        pl.col("n_1").alias("ties"),
        (pl.col("a_0") + pl.col("b_2")).alias("first"),
        is_again.cast(pl.Int64).alias("n_again"),
        (is_again & (n_outcomes > 1)).cast(pl.Int64).alias("n_contradicting"),
        *[pl.when(is_person).then(some).otherwise(0).alias(name) for name, some in of_persons.items()],
    )


def _outcomes_of(pair: str) -> tuple[int, int]:
    return int(pair[0]), int(pair[1])


def count_items(counted: DataFrame, *, by: str) -> DataFrame:
    """Votes by outcome on each item that has two or more. An item without a question is none.

    Args:
        counted: as `count_votes` gives them.
        by: `group` or `judge`.

    Returns:
        `ITEM`, judge (the value of `by`), category, n_0, n_1, n_2 (votes by outcome); same_00 to same_22 (ordered
        pairs of votes of one judge, of which those of different outcomes once in either order); n_scored and scores
        (votes with a score, and their sum in millionths).
    """
    kind = {"group": "group", "judge": "item_judge"}[by]
    items = counted.where((F.col("kind") == kind) & F.col("question_id").isNotNull() & (F.col("n_votes") > 1))
    return items.select(*ITEM, "judge", "category", "n_0", "n_1", "n_2", *_SAME, "n_scored", "scores")


def pair_judges(items: DataFrame) -> DataFrame:
    """Each two judges on each item that both voted on: one row per pair and item.

    The rows grow with the pairs of votes on an item, and not with the pairs of all judges. Votes of nobody in
    particular, which have one name, are compared with each other as well.

    Args:
        items: as `count_items` gives them by judge.

    Returns:
        `ITEM`, category, a and b (judge, n_0 to n_2, same_00 to same_22, n_scored, scores; a's judge is the first by
        code point), pair (a hash of source and judges).
    """
    votes = F.struct("judge", "n_0", "n_1", "n_2", *_SAME, "n_scored", "scores")
    first = items.select(*ITEM, "category", votes.alias("a"))
    second = items.select(*[F.col(name).alias(f"other_{name}") for name in ITEM], votes.alias("b"))
    n = F.col("a.n_0") + F.col("a.n_1") + F.col("a.n_2")
    n_same = F.lit(0)
    for outcomes in SAME:
        n_same += (1 if outcomes[0] == outcomes[1] else 2) * F.col(f"a.same_{outcomes}")
    has_others = (F.col("a.judge") == F.col("b.judge")) & (n * (n - 1) > n_same)
    is_shared = (F.col("a.judge") < F.col("b.judge")) | has_others
    for name in ITEM:
        is_shared &= F.col(name).eqNullSafe(F.col(f"other_{name}"))
    pair = F.xxhash64("source", "a.judge", "b.judge").alias("pair")
    return first.join(second, is_shared).select(*ITEM, "category", "a", "b", pair)


def count_outcomes(counted: DataFrame, *, by_question: bool = False) -> DataFrame:
    """Votes by group and pair of models.

    Args:
        counted: as `count_votes` gives them.
        by_question: count those on each question apart.

    Returns:
        source, judge_kind, group, turn, category, model_a, model_b, (question_id), n_0, n_1, n_2.
    """
    outcomes = counted.where(F.col("kind") == "outcomes").withColumnRenamed("judge", "group")
    names = ["source", "judge_kind", "group", "turn", "category", "model_a", "model_b"]
    sums = [F.sum(f"n_{k}").alias(f"n_{k}") for k in range(3)]
    return outcomes.groupBy(*names, *(["question_id"] if by_question else [])).agg(*sums)


def count_leanings(counted: DataFrame, *, single: bool) -> DataFrame:
    """What votes say of their judges: sides, ties, and several votes of one judge on an item.

    Two votes of a judge on both orders of an item are a pair, of which a tie and a win lean to a side as two wins for
    what was shown there do.

    Args:
        counted: as `count_votes` gives them.
        single: all judges one by one beside the groups; else only those who contradict themselves.

    Returns:
        source, level (`group` or `judge`), judge (a group or a judge), n (votes), ties, first (wins of what was shown
        first); consistent, prefers_first and prefers_second (pairs); n_again and n_contradicting (judges with several
        votes on an item, and those of them whose votes differ).
    """
    leanings = counted.where(F.col("kind").isin("group", "judge"))
    sums = leanings.groupBy("source", F.col("kind").alias("level"), "judge").agg(
        *[F.sum(name).alias(name) for name in _LEANINGS]
    )
    return sums if single else sums.where((F.col("level") == "group") | (F.col("n_contradicting") > 0))


def count_lengths(votes: DataFrame, messages: DataFrame, *, tokenizer: str) -> DataFrame:
    """Votes that are no tie by how much longer the answers shown first are, up to the turn that the vote is about.

    Args:
        votes: as `judged_votes` gives them.
        messages: the table `messages`, measured with the tokenizer.
        tokenizer: its name in `n_tokens`.

    Returns:
        source, judge (the group), longer (tokens of what was shown first less those of the other), n, wins (of what
        was shown first). Votes on answers without a text, or not measured with the tokenizer, are not counted.
    """
    is_first = (F.col("outcome") == 0) != F.col("is_turned")
    # Messages know the source of the file, and the record that they came from.
    decided = votes.where("outcome <> 1").select(
        F.col("file_source").alias("source"),
        F.col("answers").alias("battle_id"),
        "turn",
        F.col("source").alias("set"),
        "group",
        is_first.alias("is_first"),
    )
    measured = add_side_sums(decided, messages, {"tokens": F.element_at("n_tokens", tokenizer)}, role="assistant")
    longer = measured.select(
        F.col("set").alias("source"),
        F.col("group").alias("judge"),
        (F.col("tokens_a") - F.col("tokens_b")).alias("longer"),
        "is_first",
    )
    return (
        longer.where("longer IS NOT NULL")
        .groupBy("source", "judge", "longer")
        .agg(F.count(F.lit(1)).alias("n"), F.count_if("is_first").alias("wins"))
    )


def count_grades(votes: DataFrame, scores: DataFrame, *, by: str) -> DataFrame:
    """Votes by grade: by rating, and those by two scores by the score of each side.

    Args:
        votes: as `judged_votes` gives them.
        scores: the table `likert_records`; a record with scores is one vote.
        by: `group` or `judge`.

    Returns:
        source, judge_kind, judge (the value of `by`), category, side (`a` or `b`; null for a rating), grade, n.
    """
    ratings = votes.where("likert IS NOT NULL").withColumns(
        {"side": F.lit(None).cast("string"), "grade": F.col("likert").cast("double")}
    )
    sides = [F.struct(F.lit(side).alias("side"), F.col(f"score_{side}").alias("grade")) for side in "ab"]
    scored = scores.where("score_a IS NOT NULL").select(
        F.col("source").alias("file_source"), F.col("record_key").alias("answers"), F.inline(F.array(*sides))
    )
    graded = ratings.unionByName(votes.join(scored, ["file_source", "answers"]))
    names = ("source", "judge_kind", F.col(by).alias("judge"), "category", "side", "grade")
    return graded.groupBy(*names).agg(F.count(F.lit(1)).alias("n"))
