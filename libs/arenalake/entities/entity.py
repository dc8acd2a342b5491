"""What an entity is: a table of records that sources fill, and what ingestion and measuring have to know about it."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame

from arenalake.lake.table import Column, Table

RECORD_KEY = Column(
    "record_key", "string", "key of the record that the row came from; null in rows from before there were such keys"
)


@dataclass(frozen=True)
class Entity:
    """A table of records that sources fill; a record of a source may become several rows of it.

    Attributes:
        table: begins with the columns source, file and record_key, which ingestion fills.
        incidental: columns that are no part of what a record says: records that differ in these alone are duplicates.
        as_conversations: where the table holds text, its rows as conversations to be measured: source, file,
            conversation_id, model and messages as in `conversations`, and what it has of language, side, tstamp and
            moderation.
    """

    table: Table
    incidental: tuple[str, ...] = ()
    as_conversations: Callable[[DataFrame], DataFrame] | None = None

    @property
    def rows_column(self) -> str:
        """The column of parsed records that holds the rows of this entity."""
        return f"{self.table.name}_rows"
