"""The page about judges: who agrees with whom, what they lean to, the grades they use, and the rankings they give."""

from collections.abc import Callable
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
    "tie": "votes for a tie",
    "first_wins": "first wins",
    "longer_wins": "longer wins",
    "own_family": "own family wins",
    "consistent": "consistent when swapped",
    "prefers_first": "prefers first",
    "prefers_second": "prefers second",
    "contradicts": "contradicts itself",
}
_FEW = "†"
_GRADES = {
    "rating": "Low ratings favour the answer shown first. Without a bias, the line is symmetric.",
    "score": "Each answer has its own score. Without a bias, both lines of a judge are the same.",
}
# The answer that a score is about.
_SHOWN = {"a": "shown first", "b": "shown second"}
# Measures that are none, in the order of their plot.
_COEFFICIENTS = {
    "first_log_odds": "log odds of the answer shown first",
    "length_log_odds": "log odds per 100 tokens more",
    "own_family_favour": "favour for its own family",
}


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
        "Groups of judges are those of the configuration; a judge in none of them is in the group of people or of "
        "models. Two votes on the same question, pair of models and turn agree if they have the same outcome; both "
        "kinds of tie are one outcome. Intervals of agreement are 95 % percentile intervals of a bootstrap over "
        "questions."
    )
    if frames.min_cell > 1:
        lead += f" The mark {_FEW} means fewer than {frames.min_cell} votes: the number is unreliable."
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
        number_column("Computed over", "n", "pairs of votes, votes, items or models"),
        TableColumn("Value", lambda row: _marked(number_cell(row["value"], 3), row["n"], min_cell)),
        TableColumn("95 % interval", _interval_cell),
        number_column("Random", "random_value", "the value for a judge who votes at random", digits=2),
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
    scored = by_category[(by_category["measure"] == "score_correlation") & by_category["category"].notna()]
    if not scored.empty:
        section.figures.append(_correlations(scored))
    if not by_category.empty:
        view = TableView(
            f"Agreement by category in {source}",
            [text_column("Category", "category"), *columns],
            by_category.sort_values(["category", *order]),
            slug("agreement", source, "category"),
        )
        section.sections.append(Section("By category", tables=[view], collapsed=True))
    return section


def _correlations(scored: pd.DataFrame) -> Figure:
    categories = sorted(set(scored["category"]))
    groups: dict[str, list[figures.Point | None]] = {}
    for (a, b), rows in scored.groupby(["judge_a", "judge_b"], sort=True):
        groups[f"{a} and {b}"] = _points(rows, "category", categories)
    return figures.intervals_by_name(
        caption="Correlation of grades or scores by category",
        words=f"Pearson's r over questions and pairs of models in {len(categories)} categories, with 95 % intervals; "
        "the table has the numbers.",
        axis="Pearson's r",
        names=categories,
        groups=groups,
        reference=0.0,
        digits=2,
    )


def _points(rows: pd.DataFrame, column: str, names: list[str]) -> list[figures.Point | None]:
    """Values with their intervals, for each name; None where there is no value."""
    numbers = rows[rows["value"].notna()].set_index(column)[["value", "ci_lower", "ci_upper"]].astype(object)
    by_name = {
        str(name): (float(value), *(None if pd.isna(end) else float(end) for end in ends))
        for name, value, *ends in numbers.itertuples(name=None)
    }
    return [by_name.get(name) for name in names]  # type: ignore[misc]


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
    for names, axis, reference in ((_SHARES, "share", 0.5), (_COEFFICIENTS, "log odds or share", 0.0)):
        shown = [measure for measure in names if (bias["measure"] == measure).any()]
        if not shown:
            continue
        section.figures.append(
            figures.intervals_by_name(
                caption="What judges favour" if names is _SHARES else "Position, length and family",
                words=f"{len(shown)} measures for {len(judges)} groups of judges with 95 % intervals; the table has "
                "the numbers.",
                axis=axis,
                names=[names[measure] for measure in shown],
                groups={str(judge): _points(bias[bias["judge"] == judge], "measure", shown) for judge in judges},
                as_percent=names is _SHARES,
                reference=reference,
                digits=3,
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
    shown = grades["side"].map(_SHOWN)
    lines = grades["judge"].where(shown.isna(), grades["judge"] + ", " + shown)
    by_line = grades.assign(line=lines, shown=shown).groupby(["line", "judge", "shown", "grade"], dropna=False)
    sums = by_line["n"].sum().reset_index()
    total = sums.groupby("line")["n"].transform("sum")
    sums = sums.assign(share=sums["n"].astype("float64") / total.astype("float64"))
    section = Section("Grades")
    for kind, sentence in _GRADES.items():
        part = sums[sums["shown"].notna() == (kind == "score")]
        if part.empty:
            continue
        section.sentences.append(sentence)
        section.figures.append(
            figures.spreads(
                caption=f"Share of each {kind}",
                words=f"How often judges give each {kind}; the table has the numbers.",
                x_axis=kind,
                y_axis="share of votes",
                lines={
                    str(line): [(float(row["grade"]), float(row["share"])) for row in rows.to_dict("records")]
                    for line, rows in part.groupby("line", sort=True)
                },
            )
        )
    columns = [
        text_column("Judges", "judge"),
        text_column("Answer", "shown"),
        TableColumn("Grade", lambda row: Cell(f"{row['grade']:g}", kind="number")),
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
            "mean over opponents; a tie is not a win",
        ),
        TableColumn("With half of ties", lambda row: percent_cell(row["half_win_rate"]), "a tie is half a win"),
    ]
    caption = f"Win rates in {source}" + ("" if by_category.empty else " by category")
    ordered = rows.sort_values(["judge_group", "category", "win_rate", "model"], ascending=[True, True, False, True])
    view = TableView(caption, columns, ordered, slug("judge_win_rates", source))
    section = Section(
        "Win rates",
        ["A win rate is the mean over opponents, each with the same weight. A tie does not count as a win."],
    )
    for group, of_group in by_category.groupby("judge_group", sort=True):
        section.tables.append(_rates_by_category(source, str(group), of_group, min_cell))
    section.sections.append(Section("Win rates with ties and votes", tables=[view], collapsed=True))
    return section


def _rates_by_category(source: str, group: str, rates: pd.DataFrame, min_cell: int) -> TableView:
    """Models by categories, the best model over all categories first."""
    categories = sorted(set(rates["category"]))
    wide = rates.pivot(index="model", columns="category", values=["win_rate", "n"])
    wide.columns = pd.Index([": ".join(map(str, column)) for column in wide.columns])
    order = rates.groupby("model")["win_rate"].mean().sort_values(ascending=False, kind="stable").index
    columns = [text_column("Model", "model", length=40)]
    columns += [TableColumn(category, _rate_cell(category, min_cell)) for category in categories]
    caption = f"Win rates by votes of {group} in {source}"
    return TableView(caption, columns, wide.loc[order].reset_index(), slug("win_rates", source, group), sticky=1)


def _rate_cell(category: str, min_cell: int) -> Callable[[dict[str, Any]], Cell]:
    def cell(row: dict[str, Any]) -> Cell:
        return _marked(percent_cell(row[f"win_rate: {category}"]), row[f"n: {category}"], min_cell)

    return cell
