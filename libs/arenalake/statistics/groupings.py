"""The same counts seen by several groupings at once: all, by model, by language and so on."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def by_groupings(counts: DataFrame, groupings: Sequence[str]) -> DataFrame:
    """Repeat every row for each grouping, with the columns that the grouping does not name set to null.

    Args:
        counts: any rows with the columns that the groupings name.
        groupings: `all`, or names of columns joined by commas.

    Returns:
        The columns of `counts` with `grouping` in front. The caller groups and sums.
    """
    named = sorted(_named(groupings))
    types = {field.name: field.dataType for field in counts.schema.fields}
    views = [
        F.struct(
            F.lit(grouping).alias("grouping"),
            *[(F.col(c) if c in grouping.split(",") else F.lit(None).cast(types[c])).alias(c) for c in named],
        )
        for grouping in groupings
    ]
    rest = [column for column in counts.columns if column not in named]
    repeated = counts.select(F.explode(F.array(*views)).alias("view"), *rest)
    return repeated.select("view.*", *rest)


def keys_by_groupings(
    batch: pa.RecordBatch, groupings: Sequence[str], columns: Sequence[str]
) -> Iterator[list[pa.DictionaryArray]]:
    """What `by_groupings` does, on a batch of strings: the keys for each grouping.

    Args:
        batch: strings in all columns that are asked for.
        columns: keys wanted; `grouping` may be one of them, others are null where a grouping does not name them but
            another does.
    """
    named = _named(groupings)
    # Encoded once for all groupings.
    as_read = {column: batch.column(column).dictionary_encode() for column in columns if column != "grouping"}
    nothing = pa.nulls(len(batch), pa.string()).dictionary_encode()
    for grouping in groupings:
        hidden = named - _named([grouping])
        name = pa.repeat(grouping, len(batch)).dictionary_encode()
        seen = as_read | dict.fromkeys(hidden, nothing) | {"grouping": name}
        yield [seen[column] for column in columns]


def _named(groupings: Sequence[str]) -> set[str]:
    return {column for grouping in groupings if grouping != "all" for column in grouping.split(",")}
