"""What a source module declares: its terms and options, the fields of its records, and how they become entities."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.entity import RECORD_KEY, Entity
from arenalake.lake.table import Column as TableColumn
from arenalake.lake.table import Table
from arenalake.sources.settings import TELLING_LABELS, SourceSettings


@dataclass(frozen=True)
class Field:
    """A field of a raw record.

    Attributes:
        name: what it is called in this library.
        type: Spark SQL type it must have. Whole numbers are declared as double, since files that went through pandas
            write 1.0; a rule then checks that they are whole.
        column: what it is called in the file.
        mapped: the configuration names the column, so a file without it does not fit the mapping.
        is_text: a text that is kept as it stands; any other string names something, and what surrounds it is cut off.
        is_json: a string that holds whatever is there as JSON, for a source that takes its lists and objects apart
            itself: where their keys are not known beforehand, or would make a plan that takes long to make.
    """

    name: str
    type: str
    column: str
    mapped: bool = False
    is_text: bool = False
    is_json: bool = False


@dataclass(frozen=True)
class Terms:
    """Licence and citation, shown by the report and by every export."""

    title: str
    licence: str
    text_may_be_shared: bool
    citation: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Source:
    """A published format.

    Attributes:
        settings: what the configuration can say about a source of this format.
        fields: the fields of a record, given these settings.
        parse: records to entities, see `parsed`, given these settings.
        entities: what a record becomes, parents last. They are written in this order, and each record has exactly one
            row of the last: where that stands, all that the record became does.
        positioned: whether the position of a record in its file is needed, for an id or an order.
        unfold: documents of JSON (file, position, value) to the same with those that hold several records replaced by
            these; None where each is one record.
        find_broken: rules about several records: rows of the last entity that the source has so far, to record_key and
            reasons (array<string>) of those that break one; None where there are no such rules. A source that has some
            has one entity, all of whose columns are part of what a record says, so that a record can come back.
    """

    terms: Terms
    settings: type[SourceSettings]
    fields: Callable[[Any], list[Field]]
    parse: Callable[[DataFrame, Any], DataFrame]
    entities: tuple[Entity, ...]
    positioned: bool = False
    unfold: Callable[[DataFrame], DataFrame] | None = None
    find_broken: Callable[[DataFrame], DataFrame] | None = None


def raw_values(fields: Sequence[Field]) -> dict[str, Column]:
    """What records hold, by the names of their fields.

    Each is a column of its own: of a struct, Spark would compute all fields for a plan that asks for one of them.
    """
    return {field.name: F.col(f"raw_{field.name}") for field in fields}


# What ingestion adds to the rows of every entity.
INGESTED = ("source", "file", RECORD_KEY.name)


def parsed(records: DataFrame, *, key: Column, reasons: Column, rows: Mapping[Entity, Column]) -> DataFrame:
    """The contract between a source module and ingestion.

    Args:
        records: as the reader gives them.
        key: what identifies a record within its source; made of no list or object, since it is looked up before it is
            known which of these have to be read closely.
        reasons: every rule that the record breaks.
        rows: what the record becomes: for each entity of the source an array of `row_of`.

    Returns:
        file, record (JSON), details, unlike and notes (as the reader gives them), record_key, reasons (array<string>,
        empty for a good record), and the rows of each entity in its `rows_column`.
    """
    return records.select(
        "file",
        "record",
        "details",
        "unlike",
        "notes",
        F.when(F.col("is_whole"), key).alias("record_key"),
        # A record that cannot be taken apart breaks every rule; the one true reason is enough.
        F.when(~F.col("is_whole"), F.col("problems"))
        .when(F.size("problems") == 0, sentences(reasons))
        .otherwise(F.concat("problems", _about_others(sentences(reasons), F.col("problems"))))
        .alias("reasons"),
        *[of_entity.alias(entity.rows_column) for entity, of_entity in rows.items()],
    )


def _about_others(reasons: Column, problems: Column) -> Column:
    """Reasons without those on a field that has a problem: what has the wrong type is not missing as well."""
    columns = F.transform(problems, lambda problem: F.regexp_extract(problem, r"^(.+?)(\[|\.| has | is )", 1))

    def is_about(reason: Column, column: Column) -> Column:
        named = F.concat(F.lit("(column '"), column, F.lit("')"))
        return F.startswith(reason, F.concat(column, F.lit(" "))) | F.contains(reason, named)

    return F.filter(reasons, lambda reason: ~F.exists(columns, lambda column: is_about(reason, column)))


def sentences(found: Column) -> Column:
    """The strings of an array that are not null, each once.

    `array_compact` says so too, but is no generated code, and neither is then what it is given: every rule, here.
    """
    return F.array_except(found, F.array(F.lit(None).cast("string")))


def columns_of(table: Table) -> list[TableColumn]:
    """The columns of an entity's table that its source fills."""
    return [column for column in table.columns if column.name not in INGESTED]


def row_of(table: Table, **values: Column) -> Column:
    """A row of an entity's table as a struct, of the columns that its source fills, in order; null if not given.

    Raises:
        ValueError: a value is given for a column that the table does not have.
    """
    columns = columns_of(table)
    unknown = set(values) - {column.name for column in columns}
    if unknown:
        raise ValueError(f"table {table.name} has no column {', '.join(sorted(unknown))}")
    # try_cast: a value that does not fit makes the record break a rule, never the job.
    return F.struct(*[values.get(c.name, F.lit(None)).try_cast(c.type).alias(c.name) for c in columns])


def messages_of(conversation: Column) -> Column:
    """The published messages with their fields in the entity's order; without a lambda, which is no generated code."""
    messages = F.arrays_zip(conversation["role"], conversation["content"])
    return messages.cast("array<struct<role:string,content:string>>")


def winner_of(label: Column, labels: Mapping[str, str]) -> Column:
    """The outcome that a label stands for; null for a label that is not among `labels`, which is then a broken rule."""
    outcome = F.lit(None).cast("string")
    for text, winner in labels.items():
        outcome = F.when(label == text, winner).otherwise(outcome)
    return outcome


def telling(label: Column) -> Column:
    """The label where it says more than the outcome it stands for, else null."""
    return F.when(label.isin(*TELLING_LABELS), label)


def digest_of(*parts: Column) -> Column:
    """A hash of several values that does not confuse ("ab", "c") with ("a", "bc"), nor null with an empty text."""
    return F.sha2(F.to_json(F.struct(*[part.cast("string").alias(f"_{i}") for i, part in enumerate(parts)])), 256)
