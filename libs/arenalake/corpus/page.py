"""The page about the corpus: what it consists of, who votes, and how published languages compare with detected ones."""

import pandas as pd

from arenalake.plurals import counted
from arenalake.report import figures
from arenalake.report.frames import Frames
from arenalake.report.parts import (
    Cell,
    Figure,
    Page,
    Section,
    TableColumn,
    TableView,
    given_column,
    number_cell,
    number_column,
    percent,
    percent_cell,
    quantile_columns,
    slug,
    text_column,
    unless_hidden,
)

_HEADINGS = {"model": "By model", "language": "By language", "turns": "By turns", "month": "By month", "day": "By day"}
_BY_SIZE = ("model", "language")


def build_corpus(frames: Frames) -> Page:
    """The page of the corpus: what it consists of, who votes, and which languages are detected."""
    sections = [_source(str(source), rows, frames) for source, rows in frames.corpus_shape.groupby("source", sort=True)]
    if not frames.voter_stats.empty:
        sections.append(_voters(frames))
    sections += [
        _audit(str(source), str(detector), rows)
        for (source, detector), rows in frames.language_audit.groupby(["source", "detector"], sort=True)
    ]
    lead = (
        "What the corpora consist of. The language of a conversation is the published one; where none is published, it "
        "is the detected one."
    )
    if frames.min_cell > 1:
        lead += (
            f" Cells about fewer than {frames.min_cell} conversations or voters are hidden. Further cells are hidden "
            "if a hidden one could otherwise be worked out from them."
        )
    return Page("corpus.html", "Corpus", lead, sections, nav="Corpus")


def _source(source: str, rows: pd.DataFrame, frames: Frames) -> Section:
    section = Section(source)
    whole = rows[rows["grouping"] == "all"].iloc[0]
    if not whole["hidden"]:
        section.sentences = _sentences(whole)
    for grouping, heading in _HEADINGS.items():
        part = rows[rows["grouping"] == grouping]
        if not part.empty:
            section.sections.append(_grouped(source, grouping, heading, part, frames))
    return section


def _sentences(whole: pd.Series) -> list[str]:
    turns = f"; {whole['mean_turns']:.2f} turns each" if pd.notna(whole["mean_turns"]) else ""
    sentences = [
        f"{counted(whole['n_conversations'], 'conversation')}; models: {whole['n_models']:,}; languages: "
        f"{whole['n_languages']:,}{turns}."
    ]
    if pd.notna(whole["redacted_rate"]):
        sentences.append(
            f"Names were replaced in {percent(whole['redacted_rate'])} of the {whole['n_redaction_known']:,} "
            "conversations for which the source states whether names were replaced."
        )
    if pd.notna(whole["n_prompts"]):
        repeats = "; the number of repeated ones is hidden"
        if pd.notna(whole["n_repeated_prompts"]):
            repeats = (
                f", {whole['n_distinct_prompts']:,} of them distinct (compared exactly); "
                f"{whole['n_repeated_prompts']:,} occur more than once"
            )
        most = f", the most frequent {whole['max_repeats']:,} times" if pd.notna(whole["max_repeats"]) else ""
        sentences.append(
            f"{counted(whole['n_prompts'], 'first message')}{repeats}{most}. The two conversations of a battle have "
            "the same first message, which counts once."
        )
    return sentences


