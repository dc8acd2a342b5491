"""The page about judges: who agrees with whom, what they lean to, the grades they use, and the rankings they give."""

from dataclasses import replace
from typing import Any

import pandas as pd

from arenalake.report import figures
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    MISSING,
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
)

_SETUPS = {"with_ties": "ties count", "without_ties": "ties left out"}
# Measures that are shares, in the order of the plot.
_SHARES = {
    "tie": "says tie",
    "first_wins": "first wins",
    "longer_wins": "longer wins",
    "own_family": "own family wins",
    "consistent": "consistent when swapped",
    "prefers_first": "prefers first",
    "prefers_second": "prefers second",
    "contradicts": "contradicts itself",
}
_FEW = "†"
_COEFFICIENTS = {"own_family_favour", "length_log_odds", "first_log_odds"}


def build_judges(frames: Frames) -> Page:
    """The page of judges, by source: agreement, bias, grades, win rates by category."""
    agreement, bias = frames.agreement_stats, frames.judge_bias
    rates, grades = frames.judge_win_rates, frames.grade_counts
    sections = []
    for source in sorted({*agreement["source"], *bias["source"], *rates["source"]}):
        parts = [
            _agreement_section(source, agreement[agreement["source"] == source], frames.min_cell),
            _bias_section(source, bias[bias["source"] == source], frames.min_cell),
            _grade_section(source, grades[grades["source"] == source]),
            _rate_section(source, rates[rates["source"] == source], frames.min_cell),
        ]
        sections.append(Section(source, sections=[part for part in parts if part is not None]))
    lead = (
        "Groups of judges as configured, else people and models. Two votes agree that are on the same question, pair "
        "of models and turn and have the same outcome; both kinds of tie are one. Intervals of agreement are 95 % "
        "percentiles of a bootstrap over questions."
    )
    if frames.min_cell > 1:
        lead += f" Numbers over fewer than {frames.min_cell} votes have the mark {_FEW}: they say little."
    return Page("judges.html", "Judges", lead, sections, nav="Judges")


def _marked(cell: Cell, n: Any, min_cell: int) -> Cell:
    """The cell, with a mark where few votes are behind it."""
    few = n is not None and n < min_cell and cell.text != MISSING
    return replace(cell, text=f"{cell.text} {_FEW}") if few else cell


def _agreement_section(source: str, stats: pd.DataFrame, min_cell: int) -> Section | None:
    whole = stats[stats["grouping"] == "all"]
    if whole.empty:
        return None
    section = Section("Agreement")
    too_few = sorted({f"{row['judge_a']} and {row['judge_b']}" for row in whole[~whole["is_basis"]].to_dict("records")})
    if too_few:
        section.sentences.append(f"Too few questions for inference: {', '.join(too_few)}.")
    for setup, words in _SETUPS.items():
        part = whole[(whole["setup"] == setup) & (whole["measure"] == "agreement")]
        if not part.empty:
            section.figures.append(_square(part, words))
    columns = [
        text_column("Judges", "judge_a"),
        text_column("and", "judge_b"),
        text_column("Ties", "setup"),
        text_column("Measure", "measure", length=40),
        number_column("Questions", "n_questions"),
        number_column("Taken over", "n", "pairs of votes, votes, items or models"),
        TableColumn("Value", lambda row: _marked(number_cell(row["value"], 3), row["n"], min_cell)),
        TableColumn("95 % interval", _interval_cell),
        number_column("Random", "random_value", "what a judge who votes at random gets", digits=2),
    ]
    order = ["judge_a", "judge_b", "measure", "setup"]
    for name, rows in (("", whole), (" by turn", stats[stats["grouping"] == "turn"])):
        if not rows.empty:
            own = columns if not name else [number_column("Turn", "turn"), *columns]
            view = TableView(
                f"Agreement{name} in {source}",
                own,
                rows.sort_values([*(["turn"] if name else []), *order]),
                slug("agreement", source, name.strip() or "all"),
            )
            section.sections.append(Section(f"All measures{name}", tables=[view], collapsed=True))
    by_category = stats[(stats["grouping"] == "category") & stats["measure"].isin(["agreement", "score_correlation"])]
    if not by_category.empty:
        view = TableView(
            f"Agreement by category in {source}",
            [text_column("Category", "category"), *columns],
            by_category.sort_values(["category", *order]),
            slug("agreement", source, "category"),
        )
        section.sections.append(Section("By category", tables=[view], collapsed=True))
    return section


def _square(part: pd.DataFrame, words: str) -> Figure:
    names = sorted({*part["judge_a"], *part["judge_b"]})
    cells: dict[tuple[str, str], tuple[float, str]] = {}
    for row in part.to_dict("records"):
        if row["value"] is not None and not pd.isna(row["value"]):
            a, b = str(row["judge_a"]), str(row["judge_b"])
            text = (
                f"{figures.hover(a)} and {figures.hover(b)}<br>{percent(row['value'])} of {row['n']:,} pairs of votes"
            )
            cells[a, b] = cells[b, a] = (row["value"], text)
    return figures.heat_map(
        caption=f"Share of pairs of votes that agree, {words}",
        words=f"Agreement between {len(names)} groups of judges as a square; the table has the numbers.",
        names=names,
        values=[[cells[a, b][0] if (a, b) in cells else None for b in names] for a in names],
        texts=[[cells[a, b][1] if (a, b) in cells else "" for b in names] for a in names],
        rates=True,
    )


