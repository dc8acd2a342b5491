"""Raw files as a source parses them, without a table: for tests of what is read, a fraction of the time of a run."""

from arenalake.config import parse_config
from arenalake.ingest.files import list_files
from arenalake.ingest.records import read_records
from arenalake.sources import SOURCES


def parse(lake, path, *, format="votes", closely=(), **settings):
    """The records under a path, with what ingestion would write of them: see `arenalake.sources.source.parsed`.

    Args:
        closely: fields that have other types than those that are wanted somewhere. Ingestion finds them by itself.
    """
    wanted = {"format": format, "path": str(path), **settings}
    config = parse_config({"storage": {"root": lake.root}, "sources": {"source": wanted}}).sources["source"]
    source = SOURCES[format]
    files = list_files(lake, "source", config.path).files
    fields = source.fields(config)
    records = read_records(
        lake.spark, files, fields, positioned=source.positioned, closely=closely, unfold=source.unfold
    )
    found = source.parse(records, config).collect()
    unlike = {name for record in found for name in record["unlike"]}
    assert not unlike, f"to be read closely: {unlike}"
    return found


def kept(records, table, *columns):
    """Columns of the rows that good records become in a table, sorted as `rows` of test_ingest sorts them."""
    found = [
        {"file": record["file"], "record_key": record["record_key"], **row.asDict()}
        for record in records
        if not record["reasons"]
        for row in record[f"{table.name}_rows"]
    ]
    return sorted([tuple(row[column] for column in columns) for row in found], key=str)


def broken(records, *columns):
    """Columns of the records that would go to quarantine, with their reasons, sorted in the same way."""
    found = [record.asDict() | {"reasons": record["reasons"] + record["details"]} for record in records]
    return sorted([tuple(row[column] for column in columns) for row in found if row["reasons"]], key=str)
