"""The page of preferences: properties of responses, what each judge prefers, and who is like whom."""

from typing import Any

import pandas as pd

from arenalake.entities.properties import PROPERTIES
from arenalake.preferences.published import MEANS, STANCES, STANCES_SHIFT
from arenalake.preferences.statistics import HUMAN
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
    percent_cell,
    range_cell,
    slug,
    text_column,
    unless_hidden,
)


def build_preferences(frames: Frames) -> Page:
    """The page of preferences, with a section for each source of annotated pairs."""
    sections = []
    for source in sorted(set(frames.property_stats["source"])):
        section = Section(str(source))
        section.sections += [_properties(str(source), frames), _correlations(str(source), frames)]
        section.sections += [_weights(str(source), frames), *_likeness(str(source), frames)]
        sections.append(section)
    lead = (
        "Which of two responses judges prefer, by what the responses differ in. A weight is what the log odds of a "
        "response gain where it has more of a property than the other one, all else being equal: the posterior mean "
        "of a logistic model with a Laplace prior, with its 95 % interval. "
    )
    if frames.min_cell > 1:
        lead += f"Rows about fewer than {frames.min_cell} responses or pairs have no numbers."
    return Page("preferences.html", "Preferences", lead, sections, nav="Preferences")


def _of(frame: pd.DataFrame, source: str, *, scope: str = "all") -> pd.DataFrame:
    rows = frame[frame["source"] == source]
    return rows[rows["grouping"] == scope] if "grouping" in rows else rows


def _properties(source: str, frames: Frames) -> Section:
    rows = _of(frames.property_stats, source)
    of_all = rows[rows["error_type"].isna()].copy()
    of_all["place"] = of_all["property"].map(PROPERTIES.index)
    of_all["published"] = of_all["property"].map(MEANS)
    section = Section("Properties of the responses")
    section.sentences.append(
        "Grades go from 0 to 3. What only some queries ask for is averaged over responses to these. Stances count 2 "
        f"(strongly supported) to -2; the published mean fits a count from 4 to 0, so {STANCES_SHIFT} is added to ours "
        "beside it. Errors and words are numbers per response."
    )
    columns = [
        text_column("Property", "property"),
        TableColumn("Published mean", lambda row: number_cell(row["published"], 2)),
        TableColumn("Mean", lambda row: unless_hidden(row["hidden"], _beside_published(row))),
        number_column("SD", "sd", "sample standard deviation", digits=2),
        TableColumn("Responses", lambda row: unless_hidden(row["hidden"], number_cell(row["n"]))),
    ]
    caption = f"Means of properties in {source}"
    view = of_all.sort_values("place").drop(columns="place")
    section.tables.append(TableView(caption, columns, view, slug("properties", source)))
    by_type = rows[rows["error_type"].notna()]
    columns = [
        text_column("Errors", "property"),
        text_column("Type", "error_type"),
        TableColumn("Mean", lambda row: unless_hidden(row["hidden"], number_cell(row["mean"], 3)), "per response"),
        TableColumn("Responses", lambda row: unless_hidden(row["hidden"], number_cell(row["n"]))),
    ]
    section.tables.append(TableView(f"Errors by type in {source}", columns, by_type, slug("errors", source)))
    return section


def _beside_published(row: dict[str, Any]) -> Cell:
    shift = STANCES_SHIFT if row["property"] == STANCES else 0
    return Cell(MISSING, kind="number") if row["mean"] is None else number_cell(row["mean"] + shift, 2)


def _correlations(source: str, frames: Frames) -> Section:
    rows = _of(frames.property_correlations, source)
    by_pair = {(row["property_a"], row["property_b"]): row["difference_r"] for row in rows.to_dict("records")}
    section = Section("Correlation of differences")
    section.figures.append(
        _heat_map(
            caption="Pearson's r of the differences between the two responses",
            words=f"A square of {len(PROPERTIES)} properties; the table below has the numbers.",
            names=list(PROPERTIES),
            value_of=by_pair,
        )
    )
    columns = [
        text_column("Property", "property_a"),
        text_column("and", "property_b"),
        number_column("r of differences", "difference_r", digits=2),
        number_column("r of signs", "sign_r", "of -1, 0 and 1, as the fits use them", digits=2),
        number_column("Pairs", "n_pairs"),
    ]
    # Each two once; the figure shows both orders.
    place = {name: i for i, name in enumerate(PROPERTIES)}
    once = rows[rows["property_a"].map(place) < rows["property_b"].map(place)]
    once = once.sort_values("difference_r", key=lambda r: -r.abs(), kind="stable")
    section.tables.append(TableView(f"Correlations in {source}", columns, once, slug("correlations", source)))
    return section


def _heat_map(*, caption: str, words: str, names: list[str], value_of: dict[tuple[str, str], float | None]) -> Figure:
    values = [[_or_none(value_of.get((a, b))) for b in names] for a in names]
    texts = [
        [
            f"{figures.hover(a)} and {figures.hover(b)}: {'none' if r is None else f'{r:.2f}'}"
            for b, r in zip(names, of_a, strict=True)
        ]
        for a, of_a in zip(names, values, strict=True)
    ]
    return figures.heat_map(
        caption=caption, words=words, names=names, values=values, texts=texts, rates=False, signed=True
    )