def _interval_cell(row: dict[str, Any]) -> Cell:
    low, high = row["ci_lower"], row["ci_upper"]
    return number_cell(None) if low is None or high is None else Cell(f"{low:.3f} – {high:.3f}", kind="number")


def _bias_section(source: str, bias: pd.DataFrame, min_cell: int) -> Section | None:
    if bias.empty:
        return None
    section = Section("Bias")
    judges = sorted(set(bias["judge"]))
    shares = bias[bias["measure"].isin(_SHARES)]
    by_cell = {(row["judge"], row["measure"]): row for row in shares.to_dict("records")}
    shown = [measure for measure in _SHARES if (shares["measure"] == measure).any()]
    if shown:
        points = {
            str(judge): [
                None
                if (judge, measure) not in by_cell
                else (
                    by_cell[judge, measure]["value"],
                    by_cell[judge, measure]["ci_lower"],
                    by_cell[judge, measure]["ci_upper"],
                )
                for measure in shown
            ]
            for judge in judges
        }
        section.figures.append(
            figures.intervals_by_name(
                caption="What judges lean to",
                words=f"Shares for {len(judges)} groups of judges with intervals; the table has the numbers.",
                axis="share",
                names=[_SHARES[measure] for measure in shown],
                groups=points,
                as_percent=True,
                reference=0.5,
            )
        )
    columns = [
        text_column("Judges", "judge"),
        text_column("Measure", "measure"),
        number_column("Of", "n"),
        number_column("Have it", "k"),
        TableColumn(
            "Value",
            lambda row: _marked(
                number_cell(row["value"], 3) if row["measure"] in _COEFFICIENTS else percent_cell(row["value"]),
                row["n"],
                min_cell,
            ),
        ),
        TableColumn(
            "95 % interval",
            lambda row: _interval_cell(row) if row["measure"] in _COEFFICIENTS else range_cell(row),
        ),
        number_column("p", "p_value", "of the exact binomial test that the share is 1/2", digits=4),
    ]
    view = TableView(f"Bias in {source}", columns, bias.sort_values(["measure", "judge"]), slug("bias", source))
    section.sections.append(Section("Bias as a table", tables=[view], collapsed=True))
    return section


def _grade_section(source: str, grades: pd.DataFrame) -> Section | None:
    if grades.empty:
        return None
    sums = grades.groupby(["judge", "grade"], as_index=False)["n"].sum()
    total = sums.groupby("judge")["n"].transform("sum")
    sums = sums.assign(share=sums["n"].astype("float64") / total.astype("float64"))
    section = Section("Grades", ["Low grades are for the answer shown first: without a bias the line is symmetric."])
    section.figures.append(
        figures.spreads(
            caption="Share of each grade",
            words="How often judges give each grade; the table has the numbers.",
            x_axis="grade",
            y_axis="share of votes",
            lines={
                str(judge): [(float(row["grade"]), float(row["share"])) for row in rows.to_dict("records")]
                for judge, rows in sums.groupby("judge", sort=True)
            },
        )
    )
    columns = [
        text_column("Judges", "judge"),
        number_column("Grade", "grade"),
        number_column("Votes", "n"),
        TableColumn("Share", lambda row: percent_cell(row["share"])),
    ]
    view = TableView(f"Grades in {source}", columns, sums, slug("grades", source))
    section.sections.append(Section("Grades as a table", tables=[view], collapsed=True))
    return section


def _rate_section(source: str, rates: pd.DataFrame, min_cell: int) -> Section | None:
    by_category = rates[(rates["grouping"] == "category") & rates["category"].notna()]
    rows = by_category if not by_category.empty else rates[rates["grouping"] == "all"]
    if rows.empty:
        return None
    columns = [
        text_column("Judges", "judge_group"),
        text_column("Model", "model", length=40),
        text_column("Category", "category"),
        number_column("Votes", "n"),
        TableColumn(
            "Win rate",
            lambda row: _marked(percent_cell(row["win_rate"]), row["n"], min_cell),
            "mean over opponents; a tie is no win",
        ),
        TableColumn("With half of ties", lambda row: percent_cell(row["half_win_rate"]), "a tie is half a win"),
    ]
    caption = f"Win rates in {source}" + ("" if by_category.empty else " by category")
    ordered = rows.sort_values(["judge_group", "category", "win_rate", "model"], ascending=[True, True, False, True])
    view = TableView(caption, columns, ordered, slug("judge_win_rates", source))
    return Section("Win rates", tables=[view], collapsed=True)
