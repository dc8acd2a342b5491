"""What names, labels and ids mean, in whatever kind of file they stand."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from arenalake.labels import LARGE, NO_NUMBERS, OUTER, WHOLE, clean_name

__all__ = [
    "FALSE_TEXTS",
    "TRUE_TEXTS",
    "clean_name",
    "filled",
    "filled_name",
    "is_no_number",
    "name_of",
    "whole_text",
]

# The signs of ASCII that are seen.
_VISIBLE = (33, 126)
# What a truth value is written as, in small letters.
TRUE_TEXTS = ("true", "1", "1.0", "t", "yes", "y")
FALSE_TEXTS = ("false", "0", "0.0", "f", "no", "n")


def filled(text: Column) -> Column:
    """Text without what surrounds it; null where nothing is left, since an empty cell is no value."""
    return F.nullif(F.btrim(text, F.lit(OUTER)), F.lit(""))


def filled_name(text: Column) -> Column:
    """The same for a column that is most often a name: so many signs take longer than all else that is done to one."""
    is_filled = F.ascii(text).between(*_VISIBLE) & F.ascii(F.right(text, F.lit(1))).between(*_VISIBLE)
    return F.when(is_filled, text).otherwise(filled(text))


def name_of(filled: Column, *, is_language: bool = False) -> Column:
    """A text that names something: a model, a judge, a label, an id.

    White space around it is no part of it. A whole number is the same however it was exported: 81.0 is 81, and so is
    8.1e+01, up to 2^63. Blank text, NaN and the infinities, in capitals or not, name nothing: null.

    Args:
        filled: the text as `filled_name` gives it.
        is_language: `nan` names something: it is the code of Southern Min.
    """
    is_large = F.ascii(filled).between(ord("-"), ord("9")) & filled.rlike(LARGE)
    as_number = F.when(is_large, whole_text(filled.try_cast("double")))
    whole = F.when(F.contains(filled, F.lit(".0")), F.regexp_replace(filled, WHOLE, "$1"))
    is_none = is_no_number(filled)
    if is_language:
        is_none &= filled != "nan"
    name = F.coalesce(as_number, whole, filled)
    return F.when(~is_none, F.when(name == "-0", "0").otherwise(name))


def is_no_number(text: Column) -> Column:
    """Whether it is what a number that is none is written as."""
    return F.lower(text).isin(*NO_NUMBERS)


def whole_text(number: Column) -> Column:
    """A whole number below 2^63 in size without point and exponent; null for any other."""
    is_whole = (number == F.floor(number)) & (F.abs(number) < 2.0**63)
    return F.when(is_whole, number.cast("bigint").cast("string"))
