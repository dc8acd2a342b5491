"""Values of raw records in their declared types, whatever kind of file they come from.

A value is null where it is missing or has another type; the latter is a problem, told by the path of the value. What is
there and has no place in the tables is a note: it is counted and named, and the record is kept.
"""

import re
from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_
from typing import cast

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    AtomicType,
    BooleanType,
    DataType,
    DoubleType,
    FloatType,
    MapType,
    StringType,
    StructField,
    StructType,
    VariantType,
)

from arenalake.moderation import CATEGORIES, spellings_of
from arenalake.sources.names import NO_NUMBERS, filled
from arenalake.sources.source import sentences

# The column of what is not JSON; its usual name may be that of a column of a file.
CORRUPT = "_arenalake_corrupt"
# What `schema_of_variant` calls numbers, and what has an inside.
_NUMBER = r"(?:BIGINT|DOUBLE|FLOAT|DECIMAL\(\d+,\d+\))"
_NESTED = "^(ARRAY|OBJECT)"
_EXPECTED = {
    "string": "text",
    "double": "a number",
    "boolean": "true or false",
    "array": "a list",
    "struct": "an object",
}
# The field of a message that may be a list of parts instead of a text.
_IN_PARTS = "content"


def type_of(ddl: str) -> DataType:
    """A type from its name in SQL."""
    return cast(StructType, StructType.fromDDL(f"value {ddl}")).fields[0].dataType


def of_json(value: Column, wanted: DataType, path: str) -> Column:
    """A value of a JSON document as text, double, boolean, or lists and objects of these.

    Numbers and truth values are text where text is wanted, and text is read as a number or a truth value where one is:
    the same in every kind of file. The text of a message may come in parts, as a list of texts and of objects with
    `type` and `text`: texts are joined by line breaks.

    Args:
        value: a variant.
        wanted: the type.
        path: what the value is called in problems and notes.

    Returns:
        struct<value, problems: array<string>, notes: array<string>>
    """
    if isinstance(wanted, AtomicType):
        return _one_of_json(value, wanted, path)
    # Nearly every value is as it should be, and is then read in one go; the rest is looked at piece by piece.
    as_wanted = F.schema_of_variant(value).rlike(f"^{_pattern(wanted)}$")
    if isinstance(wanted, ArrayType):
        by_pieces = _list_of_json(value, wanted, path)
    else:
        by_pieces = _object_of_json(value, cast(StructType, wanted), path)
    return F.when(as_wanted, settled(_get(value, _sql(wanted)))).otherwise(by_pieces)


def of_json_text(text: Column, document: Column, wanted: DataType, column: str) -> Column:
    """A member of a JSON object that Spark gave as text, whatever it was, as text, double or boolean.

    Args:
        text: the member.
        document: the object that it is a member of, which is read again where the text leaves open what it was.
        wanted: the type.
        column: its key.

    Returns:
        As `of_json`.
    """
    # Spark puts numbers that are none into quotes.
    text = F.when(text.isin(*[f'"{sign}"' for sign in NO_NUMBERS]), F.trim(text, F.lit('"'))).otherwise(text)
    if not isinstance(wanted, StringType):
        return of_column(text, StringType(), wanted, column)
    # A list, an object, or a number that is too large to be written without an exponent; or a text that looks like one.
    is_open = text.rlike(r"^[\[{]|^-?\d\.\d+E\d+$")
    schema = StructType([StructField(column, VariantType())])
    member = F.from_json(document, schema, {"columnNameOfCorruptRecord": CORRUPT}).cast("struct<v: variant>")["v"]
    kind = F.schema_of_variant(member)
    is_nested = is_open & kind.rlike(_NESTED)
    number = F.when(is_open & kind.rlike(f"^{_NUMBER}$"), _text_of(_get(member, "double")))
    return settled(F.coalesce(number, text), [F.when(is_nested, _wrong(column, wanted))])


def _pattern(kind: DataType) -> str:
    """A regular expression for what `schema_of_variant` says of values of this type, in which keys may be missing."""
    if isinstance(kind, ArrayType):
        return rf"(?:VOID|ARRAY<{_pattern(kind.elementType)}>)"
    if isinstance(kind, StructType):
        members = "".join(
            f"(?:`?{re.escape(one.name)}`?: {_pattern(one.dataType)}(?:, )?)?"
            for one in sorted(kind.fields, key=lambda one: one.name)
        )
        return rf"(?:VOID|OBJECT<{members}>)"
    return {StringType: "(?:VOID|STRING)", DoubleType: rf"(?:VOID|{_NUMBER})"}.get(type(kind), "(?:VOID|BOOLEAN)")


