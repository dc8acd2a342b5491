"""The page of preferences: properties of responses, what each judge prefers, and who is like whom."""

from typing import Any

import pandas as pd

from arenalake.entities.properties import CASES, PROPERTIES
from arenalake.preferences.published import CASE_PAIRS, MEANS, PAIRS, STANCES, STANCES_SHIFT
from arenalake.preferences.statistics import HUMAN
from arenalake.report import figures
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    MISSING,
    Cell,
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
    text_cell,
    text_column,
    unless_hidden,
)

ALL = "all"
# Groupings in the order in which readers choose from their scopes.
_GROUPINGS = (ALL, "scenario_group", "case")
_SCOPE_NAMES = {
    ALL: "all pairs",
    **dict(
        zip(
            CASES,
            (
                "queries without a clear intent",
                "queries that express feelings",
                "queries with constraints",
                "queries with stances",
                "queries with mistakes",
            ),
            strict=True,
        )
    ),
}


def build_preferences(frames: Frames) -> Page:
    """The page of preferences, with a section for each source of annotated pairs."""
    sections = []
    for source in sorted(set(frames.property_stats["source"])):
        section = Section(str(source))
        section.sections += [_cases(str(source), frames), _properties(str(source), frames)]
        section.sections += [_correlations(str(source), frames)]
        section.sections += [_weights(str(source), frames), *_likeness(str(source), frames)]
        sections.append(section)
    lead = (
        "Which of two responses judges prefer, depending on how the responses differ. The weight of a property is the "
        "gain in the log odds of a response that has more of the property than the other one, all else being equal. "
        "It is the posterior mean of a logistic model with a Laplace prior, with its 95 % interval. "
    )
    if frames.min_cell > 1:
        lead += (
            f"Rows about fewer than {frames.min_cell} responses or pairs have no numbers. Further scenario groups have "
            "none if those numbers could otherwise be worked out by subtraction."
        )
    return Page("preferences.html", "Preferences", lead, sections, nav="Preferences")


