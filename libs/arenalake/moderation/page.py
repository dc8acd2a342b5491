"""The page about moderation: how much was flagged, and how scores are spread."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from arenalake.entities.moderation import ANY, CATEGORIES, DETOXIFY
from arenalake.report import figures
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    Cell,
    Figure,
    Page,
    Section,
    TableColumn,
    TableView,
    given_column,
    number_cell,
    percent_cell,
    range_cell,
    slug,
    text_column,
    unless_hidden,
)

MAX_PLOTTED = 60
# Thresholds whose points the page lists, as near as the curves have them.
_THRESHOLDS = (0.001, 0.01, 0.1, 0.5, 0.8)
_ORDER = {category: place for place, category in enumerate((ANY, *CATEGORIES))}
_ROLES = {"user": "user messages", "assistant": "answers", "battle": "battles as a whole"}


def build_moderation(frames: Frames) -> Page:
    """The page of moderation: rates of flags, scores, and what flags say together."""
    stats = frames.moderation_stats
    sections = [_source_section(str(source), rows, frames) for source, rows in stats.groupby("source", sort=True)]
    lead = (
        "Flags and scores as the sources publish them. A message without a flag is counted as missing, never as not "
        "flagged. Intervals are 95 %. For conversations they are Wilson's; for messages they take into account that "
        "messages of one conversation are correlated. "
    )
    if frames.min_cell > 1:
        lead += (
            f"Cells with fewer than {frames.min_cell} conversations are hidden. If fewer than {frames.min_cell} but "
            "more than zero are flagged, or are not flagged, the count and the rate of flagged ones are hidden. A "
            "number of missing flags in the same range is hidden too. Further cells are hidden if hidden ones could "
            "otherwise be worked out by subtraction."
        )
    return Page("moderation.html", "Moderation", lead, sections, nav="Moderation")


def _source_section(source: str, stats: pd.DataFrame, frames: Frames) -> Section:
    section = Section(source)
    is_detoxify = stats["category"].str.startswith(DETOXIFY)
    scores = _detoxify_sections(source, stats[is_detoxify & (stats["grouping"] == "all")])
    stats = stats[~is_detoxify]
    whole = stats[stats["grouping"] == "all"]
    # A hidden count is null and so not zero.
    if (whole["n"] == 0).fillna(False).all():
        section.sentences.append("No message of this source has a moderation flag.")
        section.sections = [*scores, *_curve_sections(source, frames)]
        return section
    labelled = whole.groupby("role")["n"].apply(lambda n: bool((n != 0).fillna(True).any()))
    for role in sorted(labelled.index[~labelled], reverse=True):
        what = _ROLES.get(role, role)
        section.sentences.append(f"The source publishes no flags for {what}, so the tables below leave them out.")
    stats, whole = (rows[rows["role"].map(labelled).fillna(True).astype(bool)] for rows in (stats, whole))
    whole = whole.assign(_place=whole["category"].map(_ORDER).fillna(len(_ORDER)))
    whole = whole.sort_values(["unit", "_place", "category", "role"], ascending=[True, True, True, False]).drop(
        columns="_place"
    )
    conversations = whole[whole["unit"] == "conversation"]
    rates = Section("Flag rates by category")
    rates.figures = _rate_figure("Share of conversations flagged, by category", conversations, "category")
    rates.tables = [
        _table(f"Flag rates in {source}, {unit}s", None, whole[whole["unit"] == unit], slug("flags", source, unit))
        for unit in ("conversation", "message")
        if (whole["unit"] == unit).any()
    ]
    section.sections = [rates, *_answer_sections(source, frames), *scores, *_curve_sections(source, frames)]
    for grouping in ("model", "language"):
        part = stats[(stats["grouping"] == grouping) & (stats["unit"] == "conversation")]
        if not part.empty:
            section.sections.append(_grouped(source, grouping, part))
    return section


def _detoxify_sections(source: str, rows: pd.DataFrame) -> list[Section]:
    """Scores of Detoxify, which come without flags."""
    if rows.empty:
        return []
    rows = rows.sort_values(["category", "role"], ascending=[True, False])
    columns = [
        text_column("Category", "category"),
        _role_column(),
        TableColumn("Scored", lambda row: unless_hidden(row["n_scored"] is None, number_cell(row["n_scored"]))),
        *_score_columns(),
    ]
    table = TableView(f"Scores of Detoxify in {source}", columns, rows, slug("scores", source))
    return [Section("Scores of Detoxify", tables=[table])]


def flag_sections(source: str, own: Frames) -> list[Section]:
    """How often conversations with one model were flagged, for the page of this model.

    Args:
        own: the rows about the model, small cells hidden.
    """
    stats = own.moderation_stats
    rows = stats[(stats["source"] == source) & (stats["grouping"] == "model") & (stats["unit"] == "conversation")]
    # A hidden count is null and so not zero.
    rows = rows[(rows["n"] != 0).fillna(True).astype(bool)]
    if rows.empty:
        return []
    place = rows["category"].map(_ORDER).fillna(len(_ORDER))
    rows = rows.assign(_place=place).sort_values(["_place", "category", "role"], ascending=[True, True, False])
    file = slug("model", source, str(rows["model"].iloc[0]), "flags")
    view = _table(f"Conversations flagged in {source}, by category", None, rows.drop(columns="_place"), file)
    return [Section("Flags", tables=[view])]


def _grouped(source: str, grouping: str, rows: pd.DataFrame) -> Section:
    size = rows.groupby(grouping, dropna=False)["n"].transform(lambda n: n.sum(min_count=1))
    place = rows["category"].map(_ORDER).fillna(len(_ORDER))
    every = rows.assign(_size=size, _place=place).sort_values(
        ["_size", grouping, "_place", "category", "role"], ascending=[False, True, True, True, False]
    )
    every = every.drop(columns=["_size", "_place"])
    rows = every[every["category"] == ANY]
    section = Section(f"Flag rates by {grouping}")
    section.figures = _rate_figure(f"Share of conversations flagged (any category), by {grouping}", rows, grouping)
    caption = f"Conversations flagged in {source} by {grouping}, any category"
    section.tables.append(_table(caption, grouping, rows, slug("flags", source, grouping)))
    view = _table(f"Conversations flagged in {source} by {grouping} and category", grouping, every, "")
    view.columns = [view.columns[0], text_column("Category", "category"), *view.columns[1:]]
    view.csv = slug("flags", source, grouping, "category")
    section.sections.append(Section("Every category", tables=[view], collapsed=True))
    return section


def _rate_figure(caption: str, rows: pd.DataFrame, by: str) -> list[Figure]:
    is_hidden = rows["hidden"].isin(["flagged", "all"])
    seen = rows[rows["rate"].notna() | is_hidden]
    if is_hidden[seen.index].all():
        return []
    all_names = list(dict.fromkeys(None if pd.isna(name) else str(name) for name in seen[by]))
    names = all_names[:MAX_PLOTTED]
    points: dict[tuple[str | None, str], figures.Interval | figures.Hidden] = {}
    for row in seen.to_dict("records"):
        low, high = (None if pd.isna(row[end]) else float(row[end]) for end in ("ci_lower", "ci_upper"))
        key = None if pd.isna(row[by]) else str(row[by]), row["role"]
        points[key] = "hidden" if _hides_flags(row) else (row["rate"], low, high)
    more = "" if len(names) == len(all_names) else f" The {MAX_PLOTTED} largest of {len(all_names):,}."
    return [
        figures.intervals_by_name(
            caption=caption + more,
            words=f"Flag rates with intervals for {len(names)} rows; the table below has the numbers.",
            axis="flagged",
            names=["none given" if name is None else name for name in names],
            groups={
                _ROLES.get(role, role): [points.get((name, role)) for name in names]
                for role in sorted(set(seen["role"]), reverse=True)
            },
            as_percent=True,
        )
    ]


def _answer_sections(source: str, frames: Frames) -> list[Section]:
    """What models answered to flagged messages, where there are such."""
    answers = frames.moderation_answers
    answers = answers[answers["source"] == source]
    # A hidden count is null and so not zero.
    if (answers["n_attempts"] == 0).fillna(False).all():
        return []
    section = Section("Attempts and answers")
    section.sentences.append(
        "An attempt is a conversation in which a user message is flagged and the answer to this message has a flag, "
        "true or false. An attempt counts as answered if at least one such answer is flagged in the same category."
    )
    whole = answers[answers["grouping"] == "all"]
    whole = whole.assign(_place=whole["category"].map(_ORDER)).sort_values("_place").drop(columns="_place")
    models = answers[(answers["grouping"] == "model") & (answers["category"] == ANY)]
    models = models.sort_values(["n_attempts", "model"], ascending=[False, True], na_position="last")
    caption = f"Attempts and answers in {source}"
    by_model = slug("answers", source, "model")
    section.tables = [
        _answer_table(caption, text_column("Category", "category"), whole, slug("answers", source)),
        _answer_table(f"{caption} by model, any category", given_column("Model", "model"), models, by_model),
    ]
    return [section]


def _answer_table(caption: str, name: TableColumn, rows: pd.DataFrame, csv: str) -> TableView:
    columns = [
        name,
        TableColumn("Attempts", lambda row: unless_hidden(row["hidden"] == "all", number_cell(row["n_attempts"]))),
        TableColumn("Answered", lambda row: unless_hidden(row["hidden"], number_cell(row["n_answered"]))),
        TableColumn("Rate", lambda row: unless_hidden(row["hidden"], percent_cell(row["answered_rate"], 1))),
        TableColumn("95 % interval", lambda row: unless_hidden(row["hidden"], range_cell(row, 1))),
    ]
    # The other counts of the gold table say nothing about answers, and would need guards of their own.
    return TableView(
        caption, columns, rows.drop(columns=["n_conversations", "n_user_flagged", "n_answer_flagged"]), csv
    )


def _curve_sections(source: str, frames: Frames) -> list[Section]:
    curves = frames.moderation_curves
    curves = curves[curves["source"] == source]
    if curves.empty:
        return []
    section = Section("Distribution of scores")
    for role, rows in curves.groupby("role", sort=False):
        rows = rows.sort_values(["category", "threshold"])
        lines = {
            str(category): [
                (float(row["threshold"]), None if pd.isna(row["share"]) else float(row["share"]))
                for row in part.to_dict("records")
            ]
            for category, part in sorted(
                rows.groupby("category"), key=lambda item: _ORDER.get(str(item[0]), len(_ORDER))
            )
        }
        file = slug("curves", source, str(role))
        what = _ROLES.get(str(role), str(role))
        if rows["share"].notna().any():
            section.figures.append(
                figures.curves(
                    caption=f"Share of {what} with a score at or above a threshold",
                    words=f"One falling line per category on logarithmic axes; the numbers are in csv/{file}.csv.",
                    x_axis="threshold",
                    y_axis="share at or above",
                    lines=lines,
                )
            )
        listed = np.isclose(rows["threshold"].to_numpy(dtype=float)[:, None], _THRESHOLDS, rtol=0.01).any(axis=1)
        view = TableView(
            f"Share of {what} at or above a threshold",
            [
                text_column("Category", "category"),
                TableColumn("Threshold", lambda row: Cell(f"{row['threshold']:.2g}", str(row["threshold"]), "number")),
                TableColumn("Scored", lambda row: unless_hidden(row["n"] is None, number_cell(row["n"]))),
                TableColumn("At or above", lambda row: unless_hidden(row["hidden"], number_cell(row["n_above"]))),
                TableColumn("Share", lambda row: percent_cell(row["share"], 2)),
            ],
            rows,
            file,
            shown=rows.iloc[np.flatnonzero(listed)],
        )
        section.sections.append(Section(f"Some points of the curves: {what}", tables=[view], collapsed=True))
    if curves["hidden"].any():
        section.sentences.append(
            f"A point of a curve is hidden if the number of messages above or below it is from 1 to "
            f"{frames.min_cell - 1}."
        )
    return [section]


def _table(caption: str, grouping: str | None, rows: pd.DataFrame, csv: str) -> TableView:
    columns = [
        _role_column(),
        TableColumn(
            "Labelled",
            lambda row: unless_hidden(row["hidden"] == "all", number_cell(row["n"])),
            "with a flag, true or false",
        ),
        TableColumn("Flagged", lambda row: unless_hidden(_hides_flags(row), number_cell(row["n_flagged"]))),
        TableColumn("Rate", lambda row: unless_hidden(_hides_flags(row), percent_cell(row["rate"], 2))),
        TableColumn("95 % interval", lambda row: unless_hidden(_hides_flags(row), range_cell(row, 2))),
    ]
    if grouping is None:
        columns.insert(0, text_column("Category", "category"))
    else:
        columns.insert(0, given_column(grouping.capitalize(), grouping))
    if (rows["unit"] == "message").all():
        columns.insert(3, TableColumn("Missing", _missing_cell, "messages without the flag"))
        columns += _score_columns()
    return TableView(caption, columns, rows, csv)


def _role_column() -> TableColumn:
    return TableColumn("Role", lambda row: Cell(_ROLES.get(str(row["role"]), str(row["role"]))), numeric=False)


def _hides_flags(row: Mapping[Any, Any]) -> bool:
    return row["hidden"] in ("flagged", "all")


def _missing_cell(row: dict[str, Any]) -> Cell:
    return unless_hidden(row["hidden"] is not None and row["n_missing"] is None, number_cell(row["n_missing"]))


def _score_columns() -> list[TableColumn]:
    columns = (
        ("Mean score", "mean_score", "mean of the scores"),
        ("Median", "p50", "middle of its bin: relative error at most 1.2 %"),
        ("99 %", "p99", "99 % quantile of the score"),
    )
    return [_score_column(header, name, title) for header, name, title in columns]


def _score_column(header: str, name: str, title: str) -> TableColumn:
    def cell(row: dict[str, Any]) -> Cell:
        return number_cell(None) if row[name] is None else Cell(f"{row[name]:.2g}", str(row[name]), "number")

    return TableColumn(header, cell, title)
