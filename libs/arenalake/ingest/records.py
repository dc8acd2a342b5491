"""Raw files as records: one shape for JSON, parquet and CSV, in which a wrong type is a finding, not a crash."""

import csv
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from itertools import takewhile

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    AtomicType,
    BinaryType,
    BooleanType,
    DataType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from arenalake.errors import UnreadableFileError
from arenalake.ingest.elements import is_array, join_pieces, read_pieces
from arenalake.ingest.files import RawFile, for_reader, local_file, reader_of, require_content_of_its_kind
from arenalake.ingest.utf8 import escaped_in, first_stray, texts_in
from arenalake.ingest.values import (
    as_json,
    is_as_wanted,
    not_utf8,
    of_column,
    of_json,
    one,
    settled,
    together,
    type_of,
    with_columns,
    wrong_type,
)
from arenalake.sources.names import clean_name, filled, filled_name, name_of
from arenalake.sources.source import Field, sentences

log = logging.getLogger(__name__)

# The column of rows that do not fit their header; its usual name may be that of a column of a file.
_CORRUPT = "_arenalake_corrupt"
# So many columns that are not read are named.
_LISTED = 20
# A header ends within so many lines.
_HEADER_LINES = 100
# Types of fields that may be written as text.
_WRITTEN_AS_TEXT = ("double", "boolean")
# What JSON calls white space.
_JSON_SPACE = " \t\r\n"
# An escape that is not a character but half of one. Where both halves are there, Spark makes one of them.
_SURROGATE = r"(?i)\\u(d[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..\\u)d[c-f])"
# What Spark's reader of JSON refuses though it is JSON: a number so long, and a list or an object so deep in others.
_LONG_NUMBER = r"[0-9]{1001}"
_DEEP = r"(?:[\[{][^\[\]{}]*+){1000}"
# Bytes that are not UTF-8 have become this where a reader decodes them.
_REPLACEMENT = "\ufffd"


def read_records(
    spark: SparkSession,
    files: Sequence[RawFile],
    fields: Sequence[Field],
    *,
    positioned: bool,
    closely: Collection[str] = (),
    unfold: Callable[[DataFrame], DataFrame] | None = None,
) -> DataFrame:
    """Read files of any of the three kinds.

    Args:
        positioned: number the records of a file; costs a sort of each file that is not parquet.
        closely: names of lists and objects of JSON that are taken apart piece by piece where their types are not those
            that are wanted. It is not done for all, since a plan that can do it takes long to make.
        unfold: what is done to documents of JSON first, see `Source`.

    Returns:
        file (relative name), position (from 0; null unless `positioned`), record (the JSON, or the row as JSON),
        problems (array<string>: what has the wrong type), details (array<string>: where bytes are not UTF-8, which
        takes time and is for broken records to ask for), notes (array<string>: what is there and has no place in the
        tables), unlike (array<string>: which lists and objects have other types than those that are wanted and were not
        read closely, so that of these neither value nor problems are to be trusted), is_whole (false where the record
        cannot be taken apart: then none of its values counts), and for each of `fields` raw_<name>, null where it is
        missing or of another type.

    Raises:
        UnreadableFileError: a file is not of the kind that its name says, or its columns cannot be told.
    """
    for file in files:
        require_content_of_its_kind(file)
    said = {column for file in files for column in file.folder_values}
    _tell_unread("folders", said - {field.column for field in fields})
    # The other endings of JSON promise a record per line.
    arrays = [f for f in files if re.search(r"\.json(\.|$)", f.name, re.IGNORECASE) and is_array(spark, f)]
    lines = [f for f in files if f.kind == "json" and f not in arrays]
    groups = [_read_lines(spark, lines, fields, closely, positioned, unfold)] if lines else []
    groups += [_read_arrays(spark, arrays, fields, closely, unfold)] if arrays else []
    # Parquet files of one source may differ in schema, and CSV files in the order of columns: each is read by its own.
    groups += [
        _read_parquet(spark, same, schema, fields, positioned) for schema, same in _by_schema(spark, files, fields)
    ]
    groups += [_read_csv(spark, file, fields, positioned) for file in files if file.kind == "csv"]
    return reduce(DataFrame.unionByName, groups)


