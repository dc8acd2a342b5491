"""Records that share a key: the same content is a duplicate, other content a conflict that nobody wins."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arenalake.entities.tables import BATTLES, CONVERSATIONS
from arenalake.lake.table import Table
from arenalake.sources.source import entity_type

CONFLICT = "conflicting_key"


def contested_keys(parsed: DataFrame, known_keys: DataFrame) -> DataFrame:
    """Keys that stand more than once in new records, or once there and once in the lake.

    Args:
        parsed: see `arenalake.sources.source.parsed`; only record_key is read.
        known_keys: record_key of entities and of conflicts in quarantine.

    Returns:
        record_key, distinct.
    """
    new = parsed.where(F.col("record_key").isNotNull()).groupBy("record_key").agg(F.count("*").alias("n"))
    repeated = new.where(F.col("n") > 1).select("record_key")
    return repeated.unionByName(new.select("record_key").join(known_keys.distinct(), "record_key")).distinct()


def entities_as_content(battles: DataFrame, conversations: DataFrame, *, has_battles: bool) -> DataFrame:
    """Entities of the lake in the form in which new records are compared with them.

    Returns:
        record_key, file, content (JSON, equal for equal entities whatever their order and file).
    """
    sides = conversations.select(
        F.coalesce("battle_id", "conversation_id").alias("record_key"), "file", _as_struct(CONVERSATIONS).alias("one")
    )
    if not has_battles:
        return sides.select(
            "record_key", "file", _content(F.lit(None).cast(entity_type(BATTLES)), F.array("one")).alias("content")
        )
    both = sides.groupBy("record_key").agg(F.sort_array(F.collect_list("one")).alias("conversations"))
    rows = battles.select(F.col("battle_id").alias("record_key"), "file", _as_struct(BATTLES).alias("battle"))
    joined = rows.join(both, "record_key", "left")
    no_sides = F.array().cast(f"array<{entity_type(CONVERSATIONS)}>")
    return joined.select(
        "record_key",
        "file",
        _content(F.col("battle"), F.coalesce("conversations", no_sides)).alias("content"),
    )


def judge_contested(contested: DataFrame, existing: DataFrame, conflicts: DataFrame) -> DataFrame:
    """Decide on every record whose key is contested; the outcome is the same in whatever order the records come.

    Equal records count once. If a key has more than one content then, now or in an earlier run, all of them are in
    conflict, and the entity that the lake may have is evicted.

    Args:
        contested: good records with contested keys, as `parsed` gives them.
        existing: `entities_as_content` of the same keys.
        conflicts: record_key and record (content) of earlier conflicts of the same keys.

    Returns:
        file, record_key, content, battle, conversations, fate: `keep`, `duplicate`, `conflict`; for a row of
        `existing` `stay` or `evict`; for a row of `conflicts` `stay`.
    """
    content = _content(F.col("battle"), F.sort_array("conversations"))
    new = contested.select(
        "file", "record_key", "battle", "conversations", content.alias("content"), F.lit("new").alias("origin")
    )
    absent = [F.lit(None).cast(new.schema[name].dataType).alias(name) for name in ("battle", "conversations")]
    old = existing.select("file", "record_key", *absent, "content", F.lit("lake").alias("origin"))
    past = conflicts.select(
        F.lit("").alias("file"),
        "record_key",
        *absent,
        F.col("record").alias("content"),
        F.lit("conflict").alias("origin"),
    )
    of_key = Window.partitionBy("record_key")
    # What the lake has comes first; among new records the file decides, not the order of reading.
    of_content = Window.partitionBy("record_key", "content").orderBy(
        F.when(F.col("origin") == "new", 1).otherwise(0), "file", "battle.sequence"
    )
    rows = (
        new.unionByName(old)
        .unionByName(past)
        .select(
            "*",
            F.row_number().over(of_content).alias("place"),
            F.size(F.collect_set("content").over(of_key)).alias("n_contents"),
            F.max(F.col("origin") == "conflict").over(of_key).alias("had_conflict"),
        )
    )
    in_conflict = (F.col("n_contents") > 1) | F.col("had_conflict")
    fate = (
        F.when(F.col("origin") == "conflict", "stay")
        .when(F.col("origin") == "lake", F.when(in_conflict, "evict").otherwise("stay"))
        .when(F.col("place") > 1, "duplicate")
        .when(in_conflict, "conflict")
        .otherwise("keep")
    )
    return rows.select("file", "record_key", "content", "battle", "conversations", fate.alias("fate"))


def _as_struct(table: Table) -> Column:
    return F.struct(*[F.col(c.name) for c in table.columns if c.name not in ("source", "file")])


def _content(battle: Column, conversations: Column) -> Column:
    # The order of two battles without a time follows their files, and what counts as a leak follows the configuration,
    # so neither is part of what a battle says.
    said = F.struct(battle.dropFields("sequence", "leaked").alias("battle"), conversations.alias("conversations"))
    return F.to_json(said, {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"})
