"""What a prompt is known by without its text."""

from pyspark.sql import Column
from pyspark.sql import functions as F


def prompt_hash(messages: Column) -> Column:
    """SHA-256 of the first message; null where there is none."""
    return F.sha2(F.get(messages, F.lit(0))["content"], 256)