def _tell_unread(what: str, names: Collection[str]) -> None:
    """Log which columns, or which folders such as `shard=3`, no field asks for."""
    if names:
        listed = [*sorted(names)[:_LISTED], *(["…"] if len(names) > _LISTED else [])]
        told = {what: ",".join(listed), "number": len(names)}
        log.info(f"{what} that no table needs are not read", extra=told)


def count_rows(records: DataFrame) -> dict[str, int]:
    """Records per file; files without records are absent. Reads no content of parquet."""
    return {row["file"]: row["n"] for row in records.groupBy("file").agg(F.count("*").alias("n")).collect()}


def _read_lines(
    spark: SparkSession,
    files: Sequence[RawFile],
    fields: Sequence[Field],
    closely: Collection[str],
    positioned: bool,
    unfold: Callable[[DataFrame], DataFrame] | None,
) -> DataFrame:
    lines = reader_of(spark, [f.path for f in files]).text([for_reader(f.path) for f in files])
    lines = lines.select("value", _file_name(lines, files), *_order_columns(lines)).where(_trimmed("value") != "")
    lines = _add_position(lines) if positioned else lines.withColumn("position", F.lit(None).cast("bigint"))
    lines = lines if unfold is None else unfold(lines)
    return _json_records(lines, files, fields, closely, where="the line")


def _read_arrays(
    spark: SparkSession,
    files: Sequence[RawFile],
    fields: Sequence[Field],
    closely: Collection[str],
    unfold: Callable[[DataFrame], DataFrame] | None,
) -> DataFrame:
    pieces = read_pieces(spark, files)
    pieces = pieces.select("value", _file_name(pieces, files), *_order_columns(pieces))
    elements = join_pieces(pieces, n_files=len(files))
    elements = elements if unfold is None else unfold(elements)
    return _json_records(elements, files, fields, closely, where="the element")


def _json_records(
    documents: DataFrame, files: Sequence[RawFile], fields: Sequence[Field], closely: Collection[str], *, where: str
) -> DataFrame:
    """Documents (file, position, value) as records."""
    # In brackets with a number behind it, so that what follows the object is noticed, which Spark would leave out.
    in_brackets = F.concat(F.lit("["), F.col("value"), F.lit(",7]"))
    read = documents.withColumn("parsed", F.from_json(in_brackets, "variant"))
    is_alone = F.coalesce(F.try_variant_get("parsed", "$[1]", "int") == 7, F.lit(False))
    is_object = _trimmed("value").startswith("{") & is_alone
    starts_array = _trimmed("value").startswith("[")
    unlike = (
        F.when(F.col("value") == "", "the file ends inside its list, so further records are missing")
        .when(starts_array & (where == "the line"), f"{where} is a list; rename a file that holds one list to .json")
        .when(F.col("parsed").isNotNull(), f"{where} is not a JSON object")
        .when(
            F.rlike("value", F.lit(_SURROGATE)), f"{where} has half a surrogate pair, such as \\ud83d, or is not JSON"
        )
        .when(~_trimmed("value").endswith("}"), f"{where} ends inside a record, or is not JSON")
        .when(F.rlike("value", F.lit(_LONG_NUMBER)), f"{where} has a number of over 1,000 digits, or is not JSON")
        .when(F.rlike("value", F.lit(_DEEP)), f"{where} is nested more than 1,000 levels deep, or is not JSON")
        .otherwise(f"{where} is not JSON, or an object in it has the same key twice")
    )
    broken = F.when(~F.is_valid_utf8("value"), not_utf8(where)).when(F.col("parsed").isNull() | ~is_object, unlike)
    read = read.withColumn("members", F.try_variant_get("parsed", "$[0]", "map<string,variant>"))
    members = {f"member_{i}": F.col("members")[field.column] for i, field in enumerate(fields)}
    texts = {f"text_{i}": F.try_variant_get(member, "$", "string") for i, member in enumerate(members)}
    read = read.withColumns(members).withColumns(texts)
    # In a step of its own, since it is used often and takes long to write out.
    no_texts = [f"text_{i}" for i, field in enumerate(fields) if field.type in _WRITTEN_AS_TEXT]
    read = with_columns(read, {name: filled_name(F.col(name)) for name in no_texts})
    # Nearly every list and object is as it should be, and Spark reads it by its type in a fraction of the time.
    nested = [(i, field) for i, field in enumerate(fields) if is_nested(field)]
    types = {field.column: type_of(field.type) for _, field in nested}
    typed = F.from_json("value", StructType([StructField(column, kind) for column, kind in types.items()]))
    as_wanted = {f"as_wanted_{i}": is_as_wanted(F.col(f"member_{i}"), types[field.column]) for i, field in nested}
    read = with_columns(read, as_wanted | ({"typed": typed} if nested else {}))

    def value_of(i: int, field: Field) -> Column:
        if field.is_json:
            return one(F.col(f"text_{i}"))
        usual = settled(F.col("typed")[field.column]) if is_nested(field) else None
        if usual is not None and field.name not in closely:
            return usual
        value = of_json(F.col(f"member_{i}"), type_of(field.type), field.column, text=F.col(f"text_{i}"))
        return value if usual is None else F.when(F.col(f"as_wanted_{i}"), usual).otherwise(value)

    values = {field.name: value_of(i, field) for i, field in enumerate(fields)}
    doubted = [F.when(~F.col(f"as_wanted_{i}"), field.name) for i, field in nested if field.name not in closely]
    strays = [first_stray(where, F.col("value"))]
    return _records(read, values, files, fields, record=F.col("value"), strays=strays, broken=broken, unlike=doubted)


