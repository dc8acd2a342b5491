"""Small cells, which could point at a person, are taken out of what is published; the gold tables keep them.

It is done where a cell is about conversations or voters: shape, languages, token and moderation statistics. Votes on
models are no such cells.
A hidden cell has no numbers and `hidden` says so; a count of zero is not hidden. Nothing is done against subtracting
rows from totals.
"""

import pandas as pd

_TOKEN_NUMBERS = ("n_messages", "total", "mean", "sd", "min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99")
_SCORE_NUMBERS = ("n_scored", "mean_score", "p50", "p90", "p99", "p99_9")
_FLAG_NUMBERS = ("n_flagged", "rate", "ci_lower", "ci_upper")
_PROMPT_NUMBERS = ("n_prompts", "n_distinct_prompts", "n_repeated_prompts", "max_repeats")
_SHAPE_NUMBERS = ("share", "mean_turns", "n_redaction_known", "n_models", "n_languages", *_PROMPT_NUMBERS)
_REDACTED_NUMBERS = ("n_redacted", "redacted_rate")
_VOTER_NUMBERS = ("n_voters", "mean", "sd", "min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99")
_MODERATION_CELL = ["source", "grouping", "model", "language", "role", "category"]


def hide_token_cells(stats: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `token_stats` with fewer than `min_cell` conversations lose their numbers; `hidden` is added."""
    small = _few(stats["n_conversations"], min_cell)
    return _blank(stats, small, ("n_conversations", *_TOKEN_NUMBERS)).assign(hidden=small)


def hide_shape_cells(shape: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `corpus_shape` about few conversations lose their numbers, and few redacted ones lose count and rate."""
    small = _few(shape["n_conversations"], min_cell)
    shown = _blank(shape, small | _few(shape["n_redacted"], min_cell), _REDACTED_NUMBERS)
    return _blank(shown, small, ("n_conversations", *_SHAPE_NUMBERS)).assign(hidden=small)


def hide_voter_cells(stats: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `voter_stats` about few people lose what they say of them; models that judge are no persons."""
    small = _few(stats["n_voters"], min_cell) & (stats["judge_kind"] == "human")
    return _blank(stats, small, _VOTER_NUMBERS).assign(hidden=small)


def hide_audit_cells(audit: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `language_audit` about few conversations lose their numbers, sums over few lose those."""
    small = _few(audit["n"], min_cell)
    shown = _blank(audit, small, ("n", "mean_confidence", "median_letters"))
    for name in ("n_checked", "n_confirmed", "n_published"):
        shown = _blank(shown, _few(audit[name], min_cell), (name,))
    return shown.assign(hidden=small)


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


def _few(counts: pd.Series, min_cell: int) -> pd.Series:
    return ((counts > 0) & (counts < min_cell)).fillna(False).astype(bool)


def _blank(frame: pd.DataFrame, rows: pd.Series, columns: tuple[str, ...]) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].mask(rows) for name in columns})
