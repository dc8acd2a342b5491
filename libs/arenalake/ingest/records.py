"""Raw files as records: one shape for JSON, parquet and CSV, in which a wrong type is a finding, not a crash."""

import csv
import logging
import re
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    LongType,
    StringType,
    StructField,
    StructType,
    VariantType,
)

from arenalake.errors import UnreadableFileError
from arenalake.ingest.elements import is_array, join_pieces, read_pieces
from arenalake.ingest.files import RawFile, for_reader, reader_of
from arenalake.ingest.utf8 import escaped_in, first_stray
from arenalake.ingest.values import (
    CORRUPT,
    not_utf8,
    of_column,
    of_json,
    of_json_text,
    settled,
    texts_in,
    together,
    type_of,
)
from arenalake.sources.names import clean_name, name_of
from arenalake.sources.source import Field, sentences

log = logging.getLogger(__name__)

# A header ends within so many lines.
_HEADER_LINES = 100
# Bytes that are not UTF-8 have become this where a reader decodes them.
_REPLACEMENT = "\ufffd"


def read_records(
    spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field], *, positioned: bool
) -> DataFrame:
    """Read files of any of the three kinds.

    Args:
        positioned: number the records of a file; costs a sort of each file that is not parquet.

    Returns:
        file (relative name), position (from 0; null unless `positioned`), record (the JSON, or the row as JSON),
        problems (array<string>: what has the wrong type), details (array<string>: where bytes are not UTF-8, which
        takes time and is for broken records to ask for), notes (array<string>: what is there and has no place in the
        tables), raw (struct of `fields`, each null where it is missing or of another type; the whole is null where the
        record cannot be taken apart).

    Raises:
        UnreadableFileError: the columns of a file cannot be told.
    """
    # The other endings of JSON promise a record per line.
    arrays = [f for f in files if re.search(r"\.json(\.|$)", f.name, re.IGNORECASE) and is_array(spark, f)]
    lines = [f for f in files if f.kind == "json" and f not in arrays]
    groups = [_read_lines(spark, lines, fields, positioned)] if lines else []
    groups += [_read_arrays(spark, arrays, fields)] if arrays else []
    # Parquet files of one source may differ in schema, and CSV files in the order of columns: each is read by its own.
    groups += [_read_parquet(spark, same, fields, positioned) for same in _by_schema(spark, files)]
    groups += [_read_csv(spark, file, fields, positioned) for file in files if file.kind == "csv"]
    return reduce(DataFrame.unionByName, groups)


def count_rows(records: DataFrame) -> dict[str, int]:
    """Records per file; files without records are absent. Reads no content of parquet."""
    return {row["file"]: row["n"] for row in records.groupBy("file").agg(F.count("*").alias("n")).collect()}


def _read_lines(spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field], positioned: bool) -> DataFrame:
    lines = reader_of(spark, [f.path for f in files]).text([for_reader(f.path) for f in files])
    lines = lines.select("value", _file_name(lines, files), *_order_columns(lines)).where(F.trim("value") != "")
    lines = _add_position(lines) if positioned else lines.withColumn("position", F.lit(None).cast("bigint"))
    return _json_records(lines, files, fields, where="the line")


def _read_arrays(spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field]) -> DataFrame:
    pieces = read_pieces(spark, files)
    pieces = pieces.select("value", _file_name(pieces, files), *_order_columns(pieces))
    return _json_records(join_pieces(pieces, n_files=len(files)), files, fields, where="the element")


