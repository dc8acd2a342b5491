"""The leaderboard pages: one of all sources with slice `all`, and one for every other slice."""

from typing import Any

import pandas as pd

from arenalake.ratings.page_of_fit import fit_sections
from arenalake.report import figures
from arenalake.report.boards import in_order, methods_of
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    MISSING,
    Cell,
    Figure,
    Link,
    Page,
    Section,
    TableColumn,
    TableView,
    number_cell,
    number_column,
    slug,
    text_column,
    unless_hidden,
)

METHOD_NAMES = {
    "bradley_terry": "Bradley-Terry, ties as half a win for each side",
    "bradley_terry_no_ties": "Bradley-Terry without ties",
    "rao_kupper": "Rao-Kupper",
    "davidson": "Davidson",
    "elo": "online Elo",
    "style_control": "Bradley-Terry with style control",
    "win_rate": "average win rate",
}
INTERVAL_NAMES = {
    "percentile": "percentile of bootstrap rounds",
    "sandwich": "sandwich estimate",
    "sandwich_judge": "sandwich estimate, votes of one judge taken together",
}
DEFINITIONS = [
    "Rating: 400 points are odds of 10 to 1 with the default scale and base; the mean of a component is 1000 unless a "
    "model is anchored. Both kinds of tie count as half a win for either side unless the method says otherwise.",
    "95 % interval: 2.5 % and 97.5 % points of the bootstrap rounds (percentile), shown as the distance to the rating, "
    "which is the estimate from all battles. Unbounded: the model only won or only lost in too many rounds.",
    "Rank: 1 + models with a higher rating. Rank (UB): 1 + models whose interval lies wholly above this one's, so "
    "models that cannot be told apart share a rank. Rank range: 2.5 % and 97.5 % points of the rank over the rounds.",
]


def build_leaderboards(frames: Frames) -> list[Page]:
    """The index page, then a page per slice of a source; several methods are sections of a page."""
    ratings = frames.ratings
    sections = [_source_section(str(source), rows, frames) for source, rows in ratings.groupby("source", sort=True)]
    if not sections:
        sections = [
            Section("Ratings", ["There are no ratings: no source has battles, or the job ratings has not run."])
        ]
    sections.append(Section("What the columns mean", list(DEFINITIONS)))
    lead = "Which model people prefer, from pairwise votes. Each source stands for itself: votes are never pooled."
    pages = [Page("index.html", "Leaderboard", lead, sections, nav="Leaderboard")]
    for (source, name), rows in ratings[ratings["slice"] != "all"].groupby(["source", "slice"], sort=True):
        boards = _board_sections(str(source), str(name), rows, frames)
        boards.append(Section("What the columns mean", list(DEFINITIONS)))
        title = f"{source}: {name}"
        pages.append(
            Page(_slice_file(str(source), str(name)), title, "One slice of a source's battles.", boards, nav="")
        )
    return pages


def _slice_file(source: str, name: str) -> str:
    return f"slice-{slug(source, name)}.html"


def _source_section(source: str, rows: pd.DataFrame, frames: Frames) -> Section:
    section = Section(source, tables_first=True)
    whole = rows[rows["slice"] == "all"]
    if whole.empty:
        section.sentences.append("The slice “all” was not asked for, or has too few battles.")
    boards = _board_sections(source, "all", whole, frames)
    if len(boards) == 1:
        section.sentences += [boards[0].title + ".", *boards[0].sentences]
        section.figures, section.tables, section.sections = boards[0].figures, boards[0].tables, boards[0].sections
    else:
        section.sections = boards
    others = sorted(set(rows["slice"]) - {"all"})
    if others:
        links = [Link(name, _slice_file(source, name)) for name in others]
        section.sections.append(Section(f"Slices of {source}", links=links))
    slices = frames.rating_slices
    slices = slices[(slices["source"] == source) & (slices["slice"] != "all")]
    if len(slices):
        section.sections.append(_slice_sizes(source, slices))
    return section


