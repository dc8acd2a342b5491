"""Suppression of small cells, which could identify a person, in what is published. The gold tables keep these cells.

Cells about conversations or voters are suppressed: corpus shape, days, languages, token and moderation statistics,
published figures, sizes of slices, and ratings with some votes left out. A hidden cell has no numbers, and its column
`hidden` says so. A count of zero is not hidden. There are five rules:

- Primary suppression: a cell has fewer than `min_cell` conversations (battles, voters, flagged conversations), but more
  than zero. The complement counts too: conversations that are not flagged, not answered, not redacted or below a
  threshold, and those for which the source does not say.
- Complementary suppression: if a total is shown, at least two of its rows must be hidden, with at least `min_cell`
  conversations together. Until this is true, the smallest shown row is hidden too. Totals are a source, a month for its
  days, a published language for its detected languages, and all battles for days and for slices.
- Extremes: a group of fewer than ten times `min_cell` messages (or voters) has no minimum, no maximum, and no quantile
  that equals one of these, because each of them is from one person.
- Means: a grouping of corpus shape in which a row is hidden has no mean numbers of turns; the total keeps its own.
- Consistency: a model, a language, a month or a day that is hidden in one of the tables of shape, days, tokens and
  moderation is hidden in all of them. Published figures, detected languages, slices that are not rated, and ratings
  with some votes left out hide it too.

For annotated pairs, each table is checked by itself: rows about fewer than `min_cell` responses or pairs have no
numbers. Further scenario groups have none if such a row could otherwise be worked out by subtraction. Cases of queries
overlap and have no complementary suppression.

Not protected:

- numbers of battles of a model, a pair, a side or a rated slice, because votes on models are not such cells, and
  numbers of battles that cleaning removed or style control left out;
- the one tree of a source that is drawn, without names, and with the first words of its messages only if the licence
  allows redistribution;
- votes of a group of judges, even if the group is one person (single judges are not shown);
- numbers of files, duplicates and records in quarantine, and numbers of records per source in MLflow's metrics.

Not checked:

- a single slice that is not rated while all other slices by the same columns are: its size is all battles minus theirs;
- means and totals of tokens and scores of all hidden rows of a total together;
- differences between a table before and after an increment;
- differences between neighbouring points of a curve, and the number of conversations behind the messages of such a
  point, which the table does not have;
- differences between the labelled messages of two categories;
- differences between published languages, and published languages with detected ones added;
- differences between all conversations and those with a measured text or a flag (or, if they are flagged, with an
  answer that has a flag).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import pandas as pd

from arenalake.battles.tables import VOLUME_STATS
from arenalake.corpus.tables import CORPUS_SHAPE, LANGUAGE_AUDIT, VOTER_STATS
from arenalake.entities.moderation import ANY
from arenalake.moderation.tables import MODERATION_ANSWERS, MODERATION_CURVES, MODERATION_STATS
from arenalake.preferences.tables import (
    CASE_COUNTS,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_STATS,
)
from arenalake.ratings.tables import RATING_INFLUENCE, RATING_SLICES
from arenalake.reproduction.ledger import PERSONAL_UNITS
from arenalake.reproduction.tables import REPRODUCTION
from arenalake.tokens.tables import TOKEN_STATS
from arenalake.trees.tables import (
    LABEL_CORRELATIONS,
    LABEL_STATS,
    SUM_NAMES,
    THREAD_STATS,
    TREE_PAIR_STATS,
    TREE_SHAPES,
    TREE_STATS,
)

# What a row is about, in whichever table: source, grouping (such as `language`), value (None for a null).
Key = tuple[str, str, Any]
_NONE: frozenset[Key] = frozenset()
_TOKEN_QUANTILES = {f"p{p}": p * 10 for p in (1, 5, 25, 50, 75, 95, 99)}
_TOKEN_NUMBERS = ("n_messages", "total", "mean", "sd", "min", "max", *_TOKEN_QUANTILES)
_SCORE_QUANTILES = {"p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
_SCORE_NUMBERS = ("n_scored", "mean_score", *_SCORE_QUANTILES)
_FLAG_NUMBERS = ("n_flagged", "rate", "ci_lower", "ci_upper")
_ANSWER_NUMBERS = ("n_answered", "answered_rate", "ci_lower", "ci_upper")
_REPEAT_NUMBERS = ("n_distinct_prompts", "n_repeated_prompts", "max_repeats")
_SHAPE_NUMBERS = (
    "share",
    "mean_turns",
    "n_redaction_known",
    "n_models",
    "n_languages",
    "n_prompts",
    *_REPEAT_NUMBERS,
)
_REDACTED_NUMBERS = ("n_redacted", "redacted_rate")
_VOTER_NUMBERS = ("n_voters", "mean", "sd", "min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99")
_OF_PAIRS = (
    *("n", "n_pairs", "n_agree", "mean", "sd", "difference_r", "sign_r", "weight", "fold_weight", "probability"),
    *("ci_lower", "ci_upper", "similarity", "agreement", "kappa", "rank"),
    *("n_left_out", "n_first", "accuracy", "weights", "sds", "lower_ends", "upper_ends", "fold_weights"),
)
# What the numbers of annotated pairs in scenario groups are of.
_OF_WHAT = ("judge", "judge_a", "judge_b", "property", "error_type", "property_a", "property_b")
_MODERATION_CELL = ["source", "grouping", "model", "language", "role", "category"]
_WORK_NUMBERS = ("n_contributors", "n_attributed", "gini", "busiest_share")
_MARKED = (*SUM_NAMES[1:-1], "n_contributors")
_LABEL_NUMBERS = ("n", "n_ratings", "mean", "p5", "p25", "p50", "p75", "p95")
_PAIR_NUMBERS = (
    *("n_pairs", "n_longer", "n_shorter", "n_model_wins", "n_person_wins"),
    *("longer_rate", "model_win_rate", "ci_lower", "ci_upper", "busiest_share"),
)
# Groups of fewer than this many times `min_cell` messages have no extremes.
_EXTREMES_FROM = 10


def hide_cells(frames: Mapping[str, pd.DataFrame], min_cell: int) -> dict[str, pd.DataFrame]:
    """Hide small cells in the frames of the report; frames of other tables stay as they are.

    Args:
        frames: by table name.
    """
    shown = dict(frames)
    hidden, before = _NONE, None
    # What one table hides may need guards in another; it ends, since nothing is shown again.
    while hidden != before:
        before = hidden
        for name, hide in _TOGETHER.items():
            shown[name] = hide(frames[name], min_cell, hidden)
            hidden = hidden.union(_hidden_keys(shown[name]))
    for name, hide in _ALONE.items():
        shown[name] = hide(frames[name], min_cell, hidden)
    flags = shown[MODERATION_STATS.name]
    shown[VOTER_STATS.name] = hide_voter_cells(frames[VOTER_STATS.name], min_cell)
    shown[MODERATION_CURVES.name] = hide_curve_cells(frames[MODERATION_CURVES.name], flags, min_cell)
    shown[REPRODUCTION.name] = hide_reproduction(frames[REPRODUCTION.name], flags, min_cell, hidden)
    return shown


def hide_token_cells(stats: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `token_stats` with few conversations, and those that guard them, lose their numbers.

    `hidden` is added. Extremes of small groups are taken out of the others.

    Args:
        others: what other tables hide, here as in the functions below.
    """
    counts = stats["n_conversations"]
    small = _few(counts, min_cell) | _is_about(stats, others)
    small = _guard_groupings(stats, counts, small, min_cell, within=["source", "role", "tokenizer"])
    shown = _blank(stats, small, ("n_conversations", *_TOKEN_NUMBERS)).assign(hidden=small)
    return _without_extremes(shown, "n_messages", _TOKEN_QUANTILES, ("min", "max"), min_cell)