def _grouped(source: str, grouping: str, heading: str, rows: pd.DataFrame, frames: Frames) -> Section:
    order, ascending = ["n_conversations", grouping], [False, True]
    rows = rows.sort_values(order, ascending=ascending) if grouping in _BY_SIZE else rows.sort_values(grouping)
    section = Section(heading, collapsed=grouping != "day")
    if grouping == "day":
        section.figures = _days(rows)
    hidden = int(rows["hidden"].sum())
    how = "hidden"
    if grouping == "turns":
        # The mean and the numbers of messages tell how many turns the hidden conversations have together: whoever knew
        # which numbers of turns they have could work out how many have each.
        rows, how = rows[~rows["hidden"]], "left out"
    if hidden:
        section.sentences.append(
            f"{counted(hidden, 'row is', 'rows are')} {how}: fewer than {frames.min_cell} conversations, or a number "
            "from which a hidden one could be worked out."
        )
    columns = [
        given_column(grouping.capitalize(), grouping),
        TableColumn("Conversations", lambda row: unless_hidden(row["hidden"], number_cell(row["n_conversations"]))),
        TableColumn("Share", lambda row: percent_cell(row["share"])),
        number_column("Turns", "mean_turns", "turns per conversation", digits=2),
        TableColumn(
            "Redacted", lambda row: percent_cell(row["redacted_rate"]), "of the conversations where this is known"
        ),
        number_column("Models", "n_models"),
        number_column("Languages", "n_languages", "the unknown language is not counted"),
    ]
    view = TableView(f"Conversations of {source} {heading.lower()}", columns, rows, slug("corpus", source, grouping))
    section.tables.append(view)
    return section


def _days(rows: pd.DataFrame) -> list[Figure]:
    dated = rows[rows["day"].notna() & ~rows["hidden"]]
    if dated.empty:
        return []
    dates, counts = [str(day) for day in dated["day"]], [int(n) for n in dated["n_conversations"]]
    words = f"Conversations per day from {dates[0]} to {dates[-1]}, at most {max(counts)}; the table has the numbers."
    return [
        figures.days(caption="Conversations per day", words=words, dates=dates, counts=counts, unit="conversations")
    ]


def _voters(frames: Frames) -> Section:
    columns = [
        text_column("Source", "source"),
        TableColumn("Judges", lambda row: Cell("models" if row["judge_kind"] == "model" else "people"), numeric=False),
        number_column("Battles", "n_battles"),
        number_column("No voter named", "n_anonymous", "battles for which the source does not name the voter"),
        TableColumn("Voters", lambda row: unless_hidden(row["hidden"], number_cell(row["n_voters"]))),
        number_column("Mean", "mean", "votes per voter", digits=1),
        number_column("SD", "sd", "sample standard deviation", digits=1),
        number_column("Min", "min"),
        number_column("Median", "p50"),
        *quantile_columns(75, 95, 99),
        number_column("Max", "max"),
    ]
    return Section("Voters", tables=[TableView("Votes per voter", columns, frames.voter_stats, "voters")])


def _audit(source: str, detector: str, rows: pd.DataFrame) -> Section:
    section = Section(f"Languages of {source} by {detector}")
    section.sentences.append(
        "Each row is a published language with a detected one. If the detector rarely confirms a published language, "
        "and it has few conversations with few letters, it is probably a wrong guess about short texts, not a language "
        "of the corpus."
    )
    columns = [
        given_column("Published", "language"),
        TableColumn("Detected", lambda row: Cell(row["detected_language"]), numeric=False),
        text_column("Script", "script"),
        text_column("Why unknown", "reason"),
        TableColumn("Conversations", lambda row: unless_hidden(row["hidden"], number_cell(row["n"]))),
        number_column("Confidence", "mean_confidence", "mean, from 0 to 1", digits=2),
        number_column("Letters", "median_letters", "median number of letters that the detector had"),
        number_column("Checked", "n_checked", "conversations with the published language that the detector read"),
        number_column("Confirmed", "n_confirmed", "checked conversations in which the published language was detected"),
        number_column("All", "n_published", "all conversations with the published language"),
    ]
    ordered = rows.sort_values(
        ["n_published", "language", "n", "detected_language", "script", "reason"],
        ascending=[False, True, False, True, True, True],
    )
    view = TableView(f"Published and detected in {source}", columns, ordered, slug("languages", source, detector))
    section.sections.append(Section("Published and detected languages", tables=[view], collapsed=True))
    return section
