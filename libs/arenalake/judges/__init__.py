"""Judges: who agrees with whom, who leans to what, and the rankings that each gives."""
