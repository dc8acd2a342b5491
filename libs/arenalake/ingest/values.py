"""Values of raw records in their declared types, whatever kind of file they come from.

A value is null where it is missing or has another type; the latter is a problem, told by the path of the value. What is
there and has no place in the tables is a note: it is counted and named, and the record is kept.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import cast

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    AtomicType,
    BooleanType,
    DataType,
    DoubleType,
    FloatType,
    StringType,
    StructField,
    StructType,
    VariantType,
)

from arenalake.entities.moderation import CATEGORIES, spellings_of
from arenalake.ingest.utf8 import are_valid_in, texts_in
from arenalake.sources.names import FALSE_TEXTS, TRUE_TEXTS, filled, is_no_number, whole_text
from arenalake.sources.source import sentences

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
# What Java takes for a number, and with it Spark, and nobody else: 3d, 0x1p-1.
_JAVA_NUMBER = r"^[+-]?0[xX]|[0-9.][dDfF]$"
# The field of a message that is a text, or a list of its parts.
_CONTENT = "content"


def type_of(ddl: str) -> DataType:
    """A type from its name in SQL."""
    return cast(StructType, StructType.fromDDL(f"value {ddl}")).fields[0].dataType


def of_json(value: Column, wanted: DataType, path: str, *, text: Column | None = None) -> Column:
    """A value of a JSON document as text, double, boolean, or lists and objects of these.

    Numbers and truth values are text where text is wanted, and text is read as a number or a truth value where one is:
    the same in every kind of file. The text of a message may come in parts, as a list of texts and of objects with
    `type` and `text`: texts are joined by line breaks.

    Args:
        value: a variant.
        wanted: the type.
        path: what the value is called in problems and notes.
        text: the value as text, where it is computed already; `filled` if it is to be a number or a truth value.

    Returns:
        For lists and objects, struct<value, problems: array<string>, notes: array<string>>; for anything else,
        struct<value, problem: string>, which is less to compute. The problem is null where there is none.
    """
    if isinstance(wanted, AtomicType):
        if text is None:
            text = _get(value, "string")
            text = text if isinstance(wanted, StringType) else filled(text)
        return _one_of_json(value, wanted, path, text)
    if isinstance(wanted, ArrayType):
        return _list_of_json(value, wanted, path)
    return _object_of_json(value, cast(StructType, wanted), path)


def is_as_wanted(value: Column, wanted: DataType) -> Column:
    """Whether all in a list or an object of JSON is of the types that are wanted, and its keys are known."""
    return F.coalesce(F.schema_of_variant(value).rlike(f"^{_pattern(wanted)}$"), F.lit(True))


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


def _one_of_json(value: Column, wanted: DataType, path: str, text: Column) -> Column:
    if not isinstance(wanted, StringType):
        return of_column(text, StringType(), wanted, path)
    # Nearly no text starts like this, so the type is nearly never asked for.
    kind, first = F.schema_of_variant(value), F.ascii(text)
    is_nested = first.isin(ord("["), ord("{")) & kind.rlike(_NESTED)
    # A number of more than 38 digits.
    is_double = first.between(ord("-"), ord("9")) & F.contains(text, F.lit("E")) & (kind == "DOUBLE")
    is_rounded = is_double & _is_rounded(_get(value, "double"))
    problem = F.when(is_nested, wrong_type(path, wanted)).when(is_rounded, _rounded(path, text))
    return one(text, problem)  # the text although it is wrong, so that it is not said to be missing as well


def _list_of_json(value: Column, wanted: ArrayType, path: str) -> Column:
    def whole(elements: Column) -> Column:
        is_other = elements.isNull() & (F.schema_of_variant(value) != "VOID")
        problems, notes = [elements["problem"]], []
        if not isinstance(wanted.elementType, AtomicType):
            problems = [F.flatten(elements["problems"])]
            notes = [F.array_distinct(F.flatten(elements["notes"]))]
        return settled(
            elements["value"], [F.when(is_other, wrong_type(path, wanted))], more_problems=problems, notes=notes
        )

    elements = F.transform(_get(value, "array<variant>"), lambda one: of_json(one, wanted.elementType, f"{path}[]"))
    return _let(elements, whole)


def _object_of_json(value: Column, wanted: StructType, path: str) -> Column:
    """An object; keys that `wanted` lacks are not looked at, but for moderation categories that are flagged.

    A key with dashes or slashes is known by its spelling with underscores as well.
    """
    are_categories = set(wanted.names) == set(CATEGORIES)
    respelled = [name for name in wanted.names if len(spellings_of(name)) > 1]
    members = _get(value, "map<string,variant>")

    def whole(members: Column) -> Column:
        given = {name: members[name] for name in wanted.names}
        for name in respelled:
            given[name] = F.coalesce(*[_or_null(members[key]) for key in spellings_of(name)])
        read = F.struct(*[_member_of_json(given[one.name], one, path).alias(one.name) for one in wanted.fields])
        return _let(read, lambda read: put_together(members, read))

    def put_together(members: Column, read: Column) -> Column:
        is_other = members.isNull() & (F.schema_of_variant(value) != "VOID")
        plain = [one.name for one in wanted.fields if _is_plain(one)]
        others = [name for name in wanted.names if name not in plain]
        return settled(
            F.when(members.isNotNull(), F.struct(*[read[name]["value"].alias(name) for name in wanted.names])),
            [F.when(is_other, wrong_type(path, wanted)), *[read[name]["problem"] for name in plain]],
            more_problems=[
                *([_contradictions(members, respelled, path)] if respelled else []),
                *[read[name]["problems"] for name in others],
            ],
            notes=[
                *([_unknown_categories(members, path)] if are_categories else []),
                *[read[name]["notes"] for name in others],
            ],
        )

    return _let(members, whole)


def _is_plain(member: StructField) -> bool:
    """Whether the member of an object is read without looking into it."""
    return isinstance(member.dataType, AtomicType) and member.name != _CONTENT


def _member_of_json(value: Column, member: StructField, path: str) -> Column:
    path = f"{path}.{member.name}"
    if member.name != _CONTENT or not isinstance(member.dataType, StringType):
        return of_json(value, member.dataType, path)
    kind = F.schema_of_variant(value)
    is_text = kind.isin("STRING", "VOID")
    # A number would be a text that nobody wrote.
    text = settled(_get(value, "string"), [F.when(~is_text, wrong_type(path, member.dataType))])
    return F.when(kind.startswith("ARRAY"), _text_of_parts(value, path)).otherwise(text)


def _text_of_parts(value: Column, path: str) -> Column:
    def is_text(part: Column) -> Column:
        return F.schema_of_variant(part) == "STRING"

    def text_in(part: Column) -> Column:
        return F.when(is_text(_get(part, "variant", "$.text")), _get(part, "string", "$.text"))

    parts = F.transform(
        _get(value, "array<variant>"),
        lambda part: F.struct(
            F.when(is_text(part), "text").otherwise(_get(part, "string", "$.type")).alias("kind"),
            F.when(is_text(part), _get(part, "string")).otherwise(text_in(part)).alias("text"),
        ),
    )

    def whole(parts: Column) -> Column:
        texts = F.filter(parts, lambda part: part["kind"] == "text")["text"]
        others = F.array_distinct(F.filter(parts["kind"], lambda kind: kind != "text"))
        is_other = F.exists(parts["kind"], F.isnull) | F.exists(texts, F.isnull)
        told = F.transform(
            others, lambda kind: F.concat(F.lit(f"{path} has parts of type "), kind, F.lit(", not kept"))
        )
        return settled(F.array_join(texts, "\n"), [F.when(is_other, wrong_type(path, StringType()))], notes=[told])

    return _let(parts, whole)


def _contradictions(members: Column, names: Sequence[str], path: str) -> Column:
    """Sentences on keys that stand there in several spellings with different values."""
    told = []
    for name in names:
        spelled = F.array(*[_get(members[key], "string") for key in spellings_of(name)])
        differ = F.size(F.array_distinct(F.array_compact(spelled))) > 1
        told.append(F.when(differ, f"{path}: {name} occurs in several spellings, with different values"))
    return sentences(F.array(*told))


def _unknown_categories(members: Column, path: str) -> Column:
    known = [key for category in CATEGORIES for key in spellings_of(category)]
    unknown = F.filter(F.map_keys(members), lambda key: ~key.isin(known) & (_get(members[key], "string") == "true"))
    return F.transform(unknown, lambda key: F.concat(F.lit(f"{path}: "), key, F.lit(" is flagged and has no column")))


def of_column(value: Column, given: DataType, wanted: DataType, path: str) -> Column:
    """A column of a table as `wanted`; lists and objects of another type are converted by the rules of `of_json`.

    Args:
        value: the column; a text that is no text in the tables has to be `filled` before.
        given: its type in the file.
        wanted: the type.
        path: what the value is called in problems and notes.

    Returns:
        As `of_json`.
    """
    if given.simpleString() == wanted.simpleString():
        strays = [F.when(~F.is_valid_utf8(text), not_utf8(path)) for text in texts_in(value, given)]
        return one(value, *strays) if isinstance(wanted, AtomicType) else settled(value, strays)
    if not isinstance(wanted, AtomicType):
        # A cast between structs goes by position; by way of JSON it goes by name, and a missing key is null.
        text = F.to_json(F.struct(value.alias("v")))
        document = F.from_json(text, StructType([StructField("v", VariantType())]))["v"]
        broken = settled(F.lit(None).cast(wanted), [not_utf8(path)])
        usual = F.from_json(text, StructType([StructField("v", wanted)]))["v"]
        read = F.when(is_as_wanted(document, wanted), settled(usual)).otherwise(of_json(document, wanted, path))
        return F.when(are_valid_in(value, given), read).otherwise(broken)
    if not isinstance(given, AtomicType) or (isinstance(wanted, DoubleType) and isinstance(given, BooleanType)):
        return one(F.lit(None).cast(wanted), F.when(value.isNotNull(), wrong_type(path, wanted)))
    problem = F.lit(None).cast("string")
    if isinstance(given, FloatType | DoubleType) and not isinstance(wanted, DoubleType):
        problem = F.when(_is_rounded(value), _rounded(path, value.cast("string")))
        value = F.when(problem.isNull(), F.coalesce(whole_text(value), value.cast("string")))
    if isinstance(wanted, BooleanType):  # as text, since Spark takes any number but 0 for true, and even NaN
        value, converted = _truth_of(value.cast("string"))
    else:
        converted = value.try_cast(wanted)
        if isinstance(given, StringType):
            converted = F.when(~value.rlike(_JAVA_NUMBER), converted)
    return one(converted, F.coalesce(problem, F.when(value.isNotNull() & converted.isNull(), wrong_type(path, wanted))))


def as_json(value: Column, given: DataType, wanted: DataType, path: str) -> Column:
    """A column of a table as JSON text, whatever lists and objects it holds; a text is taken for JSON as it stands.

    Args, Returns:
        As `of_column`, of a text.
    """
    if isinstance(given, AtomicType):
        return of_column(value, given, wanted, path)
    strays = [F.when(~F.is_valid_utf8(text), not_utf8(path)) for text in texts_in(value, given)]
    return one(F.to_json(value), F.coalesce(*strays) if strays else None)


def _truth_of(text: Column) -> tuple[Column, Column]:
    """What a text says, null where it says nothing, and the truth value that it stands for."""
    given = F.when(~is_no_number(text), F.lower(text))
    return given, F.when(given.isin(*TRUE_TEXTS), True).when(given.isin(*FALSE_TEXTS), False)


def one(value: Column, problem: Column | None = None) -> Column:
    """A value that is neither list nor object, with its problem, which is null where there is none."""
    told = F.lit(None) if problem is None else problem
    return F.struct(value.alias("value"), told.cast("string").alias("problem"))


def settled(
    value: Column,
    problems: Sequence[Column] = (),
    *,
    more_problems: Sequence[Column] = (),
    notes: Sequence[Column] = (),
) -> Column:
    """A list or an object with its problems, of which those that are null are none, and its notes.

    Args:
        value: the list or object.
        problems: sentences.
        more_problems: arrays of sentences.
        notes: arrays of sentences.
    """
    return F.struct(
        value.alias("value"),
        sentences(together([F.array(*problems) if problems else _none(), *more_problems])).alias("problems"),
        together(notes).alias("notes"),
    )


def together(arrays: Sequence[Column]) -> Column:
    """Arrays of sentences as one; a null is none of them."""
    given = [F.coalesce(one, _none()) for one in arrays]
    return reduce(F.concat, given[1:], given[0]) if given else _none()


def _none() -> Column:
    return F.array().cast("array<string>")


def wrong_type(path: str, wanted: DataType) -> Column:
    """The problem of a value that has another type."""
    return F.lit(f"{path} has the wrong type; expected {_EXPECTED[wanted.typeName()]}")


def not_utf8(path: str) -> Column:
    """The problem of a text with bytes that are not UTF-8."""
    return F.lit(f"{path} is not UTF-8; save the file as UTF-8")


def _or_null(value: Column) -> Column:
    """A variant; null where it says null."""
    return F.when(~F.is_variant_null(value), value)


def _let(value: Column, body: Callable[[Column], Column]) -> Column:
    """`body(value)`, where the value is computed once however often the body uses it."""
    return F.transform(F.array(value), body)[0]


def _get(value: Column, kind: str, path: str = "$") -> Column:
    return F.try_variant_get(value, path, kind)


def _is_rounded(number: Column) -> Column:
    """Whether different whole numbers became this one. Nothing that was written as such, times in nanoseconds too."""
    return F.abs(number).between(2.0**63, sys.float_info.max)


def _rounded(path: str, text: Column) -> Column:
    return F.concat(F.lit(f"{path} is "), text, F.lit(", too large to be exact; write it in quotes"))


def with_columns(df: DataFrame, columns: Mapping[str, Column]) -> DataFrame:
    """The same with these columns, if there are any: Spark Connect fails where there are none."""
    return df.withColumns(dict(columns)) if columns else df
