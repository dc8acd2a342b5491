"""Beside a leaderboard: ranks in every slice side by side, and ratings over months."""

from typing import Any

import pandas as pd

from arenalake.report import figures
from arenalake.report.boards import in_order, main_rows, methods_of
from arenalake.report.parts import MISSING, Cell, Section, TableColumn, TableView, short, slug, text_column

# More lines over time cannot be told apart.
MAX_LINES = 10


def slice_file(source: str, name: str) -> str:
    """The page of a slice; `all` stands on the index page."""
    return "index.html" if name == "all" else f"slice-{slug(source, name)}.html"


def slice_words(name: str) -> str:
    """A slice as people read it: `language=German,turn=1` is `German, turn 1`."""
    if name == "all":
        return "overall"
    words = []
    for part in name.split(","):
        column, equals, value = part.partition("=")
        plain = column in ("language", "category", "month") and value
        words.append(value if plain else f"{column} {value}" if equals else part)
    return ", ".join(words)


def slice_sections(source: str, rows: pd.DataFrame) -> list[Section]:
    """A table of models by slices with their ranks, and ratings over the months if there are two or more.

    Args:
        rows: `ratings` of the source; of its methods the first is shown.
    """
    method, unit = methods_of(rows)[0]
    same = (rows["method"] == method) & (rows["unit"] == unit) & (rows["component"] == 1) & rows["rating"].notna()
    board = main_rows(rows[same])
    if board.empty:
        return []
    months = sorted(name for name in set(board["slice"]) if name.startswith("month=") and "," not in name)
    sections = [_overview(source, method, unit, board)]
    if len(months) > 1:
        sections.append(_over_time(board, months))
    return sections


def _overview(source: str, method: str, unit: str, board: pd.DataFrame) -> Section:
    ranks = board.pivot(index="model", columns="slice", values="rank_ub")
    names = sorted(ranks.columns, key=lambda name: (name != "all", name))
    first = in_order(board[board["slice"] == names[0]])["model"].tolist()
    models = first + sorted(set(ranks.index) - set(first))
    frame = ranks.loc[models, names].reset_index()
    columns = [text_column("Model", "model", length=44)]
    for name in names:
        most = int(ranks[name].max())
        columns.append(TableColumn(short(slice_words(name), 24), _rank_on_colour(name, most)))
    section = Section("Ranks by slice")
    section.sentences.append(
        "Rank of each model in each slice: 1 + the number of models whose interval lies wholly above. Blue marks the "
        "best ranks of a slice, orange the worst. Models of other components, and models without a rating, are left "
        "out."
    )
    caption = f"Ranks of {source} by slice"
    section.tables.append(TableView(caption, columns, frame, slug("ranks", source, method, unit), sticky=1))
    return section


def _rank_on_colour(name: str, most: int) -> Any:
    def cell(row: dict[str, Any]) -> Cell:
        rank = row[name]
        if rank is None:
            return Cell(MISSING, kind="number")
        fifth = 1 + min(4, int(5 * (rank - 1) / most))
        return Cell(str(int(rank)), kind=f"rank-{fifth}")

    return cell


def _over_time(board: pd.DataFrame, months: list[str]) -> Section:
    whole = board[board["slice"].isin(months)]
    best = whole.groupby("model")["n_battles"].sum().sort_values(ascending=False, kind="stable")
    by_cell = {(row["model"], row["slice"]): row["rating"] for row in whole.to_dict("records")}
    models = [str(model) for model in best.index[:MAX_LINES]]
    lines = {model: [(name.removeprefix("month="), by_cell.get((model, name))) for name in months] for model in models}
    section = Section("Ratings over time")
    section.sentences.append(
        "Each month is rated separately. The mean rating of a month is always the same, so a line also moves when "
        f"other models enter or leave. The plot shows the {len(models)} models with the most votes."
    )
    section.figures.append(
        figures.over_time(
            caption="Ratings by month",
            words=f"Ratings of {len(models)} models in {len(months)} months; the pages of the months have the numbers.",
            lines=lines,
        )
    )
    return section