def _trimmed(text: str) -> Column:
    return F.btrim(text, F.lit(_JSON_SPACE))


def _read_parquet(
    spark: SparkSession, files: Sequence[RawFile], schema: StructType, fields: Sequence[Field], positioned: bool
) -> DataFrame:
    reader = reader_of(spark, [f.path for f in files]).schema(schema)
    df = reader.parquet(*[for_reader(f.path) for f in files])
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
    with_ends = [line + "\n" for line in first_lines]
    columns: list[str] = next((cells for cells in csv.reader(with_ends, delimiter=separator) if cells), [])
    if not columns:  # not even a header, so there is nothing that Spark could be asked for
        return _no_records(spark, fields)
    # Cells go by place, and the header is a row like the others: Spark compares it with the names of its schema, which
    # cannot be told it where two are alike, and warns of what differs.
    reader = reader_of(spark, [file.path]).option("sep", separator).option("multiLine", True).option("escape", '"')
    reader = (
        reader.option("mode", "PERMISSIVE").option("columnNameOfCorruptRecord", _CORRUPT).option("encoding", "UTF-8")
    )
    by_feeds = _first_lines(spark, file, line_end="\n")
    reader = reader.option("lineSep", _line_end(by_feeds, first_lines))
    places = _places(columns)
    schema = StructType([StructField(name, StringType()) for name in [*places, _CORRUPT]])
    df = reader.schema(schema).csv(for_reader(file.path))
    df = df.select("*", _file_name(df, [file]), *_order_columns(df)).withColumnRenamed(_CORRUPT, "corrupt")
    # Spark refuses plans that ask for nothing but the corrupt rows, as one does where no column is mapped: so the first
    # column adds nothing to them.
    nothing = F.left(F.coalesce(F.col("c0"), F.lit("")), F.lit(0))
    df = df.withColumn("corrupt", F.concat("corrupt", nothing))
    # A file with line breaks in quotes is read by one task, so its header comes first. Lines of nothing are no rows.
    is_blank = F.btrim("corrupt", F.lit("\r\n")) == ""
    if len(places) == 1:
        is_blank = F.coalesce(is_blank, F.col("c0") == "\r")
    is_header = F.col("row_id") <= _lines_before_header(by_feeds)
    df = df.where(~(F.coalesce(is_blank, F.lit(False)) | is_header))
    df = df.withColumns({name: F.regexp_replace(name, "\r$", "") for name in (places[-1], "corrupt")})
    is_valid, last_line = _lines_of_csv(spark, file)
    unclosed = _is_never_closed(F.concat_ws("", *places), last_line, separator)
    df = df.withColumn("unclosed", unclosed)
    df = _add_position(df) if positioned else df.withColumn("position", F.lit(None).cast("bigint"))
    types: list[DataType] = [StringType()] * len(columns)
    return _table_records(df, columns, types, [file], fields, decoded=not is_valid)


def _first_lines(spark: SparkSession, file: RawFile, *, line_end: str | None = None) -> list[str]:
    """What a header is among, by this line end or whatever ends a line, and without it."""
    reader = reader_of(spark, [file.path])
    reader = reader if line_end is None else reader.option("lineSep", line_end)
    lines = reader.text(for_reader(file.path)).where("_metadata.file_block_start = 0")
    return [row["value"] for row in lines.head(_HEADER_LINES)]


