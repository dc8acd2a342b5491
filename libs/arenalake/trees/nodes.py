"""Where messages stand in their trees, which threads the trees give, and pairs of ranked answers."""

from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.columns import ASSISTANT
from arenalake.entities.trees import find_parents, map_trees
from arenalake.errors import ArenalakeError
from arenalake.lake.counting import in_memory
from arenalake.numbers.forests import any_on_path, find_depths, find_paths
from arenalake.trees.options import TreesConfig
from arenalake.trees.tables import FIRST_WORDS, MOST_IN_EXAMPLE, THREADS, TREE_EXAMPLE, TREE_NODES, TREE_PAIRS


def build_nodes(messages: DataFrame) -> DataFrame:
    """Find where each message stands: one shuffle, after which each tree is walked by pointer doubling in its task.

    Args:
        messages: columns of the table `tree_messages`.

    Returns:
        Columns of the table `tree_nodes`.
    """
    needed = messages.select(
        "source",
        "message_tree_id",
        "message_id",
        "parent_id",
        "role",
        "language",
        F.date_format("tstamp", "yyyy-MM").alias("month"),
        "tree_state",
        "user_id",
        "rank",
        "review_result",
        "deleted",
        "synthetic",
        F.length("text").alias("n_chars"),
    )
    return map_trees(needed, place_messages, TREE_NODES.ddl)


def place_messages(messages: pl.DataFrame) -> pl.DataFrame:
    """Rows of `tree_nodes` for the messages of whole trees.

    Args:
        messages: what the table has of `tree_messages`, with month and n_chars.

    Raises:
        ArenalakeError: a message has no first message above it; ingestion was interrupted before it moved it.
    """
    parents = find_parents(messages)
    depths = find_depths(parents)
    if (depths < 0).any():
        lost = messages["message_id"][int(np.argmin(depths))]
        raise ArenalakeError(
            f"message {lost} has no first message above it; run the job ingest, which moves it to quarantine"
        )
    bounds, nodes = find_paths(parents, depths)
    ids = messages["message_id"].to_arrow(compat_level=pl.CompatLevel.oldest())
    path = pl.Series("path", pa.LargeListArray.from_arrays(pa.array(bounds), ids.take(pa.array(nodes))))
    tree, above = ["source", "message_tree_id"], ["source", "message_tree_id", "parent_id"]
    rank, is_first = pl.col("rank"), pl.col("parent_id").is_null()
    replies = messages.group_by(above).agg(
        pl.len().cast(pl.Int32).alias("n_replies"),
        rank.count().cast(pl.Int32).alias("n_ranked"),
        (rank.max() + 1 > rank.count()).fill_null(value=False).alias("has_gap"),
    )
    replies = replies.rename({"parent_id": "message_id"})
    placed = messages.with_columns(
        path,
        pl.Series("depth", depths, pl.Int32),
        *[
            pl.Series(f"below_{mark}", any_on_path(parents, messages[mark].fill_null(value=False).to_numpy()))
            for mark in ("deleted", "synthetic")
        ],
    )
    placed = placed.join(replies, on=[*tree, "message_id"], how="left").with_columns(
        pl.col("n_replies", "n_ranked").fill_null(0), pl.col("has_gap").fill_null(value=False)
    )
    of_tree = {
        "tree_messages": pl.len(),
        "tree_depth": pl.col("depth").max(),
        "tree_leaves": (pl.col("n_replies") == 0).sum(),
    }
    sizes = [pl.when(is_first).then(size.over(tree)).cast(pl.Int32).alias(name) for name, size in of_tree.items()]
    return placed.with_columns(sizes).select(TREE_NODES.column_names)


def build_threads(nodes: DataFrame, *, trees: TreesConfig) -> DataFrame:
    """Choose threads by the configuration; columns of the table `threads`.

    Args:
        nodes: columns of the table `tree_nodes`.
    """
    needed = nodes.select(
        "source",
        "message_tree_id",
        "message_id",
        "parent_id",
        "path",
        "depth",
        "role",
        "language",
        "rank",
        "below_deleted",
        "below_synthetic",
    )
    return map_trees(needed, partial(choose_threads, trees=trees), THREADS.ddl)


