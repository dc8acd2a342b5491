"""Times as published files write them: seconds since 1970, ISO 8601 text, or whole nanoseconds since 1970."""

from pyspark.sql import Column
from pyspark.sql import functions as F

# Seconds reach this in the year 5138, milliseconds did in 1973.
_MILLISECONDS = 1e11
# Microseconds reach this in the year 5138, nanoseconds did in 1973.
_NANOSECONDS = 1e17
_DIGITS_OF_A_DATE = r"^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"
_DATE = r"^\d{4}-"


def time_of(value: Column) -> Column:
    """The time that a text or a number says, exact to the microsecond; null for anything else.

    Without a zone it is UTC. Milliseconds and microseconds are refused rather than guessed; 1e17 and more can only be
    nanoseconds. A date without its hyphens is no number, and without a date Spark would put today's.
    """
    text = F.trim(value.cast("string"))
    is_date = text.rlike(_DATE)
    # A decimal keeps the digits that a product of doubles would lose. A date is no number, and a failed cast is slow.
    number = F.when(~is_date & ~text.rlike(_DIGITS_OF_A_DATE), text.try_cast("decimal(28,6)"))
    is_nanoseconds = (number >= _NANOSECONDS) & (number == F.floor(number))
    micros = F.when(F.abs(number) < _MILLISECONDS, number * 1_000_000).when(is_nanoseconds, F.floor(number / 1000))
    return F.coalesce(F.timestamp_micros(micros.try_cast("bigint")), F.when(is_date, text.try_cast("timestamp")))
