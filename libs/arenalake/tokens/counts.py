"""Lengths of messages and conversations as histograms. Languages are as published, else as detected."""

from collections.abc import Sequence

import polars as pl
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.entities.languages import with_known_language
from arenalake.lake.counting import count_in_tasks
from arenalake.numbers.histograms import count_cells
from arenalake.tokens.tables import CONVERSATION_TOKENS, LENGTH_COUNTS, MESSAGE_TOKENS, TURNS


def count_lengths(messages: DataFrame, *, tokenizers: Sequence[str]) -> DataFrame:
    """Count messages by their tokens, and conversations by their tokens and turns, in one scan.

    Args:
        messages: columns of the table `messages`.
        tokenizers: names in `n_tokens` to count; others that were counted once may lack newer messages.

    Returns:
        Columns of the table `length_counts`. A null language or month is a value of its own. What a tokenizer has not
        counted is in none of its rows.
    """
    # Functions that take a function are interpreted row by row, so the names are written out.
    lengths = [
        F.col(column)[name].alias(f"{measure}:{name}")
        for measure, column in ((MESSAGE_TOKENS, "n_tokens"), (CONVERSATION_TOKENS, "n_tokens_in_all"))
        for name in tokenizers
    ]
    keys = ("source", "model", "language", "role", "turn", "month")
    rows = with_known_language(messages).select(*keys, "n_chars", F.col("turns").alias(TURNS), *lengths)

    def count(some: pl.DataFrame) -> pl.DataFrame:
        views = [_lengths(some, MESSAGE_TOKENS, name) for name in tokenizers]
        views += [_lengths(some, CONVERSATION_TOKENS, name) for name in tokenizers]
        long = pl.concat([*views, _lengths(some, TURNS)])
        counts = count_cells(long, keys=LENGTH_COUNTS.key, cell="lengths", sums=["n_chars", "total"])
        return counts.select(LENGTH_COUNTS.column_names)

    return count_in_tasks(rows, count, LENGTH_COUNTS)


def _lengths(rows: pl.DataFrame, measure: str, tokenizer: str | None = None) -> pl.DataFrame:
    """One row for each message that has this length: the key of `length_counts`, lengths, n_chars and total."""
    of_message = measure == MESSAGE_TOKENS
    length = pl.col(measure if tokenizer is None else f"{measure}:{tokenizer}").cast(pl.Int64)
    columns = {"role": pl.String, "turn": pl.Int32, "month": pl.String}
    return rows.select(
        "source",
        pl.lit(measure).alias("measure"),
        "model",
        "language",
        *[name if of_message else pl.lit(None, kind).alias(name) for name, kind in columns.items()],
        pl.lit(tokenizer, pl.String).alias("tokenizer"),
        (pl.col("n_chars") if of_message else pl.lit(0)).cast(pl.Int64).alias("n_chars"),
        length.alias("lengths"),
        length.alias("total"),
    ).drop_nulls("lengths")
