"""Messages of conversation trees: how each is measured once, and how whole trees reach one task."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.columns import PROMPTER
from arenalake.entities.entity import Entity
from arenalake.entities.languages import language_of
from arenalake.entities.tables import TREE_MESSAGES
from arenalake.numbers.forests import MISSING, ROOT, Whole


def as_conversations(messages: DataFrame) -> DataFrame:
    """Each message as a conversation of its own, so that it is measured once, in however many threads it is.

    Args:
        messages: columns of the table `tree_messages`.

    Returns:
        As `Entity.as_conversations` says, with detoxify. A message that no model wrote is by the model `human`, and one
        by a model that is not named by `unknown`; the language is the English name of the published one.
    """
    role = F.when(F.col("role") == PROMPTER, "user").otherwise("assistant")
    message = F.struct(role.alias("role"), F.col("text").alias("content"))
    return messages.select(
        "source",
        "file",
        F.col("message_id").alias("conversation_id"),
        F.coalesce("model", F.when(F.col("synthetic"), "unknown").otherwise("human")).alias("model"),
        language_of(F.col("language")).alias("language"),
        "tstamp",
        F.array(message).alias("messages"),
        "detoxify",
    )


TREE_MESSAGE = Entity(TREE_MESSAGES, as_conversations=as_conversations)

_ROWS_AT_ONCE = 1 << 16
_ROWS_PER_BATCH = 4096


def map_trees(messages: DataFrame, function: Callable[[pl.DataFrame], pl.DataFrame], schema: str) -> DataFrame:
    """Apply a function to whole trees, many at once: one shuffle, after which each tree is within one task.

    Args:
        messages: rows with source and message_tree_id, and what the function takes. A task holds these columns of some
            ten thousand rows, or of the largest tree.
        function: gives the same for a tree whatever other trees come with it.
        schema: what it gives, as DDL.
    """

    def of_task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for trees in _whole_trees(batches):
            yield from _for_spark(function(trees)).to_batches(_ROWS_PER_BATCH)

    tree = ("source", "message_tree_id")
    return messages.repartition(*tree).sortWithinPartitions(*tree).mapInArrow(of_task, schema)


def _for_spark(rows: pl.DataFrame) -> pa.Table:
    """Arrow rows without the large types of Polars, which Spark does not take inside of lists."""
    given = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    return given.cast(pa.schema([pa.field(one.name, _small(one.type)) for one in given.schema]))


def _small(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_list(kind):
        return pa.list_(_small(kind.value_type))
    return pa.string() if pa.types.is_large_string(kind) else kind


def _whole_trees(batches: Iterable[pa.RecordBatch]) -> Iterator[pl.DataFrame]:
    """The rows of sorted batches in larger frames, none of which ends inside of a tree."""
    held: list[pl.DataFrame] = []
    n = 0
    for batch in batches:
        rows = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        held.append(rows)
        n += len(rows)
        if n < _ROWS_AT_ONCE:
            continue
        together = pl.concat(held)
        tree = pl.col("source", "message_tree_id")
        is_open = together.select(pl.all_horizontal(tree == tree.last())).to_series()
        if not is_open.all():
            yield together.filter(~is_open)
            together = together.filter(is_open)
        held, n = [together], 0
    if held:
        yield pl.concat(held)


def find_parents(messages: pl.DataFrame) -> Whole:
    """The place of each message's parent among these rows, as `find_depths` takes it.

    Args:
        messages: source, message_tree_id, message_id and parent_id of whole trees, a message once. A parent in another
            tree is `MISSING`.
    """
    tree = ["source", "message_tree_id"]
    places = messages.select(*tree, pl.col("message_id").alias("parent_id")).with_row_index("place")
    joined = messages.select(*tree, "parent_id").join(
        places, on=[*tree, "parent_id"], how="left", maintain_order="left"
    )
    found = joined["place"].cast(pl.Int64).fill_null(MISSING).to_numpy()
    is_root = messages["parent_id"].is_null().to_numpy()
    return np.where(is_root, ROOT, found)
