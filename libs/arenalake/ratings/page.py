"""The leaderboard pages: one of all sources with slice `all`, and one for every other slice."""

from typing import Any

import pandas as pd

from arenalake import __version__
from arenalake.plurals import counted
from arenalake.ratings.columns import board_columns, method_title, rating_cell
from arenalake.ratings.page_of_fit import fit_sections
from arenalake.ratings.page_of_slices import slice_file, slice_sections, slice_words
from arenalake.report import figures
from arenalake.report.boards import in_order, methods_of, model_pages
from arenalake.report.facts import fact_columns, price_figures
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
    Tabs,
    number_cell,
    slug,
    text_cell,
    text_column,
    unless_hidden,
)

INTERVAL_NAMES = {
    "percentile": "percentile of bootstrap rounds",
    "sandwich": "sandwich estimate",
    "sandwich_judge": "sandwich estimate, votes of one judge taken together",
}
DEFINITIONS = [
    "Rating: with the default scale and base, a difference of 400 points means odds of 10 to 1. The mean rating of a "
    "component is 1000 unless a model is anchored. Unless the method says otherwise, both kinds of tie count as half a "
    "win for each side.",
    "95 % interval: the 2.5 % and 97.5 % quantiles of the bootstrap rounds (percentile), shown as distances from the "
    "rating. The rating itself is the estimate from all battles. Unbounded: in too many rounds the model won all its "
    "battles, or lost all.",
    "Rank: 1 + the number of models whose interval lies wholly above the interval of this model. Models with "
    "overlapping intervals can share a rank. Place: 1 + the number of models with a higher rating. Rank spread: the "
    "2.5 % and 97.5 % quantiles of the place over the rounds.",
]


def build_leaderboards(frames: Frames) -> list[Page]:
    """The index page, then a page per slice of a source; several methods are sections of a page."""
    ratings = frames.ratings
    sections = [_source_section(str(source), rows, frames) for source, rows in ratings.groupby("source", sort=True)]
    if not sections:
        lead = "This report has no ratings. The job ratings makes them from votes."
        return [Page("index.html", "Overview", lead, [], nav="Overview")]
    sections.append(Section("What the columns mean", list(DEFINITIONS)))
    if len(model_pages(frames)) < ratings["model"].nunique():
        sections[-1].sentences.append(
            f"The {len(model_pages(frames)):,} models with the most votes have a page each. Their names link to it."
        )
    lead = "Ratings of models from pairwise votes. Each source is rated separately: votes are never pooled."
    pages = [Page("index.html", "Leaderboard", lead, sections, nav="Leaderboard")]
    for (source, name), rows in ratings[ratings["slice"] != "all"].groupby(["source", "slice"], sort=True):
        boards = _board_sections(str(source), str(name), rows, frames)
        boards[0].tabs = [*_slice_tabs(str(source), str(name), frames), *boards[0].tabs]
        boards.append(Section("What the columns mean", list(DEFINITIONS)))
        title = f"{source}: {slice_words(str(name))}"
        pages.append(
            Page(slice_file(str(source), str(name)), title, "One slice of a source's battles.", boards, nav="")
        )
    return pages


def _source_section(source: str, rows: pd.DataFrame, frames: Frames) -> Section:
    section = Section(source, [_header(source, rows, frames)], tables_first=True)
    section.tabs = _slice_tabs(source, "all", frames)
    whole = rows[rows["slice"] == "all"]
    if whole.empty:
        section.sentences.append("The slice “all” was not requested, or has too few battles.")
    boards = _board_sections(source, "all", whole, frames)
    if len(boards) == 1:
        section.sentences += [boards[0].title + ".", *boards[0].sentences]
        section.tabs += boards[0].tabs
        section.figures, section.tables, section.sections = boards[0].figures, boards[0].tables, boards[0].sections
    else:
        section.sections = boards
    if rows["slice"].nunique() > 1:
        section.sections += slice_sections(source, rows)
    slices = frames.rating_slices
    slices = slices[(slices["source"] == source) & (slices["slice"] != "all")]
    if len(slices):
        section.sections.append(_slice_sizes(source, slices))
    return section