def _lines_before_header(by_feeds: Sequence[str]) -> int:
    """Lines before the header that hold a carriage return and nothing else: Spark takes them for rows."""
    return sum(line == "\r" for line in takewhile(lambda line: not line.strip("\r"), by_feeds))


def _line_end(by_feeds: Sequence[str], first_lines: Sequence[str]) -> str:
    """What every row ends with: told by Spark itself it would be the header's, and another one would reach the values.

    A carriage return before it is not part of the last cell.
    """
    return "\r" if min(2, len(by_feeds)) < min(2, len(first_lines)) else "\n"


def _is_never_closed(row: Column, last_line: str, separator: str) -> Column:
    """Whether a row, its cells one after the other, has a quote that is never closed: it reaches to the file's end."""
    row = F.btrim(row, F.lit("\r\n"))
    # A cell of several lines that is closed ends in a quote.
    swallows = F.contains(row, F.lit("\n")) & F.endswith(row, F.lit(last_line)) & F.lit(not last_line.endswith('"'))
    try:
        list(csv.reader([last_line], delimiter=separator, strict=True))
        is_open = False
    except csv.Error as error:
        is_open = "unexpected end of data" in str(error)
    bare = str.maketrans("", "", f'"{separator}')
    is_last = F.translate(row, f'"{separator}', "") == last_line.translate(bare)
    return swallows | (is_last & F.lit(is_open))


