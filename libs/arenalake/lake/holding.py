"""Rows that are used several times and computed once."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

log = logging.getLogger(__name__)


def hold(rows: DataFrame) -> DataFrame:
    """The same rows, computed now and kept by the executors, in memory and on their disks.

    For what is short or slow to plan: rows that are lost with an executor end the job. Where Spark cannot keep rows,
    as on serverless compute, they come back as they are, and every use computes them.
    """
    return _unless_refused(rows, lambda: rows.localCheckpoint())


@contextmanager
def shared(build: Callable[..., DataFrame]) -> Iterator[Callable[..., DataFrame]]:
    """Rows that several threads use: computed once, kept by the executors, and computed anew where one is lost.

    Where Spark cannot keep rows, every use computes them.

    Args:
        build: makes the rows from what the first call is given; later calls are given the same.

    Yields:
        A function that gives the rows; they are dropped at the end of the block.
    """
    kept: list[DataFrame] = []
    lock = threading.Lock()

    def rows(*inputs: DataFrame) -> DataFrame:
        with lock:
            if not kept:
                built = build(*inputs)
                kept.append(_unless_refused(built, built.persist))
            return kept[0]

    try:
        yield rows
    finally:
        for some in kept:
            if some.is_cached:
                some.unpersist()


def _unless_refused(rows: DataFrame, keep: Callable[[], DataFrame]) -> DataFrame:
    try:
        return keep()
    except (PySparkException, NotImplementedError) as error:
        if not _is_refusal(error):
            raise
        log.debug("rows are not kept", extra={"reason": str(error).splitlines()[0]})
        return rows


def _is_refusal(error: Exception) -> bool:
    """Whether Spark does not offer this here, rather than failed at it."""
    text = str(error)
    return isinstance(error, NotImplementedError) or "NOT_SUPPORTED" in text or "NOT_IMPLEMENTED" in text