def _header(source: str, rows: pd.DataFrame, frames: Frames) -> str:
    """What a leaderboard is made of, in one line: data set, votes, models, period, method, rounds, day and version."""
    whole = rows[rows["slice"] == "all"]
    whole = rows if whole.empty else whole
    # A battle counts for both of its models; a method may leave votes out, so the one with most of them tells.
    key = ["slice", "method", "unit", "interval"]
    votes = int(whole.groupby(key)["n_battles"].sum().max()) // 2
    terms = frames.source_terms
    parts = [str(title) for title in terms.loc[terms["source"] == source, "title"] if pd.notna(title)]
    parts += [f"{counted(votes, 'vote')} on {counted(int(whole['model'].nunique()), 'model')}"]
    days = frames.volume_stats
    shown = days.loc[(days["source"] == source) & days["day"].notna() & ~days["hidden"].astype(bool), "day"]
    if len(shown):
        parts.append(str(shown.min()) if shown.min() == shown.max() else f"{shown.min()} to {shown.max()}")
    methods = [method_title(method) for method in dict.fromkeys(method for method, _ in methods_of(rows))]
    parts.append(methods[0] if len(methods) == 1 else counted(len(methods), "method"))
    rounds = whole["n_rounds"].dropna()
    if len(rounds):
        parts.append(counted(int(rounds.max()), "bootstrap round"))
    if frames.rated_on is not None:
        parts.append(f"rated on {frames.rated_on} (UTC)")
    return " · ".join([*parts, f"arenalake {__version__}"])


def _slice_tabs(source: str, current: str, frames: Frames) -> list[Tabs]:
    """A row of tabs for each way to slice, with the number of votes of each slice."""
    rated = frames.ratings[frames.ratings["source"] == source]
    sizes = frames.rating_slices[frames.rating_slices["source"] == source]
    votes = {row["slice"]: row["n_battles"] for row in sizes.to_dict("records") if pd.notna(row["n_battles"])}
    kinds: dict[str, list[str]] = {}
    for name in sorted(set(rated["slice"]) - {"all"}):
        kinds.setdefault(", ".join(part.partition("=")[0] for part in name.split(",")), []).append(name)
    if not kinds:
        return []

    def link(name: str, href: str) -> Link:
        note = f"{votes[name]:,}" if name in votes else ""
        return Link(slice_words(name), href, note, current=name == current)

    tabs = [Tabs("Votes", [link("all", "index.html" if current != "all" else "#main")])]
    for kind, names in sorted(kinds.items()):
        # Months in their order, all else by size.
        ordered = names if kind == "month" else sorted(names, key=lambda name: (-votes.get(name, 0), name))
        tabs.append(Tabs(kind.capitalize(), [link(name, slice_file(source, name)) for name in ordered]))
    return tabs


def _slice_sizes(source: str, slices: pd.DataFrame) -> Section:
    small = slices[~slices["rated"].astype(bool)]
    section = Section(
        f"Slices that are too small ({len(small):,} of {len(slices):,})" if len(small) else "Slices by size",
        collapsed=True,
    )
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
    boards = methods_of(rows)
    styled = rows[(rows["method"] == "style_control") & (rows["interval"] == "percentile")]
    for method, unit in boards:
        board = rows[(rows["method"] == method) & (rows["unit"] == unit)]
        style = styled[styled["unit"] == unit] if method == "bradley_terry" else styled.head(0)
        section = _board(source, name, method, unit, board, style, frames)
        section.anchor = slug("board", source, method, unit)
        if len(boards) > 1:
            links = [
                Link(
                    method_title(other),
                    f"#{slug('board', source, other, of)}",
                    f"by {of}" if len({kind for _, kind in boards}) > 1 else "",
                    current=(other, of) == (method, unit),
                )
                for other, of in boards
            ]
            section.tabs = [Tabs("Method", links)]
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
    section = Section("Effect of style")
    section.sentences.append(
        "A coefficient is the change in the log odds of winning when an answer has one standard deviation more of the "
        "covariate than the other answer. The ratings above compare answers of equal style."
    )
    left_out = int(rows["n_unmeasured"].max()) if len(rows) else 0
    if left_out:
        section.sentences.append(
            f"{counted(left_out, 'battle')} without a text, or without measurements of it, "
            f"{'is' if left_out == 1 else 'are'} left out."
        )
    columns = [
        text_column("Covariate", "covariate"),
        TableColumn("Coefficient", lambda row: rating_cell(row["coefficient"], 3)),
        TableColumn("From", lambda row: rating_cell(row["ci_lower"], 3), "lower end of the 95 % interval"),
        TableColumn("To", lambda row: rating_cell(row["ci_upper"], 3), "upper end of the 95 % interval"),
    ]
    caption = f"Style in {source}" + ("" if name == "all" else f", {name}")
    section.tables.append(TableView(caption, columns, rows, slug("style", source, name, unit)))
    return section


