"""The page about conversation trees: the forest at a glance, labels, and pairs of ranked answers."""

from typing import Any

import pandas as pd

from arenalake.entities.moderation import DETOXIFY
from arenalake.report import figures
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
    quantile_columns,
    range_cell,
    rows_of,
    slug,
    text_cell,
    text_column,
    unless_hidden,
)
from arenalake.trees.tables import FIRST_WORDS

_HEADINGS = {"language": "By language", "month": "By month", "role": "By role", "tree_state": "By state of the tree"}
_BY_SIZE = ("language", "tree_state")
_MARKS = {
    "Trees": ("n_trees", "trees whose first message is in this group"),
    "Prompts alone": ("n_prompts_alone", "trees that consist of one message"),
    "Deleted": ("n_deleted", "deleted messages"),
    "Synthetic": ("n_synthetic", "messages by a model"),
    "Rejected": ("n_rejected", "messages that reviewers did not accept"),
    "Undecided": ("n_undecided", "messages without a decision by reviewers"),
    "Ranked sets": ("n_ranked_sets", "messages with at least two ranked replies"),
    "In part": ("n_partly_ranked_sets", "ranked sets in which some replies have no rank"),
    "With gaps": ("n_sets_with_gaps", "messages whose replies' ranks skip a number"),
}


def build_trees(frames: Frames) -> Page:
    """The page of trees: sizes, marks and contributors, labels, and what is preferred."""
    sections = [_source(str(source), rows, frames) for source, rows in frames.tree_stats.groupby("source", sort=True)]
    lead = "Conversation trees branch: a message may have several replies, and people may have ranked these replies. "
    if frames.min_cell > 1:
        lead += (
            f"Cells about fewer than {frames.min_cell} messages or contributors are hidden. Further cells are hidden "
            "if the small ones could otherwise be worked out by subtraction."
        )
    return Page("trees.html", "Conversation trees", lead, sections, nav="Trees")


def _source(source: str, stats: pd.DataFrame, frames: Frames) -> Section:
    section = Section(source)
    whole = stats[stats["grouping"] == "all"].iloc[0]
    if whole["hidden"]:
        return section
    section.sentences.append(f"{whole['n_messages']:,} messages in {whole['n_trees']:,} trees.")
    if pd.notna(whole["gini"]):
        section.sentences.append(
            f"{whole['n_contributors']:,} people wrote {whole['n_attributed']:,} of these messages. The Gini "
            f"coefficient of messages per person is {whole['gini']:.2f}; the busiest 1 % of the people wrote "
            f"{percent(whole['busiest_share'])}."
        )
    shapes = frames.tree_shapes[frames.tree_shapes["source"] == source]
    section.tables = [
        _marks_table(f"Messages of {source}", None, stats[stats["grouping"] == "all"], slug("trees", source)),
        _shapes_table(source, shapes),
        *_threads_tables(source, frames),
    ]
    for grouping, heading in _HEADINGS.items():
        rows = stats[(stats["grouping"] == grouping) & stats[grouping].notna()]
        if not rows.empty:
            section.sections.append(_grouped(source, grouping, heading, rows))
    section.sections += [*_example(source, frames), *_labels(source, frames), *_pairs(source, frames)]
    return section


def _grouped(source: str, grouping: str, heading: str, rows: pd.DataFrame) -> Section:
    if grouping in _BY_SIZE:
        rows = rows.sort_values(["n_messages", grouping], ascending=[False, True], na_position="last")
    else:
        rows = rows.sort_values(grouping)
    section = Section(heading)
    seen = rows[~rows["hidden"]]
    if grouping == "month" and not seen.empty:
        section.figures.append(
            figures.days(
                caption="Messages per month",
                words="A bar for each month; the table below has the numbers.",
                dates=[f"{month}-01" for month in seen["month"]],
                counts=[int(n) for n in seen["n_messages"]],
                unit="messages",
            )
        )
    if grouping == "language" and not seen.empty:
        section.figures.append(
            figures.bars(
                caption="Messages by language",
                words="A bar for each language that is not hidden; the table below has the numbers.",
                axis="messages",
                names=[str(language) for language in seen["language"]],
                counts=[int(n) for n in seen["n_messages"]],
            )
        )
    caption = f"Messages of {source} {heading[0].lower()}{heading[1:]}"
    section.tables.append(_marks_table(caption, grouping, rows, slug("trees", source, grouping)))
    return section