def _of(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    return frame[frame["source"] == source]


def _scopes(rows: pd.DataFrame) -> list[str]:
    """All pairs, the scenario groups, and the cases of queries, of which there are rows."""
    known = {str(scope): str(grouping) for scope, grouping in zip(rows["scope"], rows["grouping"], strict=True)}
    cases = list(CASES)
    return sorted(
        known,
        key=lambda scope: (_GROUPINGS.index(known[scope]), cases.index(scope) if scope in CASES else 0, scope),
    )


def _scope_pick(scopes: list[str]) -> figures.Pick:
    return figures.Pick("Pairs", [_SCOPE_NAMES.get(scope, scope) for scope in scopes])


def _in_order(rows: pd.DataFrame, scopes: list[str], *by: str, descending: str) -> pd.DataFrame:
    """Rows by scope in the order of the select, by some columns, and by falling numbers of another."""
    places = {scope: place for place, scope in enumerate(scopes)}
    ordered = rows.assign(_place=rows["scope"].map(places))
    keys = ["_place", *by, descending]
    return ordered.sort_values(keys, ascending=[*[True] * (len(keys) - 1), False], kind="stable").drop(columns="_place")


def _cases(source: str, frames: Frames) -> Section:
    """Pairs by case of the query beside the published numbers; a case without a row has no pair."""
    section = Section("Cases of queries")
    section.sentences.append("Some properties are asked for by only some queries. A query can be of several cases.")
    rows = pd.DataFrame({"source": source, "case": [ALL, *CASES]})
    rows["published"] = rows["case"].map({ALL: PAIRS, **CASE_PAIRS})
    rows = rows.merge(_of(frames.case_counts, source), how="left", on=["source", "case"])
    rows["n_pairs"] = rows["n_pairs"].mask(rows["hidden"].isna(), 0)
    rows["hidden"] = rows["hidden"].eq(True)
    columns = [
        TableColumn("Pairs", lambda row: text_cell(_SCOPE_NAMES[row["case"]]), numeric=False),
        TableColumn("Published number", lambda row: number_cell(row["published"])),
        TableColumn("Number", lambda row: unless_hidden(row["hidden"], number_cell(row["n_pairs"]))),
    ]
    section.tables.append(TableView(f"Pairs by case of the query in {source}", columns, rows, slug("cases", source)))
    return section


def _properties(source: str, frames: Frames) -> Section:
    rows = _of(frames.property_stats, source)
    of_groups = rows[(rows["grouping"] == "scenario_group") & rows["error_type"].isna()]
    rows = rows[rows["grouping"] == ALL]
    of_all = rows[rows["error_type"].isna()].copy()
    of_all["place"] = of_all["property"].map(PROPERTIES.index)
    of_all["published"] = of_all["property"].map(MEANS)
    section = Section("Properties of the responses")
    section.sentences.append(
        "Grades go from 0 to 3. Some properties are asked for by only some queries; their means are over the responses "
        "to these queries. Stances are scored from 2 (strongly supported) to -2. The published mean fits scores from 4 "
        f"to 0, so {STANCES_SHIFT} is added to ours for the comparison. Errors and words are numbers per response."
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
    if not of_groups.empty:
        section.sections.append(_properties_by_group(source, of_groups))
    return section


def _properties_by_group(source: str, rows: pd.DataFrame) -> Section:
    """Means of properties in columns of scenario groups; what is hidden, or what nobody asked for, is missing."""
    means = rows.pivot(index="property", columns="scenario_group", values="mean").reindex(PROPERTIES)
    groups = {str(group): f"mean: {group}" for group in means.columns}
    columns = [text_column("Property", "property")]
    columns += [number_column(group, name, digits=2) for group, name in groups.items()]
    frame = means.rename(columns=groups).reset_index()
    caption = f"Means by scenario group in {source}"
    view = TableView(caption, columns, frame, slug("properties_by_group", source), sticky=1)
    return Section("Means by scenario group", tables=[view], collapsed=True)


def _beside_published(row: dict[str, Any]) -> Cell:
    shift = STANCES_SHIFT if row["property"] == STANCES else 0
    return Cell(MISSING, kind="number") if row["mean"] is None else number_cell(row["mean"] + shift, 2)


def _correlations(source: str, frames: Frames) -> Section:
    rows = _of(frames.property_correlations, source)
    rows = rows.assign(scope=rows["scenario_group"].fillna(ALL))
    scopes = _scopes(rows)
    section = Section("Correlation of differences")
    section.figures.append(
        figures.chosen_heat_map(
            caption="Pearson's r of the differences between the two responses",
            words=f"A square of {len(PROPERTIES)} properties for the chosen pairs; the table has the numbers.",
            names=list(PROPERTIES),
            pick=_scope_pick(scopes),
            values=_squares(rows, scopes, list(PROPERTIES), ("property_a", "property_b"), "difference_r"),
            rates=False,
        )
    )
    columns = [
        _scope_column(),
        text_column("Property", "property_a"),
        text_column("and", "property_b"),
        number_column("r of differences", "difference_r", digits=2),
        number_column("r of signs", "sign_r", "of the signs -1, 0 and 1 that the fits use", digits=2),
        number_column("Pairs", "n_pairs"),
    ]
    # Each two once; the figure shows both orders.
    place = {name: i for i, name in enumerate(PROPERTIES)}
    once = rows[rows["property_a"].map(place) < rows["property_b"].map(place)]
    once = _in_order(once.assign(_size=once["difference_r"].abs()), scopes, descending="_size").drop(columns="_size")
    view = TableView(f"Correlations in {source}", columns, once, slug("correlations", source))
    section.sections.append(Section("Correlations as a table", tables=[view], collapsed=True))
    return section


def _scope_column() -> TableColumn:
    return TableColumn("In", lambda row: text_cell(_SCOPE_NAMES.get(row["scope"], row["scope"])), numeric=False)


def _squares(
    rows: pd.DataFrame, scopes: list[str], names: list[str], sides: tuple[str, str], column: str
) -> list[list[list[float | None]]]:
    """A square of names by names for each scope, the same in both orders; None where there is no number."""
    place, of_scope = ({name: i for i, name in enumerate(some)} for some in (names, scopes))
    squares: list[list[list[float | None]]] = [[[None] * len(names) for _ in names] for _ in scopes]
    for scope, a, b, value in zip(rows["scope"], *(rows[side] for side in sides), rows[column], strict=True):
        square, i, j = squares[of_scope[scope]], place[a], place[b]
        square[i][j] = square[j][i] = _or_none(value)
    return squares


def _weights(source: str, frames: Frames) -> Section:
    weights = _of(frames.preference_weights, source)
    section = Section("What each judge prefers")
    if weights.empty:
        section.sentences.append("There are no fits: no pair has annotated errors for both responses.")
        return section
    judges = sorted({str(judge) for judge in weights["judge"]}, key=lambda judge: (judge != HUMAN, judge))
    scopes = _scopes(weights)
    beside = _closest(source, frames)
    others = [*judges, "(nobody)"]
    section.figures.append(
        figures.chosen_intervals(
            caption="Weights of one judge, or of two side by side",
            words=f"Points with 95 % intervals for {len(PROPERTIES)} properties, by the first judge's weight; the "
            "table has the numbers.",
            axis="log odds",
            names=list(PROPERTIES),
            picks=[
                _scope_pick(scopes),
                figures.Pick("Judge", judges),
                figures.Pick("beside", others, others.index(beside) if beside in judges[1:] else len(judges)),
            ],
            traces=[[0, 1], [0, 2]],
            points=_points(weights, "weight", scopes, others, "judge", list(PROPERTIES), "property"),
            reference=0.0,
        )
    )
    columns = [
        _scope_column(),
        text_column("Judge", "judge"),
        text_column("Property", "property"),
        TableColumn("Weight", lambda row: unless_hidden(row["hidden"], number_cell(row["weight"], 3))),
        TableColumn("From", lambda row: unless_hidden(row["hidden"], number_cell(row["ci_lower"], 3)), "95 % interval"),
        TableColumn("To", lambda row: unless_hidden(row["hidden"], number_cell(row["ci_upper"], 3)), "95 % interval"),
        TableColumn(
            "Preferred",
            lambda row: unless_hidden(row["hidden"], percent_cell(row["probability"])),
            "probability that the judge prefers a response that is better in this property alone",
        ),
    ]
    in_order = _in_order(weights, scopes, "judge", descending="weight")
    view = TableView(f"Weights in {source}", columns, in_order, slug("weights", source))
    section.sections.append(Section("Weights as a table", tables=[view], collapsed=True))
    section.sections.append(_accuracy(source, _of(frames.preference_fits, source), scopes))
    return section


def _accuracy(source: str, fits: pd.DataFrame, scopes: list[str]) -> Section:
    """Accuracy over folds, without the number of pairs that were left out, which may be small."""
    section = Section("Accuracy of the fits")
    of_all = fits.loc[(fits["grouping"] == ALL) & fits["accuracy"].notna(), "accuracy"]
    accuracy = "Accuracy is the share of preferences that a fit to the other folds of pairs predicts"
    if of_all.empty:
        section.sentences.append(f"{accuracy}.")
    else:
        section.sentences.append(
            f"{accuracy}: over all pairs, {percent(of_all.min())} to {percent(of_all.max())} by judge."
        )
    columns = [
        _scope_column(),
        text_column("Judge", "judge"),
        TableColumn("Accuracy", lambda row: unless_hidden(row["hidden"], percent_cell(row["accuracy"]))),
        TableColumn("Fitted pairs", lambda row: unless_hidden(row["hidden"], number_cell(row["n_pairs"]))),
    ]
    shown = fits[["source", "grouping", "scope", "judge", "n_pairs", "accuracy", "hidden"]]
    in_order = _in_order(shown, scopes, descending="accuracy")
    section.tables.append(TableView(f"Accuracy of fits in {source}", columns, in_order, slug("accuracy", source)))
    return section


def _points(
    rows: pd.DataFrame, value: str, scopes: list[str], groups: list[str], group: str, names: list[str], name: str
) -> list[list[list[figures.Point | None] | None]]:
    """A value with its interval by scope, group and name; None where it is hidden or there is none."""
    shown = rows[~rows["hidden"] & rows[value].notna()]
    place, of_scope, of_group = ({one: i for i, one in enumerate(some)} for some in (names, scopes, groups))
    points: list[list[list[figures.Point | None] | None]] = [[None] * len(groups) for _ in scopes]
    columns = [shown[column] for column in ("scope", group, name, value, "ci_lower", "ci_upper")]
    for scope, whose, of, middle, lower, upper in zip(*columns, strict=True):
        own = points[of_scope[scope]]
        found = own[of_group[whose]] or [None] * len(names)
        found[place[of]] = (float(middle), _or_none(lower), _or_none(upper))
        own[of_group[whose]] = found
    return points


def _or_none(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _closest(source: str, frames: Frames) -> str | None:
    """The judge who is most like people."""
    ranks = _of(frames.judge_ranks, source)
    known = ranks[(ranks["grouping"] == ALL) & ranks["similarity"].notna()]
    known = known.sort_values(["similarity", "judge"], ascending=[False, True])
    return None if known.empty else str(known["judge"].iloc[0])


def _likeness(source: str, frames: Frames) -> list[Section]:
    pairs, order = _of(frames.judge_pairs, source), _of(frames.judge_order, source).sort_values("place")
    names = [str(judge) for judge in order["judge"]]
    # Who has no fit at all has no place, and may agree all the same.
    names += sorted({*pairs["judge_a"], *pairs["judge_b"]} - set(names))
    scopes = _scopes(pairs)
    likeness = Section("Which judges have similar preferences")
    likeness.sentences.append(
        "Similarity is Pearson's r between the weights of two judges. For all pairs, it is the mean of this r over "
        "scenario groups. Judges are ordered by hierarchical clustering on their similarity over all groups, so that "
        "similar judges are next to each other. Agreement is the share of pairs on which both judges prefer the same "
        "response."
    )
    for column in ("similarity", "agreement"):
        if not scopes:
            break
        squares = _squares(pairs, scopes, names, ("judge_a", "judge_b"), column)
        for square in squares:
            for i, row in enumerate(square):
                row[i] = 1.0
        likeness.figures.append(
            figures.chosen_heat_map(
                caption=f"{column.capitalize()} of judges",
                words=f"A square of {len(names)} judges; the table below has the numbers.",
                names=names,
                pick=_scope_pick(scopes),
                values=squares,
                rates=column == "agreement",
            )
        )
    columns = [
        _scope_column(),
        text_column("Judge", "judge_a"),
        text_column("and", "judge_b"),
        number_column("Similarity", "similarity", digits=2),
        TableColumn("Agreement", lambda row: percent_cell(row["agreement"])),
        TableColumn("95 % interval", range_cell),
        number_column("Kappa", "kappa", "Cohen's kappa", digits=2),
        number_column("Pairs", "n_pairs", "that both judged"),
    ]
    in_order = _in_order(pairs, scopes, descending="similarity")
    view = TableView(f"Similarity of judges in {source}", columns, in_order, slug("judge_pairs", source))
    likeness.sections.append(Section("Pairs of judges as a table", tables=[view], collapsed=True))
    return [likeness, _people(source, _of(frames.judge_ranks, source))]


def _people(source: str, ranks: pd.DataFrame) -> Section:
    people = Section("Who agrees with people")
    if ranks.empty:
        people.sentences.append(f"No judge is called {HUMAN}, so there are no people to compare with.")
        return people
    scopes = _scopes(ranks)
    judges = sorted({str(judge) for judge in ranks["judge"]})
    with_people = ranks.assign(people=HUMAN)
    points = _points(with_people, "agreement", scopes, [HUMAN], "people", judges, "judge")
    people.figures.append(
        figures.chosen_intervals(
            caption="Share of pairs on which a judge prefers the same response as people",
            words=f"Points with 95 % intervals for {len(judges)} judges, highest first; the table has the numbers.",
            axis="agreement with people",
            names=judges,
            picks=[_scope_pick(scopes)],
            traces=[[0]],
            points=[of_people for (of_people,) in points],
            as_percent=True,
            reference=0.5,
        )
    )
    columns = [
        _scope_column(),
        number_column("Rank", "rank"),
        text_column("Judge", "judge"),
        TableColumn("Agreement", lambda row: percent_cell(row["agreement"])),
        TableColumn("95 % interval", range_cell),
        number_column("Similarity", "similarity", digits=2),
        number_column("Pairs", "n_pairs"),
    ]
    in_order = _in_order(ranks, scopes, descending="agreement")
    people.tables.append(
        TableView(f"Agreement with people in {source}", columns, in_order, slug("judge_ranks", source))
    )
    return people
