"""The page about battles: who met whom and won, on which side, on which day."""

from typing import Any

import pandas as pd

from arenalake.plurals import counted
from arenalake.report import figures
from arenalake.report.boards import model_order
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    Cell,
    Figure,
    Page,
    Section,
    TableColumn,
    TableView,
    number_cell,
    number_column,
    percent,
    percent_cell,
    range_cell,
    slug,
    text_column,
    unless_hidden,
)

# Beyond this a square of models cannot be read; the table and the CSV file have every pair.
MAX_SQUARE = 60
JUDGES = {"human": "judged by people", "model": "judged by models"}


def build_battles(frames: Frames) -> Page:
    """The page of battles: pairs of models, sides and days."""
    pairs, positions = frames.pair_stats, frames.position_stats
    sections = []
    for (source, judge_kind), rows in pairs.groupby(["source", "judge_kind"], sort=True):
        own = positions[(positions["source"] == source) & (positions["judge_kind"] == judge_kind)]
        section = Section(f"{source}, {JUDGES.get(str(judge_kind), str(judge_kind))}")
        section.sections = [
            _pair_section(str(source), str(judge_kind), rows, model_order(frames, str(source))),
            _position_section(str(source), str(judge_kind), own),
        ]
        sections.append(section)
    sections += [
        _volume_section(str(source), rows, frames) for source, rows in frames.volume_stats.groupby("source", sort=True)
    ]
    sections += [
        _cleaning_section(str(source), rows) for source, rows in frames.cleaning_stats.groupby("source", sort=True)
    ]
    lead = (
        "A battle is a vote on a pair of answers. A win rate counts a tie of either kind as half a win. Its 95 % "
        "interval is Tango's score interval for three outcomes; it assumes that votes are independent. This page "
        "counts all battles, including those that are not rated."
    )
    return Page("battles.html", "Battles", lead, sections, nav="Battles")