def _marks_table(caption: str, grouping: str | None, rows: pd.DataFrame, csv: str) -> TableView:
    def count(name: str) -> Any:
        # Where a mark alone is small it is null, and the row is not hidden.
        return lambda row: unless_hidden(row["hidden"] or row[name] is None, number_cell(row[name]))

    columns = [TableColumn("Messages", count("n_messages"))]
    columns += [TableColumn(header, count(name), title) for header, (name, title) in _MARKS.items()]
    columns += [
        TableColumn("Contributors", count("n_contributors"), "people known to have written messages of this group"),
        TableColumn("Gini", lambda row: _ratio_cell(row["gini"]), "0 if everybody wrote the same number of messages"),
        TableColumn(
            "Busiest 1 %", lambda row: percent_cell(row["busiest_share"]), "share of the messages that they wrote"
        ),
    ]
    if grouping is not None:
        columns.insert(0, text_column(grouping.replace("tree_state", "state").capitalize(), grouping))
    return TableView(caption, columns, rows, csv)


def _ratio_cell(value: Any) -> Cell:
    return number_cell(value, 3)


def _shapes_table(source: str, shapes: pd.DataFrame) -> TableView:
    columns = [text_column("What", "measure"), *_sizes()]
    return TableView(f"Trees, threads and replies of {source}", columns, shapes, slug("tree-shapes", source))


def _sizes() -> list[TableColumn]:
    return [
        TableColumn("Number", lambda row: unless_hidden(row["hidden"], number_cell(row["n"]))),
        number_column("Mean", "mean", digits=2),
        number_column("SD", "sd", "sample standard deviation", digits=2),
        number_column("Min", "min"),
        *quantile_columns(25),
        number_column("Median", "p50"),
        *quantile_columns(75, 95, 99),
        number_column("Max", "max"),
    ]


def _threads_tables(source: str, frames: Frames) -> list[TableView]:
    threads = frames.thread_stats
    threads = threads[threads["source"] == source].sort_values(["tokenizer", "measure", "role"], na_position="first")
    if threads.empty:
        return []
    columns = [
        text_column("What", "measure"),
        TableColumn("Role", lambda row: Cell(row["role"] or ""), None, False),
        TableColumn("Tokenizer", lambda row: Cell(row["tokenizer"] or ""), None, False),
        *_sizes(),
    ]
    caption = f"Threads of {source} as conversations; a message counts once in each of its threads"
    return [TableView(caption, columns, threads, slug("threads", source))]


def _example(source: str, frames: Frames) -> list[Section]:
    """A tree drawn, with the first words of its messages where the table has them: where the licence allows it."""
    rows = frames.tree_example[frames.tree_example["source"] == source].sort_values("place")
    if rows.empty:
        return []
    messages = rows_of(rows)

    def words_of(row: dict[str, Any]) -> str:
        marks = [name for name in ("deleted", "synthetic") if row[name]]
        rank = [] if row["rank"] is None else [f"rank {row['rank']}"]
        told = [f"message {row['place']} by the {row['role']}", *rank, *marks, *filter(None, [row["labels"]])]
        return "\n".join([", ".join(told), *filter(None, [row["text"]])])

    figure = figures.tree(
        caption="A tree: each number is the rank among the replies to the same message; 0 is the best",
        words="The first message is at the top, its replies below it; the table below has ranks and labels.",
        parents=[row["parent"] for row in messages],
        groups=[row["role"] for row in messages],
        marks=["" if row["rank"] is None else str(row["rank"]) for row in messages],
        texts=[words_of(row) for row in messages],
    )
    columns = [
        number_column("Message", "place"),
        number_column("answers", "parent", "the message that it answers"),
        text_column("Role", "role"),
        number_column("Rank", "rank", "0 is the best"),
        TableColumn("Labels", lambda row: Cell(row["labels"] or ""), None, False),
    ]
    sentences = [
        f"One of the larger trees that are small enough to draw. It has {len(rows)} messages. The first words of a "
        "message are shown if it is not deleted and the licence of the source allows redistribution."
    ]
    if rows["text"].notna().any():
        columns.append(TableColumn("Text", lambda row: text_cell(row["text"], FIRST_WORDS), "its first words", False))
    table = TableView(f"A tree of {source}", columns, rows, slug("tree", source))
    below = Section("Its messages", tables=[table], collapsed=True)
    return [Section("One tree", sentences, figures=[figure], sections=[below])]


