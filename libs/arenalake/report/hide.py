"""Small cells, which could point at a person, are taken out of what is published; the gold tables keep them.

It is done where a cell is about conversations or voters: token and moderation statistics, sizes of slices, and ratings
without a few votes. Votes on models are no such cells.
A hidden cell has no numbers and `hidden` says so; a count of zero is not hidden. Nothing is done against subtracting
rows from totals.
"""

import pandas as pd

_TOKEN_NUMBERS = ("n_messages", "total", "mean", "sd", "min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99")
_SCORE_NUMBERS = ("n_scored", "mean_score", "p50", "p90", "p99", "p99_9")
_FLAG_NUMBERS = ("n_flagged", "rate", "ci_lower", "ci_upper")
_MODERATION_CELL = ["source", "grouping", "model", "language", "role", "category"]


def hide_token_cells(stats: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `token_stats` with fewer than `min_cell` conversations lose their numbers; `hidden` is added."""
    small = _few(stats["n_conversations"], min_cell)
    return _blank(stats, small, ("n_conversations", *_TOKEN_NUMBERS)).assign(hidden=small)


def hide_moderation_cells(stats: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `moderation_stats` about few units lose their numbers, and few flagged ones lose count and rate.

    A row per message is also held to the number of conversations in the same cell, so that one long conversation
    cannot pass for many people. `hidden` is `all`, `flagged` or null.
    """
    conversations = stats.loc[stats["unit"] == "conversation", [*_MODERATION_CELL, "n", "n_flagged"]]
    # Object keys: a null is a value of its own here, and merge matches it as such.
    merged = stats[_MODERATION_CELL].merge(conversations, on=_MODERATION_CELL, how="left", validate="many_to_one")
    conversations_n, conversations_flagged = (merged[name].set_axis(stats.index) for name in ("n", "n_flagged"))
    few = _few(stats["n"], min_cell) | _few(conversations_n, min_cell)
    # Messages without the flag are messages of persons too.
    few |= _few(stats["n"] + stats["n_missing"].fillna(0), min_cell)
    few_flagged = ~few & (_few(stats["n_flagged"], min_cell) | _few(conversations_flagged, min_cell))
    shown = _blank(stats, few, ("n", "n_missing", *_FLAG_NUMBERS, *_SCORE_NUMBERS))
    shown = _blank(shown, few_flagged, _FLAG_NUMBERS)
    hidden = pd.Series(None, index=stats.index, dtype="object").mask(few, "all").mask(few_flagged, "flagged")
    return shown.assign(hidden=hidden)


def hide_curve_cells(curves: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Points of `moderation_curves` with few messages at or above the threshold lose their numbers."""
    small = _few(curves["n"], min_cell) | _few(curves["n_above"], min_cell)
    return _blank(curves, small, ("n_above", "share")).assign(hidden=small)


def hide_slice_cells(slices: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `rating_slices` about few battles lose their number; `hidden` is added."""
    small = _few(slices["n_battles"], min_cell)
    return _blank(slices, small, ("n_battles",)).assign(hidden=small)


def hide_influence_cells(influence: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `rating_influence` lose their numbers where few battles, or few judges, were left out."""
    small = _few(influence["n_left_out"], min_cell) | _few(influence["n_values"], min_cell)
    numbers = ("rating", "change", "n_battles", "n_left_out", "n_values")
    return _blank(influence, small, numbers).assign(hidden=small)


def _few(counts: pd.Series, min_cell: int) -> pd.Series:
    return ((counts > 0) & (counts < min_cell)).fillna(False).astype(bool)


def _blank(frame: pd.DataFrame, rows: pd.Series, columns: tuple[str, ...]) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].mask(rows) for name in columns})
