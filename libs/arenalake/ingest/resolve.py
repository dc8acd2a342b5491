"""Records that share a key: the same content is a duplicate, other content a conflict that nobody wins."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from arenalake.entities.entity import RECORD_KEY, Entity
from arenalake.ingest.values import with_columns
from arenalake.sources.source import columns_of

# How times stand in what records say.
_TIMES = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}
CONFLICT = "conflicting_key"
# The first reason of records that are good by themselves and break a rule beside others of their source.
MISFIT = "does_not_fit"
# The ids that were the keys of records before there was a column for those.
_FORMER_KEYS = ("battle_id", "conversation_id")


def with_record_key(rows: DataFrame) -> DataFrame:
    """Rows of an entity, whose record_key is never null: rows from before there were such keys have their id."""
    former = [F.col(name) for name in _FORMER_KEYS if name in rows.columns]
    return rows.withColumn(RECORD_KEY.name, F.coalesce(RECORD_KEY.name, *former))


def contested_keys(parsed: DataFrame, known_keys: DataFrame | None = None) -> DataFrame:
    """Keys that stand more than once in new records, or once there and once in the lake.

    Args:
        parsed: see `arenalake.sources.source.parsed`; only record_key is read.
        known_keys: record_key of entities and of conflicts in quarantine; None where there are none.

    Returns:
        record_key, distinct.
    """
    new = parsed.where(F.col("record_key").isNotNull()).groupBy("record_key").agg(F.count("*").alias("n"))
    repeated = new.where(F.col("n") > 1).select("record_key")
    if known_keys is None:
        return repeated
    return repeated.unionByName(new.select("record_key").join(known_keys.distinct(), "record_key")).distinct()


def stored_content(stored: Mapping[Entity, DataFrame]) -> DataFrame:
    """Records of the lake in the form in which new ones are compared with them.

    Args:
        stored: rows of each entity of the source, in its order, with their record_key.

    Returns:
        record_key, file, content (JSON, equal for records that say the same, whatever their order and file).
    """
    (last, parents), *others = reversed(list(stored.items()))
    records: DataFrame = parents.groupBy("record_key").agg(F.first("file").alias("file"), _rows_of(last))
    for entity, rows in others:
        records = records.join(rows.groupBy("record_key").agg(_rows_of(entity)), "record_key", "left")
    # What a record has no row of is null after the join, and an empty list in a new record.
    lists = {e.rows_column: F.coalesce(e.rows_column, F.array().cast(_type_of_rows(e))) for e, _ in others}
    return with_columns(records, lists).select("record_key", "file", _content(list(stored)).alias("content"))


def rows_of_content(records: DataFrame, entity: Entity) -> DataFrame:
    """The rows of an entity that `stored_content` made these records of.

    Args:
        records: source, file, record_key and record, the content, of records with one row of this entity and no other.
        entity: one whose columns are all part of what a record says.

    Returns:
        Columns of the table. A key that has several contents is left out, and so is a record that would not be the same
        again; of equal ones the first file's is there.
    """
    of_key = Window.partitionBy("record_key")
    said = records.select(
        "source",
        "file",
        "record_key",
        "record",
        F.from_json("record", f"struct<`{entity.table.name}`:{_type_of_rows(entity)}>", _TIMES)[
            entity.table.name
        ].alias(entity.rows_column),
        F.size(F.collect_set("record").over(of_key)).alias("n_contents"),
        F.row_number().over(of_key.orderBy("file")).alias("place"),
    )
    alone = said.where("n_contents = 1 AND place = 1").where(_content([entity]) == F.col("record"))
    row = F.col(entity.rows_column)[0]
    return alone.select(
        "source", "file", "record_key", *[row[column.name].alias(column.name) for column in columns_of(entity.table)]
    )


def judge_contested(
    contested: DataFrame, existing: DataFrame, conflicts: DataFrame, entities: Sequence[Entity]
) -> DataFrame:
    """Decide on every record whose key is contested; the outcome is the same in whatever order the records come.

    Equal records count once. If a key has more than one content then, now or in an earlier run, all of them are in
    conflict, and the entity that the lake may have is evicted.

    Args:
        contested: good records with contested keys, as `parsed` gives them.
        existing: `stored_content` of the same keys.
        conflicts: record_key and record (content) of earlier conflicts of the same keys.
        entities: those of the source.

    Returns:
        file, record_key, content, the rows of each entity, fate: `keep`, `duplicate`, `conflict`; for a row of
        `existing` `stay` or `evict`; for a row of `conflicts` `stay`.
    """
    names = [entity.rows_column for entity in entities]
    content = _content(entities).alias("content")
    new = contested.select("file", "record_key", *names, content, F.lit("new").alias("origin"))
    absent = [F.lit(None).cast(new.schema[name].dataType).alias(name) for name in names]
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
        F.when(F.col("origin") == "new", 1).otherwise(0), "file", names[-1]
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
    return rows.select("file", "record_key", "content", *names, fate.alias("fate"))


def _rows_of(entity: Entity) -> Column:
    """An aggregate: the rows of an entity as they are in a new record."""
    row = F.struct(*[F.col(column.name) for column in columns_of(entity.table)])
    return F.collect_list(row).alias(entity.rows_column)


def _type_of_rows(entity: Entity) -> str:
    return f"array<struct<{','.join(f'`{c.name}`:{c.type}' for c in columns_of(entity.table))}>>"


def _content(entities: Sequence[Entity]) -> Column:
    """What a record says, in whatever order its rows come, without what is no part of it."""
    said = [_without(F.sort_array(e.rows_column), e.incidental).alias(e.table.name) for e in entities]
    return F.to_json(F.struct(*said), _TIMES)


def _without(rows: Column, columns: Sequence[str]) -> Column:
    return F.transform(rows, lambda row: row.dropFields(*columns)) if columns else rows
