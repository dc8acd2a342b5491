"""Rows of `quarantine`: a record, whole, with every reason, under an id that a rerun gives again."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from arenalake.ingest.utf8 import escaped


def quarantine_rows(broken: DataFrame, *, source: str) -> DataFrame:
    """Broken records as rows of `quarantine`.

    Args:
        broken: file, record_key, record, reasons. Equal records of a file are different rows: each one came in.
    """
    readable = broken.withColumns({name: escaped(F.col(name)) for name in ("record_key", "record")})
    equal = Window.partitionBy("file", "record").orderBy("record_key")
    occurrence = F.row_number().over(equal)
    said = F.to_json(F.struct("file", "record", occurrence.alias("occurrence")))
    return readable.select(
        F.lit(source).alias("source"),
        "file",
        F.sha2(said, 256).alias("record_id"),
        "record_key",
        "record",
        "reasons",
    )
