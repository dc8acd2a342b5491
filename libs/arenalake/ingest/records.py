"""Raw files as records: one shape for JSON lines, parquet and CSV, in which a wrong type is a finding, not a crash."""

import logging
from collections.abc import Sequence
from functools import reduce
from typing import cast

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import AtomicType, BooleanType, DataType, DoubleType, FloatType, StringType, StructType

from arenalake.ingest.files import RawFile
from arenalake.sources.source import Field, sentences

log = logging.getLogger(__name__)

_CORRUPT = "_corrupt"


def read_records(
    spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field], *, positioned: bool
) -> DataFrame:
    """Read files of any of the three kinds.

    Args:
        positioned: number the records of a file; costs a sort of each file that is not parquet.

    Returns:
        file (relative name), position (from 0; null unless `positioned`), record (the JSON line, or the row as JSON),
        problems (array<string>: what has the wrong type), raw (struct of `fields`, each null where it is missing or of
        another type; the whole is null where the record cannot be taken apart).
    """
    groups = [_read_json(spark, [f for f in files if f.kind == "json"], fields, positioned)]
    # Parquet files of one source may differ in schema, and CSV files in the order of columns: each is read by its own.
    groups += [_read_parquet(spark, same, fields, positioned) for same in _by_schema(spark, files)]
    groups += [_read_csv(spark, file, fields, positioned) for file in files if file.kind == "csv"]
    return reduce(DataFrame.unionByName, [group for group in groups if group is not None])


def count_rows(records: DataFrame) -> dict[str, int]:
    """Records per file; files without records are absent. Reads no content of parquet."""
    return {row["file"]: row["n"] for row in records.groupBy("file").agg(F.count("*").alias("n")).collect()}


def _read_json(
    spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field], positioned: bool
) -> DataFrame | None:
    if not files:
        return None
    lines = spark.read.text([_escaped(f.path) for f in files])
    lines = lines.select("value", _file_name(files), *_order_columns()).where(F.trim("value") != "")
    lines = _add_position(lines) if positioned else lines.withColumn("position", F.lit(None).cast("bigint"))
    columns = _columns_to_read(fields)
    schema = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
    parsed = lines.withColumn(
        "parsed",
        F.from_json("value", f"{schema}, `{_CORRUPT}` string", {"columnNameOfCorruptRecord": _CORRUPT}),
    )
    read = {field.name: F.col("parsed")[field.column] for field in fields}
    # A column that was read as text for another field's sake.
    as_text = [field for field in fields if columns[field.column] != field.type]
    raw = read | {f.name: _not_blank(read[f.name]).try_cast(f.type) for f in as_text}
    present = {field.name: F.get_json_object("value", f"$['{field.column}']").isNotNull() for field in fields}
    broken = F.col(f"parsed.{_CORRUPT}").isNotNull()
    is_object = F.trim("value").startswith("{")
    named = sentences(F.array(*[F.when(present[f.name] & raw[f.name].isNull(), F.lit(_wrong_type(f))) for f in fields]))
    # Spark reads a list or an object as text where text is asked for.
    texts = [f for f in fields if f.type == "string"]
    wrong = [F.when(_is_nested("value", f.column, raw[f.name]), F.lit(_wrong_type(f))) for f in texts]
    wrong += [
        F.when(_not_blank(read[f.name]).isNotNull() & raw[f.name].isNull(), F.lit(_wrong_type(f))) for f in as_text
    ]
    problems = (
        F.when(~broken, sentences(F.array(*wrong)) if wrong else F.array().cast("array<string>"))
        .when(F.try_parse_json("value").isNull(), F.array(F.lit("the line is not JSON")))
        .when(~is_object, F.array(F.lit("the line is not a JSON object")))
        .when(F.size(named) > 0, named)
        .otherwise(F.array(F.lit("a nested value has the wrong type")))
    )
    whole = ~broken | (F.try_parse_json("value").isNotNull() & is_object)
    return _records(parsed, record=F.col("value"), problems=problems, raw=raw, fields=fields, whole=whole)