def _json_records(documents: DataFrame, files: Sequence[RawFile], fields: Sequence[Field], *, where: str) -> DataFrame:
    """Documents (file, position, value) as records. Keys are told apart by place, so they may hold any sign."""
    columns = sorted({field.column for field in fields})
    nested = {field.column for field in fields if "<" in field.type}
    types = {column: VariantType() if column in nested else StringType() for column in columns}
    document = StructType([StructField(column, types[column]) for column in columns])
    document.add(StructField(CORRUPT, StringType()))
    by_place = ", ".join(f"c{i}: {types[column].simpleString()}" for i, column in enumerate(columns))
    parsed = F.from_json("value", document, {"columnNameOfCorruptRecord": CORRUPT})
    read = documents.withColumn("parsed", parsed.cast(f"struct<{by_place}, corrupt: string>"))
    is_object = F.trim("value").startswith("{")
    unlike = F.when(is_object, f"{where} is not JSON, or an object in it has a key twice").otherwise(
        F.when(F.try_parse_json("value").isNull(), f"{where} is not JSON").otherwise(f"{where} is not a JSON object")
    )
    broken = F.when(~F.is_valid_utf8("value"), not_utf8(where)).when(
        F.col("parsed").isNull() | F.col("parsed.corrupt").isNotNull() | ~is_object, unlike
    )
    values = {}
    for field in fields:
        member, wanted = F.col(f"parsed.c{columns.index(field.column)}"), type_of(field.type)
        if field.column in nested:
            values[field.name] = of_json(member, wanted, field.column)
        else:
            values[field.name] = of_json_text(member, F.col("value"), wanted, field.column)
    strays = [first_stray(where, F.col("value"))]
    return _records(read, values, files, fields, record=F.col("value"), strays=strays, broken=broken)


def _read_parquet(
    spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field], positioned: bool
) -> DataFrame:
    df = reader_of(spark, [f.path for f in files]).parquet(*[for_reader(f.path) for f in files])
    position = df.metadataColumn("_metadata")["row_index"] if positioned else F.lit(None).cast("bigint")
    columns, types = df.columns, [field.dataType for field in df.schema.fields]
    df = df.select("*", _file_name(df, files), position).toDF(*_places(columns), "file", "position")
    for place, kind in enumerate(types):
        if isinstance(kind, BinaryType):  # a text whose bytes nobody vouches for
            df, types[place] = df.withColumn(f"c{place}", F.col(f"c{place}").cast("string")), StringType()
    return _table_records(df, columns, types, files, fields)


def _read_csv(spark: SparkSession, file: RawFile, fields: Sequence[Field], positioned: bool) -> DataFrame:
    separator = "\t" if re.search(r"\.tsv(\.|$)", file.name, re.IGNORECASE) else ","
    first_lines = _first_lines(spark, file)
    # A name may be in quotes and hold line breaks; lines of nothing do not count.
    columns: list[str] = next((cells for cells in csv.reader(first_lines, delimiter=separator) if cells), [])
    if not columns:  # not even a header, so there is nothing that Spark could be asked for
        return _no_records(spark, fields)
    # Cells go by place. Spark warns of names that are not the header's, which it must be given where it cannot take it.
    differ = len({column.lower() for column in columns} - {"", "_metadata"}) == len(columns)
    names = [*(columns if differ else _places(columns)), CORRUPT]
    reader = reader_of(spark, [file.path]).option("sep", separator).option("multiLine", True).option("escape", '"')
    reader = reader.option("mode", "PERMISSIVE").option("columnNameOfCorruptRecord", CORRUPT)
    reader = (
        reader.option("header", True).option("encoding", "UTF-8").option("lineSep", _line_end(spark, file, first_lines))
    )
    df = reader.schema(StructType([StructField(name, StringType()) for name in names])).csv(for_reader(file.path))
    df = df.select("*", _file_name(df, [file]), *_order_columns(df))
    df = df.toDF(*_places(columns), "corrupt", "file", "block_start", "row_id")
    # Spark refuses plans that ask for nothing but the corrupt rows, as one does where no column is mapped: so the first
    # column adds nothing to them.
    nothing = F.left(F.coalesce(F.col("c0"), F.lit("")), F.lit(0))
    df = df.withColumn("corrupt", F.concat("corrupt", nothing))
    df = _add_position(df) if positioned else df.withColumn("position", F.lit(None).cast("bigint"))
    types: list[DataType] = [StringType()] * len(columns)
    return _table_records(df, columns, types, [file], fields, decoded=not _is_utf8(spark, file))


def _first_lines(spark: SparkSession, file: RawFile) -> list[str]:
    """What a header is among, whatever its lines end with."""
    lines = reader_of(spark, [file.path]).text(for_reader(file.path)).where("_metadata.file_block_start = 0")
    return [row["value"] + "\n" for row in lines.head(_HEADER_LINES)]


