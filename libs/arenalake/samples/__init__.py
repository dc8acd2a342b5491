"""Corpora in the published formats, made from a seed, with the truth beside them; nothing downstream imports this."""
