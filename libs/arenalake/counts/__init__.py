"""Counts that add up: keys and a number of rows, from which statistics are computed."""
