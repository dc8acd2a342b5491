"""Votes between two models: which are rated, and what they say before any rating."""