def _is_nested(line: str, column: str, text: Column) -> Column:
    value = F.try_variant_get(F.try_parse_json(line), f"$['{column}']", "variant")
    # Nearly no text starts like this, so nearly no line is parsed twice.
    return F.when(text.rlike(r"^[\[{]"), F.schema_of_variant(value).rlike("^(ARRAY|OBJECT)"))


def _read_parquet(
    spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field], positioned: bool
) -> DataFrame:
    df = spark.read.parquet(*[_escaped(f.path) for f in files])
    position = F.col("_metadata.row_index") if positioned else F.lit(None).cast("bigint")
    columns = df.columns
    df = df.select(
        F.struct(*[F.col(_quoted(c)) for c in columns]).alias("row"), _file_name(files), position.alias("position")
    )
    return _typed_records(df, columns, fields)


def _read_csv(spark: SparkSession, file: RawFile, fields: Sequence[Field], positioned: bool) -> DataFrame:
    separator = "\t" if file.path.lower().removesuffix(".gz").endswith(".tsv") else ","
    reader = spark.read.option("header", True).option("sep", separator).option("multiLine", True)
    reader = reader.option("escape", '"').option("encoding", "UTF-8")
    header = reader.csv(_escaped(file.path))
    columns = header.columns
    if not columns:  # not even a header, so there is nothing that Spark could be asked for
        return _no_records(spark, fields)
    schema = ", ".join(f"{_quoted(c)} string" for c in [*columns, _CORRUPT])
    rows = reader.option("mode", "PERMISSIVE").option("columnNameOfCorruptRecord", _CORRUPT).schema(schema)
    df = rows.csv(_escaped(file.path))
    # Spark refuses plans that ask for nothing but the corrupt rows, as one does where no column is mapped: so the first
    # column adds nothing to them.
    nothing = F.left(F.coalesce(F.col(_quoted(columns[0])), F.lit("")), F.lit(0))
    df = df.select(
        F.struct(*[F.col(_quoted(c)) for c in columns]).alias("row"),
        F.concat(F.col(_CORRUPT), nothing).alias("corrupt"),
        _file_name([file]),
        *_order_columns(),
    )
    df = _add_position(df) if positioned else df.withColumn("position", F.lit(None).cast("bigint"))
    return _typed_records(df, columns, fields, corrupt=F.col("corrupt"))


def _typed_records(
    df: DataFrame, columns: Sequence[str], fields: Sequence[Field], *, corrupt: Column | None = None
) -> DataFrame:
    """Rows of `row` (a struct of the file's columns) with each field cast to its type where the file has another."""
    row = cast(StructType, df.schema["row"].dataType)
    types = {f.name: f.dataType for f in row.fields}
    unread = sorted(set(columns) - {field.column for field in fields})
    if unread:
        log.info("columns without a place in the tables are not read", extra={"columns": ",".join(unread)})
    raw: dict[str, Column] = {}
    problems: list[Column] = []
    for field in fields:
        if field.column not in types:
            raw[field.name] = F.lit(None).cast(field.type)
            if field.mapped:
                problems.append(F.lit(f"{field.name}: the file has no column {field.column!r}"))
            continue
        value = F.col("row")[field.column]
        if types[field.column].simpleString() == _plain(field.type):
            raw[field.name] = value
            continue
        if isinstance(types[field.column], StringType) and "<" not in field.type:
            value = _not_blank(value)  # an empty cell is no value
        if isinstance(types[field.column], FloatType | DoubleType) and field.type == "string":
            value = F.when(~F.isnan(value), value)  # pandas makes a missing name among numbers NaN
        raw[field.name] = _converted(value, field.type, types[field.column])
        problems.append(F.when(value.isNotNull() & raw[field.name].isNull(), F.lit(_wrong_type(field))))
    if corrupt is not None:
        problems.append(F.when(corrupt.isNotNull(), F.lit("the row has more or fewer cells than the header")))
    found = sentences(F.array(*problems)) if problems else F.array()
    record = F.to_json("row", {"ignoreNullFields": "false"})
    if corrupt is not None:
        record = F.coalesce(corrupt, record)
    whole = corrupt.isNull() if corrupt is not None else F.lit(True)
    return _records(df, record=record, problems=found.cast("array<string>"), raw=raw, fields=fields, whole=whole)


