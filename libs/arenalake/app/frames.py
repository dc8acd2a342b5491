"""What the report reads: gold tables as typed pandas frames, each cut down first and sorted by its key."""

import pandas as pd
import polars as pl

from arenalake.battles.tables import CLEANING_STATS, PAIR_STATS, POSITION_STATS, VOLUME_STATS
from arenalake.corpus.tables import CORPUS_SHAPE, LANGUAGE_AUDIT, VOTER_STATS
from arenalake.disclosure.cells import hide_cells, hide_ingested
from arenalake.entities.tables import INGESTED_FILES, SOURCE_TERMS
from arenalake.judges.tables import AGREEMENT_STATS, GRADE_COUNTS, JUDGE_BIAS, JUDGE_WIN_RATES
from arenalake.lake import Lake
from arenalake.lake.table import Table
from arenalake.moderation.tables import MODERATION_ANSWERS, MODERATION_CURVES, MODERATION_STATS
from arenalake.preferences.tables import (
    CASE_COUNTS,
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_STATS,
)
from arenalake.ratings.tables import (
    RATING_CALIBRATION,
    RATING_INFLUENCE,
    RATING_PAIRS,
    RATING_SLICES,
    RATINGS,
    STYLE_COEFFICIENTS,
)
from arenalake.report.frames import (
    AGREEMENT_GROUPINGS,
    ANSWER_GROUPINGS,
    MAX_ROWS,
    MODERATION_GROUPINGS,
    PROPERTY_GROUPINGS,
    TOKEN_GROUPINGS,
    Frames,
    typed,
)
from arenalake.reproduction.tables import REPRODUCTION
from arenalake.tokens.tables import TOKEN_STATS
from arenalake.trees.tables import (
    LABEL_CORRELATIONS,
    LABEL_STATS,
    THREAD_STATS,
    TREE_EXAMPLE,
    TREE_PAIR_STATS,
    TREE_SHAPES,
    TREE_STATS,
)


def read_frames(lake: Lake, *, min_cell: int) -> Frames:
    """Read what the pages show.

    Of `token_stats` and `moderation_stats` that is the groupings `all`, `model` and `language`; of `moderation_answers`
    it is `all` and `model`, of `label_stats` `all`, `role` and `language`, of `property_stats` `all` and
    `scenario_group`, of `moderation_curves`, `tree_shapes`, `thread_stats` and `label_correlations` `all`, of
    `tree_stats` all that name one column, of `rating_pairs` the slice `all`; of judges what is about groups and not
    about pairs of models. Cells under `min_cell` are hidden here, before anything is shown.
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
        AGREEMENT_STATS: pl.col("grouping").is_in(AGREEMENT_GROUPINGS),
        JUDGE_BIAS: None,
        JUDGE_WIN_RATES: None,
        GRADE_COUNTS: None,
        TREE_STATS: ~pl.col("grouping").str.contains(",", literal=True),
        TREE_SHAPES: pl.col("grouping") == "all",
        THREAD_STATS: pl.col("grouping") == "all",
        TREE_EXAMPLE: None,
        LABEL_STATS: pl.col("grouping").is_in(["all", "role", "language"]),
        LABEL_CORRELATIONS: pl.col("grouping") == "all",
        TREE_PAIR_STATS: None,
        PROPERTY_STATS: pl.col("grouping").is_in(PROPERTY_GROUPINGS),
        CASE_COUNTS: None,
        PROPERTY_CORRELATIONS: None,
        PREFERENCE_WEIGHTS: None,
        PREFERENCE_FITS: None,
        JUDGE_PAIRS: None,
        JUDGE_RANKS: None,
        JUDGE_ORDER: None,
        REPRODUCTION: None,
        SOURCE_TERMS: None,
    }
    frames = {table: _read(lake, table, where) for table, where in wanted.items()}
    cut = [table.name for table, frame in frames.items() if len(frame) > MAX_ROWS]
    shown = {table.name: frame.head(MAX_ROWS) for table, frame in frames.items()}
    shown[REPRODUCTION.name] = shown[REPRODUCTION.name].sort_values(["source", "place"])
    shown = hide_cells(shown, min_cell)
    records = hide_ingested(_ingested(lake), shown[CORPUS_SHAPE.name])
    return Frames(**shown, ingested=records, min_cell=min_cell, cut=cut, rated_on=lake.day_of(RATINGS))


def _read(lake: Lake, table: Table, where: pl.Expr | None) -> pd.DataFrame:
    # Single judges may be many.
    rows = lake.load(table, only={"level": "group"} if "level" in table.column_names else None)
    # Sorted, since equal tables must give equal pages however their rows lie in files.
    in_order = (rows if where is None else rows.filter(where)).sort(table.key).head(MAX_ROWS + 1)
    return typed(in_order.to_pandas(date_as_object=True), table)


def _ingested(lake: Lake) -> pd.DataFrame:
    sums = ("rows", "kept", "quarantined", "duplicates")
    files = lake.load(INGESTED_FILES).group_by("source")
    return files.agg(pl.len().cast(pl.Int64).alias("files"), pl.col(sums).sum()).sort("source").to_pandas()