def _sql(kind: DataType) -> str:
    if isinstance(kind, ArrayType):
        return f"array<{_sql(kind.elementType)}>"
    if isinstance(kind, StructType):
        return f"struct<{', '.join(f'`{one.name}`: {_sql(one.dataType)}' for one in kind.fields)}>"
    return kind.simpleString()


def _one_of_json(value: Column, wanted: DataType, path: str) -> Column:
    found, text = F.schema_of_variant(value), _get(value, "string")
    if isinstance(wanted, StringType):
        # Nearly no text starts like this, so the type is nearly never asked for.
        is_nested = text.rlike(r"^[\[{]") & found.rlike(_NESTED)
        return settled(F.when(~is_nested, text), [F.when(is_nested, _wrong(path, wanted))])
    is_text, number = found == "STRING", filled(text)
    fits = found.rlike(f"^{_NUMBER}$") | (found == ("VOID" if isinstance(wanted, DoubleType) else "BOOLEAN"))
    read = F.when(is_text, number.try_cast(wanted)).when(fits, _get(value, wanted.simpleString()))
    is_given = F.when(is_text, number.isNotNull()).otherwise(found != "VOID")
    return settled(read, [F.when(is_given & read.isNull(), _wrong(path, wanted))])


def _list_of_json(value: Column, wanted: ArrayType, path: str) -> Column:
    def whole(elements: Column) -> Column:
        is_other = elements.isNull() & (F.schema_of_variant(value) != "VOID")
        problems = F.array_distinct(F.flatten(elements["problems"]))
        return settled(
            elements["value"],
            [F.when(is_other, _wrong(path, wanted))],
            more_problems=[problems],
            notes=[F.array_distinct(F.flatten(elements["notes"]))],
        )

    elements = F.transform(_get(value, "array<variant>"), lambda one: of_json(one, wanted.elementType, f"{path}[]"))
    return _let(elements, whole)


def _object_of_json(value: Column, wanted: StructType, path: str) -> Column:
    """An object; keys that `wanted` lacks are not looked at, but for moderation categories that are flagged."""
    are_categories = set(wanted.names) == set(CATEGORIES)
    members = _get(value, "map<string,variant>")

    def whole(members: Column) -> Column:
        given = {name: members[name] for name in wanted.names}
        if are_categories:
            given = {name: F.coalesce(*[members[key] for key in spellings_of(name)]) for name in wanted.names}
        read = F.struct(*[_member_of_json(given[one.name], one, path).alias(one.name) for one in wanted.fields])
        return _let(read, lambda read: put_together(members, read))

    def put_together(members: Column, read: Column) -> Column:
        is_other = members.isNull() & (F.schema_of_variant(value) != "VOID")
        return settled(
            F.when(members.isNotNull(), F.struct(*[read[name]["value"].alias(name) for name in wanted.names])),
            [F.when(is_other, _wrong(path, wanted))],
            more_problems=[read[name]["problems"] for name in wanted.names],
            notes=[
                *([_unknown_categories(members, path)] if are_categories else []),
                *[read[name]["notes"] for name in wanted.names],
            ],
        )

    return _let(members, whole)


def _member_of_json(value: Column, member: StructField, path: str) -> Column:
    path = f"{path}.{member.name}"
    if member.name == _IN_PARTS and isinstance(member.dataType, StringType):
        return F.when(F.schema_of_variant(value).startswith("ARRAY"), _text_of_parts(value, path)).otherwise(
            of_json(value, member.dataType, path)
        )
    return of_json(value, member.dataType, path)


def _text_of_parts(value: Column, path: str) -> Column:
    def is_text(part: Column) -> Column:
        return F.schema_of_variant(part) == "STRING"

    parts = F.transform(
        _get(value, "array<variant>"),
        lambda part: F.struct(
            F.when(is_text(part), "text").otherwise(_get(part, "string", "$.type")).alias("kind"),
            F.when(is_text(part), _get(part, "string")).otherwise(_get(part, "string", "$.text")).alias("text"),
        ),
    )

    def whole(parts: Column) -> Column:
        texts = F.filter(parts, lambda part: part["kind"] == "text")["text"]
        others = F.array_distinct(F.filter(parts["kind"], lambda kind: kind != "text"))
        is_other = F.exists(parts["kind"], F.isnull) | F.exists(texts, F.isnull)
        told = F.transform(
            others, lambda kind: F.concat(F.lit(f"{path} has parts of type "), kind, F.lit(", not kept"))
        )
        return settled(F.array_join(texts, "\n"), [F.when(is_other, _wrong(path, StringType()))], notes=[told])

    return _let(parts, whole)


