"""The language that counts go by."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def with_known_language(rows: DataFrame) -> DataFrame:
    """Put the detected language where none was published; a published one stays, even if it is `unknown`.

    Args:
        rows: anything with the columns language and detected_language.

    Returns:
        The same columns.
    """
    return rows.select(
        *[c for c in rows.columns if c != "language"], F.coalesce("language", "detected_language").alias("language")
    )