def _slice_sizes(source: str, slices: pd.DataFrame) -> Section:
    small = slices[~slices["rated"].astype(bool)]
    section = Section(f"Slices that are too small ({len(small):,} of {len(slices):,})", collapsed=True)
    section.sentences.append(f"A slice with fewer than {int(slices['min_battles'].max()):,} battles is not rated.")
    columns = [
        text_column("Slice", "slice", length=60),
        TableColumn("Battles", lambda row: unless_hidden(row["hidden"], number_cell(row["n_battles"]))),
        TableColumn("Rated", lambda row: Cell("yes" if row["rated"] else "no"), numeric=False),
    ]
    order = slices.sort_values(["n_battles", "slice"], ascending=[False, True], na_position="last")
    section.tables.append(TableView(f"Slices of {source} by size", columns, order, slug("slices", source)))
    return section


def _board_sections(source: str, name: str, rows: pd.DataFrame, frames: Frames) -> list[Section]:
    sections = []
    for method, unit in methods_of(rows):
        board = rows[(rows["method"] == method) & (rows["unit"] == unit)]
        section = _board(source, name, method, unit, board)
        if method == "style_control":
            section.sections.append(_style_section(source, name, unit, frames.style_coefficients))
        best = in_order(board)
        models = best.loc[best["rating"].notna(), "model"].drop_duplicates().tolist()
        section.sections += fit_sections(source, name, method, unit, models, frames)
        sections.append(section)
    return sections


def _style_section(source: str, name: str, unit: str, coefficients: pd.DataFrame) -> Section:
    same = (coefficients["source"] == source) & (coefficients["slice"] == name) & (coefficients["unit"] == unit)
    rows = coefficients[same]
    section = Section("What style is worth")
    section.sentences.append(
        "Change of the log odds of winning when an answer has one standard deviation more of it than the other answer. "
        "The ratings above are those of answers of the same style."
    )
    left_out = int(rows["n_unmeasured"].max()) if len(rows) else 0
    if left_out:
        section.sentences.append(f"{left_out:,} battles without a text or a measure are left out.")
    columns = [
        text_column("Covariate", "covariate"),
        TableColumn("Coefficient", lambda row: _rating(row["coefficient"], 3)),
        TableColumn("From", lambda row: _rating(row["ci_lower"], 3), "lower end of the 95 % interval"),
        TableColumn("To", lambda row: _rating(row["ci_upper"], 3), "upper end of the 95 % interval"),
    ]
    caption = f"Style in {source}" + ("" if name == "all" else f", {name}")
    section.tables.append(TableView(caption, columns, rows, slug("style", source, name, unit)))
    return section


def _board(source: str, name: str, method: str, unit: str, rows: pd.DataFrame) -> Section:
    intervals = sorted(set(rows["interval"]), key=lambda kind: (kind != "percentile", kind))
    main = in_order(rows[rows["interval"] == intervals[0]])
    rated = main[main["rating"].notna()]
    title = METHOD_NAMES.get(method, method)
    section = Section(title[0].upper() + title[1:], tables_first=True)
    rounds = main["n_rounds"].dropna()
    how = f"Intervals: {INTERVAL_NAMES.get(intervals[0], intervals[0])}"
    how += f", {int(rounds.iloc[0]):,} rounds that draw {unit}s." if len(rounds) else "."
    # Every battle has two models.
    battles = int(main["n_battles"].sum()) // 2
    section.sentences.append(f"{len(main):,} models, {battles:,} battles. {how}")
    unrated = len(main) - len(rated)
    if unrated:
        section.sentences.append(
            f"{unrated} of them {'has' if unrated == 1 else 'have'} no rating; the last rows of the table say why."
        )
    block = _blocks(main)
    further = [number for number in block.unique() if number > 1]
    if further:
        section.sentences.append(
            f"The battles fall into {len(further) + 1} components of rated models that cannot be compared with one "
            "another: ratings and ranks hold within a component. Here is the main one, with most battles."
        )
    for number in (1, *further):
        own = main[block == number]
        part = section if number == 1 else Section(f"Component {number}", tables_first=True)
        if own["rating"].notna().any():
            part.figures.append(_intervals(own[own["rating"].notna()]))
        view = _table(source, name, method, unit, own)
        if number > 1:
            part.sentences.append("These models cannot be compared with those of any other component.")
            view.caption += f": component {number}"
            view.csv += f"-component_{number}"
            section.sections.append(part)
        part.tables.append(view)
    for kind in intervals[1:]:
        other = in_order(rows[rows["interval"] == kind])
        view = _table(source, name, method, unit, other)
        view.caption = f"{view.caption}: {INTERVAL_NAMES.get(kind, kind)}"
        view.csv += f"-{slug(kind)}"
        section.sections.append(
            Section(f"The same ratings with another interval ({kind})", tables=[view], collapsed=True)
        )
    return section