def _labels(source: str, frames: Frames) -> list[Section]:
    rows = frames.label_stats[frames.label_stats["source"] == source]
    whole = rows[rows["grouping"] == "all"].sort_values("label")
    if whole.empty:
        return []
    section = Section(
        "Labels",
        [
            "The value of a label is the mean of people's ratings of a message, from 0 to 1. Labels that begin with "
            f"`{DETOXIFY}` are scores of a model. Quantiles are rounded down to hundredths."
        ],
    )
    seen = rows[(rows["grouping"] == "role") & ~rows["hidden"] & ~rows["label"].str.startswith(DETOXIFY)]
    names = sorted(seen["label"].unique())
    if names:
        by_cell = {(row["label"], row["role"]): row for row in seen.to_dict("records")}
        roles = sorted(seen["role"].unique(), reverse=True)
        section.figures.append(
            figures.boxes_by_name(
                caption="Values of labels by role",
                words=f"Boxes of the values of {len(names)} labels; the table below has the numbers.",
                axis="value",
                names=names,
                groups={role: [_quantiles(by_cell.get((name, role))) for name in names] for role in roles},
            )
        )
    columns = [
        text_column("Label", "label"),
        TableColumn("Messages", lambda row: unless_hidden(row["hidden"], number_cell(row["n"]))),
        number_column("Ratings", "n_ratings"),
        number_column("Mean", "mean", digits=3),
        *[number_column(f"{p} %", f"p{p}", f"{p} % quantile", digits=2) for p in (5, 25, 50, 75, 95)],
        number_column("Kept", "mean_kept", "mean over messages that were not deleted", digits=3),
        number_column("Deleted", "mean_deleted", "mean over deleted messages", digits=3),
    ]
    section.tables.append(TableView(f"Labels of {source}", columns, whole, slug("labels", source)))
    pairs = frames.label_correlations
    pairs = pairs[(pairs["source"] == source) & (pairs["grouping"] == "all")]
    section.figures += _correlation_figure(pairs)
    section.tables += _scores_table(source, pairs)
    view = [
        text_column("Label", "label_a"),
        text_column("and", "label_b"),
        TableColumn("Messages", lambda row: unless_hidden(row["hidden"], number_cell(row["n"])), "with both labels"),
        number_column("Pearson's r", "correlation", digits=3),
    ]
    table = TableView(f"Correlations of labels in {source}", view, pairs, slug("label-correlations", source))
    section.sections.append(Section("Every pair of labels", tables=[table], collapsed=True))
    section.sections += _labels_by_language(source, rows, frames)
    return [section]


def _labels_by_language(source: str, labels: pd.DataFrame, frames: Frames) -> list[Section]:
    """Mean of people's labels, one a column, in each language; one that the table of languages hides is hidden here."""
    stats = frames.tree_stats
    known = stats[(stats["source"] == source) & (stats["grouping"] == "language") & stats["language"].notna()]
    closed = set(known.loc[known["hidden"], "language"])
    of_people = (labels["grouping"] == "language") & ~labels["label"].str.startswith(DETOXIFY)
    cells = [
        (row["language"], row["label"], row["mean"], bool(row["hidden"]) or row["language"] in closed)
        for row in labels[of_people & labels["language"].notna()].to_dict("records")
    ]
    if not cells:
        return []
    table = _square_table(f"Mean of labels of {source} by language", "language", cells, slug("labels-language", source))
    return [Section("Labels by language", tables=[table], collapsed=True)]


def _quantiles(row: Any) -> dict[str, float] | None:
    return None if row is None else {name: row[name] for name in ("p5", "p25", "p50", "p75", "p95")}


