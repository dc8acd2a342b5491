"""Arithmetic that several subjects share, on frames in memory: no Spark."""
