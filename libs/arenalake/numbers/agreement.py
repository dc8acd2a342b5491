"""How far judges agree: measures out of sums that add up over items, so that a bootstrap only adds them up anew.

Outcomes are numbered along a scale, such as 0 (the first wins), 1 (tie), 2 (the second wins); K is how many there are.
All functions take leading axes, such as rounds of a bootstrap. What cannot be computed is NaN: where nothing was
compared, and kappa and alpha where all votes are the same, so that chance alone leaves nothing to disagree about.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Level = Literal["nominal", "ordinal"]


def vote_pairs(first: Floats, second: Floats) -> Floats:
    """Pairs of votes of two groups on each item, by outcome.

    Args:
        first, second: votes by outcome of either group, [..., K].

    Returns:
        [..., K, K]: rows are the first group's outcomes.
    """
    return first[..., :, None] * second[..., None, :]


def vote_pairs_within(votes: Floats) -> Floats:
    """Pairs of different votes of one group on each item, by outcome and in both orders, [..., K, K]."""
    pairs = vote_pairs(votes, votes)
    outcomes = np.arange(votes.shape[-1])
    pairs[..., outcomes, outcomes] -= votes
    return pairs


def majority_agreement(votes: Floats, majority: Floats, *, tie: int | None) -> tuple[Floats, Floats]:
    """How many votes agree with the majority of a group, and how many are compared with one.

    Outcomes that share the top are split evenly: each of m agrees by 1/m.

    Args:
        votes: votes by outcome, [..., K].
        majority: votes by outcome of the group whose majority counts, [..., K].
        tie: the outcome that is left out; None keeps all. Then votes for it are not compared, and neither is an item
            where it alone is the top; where it shares the top, the others share the item.

    Returns:
        Votes that agree and votes compared, both [...]; 0 where the group has no votes.

    Source: Zheng et al. 2023, arXiv:2306.05685, appendix D.3.
    """
    most = majority.max(axis=-1, keepdims=True)
    is_top = (majority == most) & (most > 0)
    compared = votes
    if tie is not None:
        is_kept = np.arange(votes.shape[-1]) != tie
        is_top, compared = is_top & is_kept, votes * is_kept
    n_tops = is_top.sum(axis=-1)
    agreeing = (compared * is_top).sum(axis=-1) / np.maximum(n_tops, 1)
    return agreeing, compared.sum(axis=-1) * (n_tops > 0)


def observed_agreement(pairs: Floats) -> Floats:
    """Share of pairs of votes that are equal, [...], of pairs by outcome [..., K, K]."""
    return ratio(np.trace(pairs, axis1=-2, axis2=-1), pairs.sum(axis=(-2, -1)))


def chance_agreement(pairs: Floats) -> Floats:
    """Share of equal pairs if both voted independently, each with the shares they have in these pairs, [...]."""
    total = pairs.sum(axis=(-2, -1))
    return ratio((pairs.sum(axis=-1) * pairs.sum(axis=-2)).sum(axis=-1), total * total)


def cohen_kappa(pairs: Floats) -> Floats:
    """Cohen's kappa of pairs of votes by outcome [..., K, K], [...].

    For two judges with one vote each on an item it is the textbook's. Of two groups every pair of votes counts once; of
    one group pairs count in both orders, which for two judges is Scott's pi.

    Source: Cohen 1960, doi:10.1177/001316446002000104.
    """
    chance = chance_agreement(pairs)
    return ratio(observed_agreement(pairs) - chance, 1 - chance)


def fleiss_parts(votes: Floats) -> tuple[Floats, Floats, Floats]:
    """What Fleiss' kappa adds up over items: shares of equal pairs, items with two votes or more, and their votes.

    Args:
        votes: votes by outcome, [..., K].

    Returns:
        [...], [...] and [..., K]; 0 for items with fewer than two votes.
    """
    n = votes.sum(axis=-1)
    is_item = n > 1
    equal = (votes * (votes - 1)).sum(axis=-1)
    shares = equal / np.maximum(n * (n - 1), 1) * is_item
    return shares, is_item.astype(np.float64), votes * is_item[..., None]


def fleiss_kappa(equal: Floats, items: Floats, votes: Floats) -> Floats:
    """Fleiss' kappa from sums of `fleiss_parts` over items, [...]; items may differ in their number of votes.

    An item counts once, however many votes it has; chance comes from the shares of all votes.

    Source: Fleiss 1971, doi:10.1037/h0031619.
    """
    shares = ratio(votes, votes.sum(axis=-1, keepdims=True))
    chance = (shares**2).sum(axis=-1)
    return ratio(ratio(equal, items) - chance, 1 - chance)


def coincidences(votes: Floats) -> Floats:
    """Krippendorff's coincidences of each item: ordered pairs of its votes over the number of votes less one.

    Args:
        votes: votes by outcome, [..., K].

    Returns:
        [..., K, K], which add up over items; 0 for items with fewer than two votes.
    """
    n = votes.sum(axis=-1)
    weight = np.where(n > 1, 1 / np.maximum(n - 1, 1), 0.0)
    coinciding: Floats = vote_pairs_within(votes) * weight[..., None, None]
    return coinciding


def krippendorff_alpha(coinciding: Floats, level: Level = "nominal") -> Floats:
    """Krippendorff's alpha from sums of `coincidences` over items, [...].

    Args:
        coinciding: [..., K, K].
        level: `nominal`: outcomes are equal or not; `ordinal`: they are in order, and votes apart by more of all other
            votes differ by more.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
    """
    n_by_outcome = coinciding.sum(axis=-1)
    total = n_by_outcome.sum(axis=-1)
    distance = _squared_distances(n_by_outcome, level)
    observed = (coinciding * distance).sum(axis=(-2, -1))
    expected = (vote_pairs(n_by_outcome, n_by_outcome) * distance).sum(axis=(-2, -1))
    return 1 - ratio((total - 1) * observed, expected)


def _squared_distances(n_by_outcome: Floats, level: Level) -> Floats:
    outcomes = n_by_outcome.shape[-1]
    if level == "nominal":
        return 1 - np.eye(outcomes)
    # Between the middles of two outcomes on the scale of ranks.
    middle = np.cumsum(n_by_outcome, axis=-1) - n_by_outcome / 2
    squared: Floats = (middle[..., :, None] - middle[..., None, :]) ** 2
    return squared


def correlation(n: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats) -> Floats:
    """Pearson's correlation from sums over items, [...]; NaN where one side does not vary."""
    variances = (n * xx - x * x) * (n * yy - y * y)
    # What is zero on paper comes out as a rounding error of the subtraction.
    is_zero = variances <= 1e-20 * (n * xx) * (n * yy)
    return ratio(n * xy - x * y, np.sqrt(np.where(is_zero, 0.0, variances)))


def ratio(part: Floats, whole: Floats) -> Floats:
    """The quotient; NaN where the whole is 0."""
    is_something = whole != 0
    ratio: Floats = np.where(is_something, part / np.where(is_something, whole, 1.0), np.nan)
    return ratio
