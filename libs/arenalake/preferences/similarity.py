"""How alike judges are by what they prefer: correlation of their weights, and an order that puts like beside like."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

Floats = NDArray[np.float64]


def similarity(weights: Floats) -> Floats:
    """Pearson's r between the weights of each two judges.

    Args:
        weights: of each judge, [judges, p]; NaN for a judge without a fit.

    Returns:
        Symmetric, 1 on the diagonal, [judges, judges]; NaN where a judge has no fit, or weights that are all equal.
    """
    centred = weights - weights.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    length = np.where(length > 0, length, np.nan)
    unit = centred / length[:, None]
    return np.asarray(np.clip(unit @ unit.T, -1.0, 1.0))


def mean_similarity(weights: Mapping[str, Floats]) -> Floats:
    """Similarity of judges over all scenarios: the mean over scenario groups of `similarity` in each.

    Args:
        weights: for each group [judges, p], the judges in the same order in all of them.

    Returns:
        [judges, judges]; NaN for two judges who are not both fitted in every group.

    Source:
        `get_similarity` of the authors' visualization/app.py
    """
    return np.asarray(np.mean([similarity(of_group) for of_group in weights.values()], axis=0))


def hierarchical_order(similarities: Floats) -> NDArray[np.int64]:
    """The places of judges in the order of the leaves of a tree: average linkage of 1 - r, nearest leaves adjacent.

    Args:
        similarities: [judges, judges]; judges whose similarities are NaN come last, in their order.
    """
    is_known = ~np.isnan(similarities)
    inside = np.flatnonzero(is_known.sum(axis=1) == is_known.sum(axis=1).max(initial=0))
    inside = inside[is_known[np.ix_(inside, inside)].all(axis=1)]
    others = np.setdiff1d(np.arange(len(similarities)), inside)
    if len(inside) > 2:
        distances = squareform(1 - similarities[np.ix_(inside, inside)], checks=False)
        inside = inside[leaves_list(linkage(distances, "average", optimal_ordering=True))]
    order: NDArray[np.int64] = np.concatenate([inside, others]).astype(np.int64)
    return order