def hide_shape_cells(shape: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `corpus_shape` about few conversations, and those that guard them, lose their numbers.

    Few redacted ones lose count and rate, and few of which that is known also how many these are. Few repeated prompts
    lose what is told of repeats. In a grouping with a hidden row, no row has a mean of turns.
    """
    counts, known, redacted = shape["n_conversations"], shape["n_redaction_known"], shape["n_redacted"]
    small = _guard_shape(shape, counts, _few(counts, min_cell) | _is_about(shape, others), min_cell)
    few_known = _guard_both(shape, small, known, counts - known, min_cell, _guard_shape)
    few_redacted = _guard_both(shape, few_known, redacted, known - redacted, min_cell, _guard_shape)
    shown = _blank(_blank(shape, few_known, ("n_redaction_known",)), few_redacted, _REDACTED_NUMBERS)
    prompts, repeated = shape["n_prompts"], shape["n_repeated_prompts"]
    few_repeats = _few(repeated, min_cell) | _few(prompts - repeated, min_cell)
    few_repeats |= _few(prompts - shape["n_distinct_prompts"], min_cell)
    # One time is no repeat.
    few_times = few_repeats | (_few(shape["max_repeats"], min_cell) & (shape["max_repeats"] > 1).fillna(False))
    shown = _blank(_blank(shown, few_repeats, _REPEAT_NUMBERS), few_times, ("max_repeats",))
    # The turns of a source minus those of the shown rows would be those of the hidden rows.
    has_hidden = small.groupby([shape["source"], shape["grouping"]]).transform("any").astype(bool)
    shown = _blank(shown, has_hidden, ("mean_turns",))
    return _blank(shown, small, ("n_conversations", *_SHAPE_NUMBERS)).assign(hidden=small)


def hide_volume_cells(volume: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `volume_stats` with few battles, and those that guard them, lose their number; `hidden` is added."""
    counts = volume["n_battles"]
    # How many battles there are in all is shown with their pairs.
    small = _guard(volume, counts, _few(counts, min_cell) | _is_about(volume, others), min_cell, within=["source"])
    return _blank(volume, small, ("n_battles",)).assign(hidden=small)


def hide_voter_cells(stats: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Rows of `voter_stats` about few people lose what they say of them; models that judge are no persons."""
    people = stats["judge_kind"] == "human"
    small = _few(stats["n_voters"], min_cell) & people
    shown = _blank(stats, small, _VOTER_NUMBERS).assign(hidden=small)
    return _without_extremes(shown, "n_voters", _TOKEN_QUANTILES, ("min", "max"), min_cell, where=people)


def hide_audit_cells(audit: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `language_audit` about few conversations, and those that guard them, lose their numbers.

    Sums over few, and those that would tell of a hidden row, lose those. A published language that other tables hide
    loses all; without a published one the detected one counts, as it does there.
    """
    within = ["source", "detector", "language"]
    published, detected = audit["language"], audit["detected_language"]
    is_other = _is_in(audit["source"], "language", published.fillna(detected), others)
    whole = is_other & published.notna()
    few_checked = whole | _few(audit["n_checked"], min_cell)
    small = _few(audit["n"], min_cell) | is_other
    small = _guard(audit, audit["n"], small, min_cell, within=within, where=~few_checked)
    confirmed = (small & (detected == published)).groupby([audit[name] for name in within], dropna=False)
    shown = _blank(audit, small, ("n", "mean_confidence", "median_letters"))
    for name, hidden in (
        ("n_checked", few_checked),
        ("n_confirmed", whole | _few(audit["n_confirmed"], min_cell) | confirmed.transform("any").astype(bool)),
        ("n_published", whole | _few(audit["n_published"], min_cell)),
    ):
        shown = _blank(shown, hidden, (name,))
    return shown.assign(hidden=small)


def hide_moderation_cells(stats: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `moderation_stats` about few units lose their numbers, and few flagged ones lose count and rate.

    A row per message is also held to the number of conversations in the same cell, so that one long conversation
    cannot pass for many people. Few messages without the flag, or with a score, lose their number. `hidden` is `all`,
    `flagged`, `missing` or null.
    """
    within = ["source", "role", "category", "unit"]
    conversations_n, conversations_flagged = (_of_conversations(stats, stats[name]) for name in ("n", "n_flagged"))
    few = _few(stats["n"], min_cell) | _few(conversations_n, min_cell)
    # Messages without the flag are messages of persons too.
    few |= _few(stats["n"] + stats["n_missing"].fillna(0), min_cell)
    few |= _is_about(stats, others)
    few = _guard_groupings(stats, stats["n"], few, min_cell, within=within)
    few |= _of_conversations(stats, few).eq(True)

    def guard(frame: pd.DataFrame, counts: pd.Series, hidden: pd.Series, limit: int) -> pd.Series:
        return _guard_groupings(frame, counts, hidden, limit, within=within)

    few_flagged = few | _few(conversations_flagged, min_cell)
    few_flagged |= _few(conversations_n - conversations_flagged, min_cell)
    few_flagged = _guard_both(stats, few_flagged, stats["n_flagged"], stats["n"] - stats["n_flagged"], min_cell, guard)
    few_flagged |= _of_conversations(stats, few_flagged).eq(True)
    few_missing = _guard_missing(stats, few, min_cell, guard)
    few_scored = guard(
        stats, pd.to_numeric(stats["n_scored"]).fillna(0), few | _few(stats["n_scored"], min_cell), min_cell
    )
    shown = _blank(stats, few, ("n",))
    shown = _blank(_blank(shown, few_missing, ("n_missing",)), few_scored, _SCORE_NUMBERS)
    shown = _blank(shown, few_flagged, _FLAG_NUMBERS)
    shown = shown.assign(hidden=_what_is_hidden(few, missing=few_missing, flagged=few_flagged))
    return _without_extremes(shown, "n_scored", _SCORE_QUANTILES, (), min_cell)


def hide_curve_cells(curves: pd.DataFrame, moderation_stats: pd.DataFrame, min_cell: int) -> pd.DataFrame:
    """Points of `moderation_curves` with few messages at or above the threshold lose their numbers.

    Args:
        moderation_stats: went through `hide_moderation_cells`. Where messages are too few there, curves lose all.
    """
    cell = ["source", "role", "category"]
    totals = moderation_stats[(moderation_stats["grouping"] == "all") & (moderation_stats["hidden"] == "all")]
    hidden = set(totals[cell].itertuples(index=False, name=None))
    is_hidden = _series([key in hidden for key in curves[cell].itertuples(index=False, name=None)], curves)
    whole = _few(curves["n"], min_cell) | is_hidden
    small = whole | _few(curves["n_above"], min_cell) | _few(curves["n"] - curves["n_above"], min_cell)
    return _blank(_blank(curves, whole, ("n",)), small, ("n_above", "share")).assign(hidden=small)


def hide_answer_cells(answers: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `moderation_answers` about few attempts lose their numbers, and few answered ones lose count and rate.

    Of the attempts nothing else is shown. `hidden` is `all`, `answered` or null.
    """
    within = ["source", "category"]
    few = _few(answers["n_attempts"], min_cell) | _is_about(answers, others)
    few = _guard_groupings(answers, answers["n_attempts"], few, min_cell, within=within)

    def guard(frame: pd.DataFrame, counts: pd.Series, hidden: pd.Series, limit: int) -> pd.Series:
        return _guard_groupings(frame, counts, hidden, limit, within=within)

    unanswered = answers["n_attempts"] - answers["n_answered"]
    few_answered = _guard_both(answers, few, answers["n_answered"], unanswered, min_cell, guard)
    shown = _blank(_blank(answers, few, ("n_attempts",)), few_answered, _ANSWER_NUMBERS)
    return shown.assign(hidden=_what_is_hidden(few, answered=few_answered))


def hide_reproduction(
    figures: pd.DataFrame, moderation_stats: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE
) -> pd.DataFrame:
    """Rows of `reproduction` lose our figure where it is a small count, or of a source with few records.

    Of such a source the reasons, which tell how many these are, are lost too.

    Args:
        moderation_stats: went through `hide_moderation_cells`. A figure of one model is hidden where one of its rows
            there is, and the share of flagged messages with its own row.
    """
    sizes = figures[figures["place"] == 0].set_index("source")["ours"]
    few_records = _few(figures["source"].map(sizes), min_cell)
    small = few_records | (_few(figures["ours"], min_cell) & figures["unit"].isin(PERSONAL_UNITS))
    has_hidden = moderation_stats["hidden"].isin(["all", "flagged"])
    hidden = moderation_stats[has_hidden & (moderation_stats["category"] == ANY)]
    is_rate = (hidden["grouping"] == "all") & (hidden["unit"] == "message") & (hidden["role"] == "user")
    small |= (figures["unit"] == "%") & figures["source"].isin(hidden.loc[is_rate, "source"])
    names = figures["figure"].str.partition(": ")[0] if len(figures) else figures["figure"]
    small |= _is_in(figures["source"], "model", names, others | set(_keys(hidden)))
    return _blank(_blank(figures, small, ("ours",)), few_records, ("reason",)).assign(hidden=small)


def hide_tree_cells(stats: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `tree_stats` about few messages or people lose their numbers, and few marked ones lose theirs.

    `hidden` says that a row lost all. A total is guarded for each number by itself.
    """
    counts = stats["n_messages"]
    small = _few(counts, min_cell) | _few(stats["n_contributors"], min_cell) | _is_about(stats, others)
    small = _guard_groupings(stats, counts, small, min_cell, within=["source"])
    shown = _blank(stats, small, (*SUM_NAMES, *_WORK_NUMBERS)).assign(hidden=small)
    for name in _MARKED:
        few = _guard_groupings(stats, stats[name], small | _few(stats[name], min_cell), min_cell, within=["source"])
        shown = _blank(shown, few, (name,))
    return shown


def hide_tree_shape_cells(shapes: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `tree_shapes` and `thread_stats` about few trees, messages or threads lose their numbers.

    Small ones lose their extremes.
    """
    small = _few(shapes["n"], min_cell) | _is_about(shapes, others)
    shown = _blank(shapes, small, ("n", "total", "mean", "sd", "min", "max", *_TOKEN_QUANTILES)).assign(hidden=small)
    return _without_extremes(shown, "n", _TOKEN_QUANTILES, ("min", "max"), min_cell)


def hide_label_cells(stats: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `label_stats` about few messages lose their numbers; few deleted or kept ones their means."""
    small = _few(stats["n"], min_cell) | _is_about(stats, others)
    small = _guard_groupings(stats, stats["n"], small, min_cell, within=["source", "label"])
    few = small | _few(stats["n_deleted"], min_cell) | _few(stats["n"] - stats["n_deleted"], min_cell)
    shown = _blank(_blank(stats, small, _LABEL_NUMBERS), few, ("n_deleted", "mean_deleted", "mean_kept"))
    return shown.assign(hidden=small)


def hide_correlation_cells(pairs: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `label_correlations` about few messages lose their numbers."""
    small = _few(pairs["n"], min_cell) | _is_about(pairs, others)
    return _blank(pairs, small, ("n", "correlation")).assign(hidden=small)


def hide_tree_pair_cells(stats: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `tree_pair_stats` about few pairs or authors lose their numbers, and few pairs by one person their count.

    A total is guarded for each of these numbers by itself.
    """
    counts = stats["n_pairs"]
    small = _few(counts, min_cell) | _few(stats["n_authors"], min_cell) | _is_about(stats, others)
    small = _guard_groupings(stats, counts, small, min_cell, within=["source"])
    shown = _blank(stats, small, _PAIR_NUMBERS).assign(hidden=small)
    for name in ("n_same_author", "n_authors"):
        few = _guard_groupings(stats, stats[name], small | _few(stats[name], min_cell), min_cell, within=["source"])
        shown = _blank(shown, few, (name,))
    return shown


def hide_ingested(ingested: pd.DataFrame, shape: pd.DataFrame) -> pd.DataFrame:
    """Sums of files by source lose the numbers of records where the source has few conversations.

    Args:
        ingested: source, files, rows, kept, quarantined, duplicates.
        shape: went through `hide_shape_cells`.
    """
    small = shape.loc[(shape["grouping"] == "all") & shape["hidden"].astype(bool), "source"]
    numbers = ("rows", "kept", "duplicates")
    # Whole numbers of pandas have no null.
    whole = ingested.astype(dict.fromkeys(numbers, "Int64"))
    return _blank(whole, whole["source"].isin(small), numbers)


def _keys(frame: pd.DataFrame) -> list[Key]:
    """What each row is about; a table without groupings has days."""
    groupings = frame["grouping"] if "grouping" in frame else ["day"] * len(frame)
    values = {name: frame[name] for name in set(groupings) - {"all"}}
    return [
        (source, grouping, None if grouping == "all" else _value(values[grouping].loc[row]))
        for row, source, grouping in zip(frame.index, frame["source"], groupings, strict=True)
    ]


def _value(value: Any) -> Any:
    return None if pd.isna(value) else value


def _hidden_keys(shown: pd.DataFrame) -> Iterable[Key]:
    """What a table hides. Of moderation it is what has few labels of any kind, not what has few flags."""
    hidden = shown["hidden"].eq("all") & (shown["category"] == ANY) if "category" in shown else shown["hidden"]
    return (key for key in _keys(shown[hidden.astype(bool)]) if key[1] != "all")


def _is_about(frame: pd.DataFrame, keys: Set[Key]) -> pd.Series:
    return _series([key in keys for key in _keys(frame)], frame)


def _is_in(sources: pd.Series, grouping: str, values: pd.Series, keys: Set[Key]) -> pd.Series:
    pairs = zip(sources, values, strict=True)
    return pd.Series([(source, grouping, _value(value)) in keys for source, value in pairs], sources.index, dtype=bool)


def _series(flags: Sequence[bool], frame: pd.DataFrame) -> pd.Series:
    return pd.Series(flags, index=frame.index, dtype=bool)


def _guard_groupings(
    stats: pd.DataFrame, counts: pd.Series, hidden: pd.Series, min_cell: int, *, within: Sequence[str]
) -> pd.Series:
    """Guard each grouping where its total, the grouping `all`, is shown."""
    if not hidden.any():
        return hidden.astype(bool)
    stats = stats[["grouping", *within]]
    is_total = stats["grouping"] == "all"
    keys = list(zip(*(stats[name] for name in within), strict=True))
    totals = {key for key, is_shown in zip(keys, is_total & ~hidden, strict=True) if is_shown}
    has_total = [key in totals for key in keys]
    where = ~is_total & _series(has_total, stats)
    return _guard(stats, counts, hidden, min_cell, within=["grouping", *within], where=where)


_GuardRows = Callable[[pd.DataFrame, pd.Series, pd.Series, int], pd.Series]


def _guard_both(
    frame: pd.DataFrame, hidden: pd.Series, part: pd.Series, rest: pd.Series, min_cell: int, guard: _GuardRows
) -> pd.Series:
    """Hide where few are in a part of a cell or in the rest of it, and guard the one and the other."""
    # What MLflow records has other types than the report's frames, and nulls that add up to nothing.
    part, rest = (pd.to_numeric(counts).fillna(0) for counts in (part, rest))
    hidden = hidden | _few(part, min_cell) | _few(rest, min_cell)
    before = None
    while before is None or not hidden.equals(before):
        before = hidden
        hidden = guard(frame, rest, guard(frame, part, hidden, min_cell), min_cell)
    return hidden


def _guard_missing(stats: pd.DataFrame, hidden: pd.Series, min_cell: int, guard: _GuardRows) -> pd.Series:
    """Hide few messages without a flag in all categories of a cell, as labelled and missing ones add up to the same.

    Args:
        hidden: rows that lose all numbers anyway.
    """
    missing = pd.to_numeric(stats["n_missing"]).fillna(0)
    cell = [stats[name] for name in ("source", "grouping", "model", "language", "role", "unit")]
    few, before = _few(missing, min_cell) & ~hidden, None
    while before is None or not few.equals(before):
        before = few
        few = few.groupby(cell, dropna=False).transform("any").astype(bool)
        few |= guard(stats, missing, few | hidden, min_cell) & ~hidden
    return few | hidden


def _guard_shape(shape: pd.DataFrame, counts: pd.Series, hidden: pd.Series, min_cell: int) -> pd.Series:
    """Guard months and the other groupings in their source, and days in their months, which are shown as well."""
    if not hidden.any():
        return hidden.astype(bool)
    is_day = shape["grouping"] == "day"
    months = shape["month"].mask(is_day, shape["day"].map(lambda day: _value(day) and str(day)[:7])).fillna("")
    shape = shape[["source", "grouping"]].assign(_month=months)
    by_month = shape.groupby(["source", "_month"]).ngroup()
    is_month = shape["grouping"] == "month"
    # A month that has one day is that day.
    some = is_day & (counts > 0).astype(bool)
    is_alone = (some & hidden).groupby(by_month).transform("any") & (some.groupby(by_month).transform("sum") == 1)
    others = (hidden | (is_month & is_alone))[~is_day]
    others = _guard_groupings(shape[~is_day], counts[~is_day], others, min_cell, within=["source"])
    hidden = pd.concat([others, hidden[is_day]]).reindex(shape.index)
    hidden |= is_day & (is_month & hidden).groupby(by_month).transform("any")
    return _guard(shape, counts, hidden.astype(bool), min_cell, within=["source", "_month"], where=is_day)


def _guard(
    frame: pd.DataFrame,
    counts: pd.Series,
    hidden: pd.Series,
    min_cell: int,
    *,
    within: Sequence[str],
    where: pd.Series | None = None,
) -> pd.Series:
    """Hide further rows until no hidden one is a total minus the shown rest, the first of equal ones first.

    Args:
        within: columns whose values are equal in rows that make up one total.
        where: the rows to look at; all others make up no total that is shown.
    """
    flags = hidden.to_numpy(dtype=bool, copy=True)
    looked_at = np.arange(len(frame)) if where is None else np.flatnonzero(where)
    if not flags[looked_at].any():
        return pd.Series(flags, index=hidden.index)
    amounts = pd.to_numeric(counts).fillna(0).to_numpy()
    group = frame[list(within)].iloc[looked_at].groupby(list(within), sort=False, dropna=False).ngroup().to_numpy()
    in_order = np.argsort(group, kind="stable")
    for places in np.split(in_order, np.flatnonzero(np.diff(group[in_order])) + 1):
        rows = looked_at[places]
        own = flags[rows]
        if not own.any():
            continue
        n_hidden, sum_hidden = int(own.sum()), int(amounts[rows[own]].sum())
        rest = rows[~own & (amounts[rows] > 0)]
        for row in rest[np.argsort(amounts[rest], kind="stable")]:
            if sum_hidden == 0 or (n_hidden > 1 and sum_hidden >= min_cell):
                break
            flags[row] = True
            n_hidden, sum_hidden = n_hidden + 1, sum_hidden + int(amounts[row])
    return pd.Series(flags, index=hidden.index)


def _of_conversations(stats: pd.DataFrame, values: pd.Series) -> pd.Series:
    """For each row the value that the row of the same cell has whose unit is the conversation."""
    conversations = stats.loc[stats["unit"] == "conversation", _MODERATION_CELL].assign(value=values)
    # Object keys: a null is a value of its own here, and merge matches it as such.
    merged = stats[_MODERATION_CELL].merge(conversations, on=_MODERATION_CELL, how="left", validate="many_to_one")
    return merged["value"].set_axis(stats.index)


def _without_extremes(
    stats: pd.DataFrame,
    n: str,
    quantiles: Mapping[str, int],
    ends: Sequence[str],
    min_cell: int,
    where: pd.Series | bool = True,
) -> pd.DataFrame:
    """Take out of small groups what is the value of the first or the last of their `n` messages or voters.

    Args:
        quantiles: columns to thousandths.
        ends: columns of the least and the greatest value.
        where: the rows to look at.
    """
    if min_cell < 2:
        return stats
    size = stats[n].fillna(0)
    small = (size < _EXTREMES_FROM * min_cell).astype(bool) & where
    if not small.any():
        return stats
    shown = _blank(stats, small, tuple(ends))
    for name, thousandths in quantiles.items():
        rank = -(-size * thousandths // 1000)
        shown = _blank(shown, small & ((rank <= 1) | (rank >= size)).astype(bool), (name,))
    return shown


def hide_slice_cells(slices: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `rating_slices` about few battles, and those that guard them, lose their number; `hidden` is added.

    A rated slice keeps its number, which its leaderboard tells as well.
    """
    names = slices["slice"].astype(str)
    values = names.map(_values_of_slice)
    columns = values.map(lambda own: ",".join(column for column, _ in own))
    small = _few(slices["n_battles"], min_cell)
    is_other = [
        any((source, *one) in others for one in own) for source, own in zip(slices["source"], values, strict=True)
    ]
    small |= _series(is_other, slices)
    small &= ~slices["rated"].astype(bool)
    unrated = slices.assign(_columns=columns)
    counts = slices["n_battles"].mask(slices["rated"].astype(bool), 0)
    small = _guard(unrated, counts, small, min_cell, within=["source", "_columns"])
    return _blank(slices, small, ("n_battles",)).assign(hidden=small)


def _values_of_slice(name: str) -> list[tuple[str, Any]]:
    """What a slice such as `language=English,turn=1` is about, as tables of shape have it: there, turns are `turns`."""
    values = []
    for pair in re.findall(r"(?:[^,\\]|\\.)+", name):
        column, _, escaped = pair.partition("=")
        value = re.sub(r"\\(.)", r"\1", escaped)
        values.append(("turns", int(value)) if column == "turn" else (column, value))
    return values


def hide_influence_cells(influence: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows of `rating_influence` lose their numbers where few battles, or few judges, were left out."""
    small = _few(influence["n_left_out"], min_cell) | _few(influence["n_values"], min_cell)
    for kind in ("language", "month"):
        is_kind = influence["left_out"] == kind
        small |= is_kind & _is_in(influence["source"], kind, influence["value"], others)
    numbers = ("rating", "change", "n_battles", "n_left_out", "n_values")
    return _blank(influence, small, numbers).assign(hidden=small)


def hide_few_pairs(rows: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Rows about few annotated responses or pairs, and those that guard them, lose their numbers; `hidden` is added."""
    counts = rows["n" if "n" in rows else "n_pairs"]
    small = _few(counts, min_cell)
    # Cases of queries overlap and make up no total.
    parts = rows["grouping"] != "case"
    within = [name for name in ("source", *_OF_WHAT) if name in rows]
    small |= _guard_groupings(rows[parts], counts[parts], small[parts], min_cell, within=within).reindex(
        rows.index, fill_value=False
    )
    numbers = tuple(name for name in _OF_PAIRS if name in rows)
    return _blank(rows, small, numbers).assign(hidden=small)


def hide_case_cells(cases: pd.DataFrame, min_cell: int, others: Set[Key] = _NONE) -> pd.DataFrame:
    """Add up `case_counts` over scenario groups; cases of few pairs lose their number; `hidden` is added."""
    rows = cases.groupby(["source", "case"], as_index=False).agg({"n_pairs": "sum"})
    small = _few(rows["n_pairs"], min_cell)
    return _blank(rows, small, ("n_pairs",)).assign(hidden=small)


def _few(counts: pd.Series, min_cell: int) -> pd.Series:
    return ((counts > 0) & (counts < min_cell)).fillna(False).astype(bool)


def _what_is_hidden(everything: pd.Series, **parts: pd.Series) -> pd.Series:
    """`all`, the name of a part that is hidden, or null."""
    hidden = pd.Series(None, index=everything.index, dtype="object")
    for name, rows in parts.items():
        hidden = hidden.mask(rows, name)
    return hidden.mask(everything, "all")


def _blank(frame: pd.DataFrame, rows: pd.Series, columns: tuple[str, ...]) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].mask(rows) for name in columns}) if rows.any() else frame


_Hide = Callable[[pd.DataFrame, int, Set[Key]], pd.DataFrame]
_TOGETHER: dict[str, _Hide] = {
    CORPUS_SHAPE.name: hide_shape_cells,
    VOLUME_STATS.name: hide_volume_cells,
    TOKEN_STATS.name: hide_token_cells,
    MODERATION_STATS.name: hide_moderation_cells,
}
_ALONE: dict[str, _Hide] = {
    LANGUAGE_AUDIT.name: hide_audit_cells,
    MODERATION_ANSWERS.name: hide_answer_cells,
    RATING_SLICES.name: hide_slice_cells,
    TREE_STATS.name: hide_tree_cells,
    TREE_SHAPES.name: hide_tree_shape_cells,
    THREAD_STATS.name: hide_tree_shape_cells,
    LABEL_STATS.name: hide_label_cells,
    LABEL_CORRELATIONS.name: hide_correlation_cells,
    TREE_PAIR_STATS.name: hide_tree_pair_cells,
    RATING_INFLUENCE.name: hide_influence_cells,
    PROPERTY_STATS.name: hide_few_pairs,
    PROPERTY_CORRELATIONS.name: hide_few_pairs,
    PREFERENCE_WEIGHTS.name: hide_few_pairs,
    PREFERENCE_FITS.name: hide_few_pairs,
    CASE_COUNTS.name: hide_case_cells,
    JUDGE_PAIRS.name: hide_few_pairs,
    JUDGE_RANKS.name: hide_few_pairs,
}
