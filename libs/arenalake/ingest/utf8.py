"""Text whose bytes are not UTF-8: where the first such byte is, and the whole as text in which nothing is lost."""

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
    if isinstance(kind, StringType):
        return escaped(value)
    if isinstance(kind, StructType):
        whole = F.struct(*[escaped_in(value[one.name], one.dataType).alias(one.name) for one in kind.fields])
        return F.when(value.isNotNull(), whole)
    if isinstance(kind, ArrayType):
        return F.transform(value, lambda one: escaped_in(one, kind.elementType))
    if isinstance(kind, MapType):
        return F.transform_values(value, lambda _, one: escaped_in(one, kind.valueType))
    return value


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