def _lines_of_csv(spark: SparkSession, file: RawFile) -> tuple[bool, str]:
    """Whether a file is UTF-8, and its last line that is not blank."""
    lines = reader_of(spark, [file.path]).text(for_reader(file.path))
    is_valid = F.coalesce(F.bool_and(F.is_valid_utf8("value")), F.lit(True))
    last = F.max_by("value", F.when(F.trim("value") != "", F.struct("block_start", "row_id")))
    lines = lines.select("value", *_order_columns(lines))
    found = lines.agg(is_valid.alias("is_valid"), last.alias("last_line")).head()
    return found["is_valid"], found["last_line"].strip("\r\n")  # type: ignore[index]


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
            header, and unclosed, whether a quote in it is never closed.
        columns: their names.
        types: their types.
        files: where the rows come from.
        fields: what is looked for.
        decoded: bytes that are not UTF-8 were replaced in texts.
    """
    places: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        places.setdefault(clean_name(column), []).append(place)
    _tell_unread("columns", set(places) - {clean_name(field.column) for field in fields})
    values, filled_texts = {}, {}
    for field in fields:
        found = places.get(clean_name(field.column), [])
        wanted = type_of(field.type)
        if len(found) == 1:
            place = found[0]
            cell = F.col(f"c{place}")
            if field.type in _WRITTEN_AS_TEXT and isinstance(types[place], StringType):
                cell, filled_texts[f"filled_{place}"] = F.col(f"filled_{place}"), filled_name(cell)
            read = as_json if field.is_json else of_column
            values[field.name] = read(cell, types[place], wanted, field.column)
            continue
        told = f"{field.name}: the file has the column {field.column!r} {len(found)} times; rename all but one of them"
        if not found:
            told = f"{field.name}: the file has no column {field.column!r}"
        by_folder = _folder_text(field, files)
        is_missing = F.lit(field.mapped) if by_folder is None else F.lit(field.mapped) & by_folder.isNull()
        missing = F.when(F.lit(bool(found)) | is_missing, told)
        nothing = F.lit(None).cast(wanted)
        values[field.name] = settled(nothing, [missing]) if is_nested(field) else one(nothing, missing)
    df = with_columns(df, filled_texts)
    is_csv = "corrupt" in df.columns
    for field in fields:
        if is_csv and field.type == "string":
            values[field.name] = _refuse_what_csv_broke(values[field.name], field, decoded=decoded)
    cells = [(F.col(f"c{i}"), kind, column) for i, (kind, column) in enumerate(zip(types, columns, strict=True))]
    if is_csv:  # its cells were decoded: no byte is left in them that is not UTF-8
        record = F.coalesce("corrupt", _as_json([cell.alias(column) for cell, _, column in cells]))
        broken = F.when(F.col("unclosed"), "a quote is never closed, so this row holds all text that follows")
        broken = broken.when(F.col("corrupt").isNotNull(), "the row has more or fewer cells than the header")
        return _records(df, values, files, fields, record=record, strays=[], broken=broken)
    record = _as_json([escaped_in(cell, kind).alias(column) for cell, kind, column in cells])
    strays = [first_stray(column, text) for cell, kind, column in cells for text in texts_in(cell, kind)]
    return _records(df, values, files, fields, record=record, strays=strays)


def _as_json(cells: Sequence[Column]) -> Column:
    return F.to_json(F.struct(*cells), {"ignoreNullFields": "false"})


def _refuse_what_csv_broke(value: Column, field: Field, *, decoded: bool) -> Column:
    """A text from CSV, with a problem where a byte in it was replaced or a quote in a name has no other."""
    text, problem = value["value"], value["problem"]
    shown = F.concat(F.lit(f"{field.name} is "), F.left(text, F.lit(100)))
    if decoded:
        is_replaced = F.contains(text, F.lit(_REPLACEMENT))
        told = F.concat(shown, F.lit(", with bytes that are not UTF-8; save the file as UTF-8"))
        problem = F.coalesce(problem, F.when(is_replaced, told))
    if not (field.is_text or field.is_json):
        told = F.concat(shown, F.lit(", a cell whose quotes do not match"))
        problem = F.coalesce(problem, F.when(F.startswith(filled_name(text), F.lit('"')), told))
    return one(text, problem)


def _records(
    df: DataFrame,
    values: Mapping[str, Column],
    files: Sequence[RawFile],
    fields: Sequence[Field],
    *,
    record: Column,
    strays: Sequence[Column],
    broken: Column | None = None,
    unlike: Sequence[Column] = (),
) -> DataFrame:
    """Put records together from what was read.

    Args:
        df: file, position, and what the columns below are made of.
        values: by the names of fields, as `of_json` and `of_column` give them.
        files: where they come from.
        fields: in the order of the values.
        record: the record as text.
        strays: sentences about bytes that are not UTF-8.
        broken: why a record cannot be taken apart; null where it can.
        unlike: names of what ought to be read closely, or null.
    """
    why = F.lit(None).cast("string") if broken is None else broken
    numbered = list(enumerate(fields))
    nested = [i for i, field in numbered if is_nested(field)]
    plain = [i for i, field in numbered if not is_nested(field)]
    by_folder = {i: text for i in plain if (text := _folder_text(fields[i], files)) is not None}
    # Each select is a step, in which a value is computed once however often the next one uses it. Spark would undo the
    # steps if the columns between them were structs of which single fields are used.
    read = df.select(
        "file",
        "position",
        record.alias("record"),
        why.alias("broken"),
        sentences(F.array(*strays).cast("array<string>")).alias("details"),
        sentences(F.array(*unlike).cast("array<string>")).alias("unlike"),
        *[values[fields[i].name].alias(f"nested_{i}") for i in nested],
        *[values[fields[i].name]["value"].alias(f"value_{i}") for i in plain],
        *[values[fields[i].name]["problem"].alias(f"problem_{i}") for i in plain],
        *[text.alias(f"folder_{i}") for i, text in by_folder.items()],
    )
    by_folder = {i: F.col(f"folder_{i}") for i in by_folder}
    names = [i for i in plain if _is_name(fields[i])]
    read = with_columns(read, {f"value_{i}": filled_name(F.col(f"value_{i}")) for i in names})
    found = {i: F.col(f"value_{i}") for i in plain}
    found |= {i: F.col(f"nested_{i}.value") for i in nested}
    told = [F.col(f"problem_{i}") for i in plain]
    told += [_folder_problem(found[i], F.col(f"folder_{i}"), fields[i]) for i in by_folder]
    problems = [F.when(F.coalesce(*told).isNotNull(), sentences(F.array(*told)))] if plain else []
    problems += [F.col(f"nested_{i}.problems") for i in nested]
    given = read.select(
        "file",
        "position",
        "record",
        F.when(F.col("broken").isNull(), together(problems)).otherwise(F.array("broken")).alias("problems"),
        "details",
        "unlike",
        together([F.col(f"nested_{i}.notes") for i in nested]).alias("notes"),
        F.col("broken").isNull().alias("is_whole"),
        *[_given(found[i], field, by_folder.get(i)).alias(f"given_{i}") for i, field in numbered],
    )
    raw = [F.col(f"given_{i}").alias(f"raw_{field.name}") for i, field in numbered]
    return given.select("file", "position", "record", "problems", "details", "unlike", "notes", "is_whole", *raw)


def _given(value: Column, field: Field, by_folder: Column | None) -> Column:
    """What a record says, or else the folder that it lies in."""
    if _is_name(field):
        value = name_of(value, is_language=field.name == "language")
    if field.type == "double":  # not given: Python writes a missing number so, and pandas keeps it so
        value = F.when(~F.isnan(value), value)
    return value if by_folder is None else F.coalesce(value, by_folder.try_cast(field.type))


def _is_name(field: Field) -> bool:
    return field.type == "string" and not (field.is_text or field.is_json)


def is_nested(field: Field) -> bool:
    """Whether a field is a list or an object."""
    return not isinstance(type_of(field.type), AtomicType)


def _folder_problem(value: Column, by_folder: Column, field: Field) -> Column:
    """Told where a folder is asked and what it says is of another type."""
    is_wrong = value.isNull() & by_folder.isNotNull() & by_folder.try_cast(field.type).isNull()
    told = F.concat(wrong_type(field.column, type_of(field.type)), F.lit("; its folder says "), by_folder)
    return F.when(is_wrong, told)


def _folder_text(field: Field, files: Sequence[RawFile]) -> Column | None:
    """What the folder of a file says about its records, like `language=French`; None where no folder does."""
    said = {file.name: file.folder_values[field.column] for file in files if field.column in file.folder_values}
    if not said or is_nested(field):
        return None
    by_file = F.create_map(*[F.lit(text) for pair in said.items() for text in pair])
    return name_of(filled(F.try_element_at(by_file, F.col("file"))), is_language=field.name == "language")


def _no_records(spark: SparkSession, fields: Sequence[Field]) -> DataFrame:
    texts = [StructField(name, StringType()) for name in ("file", "record")]
    lists = [StructField(name, ArrayType(StringType())) for name in ("problems", "details", "unlike", "notes")]
    raw = [StructField(f"raw_{field.name}", type_of(field.type)) for field in fields]
    others = [StructField("position", LongType()), StructField("is_whole", BooleanType())]
    return spark.createDataFrame([], StructType([*texts, *lists, *others, *raw]))


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


def _by_schema(
    spark: SparkSession, files: Sequence[RawFile], fields: Sequence[Field]
) -> list[tuple[StructType, list[RawFile]]]:
    groups: dict[str, tuple[StructType, list[RawFile]]] = {}
    for file in files:
        if file.kind == "parquet":
            schema = _schema_of(spark, file, fields)
            groups.setdefault(schema.json(), (schema, []))[1].append(file)
    return list(groups.values())


def _schema_of(spark: SparkSession, file: RawFile, fields: Sequence[Field]) -> StructType:
    """The columns of a parquet file; where Spark cannot read all of them, those that are asked for."""
    try:
        return reader_of(spark, [file.path]).parquet(for_reader(file.path)).schema
    except Exception as error:  # what classic Spark and Connect raise differs, their sentences do not
        if "[COLUMN_ALREADY_EXISTS]" in str(error):
            reason = "two of its columns differ only in case, and Spark does not distinguish them; rename one of them"
            raise UnreadableFileError(file.path, reason) from None
        unreadable = re.search(r"\[(?:UNSUPPORTED|PARQUET_TYPE|DECIMAL_PRECISION)_[\w.]+\] ([^\n]*)", str(error))
        if unreadable is None:
            raise
        wanted = _columns_asked_for(spark, file, fields)
        if wanted is None:
            raise UnreadableFileError(file.path, unreadable[1]) from None
        return wanted


def _columns_asked_for(spark: SparkSession, file: RawFile, fields: Sequence[Field]) -> StructType | None:
    """By the footer of a file that is here; None where it is not, or where Spark cannot read one of them."""
    path = local_file(file.path)
    if path is None:
        return None
    names = {clean_name(field.column) for field in fields}
    columns = [column for column in pq.read_schema(path) if clean_name(column.name) in names]
    try:
        wanted = spark.createDataFrame(pa.schema(columns).empty_table()).schema
        return reader_of(spark, [file.path]).schema(wanted).parquet(for_reader(file.path)).schema
    except (PySparkException, ValueError):
        return None


def _places(columns: Sequence[str]) -> list[str]:
    return [f"c{place}" for place in range(len(columns))]
