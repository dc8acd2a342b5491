"""The page that puts published figures beside ours."""

from typing import Any

import pandas as pd

from arenalake.report.frames import Frames
from arenalake.report.parts import (
    Cell,
    Page,
    Section,
    TableColumn,
    TableView,
    number_cell,
    slug,
    text_column,
    unless_hidden,
)
from arenalake.reproduction.compare import CANNOT, DIFFERS, MATCH


def build_reproduction(frames: Frames) -> Page:
    """The page of published figures beside ours."""
    figures = frames.reproduction
    sections = [_source_section(str(source), rows, frames) for source, rows in figures.groupby("source", sort=True)]
    lead = (
        "Published figures of the data sets beside ours, computed from the tables of this lake. A count matches if it "
        "is equal. Any other figure matches if it rounds to the published digits. "
    )
    if frames.min_cell > 1:
        lead += (
            f"Our counts from 1 to {frames.min_cell - 1} are hidden. All our figures of a source with fewer than "
            f"{frames.min_cell} conversations or battles are hidden too."
        )
    return Page("reproduction.html", "Published figures", lead, sections, nav="Published figures")


def _source_section(source: str, rows: pd.DataFrame, frames: Frames) -> Section:
    n = rows["verdict"].value_counts()
    section = Section(source)
    section.sentences.append(
        f"Of {len(rows)} published figures {n.get(MATCH, 0)} match, {n.get(DIFFERS, 0)} differ and "
        f"{n.get(CANNOT, 0)} cannot be recomputed."
    )

    columns = [
        text_column("Figure", "figure"),
        text_column("Unit", "unit"),
        TableColumn("Published", lambda row: _number(row["published"])),
        TableColumn("Ours", lambda row: unless_hidden(row["hidden"], _number(row["ours"]))),
        text_column("Verdict", "verdict"),
        text_column("Reason", "reason", length=200),
        text_column("How it is counted", "definition", length=300),
        text_column("Source", "citation", length=100),
    ]
    view = TableView(f"Published figures and those of {source}", columns, rows, slug("reproduction", source))
    section.tables.append(view)
    return section


def _number(value: Any) -> Cell:
    """Whole numbers whole, others with two digits."""
    return number_cell(value, 0 if value is None or float(value).is_integer() else 2)