def _pair_section(source: str, judge_kind: str, pairs: pd.DataFrame, order: dict[str, int]) -> Section:
    battles: dict[str, int] = {}
    cells: dict[tuple[str, str], tuple[float, str, int, int]] = {}
    for row in pairs.to_dict("records"):
        a, b, n = row["model_a"], row["model_b"], int(row["n"])
        battles[a], battles[b] = battles.get(a, 0) + n, battles.get(b, 0) + n
        low, high, rate = row["ci_lower"], row["ci_upper"], row["win_rate_a"]
        ties = int(row["ties"]) + int(row["bothbad"])
        cells[a, b] = (rate, _pair_words(a, b, rate, low, high, n, ties), n, ties)
        cells[b, a] = (1 - rate, _pair_words(b, a, 1 - rate, 1 - high, 1 - low, n, ties), n, ties)
    most = sorted(battles, key=lambda model: (-battles[model], model))
    names = sorted(most[:MAX_SQUARE], key=lambda model: (order.get(model, len(order)), -battles[model], model))
    section = Section("Pairs of models")
    sorted_by = "by rating" if order else "by number of battles"
    possible = counted(len(battles) * (len(battles) - 1) // 2, "pair")
    section.sentences.append(
        f"{counted(len(battles), 'model')}; {len(pairs):,} of {possible} have votes. "
        f"Models are sorted {sorted_by}; an empty cell is a pair without votes."
    )
    if len(battles) > MAX_SQUARE:
        section.sentences.append(
            f"The squares show the {MAX_SQUARE} models with the most battles; the table has every pair."
        )

    def square(kind: int) -> list[list[Any]]:
        return [[cells[a, b][kind] if (a, b) in cells else None for b in names] for a in names]

    texts = [[text or "" for text in row] for row in square(1)]

    def heat_map(caption: str, subject: str, kind: int, *, rates: bool) -> Figure:
        words = f"{subject} between {len(names)} models as a square; the table of pairs below has the numbers."
        return figures.heat_map(
            caption=caption, words=words, names=names, values=square(kind), texts=texts, rates=rates
        )

    section.figures = [
        heat_map("Win rate of the row's model against the column's", "Win rates", 0, rates=True),
        heat_map("Number of battles", "Battles", 2, rates=False),
    ]
    columns = [
        text_column("Model A", "model_a", length=40),
        text_column("Model B", "model_b", length=40),
        number_column("Battles", "n"),
        number_column("A wins", "wins_a"),
        number_column("B wins", "wins_b"),
        number_column("Ties", "ties"),
        number_column("Both bad", "bothbad"),
        TableColumn("Win rate of A", lambda row: percent_cell(row["win_rate_a"])),
        TableColumn("95 % interval", range_cell),
    ]
    view = TableView(
        f"Pairs of {source}, most battles first",
        columns,
        pairs.sort_values(["n", "model_a", "model_b"], ascending=[False, True, True]),
        slug("pairs", source, judge_kind),
    )
    ties_square = heat_map("Number of ties of both kinds", "Ties", 3, rates=False)
    title = f"All pairs ({len(pairs):,})"
    section.sections.append(Section(title, figures=[ties_square], tables=[view], collapsed=True))
    return section


def _pair_words(a: str, b: str, rate: float, low: float, high: float, n: int, ties: int) -> str:
    return (
        f"<b>{figures.hover(a)}</b><br>against {figures.hover(b)}<br>"
        f"{percent(rate)} [{100 * low:.1f}, {100 * high:.1f}], battles: {n:,}, ties: {ties:,}"
    )


def _position_section(source: str, judge_kind: str, rows: pd.DataFrame) -> Section:
    section = Section("Side bias")
    whole = rows[rows["model"].isna()]
    if whole.empty:
        section.sentences.append("There are no results by side.")
        return section
    first = whole.iloc[0]
    decided = int(first["n"] - first["ties"])
    if decided:
        section.sentences.append(
            f"The answer shown first won {percent(first['win_rate'])} of {counted(decided, 'battle')} that "
            f"{'was' if decided == 1 else 'were'} not a tie "
            f"(95 % interval {100 * first['ci_lower']:.1f} to {100 * first['ci_upper']:.1f} %, Wilson). If sides are "
            "assigned at random and there is no bias, it wins 50 %."
        )
    else:
        section.sentences.append("Every battle was a tie.")
    view = _position_table(f"Wins by side in {source}", rows, slug("positions", source, judge_kind))
    section.sections.append(Section("By model and side", tables=[view], collapsed=True))
    return section


def side_sections(source: str, own: Frames) -> list[Section]:
    """How often one model won on either side, for the page of this model.

    Args:
        own: the rows about the model.
    """
    rows = own.position_stats[own.position_stats["source"] == source]
    section = Section("Votes by side")
    for judge_kind, part in rows.groupby("judge_kind", sort=True):
        who = JUDGES.get(str(judge_kind), str(judge_kind))
        model = str(part["model"].iloc[0])
        file = slug("model", source, model, "positions", str(judge_kind))
        section.tables.append(_position_table(f"Wins by side in {source}, {who}", part, file))
    return [section] if section.tables else []


def _position_table(caption: str, rows: pd.DataFrame, csv: str) -> TableView:
    columns = [
        TableColumn("Model", lambda row: Cell(row["model"] or "all battles"), numeric=False),
        TableColumn("Shown", lambda row: Cell("first" if row["side"] == "a" else "second"), numeric=False),
        number_column("Battles", "n"),
        number_column("Ties", "ties"),
        number_column("Wins", "wins"),
        TableColumn("Wins of decided", lambda row: percent_cell(row["win_rate"]), "ties left out"),
        TableColumn("95 % interval", range_cell),
    ]
    return TableView(caption, columns, rows, csv)


def _volume_section(source: str, rows: pd.DataFrame, frames: Frames) -> Section:
    section = Section(f"{source}, battles per day")
    dated = rows[rows["day"].notna() & ~rows["hidden"]].sort_values("day")
    undated = int(rows.loc[rows["day"].isna(), "n_battles"].sum())
    if undated:
        section.sentences.append(
            f"{counted(undated, 'battle has', 'battles have')} no time and {'is' if undated == 1 else 'are'} counted "
            "on no day."
        )
    hidden = int(rows["hidden"].sum())
    if hidden:
        section.sentences.append(
            f"{counted(hidden, 'day is', 'days are')} hidden: fewer than {frames.min_cell} battles, or a number from "
            "which a hidden one could be worked out."
        )
    if dated.empty:
        return section
    dates = [str(day) for day in dated["day"]]
    counts = [int(n) for n in dated["n_battles"]]
    section.sentences.append(
        f"{counted(sum(counts), 'battle')} on {counted(len(dates), 'day')} from {dates[0]} to {dates[-1]} (UTC)."
    )
    section.figures.append(
        figures.days(
            caption="Battles per day",
            words=f"Battles per day from {dates[0]} to {dates[-1]}, at most {max(counts)}; the table has the numbers.",
            dates=dates,
            counts=counts,
        )
    )
    columns = [
        text_column("Day (UTC)", "day"),
        TableColumn("Battles", lambda row: unless_hidden(row["hidden"], number_cell(row["n_battles"]))),
    ]
    view = TableView(f"Battles per day in {source}", columns, rows.sort_values("day"), slug("volume", source))
    section.sections.append(Section("Days as a table", tables=[view], collapsed=True))
    return section


def _cleaning_section(source: str, rows: pd.DataFrame) -> Section:
    section = Section(f"{source}, battles that are not rated")
    removed, before = int(rows["n_removed"].sum()), int(rows["n_before"].iloc[0])
    verb = "is" if removed == 1 else "are"
    section.sentences.append(
        f"{removed:,} of {counted(before, 'battle')} {verb} left out of the ratings. "
        "The rules apply one after the other. Each rule applies to the battles that the rules before it kept."
    )
    columns = [
        number_column("Step", "step"),
        text_column("Rule", "rule"),
        number_column("Before", "n_before"),
        number_column("Removed", "n_removed"),
        number_column("After", "n_after"),
        text_column("Settings", "parameters", length=100),
    ]
    section.tables.append(TableView(f"Cleaning of {source}", columns, rows, slug("cleaning", source)))
    return section
