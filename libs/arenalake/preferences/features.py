"""Pairs as rows of signs: for each property which of two responses has more of it, by the rules of the authors' code.

Source: GAIR-NLP/Preference-Dissection, annotation_codes/resolve_collected_data.py
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from arenalake.entities.properties import LENGTHY, PROPERTIES, SEVERITIES, column_of

RELEVANT = "relevant"
# How long a response must be at least to be longer than one of 0, 1, … 11 words.
_LONGER_THAN_FEW = np.array([1, 3, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19])
# A longer response is shorter by this share, and by so many words.
_LONGER = ((0.7, 10), (0.8, 20), (0.9, 40))


def signs_of(pairs: pl.DataFrame) -> pl.DataFrame:
    """The difference of two responses in each property as a sign.

    Args:
        pairs: properties_a and properties_b as in `preference_pairs`.

    Returns:
        A column of -1, 0 and 1 (Int8) for each of `PROPERTIES`, in their order: 1 where response 1 has more of it, and
        for errors, where it has fewer. Relevance counts as something or nothing. Where one of the two has no value
        there is no difference, as the authors count it.
    """
    return pairs.select(
        [
            _sign(name, *[pl.col(f"properties_{side}").struct.field(column_of(name)) for side in ("a", "b")])
            for name in PROPERTIES
        ]
    )


def are_fitted(pairs: pl.DataFrame) -> pl.Series:
    """Whether a pair is part of the fits: the errors of both responses could be told."""
    errors = column_of(next(iter(SEVERITIES.values())))
    both = [pl.col(f"properties_{side}").struct.field(errors).is_not_null() for side in ("a", "b")]
    return pairs.select(is_fitted=both[0] & both[1])["is_fitted"]


def _sign(name: str, a: pl.Expr, b: pl.Expr) -> pl.Expr:
    if name == LENGTHY:
        return pl.map_batches([a, b], _longer, return_dtype=pl.Int8).alias(name)
    if name == RELEVANT:
        a, b = (a > 0).cast(pl.Int8), (b > 0).cast(pl.Int8)
    if name in SEVERITIES.values():
        a, b = b, a
    return (a - b).sign().cast(pl.Int8).fill_null(0).alias(name)


def _longer(words: Sequence[pl.Series]) -> pl.Series:
    a, b = words
    return pl.Series(a.name, compare_lengths(a.to_numpy(), b.to_numpy()), pl.Int8)


def compare_lengths(words_a: NDArray[np.float64], words_b: NDArray[np.float64]) -> NDArray[np.int8]:
    """1 where the first response is clearly longer, -1 where the second is, else 0.

    Args:
        words_a, words_b: numbers of words, [n].
    """
    short, long = np.minimum(words_a, words_b), np.maximum(words_a, words_b)
    few = _LONGER_THAN_FEW[np.minimum(short, len(_LONGER_THAN_FEW) - 1).astype(int)]
    by_share = np.any([(short <= share * long) & (long - short >= words) for share, words in _LONGER], axis=0)
    is_longer = np.where(short < len(_LONGER_THAN_FEW), long >= few, by_share)
    signs: NDArray[np.int8] = (np.sign(words_a - words_b) * is_longer).astype(np.int8)
    return signs
