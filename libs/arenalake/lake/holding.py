"""Rows that are used several times and computed once."""

import logging
import threading
from collections.abc import Callable

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

log = logging.getLogger(__name__)


def hold(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and kept by the executors, in memory and on their disks.

    For what is short or slow to plan: rows that are lost with an executor end the job. Where Spark cannot keep rows,
    as on serverless compute, they come back as they are, and every use computes them.
    """
    try:
        return rows.localCheckpoint()
    except (PySparkException, NotImplementedError) as error:
        if not _is_refusal(error):
            raise
        log.debug("rows are not held", extra={"reason": str(error).splitlines()[0]})
        return rows


def held_once(build: Callable[..., DataFrame]) -> Callable[..., DataFrame]:
    """A function that gives `build(*inputs)` of its first call, held, at every call and in every thread."""
    held: list[DataFrame] = []
    lock = threading.Lock()

    def rows(*inputs: DataFrame) -> DataFrame:
        with lock:
            if not held:
                held.append(hold(build(*inputs)))
            return held[0]

    return rows


def _is_refusal(error: Exception) -> bool:
    """Whether Spark does not offer this here, rather than failed at it."""
    text = str(error)
    return isinstance(error, NotImplementedError) or "NOT_SUPPORTED" in text or "NOT_IMPLEMENTED" in text
