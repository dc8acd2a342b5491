"""Ratings as arithmetic on arrays: no Spark."""
