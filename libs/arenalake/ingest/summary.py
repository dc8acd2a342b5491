"""What a person is told about an ingested source: reasons of quarantine, and what is not kept."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

# So many reasons are listed; and so many characters of a reason, which may quote the record.
_LISTED, _WIDTH = 5, 240


def count_sentences(rows: DataFrame, column: str) -> list[tuple[str, int]]:
    """The most frequent sentences of a column of arrays and how many rows have each.

    Of those that are as frequent, what stands first in its array comes first: the cause before what follows from it.
    There is one more than is listed, so that `list_sentences` can say that there are others.
    """
    sentences = rows.select(F.posexplode(column).alias("place", "text")).groupBy("text")
    counted = sentences.agg(F.count("*").alias("n"), F.min("place").alias("place"))
    found: list[Row] = counted.orderBy(F.desc("n"), "place", "text").limit(_LISTED + 1).collect()
    return [(row["text"], row["n"]) for row in found]


def list_sentences(what: str, counted: Sequence[tuple[str, int]]) -> list[str]:
    """A line per sentence, and one that tells of others."""
    lines = [f"{what}: {n:,} × {_shortened(text)}" for text, n in counted[:_LISTED]]
    return lines + ([f"{what}: more reasons in the table quarantine"] if len(counted) > _LISTED else [])


def _shortened(text: str) -> str:
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return plain if len(plain) <= _WIDTH else plain[: _WIDTH - 1] + "…"
