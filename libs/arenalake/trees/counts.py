"""Rows of trees to counts that add up.

What is done to frames of rows is a function of its own, which needs no session.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.moderation import DETOXIFY
from arenalake.lake.counting import count_in_tasks
from arenalake.numbers.histograms import count_cells
from arenalake.trees.statistics import GROUPINGS
from arenalake.trees.tables import (
    LABEL_COUNTS,
    LABEL_PAIR_COUNTS,
    RANKED_REPLIES,
    REPLIES,
    SUM_NAMES,
    THREAD_COUNTS,
    THREAD_MESSAGE_TOKENS,
    THREAD_MESSAGES,
    THREAD_TOKENS,
    THREAD_TURNS,
    TREE_DEPTH,
    TREE_LEAVES,
    TREE_MESSAGE_COUNTS,
    TREE_MESSAGES_MEASURE,
    TREE_PAIR_COUNTS,
    TREE_SHAPE_COUNTS,
    VALUE_PARTS,
)

_GROUP = ("source", "language", "month", "role", "tree_state")


def count_messages(nodes: DataFrame) -> DataFrame:
    """Count messages and their marks.

    Args:
        nodes: columns of the table `tree_nodes`.

    Returns:
        Columns of the table `tree_message_counts`. What is null is not marked.
    """
    first = F.col("depth") == 0
    counts = {
        "n_messages": F.lit(True),
        "n_trees": first,
        "n_prompts_alone": first & (F.col("n_replies") == 0),
        "n_deleted": F.col("deleted"),
        "n_synthetic": F.col("synthetic"),
        "n_accepted": F.col("review_result"),
        "n_rejected": ~F.col("review_result"),
        "n_undecided": F.col("review_result").isNull(),
        "n_ranked": F.col("rank").isNotNull(),
        "n_ranked_sets": F.col("n_ranked") > 1,
        "n_partly_ranked_sets": (F.col("n_ranked") > 1) & (F.col("n_ranked") < F.col("n_replies")),
        "n_sets_with_gaps": F.col("has_gap"),
    }
    sums = [F.count_if(mark).alias(name) for name, mark in counts.items()]
    counted = nodes.groupBy(*_GROUP).agg(*sums, F.sum("n_chars").alias("n_chars"))
    return counted.select(*_GROUP, *SUM_NAMES).select(*TREE_MESSAGE_COUNTS.column_names)


def count_shapes(nodes: DataFrame) -> DataFrame:
    """Count trees, messages and threads by size; columns of the table `tree_shape_counts`.

    Args:
        nodes: columns of the table `tree_nodes`.
    """
    columns = ("depth", "n_replies", "n_ranked", "tree_messages", "tree_depth", "tree_leaves")
    return count_in_tasks(nodes.select(*_GROUP, *columns), sizes_of, TREE_SHAPE_COUNTS)


def sizes_of(nodes: pl.DataFrame) -> pl.DataFrame:
    """Rows of `tree_shape_counts` for some messages."""
    replies, ranked = pl.col("n_replies"), pl.col("n_ranked")
    sizes = {
        TREE_MESSAGES_MEASURE: pl.col("tree_messages"),
        TREE_DEPTH: pl.col("tree_depth"),
        TREE_LEAVES: pl.col("tree_leaves"),
        REPLIES: replies,
        RANKED_REPLIES: pl.when(ranked > 0).then(ranked),
        THREAD_MESSAGES: pl.when(replies == 0).then(pl.col("depth") + 1),
    }
    long = pl.concat(
        nodes.select(*_GROUP, pl.lit(measure).alias("measure"), size.cast(pl.Int64).alias("sizes")).drop_nulls("sizes")
        for measure, size in sizes.items()
    )
    counted = count_cells(long.with_columns(total="sizes"), keys=TREE_SHAPE_COUNTS.key, cell="sizes", sums=["total"])
    return counted.select(TREE_SHAPE_COUNTS.column_names)


def count_contributors(nodes: DataFrame) -> DataFrame:
    """Count contributors by how many messages they wrote; columns of the table `contributor_counts`.

    Args:
        nodes: columns of the table `tree_nodes`; messages of unknown people are left out.
    """
    return _people_by_work(nodes, "user_id", _GROUP[1:], GROUPINGS).withColumnsRenamed(
        {"work": "n_messages", "people": "n_contributors"}
    )


def _people_by_work(rows: DataFrame, person: str, columns: Sequence[str], groupings: Sequence[str]) -> DataFrame:
    """Count people by how many rows are theirs, in each grouping.

    Args:
        rows: source, the column that names a person, and those that groupings go by. Rows of unknown people are left
            out.
        person: that column.
        columns: those that groupings go by.
        groupings: `all`, or names of columns joined by commas.

    Returns:
        source, grouping, columns, work (rows of a person) and people (who have so many).
    """
    views = [
        F.struct(
            F.lit(grouping).alias("grouping"),
            *[
                (F.col(name) if name in grouping.split(",") else F.lit(None).cast("string")).alias(name)
                for name in columns
            ],
        )
        for grouping in groupings
    ]
    # Counted by person and by all that groupings go by first: few of one person's rows differ in these.
    known = rows.where(F.col(person).isNotNull()).groupBy("source", *columns, person).agg(F.count("*").alias("n"))
    seen = known.select("source", person, "n", F.inline(F.array(*views)))
    group = ("source", "grouping", *columns)
    work = seen.groupBy(*group, person).agg(F.sum("n").alias("work"))
    return work.groupBy(*group, "work").agg(F.count("*").alias("people"))


def count_labels(messages: DataFrame) -> DataFrame:
    """Count messages by the value of each label and score; columns of the table `label_counts`.

    Args:
        messages: columns of the table `tree_messages`. Where it is not said whether a message is deleted, it is not.
    """
    return count_in_tasks(_labelled(messages), label_values, LABEL_COUNTS)


def count_label_pairs(messages: DataFrame) -> DataFrame:
    """Add up values and products of pairs of labels; columns of the table `label_pair_counts`."""
    return count_in_tasks(_labelled(messages), label_products, LABEL_PAIR_COUNTS)


def _labelled(messages: DataFrame) -> DataFrame:
    deleted = F.coalesce("deleted", F.lit(False)).alias("deleted")
    return messages.select("source", "role", "language", deleted, "labels", "detoxify")


def _values(messages: pl.DataFrame) -> pl.DataFrame:
    """One row per message and label or score: number (of the message), its keys, label, n_ratings and total."""
    keys = ("number", "source", "role", "language", "deleted")
    numbered = messages.with_row_index("number")
    found = []
    for column, prefix in (("labels", ""), ("detoxify", DETOXIFY)):
        entries = numbered.filter(pl.col(column).list.len() > 0).select(*keys, column).explode(column).unnest(column)
        n_ratings = pl.col("count") if column == "labels" else pl.lit(0)
        found.append(
            entries.select(
                *keys,
                (pl.lit(prefix) + pl.col("name")).alias("label"),
                n_ratings.cast(pl.Int64).alias("n_ratings"),
                (pl.col("value") * VALUE_PARTS).round().cast(pl.Int64).alias("total"),
            )
        )
    return pl.concat(found)


def label_values(messages: pl.DataFrame) -> pl.DataFrame:
    """Rows of `label_counts` for some messages (source, role, language, deleted, labels, detoxify)."""
    # A value such as 0.29 is a little less as a double, and so is its hundredfold.
    values = _values(messages).with_columns(bins=pl.col("total") // (VALUE_PARTS // 100))
    counted = count_cells(values, keys=LABEL_COUNTS.key, cell="bins", sums=["n_ratings", "total"])
    return counted.select(LABEL_COUNTS.column_names)


def label_products(messages: pl.DataFrame) -> pl.DataFrame:
    """Rows of `label_pair_counts` for some messages; each pair once, in the order of the alphabet."""
    rows = []
    for (source, role), part in _values(messages).partition_by("source", "role", as_dict=True).items():
        names = sorted(part["label"].unique())
        place = part["label"].replace_strict(names, list(range(len(names))), return_dtype=pl.Int64).to_numpy()
        numbers = part["number"].rank("dense").to_numpy().astype(np.int64) - 1
        # Products of whole numbers of five digits: as doubles they are exact, and add up exactly below 2^53.
        value, is_there = np.zeros((2, numbers.max() + 1, len(names)))
        value[numbers, place], is_there[numbers, place] = part["total"].to_numpy(), 1.0
        n, a, ab = is_there.T @ is_there, value.T @ is_there, value.T @ value
        aa = np.square(value).T @ is_there
        for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
            if n[i, j]:
                sums = (n[i, j], a[i, j], a[j, i], aa[i, j], aa[j, i], ab[i, j])
                rows.append((source, role, names[i], names[j], *map(int, sums)))
    return pl.DataFrame(rows, LABEL_PAIR_COUNTS.no_rows.schema, orient="row")


def count_threads(threads: DataFrame, messages: DataFrame, *, tokenizers: Sequence[str]) -> DataFrame:
    """Count threads and the messages in them by length; columns of the table `thread_counts`.

    Two shuffles: what was measured of each message goes to each thread that it is in, and these to their thread.

    Args:
        threads: columns of the table `threads`.
        messages: columns of the table `messages`, where each message of a tree is a conversation of its own.
        tokenizers: names in `n_tokens` to count.
    """
    tokens = F.array(*[F.col("n_tokens")[name] for name in tokenizers]).alias("tokens")
    of_trees = messages.join(threads.select("source").distinct(), "source", "left_semi")
    measured = of_trees.select("source", F.col("conversation_id").alias("message_id"), "month", tokens)
    places = threads.select("source", "thread_id", "language", F.posexplode("path").alias("place", "message_id"))
    said = places.join(measured, ["source", "message_id"], "left")
    in_order = F.sort_array(F.collect_list(F.struct("place", "month", "tokens"))).alias("messages")
    whole = said.groupBy("source", "thread_id", "language").agg(in_order)
    return count_in_tasks(
        whole.select("source", "language", "messages"), partial(lengths_of, tokenizers=tokenizers), THREAD_COUNTS
    )


def lengths_of(threads: pl.DataFrame, *, tokenizers: Sequence[str]) -> pl.DataFrame:
    """Rows of `thread_counts` for some threads.

    Args:
        threads: source, language, and messages: place in the thread from 0, month, and tokens by each tokenizer, null
            where it has not counted the message. The tokens of a thread are known where those of all its messages are.
        tokenizers: names of the tokenizers, in order.
    """
    numbered = threads.with_row_index("thread")
    said = numbered.explode("messages").unnest("messages")
    # Roles take turns, the prompter first.
    is_answer = pl.col("place") % 2 == 1
    said = said.with_columns(
        role=pl.when(is_answer).then(pl.lit("assistant")).otherwise(pl.lit("user")), turn=pl.col("place") // 2 + 1
    )
    of_thread = ("thread", "source", "language")
    parts = [
        said.group_by(of_thread).agg((~is_answer).sum().alias("lengths")).with_columns(measure=pl.lit(THREAD_TURNS))
    ]
    for place, name in enumerate(tokenizers):
        tokens = pl.col("tokens").list.get(place, null_on_oob=True)
        known = said.with_columns(tokens.alias("lengths"), tokenizer=pl.lit(name))
        whole = pl.when(pl.col("lengths").is_not_null().all()).then(pl.col("lengths").cast(pl.Int64).sum())
        of_threads = known.group_by(*of_thread, "tokenizer").agg(whole.alias("lengths"))
        parts += [
            of_threads.with_columns(measure=pl.lit(THREAD_TOKENS)),
            known.with_columns(measure=pl.lit(THREAD_MESSAGE_TOKENS)),
        ]
    types = THREAD_COUNTS.no_rows.schema
    missing = {name: pl.lit(None, types[name]) for name in THREAD_COUNTS.key}
    long = pl.concat(
        part.with_columns(**{name: null for name, null in missing.items() if name not in part.columns}).select(
            *[pl.col(name).cast(types[name]) for name in THREAD_COUNTS.key], pl.col("lengths").cast(pl.Int64)
        )
        for part in parts
    )
    long = long.drop_nulls("lengths").with_columns(total="lengths")
    counted = count_cells(long, keys=THREAD_COUNTS.key, cell="lengths", sums=["total"])
    return counted.select(THREAD_COUNTS.column_names)


def count_pairs(pairs: DataFrame) -> DataFrame:
    """Count pairs of ranked answers by language; columns of the table `tree_pair_counts`.

    Args:
        pairs: columns of the table `tree_pairs`.
    """
    by_model, other_by_model = F.col("chosen_synthetic"), F.col("rejected_synthetic")
    counts = {
        "n_pairs": F.lit(True),
        "n_longer": F.col("chosen_chars") > F.col("rejected_chars"),
        "n_shorter": F.col("chosen_chars") < F.col("rejected_chars"),
        "n_model_wins": by_model & ~other_by_model,
        "n_person_wins": ~by_model & other_by_model,
        "n_same_author": F.col("same_author"),
    }
    sums = [F.count_if(mark).alias(name) for name, mark in counts.items()]
    return pairs.groupBy("source", "language").agg(*sums).select(*TREE_PAIR_COUNTS.column_names)


def count_pair_authors(pairs: DataFrame) -> DataFrame:
    """Count authors by how many better answers they wrote, one a pair; columns of the table `tree_pair_author_counts`.

    Args:
        pairs: columns of the table `tree_pairs`; better answers of unknown people are left out.
    """
    return _people_by_work(pairs, "chosen_author", ["language"], ["all", "language"]).withColumnsRenamed(
        {"work": "n_pairs", "people": "n_authors"}
    )
