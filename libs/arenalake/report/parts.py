"""What a page is made of: sections with sentences, figures and tables, as plain data that the template shows."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

MISSING = "–"
MAX_TABLE_ROWS = 500


@dataclass(frozen=True)
class Cell:
    """A table cell: its text, the full text where it was cut short, and how it is set.

    Attributes:
        kind: text, long, number, hidden or interval; `rank-1` (best) to `rank-5` are numbers on a colour.
        bar: lower end, point and upper end of an interval, as shares of the width of the cell.
        href: where a click on the text leads.
    """

    text: str
    title: str | None = None
    kind: str = "text"
    bar: tuple[float, float, float] | None = None
    href: str | None = None


Format = Callable[[dict[str, Any]], Cell]


HIDDEN = Cell("hidden", kind="hidden")


@dataclass(frozen=True)
class TableColumn:
    """A column: its header, what that means, and the cell that a row gives.

    Attributes:
        offered: readers can choose one of its values, to see only the rows with it.
    """

    header: str
    cell: Format
    title: str | None = None
    numeric: bool = True
    offered: bool = False


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows by column, as values of Python; None where there is nothing."""
    names = [str(name) for name in frame.columns]
    values = frame.to_numpy(dtype=object, na_value=None).tolist()  # type: ignore[arg-type]  # its stubs lack None
    return [dict(zip(names, row, strict=True)) for row in values]


@dataclass
class TableView:
    """A table on a page and the CSV file beside it, which has all its rows and all gold columns.

    Attributes:
        frame: the rows in the order they are shown.
        csv: name of the file without its ending.
        note: how to read the table; shown under it.
        shown: the rows of the frame that the page has, where these are not its first ones.
        sticky: how many columns on the left, none, one or two, stay in view when the table is moved sideways.
    """

    caption: str
    columns: Sequence[TableColumn]
    frame: pd.DataFrame
    csv: str
    note: str | None = None
    sticky: int = 0
    shown: pd.DataFrame | None = None

    @property
    def rows(self) -> list[list[Cell]]:
        """Cells of the rows that are shown."""
        return [[column.cell(row) for column in self.columns] for row in rows_of(self._on_page)]

    @property
    def left_out(self) -> int:
        """Number of rows that are not shown."""
        return len(self.frame) - len(self._on_page)

    @property
    def _on_page(self) -> pd.DataFrame:
        return (self.frame if self.shown is None else self.shown).head(MAX_TABLE_ROWS)

    @property
    def explained(self) -> list[TableColumn]:
        """Columns with something to say about what they mean."""
        return [column for column in self.columns if column.title]


@dataclass
class Figure:
    """A plot: its caption, what it shows in words, the Plotly figure, and the width under which it scrolls."""

    caption: str
    words: str
    spec: dict[str, Any]
    height: int
    min_width: int = 0


@dataclass
class Link:
    """A link of a page; `current` is the page or board that it stands on, `note` a count beside it."""

    text: str
    href: str
    note: str = ""
    current: bool = False


@dataclass
class Tabs:
    """A row of links to what stands in the place of what is shown, such as other slices or methods."""

    label: str
    links: list[Link]


@dataclass
class Comparison:
    """Two models side by side, which the reader chooses.

    Attributes:
        labels: what the texts of a model are, such as its rating.
        boards: what can be chosen first. Each has a `key` for permalinks, a `name`, `models` and `pairs`. A model has
            its `name`, its `page` if there is one, its `component` and its `cells`, a text for each label. A pair is
            the places of two models in this list, their votes, and three shares of the first of them, each of which
            may be null: predicted win rate, observed win rate, probability of being above.
    """

    labels: list[str]
    boards: list[dict[str, Any]]


@dataclass
class Section:
    """A heading and what is under it.

    Attributes:
        collapsed: shown as a fold that the reader opens.
        tables_first: tables stand above figures.
        tabs: links to other slices and methods, above all else.
        anchor: id on the page; the page gives one where there is none.
        comparison: two models that the reader chooses, above tables and figures.
    """

    title: str
    sentences: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[TableView] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    sections: list["Section"] = field(default_factory=list)
    tabs: list[Tabs] = field(default_factory=list)
    collapsed: bool = False
    tables_first: bool = False
    anchor: str = ""
    comparison: Comparison | None = None

    @property
    def has_figures(self) -> bool:
        """Whether there is a plot, on whatever level."""
        return bool(self.figures) or any(section.has_figures for section in self.sections)

    def all_tables(self) -> list[TableView]:
        """Tables of this section and of those in it."""
        return [*self.tables, *(table for section in self.sections for table in section.all_tables())]


