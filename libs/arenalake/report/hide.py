"""Small cells, which could point at a person, are taken out of what is published; the gold tables keep them.

It is done where a cell is about conversations or voters: shape, languages, token and moderation statistics, published
figures, sizes of slices, and ratings without a few votes. Votes on models are no such cells, so how many battles a
model has is always shown. A hidden cell has no numbers and `hidden` says so; a count of zero is not hidden.
Four things are looked at:

- Fewer than `min_cell` conversations (or flagged ones) in a cell.
- Subtraction: where a total is shown, the hidden rows that make it up with the shown ones are at least two and have
  together at least `min_cell`; the smallest shown rows are hidden too until that is so.
- Extremes: in a group of fewer than ten times `min_cell` messages the least, the greatest, and any quantile that is one
  of them, since each is one message of one person.
- What is shown twice: a figure is hidden wherever it could be read from another page.

Not looked at: differences between a table before and after an increment, between neighbouring points of a curve, and
how many conversations the messages of a point of a curve are from, which the table does not know.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from arenalake.moderation import ANY
from arenalake.reproduction.ledger import PERSONAL_UNITS

_TOKEN_QUANTILES = {f"p{p}": p * 10 for p in (1, 5, 25, 50, 75, 95, 99)}
_TOKEN_NUMBERS = ("n_messages", "total", "mean", "sd", "min", "max", *_TOKEN_QUANTILES)
_SCORE_QUANTILES = {"p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
_SCORE_NUMBERS = ("n_scored", "mean_score", *_SCORE_QUANTILES)
_FLAG_NUMBERS = ("n_flagged", "rate", "ci_lower", "ci_upper")
_PROMPT_NUMBERS = ("n_prompts", "n_distinct_prompts", "n_repeated_prompts", "max_repeats")
_SHAPE_NUMBERS = ("share", "mean_turns", "n_redaction_known", "n_models", "n_languages", *_PROMPT_NUMBERS)
_REDACTED_NUMBERS = ("n_redacted", "redacted_rate")
_VOTER_NUMBERS = ("n_voters", "mean", "sd", "min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99")
_MODERATION_CELL = ["source", "grouping", "model", "language", "role", "category"]
# Groups of fewer than this many times `min_cell` messages have no extremes.
_EXTREMES_FROM = 10


def hide_token_cells(stats: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `token_stats` with few conversations, and those that guard them, lose their numbers.

    `hidden` is added. Extremes of small groups are taken out of the others.
    """
    counts = stats["n_conversations"]
    small = _few(counts, min_cell)
    small = _guard(stats, counts, small, min_cell, within=["source", "role", "tokenizer"])
    shown = _blank(stats, small, ("n_conversations", *_TOKEN_NUMBERS)).assign(hidden=small)
    return _without_extremes(shown, "n_messages", _TOKEN_QUANTILES, ("min", "max"), min_cell)