def _blocks(rows: pd.DataFrame) -> pd.Series:
    """The component under which each row stands: models without a rating stand under the main one."""
    return rows["component"].where(rows["rating"].notna(), 1)


def _intervals(rated: pd.DataFrame) -> Figure:
    open_ends = " (hollow: an end is unbounded)" if rated[["ci_lower", "ci_upper"]].isna().any(axis=None) else ""
    return figures.intervals_by_name(
        caption=f"Ratings with 95 % intervals{open_ends}",
        words=f"Ratings of {len(rated)} models with 95 % intervals, highest first; the table has the numbers.",
        axis="rating",
        names=[str(model) for model in rated["model"]],
        groups={
            "rating": [
                (row["rating"], _none_if_missing(row["ci_lower"]), _none_if_missing(row["ci_upper"]))
                for row in rated.to_dict("records")
            ]
        },
    )


def _table(source: str, name: str, method: str, unit: str, rows: pd.DataFrame) -> TableView:
    digits = 3 if method == "win_rate" else 0
    columns = [
        number_column("Rank", "rank", "1 + models of the component with a higher rating"),
        text_column("Model", "model", length=44),
        TableColumn("Rating", lambda row: _rating(row["rating"], digits)),
        TableColumn(
            "95 % CI", lambda row: _interval(row, digits), "distance from the rating to the upper and to the lower end"
        ),
        number_column("Votes", "n_battles", "battles of the model in the slice"),
        number_column("Rank (UB)", "rank_ub", "1 + models of the component whose interval is wholly above this one's"),
    ]
    if rows["rank_lower"].notna().any():
        columns.append(TableColumn("Rank range", _rank_range, "2.5 % and 97.5 % points of the rank over the rounds"))
    if rows["component"].nunique() > 1:
        columns.append(number_column("Component", "component", "models that can be compared; 1 has most battles"))
    if rows["note"].notna().any():
        columns.append(text_column("Note", "note", length=200))
    caption = f"Leaderboard of {source}" + ("" if name == "all" else f", {name}")
    file = slug("leaderboard", source, name, method, unit)
    return TableView(caption, columns, rows, file)


def _none_if_missing(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _rating(value: float | None, digits: int) -> Cell:
    return Cell(MISSING, kind="number") if value is None else Cell(f"{value:.{digits}f}", str(value), "number")


def _interval(row: dict[str, Any], digits: int) -> Cell:
    rating, lower, upper = row["rating"], row["ci_lower"], row["ci_upper"]
    if rating is None:
        return Cell(MISSING, kind="number")
    unknown = "unbounded" if "unbounded" in (row["note"] or "") else MISSING
    above = f"+{unknown}" if upper is None else f"+{upper - rating:.{digits}f}"
    below = f"−{unknown}" if lower is None else f"−{rating - lower:.{digits}f}"
    ends = (unknown if end is None else f"{end:.{digits + 2}f}" for end in (lower, upper))
    return Cell(f"{above}/{below}", " to ".join(ends), "number")


def _rank_range(row: dict[str, Any]) -> Cell:
    lower, upper = row["rank_lower"], row["rank_upper"]
    text = MISSING if lower is None or upper is None else f"{lower}" if lower == upper else f"{lower}–{upper}"
    return Cell(text, kind="number")
