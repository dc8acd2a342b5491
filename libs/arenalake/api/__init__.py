"""Ratings from a table in memory, in one call: no Spark, no Java and no lake, unless the table is Spark's."""

from arenalake.api.rating import rate
from arenalake.api.result import Ratings

__all__ = ["Ratings", "rate"]
