"""What pages are made of: gold tables as typed pandas frames."""

from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from arenalake.lake.table import Table

# No frame of the report has more rows; a table that does is cut in key order and the data page says so.
MAX_ROWS = 100_000
TOKEN_GROUPINGS = ("all", "model", "language")
MODERATION_GROUPINGS = ("all", "model", "language")
AGREEMENT_GROUPINGS = ("all", "turn", "category")
PROPERTY_GROUPINGS = ("all", "scenario_group")
ANSWER_GROUPINGS = ("all", "model")
_INTEGERS = {"int": "Int64", "bigint": "Int64", "boolean": "boolean", "string": "object"}


@dataclass(eq=False)  # a frame equals another cell by cell, which is no answer
class Frames:
    """Frames by table, with the columns that the table declares; `hidden` columns tell cells that are too small.

    Attributes:
        case_counts: over all scenario groups, so without their column.
        ingested: sums of `ingested_files` per source.
        cut: tables that had more than `MAX_ROWS` rows.
        model_facts: what `report.models` says of models, see `arenalake.report.facts`.
        rated_on: day (UTC) on which the ratings were computed; None without ratings.
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
    agreement_stats: pd.DataFrame
    judge_bias: pd.DataFrame
    judge_win_rates: pd.DataFrame
    grade_counts: pd.DataFrame
    tree_stats: pd.DataFrame
    tree_shapes: pd.DataFrame
    thread_stats: pd.DataFrame
    tree_example: pd.DataFrame
    label_stats: pd.DataFrame
    label_correlations: pd.DataFrame
    tree_pair_stats: pd.DataFrame
    property_stats: pd.DataFrame
    case_counts: pd.DataFrame
    property_correlations: pd.DataFrame
    preference_weights: pd.DataFrame
    preference_fits: pd.DataFrame
    judge_pairs: pd.DataFrame
    judge_ranks: pd.DataFrame
    judge_order: pd.DataFrame
    reproduction: pd.DataFrame
    source_terms: pd.DataFrame
    ingested: pd.DataFrame
    min_cell: int
    cut: list[str] = field(default_factory=list)
    model_facts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"model": []}))
    rated_on: date | None = None


def typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Whole numbers with nulls come from Arrow as floats; give every column the type that the table declares."""
    kinds = {column.name: _INTEGERS.get(column.type, "") for column in table.columns}
    return frame.astype({name: kind for name, kind in kinds.items() if kind and name in frame.columns})
