"""The page about message lengths: token quantiles per model and per language."""

from typing import Any

import pandas as pd

from arenalake.plurals import counted
from arenalake.report import figures
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    Page,
    Section,
    TableColumn,
    TableView,
    given_column,
    number_cell,
    number_column,
    quantile_columns,
    slug,
    text_column,
    unless_hidden,
)

# A plot of more rows is a wall; the table and the CSV file have all of them.
MAX_PLOTTED = 40
_HEADINGS = {"model": "By model", "language": "By language"}


def build_tokens(frames: Frames) -> Page:
    """The page of tokens: lengths by model, language, turn and month, and what a language costs."""
    stats = frames.token_stats
    sections = []
    for key, rows in stats.groupby(["source", "tokenizer"], sort=True):
        source, tokenizer = map(str, key)
        section = Section(f"{source}, tokenizer {tokenizer}")
        whole = rows[rows["grouping"] == "all"].sort_values("role", ascending=False)
        section.tables.append(
            _table(f"Tokens per message in {source}", None, whole, slug("tokens", source, tokenizer, "all"))
        )
        for grouping in ("model", "language"):
            part = rows[rows["grouping"] == grouping]
            if not part.empty:
                section.sections.append(_grouped(source, tokenizer, grouping, part, frames))
        sections.append(section)
    lead = (
        "Lengths of messages in tokens, by who wrote the message. Quantiles are exact: the q quantile is the smallest "
        "length such that at least a share q of the messages are no longer than it. In plots, a box covers the middle "
        "half of the messages, with a line at the median; whiskers go from the 5 % to the 95 % quantile. "
    )
    if frames.min_cell > 1:
        lead += (
            f"Cells with fewer than {frames.min_cell} conversations are hidden. Further cells are hidden if the small "
            "ones could otherwise be worked out by subtraction. Groups of fewer than "
            f"{10 * frames.min_cell} messages have no minimum, no maximum, and no quantiles that equal one of these."
        )
    return Page("tokens.html", "Message lengths", lead, sections, nav="Tokens")


def length_sections(source: str, own: Frames) -> list[Section]:
    """How long the messages of one model's conversations are, for the page of this model.

    Args:
        own: the rows about the model, small cells hidden.
    """
    rows = own.token_stats[(own.token_stats["source"] == source) & (own.token_stats["grouping"] == "model")]
    section = Section("Message lengths")
    for tokenizer, part in rows.groupby("tokenizer", sort=True):
        caption = f"Tokens per message in {source}, tokenizer {tokenizer}"
        file = slug("model", source, str(part["model"].iloc[0]), "tokens", str(tokenizer))
        section.tables.append(_table(caption, "model", part.sort_values("role", ascending=False), file))
    return [section] if section.tables else []


def _grouped(source: str, tokenizer: str, grouping: str, rows: pd.DataFrame, frames: Frames) -> Section:
    size = rows.groupby(grouping, dropna=False)["n_messages"].transform(lambda n: n.sum(min_count=1))
    # Nulls last: hidden rows have no numbers.
    rows = rows.assign(_size=size).sort_values(["_size", grouping, "role"], ascending=[False, True, False])
    rows = rows.drop(columns="_size")
    section = Section(_HEADINGS[grouping])
    seen = rows[~rows["hidden"]]
    names = [None if pd.isna(name) else str(name) for name in seen[grouping].drop_duplicates()]
    if names:
        plotted = names[:MAX_PLOTTED]
        if len(names) > MAX_PLOTTED:
            section.sentences.append(f"The plot shows the {MAX_PLOTTED} with the most messages out of {len(names):,}.")
        by_cell = {
            (None if pd.isna(row[grouping]) else str(row[grouping]), row["role"]): row
            for row in seen.to_dict("records")
        }
        roles = sorted(set(seen["role"]), reverse=True)
        section.figures.append(
            figures.boxes_by_name(
                caption=f"Tokens per message {_HEADINGS[grouping].lower()}",
                words=f"Boxes of message length for {len(plotted)} rows; the table below has the numbers.",
                axis="tokens",
                names=["none given" if name is None else name for name in plotted],
                groups={role: [_quantiles(by_cell.get((name, role))) for name in plotted] for role in roles},
            )
        )
    hidden = int(rows["hidden"].sum())
    if hidden:
        section.sentences.append(
            f"{counted(hidden, 'row is', 'rows are')} hidden: fewer than {frames.min_cell} conversations, or a number "
            "from which a hidden one could be worked out."
        )
    caption = f"Tokens per message in {source} {_HEADINGS[grouping].lower()}"
    section.tables.append(_table(caption, grouping, rows, slug("tokens", source, tokenizer, grouping)))
    return section


def _quantiles(row: Any) -> dict[str, int] | None:
    names = ("p5", "p25", "p50", "p75", "p95")
    return (
        None if row is None or any(pd.isna(row[name]) for name in names) else {name: int(row[name]) for name in names}
    )


def _table(caption: str, grouping: str | None, rows: pd.DataFrame, csv: str) -> TableView:
    columns = [
        text_column("Written by", "role"),
        TableColumn("Conversations", lambda row: unless_hidden(row["hidden"], number_cell(row["n_conversations"]))),
        number_column("Messages", "n_messages"),
        number_column("Mean", "mean", "tokens per message", digits=1),
        number_column("SD", "sd", "sample standard deviation", digits=1),
        number_column("Min", "min"),
        *quantile_columns(5, 25),
        number_column("Median", "p50"),
        *quantile_columns(75, 95, 99),
        number_column("Max", "max"),
    ]
    if grouping == "model":
        columns.insert(0, text_column("Model", "model", length=40))
    if grouping == "language":
        columns.insert(0, given_column("Language", "language"))
    return TableView(caption, columns, rows, csv)
