"""Rows that are used several times and computed once."""

import logging

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

log = logging.getLogger(__name__)


def hold(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and kept by the executors, in memory and on their disks.

    For what is short or slow to compute: rows that are lost with an executor end the job. Where Spark cannot keep rows,
    as on serverless compute, they come back as they are, and every use computes them.
    """
    try:
        return rows.localCheckpoint()
    except (PySparkException, NotImplementedError) as error:
        if not _is_refusal(error):
            raise
        log.debug("rows are not held", extra={"reason": str(error).splitlines()[0]})
        return rows


def _is_refusal(error: Exception) -> bool:
    """Whether Spark does not offer this here, rather than failed at it."""
    text = str(error)
    return isinstance(error, NotImplementedError) or "NOT_SUPPORTED" in text or "NOT_IMPLEMENTED" in text
