"""Text whose bytes are not UTF-8: where the first such byte is, and the whole as text in which nothing is lost."""

from functools import reduce
from operator import and_

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType

# One character of UTF-8 in a string whose characters are bytes, else one byte that belongs to none.
# Source: the table of well-formed byte sequences in The Unicode Standard, section 3.9.
_CHARACTER = (
    r"[\x00-\x7f]"
    r"|[\xc2-\xdf][\x80-\xbf]"
    r"|\xe0[\xa0-\xbf][\x80-\xbf]"
    r"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xed[\x80-\x9f][\x80-\xbf]"
    r"|\xf0[\x90-\xbf][\x80-\xbf]{2}"
    r"|[\xf1-\xf3][\x80-\xbf]{3}"
    r"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_PIECE = rf"(?s)({_CHARACTER}|.)"
_BYTES = "ISO-8859-1"  # each byte is the character of that number


def escaped(text: Column) -> Column:
    r"""The text with each byte that is not UTF-8 written as in `Ren\xe9`; valid text is left as it is."""
    pieces = F.transform(
        _pieces(text),
        lambda piece: F.when(
            _is_stray(piece), F.concat(F.lit("\\x"), F.lower(F.hex(F.encode(piece, _BYTES))))
        ).otherwise(F.decode(F.encode(piece, _BYTES), "UTF-8")),
    )
    return F.when(F.is_valid_utf8(text), text).otherwise(F.array_join(pieces, ""))


def escaped_in(value: Column, kind: DataType) -> Column:
    """A value of any type, with all texts in it `escaped`."""
    # Nearly every value is valid as a whole, which is found out without a lambda: that would be no generated code.
    return F.when(are_valid_in(value, kind), value).otherwise(_each_escaped(value, kind))


def _each_escaped(value: Column, kind: DataType) -> Column:
    if isinstance(kind, StringType):
        return escaped(value)
    if isinstance(kind, StructType):
        whole = F.struct(*[_each_escaped(value[one.name], one.dataType).alias(one.name) for one in kind.fields])
        return F.when(value.isNotNull(), whole)
    if isinstance(kind, ArrayType):
        return F.transform(value, lambda one: _each_escaped(one, kind.elementType))
    if isinstance(kind, MapType):
        return F.transform_values(value, lambda _, one: _each_escaped(one, kind.valueType))
    return value


def are_valid_in(value: Column, kind: DataType) -> Column:
    """Whether all texts in a value of this type are UTF-8; never null."""
    return reduce(and_, [F.coalesce(F.is_valid_utf8(text), F.lit(True)) for text in texts_in(value, kind)], F.lit(True))


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


def first_stray(where: str, text: Column) -> Column:
    """A sentence with the first byte that is not UTF-8 and its place, from 1; null where there is none."""
    pieces = _pieces(text)
    first = F.array_position(F.transform(pieces, _is_stray), True).cast("int")
    place = F.length(F.array_join(F.slice(pieces, 1, first - 1), "")) + 1
    byte = F.lower(F.hex(F.encode(F.get(pieces, first - 1), _BYTES)))
    told = F.concat(
        F.lit("byte "), place.cast("string"), F.lit(f" of {where} is 0x"), byte, F.lit(", which is not UTF-8")
    )
    return F.when(~F.is_valid_utf8(text), told)


def _pieces(text: Column) -> Column:
    return F.regexp_extract_all(F.decode(text.cast("binary"), _BYTES), F.lit(_PIECE), 1)


def _is_stray(piece: Column) -> Column:
    return (F.length(piece) == 1) & (piece > "\x7f")
