"""Moderation results with the published flag rates, and scores of a plausible spread."""

import numpy as np
import pyarrow as pa

from arenalake.entities.moderation import CATEGORIES
from arenalake.samples.draws import Bools, Floats, Ints, choose

# Flagged conversations of the published million by the set of their main categories. The sums by category are the
# published ones (sexual 33,968, harassment 21,167, violence 9,499, hate 3,591, self-harm 863; 54,427 in all); how
# they overlap is not published.
CATEGORY_SETS = {
    ("sexual",): 26_407,
    ("harassment",): 7_806,
    ("harassment", "sexual"): 6_261,
    ("harassment", "violence"): 4_200,
    ("violence",): 3_999,
    ("harassment", "hate"): 2_900,
    ("sexual", "violence"): 1_300,
    ("self-harm",): 863,
    ("hate",): 691,
}
# How often a sub-category is flagged together with its main category.
_SUB_SHARES = {
    "harassment/threatening": 0.15,
    "hate/threatening": 0.10,
    "self-harm/instructions": 0.20,
    "self-harm/intent": 0.50,
    "sexual/minors": 0.05,
    "violence/graphic": 0.08,
}
# Common logarithm of the median score of a harmless text.
_MEDIANS = {
    "harassment": -4.2,
    "harassment/threatening": -5.8,
    "hate": -4.8,
    "hate/threatening": -7.0,
    "self-harm": -6.2,
    "self-harm/instructions": -7.2,
    "self-harm/intent": -6.9,
    "sexual": -4.4,
    "sexual/minors": -5.9,
    "violence": -4.7,
    "violence/graphic": -5.8,
}
_THRESHOLD = 0.5
_HIGHEST_UNFLAGGED = np.log10(0.45)

_SETS = np.array([[category in group for category in CATEGORIES] for group in CATEGORY_SETS])
_SET_SHARES = np.array(list(CATEGORY_SETS.values()), dtype=np.float64)
_PARENT = np.array([CATEGORIES.index(category.split("/")[0]) for category in CATEGORIES])
_SUB_SHARE = np.array([_SUB_SHARES.get(category, 0.0) for category in CATEGORIES])
_LOG_MEDIAN = np.array([_MEDIANS[category] for category in CATEGORIES], dtype=np.float32)


def draw_category_sets(rng: np.random.Generator, size: int) -> Ints:
    """For each of `size` conversations, which of `CATEGORY_SETS` it would be flagged with."""
    return choose(rng, _SET_SHARES, size)


def draw_moderation(rng: np.random.Generator, flagged: Bools, category_set: Ints) -> pa.StructArray:
    """One published moderation result per entry: categories, their scores, and `flagged`.

    Args:
        flagged: whether the text is flagged.
        category_set: with which of `CATEGORY_SETS`, where it is.
    """
    categories = _SETS[category_set] & flagged[:, None]
    subs = categories[:, _PARENT] & (rng.random((len(flagged), len(CATEGORIES)), dtype=np.float32) < _SUB_SHARE)
    categories |= subs
    scores = _draw_scores(rng, categories)
    return pa.StructArray.from_arrays(
        [_struct(categories), _struct(scores), pa.array(flagged)], ["categories", "category_scores", "flagged"]
    )


def _draw_scores(rng: np.random.Generator, categories: Bools) -> Floats:
    """Log-normal scores below the threshold, and high ones where the category is flagged."""
    logs = _LOG_MEDIAN + np.float32(0.9) * rng.standard_normal(categories.shape, dtype=np.float32)
    logs[categories.any(axis=1)] += np.float32(1.2)
    logs = np.where(logs > _HIGHEST_UNFLAGGED, 2 * _HIGHEST_UNFLAGGED - logs, logs)
    scores = np.power(10, logs, dtype=np.float32)
    scores[categories] = 1 - (1 - _THRESHOLD) * rng.random(int(categories.sum()), dtype=np.float32) ** 2 * 0.9999
    result: Floats = scores.astype(np.float64)
    return result


def _struct(columns: Floats | Bools) -> pa.StructArray:
    arrays = [pa.array(np.ascontiguousarray(columns[:, index])) for index in range(len(CATEGORIES))]
    return pa.StructArray.from_arrays(arrays, list(CATEGORIES))
