"""Ratings of models from pairwise votes: plain NumPy, and one module (`spread`) that spreads it over Spark tasks."""

from arenalake.ratings.model.expected import expected_ratings

__all__ = ["expected_ratings"]
