"""Votes of judges, counted by Spark: by item and group, by pair of models, and by grade."""

import re
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arenalake.entities.sides import add_side_sums
from arenalake.judges.options import JudgesConfig

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
        either kind, 2: model_b wins), score (of model_a; null without), likert.
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


def count_items(votes: DataFrame, *, by: str) -> DataFrame:
    """Votes by outcome on each item that has two or more.

    One shuffle, by item; what follows stays in its partitions. An item without a question is none.

    Args:
        votes: as `judged_votes` gives them.
        by: `group` or `judge`.

    Returns:
        `ITEM`, judge (the value of `by`), category, n_0, n_1, n_2 (votes by outcome); same_00 to same_22 (ordered
        pairs of votes of one judge, of which those of different outcomes once in either order); n_again (judges with
        several votes), n_contradicting (those of them whose votes differ), n_scored and scores (votes with a score,
        and their sum in millionths).
    """
    outcomes = [F.count_if(F.col("outcome") == k).alias(f"d_{k}") for k in range(3)]
    units = F.round(F.col("score") * SCORE_UNIT).cast("bigint")
    of_item = votes.where("question_id IS NOT NULL").repartition(*ITEM)
    of_judges = of_item.groupBy(*ITEM, by, *({"judge"} - {by}), "is_named").agg(
        F.max("category").alias("category"),
        *outcomes,
        F.count(units).alias("n_scored"),
        F.coalesce(F.sum(units), F.lit(0)).alias("scores"),
    )
    d = [F.col(f"d_{k}") for k in range(3)]
    n_outcomes = sum(((one > 0).cast("int") for one in d), F.lit(0))
    # Votes by nobody in particular are taken for those of different judges.
    is_again = F.col("is_named") & (d[0] + d[1] + d[2] > 1)
    same = {
        f"same_{k}{m}": F.when(F.col("is_named"), d[k] * (d[m] - 1) if k == m else d[k] * d[m]).otherwise(0)
        for k, m in ((int(pair[0]), int(pair[1])) for pair in SAME)
    }
    groups = of_judges.groupBy(*ITEM, F.col(by).alias("judge")).agg(
        F.max("category").alias("category"),
        *[F.sum(f"d_{k}").alias(f"n_{k}") for k in range(3)],
        *[F.sum(pairs).alias(name) for name, pairs in same.items()],
        F.count_if(is_again).alias("n_again"),
        F.count_if(is_again & (n_outcomes > 1)).alias("n_contradicting"),
        F.sum("n_scored").alias("n_scored"),
        F.sum("scores").alias("scores"),
    )
    of_all = F.sum(F.col("n_0") + F.col("n_1") + F.col("n_2")).over(Window.partitionBy(*ITEM))
    return groups.withColumn("n_votes", of_all).where("n_votes > 1").drop("n_votes")


def count_outcomes(votes: DataFrame, *, by_question: bool = False) -> DataFrame:
    """Votes by group and pair of models.

    Args:
        votes: as `judged_votes` gives them.
        by_question: count those on each question apart.

    Returns:
        source, judge_kind, group, turn, category, model_a, model_b, (question_id), n_0, n_1, n_2.
    """
    names = ["source", "judge_kind", "group", "turn", "category", "model_a", "model_b"]
    outcomes = [F.count_if(F.col("outcome") == k).alias(f"n_{k}") for k in range(3)]
    return votes.groupBy(*names, *(["question_id"] if by_question else [])).agg(*outcomes)


def count_leanings(votes: DataFrame, *, single: bool) -> DataFrame:
    """What votes say of their judges: sides, ties, and several votes of one judge on an item.

    One shuffle of the votes, whether single judges are asked for or not.

    Two votes of a judge on both orders of an item are a pair, of which a tie and a win lean to a side as two wins for
    what was shown there do.

    Args:
        votes: as `judged_votes` gives them.
        single: all judges one by one beside the groups; else only those who contradict themselves.

    Returns:
        source, level (`group` or `judge`), judge (a group or a judge), n (votes), ties, first (wins of what was shown
        first); consistent, prefers_first and prefers_second (pairs); n_again and n_contradicting (judges with several
        votes on an item, and those of them whose votes differ).
    """
    orders = {"a": ~F.col("is_turned"), "b": F.col("is_turned")}
    counted = {
        f"{first}_{k}": F.count_if(shown & (F.col("outcome") == k)) for first, shown in orders.items() for k in range(3)
    }
    of_judges = votes.groupBy(*ITEM, "group", "judge", "is_named").agg(*[c.alias(n) for n, c in counted.items()])
    # +1 for what is shown first, -1 for what is shown second.
    leaning = {"a": (1, 0, -1), "b": (-1, 0, 1)}
    pairs: dict[str, list[Column]] = {"consistent": [], "prefers_first": [], "prefers_second": []}
    for k in range(3):
        for m in range(3):
            sum_of_both = leaning["a"][k] + leaning["b"][m]
            name = "consistent" if sum_of_both == 0 else "prefers_first" if sum_of_both > 0 else "prefers_second"
            pairs[name].append(F.col(f"a_{k}") * F.col(f"b_{m}"))
    is_same_person = F.col("is_named") & F.col("question_id").isNotNull()
    of_outcome = [F.col(f"a_{k}") + F.col(f"b_{k}") for k in range(3)]
    n = sum(of_outcome[1:], of_outcome[0])
    n_outcomes = sum(((one > 0).cast("int") for one in of_outcome), F.lit(0))
    is_again = is_same_person & (n > 1)
    sums = {
        "n": n,
        "ties": of_outcome[1],
        "first": F.col("a_0") + F.col("b_2"),
        **{name: F.when(is_same_person, sum(some[1:], some[0])).otherwise(0) for name, some in pairs.items()},
    }
    added = {
        **{name: F.sum(column) for name, column in sums.items()},
        "n_again": F.count_if(is_again),
        "n_contradicting": F.count_if(is_again & (n_outcomes > 1)),
    }
    levels = of_judges.groupingSets([["source", "group"], ["source", "judge"]], "source", "group", "judge").agg(
        F.when(F.grouping("judge") == 0, "judge").otherwise("group").alias("level"),
        *[column.alias(name) for name, column in added.items()],
    )
    is_group = F.col("level") == "group"
    wanted = levels if single else levels.where(is_group | (F.col("n_contradicting") > 0))
    return wanted.select(
        "source", "level", F.when(is_group, F.col("group")).otherwise(F.col("judge")).alias("judge"), *added
    )


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
    # Messages know the source of the file.
    decided = votes.where("outcome <> 1").select(
        F.col("file_source").alias("source"),
        "battle_id",
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


def count_grades(votes: DataFrame, *, by: str) -> DataFrame:
    """Votes that have a grade: source, judge_kind, judge (the value of `by`), category, grade, n."""
    graded = votes.where("likert IS NOT NULL")
    judge, grade = F.col(by).alias("judge"), F.col("likert").alias("grade")
    return graded.groupBy("source", "judge_kind", judge, "category", grade).agg(F.count(F.lit(1)).alias("n"))