def _unknown_categories(members: Column, path: str) -> Column:
    known = [key for category in CATEGORIES for key in spellings_of(category)]
    unknown = F.filter(F.map_keys(members), lambda key: ~key.isin(known) & (_get(members[key], "string") == "true"))
    return F.transform(unknown, lambda key: F.concat(F.lit(f"{path}: "), key, F.lit(" is flagged and has no column")))


def of_column(value: Column, given: DataType, wanted: DataType, path: str) -> Column:
    """A column of a table as `wanted`; lists and objects of another type are converted by the rules of `of_json`.

    Args:
        value: the column.
        given: its type in the file.
        wanted: the type.
        path: what the value is called in problems and notes.

    Returns:
        As `of_json`.
    """
    if given.simpleString() == wanted.simpleString():
        return settled(value, [F.when(~F.is_valid_utf8(text), not_utf8(path)) for text in texts_in(value, given)])
    if not isinstance(wanted, AtomicType):
        # A cast between structs goes by position; by way of JSON it goes by name, and a missing key is null.
        text = F.to_json(F.struct(value.alias("v")))
        document = F.from_json(text, StructType([StructField("v", VariantType())]))["v"]
        are_valid = [F.coalesce(F.is_valid_utf8(text), F.lit(True)) for text in texts_in(value, given)]
        broken = settled(F.lit(None).cast(wanted), [not_utf8(path)])
        return F.when(reduce(and_, are_valid, F.lit(True)), of_json(document, wanted, path)).otherwise(broken)
    if isinstance(given, StringType):
        value = filled(value)
    if isinstance(given, FloatType | DoubleType) and isinstance(wanted, StringType):
        value = _text_of(value)
    fits = isinstance(given, AtomicType) and not (isinstance(wanted, DoubleType) and isinstance(given, BooleanType))
    converted = value.try_cast(wanted) if fits else F.lit(None).cast(wanted)
    return settled(converted, [F.when(value.isNotNull() & converted.isNull(), _wrong(path, wanted))])


def _text_of(number: Column) -> Column:
    is_whole = (number == F.floor(number)) & (F.abs(number) < 2.0**53)
    return F.when(is_whole, number.cast("bigint").cast("string")).otherwise(number.cast("string"))


def settled(
    value: Column,
    problems: Sequence[Column] = (),
    *,
    more_problems: Sequence[Column] = (),
    notes: Sequence[Column] = (),
) -> Column:
    """A value with its problems, of which those that are null are none, and its notes.

    Args:
        value: the value.
        problems: sentences.
        more_problems: arrays of sentences.
        notes: arrays of sentences.
    """
    return F.struct(
        value.alias("value"),
        together([sentences(F.array(*problems)) if problems else _none(), *more_problems]).alias("problems"),
        together(notes).alias("notes"),
    )


def together(arrays: Sequence[Column]) -> Column:
    """Arrays of sentences as one; a null is none of them."""
    given = [F.coalesce(one, _none()) for one in arrays]
    return reduce(F.concat, given[1:], given[0]) if given else _none()


def _none() -> Column:
    return F.array().cast("array<string>")


def not_utf8(path: str) -> Column:
    return F.lit(f"{path} is not UTF-8; save the file as UTF-8")


def texts_in(value: Column, kind: DataType) -> list[Column]:
    """The texts in a value, those of a list as one, since a lambda for each message is no generated code."""
    if isinstance(kind, StringType):
        return [value]
    if isinstance(kind, StructType):
        return [text for one in kind.fields for text in texts_in(value[one.name], one.dataType)]
    if isinstance(kind, MapType):
        return [
            *texts_in(F.map_keys(value), ArrayType(kind.keyType)),
            *texts_in(F.map_values(value), ArrayType(kind.valueType)),
        ]
    if not isinstance(kind, ArrayType):
        return []
    element = kind.elementType
    if isinstance(element, StringType):
        return [F.array_join(value, "\n")]  # a line break keeps broken ends apart
    if isinstance(element, StructType):
        return [text for one in element.fields for text in texts_in(value[one.name], ArrayType(one.dataType))]
    return texts_in(F.flatten(value), element) if isinstance(element, ArrayType) else []


def _let(value: Column, body: Callable[[Column], Column]) -> Column:
    """`body(value)`, where the value is computed once however often the body uses it."""
    return F.transform(F.array(value), body)[0]


def _get(value: Column, kind: str, path: str = "$") -> Column:
    return F.try_variant_get(value, path, kind)


def _wrong(path: str, wanted: DataType) -> Column:
    return F.lit(f"{path} has the wrong type; expected {_EXPECTED[wanted.typeName()]}")