def hide_shape_cells(shape: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `corpus_shape` about few conversations, and those that guard them, lose their numbers.

    Few redacted ones lose count and rate.
    """
    counts, redacted = shape["n_conversations"], shape["n_redacted"]
    small = _guard(shape, counts, _few(counts, min_cell), min_cell, within=["source"])
    few_redacted = _guard(shape, redacted, small | _few(redacted, min_cell), min_cell, within=["source"])
    shown = _blank(shape, few_redacted, _REDACTED_NUMBERS)
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
    within = ["source", "role", "category", "unit"]
    conversations_n, conversations_flagged = (_of_conversations(stats, stats[name]) for name in ("n", "n_flagged"))
    few = _few(stats["n"], min_cell) | _few(conversations_n, min_cell)
    # Messages without the flag are messages of persons too.
    few |= _few(stats["n"] + stats["n_missing"].fillna(0), min_cell)
    few = _guard(stats, stats["n"], few, min_cell, within=within)
    few |= _of_conversations(stats, few).eq(True)
    few_flagged = few | _few(stats["n_flagged"], min_cell) | _few(conversations_flagged, min_cell)
    few_flagged = _guard(stats, stats["n_flagged"], few_flagged, min_cell, within=within)
    few_flagged |= _of_conversations(stats, few_flagged).eq(True)
    shown = _blank(stats, few, ("n", "n_missing", *_FLAG_NUMBERS, *_SCORE_NUMBERS))
    shown = _blank(shown, few_flagged, _FLAG_NUMBERS)
    hidden = pd.Series(None, index=stats.index, dtype="object").mask(few_flagged, "flagged").mask(few, "all")
    return _without_extremes(shown.assign(hidden=hidden), "n_scored", _SCORE_QUANTILES, (), min_cell)


def hide_curve_cells(curves: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Points of `moderation_curves` with few messages at or above the threshold lose their numbers."""
    small = _few(curves["n"], min_cell) | _few(curves["n_above"], min_cell)
    return _blank(curves, small, ("n_above", "share")).assign(hidden=small)


def hide_reproduction(
    figures: pd.DataFrame, token_stats: pd.DataFrame, moderation_stats: pd.DataFrame, min_cell: int
) -> pd.DataFrame:
    """Rows of `reproduction` lose our figure where it is a small count, or of a source with few records.

    Args:
        token_stats, moderation_stats: went through `hide_token_cells` and `hide_moderation_cells`. A figure of one
            model is hidden where one of its rows there is, and the share of flagged messages with its own row.
    """
    small = _few(figures["ours"], min_cell) & figures["unit"].isin(PERSONAL_UNITS)
    sizes = figures[figures["place"] == 0].set_index("source")["ours"]
    small |= _few(figures["source"].map(sizes), min_cell)
    hidden = moderation_stats[moderation_stats["hidden"].notna() & (moderation_stats["category"] == ANY)]
    is_rate = (hidden["grouping"] == "all") & (hidden["unit"] == "message") & (hidden["role"] == "user")
    small |= (figures["unit"] == "%") & figures["source"].isin(hidden.loc[is_rate, "source"])
    of_models = {
        (row.source, row.model)
        for rows in (token_stats[token_stats["hidden"]], hidden)
        for row in rows[rows["grouping"] == "model"].itertuples()
    }
    names = figures["figure"].str.partition(": ")[0] if len(figures) else figures["figure"]
    small |= pd.Series(
        [pair in of_models for pair in zip(figures["source"], names, strict=True)], index=figures.index, dtype=bool
    )
    return _blank(figures, small, ("ours",)).assign(hidden=small)


def _guard(
    stats: pd.DataFrame, counts: pd.Series, hidden: pd.Series, min_cell: int, *, within: Sequence[str]
) -> pd.Series:
    """Hide further rows until no hidden one is a shown total minus the shown rest; the total is the grouping `all`."""
    hidden = hidden.copy()
    is_total = stats["grouping"] == "all"
    shown_totals = set(stats.loc[is_total & ~hidden, list(within)].itertuples(index=False, name=None))
    for (_, *key), part in stats[~is_total].groupby(["grouping", *within], sort=False):
        own = hidden.loc[part.index]
        if tuple(key) not in shown_totals or not own.any():
            continue
        own_counts = counts.loc[part.index]
        n_hidden, sum_hidden = int(own.sum()), int(own_counts[own].sum())
        names = part["model"].fillna("") + part["language"].fillna("")
        rest = part[~own & (own_counts > 0)].index
        for row in sorted(rest, key=lambda row: (own_counts[row], names[row])):
            if sum_hidden == 0 or (n_hidden > 1 and sum_hidden >= min_cell):
                break
            hidden.loc[row] = True
            n_hidden, sum_hidden = n_hidden + 1, sum_hidden + int(own_counts[row])
    return hidden


def _of_conversations(stats: pd.DataFrame, values: pd.Series) -> pd.Series:
    """For each row the value that the row of the same cell has whose unit is the conversation."""
    conversations = stats.loc[stats["unit"] == "conversation", _MODERATION_CELL].assign(value=values)
    # Object keys: a null is a value of its own here, and merge matches it as such.
    merged = stats[_MODERATION_CELL].merge(conversations, on=_MODERATION_CELL, how="left", validate="many_to_one")
    return merged["value"].set_axis(stats.index)


def _without_extremes(
    stats: pd.DataFrame, n: str, quantiles: Mapping[str, int], ends: Sequence[str], min_cell: int
) -> pd.DataFrame:
    """Take out of small groups what is the value of the first or the last of their `n` messages.

    Args:
        quantiles: columns to thousandths.
        ends: columns of the least and the greatest value.
    """
    if min_cell < 2:
        return stats
    size = stats[n].fillna(0)
    small = (size < _EXTREMES_FROM * min_cell).astype(bool)
    shown = _blank(stats, small, tuple(ends))
    for name, thousandths in quantiles.items():
        rank = -(-size * thousandths // 1000)
        shown = _blank(shown, small & ((rank <= 1) | (rank >= size)).astype(bool), (name,))
    return shown


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
