"""The language that counts go by."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.entities.language_names import names_by_code

# With a capital it is a name: Ga is a language of Ghana, and ga is the code of Irish.
_CODE = r"^[a-z]{2,3}([-_][A-Za-z0-9]+)*$"


def language_of(published: Column) -> Column:
    """The published language, by its English name where it is a code that CLDR knows; else as it stands."""
    names = F.create_map(*[F.lit(text) for pair in names_by_code().items() for text in pair])
    code = F.when(published.rlike(_CODE), F.regexp_extract(published, "^[a-z]+", 0))
    return F.coalesce(F.try_element_at(names, code), published)


def with_known_language(rows: DataFrame) -> DataFrame:
    """Put the detected language where none was published; a published one stays, even if it is `unknown`.

    Args:
        rows: anything with the columns language and detected_language.

    Returns:
        The same columns.
    """
    return rows.select(
        *[c for c in rows.columns if c != "language"], F.coalesce("language", "detected_language").alias("language")
    )