def _converted(value: Column, wanted: str, given: DataType) -> Column:
    if "<" not in wanted:
        fits = isinstance(given, AtomicType) and (wanted != "double" or not isinstance(given, BooleanType))
        return value.try_cast(wanted) if fits else F.lit(None).cast(wanted)
    # A cast between structs goes by position; by way of JSON it goes by name, and a missing key is null.
    wrapped = F.from_json(
        F.to_json(F.struct(value.alias("v"))), f"v {wanted}, {_CORRUPT} string", {"columnNameOfCorruptRecord": _CORRUPT}
    )
    return F.when(wrapped[_CORRUPT].isNull(), wrapped["v"])


def _records(
    df: DataFrame, *, record: Column, problems: Column, raw: dict[str, Column], fields: Sequence[Field], whole: Column
) -> DataFrame:
    # A name, a label or an id that is blank says as little as none; texts of messages are not among these.
    given = {f.name: _not_blank(raw[f.name]) if f.type == "string" else raw[f.name] for f in fields}
    values = F.struct(*[value.alias(name) for name, value in given.items()])
    return df.select(
        "file",
        "position",
        record.alias("record"),
        problems.alias("problems"),
        F.when(whole, values).alias("raw"),
    )


def _not_blank(text: Column) -> Column:
    """The text, null where it is nothing but spaces."""
    return F.when(F.trim(text) != "", text)


def _no_records(spark: SparkSession, fields: Sequence[Field]) -> DataFrame:
    raw = ", ".join(f"{_quoted(field.name)}: {field.type}" for field in fields)
    shape = f"file string, position bigint, record string, problems array<string>, raw struct<{raw}>"
    return spark.createDataFrame([], shape)


def _columns_to_read(fields: Sequence[Field]) -> dict[str, str]:
    """Columns of a JSON line; two fields mapped to one column read it once, as text if they differ in type."""
    columns: dict[str, str] = {}
    for field in fields:
        same = columns.get(field.column, field.type) == field.type
        columns[field.column] = field.type if same else "string"
    return columns


def _wrong_type(field: Field) -> str:
    kind = field.type.split("<")[0]
    expected = {
        "string": "text",
        "double": "a number",
        "boolean": "true or false",
        "array": "a list",
        "struct": "an object",
    }
    return f"{field.column} has the wrong type; expected {expected.get(kind, kind)}"


def _order_columns() -> list[Column]:
    # Inside a split the id grows with the row; splits of a file are ordered by where they start.
    return [
        F.col("_metadata.file_block_start").alias("block_start"),
        F.monotonically_increasing_id().alias("row_id"),
    ]


def _add_position(df: DataFrame) -> DataFrame:
    in_file = Window.partitionBy("file").orderBy("block_start", "row_id")
    return df.withColumn("position", (F.row_number().over(in_file) - 1).cast("bigint")).drop("block_start", "row_id")


def _file_name(files: Sequence[RawFile]) -> Column:
    """The relative name of the file that a row came from."""
    names = F.create_map(*[F.lit(text) for f in files for text in (_comparable(f.path), f.name)])
    plus_kept = F.replace(F.col("_metadata.file_path"), F.lit("+"), F.lit("%2B"))
    path = F.regexp_replace(F.try_url_decode(plus_kept), r"^\w+:/+", "/")
    return F.element_at(names, path).alias("file")


def _comparable(path: str) -> str:
    scheme, colon, rest = path.partition(":/")
    return "/" + rest.lstrip("/") if colon and scheme.isalnum() else path


def _by_schema(spark: SparkSession, files: Sequence[RawFile]) -> list[list[RawFile]]:
    groups: dict[str, list[RawFile]] = {}
    for file in files:
        if file.kind == "parquet":
            schema = spark.read.parquet(_escaped(file.path)).schema.simpleString()
            groups.setdefault(schema, []).append(file)
    return list(groups.values())


def _escaped(path: str) -> str:
    """A path in which nothing is taken for a glob."""
    return "".join(f"\\{c}" if c in "*?[]{}\\" else c for c in path)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _plain(kind: str) -> str:
    return kind.replace("`", "").replace(" ", "")