@dataclass
class Page:
    """A page: its file, its title and first sentence, what is on it, and its name in the navigation."""

    file: str
    title: str
    lead: str
    sections: list[Section]
    nav: str

    def __post_init__(self) -> None:
        _name_anchors(self.sections, "")

    @property
    def has_figures(self) -> bool:
        """Whether there is a plot, on whatever level."""
        return any(section.has_figures for section in self.sections)


def _name_anchors(sections: list[Section], above: str) -> None:
    for number, section in enumerate(sections, start=1):
        section.anchor = section.anchor or f"{above}{slug(section.title)}-{number}"
        _name_anchors(section.sections, section.anchor + "-")


def slug(*names: str) -> str:
    """A file name from any names, and another one for other names: a hash is added unless all of them are plain."""
    if all(re.fullmatch("[a-z0-9_]{1,40}", name) for name in names):
        return "-".join(names)
    plain = re.sub("[^a-z0-9_]+", "-", "-".join(names).lower()).strip("-")[:60]
    return f"{plain or 'x'}-{hashlib.sha256(repr(names).encode()).hexdigest()[:8]}"


def short(name: str, length: int) -> str:
    """A name cut in its middle: sizes and versions, which tell models apart, stand at the end."""
    if len(name) <= length:
        return name
    tail = length // 3
    return f"{name[: length - tail - 1]}…{name[-tail:]}"


def text_cell(value: object, length: int = 60, href: str | None = None) -> Cell:
    """A text, cut where it is long; the whole is its title."""
    if value is None:
        return Cell(MISSING)
    full = str(value)
    shown = short(full, length)
    return Cell(shown, full if shown != full else None, "long" if len(shown) > 48 else "text", href=href)


def number_cell(value: Any, digits: int = 0) -> Cell:
    """A number with thousands set apart; the full digits as title."""
    if value is None:
        return Cell(MISSING, kind="number")
    text = f"{value:,.{digits}f}"
    # A small number below zero is no other nothing.
    shown = text if text.strip("-0.") else text.lstrip("-")
    return Cell(shown, str(value) if digits or float(value) != round(value) else None, "number")


def unless_hidden(hidden: bool, cell: Cell) -> Cell:
    """The cell, or the sign of what is hidden."""
    return HIDDEN if hidden else cell


def range_cell(row: dict[str, Any], digits: int = 1) -> Cell:
    """The interval of a rate, in per cent."""
    low, high = row["ci_lower"], row["ci_upper"]
    if low is None or high is None:
        return number_cell(None)
    return Cell(f"{100 * low:.{digits}f} – {100 * high:.{digits}f} %", f"{low} to {high}", "number")


def percent_cell(value: Any, digits: int = 1) -> Cell:
    """A share as per cent; the exact number is its title."""
    return Cell(MISSING, kind="number") if value is None else Cell(percent(value, digits), str(value), "number")


def percent(share: float, digits: int = 1) -> str:
    """A share as per cent; a small one keeps two digits that count, so that it is not shown as nothing."""
    value = 100 * share
    if 0 < value < 10**-digits:
        return f"{value:.2g} %"
    return f"{value:.{digits}f} %"


def text_column(header: str, name: str, title: str | None = None, length: int = 60) -> TableColumn:
    """A column of texts."""
    return TableColumn(header, lambda row: text_cell(row[name], length), title, numeric=False)


def number_column(header: str, name: str, title: str | None = None, digits: int = 0) -> TableColumn:
    """A column of numbers."""
    return TableColumn(header, lambda row: number_cell(row[name], digits), title)


def given_column(header: str, name: str, length: int = 60) -> TableColumn:
    """What a source may leave out, such as a language."""
    return TableColumn(
        header, lambda row: text_cell("none given" if row[name] in (None, "") else row[name], length), numeric=False
    )


def quantile_columns(*percents: int) -> list[TableColumn]:
    """A column for each of these quantiles, in per cent."""
    return [number_column(f"{p} %", f"p{p}", f"{p} % quantile") for p in percents]
