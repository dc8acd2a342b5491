"""What a source module declares: the fields of its published records, its terms, and how a record becomes entities."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.tables import BATTLES, CONVERSATIONS
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
    """

    name: str
    type: str
    column: str
    mapped: bool = False
    is_text: bool = False


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
        fields: the fields of a record, given the source's configuration.
        parse: records to entities, see `parsed`.
        positioned: whether the position of a record in its file is needed, for an id or an order.
        mappable: what the configuration's `columns` may map; empty where the format fixes the columns.
        has_battles: whether a record is a battle; its key is then the battle's id, else the conversation's.
        has_conversations: whether a record may bring text.
    """

    terms: Terms
    fields: Callable[[SourceSettings], list[Field]]
    parse: Callable[[DataFrame, SourceSettings], DataFrame]
    positioned: bool
    has_battles: bool
    has_conversations: bool
    mappable: tuple[str, ...] = ()


def parsed(
    records: DataFrame,
    *,
    key: Column,
    reasons: Column,
    battle: Column | None = None,
    conversations: Column | None = None,
) -> DataFrame:
    """The contract between a source module and ingestion.

    Returns:
        file, record (JSON), record_key, reasons (array<string>, empty for a good record), details and notes (as the
        reader gives them), battle (a row of `battles` without source and file; null where the source has none),
        conversations (rows of `conversations` likewise).
    """
    return records.select(
        "file",
        "record",
        "details",
        "notes",
        key.alias("record_key"),
        # A record that cannot be taken apart breaks every rule; the one true reason is enough.
        F.when(F.col("raw").isNull(), F.col("problems"))
        .when(F.size("problems") == 0, sentences(reasons))
        .otherwise(F.concat("problems", _about_others(sentences(reasons), F.col("problems"))))
        .alias("reasons"),
        (battle if battle is not None else F.lit(None).cast(entity_type(BATTLES))).alias("battle"),
        (conversations if conversations is not None else F.array().cast(f"array<{entity_type(CONVERSATIONS)}>")).alias(
            "conversations"
        ),
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


def entity_type(table: Table) -> str:
    """The struct type of a table's rows without `source` and `file`, which ingestion adds."""
    fields = ",".join(f"`{c.name}`:{c.type}" for c in table.columns if c.name not in ("source", "file"))
    return f"struct<{fields}>"


def entity(table: Table, **values: Column) -> Column:
    """A row of a table as a struct, every column of it in order; a column that is not given is null.

    Raises:
        ValueError: a value is given for a column that the table does not have.
    """
    names = [c.name for c in table.columns if c.name not in ("source", "file")]
    unknown = set(values) - set(names)
    if unknown:
        raise ValueError(f"table {table.name} has no column {', '.join(sorted(unknown))}")
    types = {c.name: c.type for c in table.columns}
    # try_cast: a value that does not fit makes the record break a rule, never the job.
    return F.struct(*[values.get(name, F.lit(None)).try_cast(types[name]).alias(name) for name in names])


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