def _line_end(spark: SparkSession, file: RawFile, first_lines: Sequence[str]) -> str:
    """What every row ends with: told by Spark itself it would be the header's, and another one would reach the values.

    A carriage return before it is cut off with what surrounds a value.
    """
    by_feeds = reader_of(spark, [file.path]).option("lineSep", "\n").text(for_reader(file.path)).limit(2).count()
    return "\r" if by_feeds < min(2, len(first_lines)) else "\n"


def _is_utf8(spark: SparkSession, file: RawFile) -> bool:
    lines = reader_of(spark, [file.path]).text(for_reader(file.path))
    return lines.where(~F.is_valid_utf8("value")).isEmpty()


def _table_records(
    df: DataFrame,
    columns: Sequence[str],
    types: Sequence[DataType],
    files: Sequence[RawFile],
    fields: Sequence[Field],
    *,
    decoded: bool = False,
) -> DataFrame:
    """Rows of a table as records.

    Args:
        df: file, position, and the columns by place: c0, c1, …; for CSV also corrupt, the row where it does not fit the
            header.
        columns: their names.
        types: their types.
        files: where the rows come from.
        fields: what is looked for.
        decoded: bytes that are not UTF-8 were replaced in texts.
    """
    places: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        places.setdefault(clean_name(column), []).append(place)
    unread = sorted(set(places) - {clean_name(field.column) for field in fields})
    if unread:
        log.info("columns without a place in the tables are not read", extra={"columns": ",".join(unread)})
    values = {}
    for field in fields:
        found = places.get(clean_name(field.column), [])
        wanted = type_of(field.type)
        if len(found) == 1:
            values[field.name] = of_column(F.col(f"c{found[0]}"), types[found[0]], wanted, field.column)
            continue
        told = f"{field.name}: the file has the column {field.column!r} {len(found)} times; rename all but one of them"
        if not found:
            told = f"{field.name}: the file has no column {field.column!r}"
        missing = F.when(F.lit(bool(found)) | (F.lit(field.mapped) & _folder_value(field, files).isNull()), told)
        values[field.name] = settled(F.lit(None).cast(wanted), [missing])
    if decoded:
        values = {name: _refuse_replacements(value, name, fields) for name, value in values.items()}
    cells = [(F.col(f"c{i}"), kind, column) for i, (kind, column) in enumerate(zip(types, columns, strict=True))]
    if "corrupt" in df.columns:  # cells of CSV were decoded: no byte is left in them that is not UTF-8
        record = F.coalesce("corrupt", _as_json([cell.alias(column) for cell, _, column in cells]))
        broken = F.when(F.col("corrupt").isNotNull(), "the row has more or fewer cells than the header")
        return _records(df, values, files, fields, record=record, strays=[], broken=broken)
    record = _as_json([escaped_in(cell, kind).alias(column) for cell, kind, column in cells])
    strays = [first_stray(column, text) for cell, kind, column in cells for text in texts_in(cell, kind)]
    return _records(df, values, files, fields, record=record, strays=strays)


def _as_json(cells: Sequence[Column]) -> Column:
    return F.to_json(F.struct(*cells), {"ignoreNullFields": "false"})


def _refuse_replacements(value: Column, name: str, fields: Sequence[Field]) -> Column:
    field = next(field for field in fields if field.name == name)
    if field.type != "string":
        return value
    text = value["value"]
    told = F.concat(
        F.lit(f"{name} is "), F.left(text, F.lit(100)), F.lit(", with bytes that are not UTF-8; save the file as UTF-8")
    )
    return settled(text, [F.when(F.contains(text, F.lit(_REPLACEMENT)), told)], more_problems=[value["problems"]])


def _records(
    df: DataFrame,
    values: Mapping[str, Column],
    files: Sequence[RawFile],
    fields: Sequence[Field],
    *,
    record: Column,
    strays: Sequence[Column],
    broken: Column | None = None,
) -> DataFrame:
    """Put records together from what was read.

    Args:
        df: file, position, and what the columns below are made of.
        values: by the names of fields: value, problems and notes, as `settled`.
        files: where they come from.
        fields: in the order of `raw`.
        record: the record as text.
        strays: sentences about bytes that are not UTF-8.
        broken: why a record cannot be taken apart; null where it can.
    """
    why = F.lit(None).cast("string") if broken is None else broken
    # A step of its own, so that each value is computed once.
    read = df.select(
        "file",
        "position",
        record.alias("record"),
        why.alias("broken"),
        sentences(F.array(*strays).cast("array<string>")).alias("details"),
        *[values[field.name].alias(f"f{i}") for i, field in enumerate(fields)],
    )
    found = [F.col(f"f{i}") for i in range(len(fields))]
    raw = F.struct(
        *[_given(one["value"], field, files).alias(field.name) for one, field in zip(found, fields, strict=True)]
    )
    is_broken = F.col("broken").isNotNull()
    return read.select(
        "file",
        "position",
        "record",
        F.when(is_broken, F.array("broken")).otherwise(together([one["problems"] for one in found])).alias("problems"),
        "details",
        together([one["notes"] for one in found]).alias("notes"),
        F.when(~is_broken, raw).alias("raw"),
    )


