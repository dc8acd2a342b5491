"""What names, labels and ids mean, in whatever kind of file they stand."""

import re

from pyspark.sql import Column
from pyspark.sql import functions as F

# What surrounds a name and is no part of it: all that Unicode calls white space, line ends among them, and signs of no
# width, the mark of byte order among them.
_OUTER_CODES = (*range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8208), 8232, 8233, 8239, 8287, 8288, 12288)
_OUTER = "".join(map(chr, (*_OUTER_CODES, 65279)))
# What pandas, Python's json and Spark write for a number that is none.
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")


def filled(text: Column) -> Column:
    """Text without what surrounds it; null where nothing is left, since an empty cell is no value."""
    trimmed = F.trim(text, F.lit(_OUTER))
    return F.when(trimmed != "", trimmed)


def name_of(text: Column) -> Column:
    """A text that names something: a model, a judge, a label, an id.

    White space around it is no part of it. A whole number is the same however it was exported: 81.0 is 81. Blank text,
    NaN and the infinities name nothing: null.
    """
    trimmed = filled(text)
    whole = F.when(F.contains(trimmed, F.lit(".0")), F.regexp_replace(trimmed, r"^(-?\d+)\.0+$", "$1"))
    return F.when(~trimmed.isin(*NO_NUMBERS), F.coalesce(whole, trimmed))


def clean_name(text: str) -> str:
    """What `name_of` makes of a text, for labels of the configuration and headers."""
    return re.sub(r"^(-?[0-9]+)\.0+$", r"\1", text.strip(_OUTER))
