"""Corpora in the published formats, made from a seed, with the truth beside them. Nothing downstream may import this."""
