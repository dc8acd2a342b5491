"""arenalake: conversation and preference corpora for language models, counted once on Spark, kept in Delta tables."""

__version__ = "0.1.0"
