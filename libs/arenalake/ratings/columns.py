"""Columns that leaderboards and the pages of models share."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from arenalake.report.parts import MISSING, Cell, TableColumn, number_column, text_column

METHOD_NAMES = {
    "bradley_terry": "Bradley-Terry, ties as half a win for each side",
    "bradley_terry_no_ties": "Bradley-Terry without ties",
    "rao_kupper": "Rao-Kupper",
    "davidson": "Davidson",
    "elo": "online Elo",
    "style_control": "Bradley-Terry with style control",
    "win_rate": "average win rate",
}
# Online Elo goes by the order of the battles, which each round draws anew, so studies give the points of its rounds.
_POINTS_OF_ELO = {
    "Median": ("p50", "median of the rounds, each in its own order of battles"),
    "5 %": ("p5", "5 % quantile of the rounds"),
    "95 %": ("p95", "95 % quantile of the rounds"),
    "2.5 %": ("ci_lower", "2.5 % quantile of the rounds"),
    "97.5 %": ("ci_upper", "97.5 % quantile of the rounds"),
}


def method_title(method: str) -> str:
    """The name of a method at the beginning of a line."""
    title = METHOD_NAMES.get(method, method)
    return title[0].upper() + title[1:]


def rating_cell(value: float | None, digits: int) -> Cell:
    """A rating or another number of a fit; a null is one that does not exist."""
    return Cell(MISSING, kind="number") if value is None else Cell(f"{value:.{digits}f}", str(value), "number")


def rating_digits(method: str) -> int:
    """Digits behind the point of a rating: a win rate is a share."""
    return 3 if method == "win_rate" else 0


def board_columns(
    rows: pd.DataFrame, names: Sequence[TableColumn], extra: Sequence[TableColumn] = ()
) -> list[TableColumn]:
    """The columns of a leaderboard, of those that not all have only the ones that these rows need.

    Args:
        rows: rows of `ratings`. Intervals of a method are drawn on one scale.
        names: what a row is about; they stand behind the rank.
        extra: further columns behind the rank spread.
    """
    spans: dict[str, tuple[float, float]] = {}
    for method, own in rows.groupby("method"):
        ends = pd.concat([own["rating"], own["ci_lower"], own["ci_upper"]]).dropna()
        spans[str(method)] = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 0.0)
    columns = [
        number_column("Rank", "rank_ub", "1 + number of models of the component whose interval lies wholly above"),
        *names,
        TableColumn("Rating", lambda row: rating_cell(row["rating"], rating_digits(row["method"]))),
        TableColumn(
            "95 % CI",
            lambda row: _interval(row, spans),
            "distance from the rating to the upper and to the lower end; the line below it shows the interval",
        ),
        number_column("Votes", "n_battles", "battles of the model in the slice"),
        number_column("Place", "rank", "1 + number of models of the component with a higher rating"),
    ]
    if set(rows["method"]) == {"elo"}:
        columns += [_point(title, key, words) for title, (key, words) in _POINTS_OF_ELO.items()]
    if rows["rank_lower"].notna().any():
        columns.append(
            TableColumn("Rank spread", rank_spread, "2.5 % and 97.5 % quantiles of the place over the rounds")
        )
    columns += extra
    if rows["component"].nunique() > 1:
        columns.append(
            number_column("Component", "component", "models of one component can be compared; 1 has the most battles")
        )
    if rows["note"].notna().any():
        columns.append(text_column("Note", "note", length=200))
    return columns


def _point(title: str, key: str, words: str) -> TableColumn:
    return TableColumn(title, lambda row: rating_cell(row[key], rating_digits(row["method"])), words)


def distances(row: Mapping[str, Any]) -> str:
    """How far the interval reaches above and below the rating."""
    digits, rating = rating_digits(row["method"]), row["rating"]
    above = _unknown(row) if row["ci_upper"] is None else f"{row['ci_upper'] - rating:.{digits}f}"
    below = _unknown(row) if row["ci_lower"] is None else f"{rating - row['ci_lower']:.{digits}f}"
    return f"+{above}/−{below}"


def _unknown(row: Mapping[str, Any]) -> str:
    return "unbounded" if "unbounded" in (row["note"] or "") else MISSING


def _interval(row: dict[str, Any], spans: Mapping[str, tuple[float, float]]) -> Cell:
    """The interval as text, and drawn from the least to the greatest end of the table; an open end goes to the edge."""
    rating, lower, upper = row["rating"], row["ci_lower"], row["ci_upper"]
    if rating is None:
        return Cell(MISSING, kind="number")
    digits = rating_digits(row["method"]) + 2
    ends = (_unknown(row) if end is None else f"{end:.{digits}f}" for end in (lower, upper))
    least, greatest = spans[row["method"]]
    bar = None
    if greatest > least:
        low, high = least if lower is None else lower, greatest if upper is None else upper
        shares = [(end - least) / (greatest - least) for end in (low, rating, high)]
        bar = (shares[0], shares[1], shares[2])
    return Cell(distances(row), " to ".join(ends), "interval", bar)


def rank_spread(row: Mapping[str, Any]) -> Cell:
    """The interval of the place."""
    lower, upper = row["rank_lower"], row["rank_upper"]
    text = MISSING if lower is None or upper is None else f"{lower}" if lower == upper else f"{lower}–{upper}"
    return Cell(text, kind="number")