def choose_threads(nodes: pl.DataFrame, *, trees: TreesConfig) -> pl.DataFrame:
    """The threads of whole trees.

    A thread ends with an answer below which there is no further one, so a last message of the prompter is cut off.
    Those that are ranked are better than others, and equals go by their ids.

    Args:
        nodes: columns of the table `tree_nodes`, as far as they are needed.

    Returns:
        Columns of the table `threads`; the best one of each tree, or all.
    """
    tree = ["source", "message_tree_id"]
    allowed = nodes.filter(
        (pl.lit(trees.keep_deleted) | ~pl.col("below_deleted"))
        & (pl.lit(trees.keep_synthetic) | ~pl.col("below_synthetic"))
    )
    first = allowed.filter(pl.col("depth") == 0).select(*tree, language="language")
    if trees.threads == "best":
        best_first = allowed.sort(pl.col("rank").fill_null(2**31 - 1), "message_id")
        is_best = pl.col("message_id") == pl.col("message_id").first().over(*tree, "parent_id")
        best = best_first.with_columns(is_best=is_best)
        allowed = best.filter(~pl.Series(any_on_path(find_parents(best), ~best["is_best"].to_numpy())))
    answers = allowed.filter(pl.col("role") == ASSISTANT)
    # An answer to a reply to an answer: the third from the end of its path.
    further = answers.select(*tree, pl.col("path").list.get(-3, null_on_oob=True).alias("message_id")).drop_nulls()
    ends = answers.join(further, on=[*tree, "message_id"], how="anti").drop("language")
    return ends.join(first, on=tree, how="left").select(
        "source",
        pl.col("message_id").alias("thread_id"),
        "message_tree_id",
        "language",
        "path",
        # Roles take turns, the prompter first.
        ((pl.col("depth") + 1) // 2).cast(pl.Int32).alias("turns"),
    )


def build_pairs(nodes: DataFrame, *, trees: TreesConfig) -> DataFrame:
    """Pair the ranked answers to each message; columns of the table `tree_pairs`.

    Every two of them are a pair. Answers that the configuration leaves out, or below such messages, are in none.

    Args:
        nodes: columns of the table `tree_nodes`.
    """
    ranked = nodes.where((F.col("role") == ASSISTANT) & F.col("rank").isNotNull())
    if not trees.keep_deleted:
        ranked = ranked.where(~F.col("below_deleted"))
    if not trees.keep_synthetic:
        ranked = ranked.where(~F.col("below_synthetic"))
    columns = ("message_id", "rank", "n_chars", "synthetic", "user_id")
    better = ranked.select(
        "source", "message_tree_id", "parent_id", "language", *[F.col(name).alias(f"a_{name}") for name in columns]
    )
    other = ranked.select("source", "parent_id", *[F.col(name).alias(f"b_{name}") for name in columns])
    pairs = better.join(other, ["source", "parent_id"]).where("a_rank < b_rank")
    return pairs.select(
        "source",
        "message_tree_id",
        "parent_id",
        F.col("a_message_id").alias("chosen_id"),
        F.col("b_message_id").alias("rejected_id"),
        (F.col("b_rank") - F.col("a_rank")).alias("rank_distance"),
        "language",
        F.col("a_n_chars").alias("chosen_chars"),
        F.col("b_n_chars").alias("rejected_chars"),
        F.col("a_synthetic").alias("chosen_synthetic"),
        F.col("b_synthetic").alias("rejected_synthetic"),
        (F.col("a_user_id") == F.col("b_user_id")).alias("same_author"),
        F.col("a_user_id").alias("chosen_author"),
    ).select(*TREE_PAIRS.column_names)


def find_examples(nodes: DataFrame, messages: DataFrame, terms: DataFrame) -> pl.DataFrame:
    """One tree of each source to look at; columns of the table `tree_example`.

    Args:
        nodes: columns of the table `tree_nodes`.
        messages: columns of the table `tree_messages`.
        terms: columns of the table `source_terms`. Text of a source without terms is not shown.
    """
    small = nodes.where((F.col("depth") == 0) & (F.col("tree_messages") <= MOST_IN_EXAMPLE))
    # Of equally large ones that with the last id.
    largest = F.max_by("message_tree_id", F.struct("tree_messages", "message_tree_id")).alias("message_tree_id")
    tree = ["source", "message_tree_id"]
    found = nodes.join(small.groupBy("source").agg(largest), tree)
    of_message = ["source", "message_id"]
    found = found.select(*of_message, "parent_id", "role", "rank", "deleted", "synthetic")
    shared = terms.where("text_may_be_shared").select("source", F.lit(True).alias("is_shared"))
    text = F.when(F.col("is_shared") & ~F.coalesce("deleted", F.lit(False)), F.col("text")).alias("text")
    said = messages.join(found.select(*of_message), of_message).join(shared, "source", "left")
    return order_examples(in_memory(found), in_memory(said.select(*of_message, "labels", text)))


def order_examples(nodes: pl.DataFrame, messages: pl.DataFrame) -> pl.DataFrame:
    """Messages of one tree per source in the order of `tree_example`.

    Args:
        nodes: source, message_id, parent_id, role, rank, deleted and synthetic.
        messages: source, message_id, labels and text of these; of a text, the first words are taken.
    """
    entry = pl.element().struct
    said = pl.format("{} {}", entry.field("name"), entry.field("value").round(2))
    labels = pl.when(pl.col("labels").list.len() > 0).then(pl.col("labels").list.eval(said).list.join(", "))
    line = pl.col("text").str.replace_all(r"\s+", " ").str.strip_chars()
    cut = line.str.head(FIRST_WORDS - 1).str.strip_chars_end() + "…"
    text = pl.when(line.str.len_chars() > FIRST_WORDS).then(cut).otherwise(line)
    written = messages.with_columns(labels=labels, text=text)
    rows = nodes.join(written, on=["source", "message_id"], how="left")
    ordered = rows.sort("source", pl.col("rank").fill_null(2**31 - 1), "message_id").to_dicts()
    replies: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in ordered:
        replies.setdefault((row["source"], row["parent_id"]), []).append(row)
    found = []
    for source in sorted({row["source"] for row in ordered}):
        waiting: list[tuple[dict[str, Any], int | None]] = [(row, None) for row in replies[source, None]]
        place = 0
        while waiting:
            row, parent = waiting.pop()
            found.append({**row, "place": place, "parent": parent})
            waiting += [(reply, place) for reply in reversed(replies.get((source, row["message_id"]), []))]
            place += 1
    return pl.DataFrame(found, {**nodes.schema, **TREE_EXAMPLE.no_rows.schema}).select(TREE_EXAMPLE.column_names)