def _board(
    source: str, name: str, method: str, unit: str, rows: pd.DataFrame, style: pd.DataFrame, frames: Frames
) -> Section:
    intervals = sorted(set(rows["interval"]), key=lambda kind: (kind != "percentile", kind))
    main = in_order(rows[rows["interval"] == intervals[0]])
    rated = main[main["rating"].notna()]
    section = Section(method_title(method), tables_first=True)
    rounds = main["n_rounds"].dropna()
    how = f"Intervals: {INTERVAL_NAMES.get(intervals[0], intervals[0])}."
    if intervals[0] == "percentile" and len(rounds):
        how = f"Intervals: percentiles of {counted(int(rounds.iloc[0]), 'bootstrap resample')} of {unit}s."
    # Every battle has two models.
    battles = int(main["n_battles"].sum()) // 2
    section.sentences.append(f"{counted(len(main), 'model')}, {counted(battles, 'battle')}. {how}")
    unrated = len(main) - len(rated)
    if unrated:
        section.sentences.append(
            f"{counted(unrated, 'model has', 'models have')} no rating; the last rows of the table say why."
        )
    block = _blocks(main)
    further = [number for number in block.unique() if number > 1]
    if further:
        section.sentences.append(
            f"The battles fall into {len(further) + 1} components of rated models that cannot be compared with one "
            "another: ratings and ranks are only comparable within a component. This table shows the main component, "
            "which has the most battles."
        )
    for number in (1, *further):
        own = main[block == number]
        part = section if number == 1 else Section(f"Component {number}", tables_first=True)
        if own["rating"].notna().any():
            part.figures.append(_intervals(own[own["rating"].notna()]))
            part.figures += price_figures(frames.model_facts, own.loc[own["rating"].notna(), ["model", "rating"]])
        view = _table(source, name, method, unit, own, style, frames)
        if number > 1:
            part.sentences.append("These models cannot be compared with those of any other component.")
            view.caption += f": component {number}"
            view.csv += f"-component_{number}"
            section.sections.append(part)
        part.tables.append(view)
    for kind in intervals[1:]:
        other = in_order(rows[rows["interval"] == kind])
        view = _table(source, name, method, unit, other, style.head(0), frames)
        view.caption = f"{view.caption}: {INTERVAL_NAMES.get(kind, kind)}"
        view.csv += f"-{slug(kind)}"
        section.sections.append(
            Section(f"The same ratings with another interval ({kind})", tables=[view], collapsed=True)
        )
    return section


def _blocks(rows: pd.DataFrame) -> pd.Series:
    """The component under which each row stands: models without a rating stand under the main one."""
    return rows["component"].where(rows["rating"].notna(), 1)


def _none_if_missing(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


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


def _table(
    source: str, name: str, method: str, unit: str, rows: pd.DataFrame, style: pd.DataFrame, frames: Frames
) -> TableView:
    pages = model_pages(frames)
    model = TableColumn("Model", lambda row: text_cell(row["model"], 44, pages.get(row["model"])), numeric=False)
    extra = []
    if len(style):
        ranks = {row["model"]: row["rank_ub"] for row in style.to_dict("records") if pd.notna(row["rank_ub"])}
        extra.append(
            TableColumn(
                "Rank, style",
                lambda row: _style_rank(row["rank_ub"], ranks.get(row["model"])),
                "rank with style control; in brackets, how many ranks better (▲) or worse (▼) than without it",
            )
        )
    extra += fact_columns(frames.model_facts, rows["model"])
    caption = f"Leaderboard of {source}" + ("" if name == "all" else f", {name}")
    file = slug("leaderboard", source, name, method, unit)
    return TableView(caption, board_columns(rows, [model], extra), rows, file, sticky=2)


def _style_rank(plain: int | None, styled: int | None) -> Cell:
    if styled is None:
        return Cell(MISSING, kind="number")
    if plain is None or plain == styled:
        return Cell(f"{styled}", kind="number")
    return Cell(f"{styled} ({'▲' if styled < plain else '▼'}{abs(styled - plain)})", kind="number")
