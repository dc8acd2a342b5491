"""Rows that are computed once: what is kept, what is refused, what fails."""

import pytest
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F

from arenalake.lake.holding import held_once, hold


class _Rows:
    """Rows of a Spark that answers so when it is asked to keep them."""

    def __init__(self, error):
        self.error = error

    def localCheckpoint(self):  # noqa: N802
        raise self.error


def test_held_rows_are_the_same_at_every_use(spark):
    drawn = spark.range(100).select("id", F.uuid().alias("drawn"))
    held = hold(drawn.repartition(3))
    assert held.collect() == held.collect()
    assert held.orderBy("drawn").first() == held.orderBy("drawn").first()


@pytest.mark.parametrize(
    "error",
    [
        AnalysisException("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported on serverless compute."),
        NotImplementedError("localCheckpoint() is not implemented."),
    ],
)
def test_where_spark_keeps_no_rows_they_come_back_as_they_are(error):
    rows = _Rows(error)
    assert hold(rows) is rows


def test_what_fails_while_rows_are_computed_is_no_refusal(spark):
    with pytest.raises(PySparkException, match="DIVIDE_BY_ZERO"):
        hold(spark.range(1).select((F.lit(1) / F.col("id")).alias("x")))


def test_rows_that_are_held_once_are_built_and_computed_once(spark):
    built = []

    def build(rows):
        built.append(rows)
        return rows.select("id", F.uuid().alias("drawn"))

    drawn = held_once(build)
    assert not built
    first = drawn(spark.range(100).repartition(3)).collect()
    assert drawn(spark.range(100)).collect() == first
    assert len(built) == 1
