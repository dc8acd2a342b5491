"""The page about the data itself: terms of each source, what came in, and what the CSV files hold."""

from typing import Any

from arenalake.report.frames import MAX_ROWS, Frames
from arenalake.report.parts import Cell, Link, Page, Section, TableColumn, TableView, number_column, text_column


def build_data(frames: Frames) -> Page:
    """The page of the data: licences, and what became of each file."""
    sections = [_terms(frames), _ingested(frames), _files(frames)]
    lead = "Where the data comes from, its licences, and how many records were kept."
    return Page("data.html", "Data", lead, sections, nav="Data")


def _terms(frames: Frames) -> Section:
    terms = frames.source_terms
    section = Section("Licence and citation")
    if terms.empty:
        section.sentences.append("There are no sources.")
        return section
    section.tables.append(
        TableView(
            "Terms of the sources",
            [
                text_column("Source", "source"),
                text_column("Data set", "title"),
                text_column("Licence", "licence", length=80),
                TableColumn("Text may be redistributed", _may_be_shared, numeric=False),
            ],
            terms,
            "source_terms",
        )
    )
    for row in terms.to_dict("records"):
        inner = Section(f"Cite {row['source']}", [row["citation"] or "No citation is configured."])
        # Other schemes, such as javascript:, are not links here.
        if row["url"] and row["url"].startswith(("https://", "http://")):
            inner.links.append(Link(row["url"], row["url"]))
        section.sections.append(inner)
    return section


def _may_be_shared(row: dict[str, Any]) -> Cell:
    return Cell("yes" if row["text_may_be_shared"] else "no")


def _ingested(frames: Frames) -> Section:
    section = Section("Ingested records")
    if frames.ingested.empty:
        section.sentences.append("No file was ingested.")
        return section
    section.sentences.append(
        "Records in = kept + quarantined + duplicates. The table “quarantine” holds the quarantined records and the "
        "reasons. They are not shown here, because a reason may quote a record."
    )
    section.tables.append(
        TableView(
            "Records by source",
            [
                text_column("Source", "source"),
                number_column("Files", "files"),
                number_column("Records in", "rows"),
                number_column("Kept", "kept"),
                number_column("Quarantined", "quarantined"),
                number_column("Duplicates", "duplicates"),
            ],
            frames.ingested,
            "ingested",
        )
    )
    return section


def _files(frames: Frames) -> Section:
    section = Section("About the CSV files")
    section.sentences = [
        "Each table has a link to a CSV file. The file has all rows of the table, all columns of its gold table, and "
        "all digits. The encoding is UTF-8; text is in quotes; an empty cell is a null.",
        "A spreadsheet would run a text cell as a formula if it starts with =, +, -, @, a tab or a line break. Such a "
        "cell therefore gets an apostrophe in front. Remove the apostrophe to get the name as it is in the data.",
        "Where small cells are hidden, the numbers are empty and the column “hidden” says so. The next smallest cells "
        "are hidden too if a small one could otherwise be worked out by subtraction from a total.",
    ]
    if frames.cut:
        section.sentences.append(
            f"Of these tables, only the first {MAX_ROWS:,} rows were read: {', '.join(frames.cut)}."
        )
    return section