def _or_none(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _weights(source: str, frames: Frames) -> Section:
    weights = _of(frames.preference_weights, source)
    section = Section("What each judge prefers")
    if weights.empty:
        section.sentences.append("There are no fits: in no pair the errors of both responses could be told.")
        return section
    judges = sorted(set(weights["judge"]), key=lambda judge: (judge != HUMAN, judge))
    section.figures.append(_bars(weights, judges[:1]))
    closest = _closest(source, frames)
    if closest is not None:
        section.sections.append(
            Section(f"{judges[0]} and {closest}, side by side", figures=[_bars(weights, [judges[0], closest])])
        )
    section.sections += [Section(judge, figures=[_bars(weights, [judge])], collapsed=True) for judge in judges[1:]]
    columns = [
        text_column("Judge", "judge"),
        text_column("Property", "property"),
        TableColumn("Weight", lambda row: unless_hidden(row["hidden"], number_cell(row["weight"], 3))),
        TableColumn("From", lambda row: unless_hidden(row["hidden"], number_cell(row["ci_lower"], 3)), "95 % interval"),
        TableColumn("To", lambda row: unless_hidden(row["hidden"], number_cell(row["ci_upper"], 3)), "95 % interval"),
        TableColumn(
            "Preferred",
            lambda row: unless_hidden(row["hidden"], percent_cell(row["probability"])),
            "how often a response is preferred that is better in this property alone",
        ),
    ]
    in_order = weights.sort_values(["judge", "weight"], ascending=[True, False])
    section.tables.append(TableView(f"Weights in all pairs of {source}", columns, in_order, slug("weights", source)))
    return section


def _closest(source: str, frames: Frames) -> str | None:
    """The judge who is most like people."""
    ranks = _of(frames.judge_ranks, source)
    known = ranks[ranks["similarity"].notna()].sort_values(["similarity", "judge"], ascending=[False, True])
    return None if known.empty else str(known["judge"].iloc[0])


def _bars(weights: pd.DataFrame, judges: list[str]) -> Figure:
    of_judge = {judge: weights[(weights["judge"] == judge) & ~weights["hidden"]] for judge in judges}
    names = list(of_judge[judges[0]].sort_values("weight", ascending=False)["property"])
    groups = {}
    for judge, rows in of_judge.items():
        by_name = {
            row["property"]: (row["weight"], row["ci_lower"], row["ci_upper"]) for row in rows.to_dict("records")
        }
        groups[judge] = [by_name.get(name) for name in names]
    return figures.intervals_by_name(
        caption=f"Weights of {' and '.join(judges)}",
        words=f"Points with 95 % intervals for {len(names)} properties, by weight; the table has the numbers.",
        axis="log odds",
        names=names,
        groups=groups,
        reference=0.0,
        digits=3,
    )


def _likeness(source: str, frames: Frames) -> list[Section]:
    pairs, order = _of(frames.judge_pairs, source), _of(frames.judge_order, source).sort_values("place")
    names = [str(judge) for judge in order["judge"]]
    likeness = Section("Who prefers the same")
    likeness.sentences.append(
        "Similarity is the mean over scenario groups of Pearson's r between the weights of two judges. Judges are in "
        "the order of the leaves of a tree, so that like stands beside like."
    )
    for column in ("similarity", "agreement"):
        words = f"A square of {len(names)} judges; the table below has the numbers."
        value_of: dict[tuple[str, str], float | None] = {(name, name): 1.0 for name in names}
        for a, b, value in zip(pairs["judge_a"], pairs["judge_b"], pairs[column], strict=True):
            value_of[a, b] = value_of[b, a] = value
        caption = f"{column.capitalize()} of judges"
        likeness.figures.append(_heat_map(caption=caption, words=words, names=names, value_of=value_of))
    columns = [
        text_column("Judge", "judge_a"),
        text_column("and", "judge_b"),
        number_column("Similarity", "similarity", digits=2),
        TableColumn("Agreement", lambda row: percent_cell(row["agreement"])),
        TableColumn("95 % interval", range_cell),
        number_column("Kappa", "kappa", "Cohen's kappa", digits=2),
        number_column("Pairs", "n_pairs", "that both judged"),
    ]
    likeness.tables.append(TableView(f"Likeness of judges in {source}", columns, pairs, slug("judge_pairs", source)))
    ranks = _of(frames.judge_ranks, source).sort_values(["rank", "judge"])
    people = Section("Who agrees with people")
    if ranks.empty:
        people.sentences.append(f"No judge is called {HUMAN}, so there are no people to agree with.")
        return [likeness, people]
    columns = [
        number_column("Rank", "rank"),
        text_column("Judge", "judge"),
        TableColumn("Agreement", lambda row: percent_cell(row["agreement"])),
        TableColumn("95 % interval", range_cell),
        number_column("Similarity", "similarity", digits=2),
        number_column("Pairs", "n_pairs"),
    ]
    people.tables.append(TableView(f"Agreement with people in {source}", columns, ranks, slug("judge_ranks", source)))
    return [likeness, people]