def _correlation_figure(pairs: pd.DataFrame) -> list[Figure]:
    people = pairs[~pairs["label_a"].str.startswith(DETOXIFY) & ~pairs["label_b"].str.startswith(DETOXIFY)]
    names = sorted({*people["label_a"], *people["label_b"]})
    if not names:
        return []
    found = {
        frozenset((row["label_a"], row["label_b"])): None if pd.isna(row["correlation"]) else float(row["correlation"])
        for row in people.to_dict("records")
    }
    values = [[found.get(frozenset((a, b))) if a != b else None for b in names] for a in names]
    texts = [
        [
            "" if value is None else f"{figures.hover(a)} and {figures.hover(b)}: {value:.2f}"
            for b, value in zip(names, of_a, strict=True)
        ]
        for a, of_a in zip(names, values, strict=True)
    ]
    return [
        figures.heat_map(
            caption="Pearson's correlation of labels",
            words="A square of labels by labels; the table below has the numbers.",
            names=names,
            values=values,
            texts=texts,
            rates=False,
            signed=True,
        )
    ]


def _scores_table(source: str, pairs: pd.DataFrame) -> list[TableView]:
    """Correlations of people's labels, one a row, with a model's scores, one a column."""
    mixed = pairs[pairs["label_a"].str.startswith(DETOXIFY) != pairs["label_b"].str.startswith(DETOXIFY)]
    if mixed.empty:
        return []
    cells = []
    for row in mixed.to_dict("records"):
        label, score = sorted((row["label_a"], row["label_b"]), key=lambda name: name.startswith(DETOXIFY))
        cells.append((label, score, row["correlation"], bool(row["hidden"])))
    caption = f"Scores of Detoxify (columns) against people's labels of {source} (rows): Pearson's r"
    return [_square_table(caption, "label", cells, slug("labels-detoxify", source))]


def _square_table(caption: str, name: str, cells: list[tuple[str, str, Any, bool]], file: str) -> TableView:
    """A table with a value in each row and column.

    Args:
        name: of the column that names the rows.
        cells: row, column, value, and whether it is hidden.
    """
    hidden = {(row, column) for row, column, _, is_hidden in cells if is_hidden}
    values: dict[str, dict[str, Any]] = {}
    for row, column, value, is_hidden in cells:
        values.setdefault(row, {name: row})[column] = None if is_hidden else value
    names = sorted({column for _, column, _, _ in cells})

    def cell(column: str) -> Any:
        return lambda row: unless_hidden((row[name], column) in hidden, number_cell(row[column], 3))

    columns = [
        text_column(name.capitalize(), name),
        *[TableColumn(column.removeprefix(DETOXIFY), cell(column)) for column in names],
    ]
    wide = pd.DataFrame([values[row] for row in sorted(values)], columns=[name, *names])
    return TableView(caption, columns, wide, file)


def _pairs(source: str, frames: Frames) -> list[Section]:
    rows = frames.tree_pair_stats[frames.tree_pair_stats["source"] == source]
    if rows.empty:
        return []

    def cell(name: str) -> Any:
        # A count that is small by itself is null, and the row is not hidden.
        return lambda row: unless_hidden(row["hidden"] or row[name] is None, number_cell(row[name]))

    columns = [
        TableColumn(
            "Language",
            lambda row: Cell("all" if row["grouping"] == "all" else row["language"] or "none given"),
            None,
            False,
        ),
        TableColumn("Pairs", cell("n_pairs")),
        TableColumn("Longer is better", lambda row: percent_cell(row["longer_rate"]), "in pairs of unequal length"),
        TableColumn("95 % interval", lambda row: range_cell(row), "Wilson's; assumes that pairs are independent"),
        TableColumn("Models win", lambda row: percent_cell(row["model_win_rate"]), "in pairs of a model and a person"),
        TableColumn("By one person", cell("n_same_author"), "pairs whose answers are by the same person"),
        TableColumn("Authors", cell("n_authors"), "people known to have written better answers"),
        TableColumn(
            "Busiest 1 %",
            lambda row: percent_cell(row["busiest_share"]),
            "share of the better answers, one a pair, that the busiest 1 % of these people wrote",
        ),
    ]
    rows = rows.sort_values(["grouping", "n_pairs", "language"], ascending=[True, False, True], na_position="last")
    table = TableView(f"Pairs of ranked answers of {source}", columns, rows, slug("tree-pairs", source))
    sentence = (
        "Any two ranked answers to the same message form a pair. The preferred answer is the one with the better rank."
    )
    return [Section("Which answers are preferred", [sentence], tables=[table])]
