"""What the report reads: gold tables as typed pandas frames, each cut down first and sorted by its key."""

from dataclasses import dataclass, field

import pandas as pd
import polars as pl

from arenalake.lake import Lake
from arenalake.report.hide import hide_cells, hide_ingested
from arenalake.tables import (
    CLEANING_STATS,
    CORPUS_SHAPE,
    INGESTED_FILES,
    LANGUAGE_AUDIT,
    MODERATION_ANSWERS,
    MODERATION_CURVES,
    MODERATION_STATS,
    PAIR_STATS,
    POSITION_STATS,
    RATING_CALIBRATION,
    RATING_INFLUENCE,
    RATING_PAIRS,
    RATING_SLICES,
    RATINGS,
    REPRODUCTION,
    SOURCE_TERMS,
    STYLE_COEFFICIENTS,
    TOKEN_STATS,
    VOLUME_STATS,
    VOTER_STATS,
    Table,
)

# No frame of the report has more rows; a table that does is cut in key order and the data page says so.
MAX_ROWS = 100_000
TOKEN_GROUPINGS = ("all", "model", "language")
MODERATION_GROUPINGS = ("all", "model", "language")
ANSWER_GROUPINGS = ("all", "model")
_INTEGERS = {"int": "Int64", "bigint": "Int64", "boolean": "boolean", "string": "object"}


@dataclass
class Frames:
    """Frames by table, with the columns that the table declares; `hidden` columns tell cells that are too small.

    Attributes:
        ingested: sums of `ingested_files` per source.
        cut: tables that had more than `MAX_ROWS` rows.
    """

    ratings: pd.DataFrame
    style_coefficients: pd.DataFrame
    rating_slices: pd.DataFrame
    rating_pairs: pd.DataFrame
    rating_calibration: pd.DataFrame
    rating_influence: pd.DataFrame
    cleaning_stats: pd.DataFrame
    pair_stats: pd.DataFrame
    position_stats: pd.DataFrame
    volume_stats: pd.DataFrame
    corpus_shape: pd.DataFrame
    voter_stats: pd.DataFrame
    language_audit: pd.DataFrame
    token_stats: pd.DataFrame
    moderation_stats: pd.DataFrame
    moderation_curves: pd.DataFrame
    moderation_answers: pd.DataFrame
    reproduction: pd.DataFrame
    source_terms: pd.DataFrame
    ingested: pd.DataFrame
    min_cell: int
    cut: list[str] = field(default_factory=list)


def read_frames(lake: Lake, *, min_cell: int) -> Frames:
    """Read what the pages show.

    Of `token_stats` and `moderation_stats` that is the groupings `all`, `model` and `language`; of `moderation_answers`
    it is `all` and `model`, of `moderation_curves` `all`, of `rating_pairs` the slice `all`. Cells under `min_cell` are
    hidden here, before anything is shown.
    """
    wanted = {
        RATINGS: None,
        STYLE_COEFFICIENTS: None,
        RATING_SLICES: None,
        RATING_PAIRS: pl.col("slice") == "all",
        RATING_CALIBRATION: None,
        RATING_INFLUENCE: None,
        CLEANING_STATS: None,
        PAIR_STATS: None,
        POSITION_STATS: None,
        VOLUME_STATS: None,
        CORPUS_SHAPE: None,
        VOTER_STATS: None,
        LANGUAGE_AUDIT: None,
        TOKEN_STATS: pl.col("grouping").is_in(TOKEN_GROUPINGS),
        MODERATION_STATS: pl.col("grouping").is_in(MODERATION_GROUPINGS),
        MODERATION_CURVES: pl.col("grouping") == "all",
        MODERATION_ANSWERS: pl.col("grouping").is_in(ANSWER_GROUPINGS),
        REPRODUCTION: None,
        SOURCE_TERMS: None,
    }
    frames = {table: _read(lake, table, where) for table, where in wanted.items()}
    cut = [table.name for table, frame in frames.items() if len(frame) > MAX_ROWS]
    shown = {table.name: frame.head(MAX_ROWS) for table, frame in frames.items()}
    shown[REPRODUCTION.name] = shown[REPRODUCTION.name].sort_values(["source", "place"])
    shown = hide_cells(shown, min_cell)
    records = hide_ingested(_ingested(lake), shown[CORPUS_SHAPE.name])
    return Frames(**shown, ingested=records, min_cell=min_cell, cut=cut)


def _read(lake: Lake, table: Table, where: pl.Expr | None) -> pd.DataFrame:
    rows = lake.load(table)
    # Sorted, since equal tables must give equal pages however their rows lie in files.
    in_order = (rows if where is None else rows.filter(where)).sort(table.key).head(MAX_ROWS + 1)
    return typed(in_order.to_pandas(date_as_object=True), table)


def typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Whole numbers with nulls come from Arrow as floats; give every column the type that the table declares."""
    kinds = {column.name: _INTEGERS.get(column.type, "") for column in table.columns}
    return frame.astype({name: kind for name, kind in kinds.items() if kind and name in frame.columns})


def _ingested(lake: Lake) -> pd.DataFrame:
    sums = ("rows", "kept", "quarantined", "duplicates")
    files = lake.load(INGESTED_FILES).group_by("source")
    return files.agg(pl.len().cast(pl.Int64).alias("files"), pl.col(sums).sum()).sort("source").to_pandas()