def _given(value: Column, field: Field, files: Sequence[RawFile]) -> Column:
    """What a record says, or else the folder that it lies in."""
    if field.type == "string" and not field.is_text:
        value = name_of(value)
    if field.type == "double":  # not given: Python writes a missing number so, and pandas keeps it so
        value = F.when(~F.isnan(value), value)
    return F.coalesce(value, _folder_value(field, files)) if "<" not in field.type else value


def _folder_value(field: Field, files: Sequence[RawFile]) -> Column:
    """What the folder of a file says about its records, like `language=French`."""
    said = {file.name: file.folder_values[field.column] for file in files if field.column in file.folder_values}
    if not said:
        return F.lit(None).cast(field.type)
    by_file = F.create_map(*[F.lit(text) for pair in said.items() for text in pair])
    return name_of(F.try_element_at(by_file, F.col("file"))).try_cast(field.type)


def _no_records(spark: SparkSession, fields: Sequence[Field]) -> DataFrame:
    texts = [StructField(name, StringType()) for name in ("file", "record")]
    lists = [StructField(name, ArrayType(StringType())) for name in ("problems", "details", "notes")]
    raw = StructField("raw", StructType([StructField(field.name, type_of(field.type)) for field in fields]))
    return spark.createDataFrame([], StructType([*texts, *lists, StructField("position", LongType()), raw]))


def _order_columns(df: DataFrame) -> list[Column]:
    # Inside a split the id grows with the row; splits of a file are ordered by where they start.
    return [
        df.metadataColumn("_metadata")["file_block_start"].alias("block_start"),
        F.monotonically_increasing_id().alias("row_id"),
    ]


def _add_position(df: DataFrame) -> DataFrame:
    in_file = Window.partitionBy("file").orderBy("block_start", "row_id")
    return df.withColumn("position", (F.row_number().over(in_file) - 1).cast("bigint")).drop("block_start", "row_id")


def _file_name(df: DataFrame, files: Sequence[RawFile]) -> Column:
    """The relative name of the file that a row came from."""
    names = F.create_map(*[F.lit(text) for f in files for text in (_comparable(f.path), f.name)])
    # By this call, since a file may have a column of that name.
    read_from = df.metadataColumn("_metadata")["file_path"]
    plus_kept = F.replace(read_from, F.lit("+"), F.lit("%2B"))
    path = F.regexp_replace(F.try_url_decode(plus_kept), r"^\w+:/+", "/")
    return F.element_at(names, path).alias("file")


def _comparable(path: str) -> str:
    scheme, colon, rest = path.partition(":/")
    return "/" + rest.lstrip("/") if colon and scheme.isalnum() else path


def _by_schema(spark: SparkSession, files: Sequence[RawFile]) -> list[list[RawFile]]:
    groups: dict[str, list[RawFile]] = {}
    for file in files:
        if file.kind == "parquet":
            groups.setdefault(_schema_of(spark, file), []).append(file)
    return list(groups.values())


def _schema_of(spark: SparkSession, file: RawFile) -> str:
    try:
        return reader_of(spark, [file.path]).parquet(for_reader(file.path)).schema.json()
    except AnalysisException as error:
        if error.getCondition() == "COLUMN_ALREADY_EXISTS":
            reason = "two of its columns differ only in case, and Spark cannot tell them apart; rename one of them"
            raise UnreadableFileError(file.path, reason) from None
        raise


def _places(columns: Sequence[str]) -> list[str]:
    return [f"c{place}" for place in range(len(columns))]
