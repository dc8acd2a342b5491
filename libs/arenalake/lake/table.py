"""What a table declaration is: columns with types and comments, the key, and how Delta should keep it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from arenalake.errors import SchemaMismatchError
from arenalake.numbers.histograms import add_rows, negative


@dataclass(frozen=True)
class Column:
    """A column: its Spark SQL type and the comment that the metastore shows."""

    name: str
    type: str
    comment: str
    required: bool = False


def interval_columns(kind: str) -> tuple[Column, Column]:
    """Both ends of a 95 % interval; the comments say of which kind it is."""
    ends = {"ci_lower": "lower", "ci_upper": "upper"}
    lower, upper = (
        Column(name, "double", f"{end} end of the 95 % interval ({kind}); null where there is none")
        for name, end in ends.items()
    )
    return lower, upper


# Properties by which Delta Lake keeps a rule, and what each commit changed.
CONSTRAINT = "delta.constraints."
CHANGES = "delta.enableChangeDataFeed"
# What grows with the records is read and written by Spark; what does not, by Arrow.
Kind = Literal["records", "counts", "statistics"]
_ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "decimal(38,18)": pa.decimal128(38, 18),
}


@dataclass(frozen=True)
class Table:
    """A Delta table.

    Attributes:
        kind: `records` grow with what comes in: Spark reads and writes them. `counts` grow with distinct groups: Spark
            counts them, and they are read into memory once. `statistics` are what people read: a function from frames
            in memory to a frame in memory.
        key: columns that identify a row (the grain). A null is a value of its own here.
        cluster_by: liquid clustering columns, where readers filter by them.
        stats_columns: the only columns whose minima and maxima may reach the transaction log. `None` means all, and is
            for small tables without text and without ids of people or records: Delta compares each value of each row.
        checks: CHECK constraints, name to SQL expression.
        sums: columns of counts and sums, none of them null, if the table holds nothing else beside the key and a
            histogram: rows with the same key add up. The first counts what the row is about, so a row where it is 0
            is none.
        cell: the array column with the cells of a histogram, ascending; how many of what the row is about are in each
            of them is in the array column `counts`.
        has_changes: Delta keeps what each commit changed (change data feed), for tables of counts to follow.
    """

    name: str
    layer: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    cluster_by: tuple[str, ...] = ()
    stats_columns: tuple[str, ...] | None = None
    checks: dict[str, str] = field(default_factory=dict, hash=False)
    sums: tuple[str, ...] = ()
    cell: str | None = None
    has_changes: bool = False
    kind: Kind = "records"

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def ddl(self) -> str:
        """The columns as a DDL string, as `createDataFrame` and `mapInArrow` take it."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    @property
    def schema(self) -> StructType:
        """The columns as Spark's schema, with those that may not be null."""
        schema = cast(StructType, StructType.fromDDL(self.ddl))
        for field_, column in zip(schema.fields, self.columns, strict=True):
            field_.nullable = not column.required
        return schema

    @property
    def properties(self) -> dict[str, str]:
        """What Delta Lake is told about the table."""
        told = {f"{CONSTRAINT}{name}": expression for name, expression in self.checks.items()}
        if self.has_changes:
            told[CHANGES] = "true"
        if self.stats_columns is not None:
            told["delta.dataSkippingStatsColumns"] = ",".join(self.stats_columns)
        return told

    @property
    def arrow_schema(self) -> pa.Schema:
        """The columns as Arrow's schema, with those that may not be null; simple types and lists of them."""
        return pa.schema([pa.field(c.name, _arrow_type(c.type), not c.required) for c in self.columns])

    @property
    def no_rows(self) -> pl.DataFrame:
        """A frame with the declared columns and no row."""
        return pl.DataFrame(pl.from_arrow(self.arrow_schema.empty_table()))

    @property
    def _shape(self) -> dict[str, tuple[str, bool]]:
        # As Spark writes types; to let it read the declaration would need a session.
        return {column.name: (column.type.replace("`", ""), not column.required) for column in self.columns}

    def is_stored_as(self, stored: StructType) -> bool:
        """Whether a stored table has exactly the declared columns, in any order."""
        return _shape(stored) == self._shape

    def columns_to_add(self, stored: StructType) -> list[Column]:
        """The columns that a table of an earlier version lacks, all of which may be null.

        Raises:
            SchemaMismatchError: the table differs in a way that adding such columns does not mend.
        """
        here, wanted = _shape(stored), self._shape
        missing = [column for column in self.columns if column.name not in here]
        problems = [f"{column.name} is missing and may not be null" for column in missing if column.required]
        problems += [f"{name} is not declared" for name in here if name not in wanted]
        problems += [
            f"{name} is {here[name][0]}, declared as {wanted[name][0]}"
            for name in wanted
            if name in here and here[name][0] != wanted[name][0]
        ]
        if problems:
            raise SchemaMismatchError(
                f"table {self.name} ({self.layer}) was stored by another version of arenalake: {'; '.join(problems)}. "
                "For a gold table, run the job that writes it, or the pipeline: it recreates the table. For a silver "
                "table, drop it first, or use another storage location; then run the pipeline"
            )
        return missing

    def in_memory(self, df: DataFrame) -> pl.DataFrame:
        """Rows that Spark has counted, as a frame, after the check of `conform`."""
        return self.frame_of(self.conform(df).toArrow())

    def frame_of(self, rows: pa.Table) -> pl.DataFrame:
        """Arrow rows as a frame of the declared columns, in their order."""
        nullable = pa.schema([pa.field(one.name, one.type) for one in self.arrow_schema])
        return pl.DataFrame(pl.from_arrow(rows.select(self.column_names).cast(nullable)))

    def add_rows(self, parts: Sequence[pl.DataFrame], less: Sequence[pl.DataFrame] = ()) -> pl.DataFrame:
        """Rows of this table of sums added up, and those of `less` taken away."""
        taken = [negative(rows, sums=self.sums, cell=self.cell) for rows in less]
        return add_rows([*parts, *taken], keys=self.key, sums=self.sums, cell=self.cell)

    def conform_frame(self, frame: pl.DataFrame) -> pa.Table:
        """The declared columns in order as Arrow, after the same check as `conform`, sorted by the key.

        Raises:
            SchemaMismatchError: listing every missing, unexpected and differently typed column; or a null in a column
                that may hold none.
        """
        wanted = {one.name: str(one.type) for one in self.arrow_schema}
        rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        self._require({one.name: str(one.type).replace("large_", "") for one in rows.schema}, wanted)
        empty = [column.name for column in self.columns if column.required and frame[column.name].null_count()]
        if empty:
            raise SchemaMismatchError(f"table {self.name}: nulls in {', '.join(empty)}, where none are allowed")
        return self.to_arrow(frame.sort(self.key, nulls_last=True))

    def to_arrow(self, frame: pl.DataFrame) -> pa.Table:
        """The declared columns of a frame in order, with the declared types."""
        in_order = frame.select(self.column_names)
        return in_order.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self.arrow_schema)

    def conform(self, df: DataFrame) -> DataFrame:
        """Select the declared columns in order, after checking that `df` has exactly them with their types.

        Raises:
            SchemaMismatchError: listing every missing, unexpected and differently typed column.
        """
        declared = cast(StructType, StructType.fromDDL(self.ddl))
        wanted = {f.name: f.dataType.simpleString() for f in declared.fields}
        self._require({f.name: f.dataType.simpleString() for f in df.schema.fields}, wanted)
        return df.select(*[f"`{name}`" for name in self.column_names])

    def _require(self, found: dict[str, str], wanted: dict[str, str]) -> None:
        problems = [f"{name} is missing" for name in wanted if name not in found]
        problems += [f"{name} is not declared" for name in found if name not in wanted]
        problems += [
            f"{name} is {found[name]}, declared as {wanted[name]}"
            for name in wanted
            if name in found and found[name] != wanted[name]
        ]
        if problems:
            raise SchemaMismatchError(f"table {self.name}: " + "; ".join(problems))


def _arrow_type(ddl: str) -> pa.DataType:
    inside = ddl.removeprefix("array<")
    return _ARROW[ddl] if inside == ddl else pa.list_(_arrow_type(inside.removesuffix(">")))


def _shape(schema: StructType) -> dict[str, tuple[str, bool]]:
    return {f.name: (f.dataType.simpleString(), f.nullable) for f in schema.fields}
